"""`wait_for`: woken by what is committed, by what is given back and by what falls due; ended by the client and by SIGTERM."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psycopg
import pytest
from api.serving import BOOTSTRAP, Running, connected, push, served

NEXT = "/v1/http-consumers/billing/next"
WATCHED = "select count(*) from pg_locks where locktype = 'advisory' and mode = 'ShareLock' and granted and database = (select oid from pg_database where datname = current_database())"


def until(look: Callable[[], bool]) -> None:
    end = time.monotonic() + 15
    while not look():
        assert time.monotonic() < end, "not seen in time"
        time.sleep(0.005)


def value(conn: psycopg.Connection[Any], statement: str) -> Any:
    row = conn.execute(statement).fetchone()
    assert row is not None
    return row[0]


def waiting(conn: psycopg.Connection[Any], count: int = 1) -> None:
    until(lambda: value(conn, WATCHED) >= count)


@pytest.mark.parametrize("how", ["commit", "nack", "due"])
def test_a_waiting_request_is_woken(running: Running, filled: psycopg.Connection[Any], how: str) -> None:
    if how == "due":
        filled.execute("select consumer_update('billing', interval '0.5 seconds')")
    with connected(running) as one, connected(running) as two, ThreadPoolExecutor(1) as pool:
        if how != "commit":
            push(filled, "a")
            (held,) = one.post(NEXT).json()
        begun = time.monotonic()
        answer = pool.submit(lambda: two.post(NEXT, json={"wait_for": 20_000}).json())
        if how != "due":
            waiting(filled)
        match how:
            case "commit":
                push(filled, "a")
            case "nack":
                one.post("/v1/http-consumers/billing/nack", json={"ack_tokens": [held["ack_token"]]})
            case _:
                pass  # nothing announces the end of a lease
        assert [message["record"]["upstream_id"] for message in answer.result(20)] == ["a"]
        assert time.monotonic() - begun < 15


def test_nothing_within_the_time_is_an_empty_list(http: httpx.Client, filled: psycopg.Connection[Any]) -> None:
    assert http.post(NEXT, json={"wait_for": 50}).json() == []


def test_many_wait_and_each_message_goes_to_one(running: Running, filled: psycopg.Connection[Any]) -> None:
    def wait(_: int) -> list[Any]:
        with connected(running) as client:
            found: list[Any] = client.post(NEXT, json={"wait_for": 20_000, "batch_size": 1}).json()
            return found

    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(wait, number) for number in range(8)]
        waiting(filled)
        push(filled, *(f"o{number}" for number in range(8)))
        got = [message["record"]["upstream_id"] for answer in answers for message in answer.result(20)]
    assert sorted(got) == [f"o{number}" for number in range(8)]


def test_more_wait_than_the_database_serves_at_once(db: str, filled: psycopg.Connection[Any]) -> None:
    """A commit wakes all of them; none is refused for it."""
    crowd = 80

    async def wait(url: str) -> list[httpx.Response]:
        headers = {"Authorization": f"Bearer {BOOTSTRAP}"}
        limits = httpx.Limits(max_connections=crowd)
        async with httpx.AsyncClient(base_url=url, headers=headers, limits=limits, timeout=60, trust_env=False) as client:
            calls = [asyncio.create_task(client.post(NEXT, json={"wait_for": 2000})) for _ in range(crowd)]
            await asyncio.to_thread(waiting, filled)
            await asyncio.to_thread(push, filled, "a")
            return await asyncio.gather(*calls)

    with served(db, connections=1) as running:
        replies = asyncio.run(wait(running.url))
    assert {reply.status_code for reply in replies} == {200}
    assert sum(len(reply.json()) for reply in replies) == 1


def test_a_client_that_goes_away_leases_nothing(running: Running, filled: psycopg.Connection[Any], http: httpx.Client) -> None:
    host, port = running.server.address.split(":")
    body = json.dumps({"wait_for": 60_000})
    with socket.create_connection((host, int(port))) as raw:
        head = f"POST {NEXT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {BOOTSTRAP}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        raw.sendall(head.encode())
        waiting(filled)
    until(lambda: value(filled, WATCHED) == 0)
    push(filled, "a")
    assert [message["deliver_count"] for message in http.post(NEXT).json()] == [1]


def test_sigterm_answers_who_waits(running: Running, filled: psycopg.Connection[Any]) -> None:
    with connected(running) as client, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(lambda: client.post(NEXT, json={"wait_for": 60_000}))
        waiting(filled)
        running.tell_to_stop()
        assert answer.result(15).json() == []
    running.stop()


def test_a_mutation_that_nobody_sends_is_202(http: httpx.Client, filled: psycopg.Connection[Any]) -> None:
    http.post("/v1/credentials", json={"kind": "stripe_key", "secret": "sk_test_1", "id": "k"})
    made = http.post("/v1/syncs", json={"provider": "stripe", "id": "st", "credential_id": "k", "collection_ids": ["stripe:customer"]})
    assert made.status_code == 201
    body = {
        "kind": "create",
        "sync_id": "st",
        "collection_id": "stripe:customer",
        "data": [{"balance": 1.10}],
        "wait_for": 50,
        "idempotency_key": "q",
    }
    reply = http.post("/v1/mutations/run", json=body)
    assert (reply.status_code, reply.json()["status"], reply.json()["records"]) == (202, "queued", [{"status": "queued"}])
    assert reply.headers["location"] == f"/v1/mutations/{reply.json()['id']}"
    assert http.post("/v1/mutations/run", json=body).json()["id"] == reply.json()["id"]
    assert http.post("/v1/mutations/run", json={**body, "data": [{}]}).json()["code"] == "SL112"
    assert http.get("/v1/mutations/nothing").json()["code"] == "SL108"


def test_digits_are_kept_on_the_way_to_the_vendor(http: httpx.Client, filled: psycopg.Connection[Any]) -> None:
    http.post("/v1/credentials", json={"kind": "stripe_key", "secret": "sk_test_1", "id": "k"})
    http.post("/v1/syncs", json={"provider": "stripe", "id": "st", "credential_id": "k", "collection_ids": ["stripe:customer"]})
    numbers = "[1.10, 0.1000000000000000055511151231257827, 12345678901234567890123, 1e3]"
    content = f'{{"kind":"create","sync_id":"st","collection_id":"stripe:customer","wait_for":0,"data":[{{"n":{numbers}}}]}}'
    assert http.post("/v1/mutations/run", content=content).status_code == 202
    kept = value(filled, "select data ->> 'n' from sluice.mutation_items")
    assert kept == "[1.10, 0.1000000000000000055511151231257827, 12345678901234567890123, 1000]"
