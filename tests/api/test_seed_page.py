"""The getting-started page, call by call, from an empty installation: same method, same path, same body, and the answer's shape."""

from __future__ import annotations

import json
import threading
from typing import Any

import httpx
import psycopg
import pytest

SUBSCRIPTION = {"id": "sub_tognkns00nj", "object": "subscription", "billing": "charge_automatically", "amount": 1.10}
MESSAGE = ["ack_token", "record"]
RECORD = ["sync_id", "collection_id", "upstream_id", "updated_idx", "upstream_created_at", "upstream_updated_at", "data"]


def keys(text: str) -> Any:
    return json.loads(text, object_pairs_hook=lambda pairs: [name for name, _ in pairs])


@pytest.fixture
def account(http: httpx.Client) -> httpx.Client:
    assert http.post("/v1/streams", json={"name": "dev"}).status_code == 201
    body = {"kind": "stripe_key", "secret": "sk_live_7eC39HqLyjWDarjtT1zdp7dc", "id": "8ff58ef0", "metadata": {"custom_property": 42}}
    assert http.post("/v1/credentials", json=body).status_code == 201
    return http


def test_a_message_as_the_page_prints_it(account: httpx.Client, conn: psycopg.Connection[Any]) -> None:
    conn.execute("select sync_create('dev', 'push', 'my-sync')")
    answer = account.post("/v1/http-consumers", json={"stream_id": "dev", "name": "billing", "ack_wait": 60, "max_deliver": -1}).json()
    assert (answer["num_pending"], answer["num_ack_pending"], answer["ack_wait"], answer["max_deliver"]) == (0, 0, 60, -1)
    times = '"upstream_created_at": "2024-11-10T18:38:00.070453Z", "upstream_updated_at": "2024-11-10T19:38:00.070453+01:00"'
    records = f'[{{"upstream_id": "sub_tognkns00nj", "data": {json.dumps(SUBSCRIPTION)}, {times}}}]'
    conn.execute("select record_ingest('my-sync', 'push:subscription', %s)", (records,))
    reply = account.post("/v1/http-consumers/billing/next", content='{ "batch_size": 10 }', headers={"Content-Type": "application/json"})
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "application/json"
    (message,) = reply.json()
    record = message["record"]
    assert list(message)[:2] == MESSAGE
    assert list(record)[:7] == RECORD
    assert isinstance(message["ack_token"], str)
    assert (record["sync_id"], record["collection_id"], record["upstream_id"]) == ("my-sync", "push:subscription", "sub_tognkns00nj")
    assert isinstance(record["updated_idx"], int)
    assert record["upstream_created_at"] == record["upstream_updated_at"] == "2024-11-10T18:38:00.070453Z"
    assert record["data"] == SUBSCRIPTION
    assert (record["deleted"], record["sync"], message["deliver_count"]) == (False, {"external_id": None, "metadata": {}}, 1)
    info = account.get("/v1/http-consumers/billing").json()
    assert (info["num_pending"], info["num_ack_pending"]) == (0, 1)
    settled = account.post("/v1/http-consumers/billing/ack", json={"ack_tokens": [message["ack_token"]]})
    assert (settled.status_code, settled.json()) == (200, {"accepted": 1, "rejected": []})


def test_management_as_the_page_prints_it(account: httpx.Client) -> None:
    body = {
        "provider": "stripe",
        "name": "Choam Corp - Stripe Production",
        "collection_ids": ["stripe:customer", "stripe:invoice"],
        "rate_limit": {"allowed_requests": 100, "interval": 60, "max_concurrent_requests": 0},
        "credential_id": "8ff58ef0",
        "metadata": {"custom_property": 42},
    }
    made = account.post("/v1/syncs", json=body)
    assert made.status_code == 201, made.text
    for name, value in body.items():
        assert made.json()[name] == value
    assert (made.json()["stream_id"], made.json()["status"], made.json()["health"]["status"]) == ("dev", "pending", "pending")
    assert made.json()["initial_backfill_completed_at"] is None
    listed = account.get("/v1/syncs").json()
    assert [sync["id"] for sync in listed["data"]] == [made.json()["id"]]
    assert listed["next_cursor"] is None


def test_both_forms_of_a_credential(account: httpx.Client) -> None:
    secret = "sk_live_7eC39HqLyjWDarjtT1zdp7dcX"
    flat = {"kind": "stripe_oauth2", "access_token": secret, "metadata": {"custom_property": 42}}
    nested = {"name": "n", "properties": {"kind": "stripe_key", "secret": secret}, "metadata": {"a": 1}}
    for body in (flat, nested):
        made = account.post("/v1/credentials", json=body)
        assert made.status_code == 201, made.text
        assert (made.json()["provider"], made.json()["metadata"]) == ("stripe", body["metadata"])
        assert secret not in made.text
        assert secret not in account.get(f"/v1/credentials/{made.json()['id']}").text
    assert secret not in account.get("/v1/credentials").text
    app_id = "8ff58ef0-d376-4ae8-b2e2-9f0206aa65b8"
    refused = account.post("/v1/credentials", json={**flat, "oauth_app_id": app_id})
    assert (refused.status_code, refused.json()["code"]) == (404, "SL175")
    app = {"id": app_id, "provider": "stripe", "client_id": "ca_1", "client_secret": "sk_live_1"}
    assert account.post("/v1/oauth-apps", json=app).status_code == 201
    for body in (flat, nested):
        made = account.post("/v1/credentials", json={**body, "oauth_app_id": app_id})
        assert (made.status_code, made.json()["oauth_app_id"]) == (201, app_id)


def test_a_mutation_as_the_page_prints_it(account: httpx.Client, db: str, conn: psycopg.Connection[Any]) -> None:
    """The test is the poller: it says what the vendor answered."""
    conn.execute("select sync_create('dev', 'stripe', 'my-sync', collection_ids => '{stripe:customer}', credential_id => '8ff58ef0')")
    conn.execute("listen sluice_mutations")

    def poller() -> None:
        assert list(conn.notifies(timeout=20, stop_after=1))
        conn.execute("select sluice_internal._poller_heartbeat('p', 'h', 1)")
        (item,) = conn.execute("select mutation_no, item_no, epoch, data, clock from sluice_internal._mutation_claim('p', 10)").fetchall()
        records = json.dumps([{"upstream_id": "cus_1", "data": {"id": "cus_1", **item[3]}}])
        conn.execute(
            "select sluice_internal._mutation_complete(%s, %s, 'p', %s, 'succeeded', 'cus_1', %s::jsonb, %s, null)",
            (item[0], item[1], item[2], records, item[4]),
        )

    thread = threading.Thread(target=poller)
    thread.start()
    body = {
        "kind": "create",
        "sync_id": "my-sync",
        "collection_id": "stripe:customer",
        "data": [{"FirstName": "Paul", "LastName": "Atreides", "Email": "paul@arrakis.org"}],
    }
    reply = account.post("/v1/mutations/run", json=body, headers={"content-type": "application/json"})
    thread.join()
    assert reply.status_code == 200, reply.text
    assert reply.json()["status"] == "succeeded"
    (record,) = reply.json()["records"]
    assert list(record)[:7] == RECORD
    assert record["data"] == {"id": "cus_1", **body["data"][0]}
    assert account.get(f"/v1/mutations/{reply.json()['id']}").json() == reply.json()


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_next_is_taken_by_post_alone(account: httpx.Client, method: str) -> None:
    reply = account.request(method, "/v1/http-consumers/billing/next")
    assert (reply.status_code, reply.headers["allow"]) == (405, "POST")
