"""Word that the vendor sends by itself: a change arrives without a poll, and nothing is lost, whatever dies in between.

The syncs here are polled once an hour: what comes sooner came by a webhook.
"""

from __future__ import annotations

import asyncio
import json
import signal
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from api.serving import BOOTSTRAP, Running
from e2e.polling import KEY, assert_complete, connect, poller, process, read_once, stored, sync, until
from fakes.stripe import StripeFake, faults
from fakes.stripe.hooks import signature

from pgsluice.db.client import Client
from pgsluice.server.run import Settings

KINDS = ("customer", "product")
HOURLY = 3600


@contextmanager
def working(db: str, public_url: str | None, **settings: Any) -> Iterator[None]:
    """A poller in a thread of its own."""
    loop, made = asyncio.new_event_loop(), poller(db, public_url=public_url, **settings)
    thread = threading.Thread(target=lambda: loop.run_until_complete(made.run()))
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(made.stop)
        thread.join(30)
        assert not thread.is_alive()
        loop.close()


@contextmanager
def doorway(db: str) -> Iterator[Running]:
    """A server with the poller's master key."""
    running = Running(Settings(db, port=0, bootstrap_token=BOOTSTRAP, master_key=KEY)).start()
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
def door(db: str) -> Iterator[Running]:
    with doorway(db) as running:
        yield running


@pytest.fixture
def shop(db: str, stripe_fake: StripeFake) -> StripeFake:
    """An account that was read once, and will not be polled for an hour."""
    stripe_fake.seed(customers=3, products=2)
    connect(db, stripe_fake, collections=[f"stripe:{kind}" for kind in KINDS])
    with Client.connect(db) as client:
        client.sync_update("acme", sync_frequency=f"{HOURLY} seconds")
    read_once(db)
    assert_complete(db, stripe_fake, kinds=KINDS)
    return stripe_fake


def subscribe(db: str) -> None:
    with Client.connect(db) as client:
        client.sync_webhook_subscribe("acme")


def switch_off(db: str, sync_id: str = "acme") -> None:
    with Client.connect(db) as client:
        client.sync_webhook_delete(sync_id)


def info(db: str) -> dict[str, Any]:
    with Client.connect(db) as client:
        return client.sync_webhook_info("acme")


def notices(db: str) -> list[str]:
    with Client.connect(db) as client:
        return [row["kind"] for row in client.notices()]


def endpoints(fake: StripeFake) -> list[dict[str, Any]]:
    return list(fake.objects("webhook_endpoint").values())


def is_subscribed(db: str, since: Any = None, sync_id: str = "acme") -> bool:
    with Client.connect(db) as client:
        at = client.sync_webhook_info(sync_id)["subscribed_at"]
    return at is not None and (since is None or at > since)


def deliver(url: str, secret: str, object_id: str, event_id: str = "evt_own", **more: Any) -> int:
    """An event of our own making."""
    said = {
        "id": event_id,
        "object": "event",
        "created": 1,
        "type": "customer.updated",
        "data": {"object": {"id": object_id, "object": "customer"}},
    }
    body = json.dumps({**said, **more}).encode()
    headers = {"Stripe-Signature": signature(body, [secret], int(time.time()))}
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(url, body, headers), timeout=20) as reply:
        return int(reply.status)


def test_changes_arrive_without_a_poll(db: str, door: Running, shop: StripeFake) -> None:
    subscribe(db)
    with working(db, door.url):
        until(lambda: is_subscribed(db))
        (endpoint,) = endpoints(shop)
        assert endpoint["url"].startswith(f"{door.url}/webhooks/acme?tag=")
        assert {"customer.created", "customer.deleted", "product.updated"} <= set(endpoint["enabled_events"])
        assert "invoice.created" not in endpoint["enabled_events"]
        assert endpoint["api_version"] is not None
        first, second, third = shop.objects("customer")
        shop.update("customer", first, name="Chani")
        made = shop.create("customer", name="Leto")["id"]
        shop.delete("customer", second)
        until(lambda: (found := stored(db)["customer"]).get(first, {}).get("name") == "Chani" and made in found and second not in found)
        assert second in stored(db, deleted=True)["customer"]
        # Late, twice, and the old one last: what is fetched is what is.
        shop.update("customer", third, name="one")
        shop.update("customer", third, name="two")
        old = next(event["id"] for event in shop.events() if event["type"] == "customer.updated")
        shop.redeliver(endpoint["id"], old)
        until(lambda: stored(db)["customer"][third].get("name") == "two" and info(db)["repeated"] >= 1)
        until(lambda: info(db)["wanted"] == 0)
    assert_complete(db, shop, kinds=KINDS)
    seen = info(db)
    assert (seen["refused"], seen["unreadable"], seen["error"]) == (0, 0, None)
    assert sync(db)["webhooks"]["enabled"]
    assert all(each.status == 200 for each in shop.deliveries)


def test_a_subscription_is_kept_up(db: str, door: Running, shop: StripeFake) -> None:
    subscribe(db)
    with working(db, door.url):
        until(lambda: is_subscribed(db))
        (endpoint,) = endpoints(shop)
        # disabled, as the vendor does after days of failures
        shop.change("webhook_endpoint", endpoint["id"], status="disabled")
        before = info(db)["subscribed_at"]
        subscribe(db)
        until(lambda: is_subscribed(db, before))
        assert [each["status"] for each in endpoints(shop)] == ["enabled"]
        assert notices(db).count("webhooks_renewed") == 1
        # other collections, other events
        before = info(db)["subscribed_at"]
        with Client.connect(db) as client:
            client.sync_update("acme", collection_ids=["stripe:customer", "stripe:coupon"])
        until(lambda: is_subscribed(db, before))
        (same,) = endpoints(shop)
        assert (same["id"], "coupon.created" in same["enabled_events"], "product.created" in same["enabled_events"]) == (
            endpoint["id"],
            True,
            False,
        )
        # dropped
        shop.delete("webhook_endpoint", endpoint["id"])
        before = info(db)["subscribed_at"]
        subscribe(db)
        until(lambda: is_subscribed(db, before))
        (other,) = endpoints(shop)
        assert other["id"] != endpoint["id"]
        assert notices(db).count("webhooks_renewed") == 2
        customer = next(iter(shop.objects("customer")))
        shop.update("customer", customer, name="after")
        until(lambda: stored(db)["customer"][customer].get("name") == "after")
        # and silent where all is well
        before, asked = info(db)["subscribed_at"], len(shop.requests)
        subscribe(db)
        until(lambda: is_subscribed(db, before))
        assert {entry.method for entry in shop.requests[asked:] if "webhook" in entry.path} == {"GET"}


def test_a_secret_that_was_lost_on_its_way(db: str, door: Running, shop: StripeFake) -> None:
    """The vendor made the endpoint, and the answer with the secret never came: nobody can know it any more."""
    rule = shop.fail(faults.Reset(executed=True), method="POST", path="/v1/webhook_endpoints")
    subscribe(db)
    with working(db, door.url):
        until(lambda: info(db)["error"] is not None)
        assert rule.hits == 1
        (lost,) = endpoints(shop)
        subscribe(db)
        until(lambda: is_subscribed(db))
        (endpoint,) = endpoints(shop)
        assert endpoint["id"] != lost["id"]
        customer = next(iter(shop.objects("customer")))
        shop.update("customer", customer, name="heard")
        until(lambda: stored(db)["customer"][customer].get("name") == "heard")
    assert notices(db)[:2] == ["webhooks_broken", "webhooks_recovered"] or set(notices(db)) >= {"webhooks_broken", "webhooks_recovered"}


def test_without_a_public_address(db: str, shop: StripeFake) -> None:
    subscribe(db)
    read_once(db)
    assert info(db)["error"]["code"] == "SL182"
    assert endpoints(shop) == []


def test_a_key_that_may_not_subscribe(db: str, door: Running, shop: StripeFake) -> None:
    with Client.connect(db, master_key=KEY) as client:
        client.credential_update("acme", "stripe_key", secret={"secret": shop.restricted_key})
        client.sync_webhook_subscribe("acme")
    read_once(db, public_url=door.url)
    assert info(db)["error"]["code"] == "SL202"
    assert sync(db)["status"] == "active", "polling goes on"


def test_nothing_is_lost_when_the_poller_is_killed_before_it_fetched(db: str, door: Running, shop: StripeFake) -> None:
    customer, other, _ = shop.objects("customer")
    with Client.connect(db, master_key=KEY) as client:
        client.sync_webhook_set("acme", "whsec_0123456789")
    shop.update("customer", customer, name="told")
    shop.update("customer", other, name="told too")
    assert deliver(f"{door.url}/webhooks/acme", "whsec_0123456789", customer) == 200
    rule = shop.fail(faults.Hold(), path=f"/v1/customers/{customer}", times=None)
    shop.fail(faults.Hold(), path=f"/v1/customers/{other}", times=None)  # word of it may be heard before the kill
    with process(db) as killed:
        assert rule.wait()
        assert deliver(f"{door.url}/webhooks/acme", "whsec_0123456789", other, "evt_more") == 200
        killed.send(signal.SIGKILL)
        killed.wait()
    shop.heal()
    assert info(db)["wanted"] == 2
    assert stored(db)["customer"][customer].get("name") != "told"
    with working(db, None):
        until(lambda: info(db)["wanted"] == 0)
    assert {stored(db)["customer"][each]["name"] for each in (customer, other)} == {"told", "told too"}


def test_a_hint_during_a_backfill_is_not_behind_it(db: str, door: Running, stripe_fake: StripeFake) -> None:
    customers = stripe_fake.seed(customers=250, products=1)["customer"]
    connect(db, stripe_fake, collections=["stripe:customer"])
    with Client.connect(db, master_key=KEY) as client:
        client.sync_webhook_set("acme", "whsec_0123456789")
        client.sync_update("acme", sync_frequency="1 hour")
    rule = stripe_fake.fail(faults.Hold(), path="/v1/customers", skip=1, times=None)
    with working(db, None):
        assert rule.wait()
        oldest = customers[0]
        stripe_fake.update("customer", oldest, name="in between")
        assert deliver(f"{door.url}/webhooks/acme", "whsec_0123456789", oldest) == 200
        until(lambda: stored(db)["customer"].get(oldest, {}).get("name") == "in between")
        assert sync(db)["backfill_completed_at"] is None
        stripe_fake.heal()
        until(lambda: sync(db)["backfill_completed_at"] is not None)
    assert_complete(db, stripe_fake, kinds=("customer",))


def test_one_that_cannot_be_fetched_holds_up_no_other(db: str, door: Running, shop: StripeFake) -> None:
    customer, other, _ = shop.objects("customer")
    with Client.connect(db, master_key=KEY) as client:
        client.sync_webhook_set("acme", "whsec_0123456789")
    shop.update("customer", other, name="fine")
    shop.fail(faults.BadParameter("id"), path=f"/v1/customers/{customer}", times=None)
    with working(db, None):
        assert deliver(f"{door.url}/webhooks/acme", "whsec_0123456789", customer, "evt_a") == 200
        assert deliver(f"{door.url}/webhooks/acme", "whsec_0123456789", other, "evt_b") == 200
        until(lambda: stored(db)["customer"][other].get("name") == "fine")
        until(lambda: info(db)["wanted"] == 1)
        shop.heal()
        shop.update("customer", customer, name="mended")
        until(lambda: stored(db)["customer"][customer].get("name") == "mended")
    assert sync(db)["status"] == "active"


def test_an_access_that_ended_is_asked_about_at_once(db: str, door: Running, shop: StripeFake) -> None:
    with Client.connect(db, master_key=KEY) as client:
        client.sync_webhook_set("acme", "whsec_0123456789")
    with working(db, None):
        assert deliver(f"{door.url}/webhooks/acme", "whsec_0123456789", "ca_1", type="account.application.deauthorized") == 200
        until(lambda: "webhook_ended" in notices(db))
        read = len(shop.requests)
        until(lambda: len(shop.requests) > read or sync(db)["last_success_at"] is not None)
        assert sync(db)["status"] == "active", "said, and not so"
        until(lambda: sync(db)["next_attempt_at"] is not None)
        shop.revoke()
        assert deliver(f"{door.url}/webhooks/acme", "whsec_0123456789", "ca_1", "evt_again", type="account.application.deauthorized") == 200
        until(lambda: sync(db)["status"] == "error")
    assert sync(db)["error"]["code"] == "SL201"
    with psycopg.connect(db) as conn:
        assert conn.execute("select count(*) from sluice.notices where kind = 'broken'").fetchone() == (1,)


def left(db: str) -> int:
    with psycopg.connect(db) as conn:
        (found,) = conn.execute("select count(*) from sluice_internal.unsubscriptions").fetchone() or (0,)
        return int(found)


def test_nothing_of_a_deleted_sync_is_left_at_the_vendor(db: str, door: Running, shop: StripeFake) -> None:
    by_hand = shop.create("webhook_endpoint", url=f"{door.url}/webhooks/other", enabled_events=["customer.created"])["id"]
    subscribe(db)
    with working(db, door.url):
        until(lambda: len(endpoints(shop)) == 2 and is_subscribed(db))
        shop.fail(faults.ServerError(), path="/v1/webhook_endpoints")
        with Client.connect(db) as client:
            client.sync_delete("acme")
            # It waits for no vendor.
            until(lambda: not client.syncs())
        until(lambda: [endpoint["id"] for endpoint in endpoints(shop)] == [by_hand])
        until(lambda: left(db) == 0)


def test_a_poller_that_dies_while_it_removes_a_subscription(db: str, door: Running, shop: StripeFake) -> None:
    subscribe(db)
    read_once(db, public_url=door.url)
    assert len(endpoints(shop)) == 1
    switch_off(db)
    with psycopg.connect(db, autocommit=True) as conn:
        conn.execute("select sluice_internal._poller_heartbeat('dead', 'host', 1)")
        conn.execute("select sluice_internal._unsubscription_claim('dead')")
        read_once(db, public_url=door.url)
        assert len(endpoints(shop)) == 1, "its poller may be at it"
        conn.execute("update sluice_internal.pollers set heartbeat_at = heartbeat_at - interval '1 minute' where poller_id = 'dead'")
    read_once(db, public_url=door.url)
    assert (endpoints(shop), left(db)) == ([], 0)


def test_another_account_is_subscribed_to_in_place_of_the_former_one(db: str, door: Running, shop: StripeFake) -> None:
    theirs = shop.create("account")["id"]
    subscribe(db)
    read_once(db, public_url=door.url)
    assert len(endpoints(shop)) == 1
    with Client.connect(db, master_key=KEY) as client:
        secret = {"secret": shop.key, "account": theirs}
        client.credential_create("stripe", "theirs", "stripe_connect", secret=secret, base_url=shop.url)
        client.sync_update("acme", credential_id="theirs")
    with working(db, door.url):
        until(lambda: is_subscribed(db) and left(db) == 0)
    assert endpoints(shop) == []
    with shop.within(theirs):
        assert [endpoint["url"].partition("?")[0] for endpoint in endpoints(shop)] == [f"{door.url}/webhooks/acme"]
    assert "webhooks_left" not in notices(db)


@pytest.mark.parametrize("gone", [True, False], ids=["gone", "dead"])
def test_without_a_credential_it_is_left_behind_with_a_notice(db: str, door: Running, shop: StripeFake, gone: bool) -> None:
    subscribe(db)
    read_once(db, public_url=door.url)
    switch_off(db)
    if gone:
        with psycopg.connect(db, autocommit=True) as conn:
            conn.execute("update sluice_internal.unsubscriptions set credential_id = 'deleted since'")
    else:
        shop.revoke()
    read_once(db, public_url=door.url)
    assert (len(endpoints(shop)), left(db)) == (1, 0)
    with Client.connect(db) as client:
        (notice,) = [row for row in client.notices() if row["kind"] == "webhooks_left"]
    assert "left behind" in notice["error"]["message"]
    assert f"{door.url}/webhooks/acme" in notice["error"]["hint"]
