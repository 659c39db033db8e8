"""Whatever comes in gets one error in the one shape, changes nothing and loses nothing."""

from __future__ import annotations

import socket
from typing import Any

import httpx
import psycopg
import pytest
from api.serving import BOOTSTRAP, Running, connected, push

from pgsluice.db.sources import ROOT

NEXT = "/v1/http-consumers/billing/next"
ACK = "/v1/http-consumers/billing/ack"


def error(reply: httpx.Response, status: int, code: str, *words: str) -> dict[str, Any]:
    body: dict[str, Any] = reply.json()
    assert (reply.status_code, body["code"]) == (status, code), reply.text
    assert list(body) == ["code", "message", "details", "hint"]
    assert body["hint"]
    for word in words:
        assert word in reply.text
    return body


@pytest.mark.parametrize("size", [-1, 0, 10**9, "10", 1.5, None, True, [], 10**30])
def test_batch_sizes(http: httpx.Client, filled: psycopg.Connection[Any], size: Any) -> None:
    push(filled, "a")
    body = error(http.post(NEXT, json={"batch_size": size}), 422, "SL001")
    assert list(body["details"]["fields"]) == ["batch_size"]
    assert len(http.post(NEXT).json()) == 1, "nothing was leased by it"


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"{", 400), (b"[]", 400), (b"nonsense", 400), (b'"x"', 400), (b"null", 400), (b"{}{}", 400), (b'{"a":\xff}', 400),
        (b'{"ack_tokens": ["\\ud800"]}', 400), (b"\xef\xbb\xbf{}", 400), (b'{"batch_size": NaN}', 400), (b'{"batch_size": 01}', 400),
        (b"[" * 100_000 + b"]" * 100_000, 400), (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 400),
        (b'{"ack_tokens": ["\\u0000"]}', 422), (b'{"unknown": 1}', 422), (b'{"batch_size": 1, "Batch_Size": 2}', 422),
    ],
)  # fmt: skip
def test_bodies(still_http: httpx.Client, still: psycopg.Connection[Any], content: bytes, status: int) -> None:
    error(still_http.post(NEXT, content=content), status, "SL005" if status == 400 else "SL001")


def test_unknown_fields_are_named(still_http: httpx.Client, still: psycopg.Connection[Any]) -> None:
    body = error(still_http.post(NEXT, json={"batchsize": 1, "size": 2}), 422, "SL001")
    assert sorted(body["details"]["fields"]) == ["batchsize", "size"]


def test_tokens_that_ack_nothing(http: httpx.Client, filled: psycopg.Connection[Any]) -> None:
    push(filled, "a", "b")
    filled.execute("select consumer_create('other', 'dev')")
    (one, two) = (message["ack_token"] for message in http.post(NEXT).json())
    assert http.post(ACK, json={"ack_tokens": []}).json() == {"accepted": 0, "rejected": []}
    assert http.post("/v1/http-consumers/other/ack", json={"ack_tokens": [one]}).json() == {"accepted": 0, "rejected": [one]}
    forged = one[:-1] + ("0" if one[-1] != "0" else "1")
    for wrong in (forged, "", "x" * 10_000, "é", "0.1.1.0"):
        assert http.post(ACK, json={"ack_tokens": [wrong, two]}).json()["rejected"] == ([wrong] if wrong == forged else [wrong, two])
    assert http.post(ACK, json={"ack_tokens": [one]}).json() == {"accepted": 1, "rejected": []}
    assert http.post(ACK, json={"ack_tokens": [one]}).json() == {"accepted": 0, "rejected": [one]}
    for wrong_list in ({}, {"ack_tokens": None}, {"ack_tokens": "x"}, {"ack_tokens": [1]}, {"ack_tokens": [None]}):
        error(http.post(ACK, json=wrong_list), 422, "SL001", "ack_tokens")


def test_a_body_that_is_too_large(http: httpx.Client, filled: psycopg.Connection[Any]) -> None:
    def endless() -> Any:
        for _ in range(64):
            yield b" " * 2**20

    for content in (b" " * 2**26, endless()):
        try:
            reply = http.post(NEXT, content=content)
        except (httpx.WriteError, httpx.ReadError, httpx.RemoteProtocolError):
            continue  # it was cut off in the middle
        error(reply, 413, "SL114")
    assert http.post(NEXT).status_code == 200


def test_paths_and_methods(still_http: httpx.Client) -> None:
    for path in ("/", "/v1", "/v1/nothing", "/v1/streams/", "/v2/streams", "/v1/http-consumers/a/b/next"):
        error(still_http.get(path), 404, "SL109")
    reply = still_http.put("/v1/streams", json={})
    error(reply, 405, "SL113")
    assert reply.headers["allow"] == "GET, POST, HEAD"
    error(still_http.post("/v1/http-consumers/nothing/next"), 404, "SL103", "nothing")
    assert still_http.head("/v1/streams").content == b""


def test_nobody_without_a_token_learns_anything(running: Running, filled: psycopg.Connection[Any]) -> None:
    made = filled.execute("select token, token_id from token_create()").fetchone()
    assert made is not None
    token, token_id = made
    revoked = filled.execute("select token from token_create(token_id => 'gone')").fetchone()
    assert revoked is not None
    filled.execute("select token_revoke('gone')")
    altered = token[:10] + ("A" if token[10] != "A" else "B") + token[11:]
    unsigned = token[:-1] + ("0" if token[-1] != "0" else "1")
    for wrong in (None, "x", altered, unsigned, revoked[0], token + "x", BOOTSTRAP + "x"):
        with connected(running, wrong) as client:
            for method, path, content in (
                ("POST", NEXT, b"{}"), ("POST", NEXT, b"not json"), ("GET", "/v1/nothing", b""), ("PUT", "/v1/streams", b""),
                ("POST", "/v1/http-consumers/nothing/next", b""), ("POST", NEXT, b'{"batch_size": -1}'),
            ):  # fmt: skip
                reply = client.request(method, path, content=content)
                error(reply, 401, "SL140")
                assert reply.headers["www-authenticate"] == "Bearer"
    with connected(running, token) as client:
        assert client.post(NEXT).status_code == 200
        filled.execute("select token_revoke(%s)", (token_id,))
        error(client.post(NEXT), 401, "SL140")


def test_a_large_body_is_not_read_for_anybody(running: Running, filled: psycopg.Connection[Any]) -> None:
    """The answer comes although nothing of the body was sent."""
    row = filled.execute("select token from token_create(token_id => 'gone')").fetchone()
    assert row is not None
    filled.execute("select token_revoke('gone')")
    host, port = running.server.address.split(":")
    for length in ("Content-Length: 5000000", "Content-Length: 500000000", "Transfer-Encoding: chunked"):
        with socket.create_connection((host, int(port)), timeout=20) as raw:
            raw.sendall(f"POST {ACK} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {row[0]}\r\n{length}\r\n\r\n".encode())
            assert raw.recv(1000).startswith(b"HTTP/1.1 401 ")


def test_authorization_headers(running: Running, filled: psycopg.Connection[Any]) -> None:
    with connected(running, None) as client:
        for headers in (
            [("Authorization", f"Bearer {BOOTSTRAP}"), ("Authorization", f"Bearer {BOOTSTRAP}")],
            [("Authorization", f"Basic {BOOTSTRAP}")],
            [("Authorization", BOOTSTRAP)],
            [("Authorization", "Bearer")],
            [("Authorization", "")],
        ):
            error(client.post(NEXT, headers=headers), 401, "SL140")
        assert client.post(NEXT, headers=[("authorization", f"bearer  {BOOTSTRAP}")]).status_code == 200


def test_scopes(running: Running, filled: psycopg.Connection[Any]) -> None:
    def token(scope: str) -> str:
        row = filled.execute("select token from token_create(scopes => array[%s])", (scope,)).fetchone()
        assert row is not None
        return str(row[0])

    calls = {
        "read": ("GET", "/v1/syncs", None),
        "consume": ("POST", NEXT, {}),
        "mutate": ("POST", "/v1/mutations/run", {"kind": "create", "sync_id": "none", "collection_id": "x", "data": [{}]}),
        "manage": ("POST", "/v1/streams", {}),
    }
    may = {"read": {"read"}, "consume": {"read", "consume"}, "mutate": {"read", "mutate"}, "manage": set(calls)}
    for scope, allowed in may.items():
        with connected(running, token(scope)) as client:
            for name, (method, path, body) in calls.items():
                reply = client.request(method, path, json=body)
                if name in allowed:
                    assert reply.status_code in {200, 201, 404}, reply.text
                else:
                    error(reply, 403, "SL002")
            error(client.post("/v1/credentials", content=b"nonsense"), *((400, "SL005") if scope == "manage" else (403, "SL002")))


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/v1/syncs", {}, ["provider"]),
        ("/v1/syncs", {"provider": "oracle", "collection_ids": []}, ["oracle", "stripe"]),
        ("/v1/syncs", {"provider": "stripe", "collection_ids": ["stripe:nothing"], "credential_id": "k"}, ["stripe:customer"]),
        ("/v1/syncs", {"provider": "push", "rate_limit": {"allowed_requests": "1"}}, ["allowed_requests"]),
        ("/v1/syncs", {"provider": "push", "metadata": []}, ["metadata"]),
        ("/v1/syncs", {"provider": "push", "stream_id": 1}, ["stream_id"]),
        ("/v1/syncs", {"provider": "push", "max_age_days": 3}, ["max_age_days"]),
        ("/v1/syncs", {"provider": "push", "sync_frequency": []}, ["sync_frequency"]),
        ("/v1/syncs", {"provider": "push", "sync_frequency": {}}, ["sync_frequency"]),
        ("/v1/credentials", {}, ["kind"]),
        ("/v1/credentials", {"kind": "oracle_key", "secret": "x"}, ["oracle", "stripe"]),
        ("/v1/credentials", {"kind": "stripe_magic", "secret": "x"}, ["stripe_key"]),
        ("/v1/credentials", {"kind": "stripe_key"}, ["secret"]),
        ("/v1/credentials", {"kind": "stripe_key", "secret": "sk_live_1", "more": 1}, ["more"]),
        ("/v1/credentials", {"kind": "stripe_key", "secret": "not a key"}, ["SL208"]),
        ("/v1/credentials", {"kind": "stripe_key", "secret": "sk_live_1", "base_url": "ftp://x"}, ["base_url"]),
        ("/v1/credentials", {"kind": "stripe_key", "secret": "sk_live_1", "base_url": "http://x:y/"}, ["base_url"]),
        ("/v1/credentials", {"properties": 1}, ["properties"]),
        ("/v1/http-consumers", {"stream_id": "dev", "filter": {"upstream_id": "x"}}, ["filter", "upstream_id"]),
        ("/v1/http-consumers", {"stream_id": "dev", "ack_wait": 0}, ["ack_wait"]),
        ("/v1/http-consumers", {"stream_id": "dev", "ack_wait": 1, "ack_wait_ms": 2}, ["ack_wait_ms"]),
        ("/v1/http-consumers", {"stream_id": "dev", "deliver_policy": "last"}, ["deliver_policy"]),
        ("/v1/http-consumers", {"stream_id": "dev", "id": "a", "name": "b"}, ["name"]),
        ("/v1/streams", {"id": "x" * 201}, ["200"]),
        ("/v1/streams", {"lanes": 0}, ["lanes"]),
        ("/v1/mutations/run", {"kind": "create"}, ["sync_id", "collection_id"]),
        ("/v1/mutations/run", {"kind": "create", "sync_id": "my-sync", "collection_id": "push:order"}, ["data"]),
        ("/v1/mutations/run", {"kind": "create", "sync_id": "my-sync", "collection_id": "push:order", "data": {}}, ["data"]),
        ("/v1/mutations/run", {"kind": "create", "sync_id": "my-sync", "collection_id": "push:order", "data": [{}]}, ["push"]),
        ("/v1/mutations/run", {"kind": "create", "sync_id": "my-sync", "collection_id": "push:order", "data": [{"a": "\x00"}]}, ["NUL"]),
        ("/v1/mutations/run", {"kind": "update", "sync_id": "my-sync", "collection_id": "push:order", "data": [{}]}, ["upstream_id"]),
        ("/v1/tokens", {"scopes": ["everything"]}, ["scopes"]),
        ("/v1/tokens", {"expires_at": "soon"}, ["soon"]),
    ],
)  # fmt: skip
def test_what_management_refuses(still_http: httpx.Client, still: psycopg.Connection[Any], path: str, body: Any, words: list[str]) -> None:
    before = [still_http.get(place).text for place in ("/v1/streams", "/v1/syncs", "/v1/credentials", "/v1/http-consumers", "/v1/tokens")]
    reply = still_http.post(path, json=body)
    assert reply.status_code == 422, reply.text
    assert list(reply.json()) == ["code", "message", "details", "hint"]
    for word in words:
        assert word in reply.text, reply.text
    assert "sk_live" not in reply.text
    assert [
        still_http.get(place).text for place in ("/v1/streams", "/v1/syncs", "/v1/credentials", "/v1/http-consumers", "/v1/tokens")
    ] == before


@pytest.mark.parametrize("deep", ["[" * 3000, '{"a":' * 2000 + "1" + "}" * 2000])
def test_metadata_of_a_query(still_http: httpx.Client, deep: str) -> None:
    for wrong in (deep, "NaN", '{"a":NaN}', '{"a":"\\ud800"}', '{"a":"\\u0000"}', "[]", "", "x"):
        body = error(still_http.get("/v1/syncs", params={"metadata": wrong}), 422, "SL001")
        assert list(body["details"]["fields"]) == ["metadata"]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"kind": "create", "upstream_ids": ["cus_1"]}, "upstream_ids"),
        ({"kind": "update", "upstream_ids": ["cus_1"]}, "upstream_ids"),
        ({"kind": "create", "data": [{"name": "x"}], "idempotency_key": ""}, "idempotency_key"),
    ],
)
def test_mutations_that_would_do_something_else(http: httpx.Client, filled: psycopg.Connection[Any], more: Any, field: str) -> None:
    http.post("/v1/credentials", json={"kind": "stripe_key", "secret": "sk_test_1", "id": "k"})
    http.post("/v1/syncs", json={"provider": "stripe", "id": "st", "credential_id": "k", "collection_ids": ["stripe:customer"]})
    body = {"sync_id": "st", "collection_id": "stripe:customer", "wait_for": 0, **more}
    found = error(http.post("/v1/mutations/run", json=body), 422, "SL001")
    assert list(found["details"]["fields"]) == [field]
    row = filled.execute("select count(*) from sluice.mutations").fetchone()
    assert row == (0,), "nothing was queued"


def test_a_sync_needs_a_stream(http: httpx.Client) -> None:
    error(http.post("/v1/syncs", json={"provider": "push"}), 422, "SL001", "there is no stream")
    for name in ("one", "two"):
        http.post("/v1/streams", json={"slug": name})
    error(http.post("/v1/syncs", json={"provider": "push"}), 422, "SL001", "more than one stream")
    assert http.post("/v1/syncs", json={"provider": "push", "stream_id": "two"}).json()["stream_id"] == "two"


def test_a_client_that_speaks_no_http(running: Running, http: httpx.Client) -> None:
    host, port = running.server.address.split(":")
    for noise in (b"\x00\xff\x00\n\n", b"POST /v1/streams HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n"):
        with socket.create_connection((host, int(port)), timeout=10) as raw:
            raw.sendall(noise)
            assert b" 400 " in raw.recv(1000)
    assert http.get("/healthz").status_code == 200


def test_wrong_fields_lead_to_a_page_that_lists_them(http: httpx.Client) -> None:
    body = error(http.post("/v1/streams", json={"id": 7, "shape": "round"}), 422, "SL001", "lanes")
    page = ROOT / next(word for word in body["hint"].split() if word.startswith("docs/"))
    text = page.read_text()
    for path, names in (("POST /v1/streams", ["id", "lanes"]), ("POST /v1/syncs", ["collection_ids", "max_age_days"])):
        row = next(line for line in text.splitlines() if line.startswith(f"| `{path}`"))
        assert all(f"`{name}`" in row for name in names), row
