"""Lists, single objects, changes and deletions; health; and a database that goes away."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from api.serving import BOOTSTRAP, Running, push, served

from pgsluice.db import embedded
from pgsluice.db.errors import SluiceError
from pgsluice.providers import registry
from pgsluice.server.run import Server, Settings


def test_streams(http: httpx.Client) -> None:
    made = http.post("/v1/streams", json={"id": "dev", "lanes": 4})
    assert (made.status_code, made.json()["id"], made.json()["name"], made.json()["lanes"]) == (201, "dev", "dev", 4)
    assert http.get("/v1/streams/dev").json()["syncs"] == 0
    assert http.post("/v1/streams", json={"id": "dev"}).status_code == 409
    assert http.delete("/v1/streams/dev").status_code == 204
    assert http.get("/v1/streams/dev").status_code == 404


def test_pages_of_a_list(http: httpx.Client) -> None:
    for number in range(5):
        http.post("/v1/streams", json={"id": f"s{number}"})
    seen, cursor = [], None
    while True:
        page = http.get("/v1/streams", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        seen += [stream["id"] for stream in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [f"s{number}" for number in range(5)]
    for wrong in ({"limit": 0}, {"limit": "x"}, {"limit": 10**6}, {"order": "id"}):
        assert http.get("/v1/streams", params=wrong).status_code == 422


def test_consumers(http: httpx.Client, filled: psycopg.Connection[Any]) -> None:
    push(filled, "a", "b")
    made = http.post("/v1/http-consumers", json={"stream_id": "dev", "ack_wait_ms": 1500, "max_deliver": 3, "metadata": {"a": 1}})
    assert made.status_code == 201, made.text
    consumer_id = made.json()["id"]
    assert (made.json()["ack_wait"], made.json()["ack_wait_ms"], made.json()["num_pending"]) == (1.5, 1500, 2)
    changed = http.patch(f"/v1/http-consumers/{consumer_id}", json={"ack_wait": 5}).json()
    assert (changed["ack_wait"], changed["max_deliver"], changed["metadata"]) == (5, 3, {"a": 1})
    assert http.patch(f"/v1/http-consumers/{consumer_id}", json={"stream_id": "other"}).status_code == 422
    listed = http.get("/v1/http-consumers", params={"stream_id": "dev"}).json()["data"]
    assert {consumer["id"]: consumer["num_pending"] for consumer in listed} == {"billing": 2, consumer_id: 2}
    assert http.delete(f"/v1/http-consumers/{consumer_id}").status_code == 204
    assert http.delete(f"/v1/http-consumers/{consumer_id}").status_code == 404


def test_the_envelope(http: httpx.Client, filled: psycopg.Connection[Any]) -> None:
    push(filled, "a", "b")
    reply = http.post("/v1/http-consumers/billing/next?envelope=true", json={"batch_size": 1})
    assert reply.json()["info"] == {"num_pending": 1, "num_ack_pending": 1}
    assert (reply.headers["num-pending"], reply.headers["num-ack-pending"]) == ("1", "1")
    assert len(reply.json()["data"]) == 1


def test_acks_that_travel_with_the_next_call(http: httpx.Client, filled: psycopg.Connection[Any]) -> None:
    push(filled, *(f"o{number}" for number in range(30)))
    seen: list[str] = []
    tokens = None
    while found := http.post("/v1/http-consumers/billing/next", json={"batch_size": 7, "ack_tokens": tokens}).json():
        seen += [message["record"]["upstream_id"] for message in found]
        tokens = [message["ack_token"] for message in found]
    assert sorted(seen) == sorted(f"o{number}" for number in range(30))
    assert http.get("/v1/http-consumers/billing").json()["num_ack_pending"] == 0


def test_give_back_with_a_delay(http: httpx.Client, filled: psycopg.Connection[Any]) -> None:
    push(filled, "a", "b")
    one, two = (message["ack_token"] for message in http.post("/v1/http-consumers/billing/next").json())
    assert http.post("/v1/http-consumers/billing/nack", json={"ack_tokens": [one], "delay": 100}).json() == {"accepted": 1, "rejected": []}
    assert http.post("/v1/http-consumers/billing/nack", json={"ack_tokens": [two]}).json()["accepted"] == 1
    assert [message["deliver_count"] for message in http.post("/v1/http-consumers/billing/next").json()] == [2]


def test_syncs(http: httpx.Client, filled: psycopg.Connection[Any]) -> None:
    inline = {
        "provider": "stripe",
        "id": "st",
        "credential": {"kind": "stripe_key", "secret": "sk_test_1", "name": "n"},
        "metadata": {"a": 1, "b": 2},
    }
    made = http.post("/v1/syncs", json=inline)
    assert made.status_code == 201, made.text
    assert made.json()["credential"]["secret"] == "********"
    assert sorted(made.json()["collection_ids"]) == sorted(registry.whole("stripe"))
    assert http.patch("/v1/syncs/st", json={"status": "disabled"}).json()["status"] == "disabled"

    def found(**params: str) -> list[str]:
        return [sync["id"] for sync in http.get("/v1/syncs", params=params).json()["data"]]

    assert found() == ["my-sync", "st"]
    assert (
        found(provider="stripe") == found(metadata='{"b":2}') == found(status="disabled") == found(**{"health.status": "paused"}) == ["st"]
    )
    assert found(stream="dev", provider="push") == ["my-sync"]
    assert found(metadata='{"b":3}') == []
    assert http.get("/v1/syncs", params={"metadata": "[1"}).status_code == 422
    assert http.patch("/v1/syncs/st", json={"status": "active"}).json()["status"] == "pending"
    assert http.patch("/v1/syncs/st", json={}).status_code == 422
    assert http.delete(f"/v1/credentials/{made.json()['credential_id']}").status_code == 409


def test_a_sync_that_is_refused_leaves_no_credential(http: httpx.Client, filled: psycopg.Connection[Any]) -> None:
    inline = {"kind": "stripe_key", "secret": "sk_test_1"}
    wrong = http.post("/v1/syncs", json={"provider": "hubspot", "credential": inline})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "SL001"), wrong.text
    assert http.post("/v1/syncs", json={"provider": "stripe", "id": "my-sync", "credential": inline}).status_code == 409
    assert http.get("/v1/credentials").json()["data"] == []


def test_a_key_of_stripe_may_say_its_mode(http: httpx.Client, filled: psycopg.Connection[Any]) -> None:
    key = {"kind": "stripe_key", "secret": "sk_test_1", "test": True}
    assert http.post("/v1/credentials", json=key).status_code == 201
    assert http.post("/v1/credentials", json={"name": "n", "properties": {**key, "secret": "rk_live_1", "test": False}}).status_code == 201
    for wrong in ({**key, "test": False}, {**key, "secret": "sk_live_1"}, {**key, "test": "yes"}, {**key, "kind": "hubspot_key"}):
        refused = http.post("/v1/credentials", json=wrong)
        assert (refused.status_code, "test" in refused.json()["details"]["fields"]) == (422, True), refused.text


def test_records(http: httpx.Client, filled: psycopg.Connection[Any]) -> None:
    push(filled, "a", "b", "c", data='{"n": 1.10}')
    page = http.get("/v1/records", params={"sync_id": "my-sync", "limit": 2})
    assert '"n": 1.10' in page.text
    assert [record["upstream_id"] for record in page.json()["records"]] == ["a", "b"]
    rest = http.get("/v1/records", params={"collection_id": "push:order", "after_cursor": page.json()["cursor"]}).json()
    assert [record["upstream_id"] for record in rest["records"]] == ["c"]
    assert http.get("/v1/records", params={"after_cursor": rest["cursor"]}).json() == {"records": [], "cursor": rest["cursor"]}


def test_tokens(http: httpx.Client, running: Running) -> None:
    made = http.post("/v1/tokens", json={"name": "ci", "scopes": ["read"]}).json()
    assert made["token"].startswith("pgsl_")
    listed = http.get("/v1/tokens")
    assert made["token"] not in listed.text
    assert [token["prefix"] for token in listed.json()["data"]] == [made["token"][:10]]
    assert httpx.get(f"{running.url}/v1/syncs", headers={"Authorization": f"Bearer {made['token']}"}, trust_env=False).status_code == 200
    assert http.delete(f"/v1/tokens/{made['id']}").status_code == 204
    assert httpx.get(f"{running.url}/v1/syncs", headers={"Authorization": f"Bearer {made['token']}"}, trust_env=False).status_code == 401


def test_providers(http: httpx.Client) -> None:
    found = {provider["id"]: provider["collections"] for provider in http.get("/v1/providers").json()["data"]}
    assert found["push"] == []
    assert {"id": "stripe:customer", "mutations": ["create", "update", "delete"]} in found["stripe"]


def test_health(running: Running) -> None:
    for path in ("/healthz", "/readyz"):
        assert httpx.get(running.url + path, trust_env=False).json() == {"status": "ok"}


def test_a_login_that_owns_nothing_serves(db: str, conn: psycopg.Connection[Any]) -> None:
    login = "sluice_test_http_login"
    conn.execute(f"drop role if exists {login}")
    conn.execute(f"create role {login} login in role sluice_server")
    try:
        with served(psycopg.conninfo.make_conninfo(db, user=login)) as running:
            headers = {"Authorization": f"Bearer {BOOTSTRAP}"}
            with httpx.Client(base_url=running.url, headers=headers, trust_env=False, timeout=30) as client:
                assert client.post("/v1/streams", json={"id": "dev"}).status_code == 201
                assert client.post("/v1/syncs", json={"provider": "push", "id": "my-sync"}).status_code == 201
                assert client.post("/v1/http-consumers", json={"id": "billing"}).status_code == 201
                push(conn, "a")
                assert len(client.post("/v1/http-consumers/billing/next", json={"wait_for": 10}).json()) == 1
    finally:
        conn.execute(f"drop role {login}")


def test_a_database_that_is_killed_and_comes_back(made_dir: Path) -> None:
    with embedded.start(made_dir) as server, served(server.conninfo, connections=3) as running:
        headers = {"Authorization": f"Bearer {BOOTSTRAP}"}
        with httpx.Client(base_url=running.url, headers=headers, trust_env=False, timeout=30) as client:
            assert client.post("/v1/streams", json={"id": "dev"}).status_code == 201
            with psycopg.connect(server.conninfo, autocommit=True) as admin:
                admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'pgsluice-server'")
            _until_ok(client)
            server.close()
            assert embedded.wait_until_stopped(made_dir, timeout_s=20)
            reply = client.get("/v1/streams")
            assert (reply.status_code, reply.headers["retry-after"]) == (503, "1"), reply.text
            assert list(reply.json()) == ["code", "message", "details", "hint"]
            assert client.get("/readyz").status_code == 503
            assert client.get("/healthz").status_code == 200
            with embedded.start(made_dir):
                _until_ok(client)
                assert client.get("/readyz").status_code == 200


def _until_ok(client: httpx.Client) -> None:
    end = time.monotonic() + 30
    while (reply := client.get("/v1/streams")).status_code != 200:
        assert reply.status_code == 503, reply.text
        assert time.monotonic() < end
        time.sleep(0.05)
    assert [stream["id"] for stream in reply.json()["data"]] == ["dev"]


def test_a_port_in_use(running: Running, db: str) -> None:
    port = int(running.server.address.split(":")[1])
    with pytest.raises(SluiceError) as caught:
        asyncio.run(Server(Settings(db, port=port)).start())
    assert caught.value.code == "SL403"
    assert str(port) in caught.value.message


def test_a_bootstrap_token_that_can_be_guessed(db: str) -> None:
    with pytest.raises(SluiceError) as caught:
        Server(Settings(db, bootstrap_token="short"))
    assert caught.value.code == "SL406"
