"""Subscriptions and invoices of the fake, driven by Stripe's own SDK."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from fakes.plain import ask
from fakes.stripe import StripeFake

Parts = dict[str, Any]


@pytest.fixture
def parts(stripe_fake: StripeFake) -> Parts:
    """A customer and a monthly price."""
    product = stripe_fake.create("product", name="Gold")["id"]
    price = stripe_fake.create("price", product=product, currency="usd", unit_amount=1500, recurring={"interval": "month"})["id"]
    return {"customer": stripe_fake.create("customer")["id"], "items": [{"price": price, "quantity": 2}]}


def types(fake: StripeFake) -> list[str]:
    return [event["type"] for event in fake.events()]


def test_a_trial(stripe_fake: StripeFake, stripe_client: stripe.StripeClient, parts: Parts) -> None:
    now = stripe_fake.clock.freeze()
    trial = stripe_client.v1.subscriptions.create({**parts, "trial_period_days": 14})
    assert (trial.status, trial.trial_start, trial.trial_end) == ("trialing", now, now + 14 * 86400)
    item = trial["items"].data[0]
    assert (item.quantity, item.price.unit_amount, item.plan.amount, item.subscription) == (2, 1500, 1500, trial.id)
    assert item.current_period_end == trial.trial_end
    invoice = stripe_client.v1.invoices.retrieve(str(trial.latest_invoice))
    assert (invoice.status, invoice.total, invoice.billing_reason) == ("paid", 0, "subscription_create")
    assert invoice.parent.subscription_details.subscription == trial.id
    assert types(stripe_fake)[-5:] == [
        "invoice.created", "invoice.finalized", "invoice.paid", "invoice.payment_succeeded", "customer.subscription.created"]  # fmt: skip


def test_without_a_means_of_payment(stripe_client: stripe.StripeClient, parts: Parts) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="no attached payment source") as caught:
        stripe_client.v1.subscriptions.create(parts)
    assert (caught.value.http_status, caught.value.code) == (400, "resource_missing")
    waiting = stripe_client.v1.subscriptions.create({**parts, "payment_behavior": "default_incomplete"})
    assert waiting.status == "incomplete"
    assert stripe_client.v1.invoices.retrieve(str(waiting.latest_invoice)).status == "open"
    assert stripe_client.v1.subscriptions.cancel(waiting.id).status == "incomplete_expired"
    sent = stripe_client.v1.subscriptions.create({**parts, "collection_method": "send_invoice", "days_until_due": 10})
    assert sent.status == "active"
    assert stripe_client.v1.invoices.retrieve(str(sent.latest_invoice)).status == "draft"


def test_with_a_means_of_payment(stripe_fake: StripeFake, stripe_client: stripe.StripeClient, parts: Parts) -> None:
    stripe_client.v1.customers.update(parts["customer"], {"invoice_settings": {"default_payment_method": "pm_card_visa"}})
    active = stripe_client.v1.subscriptions.create(parts)
    invoice = stripe_client.v1.invoices.retrieve(str(active.latest_invoice))
    assert (active.status, invoice.status, invoice.amount_paid) == ("active", "paid", 3000)
    assert [line.amount for line in invoice.lines.data] == [3000]
    assert stripe_fake.objects("customer")[parts["customer"]]["invoice_settings"]["default_payment_method"] == "pm_card_visa"


def test_what_a_subscription_cannot_be_made_of(stripe_fake: StripeFake, stripe_client: stripe.StripeClient, parts: Parts) -> None:
    price = parts["items"][0]["price"]
    once = stripe_fake.create("price", product=stripe_fake.objects("price")[price]["product"], currency="usd", unit_amount=1)["id"]
    for wrong in ("price_none", once):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            stripe_client.v1.subscriptions.create({**parts, "items": [{"price": wrong}], "trial_period_days": 1})
        assert caught.value.param == "items[0][price]"
    stripe_fake.update("price", price, active=False)
    with pytest.raises(stripe.InvalidRequestError, match="inactive"):
        stripe_client.v1.subscriptions.create({**parts, "trial_period_days": 1})


def test_cancelled_ones_leave_the_list_but_stay(stripe_fake: StripeFake, stripe_client: stripe.StripeClient, parts: Parts) -> None:
    kept, ended = (stripe_client.v1.subscriptions.create({**parts, "trial_period_days": 14}).id for _ in range(2))
    gone = stripe_client.v1.subscriptions.cancel(ended, {"cancellation_details": {"comment": "bye"}})
    assert (gone.object, gone.status, gone.ended_at, "deleted" in gone) == ("subscription", "canceled", gone.canceled_at, False)
    assert (gone.cancellation_details.comment, gone.cancellation_details.reason) == ("bye", "cancellation_requested")
    assert types(stripe_fake)[-1] == "customer.subscription.deleted"
    assert stripe_fake.events()[-1]["data"]["object"]["status"] == "canceled"

    def listed(**params: Any) -> list[str]:
        return [subscription.id for subscription in stripe_client.v1.subscriptions.list(params).data]

    assert listed() == [kept]
    assert listed(status="all") == [ended, kept]
    assert listed(status="canceled") == listed(status="ended") == [ended]
    assert listed(status="trialing", customer=parts["customer"], price=parts["items"][0]["price"]) == [kept]
    assert listed(customer="cus_none") == []
    assert listed(starting_after=ended) == [kept]
    assert stripe_client.v1.subscriptions.retrieve(ended).status == "canceled"
    assert set(stripe_fake.objects("subscription")) == {kept, ended}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        stripe_client.v1.subscriptions.cancel(ended)
    assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")
    with pytest.raises(stripe.InvalidRequestError, match="canceled subscription can only update"):
        stripe_client.v1.subscriptions.update(ended, {"description": "x"})
    assert stripe_client.v1.subscriptions.update(ended, {"metadata": {"a": "b"}}).metadata.to_dict() == {"a": "b"}


def test_changes_of_a_subscription(stripe_fake: StripeFake, stripe_client: stripe.StripeClient, parts: Parts) -> None:
    made = stripe_client.v1.subscriptions.create({**parts, "trial_period_days": 14})
    later = stripe_client.v1.subscriptions.update(made.id, {"cancel_at_period_end": True})
    assert (later.cancel_at, later.status) == (made.trial_end, "trialing")
    previous = stripe_fake.events()[-1]["data"]["previous_attributes"]
    assert previous == {"cancel_at": None, "cancel_at_period_end": False, "canceled_at": None}
    assert stripe_client.v1.subscriptions.update(made.id, {"cancel_at_period_end": False}).cancel_at is None
    item = made["items"].data[0].id
    more = stripe_client.v1.subscriptions.update(made.id, {"items": [{"id": item, "quantity": 5}, {"price": parts["items"][0]["price"]}]})
    assert [entry.quantity for entry in more["items"].data] == [5, 1]
    listed = stripe_client.v1.subscription_items.list({"subscription": made.id})
    assert [entry.id for entry in listed.data] == [entry.id for entry in more["items"].data]
    less = stripe_client.v1.subscriptions.update(made.id, {"items": [{"id": item, "deleted": True}]})
    assert [entry.quantity for entry in less["items"].data] == [1]
    assert stripe_client.v1.subscriptions.update(made.id, {"trial_end": "now"}).status == "active"
    assert stripe_fake.change("subscription", made.id, status="past_due")["status"] == "past_due"
    assert stripe_fake.events()[-1]["data"]["previous_attributes"] == {"status": "active"}


def test_deleting_a_customer_cancels(stripe_fake: StripeFake, stripe_client: stripe.StripeClient, parts: Parts) -> None:
    made = stripe_client.v1.subscriptions.create({**parts, "trial_period_days": 14})
    stripe_client.v1.customers.delete(parts["customer"])
    assert types(stripe_fake)[-2:] == ["customer.subscription.deleted", "customer.deleted"]
    assert stripe_client.v1.subscriptions.retrieve(made.id).status == "canceled"


def test_a_subscription_keeps_a_deleted_plan(stripe_fake: StripeFake, stripe_client: stripe.StripeClient, parts: Parts) -> None:
    made = stripe_client.v1.subscriptions.create({**parts, "trial_period_days": 14})
    stripe_client.v1.plans.delete(parts["items"][0]["price"])
    assert stripe_client.v1.subscriptions.retrieve(made.id)["items"].data[0].plan.amount == 1500
    assert types(stripe_fake)[-2:] == ["price.deleted", "plan.deleted"]


def test_an_invoice_from_draft_to_paid(stripe_fake: StripeFake, stripe_client: stripe.StripeClient, parts: Parts) -> None:
    draft = stripe_client.v1.invoices.create({"customer": parts["customer"], "description": "first", "days_until_due": 5})
    assert (draft.status, draft.number, draft.total) == ("draft", None, 0)
    stripe_client.v1.invoices.add_lines(draft.id, {"lines": [{"amount": 700}, {"amount": 300}]})
    assert stripe_client.v1.invoices.update(draft.id, {"description": "second"}).description == "second"
    opened = stripe_client.v1.invoices.finalize_invoice(draft.id)
    assert (opened.status, opened.amount_due, opened.number[-5:]) == ("open", 1000, "-0001")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        stripe_client.v1.invoices.update(draft.id, {"description": "third"})
    assert caught.value.code == "invoice_not_editable"
    with pytest.raises(stripe.InvalidRequestError, match="only delete draft"):
        stripe_client.v1.invoices.delete(draft.id)
    with pytest.raises(stripe.InvalidRequestError, match="default_payment_method"):
        stripe_client.v1.invoices.pay(draft.id)
    paid = stripe_client.v1.invoices.pay(draft.id, {"paid_out_of_band": True})
    assert (paid.status, paid.amount_paid, paid.amount_remaining) == ("paid", 1000, 0)
    with pytest.raises(stripe.InvalidRequestError) as again:
        stripe_client.v1.invoices.pay(draft.id)
    assert again.value.code == "invoice_already_paid"
    verbs = [type_.removeprefix("invoice.") for type_ in types(stripe_fake)[-6:]]
    assert verbs == ["created", "updated", "updated", "finalized", "paid", "payment_succeeded"]


def test_a_draft_can_be_deleted_and_is_gone(stripe_fake: StripeFake, stripe_client: stripe.StripeClient, parts: Parts) -> None:
    draft = stripe_client.v1.invoices.create({"customer": parts["customer"]})
    gone = stripe_client.v1.invoices.delete(draft.id)
    assert (gone.id, gone.object, gone.deleted) == (draft.id, "invoice", True)
    answer = ask(stripe_fake, "GET", f"/v1/invoices/{draft.id}")
    assert (answer.status, answer.error["code"], answer.error["param"]) == (404, "resource_missing", "invoice")
    assert types(stripe_fake)[-1] == "invoice.deleted"


def test_other_ends_of_an_invoice(stripe_fake: StripeFake, stripe_client: stripe.StripeClient, parts: Parts) -> None:
    def opened() -> str:
        id_ = stripe_client.v1.invoices.create({"customer": parts["customer"]}).id
        stripe_client.v1.invoices.add_lines(id_, {"lines": [{"amount": 10}]})
        return str(stripe_client.v1.invoices.finalize_invoice(id_).id)

    void, bad = opened(), opened()
    assert stripe_client.v1.invoices.void_invoice(void).status == "void"
    assert stripe_client.v1.invoices.mark_uncollectible(bad).status == "uncollectible"
    assert types(stripe_fake)[-2:] == ["invoice.voided", "invoice.marked_uncollectible"]
    with pytest.raises(stripe.InvalidRequestError):
        stripe_client.v1.invoices.finalize_invoice(void)
    assert [invoice.id for invoice in stripe_client.v1.invoices.list({"status": "void"}).data] == [void]
    assert len(stripe_client.v1.invoices.list({"customer": parts["customer"]}).data) == 2


def test_invoices_of_a_subscription(stripe_client: stripe.StripeClient, parts: Parts) -> None:
    made = stripe_client.v1.subscriptions.create({**parts, "trial_period_days": 3})
    stripe_client.v1.invoices.create({"customer": parts["customer"]})
    own = stripe_client.v1.invoices.create({"customer": parts["customer"], "subscription": made.id})
    found = stripe_client.v1.invoices.list({"subscription": made.id}).data
    assert [invoice.id for invoice in found] == [own.id, made.latest_invoice]
    with pytest.raises(stripe.InvalidRequestError, match="only delete draft"):
        stripe_client.v1.invoices.delete(own.id)  # of a subscription: it must be voided
