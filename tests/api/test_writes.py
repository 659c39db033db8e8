"""Writes over HTTP: upserts, and answers that wait until consumers have what was written. A poller's part is played by its own functions."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from e2e.polling import until
from psycopg.types.json import Jsonb


@pytest.fixture
def account(conn: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    conn.execute("select stream_create('dev')")
    conn.execute("select sluice_internal._credential_put('k', 'stripe', 'stripe_key', null, '\\xc0ffee', 1, null, '{}')")
    conn.execute("select sync_create('dev', 'stripe', 'st', collection_ids => '{stripe:customer}', credential_id => 'k')")
    conn.execute("select consumer_create('billing', 'dev')")
    conn.execute("""
        create or replace view sluice.provider_collections as
        select
            c.provider collate "C" as provider, c.collection_id collate "C" as collection_id, array['create', 'upsert'] as mutations, c.description, '{email}'::text[] as match_on,
            true as if_match
        from sluice_internal._builtin_collections as c
    """)
    return conn


def send(conn: psycopg.Connection[Any], upstream_id: str = "cus_1") -> Any:
    """What a poller does with the next item; answers what it was to send."""

    def claimed() -> Any:
        return conn.execute("select * from sluice_internal._mutation_claim('p', 1)").fetchone()

    item = until(claimed)
    record = {"collection_id": "stripe:customer", "upstream_id": upstream_id, "data": {"id": upstream_id}}
    conn.execute(
        "select sluice_internal._mutation_complete(%s, %s, 'p', %s, 'succeeded', %s, %s, clock_timestamp(), null)",
        [item[0], item[1], item[2], upstream_id, Jsonb([record])],
    )
    return item


def run(http: httpx.Client, **body: Any) -> httpx.Response:
    return http.post("/v1/mutations/run", json={"kind": "create", "sync_id": "st", "collection_id": "stripe:customer", "data": [{}]} | body)


@pytest.fixture
def beside() -> Any:
    with ThreadPoolExecutor(1) as pool:

        def start(act: Callable[[], Any]) -> Any:
            return pool.submit(act)

        yield start


def test_an_upsert(http: httpx.Client, account: psycopg.Connection[Any], beside: Any) -> None:
    reply = beside(lambda: run(http, kind="upsert", match_on="email", data=[{"email": "a@x"}]))
    item = send(account)
    assert (item[5], item[7], item[19]) == ("upsert", {"email": "a@x"}, "email")
    assert reply.result(30).status_code == 200


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"kind": "upsert", "data": [{"email": "a@x"}]}, "needs match_on"),
        ({"kind": "upsert", "match_on": "name", "data": [{"name": "a"}]}, "cannot match on"),
        ({"kind": "upsert", "match_on": "email", "data": [{}]}, "lacks email"),
        ({"match_on": "email"}, "match_on is for upsert"),
        ({"if_match": "1"}, "if_match is for"),
    ],
)
def test_what_cannot_be_matched(http: httpx.Client, account: psycopg.Connection[Any], more: dict[str, Any], what: str) -> None:
    reply = run(http, **more)
    assert (reply.status_code, reply.json()["code"]) == (422, "SL001")
    assert what in reply.json()["message"]
    assert account.execute("select count(*) from mutations").fetchone() == (0,)


def test_the_answer_waits_until_the_consumers_have_it(http: httpx.Client, account: psycopg.Connection[Any], beside: Any) -> None:
    reply = beside(lambda: run(http, await_consumer_ids=["billing"], await_consumers_timeout=60000))
    send(account)
    (token,) = account.execute("select ack_token from consumer_next('billing')").fetchone() or ()
    assert not reply.done()
    account.execute("select consumer_ack('billing', array[%s])", [token])
    assert (reply.result(30).status_code, reply.result().json()["awaited"]) == (200, True)
    assert reply.result().json()["records"][0]["upstream_id"] == "cus_1"


def test_out_of_time_it_was_written_all_the_same(http: httpx.Client, account: psycopg.Connection[Any], beside: Any) -> None:
    reply = beside(lambda: run(http, await_consumer_ids=["billing"], await_consumers_timeout=50))
    send(account)
    assert (reply.result(30).status_code, reply.result().json()["awaited"]) == (200, False)


def test_a_consumer_that_does_not_want_it_is_not_waited_for(http: httpx.Client, account: psycopg.Connection[Any], beside: Any) -> None:
    account.execute("select consumer_create('picky', 'dev', filter => '{\"collection_id\": \"stripe:plan\"}')")
    reply = beside(lambda: run(http, await_consumer_ids=["picky"]))
    send(account)
    assert reply.result(30).json()["awaited"] is True


def test_a_consumer_of_another_stream_is_none(http: httpx.Client, account: psycopg.Connection[Any]) -> None:
    account.execute("select stream_create('other')")
    account.execute("select consumer_create('theirs', 'other')")
    for name in ("theirs", "nobody"):
        reply = run(http, await_consumer_ids=[name])
        assert (reply.status_code, reply.json()["code"]) == (404, "SL103")


def test_importing_an_account_again_updates_its_credential(http: httpx.Client, conn: psycopg.Connection[Any]) -> None:
    body = {"kind": "stripe_key", "secret": "sk_test_4eC39HqLyjWDarjtT1zdp7dc", "account": "acct_1", "name": "one"}
    first = http.post("/v1/credentials", json=body)
    again = http.post("/v1/credentials", json=body | {"name": "two", "expires_at": "2099-01-01T00:00:00Z"})
    assert (first.status_code, again.status_code) == (201, 200), (first.text, again.text)
    assert (again.json()["id"], again.json()["name"], again.json()["account"]) == (first.json()["id"], "two", "acct_1")
    assert again.json()["expires_at"].startswith("2099-01-01T00:00:00")
    taken = http.post("/v1/credentials", json=body | {"id": "mine"})
    assert (taken.status_code, taken.json()["code"]) == (409, "SL110")
    assert conn.execute("select count(*), max(version) from credentials").fetchone() == (1, 2)


# What Stripe's OAuth answers for a connected account, and a key of a platform with the account to work in.
GRANTED = {"kind": "stripe_oauth2", "access_token": "sk_acct_4eC39HqLyjWDarjtT1zdp7dc", "stripe_user_id": "acct_7", "livemode": True}
CONNECTED = {"kind": "stripe_connect", "secret": "sk_live_4eC39HqLyjWDarjtT1zdp7dc", "account": "acct_7"}
HUB = {"kind": "hubspot_oauth2", "access_token": "a" * 30, "refresh_token": "r" * 30, "hub_id": 62515}


@pytest.mark.parametrize(
    ("body", "account"),
    [
        (GRANTED, "acct_7"),
        (GRANTED | {"livemode": False}, "acct_7/test"),
        (CONNECTED, "acct_7"),
        (CONNECTED | {"secret": "sk_test_4eC39HqLyjWDarjtT1zdp7dc"}, "acct_7/test"),
        ({"properties": CONNECTED}, "acct_7"),
        (HUB, "62515"),
    ],
)
def test_an_account_that_the_values_name_has_one_credential(http: httpx.Client, body: dict[str, Any], account: str) -> None:
    first, again = http.post("/v1/credentials", json=body), http.post("/v1/credentials", json=body)
    assert (first.status_code, again.status_code) == (201, 200), (first.text, again.text)
    assert (again.json()["id"], again.json()["account"]) == (first.json()["id"], account)


def test_the_two_sets_of_data_of_an_account_have_a_credential_each(http: httpx.Client) -> None:
    ids = {http.post("/v1/credentials", json=GRANTED | {"livemode": live}).json()["id"] for live in (True, False, True)}
    assert len(ids) == 2


def test_an_installation_of_a_github_app(http: httpx.Client) -> None:
    key = generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    body = {"kind": "github_app", "account_login": "acme", "installation_id": 4711, "client_id": "Iv23", "private_key": key}
    first, again = http.post("/v1/credentials", json=body), http.post("/v1/credentials", json=body)
    assert (first.status_code, again.status_code) == (201, 200), (first.text, again.text)
    assert (again.json()["id"], again.json()["account"]) == (first.json()["id"], "4711")
    assert "PRIVATE KEY" not in first.text + again.text
    bad = http.post("/v1/credentials", json=body | {"private_key": "-----BEGIN PRIVATE KEY-----\nnonsense"})
    assert (bad.status_code, bad.json()["code"]) == (422, "SL208")
    assert "nonsense" not in bad.text
