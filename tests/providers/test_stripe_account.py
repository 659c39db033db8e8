"""Keys, connected accounts, budgets and what the vendor says of them; lists inside objects when something goes wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fakes import every
from fakes.stripe import StripeFake, faults
from providers.reading import Reader
from samples.replies import reply_of

from pgsluice.providers.base import Change, Credential, Hint, Limit, Partial, Refused, Signals
from pgsluice.providers.errors import Malformed, Unreadable
from pgsluice.providers.stripe import CONNECT_KIND, KIND, OAUTH_KIND, Stripe

STRIPE = Stripe()
NOTE = "stripe:credit_note"


def test_a_connected_account_is_named_in_every_request() -> None:
    credential = Credential(CONNECT_KIND, {"secret": "sk_test_x", "account": "acct_1A"})
    for feed in STRIPE.feeds(["stripe:customer", "stripe:tax_id", "stripe:balance_transaction"]):
        assert STRIPE.request(feed, None, credential).headers["Stripe-Account"] == "acct_1A"
    assert STRIPE.fetch(Hint("stripe:customer", "cus_1"), credential).headers["Stripe-Account"] == "acct_1A"
    assert "Stripe-Account" not in STRIPE.fetch(Hint("stripe:customer", "cus_1"), Credential(KIND, {"secret": "sk_test_x"})).headers


@pytest.mark.parametrize("account", ["", "1A", "acct_", "acct_1\r\nX: y", "cus_1"])
def test_an_account_that_is_none_is_refused_before_it_is_sealed(account: str) -> None:
    STRIPE.seal_check(CONNECT_KIND, {"secret": "sk_live_x", "account": "acct_1A"})
    with pytest.raises(Malformed):
        STRIPE.seal_check(CONNECT_KIND, {"secret": "sk_live_x", "account": account})
    with pytest.raises(Malformed):
        STRIPE.seal_check(CONNECT_KIND, {"account": "acct_1A"})


@pytest.mark.parametrize(
    ("credential", "allowed"),
    [
        (Credential(KIND, {"secret": "sk_live_x"}), 100),
        (Credential(KIND, {"secret": "rk_test_x"}), 25),
        (Credential(CONNECT_KIND, {"secret": "rk_live_x", "account": "acct_1"}), 100),
        (Credential(OAUTH_KIND, {"access_token": "sk_test_token"}), 25),
    ],
)
def test_the_budget_is_that_of_the_keys_mode(credential: Credential, allowed: int) -> None:
    assert STRIPE.budget(credential) == (Limit("requests", allowed, 1.0),)
    (events, *_) = STRIPE.feeds(["stripe:customer"])
    own = STRIPE.request(events, None, credential).limit
    assert own == (Limit("endpoint events", 25, 1.0) if allowed > 25 else None)


@pytest.mark.parametrize(
    ("collection_id", "limit"),
    [
        ("stripe:customer", Limit("endpoint customers", 25, 1.0)),
        ("stripe:checkout_session", Limit("endpoint checkout/sessions", 25, 1.0)),
        ("stripe:issuing_card", Limit("endpoint issuing/cards", 25, 1.0)),
        ("stripe:file", Limit("endpoint files", 20, 1.0)),
    ],
)
def test_an_endpoint_has_a_limit_of_its_own(collection_id: str, limit: Limit) -> None:
    """The list and its objects count together: what an endpoint is, the vendor does not say."""
    credential = Credential("stripe_key", {"secret": "sk_live_x"})
    feed = next(feed for feed in STRIPE.feeds([collection_id]) if feed.kind == "backfill")
    assert STRIPE.request(feed, None, credential).limit == limit
    assert STRIPE.fetch(Hint(collection_id, "x_1"), credential).limit == limit


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "3", "stripe-rate-limited-reason": "endpoint-rate"}, 3.0),
        ({"stripe-rate-limited-reason": "global-rate"}, 1.0),
        ({"stripe-rate-limited-reason": "global-concurrency"}, 1.0),
        ({"stripe-rate-limited-reason": "endpoint-rate"}, None),
        ({"stripe-rate-limited-reason": "resource-specific"}, None),
        ({}, None),
    ],
)
def test_what_a_refusal_says_of_the_budget(headers: dict[str, str], wait: float | None) -> None:
    reply = reply_of({"error": {"code": "rate_limit"}}, 429, **headers)
    assert STRIPE.signals(reply) == Signals(wait=wait)
    assert STRIPE.signals(reply_of({"object": "list"})) is None


# -- lists inside objects


def note(*ids: str, more: bool) -> dict[str, Any]:
    return {
        "id": "cn_1",
        "object": "credit_note",
        "n": 0,
        "lines": {"object": "list", "data": [{"id": id_} for id_ in ids], "has_more": more},
    }


def lines(*ids: str, more: bool) -> dict[str, Any]:
    return {"object": "list", "data": [{"id": id_} for id_ in ids], "has_more": more}


def first() -> Hint:
    answer = STRIPE.read_fetched(Hint(NOTE, "cn_1"), reply_of(note("a", "b", more=True)))
    assert isinstance(answer, Partial)
    assert answer.hint is not None
    return answer.hint


def asked(hint: Hint) -> tuple[str, dict[str, str]]:
    request = STRIPE.fetch(hint, Credential(KIND, {"secret": "sk_test_x"}))
    return request.url.removeprefix("https://api.stripe.com/v1/"), dict(request.params)


def test_the_rest_is_asked_for_behind_the_last_entry() -> None:
    hint = first()
    assert asked(hint) == ("credit_notes/cn_1/lines", {"limit": "100", "starting_after": "b"})
    assert "cn_1" in repr(hint)
    assert 'credit_note"' not in repr(hint)
    whole = STRIPE.read_fetched(hint, reply_of(lines("c", "b", more=False)))
    assert isinstance(whole, Change)
    assert whole.raw is not None
    assert json.loads(whole.raw) == note("a", "b", "c", more=False)


def test_no_digit_of_an_object_in_pieces_is_lost() -> None:
    body = b'{"id":"cn_1","n":0.12345678901234567890123,"lines":{"object":"list","data":[{"id":"a","n":1e400}],"has_more":true}}'
    piece = STRIPE.read_fetched(Hint(NOTE, "cn_1"), reply_of(body))
    assert isinstance(piece, Partial)
    assert piece.hint is not None
    more = b'{"object":"list","data":[{"id":"b","n":12345678901234567890123}],"has_more":false}'
    whole = STRIPE.read_fetched(piece.hint, reply_of(more))
    assert isinstance(whole, Change)
    assert all(digits in (whole.raw or b"") for digits in (b"0.12345678901234567890123", b"1e400", b"12345678901234567890123"))


def test_an_entry_that_is_gone_begins_that_list_again() -> None:
    gone = {"error": {"code": "resource_missing", "param": "starting_after", "message": "No such line item: 'b'"}}
    again = STRIPE.read_fetched(first(), reply_of(gone, 400))
    assert isinstance(again, Partial)
    assert again.hint is not None
    assert asked(again.hint) == ("credit_notes/cn_1/lines", {"limit": "100"})
    whole = STRIPE.read_fetched(again.hint, reply_of(lines("a", "c", more=False)))
    assert isinstance(whole, Change)


def test_an_object_that_is_gone_meanwhile_is_asked_for_itself() -> None:
    missing = {"error": {"code": "resource_missing", "param": "id", "message": "No such credit note: 'cn_1'"}}
    again = STRIPE.read_fetched(first(), reply_of(missing, 404))
    assert again == Partial(Hint(NOTE, "cn_1"))
    gone = STRIPE.read_fetched(Hint(NOTE, "cn_1"), reply_of(missing, 404))
    assert isinstance(gone, Change)
    assert gone.deleted


def test_a_list_that_repeats_itself_puts_its_object_into_quarantine() -> None:
    answer = STRIPE.read_fetched(first(), reply_of(lines("a", "b", more=True)))
    assert isinstance(answer, Refused)
    assert "bring nothing" in answer.reason


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"object":"list","data":[{"id":"c"', b'{"data":[]}'])
def test_never_a_whole_object_in_place_of_what_came(body: bytes) -> None:
    with pytest.raises(Unreadable):
        STRIPE.read_fetched(first(), reply_of(body))


def test_a_page_that_comes_twice_harms_nothing(stripe_fake: StripeFake) -> None:
    made = every.make(stripe_fake, "credit_note")
    stripe_fake.grow("credit_note", made, "lines", 250)
    reader = Reader(STRIPE, Credential(KIND, {"secret": stripe_fake.key}, stripe_fake.url), [NOTE])
    try:
        stripe_fake.fail(faults.html(status=502), path="/v1/credit_notes/*/lines", skip=1)
        with pytest.raises(Exception, match="502"):
            reader.begin()
        reader.begin()
        assert len(reader.records[NOTE][made]["lines"]["data"]) == 250
    finally:
        reader.close()
