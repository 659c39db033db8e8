"""Every kind of the fake, driven by Stripe's own SDK: made, read, listed, changed and ended as the SDK says it can be."""

from __future__ import annotations

import re
from functools import partial, reduce
from typing import Any

import pytest
import stripe

from fakes import every
from fakes.plain import ask
from fakes.stripe import StripeFake, published, table

_NAMES = {"invoiceitems": "invoice_items"}  # where the SDK says it in two words
WITH_CODE = {"customer", "product", "price", "plan", "subscription", "invoice"}


def service(client: stripe.StripeClient, kind: str) -> Any:
    path = re.sub(r"/\{\w+\}", "", table.row(kind).path)
    return reduce(getattr, _NAMES.get(path, path).split("/"), client.v1)


class _Below:
    """The calls for what lies below one object: the SDK wants its id first."""

    def __init__(self, calls: Any, parent: str) -> None:
        self._calls, self._parent = calls, parent

    def __getattr__(self, name: str) -> Any:
        return partial(getattr(self._calls, name), self._parent)


def test_what_is_written_down_is_what_the_vendor_publishes() -> None:
    # After an update of the SDK: python tests/fakes/stripe/published.py
    assert published.whole(table.PATHS) == table._read()


def test_there_are_as_many_as_are_read() -> None:
    assert len({*table.PATHS}) == 64


@pytest.mark.parametrize("kind", table.KINDS)
def test_made_read_listed_changed_and_ended(stripe_fake: StripeFake, stripe_client: stripe.StripeClient, kind: str) -> None:
    verbs = table.published(kind)["verbs"]
    calls = service(stripe_client, kind)
    before = every.make(stripe_fake, kind)
    if kind in every.BELOW_OTHERS:
        calls = _Below(calls, stripe_fake.objects(kind)[before][every.BELOW_OTHERS[kind]])
    if "create" in verbs and kind != "file":  # a file is uploaded to another host
        made = calls.create({**every.params(kind), **_needed(stripe_fake, kind)}).id
    else:
        made = every.make(stripe_fake, kind)
    assert calls.retrieve(made).id == made
    needed = _needed(stripe_fake, kind)
    assert [item.id for item in calls.list({"limit": 1, **needed}).auto_paging_iter()] == [made, before]
    if "update" in verbs:
        _update(stripe_fake, calls, kind, made)
    if "delete" in verbs:
        assert calls.delete(made).deleted is True
        assert [item.id for item in calls.list(needed).data] == [before]
        assert made in stripe_fake.deleted(kind)
    for verb, method in (
        ("cancel", "cancel"),
        ("expire", "expire"),
        ("detach", "detach"),
        ("archive", "archive"),
        ("deactivate", "deactivate"),
    ):
        if verb in verbs:
            getattr(calls, method)(made)
            return


def _needed(fake: StripeFake, kind: str) -> dict[str, str]:
    """What it lies below."""
    if kind == "radar_value_list_item":
        return {"value_list": next(iter(fake.objects("radar_value_list")))}
    return {"financial_account": next(iter(fake.objects("treasury_financial_account")))} if kind in every.BELOW_ACCOUNTS else {}


def _update(fake: StripeFake, calls: Any, kind: str, made: str) -> None:
    params = table.published(kind)["verbs"]["update"]["params"]
    if "metadata" in params:
        assert calls.update(made, {"metadata": {"a": "b"}}).metadata.to_dict() == {"a": "b"}
        assert calls.update(made, {"metadata": {"a": ""}}).metadata.to_dict() == {}
        calls.update(made, {"metadata": {"a": "c"}})
        assert fake.objects(kind)[made]["metadata"] == {"a": "c"}
    event = table.event_type(kind, "updated")
    if event is not None and "metadata" in params and kind not in {"account", "person", "tax_id"}:
        assert fake.events()[-1]["type"] == event
        assert fake.events()[-1]["data"]["object"]["id"] == made


def test_subscription_items_by_themselves(stripe_fake: StripeFake, stripe_client: stripe.StripeClient) -> None:
    subscription = every.make(stripe_fake, "subscription")
    price = stripe_fake.objects("subscription")[subscription]["items"]["data"][0]["price"]["id"]
    calls = stripe_client.v1.subscription_items
    made = calls.create({"subscription": subscription, "price": price, "quantity": 3})
    assert (made.object, made.quantity, calls.retrieve(made.id).subscription) == ("subscription_item", 3, subscription)
    assert calls.update(made.id, {"quantity": 4}).quantity == 4
    assert [item.id for item in calls.list({"subscription": subscription}).data][-1] == made.id
    assert set(stripe_fake.objects("subscription_item")) == {item.id for item in calls.list({"subscription": subscription}).data}
    assert calls.delete(made.id).deleted is True
    event = stripe_fake.events()[-1]
    assert event["type"] == "customer.subscription.updated"
    assert made.id in {item["id"] for item in event["data"]["previous_attributes"]["items"]["data"]}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        calls.retrieve(made.id)
    assert caught.value.http_status == 404


def test_tax_ids_of_a_customer_and_of_the_account(stripe_fake: StripeFake, stripe_client: stripe.StripeClient) -> None:
    customer = stripe_fake.create("customer")["id"]
    own = stripe_client.v1.tax_ids.create({"type": "eu_vat", "value": "DE1"}).id
    theirs = [
        stripe_client.v1.tax_ids.create({"type": "eu_vat", "value": f"DE{number}", "owner": {"type": "customer", "customer": customer}}).id
        for number in range(12)
    ]
    assert [item.id for item in stripe_client.v1.tax_ids.list().data] == [own]
    assert [item.id for item in stripe_client.v1.customers.tax_ids.list(customer).auto_paging_iter()] == theirs[::-1]
    (listed,) = stripe_client.v1.customers.list({"expand": ["data.tax_ids"]}).data
    assert listed.tax_ids is not None
    assert ([item.id for item in listed.tax_ids.data], listed.tax_ids.has_more) == (theirs[:1:-1], True)
    assert "tax_ids" not in stripe_client.v1.customers.retrieve(customer)
    assert [event["type"] for event in stripe_fake.events()].count("customer.tax_id.created") == 12


@pytest.mark.parametrize(
    ("kind", "member"),
    [
        (name, member)
        for name in table.KINDS
        for member in table.row(name).lists
        if not table.row(name).lists[member].endswith(("_link", "_list_item"))
    ],
)
def test_a_list_inside_shows_ten(stripe_fake: StripeFake, stripe_client: stripe.StripeClient, kind: str, member: str) -> None:
    made = every.make(stripe_fake, kind)
    stripe_fake.grow(kind, made, member, 15 - len(stripe_fake._engine.worlds[False].find(kind, made)[member]["data"]))  # type: ignore[index]
    calls = service(stripe_client, kind)
    hidden = member in table.row(kind).hidden
    assert hidden is (member not in calls.retrieve(made))
    shown = calls.retrieve(made, {"expand": [member]} if hidden else {})[member]
    assert (len(shown.data), shown.has_more) == (10, True)
    assert len(ask(stripe_fake, "GET", shown.url, {"limit": "100"}).ids) == 15
    assert len({item.id for item in shown.auto_paging_iter()}) == 15
    if hidden and kind not in every.BELOW_ACCOUNTS:  # entries: "cannot be expanded in any list endpoints"
        (listed,) = calls.list({"expand": [f"data.{member}"]}).data
        assert (len(listed[member].data), listed[member].has_more) == (10, True)


def test_a_connected_account_is_a_world_of_its_own(stripe_fake: StripeFake, stripe_client: stripe.StripeClient) -> None:
    account = stripe_client.v1.accounts.create({}).id
    within: Any = {"stripe_account": account}
    theirs = stripe_client.v1.customers.create({"name": "theirs"}, within).id
    ours = stripe_client.v1.customers.create({"name": "ours"}).id
    assert [item.id for item in stripe_client.v1.customers.list({}, within).data] == [theirs]
    assert [item.id for item in stripe_client.v1.customers.list().data] == [ours]
    assert [event.data.object["id"] for event in stripe_client.v1.events.list({}, within).data] == [theirs]
    assert [event.data.object["id"] for event in stripe_client.v1.events.list().data] == [ours]
    with stripe_fake.within(account):
        assert set(stripe_fake.objects("customer")) == {theirs}
    with pytest.raises(stripe.PermissionError):
        stripe_client.v1.customers.list({}, {"stripe_account": "acct_nobody"})


def test_what_a_list_leaves_out_unless_asked(stripe_fake: StripeFake, stripe_client: stripe.StripeClient) -> None:
    review = every.make(stripe_fake, "review")
    assert [item.id for item in stripe_client.v1.reviews.list().data] == [review]
    assert stripe_client.v1.reviews.approve(review).open is False
    assert stripe_client.v1.reviews.list().data == []
    assert stripe_fake.events()[-1]["type"] == "review.closed"
    plain, custom = every.make(stripe_fake, "payment_method"), every.make(stripe_fake, "payment_method", 1)
    assert [item.id for item in stripe_client.v1.payment_methods.list().data] == [plain]
    assert [item.id for item in stripe_client.v1.payment_methods.list({"type": "custom"}).data] == [custom]


def test_a_parameter_that_nobody_knows_is_refused(stripe_client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="unknown parameter"):
        stripe_client.v1.coupons.create({"nonsense": "x"})  # type: ignore[typeddict-unknown-key]
    with pytest.raises(stripe.InvalidRequestError, match="unknown parameter"):
        stripe_client.v1.coupons.list({"nonsense": "x"})  # type: ignore[typeddict-unknown-key]
    with pytest.raises(stripe.InvalidRequestError, match="Missing required param"):
        stripe_client.v1.payouts.create({"amount": 5})  # type: ignore[typeddict-item]
