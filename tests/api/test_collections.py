"""`/v1/collections` and `/v1/views`."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import psycopg
import pytest

from pgsluice.db.serving import Ask, Store, Token
from pgsluice.providers import registry

Connection = psycopg.Connection[Any]


@pytest.fixture
def account(conn: Connection) -> Connection:
    """A credential with an id that must be encoded."""
    conn.execute("select stream_create('dev')")
    conn.execute("select sluice_internal._credential_put('a/b', 'stripe', 'stripe_key', null, '\\x00', 1, null, '{}')")
    return conn


def test_what_an_account_has(http: httpx.Client, account: Connection) -> None:
    answer = http.get("/v1/collections/a%2Fb")
    assert answer.status_code == 200
    found = {item["id"]: item for item in answer.json()["data"]}
    assert set(found) == set(registry.get("stripe").collections)
    assert found["stripe:customer"]["name"] == "customer"
    one = http.get("/v1/collections/a%2Fb/stripe%3Acustomer")
    assert one.json() == found["stripe:customer"]
    assert {"id", "name", "accessor", "type", "primary_key"} <= {key for field in one.json()["fields"] for key in field} or not one.json()[
        "fields"
    ]
    assert http.post("/v1/collections/a%2Fb/refresh").status_code == 200
    assert http.get("/v1/collections/a%2Fb/stripe:nothing").json()["code"] == "SL173"
    assert http.get("/v1/collections/nobody").json()["code"] == "SL104"
    assert http.get("/v1/collections/a%2Fb/refresh").status_code == 405


def test_an_account_that_a_poller_has_to_ask(http: httpx.Client, account: Connection) -> None:
    account.execute(
        "create or replace view sluice_internal._builtin_providers as select 'stripe' as provider, false as free_form, true as describes"
    )
    waits = http.post("/v1/collections/a%2Fb/refresh", params={"wait_for": 0})
    assert (waits.status_code, waits.json()["status"]) == (202, "pending")
    account.execute("select sluice_internal._poller_heartbeat('p', 'h', 1)")
    account.execute("select sluice_internal._description_claim('p')")
    fields = '[{"name": "na\\"me", "type": "text", "primary_key": true}]'
    account.execute(
        "select sluice_internal._description_end('a/b', 'p', 1, %s::jsonb, null, null)",
        (f'[{{"collection_id": "stripe:own", "description": "d", "fields": {fields}}}]',),
    )
    one = http.get("/v1/collections/a%2Fb/stripe:own").json()
    assert one["fields"] == [
        {"id": 'na"me', "name": 'na"me', "accessor": '$."na\\"me"', "type": "text", "primary_key": True, "description": ""}
    ]
    assert http.get("/v1/collections/a%2Fb").json()["status"] == "described"


def test_views(http: httpx.Client, filled: Connection) -> None:
    filled.execute("""select record_ingest('my-sync', 'push:order', '[{"upstream_id": "1", "data": {"a": 1.10}}]')""")
    made = http.post("/v1/views", json={"collection_id": "push:order"})
    assert made.status_code == 201
    assert made.json()["id"] == "sluice_views.push_order"
    assert made.json()["fields"] == [{"column": "a", "field": "a", "type": "numeric"}]
    assert http.get("/v1/views/push_order").json() == made.json() == http.get("/v1/views").json()["data"][0]
    assert http.post("/v1/views", json={"collection_id": "push:no"}).json()["code"] == "SL106"
    assert http.post("/v1/views", json={}).json()["details"] == {"fields": {"collection_id": "is missing"}}
    assert http.delete("/v1/views/sluice_views.push_order").status_code == 204
    assert http.get("/v1/views/push_order").status_code == 404


def test_no_statement_of_the_server_is_compiled(db: str, conn: Connection) -> None:
    """Where PostgreSQL has LLVM, the collections of one account took two seconds to compile, and ten milliseconds to read."""
    conn.execute(f"alter database {conn.info.dbname} set jit = on")

    async def asked() -> bytes:
        store = Store(db, connections=1, statement_timeout=30)
        await store.open()
        try:
            return await store.run(Token(None), Ask("read", "select to_json(current_setting('jit'))::text"))
        finally:
            await store.close()

    assert asyncio.run(asked()) == b'"off"'
