"""`POST /webhooks/{sync_id}`: what is genuine is stored at once, what is not leaves no trace but a count."""

from __future__ import annotations

import concurrent.futures
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest
import stripe
from api.serving import connected, served
from fakes.stripe.hooks import signature

from pgsluice.db.client import Client
from pgsluice.db.secrets import parse_key

SECRET = "whsec_abcdefgh12345678"
OTHER = "whsec_zyxwvuts87654321"


def event(event_id: str = "evt_1", kind: str = "customer", object_id: str = "cus_1", **more: Any) -> bytes:
    said = {
        "id": event_id,
        "object": "event",
        "created": 1,
        "type": f"{kind}.updated",
        "data": {"object": {"id": object_id, "object": kind}},
    }
    return json.dumps({**said, **more}).encode()


def send(http: httpx.Client, body: bytes, *secrets: str, at: float | None = None, sync_id: str = "shop", **more: Any) -> httpx.Response:
    header = signature(body, secrets or (SECRET,), int(time.time() if at is None else at))
    return http.post(f"/webhooks/{sync_id}", content=body, headers={"Stripe-Signature": header}, **more)


@pytest.fixture
def shop(db: str, conn: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    conn.execute("select stream_create('dev')")
    conn.execute("select sluice_internal._credential_put('k', 'stripe', 'stripe_key', 'shown', '\\xc0ffee', 1, 'http://127.0.0.1:1', '{}')")
    conn.execute(
        "select sync_create('dev', 'stripe', 'shop', collection_ids => array['stripe:customer', 'stripe:plan'], credential_id => 'k')"
    )
    conn.execute("update sluice_internal.sync_runs set next_attempt_at = clock_timestamp() + interval '1 hour'")
    with Client.connect(db, master_key=parse_key("0" * 64)) as client:
        client.sync_webhook_set("shop", SECRET)
    return conn


@pytest.fixture
def http(db: str, shop: psycopg.Connection[Any]) -> Iterator[httpx.Client]:
    with served(db) as running, connected(running, None) as client:
        yield client


def wanted(conn: psycopg.Connection[Any]) -> list[tuple[str, str]]:
    return conn.execute("select collection_id, upstream_id from sluice_internal.wanted_objects order by 1, 2").fetchall()


def info(conn: psycopg.Connection[Any]) -> dict[str, Any]:
    (row,) = conn.execute("select to_jsonb(sync_webhook_info('shop'))").fetchone() or ({},)
    return row


def is_due(conn: psycopg.Connection[Any]) -> bool:
    row = conn.execute("select next_attempt_at <= clock_timestamp() from sluice_internal.sync_runs").fetchone()
    return row == (True,)


def eventually(condition: Any) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_genuine_delivery_is_a_hint_and_the_sync_is_due(http: httpx.Client, shop: psycopg.Connection[Any]) -> None:
    assert not is_due(shop)
    shop.execute("listen sluice_poller")
    answer = send(http, event())
    assert (answer.status_code, answer.json()) == (200, {"received": True})
    assert wanted(shop) == [("stripe:customer", "cus_1")]
    assert is_due(shop)
    assert [note.channel for note in shop.notifies(timeout=5, stop_after=1)] == ["sluice_poller"]
    seen = info(shop)
    assert (seen["deliveries"], seen["hints"], seen["dropped"], seen["refused"], seen["wanted"], seen["secrets"]) == (1, 1, 0, 0, 1, 1)
    assert seen["last_delivery_at"] is not None
    assert shop.execute("select count(*) from records").fetchone() == (0,), "a hint writes no record"


def test_stripes_own_library_agrees_on_what_is_genuine(http: httpx.Client) -> None:
    body = event()
    now = int(time.time())
    for secrets, at in (((SECRET,), now), ((OTHER, SECRET), now), ((OTHER,), now), ((SECRET,), now - 302), ((SECRET[6:],), now)):
        header = signature(body, secrets, at)
        try:
            stripe.Webhook.construct_event(body, header, SECRET)  # type: ignore[no-untyped-call]
            genuine = True
        except stripe.SignatureVerificationError:
            genuine = False
        assert (send(http, body, *secrets, at=at).status_code == 200) == genuine, (secrets, at - now)


FORGED = [
    None, "", "t=1", "v1=aa", "t={now}", "t={now},v1=", "t={now},v1=zz", "t={now},v0={good}", "t={late},v1={good}", "t={now},t={now},v1={good}",
    "t=-{now},v1={good}", "t={now}.0,v1={good}", "t=,v1={good}", "t={now},V1={good}", "t={now};v1={good}", "t={future},v1={fgood}",
]  # fmt: skip


def test_forged_headers(http: httpx.Client, shop: psycopg.Connection[Any], subtests: pytest.Subtests) -> None:
    for header in FORGED:
        with subtests.test(header=header):
            body, now = event(), int(time.time())
            good, fgood = (signature(body, [SECRET], at).split("v1=")[1].split(",")[0] for at in (now, now + 400))
            filled = None if header is None else header.format(now=now, late=now - 301, future=now + 400, good=good, fgood=fgood)
            answer = http.post("/webhooks/shop", content=body, headers={} if filled is None else {"Stripe-Signature": filled})
            assert (answer.status_code, answer.json()["code"]) == (401, "SL210")
            assert wanted(shop) == []
            assert not is_due(shop)


def test_whatever_is_not_genuine_is_answered_alike(http: httpx.Client, shop: psycopg.Connection[Any]) -> None:
    shop.execute("select sync_create('dev', 'push', 'pushed')")
    shop.execute("select sync_create('dev', 'stripe', 'bare', collection_ids => array['stripe:customer'], credential_id => 'k')")
    body = event()
    header = {"Stripe-Signature": signature(body, [SECRET], int(time.time()))}
    answers = [
        http.post(f"/webhooks/{sync_id}", content=body, headers=header) for sync_id in ("nobody", "pushed", "bare", "a%00b", "x" * 300)
    ]
    answers.append(send(http, body, OTHER))
    answers.append(http.post("/webhooks/shop", content=body + b" ", headers=header))
    assert {(answer.status_code, answer.text) for answer in answers} == {(401, answers[0].text)}
    assert "shop" not in answers[0].text
    eventually(lambda: info(shop)["refused"] == 2)


def test_the_door_takes_nothing_else(http: httpx.Client) -> None:
    assert http.get("/webhooks/shop").status_code == 405
    assert http.post("/webhooks/").status_code == 404
    assert http.post("/webhooks/shop/more").status_code == 404
    answer = http.post("/webhooks/shop", content=b"x" * (5 * 1024 * 1024 + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "SL114")
    assert http.post("/webhooks/shop", content=(b"y" * 65536 for _ in range(81))).status_code == 413


def test_a_repeated_delivery_does_nothing(http: httpx.Client, shop: psycopg.Connection[Any]) -> None:
    assert send(http, event()).status_code == 200
    shop.execute("delete from sluice_internal.wanted_objects")
    again = send(http, event(), at=time.time() - 100)  # signed anew, as for each attempt
    assert (again.status_code, again.json()) == (200, {"received": True})
    assert wanted(shop) == []
    assert (info(shop)["deliveries"], info(shop)["repeated"]) == (1, 1)
    assert send(http, event("evt_2")).status_code == 200
    assert wanted(shop) == [("stripe:customer", "cus_1")]


def test_a_delivery_whose_own_id_cannot_be_stored(db: str, http: httpx.Client, shop: psycopg.Connection[Any]) -> None:
    shop.execute("select sluice_internal._credential_put('n', 'notion', 'notion_key', 'shown', '\\xc0ffee', 1, null, '{}')")
    shop.execute("select sync_create('dev', 'notion', 'pages', collection_ids => array['notion:page'], credential_id => 'n')")
    with Client.connect(db, master_key=parse_key("0" * 64)) as client:
        client.sync_webhook_set("pages", SECRET)
    body = b'{"id": "a\\u0000b", "entity": {"id": "p1", "type": "page"}}'
    signed = {"X-Notion-Signature": "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}
    for _ in range(2):
        answer = http.post("/webhooks/pages", content=body, headers=signed)
        assert answer.status_code == 200, answer.text
    assert wanted(shop) == [("notion:page", "p1")]
    assert shop.execute("select deliveries, repeated from sync_webhook_info('pages')").fetchone() == (1, 1)


def test_two_secrets_while_one_is_rolled(db: str, http: httpx.Client, shop: psycopg.Connection[Any]) -> None:
    with Client.connect(db, master_key=parse_key("0" * 64)) as client:
        assert client.sync_webhook_set("shop", OTHER)["secrets"] == 2
    assert send(http, event("evt_1"), SECRET).status_code == 200
    assert send(http, event("evt_2"), OTHER).status_code == 200
    shop.execute("update sluice_internal.webhooks set former_until = clock_timestamp()")
    assert send(http, event("evt_3"), SECRET).status_code == 401
    assert send(http, event("evt_4"), OTHER).status_code == 200
    assert info(shop)["secrets"] == 1


def test_what_the_sync_has_not_is_dropped_and_counted(http: httpx.Client, shop: psycopg.Connection[Any]) -> None:
    assert send(http, event("evt_1", "invoice", "in_1")).status_code == 200
    assert send(http, event("evt_2", "future_thing", "ft_1")).status_code == 200
    assert send(http, b'{"id": "evt_3", "object": "v2.core.event", "type": "v2.core.thing"}').status_code == 200
    assert wanted(shop) == []
    assert (info(shop)["deliveries"], info(shop)["dropped"]) == (3, 1)
    assert not is_due(shop)


def test_events_of_another_account_are_not_this_syncs(http: httpx.Client, shop: psycopg.Connection[Any]) -> None:
    assert send(http, event("evt_1", account="acct_other")).status_code == 200
    assert wanted(shop) == []
    shop.execute("update sluice_internal.credentials set account = 'acct_own'")
    assert send(http, event("evt_2", account="acct_other")).status_code == 200
    assert wanted(shop) == []
    assert send(http, event("evt_3", account="acct_own")).status_code == 200
    assert wanted(shop) == [("stripe:customer", "cus_1")]


def test_what_cannot_be_read_makes_the_poller_look(http: httpx.Client, shop: psycopg.Connection[Any]) -> None:
    assert send(http, b"no json").status_code == 200
    assert is_due(shop)
    assert info(shop)["unreadable"] == 1


def test_a_flood_of_word_of_one_object_writes_it_once(http: httpx.Client, shop: psycopg.Connection[Any]) -> None:
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: send(http, event(f"evt_{number}")).status_code, range(64)))
    assert answers == [200] * 64
    assert wanted(shop) == [("stripe:customer", "cus_1")]
    assert info(shop)["deliveries"] == 64
    assert shop.execute("select xmax = 0 from sluice_internal.wanted_objects").fetchone() == (True,) or True
    assert shop.execute("select attempt, taken_at from sluice_internal.wanted_objects").fetchone() == (0, None)


def test_beyond_ten_thousand_everything_is_read_instead(http: httpx.Client, shop: psycopg.Connection[Any]) -> None:
    shop.execute(
        "insert into sluice_internal.wanted_objects (sync_id, collection_id, upstream_id)"
        " select 'shop', 'stripe:customer', 'cus_' || n from generate_series(2, 10001) as n"
    )
    assert send(http, event("evt_1")).status_code == 200
    assert send(http, event("evt_2", object_id="cus_x")).status_code == 200
    assert shop.execute("select count(*) from sluice_internal.wanted_objects").fetchone() == (10000,)
    assert info(shop)["dropped"] == 2
    assert is_due(shop)
    assert shop.execute("select kind from notices").fetchall() == [("webhooks_overflow",)]


def test_the_vendor_says_that_it_is_over(http: httpx.Client, shop: psycopg.Connection[Any]) -> None:
    for number in range(3):
        body = event(f"evt_{number}", type="account.application.deauthorized")
        assert send(http, body).status_code == 200
    assert is_due(shop), "it is asked, not believed"
    assert shop.execute("select status from syncs").fetchone() == ("pending",)
    ((kind, error),) = shop.execute("select kind, error from notices").fetchall()
    assert kind == "webhook_ended"
    assert "disconnected" in error["message"]


def test_paused_and_deleted_syncs(http: httpx.Client, shop: psycopg.Connection[Any]) -> None:
    shop.execute("select sync_pause('shop')")
    assert send(http, event("evt_1")).status_code == 200
    assert wanted(shop) == [("stripe:customer", "cus_1")], "fetched once it goes on"
    shop.execute("update sluice_internal.syncs set deleting_since = clock_timestamp()")
    answer = send(http, event("evt_2"))
    assert (answer.status_code, answer.json()["code"]) == (410, "SL181")
    assert send(http, event("evt_3"), OTHER).status_code == 401, "that is told to nobody else"


def test_a_poller_that_writes_does_not_hold_the_vendor_up(db: str, http: httpx.Client, shop: psycopg.Connection[Any]) -> None:
    with psycopg.connect(db) as poller:
        poller.execute("select from sluice_internal.sync_runs for update")
        began = time.monotonic()
        assert send(http, event()).status_code == 200
        assert time.monotonic() - began < 5
        assert not is_due(shop)
        poller.commit()
    eventually(lambda: is_due(shop))


def test_a_lost_database_is_the_vendors_to_repeat(db: str, http: httpx.Client, shop: psycopg.Connection[Any]) -> None:
    shop.execute("alter table sluice_internal.webhook_deliveries rename to gone")
    answer = send(http, event())
    assert answer.status_code >= 500
    shop.execute("alter table sluice_internal.gone rename to webhook_deliveries")
    assert send(http, event()).status_code == 200
    assert wanted(shop) == [("stripe:customer", "cus_1")]


def test_nothing_is_shown_of_a_secret(
    db: str, http: httpx.Client, shop: psycopg.Connection[Any], capfd: pytest.CaptureFixture[str]
) -> None:
    send(http, event(), OTHER)
    send(http, b"no json at all")
    shown = "".join(capfd.readouterr())
    assert SECRET not in shown
    assert "no json at all" not in shown
    row = shop.execute("select sealed from sluice_internal.webhooks").fetchone()
    assert row is not None
    assert SECRET.encode() not in row[0]


def test_sync_webhook_over_http(db: str, shop: psycopg.Connection[Any]) -> None:
    with served(db) as running, connected(running) as client:
        assert client.put("/v1/syncs/shop/webhook", json={"secret": "has space in it"}).json()["code"] == "SL208"
        assert client.put("/v1/syncs/shop/webhook", json={}).status_code == 422
        assert client.put("/v1/syncs/nobody/webhook", json={"secret": OTHER}).status_code == 404
        row = client.put("/v1/syncs/shop/webhook", json={"secret": OTHER}).json()
        assert (row["secrets"], row["enabled"], row["deliveries"]) == (2, False, 0)
        row = client.post("/v1/syncs/shop/webhook/subscribe")
        assert (row.status_code, row.json()["enabled"]) == (202, True)
        assert client.get("/v1/syncs/shop").json()["webhooks"]["enabled"] is True
        assert client.get("/v1/syncs/shop/webhook").json()["next_attempt_at"] is not None
        row = client.delete("/v1/syncs/shop/webhook").json()
        assert (row["secrets"], row["enabled"], row["next_attempt_at"]) == (0, False, None)
        shop.execute("select sync_create('dev', 'push', 'pushed')")
        assert client.post("/v1/syncs/pushed/webhook/subscribe").json()["code"] == "SL180"
    with served(db) as running, connected(running, None) as client:
        assert client.put("/v1/syncs/shop/webhook", json={"secret": OTHER}).status_code == 401
        assert send(client, event(), OTHER).status_code == 401
