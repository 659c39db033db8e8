"""Syncs over HTTP: changed, restarted, moved, deleted; filters and pages; quarantine, notices, erasure."""

from __future__ import annotations

from typing import Any

import httpx
import psycopg
import pytest
from api.serving import push


@pytest.fixture
def stripe(http: httpx.Client, filled: psycopg.Connection[Any]) -> httpx.Client:
    """The sync `st` beside `my-sync`, with its credential inline."""
    made = http.post(
        "/v1/syncs",
        json={
            "provider": "stripe", "id": "st", "stream_id": "dev", "collection_ids": ["stripe:customer", "stripe:plan"],
            "credential": {"kind": "stripe_key", "secret": "sk_test_1"}, "rate_limit": {"allowed_requests": 1, "interval": 1},
            "metadata": {"a": 1, "b": {"c": [1, 2]}}, "external_id": "e2", "name": "n", "max_age_days": 30, "sync_frequency": 60,
        },
    )  # fmt: skip
    assert made.status_code == 201, made.text
    return http


def test_a_sync_with_all_that_is_known_of_it(stripe: httpx.Client) -> None:
    found = stripe.get("/v1/syncs/st").json()
    assert (found["status"], found["max_age_days"], found["sync_frequency"], found["work"]) == ("pending", 30, 60, None)
    assert found["health"]["status"] == "pending"
    assert [(c["id"], c["state"], c["records"], c["last_error"]) for c in found["collections"]] == [
        ("stripe:customer", "pending", 0, None),
        ("stripe:plan", "pending", 0, None),
    ]


def test_sync_update(stripe: httpx.Client) -> None:
    before = stripe.get("/v1/syncs/st").json()
    changed = stripe.patch("/v1/syncs/st", json={"name": "other", "max_age_days": None, "sync_frequency": "continuous"}).json()
    assert (changed["name"], changed["max_age_days"], changed["sync_frequency"]) == ("other", None, "continuous")
    assert (changed["metadata"], changed["external_id"], changed["rate_limit"]) == (before["metadata"], "e2", before["rate_limit"])
    changed = stripe.patch(
        "/v1/syncs/st",
        json={"name": None, "rate_limit": None, "external_id": None, "metadata": {"x": 1}, "status": "disabled",
              "collection_ids": ["stripe:customer"]},
    ).json()  # fmt: skip
    assert (changed["name"], changed["rate_limit"], changed["external_id"], changed["metadata"]) == (None, None, None, {"x": 1})
    assert (changed["status"], changed["collection_ids"]) == ("disabled", ["stripe:customer"])
    assert stripe.patch("/v1/syncs/st", json={"status": "active"}).json()["status"] == "pending"


def test_what_cannot_be_changed(stripe: httpx.Client) -> None:
    for body, field in (({"provider": "push"}, "provider"), ({"stream_id": "x"}, "stream_id"), ({"max_age_days": "x"}, "max_age_days")):
        refused = stripe.patch("/v1/syncs/st", json=body)
        assert (refused.status_code, list(refused.json()["details"]["fields"])) == (422, [field])
    assert stripe.patch("/v1/syncs/st", json={"credential_id": "nobody"}).status_code == 404
    assert stripe.patch("/v1/syncs/st", json={"collection_ids": ["stripe:x"]}).status_code == 422
    assert stripe.patch("/v1/syncs/nobody", json={"name": "n"}).status_code == 404


def test_sync_restart(stripe: httpx.Client) -> None:
    assert stripe.post("/v1/syncs/st/restart").status_code == 200
    assert stripe.post("/v1/syncs/st/restart", json={"collection_ids": ["stripe:plan"]}).json()["id"] == "st"
    assert stripe.post("/v1/syncs/st/restart", json={"collections": ["stripe:plan"]}).status_code == 422
    assert stripe.post("/v1/syncs/my-sync/restart").status_code == 422


def test_sync_move(stripe: httpx.Client, filled: psycopg.Connection[Any]) -> None:
    push(filled, "a", "b")
    stripe.post("/v1/streams", json={"id": "t"})
    moved = stripe.post("/v1/syncs/my-sync/move", json={"stream_id": "t"})
    assert (moved.status_code, moved.json()["stream_id"], moved.json()["work"]) == (200, "t", None)
    assert len(stripe.get("/v1/records", params={"stream_id": "t"}).json()["records"]) == 2
    assert stripe.post("/v1/http-consumers/billing/next").json() == []
    assert stripe.post("/v1/syncs/my-sync/move", json={"stream_id": "nowhere"}).status_code == 404
    assert stripe.post("/v1/syncs/my-sync/move").status_code == 422
    (notice,) = stripe.get("/v1/notices", params={"sync_id": "my-sync"}).json()["data"]
    assert (notice["kind"], notice["stream_id"]) == ("moved", "t")
    assert stripe.get("/v1/notices", params={"kind": "broken"}).json() == {"data": [], "next_cursor": None}
    assert stripe.get("/v1/notices", params={"cursor": str(notice["id"])}).json()["data"] == []
    assert stripe.get("/v1/notices", params={"cursor": "x"}).status_code == 422


def test_sync_delete(stripe: httpx.Client, filled: psycopg.Connection[Any]) -> None:
    push(filled, "a")
    assert stripe.delete("/v1/syncs/st").status_code == 204
    assert stripe.get("/v1/syncs/st").status_code == 404
    waiting = stripe.delete("/v1/syncs/my-sync?emit=true")
    assert (waiting.status_code, waiting.json()["status"]) == (202, "deleting")
    assert stripe.get("/v1/syncs/my-sync").json()["health"]["reason"] == "consumer billing"
    assert stripe.patch("/v1/syncs/my-sync", json={"name": "n"}).status_code == 409
    assert stripe.post("/v1/syncs", json={"provider": "push", "id": "my-sync"}).status_code == 409
    (message,) = stripe.post("/v1/http-consumers/billing/next").json()
    assert (message["record"]["deleted"], message["record"]["sync"]["metadata"]) == (True, {"tenant": 7})
    stripe.post("/v1/http-consumers/billing/ack", json={"ack_tokens": [message["ack_token"]]})
    assert stripe.post("/v1/syncs/my-sync/tidy").json()["finished"]
    assert stripe.post("/v1/syncs/my-sync/tidy").json() is None
    assert stripe.get("/v1/syncs").json()["data"] == []
    assert stripe.delete("/v1/syncs/my-sync").status_code == 404
    assert stripe.delete("/v1/syncs/st?emit=perhaps").status_code == 422


def test_filters_and_pages(stripe: httpx.Client, filled: psycopg.Connection[Any]) -> None:
    for number in range(5):
        filled.execute("select sync_create('dev', 'push', %s, name => 'p', metadata => '{\"a\": 1}')", (f"p{number}",))

    def found(**params: Any) -> list[str]:
        return [sync["id"] for sync in stripe.get("/v1/syncs", params=params).json()["data"]]

    assert found(external_id="e2") == found(metadata='{"b": {"c": [2]}}') == found(status="pending") == found(provider="stripe") == ["st"]
    assert found(name="p", metadata='{"a":1}') == [f"p{number}" for number in range(5)]
    first = stripe.get("/v1/syncs", params={"name": "p", "limit": 2}).json()
    # what comes and goes in between moves nobody to another page
    filled.execute("select sync_create('dev', 'push', 'a-new-one', name => 'p')")
    filled.execute("select sync_delete('p0')")
    second = stripe.get("/v1/syncs", params={"name": "p", "limit": 2, "cursor": first["next_cursor"]}).json()
    assert [sync["id"] for sync in first["data"] + second["data"]] == ["p0", "p1", "p2", "p3"]
    assert found(name="p", cursor=second["next_cursor"]) == ["p4"]
    assert found(**{"health.status": "deleting"}) == ["p0"]
    assert stripe.get("/v1/syncs", params={"colour": "red"}).status_code == 422


def test_metadata_is_found_by_its_index(filled: psycopg.Connection[Any]) -> None:
    filled.execute("""
        insert into sluice_internal.syncs (sync_id, stream_no, provider, metadata)
        select 's' || n, (select min(stream_no) from sluice_internal.streams), 'push', jsonb_build_object('tenant', n)
        from generate_series(1, 2500) as n
    """)
    filled.execute("analyze sluice_internal.syncs")
    for condition, index in (("metadata @> '{\"tenant\": 77}'", "syncs_by_metadata"), ("external_id = 'x'", "syncs_by_external_id")):
        plan = "\n".join(
            line for (line,) in filled.execute(f"explain select sync_id from syncs where {condition} order by sync_id limit 100")
        )
        assert index in plan, plan


def test_record_erase(stripe: httpx.Client, filled: psycopg.Connection[Any]) -> None:
    push(filled, "a")
    body = {"sync_id": "my-sync", "collection_id": "push:order", "upstream_id": "a"}
    assert stripe.post("/v1/records/erase", json=body).json() == {"records": 1, "quarantined": 0, "mutation_items": 0}
    push(filled, "a")
    assert stripe.get("/v1/records", params={"sync_id": "my-sync"}).json()["records"] == []
    assert stripe.post("/v1/records/erase", json={"sync_id": "my-sync"}).status_code == 422


def test_stream_prune(stripe: httpx.Client, filled: psycopg.Connection[Any]) -> None:
    filled.execute("select record_ingest('my-sync', 'push:order', '[{\"upstream_id\": \"a\", \"deleted\": true}]')")
    held = {"removed": 0, "held": 1, "held_by": "billing", "more": False}
    assert stripe.post("/v1/streams/dev/prune", json={"older_than": 0}).json() == held
    assert stripe.post("/v1/streams/dev/prune", json={"older_than": 0, "force": True}).json()["removed"] == 1
    assert stripe.post("/v1/streams/dev/prune").status_code == 422


def test_quarantine(stripe: httpx.Client, filled: psycopg.Connection[Any]) -> None:
    for name, raw in (("a", "{}"), ("b", "{")):
        filled.execute(
            "insert into sluice_internal.quarantine (sync_id, collection_id, upstream_id, raw, reason) values ('my-sync', 'push:order', %s, %s, 'w')",
            (name, raw.encode()),
        )
    listed = stripe.get("/v1/quarantine", params={"sync_id": "my-sync", "limit": 1}).json()
    assert ([entry["upstream_id"] for entry in listed["data"]], listed["next_cursor"]) == (["a"], str(listed["data"][0]["id"]))
    (second,) = stripe.get("/v1/quarantine", params={"cursor": listed["next_cursor"]}).json()["data"]
    assert stripe.get(f"/v1/quarantine/{second['id']}").json()["raw"] == "ew=="
    assert stripe.get("/v1/quarantine/999").status_code == stripe.get("/v1/quarantine/x").status_code == 404
    assert stripe.post("/v1/quarantine/retry", json={"sync_id": "my-sync"}).json() == {"stored": 1, "refused": 1, "wanted": 0}
    assert stripe.post("/v1/quarantine/purge", json={}).status_code == 422
    assert stripe.post("/v1/quarantine/purge", json={"id": second["id"]}).json() == {"removed": 1}


def test_a_new_secret_for_a_credential(stripe: httpx.Client, filled: psycopg.Connection[Any]) -> None:
    credential_id = stripe.get("/v1/syncs/st").json()["credential_id"]
    path = f"/v1/credentials/{credential_id}"
    before = filled.execute("select sealed from sluice_internal.credentials").fetchone()
    changed = stripe.patch(path, json={"secret": "sk_test_2"})
    assert (changed.status_code, changed.json()["id"], changed.json()["secret"]) == (200, credential_id, "********"), changed.text
    assert filled.execute("select sealed from sluice_internal.credentials").fetchone() != before
    assert stripe.patch(path, json={"properties": {"secret": "sk_test_3"}}).status_code == 200
    for wrong in ({"secret": "nonsense"}, {"provider": "push", "secret": "sk_test_4"}, {"colour": "red"}, {}):
        assert stripe.patch(path, json=wrong).status_code == 422, wrong
    assert stripe.patch("/v1/credentials/nobody", json={"secret": "sk_test_2"}).status_code == 404
