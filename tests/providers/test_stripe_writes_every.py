"""Writes to every collection that takes them, over real HTTP against the stand-in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fakes import every
from fakes.stripe import StripeFake, table
from providers.reading import Reader

from pgsluice.providers.base import Change, Credential, Hint, Write, Written
from pgsluice.providers.errors import Refused4xx, UnknownCollection
from pgsluice.providers.stripe import KIND, Stripe
from pgsluice.providers.stripe_collections import SOURCES

STRIPE = Stripe()
WRITTEN = [name for name, source in SOURCES.items() if source.mutations]


@pytest.fixture
def reader(stripe_fake: StripeFake) -> Iterator[Reader]:
    found = Reader(STRIPE, Credential(KIND, {"secret": stripe_fake.key}, stripe_fake.url), [])
    yield found
    found.close()


def done(reader: Reader, write: Write) -> Written:
    request = STRIPE.write([write], reader.credential)
    (written,) = STRIPE.read_written([write], reader.send(request))
    assert isinstance(written, Written)
    assert ("Idempotency-Key" in request.headers) == (request.method == "POST")
    return written


def now(reader: Reader, fake: StripeFake, kind: str, written: Written) -> dict[str, Any]:
    """The object as the answer has it, which is as the vendor holds it; fetched where the answer has a secret."""
    if kind == "webhook_endpoint" and written.change is None:
        hint = Hint(f"stripe:{kind}", written.upstream_id)
        change = STRIPE.read_fetched(hint, reader.send(STRIPE.fetch(hint, reader.credential)))
        assert isinstance(change, Change)
        written = Written(written.upstream_id, change)
    assert written.change is not None
    assert written.change.raw is not None
    found: dict[str, Any] = json.loads(written.change.raw)
    own = written.upstream_id.rpartition("/")[2] if kind in every.BELOW_OTHERS else written.upstream_id
    stored = fake.objects(kind)[own]
    assert every.upstream_id(fake, kind, own) == written.upstream_id
    assert {name: found[name] for name in stored} == stored
    return found


def data_for(fake: StripeFake, kind: str) -> dict[str, Any]:
    if kind in table.KINDS:
        parent = {"value_list": every.make(fake, "radar_value_list")} if kind == "radar_value_list_item" else {}
        if kind in every.BELOW_OTHERS:
            parent = {every.BELOW_OTHERS[kind]: every.make(fake, every.BELOW_OTHERS[kind])}
        return {**every.params(kind), **parent}
    product = every.make(fake, "product")
    price = fake.create("price", product=product, currency="usd", unit_amount=1, recurring={"interval": "month"})["id"]
    customer = every.make(fake, "customer")
    return {
        "customer": {"name": "Ada"},
        "product": {"name": "Gold", "images": ["https://example.com/a.png"]},
        "price": {"product": product, "currency": "usd", "unit_amount": 7},
        "plan": {"product": product, "currency": "usd", "interval": "month", "amount": 7},
        "subscription": {"customer": customer, "items": [{"price": price, "quantity": 2}], "trial_period_days": 3},
        "subscription_item": {"subscription": every.make(fake, "subscription"), "price": price, "quantity": 2},
        "invoice": {"customer": customer, "description": "first"},
    }[kind]


def test_the_secret_of_an_endpoint_is_no_record(stripe_fake: StripeFake, reader: Reader) -> None:
    data = json.dumps(data_for(stripe_fake, "webhook_endpoint")).encode()
    write = Write("create", "stripe:webhook_endpoint", None, data, "k1")
    response = reader.send(STRIPE.write([write], reader.credential))
    assert b"whsec_" in response.body
    assert done(reader, write).change is None


@pytest.mark.parametrize("collection_id", WRITTEN)
def test_created_changed_and_ended(stripe_fake: StripeFake, reader: Reader, collection_id: str) -> None:
    kind, source = collection_id.removeprefix("stripe:"), SOURCES[collection_id]
    if "create" in source.mutations:
        create = Write("create", collection_id, None, json.dumps(data_for(stripe_fake, kind)).encode(), "k1")
        made = done(reader, create)
        now(reader, stripe_fake, kind, made)
        assert done(reader, create) == made  # the same key is the same object
        upstream_id = made.upstream_id
    else:
        upstream_id = every.make(stripe_fake, kind)
    if "update" in source.mutations:
        field = _changeable(kind)
        changed = done(reader, Write("update", collection_id, upstream_id, json.dumps(field).encode(), "k2"))
        found = now(reader, stripe_fake, kind, changed)
        assert {name: found[name] for name in field} == field
    if "delete" in source.mutations:
        gone = done(reader, Write("delete", collection_id, upstream_id, None, "k3"))
        assert gone.upstream_id == upstream_id
        assert isinstance(gone.change, Change)
        if source.ending or kind == "subscription":
            assert not gone.change.deleted  # it stays, ended
            now(reader, stripe_fake, kind, gone)
        else:
            assert gone.change.deleted
            assert (upstream_id.rpartition("/")[2] if kind in every.BELOW_OTHERS else upstream_id) not in stripe_fake.objects(kind)


def _changeable(kind: str) -> dict[str, Any]:
    params = (table.published(kind)["verbs"].get("update") or table.published(kind)["verbs"]["retrieve"])["params"]
    if kind == "subscription_item":
        return {"quantity": 5}
    if "metadata" in params:
        return {"metadata": {"x": "1", "y": "ü"}}
    if kind == "tax_registration":
        return {"expires_at": "now"}
    named = next(name for name in ("name", "description", "active", "nickname", "display_name", "enabled") if name in params)
    return {named: False if params[named] == "boolean" else "changed"}


@pytest.mark.parametrize("collection_id", SOURCES)
def test_what_a_collection_does_not_take_is_refused_unsent(reader: Reader, collection_id: str) -> None:
    for kind in ("create", "update", "delete", "upsert"):
        if kind not in SOURCES[collection_id].mutations:
            with pytest.raises(UnknownCollection):
                STRIPE.write([Write(kind, collection_id, "x_1", b"{}", "k")], reader.credential)


@pytest.mark.parametrize("upstream_id", ["person_1", "/person_1", "acct_1/", "../person_1", "acct_1/..", "a/b/.", None])
def test_an_id_that_lacks_what_it_lies_below_goes_nowhere(reader: Reader, upstream_id: str | None) -> None:
    for kind in ("update", "delete"):
        with pytest.raises(Refused4xx, match="account/id"):
            STRIPE.write([Write(kind, "stripe:person", upstream_id, b"{}", "k")], reader.credential)
    for data in (b'{"first_name": "Ada"}', b'{"account": ".."}', b'{"account": null}', b"[]"):
        with pytest.raises(Refused4xx, match=r"lacks 'account'|must be a JSON object"):
            STRIPE.write([Write("create", "stripe:person", None, data, "k")], reader.credential)


def test_nothing_compares_versions(reader: Reader) -> None:
    with pytest.raises(Refused4xx, match="does not compare versions"):
        STRIPE.write([Write("update", "stripe:customer", "cus_1", b"{}", "k", if_match="2")], reader.credential)


def test_an_update_changes_only_what_it_names(stripe_fake: StripeFake, reader: Reader) -> None:
    made = stripe_fake.create("customer", name="Ada", email="a@example.com", metadata={"a": "1", "b": "2"})["id"]
    data = {"email": None, "metadata": {"a": "", "c": "3"}, "address": {"city": "Wien", "line1": None}}
    found = now(reader, stripe_fake, "customer", done(reader, Write("update", "stripe:customer", made, json.dumps(data).encode(), "k")))
    assert (found["name"], found["email"], found["metadata"], found["address"]["city"]) == ("Ada", None, {"b": "2", "c": "3"}, "Wien")


def test_an_answer_whose_list_is_cut_short_is_not_stored(stripe_fake: StripeFake, reader: Reader) -> None:
    made = every.make(stripe_fake, "credit_note")
    stripe_fake.grow("credit_note", made, "lines", 130)
    written = done(reader, Write("update", "stripe:credit_note", made, b'{"memo": "x"}', "k"))
    assert written == Written(made, None)  # the caller fetches it, whole


def test_lists_that_show_only_when_asked_are_in_the_answer_too(stripe_fake: StripeFake, reader: Reader) -> None:
    made = done(reader, Write("create", "stripe:quote", None, b'{"line_items": [{"quantity": 2}]}', "k"))
    assert made.change is not None
    assert [item["quantity"] for item in json.loads(made.change.raw or b"")["line_items"]["data"]] == ["2"]
