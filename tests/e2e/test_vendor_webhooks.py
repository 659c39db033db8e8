"""What HubSpot and Shopify send by themselves, through the address that they call, signed as they sign it. tests/e2e/test_webhooks.py has Stripe.

The syncs are polled once an hour: what comes sooner came by a webhook.
"""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError

import pytest
from api.serving import Running
from e2e.polling import NEWEST, read_once, sync, until
from e2e.test_webhooks import doorway, info, is_subscribed, notices, subscribe, switch_off, working
from e2e.vendors import Account, HubSpotAccount, SalesforceAccount, ShopifyAccount
from fakes.hubspot import CLIENT
from fakes.hubspot.hooks import signed

from pgsluice.db.client import Client

pytestmark = NEWEST


@pytest.fixture
def door(db: str) -> Iterator[Running]:
    with doorway(db) as running:
        yield running


@pytest.fixture
def hubspot(db: str) -> Iterator[HubSpotAccount]:
    with HubSpotAccount() as account:
        read(db, account)
        yield account


@pytest.fixture
def shopify(db: str) -> Iterator[ShopifyAccount]:
    with ShopifyAccount() as account:
        read(db, account)
        yield account


def read(db: str, account: Account) -> None:
    """Once; the next time in an hour."""
    account.fill(4)
    account.connect(db)
    with Client.connect(db) as client:
        client.sync_update("acme", sync_frequency="1 hour")
    read_once(db)
    assert account.difference(db, account.there()) is None


def follow(db: str, account: Account) -> None:
    """Changed, made and deleted: it is here without a poll."""
    first, second, third, _ = account.objects[account.kind]
    polled = sync(db)["last_success_at"]
    account.rename(first, "changed")
    account.make()
    account.delete(second)
    account.rename(third, "one")
    account.rename(third, "two")
    there = account.there()
    until(lambda: account.difference(db, there) is None, 60, pause=0.1)
    until(lambda: info(db)["wanted"] == 0)
    assert (info(db)["refused"], info(db)["unreadable"]) == (0, 0)
    assert polled is not None


def deliver(url: str, headers: dict[str, str], body: bytes) -> int:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, body, headers), timeout=20) as reply:
            return int(reply.status)
    except HTTPError as error:
        return error.code


def test_hubspot(db: str, door: Running, hubspot: HubSpotAccount) -> None:
    hubspot.listen(door.url)
    subscribe(db)
    with working(db, door.url):
        until(lambda: is_subscribed(db))
        follow(db, hubspot)
        assert set(hubspot.fake.hooks.sender.statuses) == {200}
        # An association moves no date: a poll would not find it.
        contact, company = hubspot.objects["contacts"][2], hubspot.objects["companies"][5]
        hubspot.fake.associate("contacts", contact, "companies", company)
        body = json.dumps([event("contact.associationChange", associationType="CONTACT_TO_COMPANY", fromObjectId=int(contact),
                                 toObjectId=int(company), associationRemoved=False)]).encode()  # fmt: skip
        url = f"{door.url}/webhooks/acme"
        assert deliver(url, signed(CLIENT[1], url, body, time.time()), body) == 200
        there = hubspot.there()
        until(lambda: hubspot.difference(db, there) is None)
        # Not the app's secret, another address, another body, an old one, one from the future, the older signature alone.
        good = signed(CLIENT[1], url, body, time.time())
        older = {name: value for name, value in good.items() if not name.endswith("v3")}
        forged = [
            (signed("another secret", url, body, time.time()), body), (signed(CLIENT[1], f"{url}2", body, time.time()), body),
            (good, b"[]"), (signed(CLIENT[1], url, body, time.time() - 400), body), (signed(CLIENT[1], url, body, time.time() + 400), body),
            (older, body),
        ]  # fmt: skip
        assert [deliver(url, *one) for one in forged] == [401] * len(forged)
        until(lambda: info(db)["refused"] == len(forged))


def test_shopify(db: str, door: Running, shopify: ShopifyAccount) -> None:
    subscribe(db)
    fake = shopify.fake
    with working(db, door.url):
        until(lambda: is_subscribed(db))
        assert {one["uri"] for one in fake.subscriptions} == {f"{door.url}/webhooks/acme"}
        topics = {one["topic"] for one in fake.subscriptions}
        assert {"CUSTOMERS_DELETE", "PRODUCTS_UPDATE", "APP_UNINSTALLED"} <= topics
        assert "ORDERS_CREATE" not in topics
        follow(db, shopify)
        assert set(fake.hooks.sender.statuses) == {200}
        # Dropped by the vendor without a word, as after a bad night: made again.
        fake.subscriptions[:] = fake.subscriptions[:2]
        before = info(db)["subscribed_at"]
        subscribe(db)
        until(lambda: is_subscribed(db, before))
        assert {one["topic"] for one in fake.subscriptions} == topics
        assert notices(db).count("webhooks_renewed") == 1
        customer = shopify.objects["Customer"][0]
        body = {"id": int(customer.rpartition("/")[2]), "admin_graphql_api_id": customer}
        url = f"{door.url}/webhooks/acme"
        # The same delivery twice is one; not the app's secret is none.
        again = fake.delivery("customers/update", body, number=99_999)
        repeated = info(db)["repeated"]
        assert [deliver(url, *again), deliver(url, *again)] == [200, 200]
        assert info(db)["repeated"] == repeated + 1
        assert deliver(url, *fake.delivery("customers/update", body, secret="another secret")) == 401
        headers, _ = again
        assert deliver(url, headers, b'{"id": 1}') == 401
        # Off, and nothing is left at the vendor; on again.
        switch_off(db)
        until(lambda: not fake.subscriptions)
        subscribe(db)
        until(lambda: {one["topic"] for one in fake.subscriptions} == topics)
        # Word of the end is asked about, and then it is one.
        fake.uninstall()
        until(lambda: "webhook_ended" in notices(db))
        until(lambda: sync(db)["status"] == "error")
    assert sync(db)["error"]["code"] == "SL201"


def test_salesforce_signs_nothing_and_so_nothing_is_taken(db: str, door: Running) -> None:
    with SalesforceAccount() as account:
        read(db, account)
        subscribe(db)
        read_once(db, public_url=door.url)
        assert info(db)["error"]["code"] == "SL180"
        assert deliver(f"{door.url}/webhooks/acme", {"Content-Type": "application/json"}, b"{}") == 401
        assert sync(db)["status"] == "active", "polling goes on"


def event(kind: str, **more: Any) -> dict[str, Any]:
    return {"eventId": 1, "subscriptionId": 2, "portalId": 4711, "appId": 3, "occurredAt": int(time.time() * 1000), "subscriptionType": kind,
            "attemptNumber": 0, **more}  # fmt: skip
