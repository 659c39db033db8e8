"""Every collection of Stripe, over real HTTP against the stateful stand-in: what is read equals what the vendor holds."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fakes import every
from fakes.stripe import StripeFake, table
from providers.reading import Reader

from pgsluice.providers.base import Credential
from pgsluice.providers.stripe import API_VERSION, CONNECT_KIND, KIND, Stripe
from pgsluice.providers.stripe_collections import SOURCES

STRIPE = Stripe()
Reading = Callable[..., Reader]
Doc = dict[str, Any]


@pytest.fixture
def reading(stripe_fake: StripeFake) -> Iterator[Reading]:
    readers: list[Reader] = []

    def make(*kinds: str, account: str | None = None, **options: Any) -> Reader:
        secret = {"secret": stripe_fake.key, **({"account": account} if account else {})}
        credential = Credential(CONNECT_KIND if account else KIND, secret, stripe_fake.url)
        readers.append(Reader(STRIPE, credential, [f"stripe:{kind}" for kind in kinds] or None, **options))
        return readers[-1]

    yield make
    for reader in readers:
        reader.close()


def held(fake: StripeFake, kind: str) -> dict[str, Doc]:
    """What the vendor holds, with its lists whole."""
    if kind == "subscription_item":
        return fake.objects(kind)
    world = fake._engine.worlds[False]
    found = fake.objects(kind, version=API_VERSION)
    for id_, doc in found.items():
        stored = world.find(kind, id_) or {}
        for nested in SOURCES[f"stripe:{kind}"].nested:
            if nested.member in stored and nested.member not in {"refunds"} - set(doc):
                doc[nested.member] = copy.deepcopy({**stored[nested.member], "has_more": False})
    return {every.upstream_id(fake, kind, id_): doc for id_, doc in found.items()}


def same(reader: Reader, fake: StripeFake, *kinds: str) -> None:
    for kind in kinds:
        assert reader.records.get(f"stripe:{kind}", {}) == held(fake, kind), kind


KINDS = tuple(name.removeprefix("stripe:") for name in SOURCES)


def populate(fake: StripeFake, each: int = 3) -> None:
    """Some of every kind."""
    for kind in every.KINDS:
        for number in range(each):
            every.make(fake, kind, number)
    ended = next(iter(fake.objects("subscription")))
    fake.delete("subscription", ended)
    fake.update("price", next(iter(fake.objects("price"))), active=False)


def test_everything_is_read_as_the_vendor_holds_it(stripe_fake: StripeFake, reading: Reading) -> None:
    populate(stripe_fake)
    reader = reading(*KINDS)
    reader.begin()
    same(reader, stripe_fake, *KINDS)
    assert all(reader.records[f"stripe:{kind}"] for kind in KINDS)
    assert reader.refused == []
    assert {request.headers["Stripe-Version"] for request in reader.requests} == {API_VERSION}


def test_changes_of_every_kind_arrive(stripe_fake: StripeFake, reading: Reading) -> None:
    """By events, by what is new in the lists, and by a sweep for what neither tells."""
    populate(stripe_fake, each=2)
    reader = reading(*KINDS)
    reader.begin()
    stripe_fake.set(api_version="2024-06-20")  # events are rendered in the shape of another version
    for kind in every.KINDS:
        every.make(stripe_fake, kind, 1)
        changed = next(iter(stripe_fake.objects(kind)))
        if kind in table.KINDS and "metadata" in (table.published(kind)["verbs"].get("update") or {"params": ()})["params"]:
            stripe_fake.update(kind, changed, metadata={"changed": "yes"})
        elif kind in {"customer", "product", "invoice"}:
            stripe_fake.change(kind, changed, description="changed")
        last = list(stripe_fake.objects(kind))[-2:][0]
        if kind in table.KINDS and "delete" in table.published(kind)["verbs"] and kind != "radar_value_list":
            stripe_fake.delete(kind, last)
        ending = SOURCES[f"stripe:{kind}"].ending
        if ending:
            stripe_fake.act(kind, last, ending)
    reader.poll()
    told = [kind for kind in KINDS if SOURCES[f"stripe:{kind}"].sweep is None]
    assert len(told) > 25
    same(reader, stripe_fake, *told)
    reader.sweep()
    same(reader, stripe_fake, *KINDS)


def test_what_is_new_is_found_without_an_event(stripe_fake: StripeFake, reading: Reading) -> None:
    kinds = ("balance_transaction", "checkout_session", "invoice_payment")
    reader = reading(*kinds)
    for kind in kinds:
        every.make(stripe_fake, kind)
    reader.begin()
    for _ in range(3):
        stripe_fake.clock.advance(1000)
        for kind in kinds:
            for _ in range(120):
                every.make(stripe_fake, kind)
        reader.poll()
        same(reader, stripe_fake, *kinds)
    assert stripe_fake.events() == []
    asked = len(reader.requests)
    reader.poll()
    assert len(reader.requests) - asked <= 2 * len(kinds) + 1


@pytest.mark.parametrize("count", [9, 10, 11, 110, 111, 230])
def test_lists_inside_are_stored_whole(stripe_fake: StripeFake, reading: Reading, count: int) -> None:
    kinds = ("credit_note", "transfer", "account", "quote", "application_fee")
    members = {kind: next(iter(table.row(kind).lists)) for kind in kinds}
    reader = reading(*kinds)
    grown = {kind: every.make(stripe_fake, kind) for kind in kinds}
    for kind, id_ in grown.items():
        stripe_fake.grow(kind, id_, members[kind], count)
    reader.begin()
    for kind, id_ in grown.items():
        listing = reader.records[f"stripe:{kind}"][id_][members[kind]]
        assert (len({item["id"] for item in listing["data"]}), listing["has_more"]) == (count, False)
    same(reader, stripe_fake, *kinds)
    # By an event, too: the object is fetched, and completed.
    stripe_fake.grow("credit_note", grown["credit_note"], "lines", 7)
    reader.poll()
    same(reader, stripe_fake, "credit_note")


def test_lines_and_items_are_stored_whole(stripe_fake: StripeFake, reading: Reading) -> None:
    customer = stripe_fake.create("customer")["id"]
    product = stripe_fake.create("product", name="x")["id"]
    prices = [stripe_fake.create("price", product=product, currency="usd", unit_amount=1, recurring={"interval": "month"})["id"]
              for _ in range(15)]  # fmt: skip
    stripe_fake.create("subscription", customer=customer, items=[{"price": price} for price in prices], trial_period_days=9)
    invoice = stripe_fake.create("invoice", customer=customer)["id"]
    for _ in range(2):
        stripe_fake.act("invoice", invoice, "add_lines", lines=[{"amount": 1}] * 120)
    kinds = ("subscription", "subscription_item", "invoice")
    reader = reading(*kinds)
    reader.begin()
    same(reader, stripe_fake, *kinds)
    assert len(reader.records["stripe:subscription_item"]) == 15
    items = list(stripe_fake.objects("subscription_item"))
    stripe_fake.update("subscription", next(iter(stripe_fake.objects("subscription"))), items=[
        {"id": items[0], "deleted": True}, {"id": items[14], "quantity": 9}, {"price": prices[0]}])  # fmt: skip
    reader.poll()
    same(reader, stripe_fake, *kinds)
    assert ("stripe:subscription_item", items[0]) in reader.deleted


def test_what_lies_below_customers_is_found_however_much_it_is(stripe_fake: StripeFake, reading: Reading) -> None:
    for count in (0, 3, 10, 11, 120):
        customer = stripe_fake.create("customer")["id"]
        for _ in range(count):
            stripe_fake.create("tax_id", type="eu_vat", value="DE1", owner={"type": "customer", "customer": customer})
    stripe_fake.create("tax_id", type="eu_vat", value="DE1")
    reader = reading("tax_id")
    reader.begin()
    same(reader, stripe_fake, "tax_id")
    assert len(reader.records["stripe:tax_id"]) == 145
    gone = next(iter(stripe_fake.objects("tax_id")))
    stripe_fake.delete("tax_id", gone)
    reader.poll()
    same(reader, stripe_fake, "tax_id")


def test_what_moves_the_balances_of_customers(stripe_fake: StripeFake, reading: Reading) -> None:
    """Listed for each customer; customer.updated tells of it where the balance is what changed."""
    customers = [stripe_fake.create("customer")["id"] for _ in range(4)]
    for customer, count in zip(customers, (0, 1, 100, 230), strict=True):
        for number in range(count):
            stripe_fake.create("customer_balance_transaction", customer=customer, amount=-number, currency="usd")
    reader = reading("customer_balance_transaction")
    reader.begin()
    same(reader, stripe_fake, "customer_balance_transaction")
    assert len(reader.records["stripe:customer_balance_transaction"]) == 331
    first = next(iter(stripe_fake.objects("customer_balance_transaction")))
    assert f"{customers[1]}/{first}" in reader.records["stripe:customer_balance_transaction"]
    reader.poll()
    stripe_fake.create("customer_balance_transaction", customer=customers[0], amount=5, currency="usd")
    stripe_fake.update("customer", customers[3], name="no other balance")
    asked = len(reader.requests)
    reader.poll()
    same(reader, stripe_fake, "customer_balance_transaction")
    lists = [request.url.rpartition("/v1/")[2] for request in reader.requests[asked:] if not request.url.endswith("/events")]
    assert lists == [f"customers/{customers[0]}/balance_transactions"]
    # What changes later is told by nobody, and found by a sweep; and so is it when a customer is gone with all of it.
    stripe_fake.update("customer_balance_transaction", first, metadata={"a": "b"})
    stripe_fake.delete("customer", customers[2])
    reader.sweep()
    assert reader.records["stripe:customer_balance_transaction"][f"{customers[1]}/{first}"]["metadata"] == {"a": "b"}
    assert len(reader.records["stripe:customer_balance_transaction"]) == 232


def test_persons_of_connected_accounts(stripe_fake: StripeFake, reading: Reading) -> None:
    accounts = [every.make(stripe_fake, "account") for _ in range(3)]
    people = [stripe_fake.create("person", account=account, first_name="Ada")["id"] for account in accounts[:2] for _ in range(12)]
    reader = reading("person")
    reader.begin()
    same(reader, stripe_fake, "person")
    stripe_fake.update("person", people[0], email="ada@example.com")
    stripe_fake.delete("person", people[1])
    stripe_fake.create("person", account=accounts[2], first_name="Grace")
    reader.sweep()
    same(reader, stripe_fake, "person")
    assert f"{accounts[0]}/{people[1]}" not in reader.records["stripe:person"]


def test_a_connected_account_by_itself(stripe_fake: StripeFake, reading: Reading) -> None:
    account = every.make(stripe_fake, "account")
    every.make(stripe_fake, "customer")
    with stripe_fake.within(account):
        every.make(stripe_fake, "customer")
        reader = reading("customer", "charge", account=account)
        reader.begin()
        same(reader, stripe_fake, "customer", "charge")
        every.make(stripe_fake, "charge")
        stripe_fake.change("customer", next(iter(stripe_fake.objects("customer"))), name="changed")
        reader.poll()
        same(reader, stripe_fake, "customer", "charge")
    assert {request.headers["Stripe-Account"] for request in reader.requests} == {account}


def test_a_gap_beyond_the_events_is_read_again(stripe_fake: StripeFake, reading: Reading) -> None:
    reader = reading("customer", "coupon")
    every.make(stripe_fake, "customer")
    reader.begin()
    stripe_fake.clock.advance(31 * 86_400)
    every.make(stripe_fake, "customer")
    every.make(stripe_fake, "coupon")
    reader.poll()
    assert reader.restarted == ["stripe:customer", "stripe:coupon"]
    reader.begin()
    same(reader, stripe_fake, "customer", "coupon")
