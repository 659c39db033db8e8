"""Events of the fake: one for each change, kept for 30 days, in no sure order, perhaps twice."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from fakes.plain import ask
from fakes.stripe import StripeFake, faults

DAY = 86400


def test_each_change_makes_an_event(stripe_fake: StripeFake, stripe_client: stripe.StripeClient) -> None:
    made = stripe_client.v1.customers.create({"name": "Ada", "metadata": {"a": "1", "b": "2"}}, {"idempotency_key": "first"})
    stripe_client.v1.customers.update(made.id, {"name": "Eve", "metadata": {"a": "", "c": "3"}, "invoice_settings": {"footer": "f"}})
    stripe_client.v1.customers.delete(made.id)
    deleted, updated, created = stripe_client.v1.events.list().data
    assert [created.type, updated.type, deleted.type] == ["customer.created", "customer.updated", "customer.deleted"]
    assert created.data.object["name"] == "Ada"
    assert created.request is not None
    assert (created.request.idempotency_key, created.request.id) == ("first", stripe_fake.requests[0].request_id)
    assert (created.api_version, created.livemode, created.pending_webhooks) == (stripe_fake.settings.api_version, False, 0)
    assert updated.data.object["name"] == "Eve"
    previous = {"name": "Ada", "metadata": {"a": "1", "c": None}, "invoice_settings": {"footer": None}}
    assert updated.to_dict()["data"]["previous_attributes"] == previous
    assert deleted.data.object["name"] == "Eve"  # the whole object as it was, no stub
    assert "previous_attributes" not in deleted.to_dict()["data"]
    assert stripe_client.v1.events.retrieve(updated.id).type == "customer.updated"


def test_a_change_of_nothing_makes_none(stripe_fake: StripeFake, stripe_client: stripe.StripeClient) -> None:
    id_ = stripe_fake.create("customer", name="Ada")["id"]
    product = stripe_fake.create("product", name="Gold")
    stripe_client.v1.customers.update(id_, {"name": "Ada"})
    stripe_fake.clock.advance(5)
    assert stripe_client.v1.products.update(product["id"], {"name": "Gold"}).updated == product["updated"]
    assert [event["type"] for event in stripe_fake.events()] == ["customer.created", "product.created"]


def test_an_event_shows_its_own_moment(stripe_fake: StripeFake) -> None:
    id_ = stripe_fake.create("customer", name="before")["id"]
    stripe_fake.update("customer", id_, name="after")
    assert [event["data"]["object"]["name"] for event in stripe_fake.events()] == ["before", "after"]


def test_a_recurring_price_speaks_twice(stripe_fake: StripeFake) -> None:
    product = stripe_fake.create("product", name="Gold")["id"]
    plan = stripe_fake.create("plan", product=product, currency="usd", interval="month", amount=5)
    assert (plan["object"], plan["amount"]) == ("plan", 5)
    stripe_fake.update("plan", plan["id"], nickname="n")
    stripe_fake.update("price", plan["id"], tax_behavior="exclusive")  # of no concern to the plan
    stripe_fake.create("price", product=product, currency="usd", unit_amount=5)
    types = [event["type"] for event in stripe_fake.events()[1:]]
    assert types == ["price.created", "plan.created", "price.updated", "plan.updated", "price.updated", "price.created"]
    assert [event["data"]["object"]["object"] for event in stripe_fake.events()[1:3]] == ["price", "plan"]


def test_retention_by_the_clock(stripe_fake: StripeFake, stripe_client: stripe.StripeClient) -> None:
    old = stripe_fake.create("customer")["id"]
    stripe_fake.clock.advance(29 * DAY)
    stripe_fake.update("customer", old, name="x")
    first, second = stripe_fake.events()
    assert len(stripe_client.v1.events.list().data) == 2
    stripe_fake.clock.advance(DAY + 2)
    assert [event.id for event in stripe_client.v1.events.list().data] == [second["id"]]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        stripe_client.v1.events.retrieve(first["id"])
    assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")
    assert ask(stripe_fake, "GET", "/v1/events", {"starting_after": first["id"]}).status == 400
    assert stripe_client.v1.customers.retrieve(old).name == "x"


def test_types_and_times(stripe_fake: StripeFake, stripe_client: stripe.StripeClient) -> None:
    start = stripe_fake.clock.freeze()
    id_ = stripe_fake.create("customer")["id"]
    stripe_fake.clock.advance(1)
    stripe_fake.create("product", name="x")
    stripe_fake.clock.advance(1)
    stripe_fake.delete("customer", id_)

    def found(**params: Any) -> list[str]:
        return [event.type for event in stripe_client.v1.events.list(params).data]

    assert found(types=["customer.created", "customer.deleted"]) == ["customer.deleted", "customer.created"]
    assert found(types=["product.created"]) == found(type="product.*") == ["product.created"]
    assert found(created={"gte": start + 1}) == ["customer.deleted", "product.created"]
    assert found(created={"gte": start, "lt": start + 1}) == ["customer.created"]
    assert len(found(types=[f"nothing.{number}" for number in range(19)] + ["customer.created"])) == 1
    assert len(found(delivery_success=True)) == 3
    assert found(delivery_success=False) == []


def test_newest_first_in_pages(stripe_fake: StripeFake, stripe_client: stripe.StripeClient) -> None:
    stripe_fake.clock.freeze()
    ids = [stripe_fake.create("customer")["id"] for _ in range(7)]
    seen = [event.data.object["id"] for event in stripe_client.v1.events.list({"limit": 3}).auto_paging_iter()]
    assert seen == ids[::-1]


def test_events_of_one_second_can_be_shuffled(stripe_fake: StripeFake, stripe_client: stripe.StripeClient) -> None:
    stripe_fake.set(shuffle_events=True)
    stripe_fake.clock.freeze()
    ids = [stripe_fake.create("customer")["id"] for _ in range(20)]
    stripe_fake.clock.advance(1)
    last = stripe_fake.create("customer")["id"]
    seen = [event.data.object["id"] for event in stripe_client.v1.events.list({"limit": 6}).auto_paging_iter()]
    assert seen[0] == last
    assert sorted(seen[1:]) == sorted(ids)
    assert seen[1:] != ids[::-1]
    assert seen == [event.data.object["id"] for event in stripe_client.v1.events.list({"limit": 100}).data]  # but always the same


def test_events_can_come_twice(stripe_fake: StripeFake) -> None:
    stripe_fake.set(duplicate_events=True)
    id_ = stripe_fake.create("customer")["id"]
    first, second = stripe_fake.events()
    assert first["id"] != second["id"]
    assert (first["type"], first["data"]) == (second["type"], second["data"])
    assert first["data"]["object"]["id"] == id_


def test_the_same_event_can_stand_on_two_pages(stripe_fake: StripeFake) -> None:
    for _ in range(4):
        stripe_fake.create("customer")
    first = ask(stripe_fake, "GET", "/v1/events", {"limit": "2"}).ids
    stripe_fake.fail(faults.overlap(1), path="/v1/events")
    assert ask(stripe_fake, "GET", "/v1/events", {"limit": "2", "starting_after": first[1]}).ids[0] == first[1]


def test_events_can_be_late(stripe_fake: StripeFake) -> None:
    stripe_fake.clock.freeze()
    stripe_fake.set(event_lag=5)
    stripe_fake.create("customer")
    assert ask(stripe_fake, "GET", "/v1/events").ids == []
    stripe_fake.clock.advance(5)
    assert len(ask(stripe_fake, "GET", "/v1/events").ids) == 1


def test_events_keep_the_version_of_their_time(stripe_fake: StripeFake) -> None:
    ids = stripe_fake.seed(customers=1, plans=1)
    stripe_fake.set(api_version="2024-06-20")
    stripe_fake.create("subscription", customer=ids["customer"][0], items=[{"price": ids["plan"][0]}], trial_period_days=3)
    stripe_fake.set(api_version="2026-10-28.endive")
    event = ask(stripe_fake, "GET", "/v1/events", {"type": "customer.subscription.created"}).json["data"][0]
    assert event["api_version"] == "2024-06-20"
    assert "current_period_end" in event["data"]["object"]


def test_both_modes_have_their_own(stripe_fake: StripeFake) -> None:
    stripe_fake.create("customer", live=True)
    assert stripe_fake.events() == []
    assert stripe_fake.events(live=True)[0]["livemode"] is True


def test_the_clock_moves_as_told(stripe_fake: StripeFake) -> None:
    stripe_fake.clock.freeze(1000)
    assert stripe_fake.clock.now() == stripe_fake.clock.now() == 1000
    assert stripe_fake.clock.advance(5) == 1005
    stripe_fake.clock.set(50)
    assert stripe_fake.clock.now() == 50
    stripe_fake.clock.run()
    assert stripe_fake.clock.now() in range(50, 60)
    stripe_fake.clock.advance(1000)
    assert stripe_fake.clock.now() in range(1050, 1060)
