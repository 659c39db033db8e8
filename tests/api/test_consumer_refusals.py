"""What the routes of consumers refuse: bad fields, unknown ones, unknown consumers, and tokens without the scope."""

from __future__ import annotations

from typing import Any

import httpx
import psycopg
import pytest
from api.serving import Running, connected, push

Database = psycopg.Connection[Any]
AT = "/v1/http-consumers/billing"
# Method and path -> the scope that it needs. Bodies that are right stand in BODIES.
ROUTES = {
    ("POST", "/v1/http-consumers"): "manage",
    ("GET", "/v1/http-consumers"): "read",
    ("GET", AT): "read",
    ("PATCH", AT): "manage",
    ("DELETE", AT): "manage",
    ("POST", f"{AT}/next"): "consume",
    ("POST", f"{AT}/ack"): "consume",
    ("POST", f"{AT}/nack"): "consume",
    ("POST", f"{AT}/extend"): "consume",
    ("POST", f"{AT}/term"): "consume",
    ("GET", f"{AT}/peek"): "read",
    ("POST", f"{AT}/seek"): "manage",
    ("POST", f"{AT}/pause"): "manage",
    ("POST", f"{AT}/resume"): "manage",
    ("GET", f"{AT}/dead-letters"): "read",
    ("POST", f"{AT}/dead-letters/retry"): "manage",
    ("POST", f"{AT}/dead-letters/purge"): "manage",
}
BODIES = {
    "ack": {"ack_tokens": []},
    "nack": {"ack_tokens": []},
    "extend": {"ack_tokens": []},
    "term": {"ack_tokens": []},
    "seek": {"target": "end"},
}


def body_of(path: str) -> dict[str, Any]:
    return BODIES.get(path.rpartition("/")[2], {})


def fields(reply: httpx.Response) -> list[str]:
    body = reply.json()
    assert (reply.status_code, body["code"]) == (422, "SL001"), reply.text
    assert list(body) == ["code", "message", "details", "hint"]
    return sorted(body["details"]["fields"])


NO_TEXT = [1, True, [], {}, "a\x00b"]
NO_TOKENS = [None, "x", [1], [None], {}, ["\x00"]]
NO_BOUND = [-1, 1_000_001, "5", 1.5, True, []]
NO_FILTER = [[], "x", 1, True, {"where": "\x00"}]
NO_PLACE = [True, -1, 2**63, 1.5, [], {}, "a\x00"]
WRONG: list[tuple[str, str, list[Any]]] = [
    ("POST ", "max_ack_pending", NO_BOUND),
    ("POST ", "filter", NO_FILTER),
    ("POST ", "filters", NO_FILTER),
    ("POST ", "deliver_policy", NO_PLACE),
    ("PATCH /billing", "max_ack_pending", NO_BOUND),
    ("PATCH /billing", "filter", NO_FILTER),
    ("PATCH /billing", "filters", NO_FILTER),
    ("PATCH /billing", "paused", [None, 0, "true", []]),
    ("PATCH /billing", "ack_wait", [None, "1", -1, True]),
    ("PATCH /billing", "metadata", [None, [], "x"]),
    ("POST /billing/extend", "ack_tokens", NO_TOKENS),
    ("POST /billing/extend", "ack_wait", [-1, "1", True, []]),
    ("POST /billing/term", "ack_tokens", NO_TOKENS),
    ("POST /billing/term", "reason", [*NO_TEXT, "é" * 501]),
    ("POST /billing/seek", "target", [None, *NO_PLACE]),
    ("POST /billing/dead-letters/retry", "sync_id", NO_TEXT),
    ("POST /billing/dead-letters/retry", "collection_id", NO_TEXT),
    ("POST /billing/dead-letters/retry", "upstream_id", NO_TEXT),
    ("POST /billing/dead-letters/purge", "upstream_id", NO_TEXT),
]


@pytest.mark.parametrize(("call", "name", "values"), WRONG, ids=lambda value: str(value) if isinstance(value, str) else "")
def test_fields_that_are_wrong(still_http: httpx.Client, still: Database, call: str, name: str, values: list[Any]) -> None:
    method, path = call.split(" ")
    for value in values:
        reply = still_http.request(method, f"/v1/http-consumers{path}", json={**body_of(path), name: value})
        assert fields(reply) == [name], value
    assert [consumer["id"] for consumer in still_http.get("/v1/http-consumers").json()["data"]] == ["billing"]


@pytest.mark.parametrize("path", ["ack", "nack", "extend", "term", "seek"])
def test_fields_that_are_missing(still_http: httpx.Client, still: Database, path: str) -> None:
    assert fields(still_http.post(f"{AT}/{path}")) == ["target" if path == "seek" else "ack_tokens"]


@pytest.mark.parametrize(
    ("path", "name", "values"),
    [
        ("peek", "batch_size", ["0", "1001", "-1", "x", "", "1.5", "9" * 30]),
        ("dead-letters", "limit", ["0", "1001", "x", ""]),
        ("dead-letters", "cursor", ["x", "-1", "", "9" * 19, "1.5"]),
        ("dead-letters", "upstream_id", ["\x00"]),
    ],
)
def test_queries_that_are_wrong(still_http: httpx.Client, still: Database, path: str, name: str, values: list[str]) -> None:
    for value in values:
        assert fields(still_http.get(f"{AT}/{path}", params={name: value})) == [name], value
    assert fields(still_http.get(f"{AT}/{path}?{name}=1&{name}=1")) == [name]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_unknown_fields_and_queries(still_http: httpx.Client, still: Database, method: str, path: str) -> None:
    assert fields(still_http.request(method, path, params={"dry_run": "1"}, json=body_of(path) if method != "GET" else None)) == ["dry_run"]
    if method in {"POST", "PATCH"}:
        assert fields(still_http.request(method, path, json={**body_of(path), "dry_run": True})) == ["dry_run"]
        assert still_http.request(method, path, content=b"[").status_code == 400
    assert still_http.get(AT).json()["paused"] is False, "nothing was done"


@pytest.mark.parametrize(("method", "path"), [route for route in ROUTES if route[1] != "/v1/http-consumers"])
def test_unknown_consumers(still_http: httpx.Client, still: Database, method: str, path: str) -> None:
    reply = still_http.request(method, path.replace("billing", "nobody"), json=body_of(path) if method != "GET" else None)
    assert (reply.status_code, reply.json()["code"]) == (404, "SL103"), reply.text
    assert "nobody" in reply.text


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_methods(still_http: httpx.Client, still: Database, method: str) -> None:
    for path in ("extend", "term", "seek", "pause", "resume", "dead-letters/retry", "dead-letters/purge"):
        reply = still_http.request(method, f"{AT}/{path}")
        assert (reply.status_code, reply.headers["allow"]) == (405, "POST")
    for path in ("peek", "dead-letters"):
        assert still_http.post(f"{AT}/{path}").headers["allow"] == "GET, HEAD"


def test_scopes_of_every_route(running: Running, filled: Database) -> None:
    may = {"read": {"read"}, "consume": {"read", "consume"}, "mutate": {"read"}, "manage": {"read", "consume", "manage"}}
    for scope, allowed in may.items():
        row = filled.execute("select token from token_create(scopes => array[%s])", (scope,)).fetchone()
        assert row is not None
        with connected(running, row[0]) as client:
            for (method, path), needed in ROUTES.items():
                if method == "DELETE" and needed in allowed:
                    continue
                reply = client.request(method, path, json=body_of(path) if method != "GET" else None)
                assert reply.status_code in ({200, 201} if needed in allowed else {403}), (scope, method, path, reply.text)
                if needed not in allowed and method == "POST":
                    assert client.post(path, json={"nonsense": 1}).status_code == 403, "what is wrong is told to who may"


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"deliver_policy": "last"}, "deliver_policy"),
        ({"deliver_policy": "yesterday"}, "deliver_policy"),
        ({"deliver_policy": 10**12}, "deliver_policy"),
        ({"deliver_policy": "2999-01-01T00:00:00Z"}, "deliver_policy"),
        ({"filter": {"upstream_id": "x"}}, "filter"),
        ({"filter": {"sync_id": []}}, "filter"),
        ({"filter": {"sync_id": 1}}, "filter"),
        ({"filter": {"where": "$["}}, "filter"),
    ],
)
def test_what_the_database_refuses(still_http: httpx.Client, still: Database, body: dict[str, Any], word: str) -> None:
    reply = still_http.post("/v1/http-consumers", json=body)
    assert (reply.status_code, reply.json()["code"]) == (422, "SL001"), reply.text
    assert word in reply.text
    if "filter" in body:
        assert still_http.patch(AT, json=body).status_code == 422
    else:
        assert still_http.post(f"{AT}/seek", json={"target": body["deliver_policy"]}).status_code == 422
    assert [consumer["id"] for consumer in still_http.get("/v1/http-consumers").json()["data"]] == ["billing"]


def test_a_change_is_whole_or_not_at_all(http: httpx.Client, filled: Database) -> None:
    """`paused` goes into the same transaction as the rest."""
    reply = http.patch(AT, json={"paused": True, "filter": {"where": "$["}})
    assert reply.status_code == 422
    assert http.get(AT).json()["paused"] is False
    push(filled, "a")
    assert len(http.post(f"{AT}/next").json()) == 1
