"""Any id can be reached by path, percent-encoded; and what is not there is said in words."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx
import psycopg
import pytest

from pgsluice.curl import as_curl

IDS = ["a/b", "50%", "what?", "кто", ".", "..", "a b", "#1", "a%2Fb", "/", "next", "ü/../x", "a+b", "a;b=c"]


def segment(value: str) -> str:
    return value.replace(".", "%2E") if value in {".", ".."} else quote(value, safe="")


@pytest.fixture
def everything(conn: psycopg.Connection[Any]) -> None:
    conn.execute("select stream_create('dev')")
    for value in IDS:
        conn.execute("select stream_create(%s)", (value,))
        conn.execute("select sluice_internal._credential_put(%s, 'stripe', 'stripe_key', null, '\\x00', 1, null, '{}')", (value,))
        conn.execute("select sync_create('dev', 'stripe', %s, collection_ids => '{stripe:plan}', credential_id => %s)", (value, value))
        conn.execute("select consumer_create(%s, 'dev')", (value,))
        conn.execute("select token_create(token_id => %s)", (value,))
        # a vendor's id too may hold anything
        conn.execute(
            "select record_ingest(%s, 'stripe:plan', jsonb_build_array(jsonb_build_object('upstream_id', %s::text, 'data', '{}'::jsonb)))",
            (value, value),
        )


def test_any_id_in_a_path(http: httpx.Client, everything: None) -> None:
    for value in IDS:
        for noun in ("streams", "syncs", "credentials", "http-consumers"):
            answer = http.get(f"/v1/{noun}/{segment(value)}")
            assert (answer.status_code, answer.json().get("id")) == (200, value), (noun, value)
        assert http.get(f"/v1/collections/{segment(value)}").status_code == 200
        assert http.get(f"/v1/http-consumers/{segment(value)}/peek", params={"batch_size": 1}).status_code == 200
        assert http.post(f"/v1/http-consumers/{segment(value)}/next", json={"batch_size": 1}).status_code == 200
        found = http.get("/v1/records", params={"sync_id": value}).json()["records"]
        assert [(record["sync_id"], record["upstream_id"]) for record in found] == [(value, value)]
        made = {
            "kind": "update",
            "sync_id": value,
            "collection_id": "stripe:plan",
            "data": [{"upstream_id": value, "data": {}}],
            "wait_for": 0,
        }
        answer = http.post("/v1/mutations/run", json=made)
        assert http.get(answer.headers["location"]).json()["id"] == answer.json()["id"]
        assert http.delete(f"/v1/tokens/{segment(value)}").status_code == 204
    assert all(token["revoked_at"] for token in http.get("/v1/tokens").json()["data"])


def test_a_path_that_is_not_utf_8(http: httpx.Client) -> None:
    answer = http.get("/v1/syncs/%FF")
    assert (answer.status_code, answer.json()["code"]) == (400, "SL005")


@pytest.mark.parametrize("value", IDS)
def test_as_curl_leads_to_the_same_path(value: str) -> None:
    shown = as_curl("127.0.0.1:1", "sync_info", {"sync_id": value})
    assert f"http://127.0.0.1:1/v1/syncs/{segment(value)}" in shown
    assert ("--path-as-is" in shown) == (value in {".", ".."})


def test_records_of_what_is_not_there(http: httpx.Client, filled: psycopg.Connection[Any]) -> None:
    filled.execute("select stream_create('other')")
    for params, code in (
        ({"sync_id": "no"}, "SL102"),
        ({"stream_id": "no"}, "SL101"),
        ({"stream_id": "other", "sync_id": "my-sync"}, "SL102"),
        ({"stream_id": "dev", "sync_id": "no"}, "SL102"),
    ):
        answer = http.get("/v1/records", params=params)
        assert (answer.status_code, answer.json()["code"]) == (404, code), params
        assert answer.json()["hint"]
    for params in (
        {"sync_id": "my-sync"},
        {"stream_id": "other"},
        {"stream_id": "dev", "sync_id": "my-sync", "collection_id": "push:none"},
    ):
        assert http.get("/v1/records", params=params).json() == {"records": [], "cursor": None}, params


def test_what_is_not_there_is_said_with_the_path_that_lists_what_is(http: httpx.Client) -> None:
    """Not with the query of the database."""
    for method, path in (
        ("GET", "/v1/streams/no"), ("GET", "/v1/syncs/no"), ("POST", "/v1/syncs/no/restart"), ("POST", "/v1/http-consumers/no/next"),
        ("GET", "/v1/credentials/no"), ("DELETE", "/v1/credentials/no"), ("DELETE", "/v1/oauth-apps/no"), ("GET", "/v1/views/no"),
        ("DELETE", "/v1/tokens/no"),
    ):  # fmt: skip
        answer = http.request(method, path, json={} if method in {"POST", "PATCH"} else None)
        assert answer.status_code == 404, (method, path)
        assert answer.json()["hint"] == f"list them: GET /v1/{path.split('/')[2]}"
        assert http.get(answer.json()["hint"].removeprefix("list them: GET ")).status_code == 200


def test_readiness_takes_one_connection_for_all_calls(http: httpx.Client, conn: psycopg.Connection[Any]) -> None:
    def pids() -> list[Any]:
        query = "select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and query ~ '_token_check.*false'"
        return conn.execute(query).fetchall()

    assert http.get("/readyz").status_code == 200
    first = pids()
    for _ in range(20):
        assert http.get("/readyz").status_code == 200
    assert pids() == first
    assert len(first) == 1
    # a lost connection is replaced, in the same call
    conn.execute("select pg_terminate_backend(%s)", first[0])
    assert http.get("/readyz").status_code == 200
