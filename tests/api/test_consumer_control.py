"""Consumers over HTTP beside taking and acknowledging: settings, peek, extend, term, seek, pause, and dead letters."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest
from api.serving import push

from pgsluice.server import consume

AT = "/v1/http-consumers/billing"
DEAD = f"{AT}/dead-letters"
Database = psycopg.Connection[Any]


def value(conn: Database, statement: str, *parameters: Any) -> Any:
    row = conn.execute(statement, parameters).fetchone()
    assert row is not None
    return row[0]


def ids(messages: list[dict[str, Any]]) -> list[str]:
    return sorted(message["record"]["upstream_id"] for message in messages)


def taken(http: httpx.Client, at: str = AT, **body: Any) -> list[dict[str, Any]]:
    reply = http.post(f"{at}/next", json=body)
    assert reply.status_code == 200, reply.text
    found: list[dict[str, Any]] = reply.json()
    return found


def in_order(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`next` goes from lane to lane."""
    return sorted(messages, key=lambda message: message["record"]["updated_idx"])


def tokens(messages: list[dict[str, Any]]) -> list[str]:
    return [message["ack_token"] for message in in_order(messages)]


def good(reply: httpx.Response, status: int = 200) -> Any:
    assert reply.status_code == status, reply.text
    return reply.json()


def create(http: httpx.Client, consumer_id: str, **body: Any) -> str:
    good(http.post("/v1/http-consumers", json={"id": consumer_id, **body}), 201)
    return f"/v1/http-consumers/{consumer_id}"


def died(http: httpx.Client, conn: Database, *upstream_ids: str) -> None:
    """Dead letters of `billing`, all that it holds."""
    push(conn, *upstream_ids)
    assert good(http.post(f"{AT}/term", json={"ack_tokens": tokens(taken(http, batch_size=100)), "reason": "poison"}))["rejected"] == []


# ---------------------------------------------------------------- settings


def test_consumer_create_with_everything(http: httpx.Client, filled: Database) -> None:
    chosen = {"collection_id": ["push:*", "stripe:customer"], "where": "$.n ? (@ > 1)"}
    body = {"id": "c", "stream_id": "dev", "deliver_policy": "new", "max_ack_pending": 5, "filter": chosen}
    made = good(http.post("/v1/http-consumers", json=body), 201)
    assert list(made) == [
        "id", "stream_id", "name", "deliver_policy", "ack_wait", "ack_wait_ms", "max_deliver", "max_ack_pending", "filter", "metadata", "created_at",
        "num_pending", "num_pending_estimated", "num_ack_pending", "num_dead_letters", "paused", "num_filtered", "lag", "oldest_unacked_age",
    ]  # fmt: skip
    assert (made["max_ack_pending"], made["filter"], made["paused"]) == (5, chosen, False)
    assert (made["num_filtered"], made["lag"], made["oldest_unacked_age"]) == (0, None, None)
    assert good(http.get("/v1/http-consumers/c")) == made
    assert made in good(http.get("/v1/http-consumers"))["data"]


def test_what_is_not_given_is_no_bound(http: httpx.Client, filled: Database) -> None:
    for given in (
        {},
        {"max_ack_pending": None, "filter": None, "filters": None, "deliver_policy": None},
        {"max_ack_pending": 0, "filter": {}},
    ):
        made = good(http.post("/v1/http-consumers", json=given), 201)
        assert (made["max_ack_pending"], made["filter"], made["deliver_policy"]) == (None, None, "all")


@pytest.mark.parametrize("name", ["filter", "filters"])
def test_a_filter_chooses(http: httpx.Client, filled: Database, name: str) -> None:
    push(filled, "a", data='{"n": 1}')
    push(filled, "b", data='{"n": 2}')
    at = create(http, "c", **{name: {"where": "$.n > 1"}})
    assert ids(taken(http, at)) == ["b"]
    shown = good(http.get(at))
    assert (shown["num_filtered"], shown["filter"]) == (1, {"where": "$.n > 1"})


def test_filter_and_filters_are_one_thing(http: httpx.Client, filled: Database) -> None:
    same = {"filter": {"sync_id": "x"}, "filters": {"sync_id": "x"}}
    different = {"filter": {"sync_id": "x"}, "filters": {"sync_id": "y"}}
    create(http, "c", **same)
    good(http.patch("/v1/http-consumers/c", json=same))
    for reply in (
        http.post("/v1/http-consumers", json=different),
        http.patch(AT, json=different),
        http.patch(AT, json={**same, "filter": None}),
    ):
        assert sorted(good(reply, 422)["details"]["fields"]) == ["filter", "filters"]


def test_consumer_update_of_each_field(http: httpx.Client, filled: Database) -> None:
    settings = {"ack_wait": 5, "max_deliver": 3, "max_ack_pending": 7, "filter": {"provider": "push"}, "metadata": {"a": 1}, "paused": True}
    for name, given in settings.items():
        assert good(http.patch(AT, json={name: given}))[name] == given
    shown = good(http.get(AT))
    assert {name: shown[name] for name in settings} == settings, "each change left the others as they were"
    assert good(http.patch(AT, json={})) == shown | {"lag": None}
    assert good(http.patch(AT, json={"ack_wait_ms": 1500, "paused": False}))["ack_wait"] == 1.5
    none = good(http.patch(AT, json={"max_ack_pending": None, "filters": None}))
    assert (none["max_ack_pending"], none["filter"], none["paused"], none["max_deliver"]) == (None, None, False, 3)


def test_the_answer_of_a_change_counts_by_it(http: httpx.Client, filled: Database) -> None:
    push(filled, "a", "b")
    taken(http, batch_size=1)
    assert good(http.patch(AT, json={"max_ack_pending": 1}))["num_ack_pending"] == 1
    assert taken(http) == [], "the bound is reached"
    good(http.patch(AT, json={"max_ack_pending": 2}))
    assert len(taken(http)) == 1


def test_deliver_policies(http: httpx.Client, filled: Database) -> None:
    push(filled, "a", "b")
    idx = value(filled, "select updated_idx from records where upstream_id = 'b'")
    hour = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    for number, (policy, found) in enumerate(
        [
            ("all", ["a", "b"]),
            ("new", []),
            (idx, ["b"]),
            (str(idx), ["b"]),
            (hour, ["a", "b"]),
            ("1h", ["a", "b"]),
            ("P1D", ["a", "b"]),
            (idx + 1, []),
        ]
    ):
        at = create(http, f"c{number}", deliver_policy=policy)
        assert ids(taken(http, at)) == found, policy
        assert good(http.get(at))["deliver_policy"]


# ---------------------------------------------------------------- messages


def test_consumer_peek_leases_nothing(http: httpx.Client, filled: Database) -> None:
    push(filled, "a", "b", "c")
    for _ in range(2):
        seen = good(http.get(f"{AT}/peek", params={"batch_size": 2}))
        assert [message["record"]["upstream_id"] for message in seen] == ["a", "b"]
    assert good(http.get(AT))["num_ack_pending"] == 0
    got = in_order(taken(http))
    assert seen == [{**message, "ack_token": None} for message in got[:2]], "the same, in the same shape"
    assert list(seen[0]) == list(got[0])
    assert good(http.get(f"{AT}/peek")) == []
    assert http.head(f"{AT}/peek").status_code == 200


def test_consumer_peek_works_while_paused(http: httpx.Client, filled: Database) -> None:
    push(filled, "a")
    good(http.post(f"{AT}/pause"))
    assert len(good(http.get(f"{AT}/peek"))) == 1


def test_consumer_extend(http: httpx.Client, filled: Database) -> None:
    push(filled, "a", "b")
    one, two = tokens(taken(http))
    due = "select extract(epoch from max(due_at) - clock_timestamp()) from messages_in_flight"
    assert good(http.post(f"{AT}/extend", json={"ack_tokens": [one, "x"], "ack_wait": 5000.5})) == {"accepted": 1, "rejected": ["x"]}
    assert 4900 < value(filled, due) <= 5000.5
    for body in ({"ack_tokens": [one]}, {"ack_tokens": [one], "ack_wait": None}):
        assert good(http.post(f"{AT}/extend", json=body))["accepted"] == 1
        assert value(filled, due) <= 60
    assert good(http.post(f"{AT}/ack", json={"ack_tokens": [one, two]}))["accepted"] == 2
    assert good(http.post(f"{AT}/extend", json={"ack_tokens": [one]})) == {"accepted": 0, "rejected": [one]}
    assert good(http.post(f"{AT}/extend", json={"ack_tokens": []})) == {"accepted": 0, "rejected": []}


def test_consumer_term(http: httpx.Client, filled: Database) -> None:
    push(filled, "a", "b", "c")
    one, two, three = tokens(taken(http))
    assert good(http.post(f"{AT}/term", json={"ack_tokens": [one, "x"], "reason": "bad zip"})) == {"accepted": 1, "rejected": ["x"]}
    assert good(http.post(f"{AT}/term", json={"ack_tokens": [two], "reason": None}))["accepted"] == 1
    assert good(http.post(f"{AT}/term", json={"ack_tokens": [three], "reason": "é" * 500}))["accepted"] == 1
    assert [letter["reason"] for letter in good(http.get(DEAD))["data"]] == ["bad zip", "terminated", "é" * 500]
    shown = good(http.get(AT))
    assert (shown["num_dead_letters"], shown["num_ack_pending"]) == (3, 0)


# ---------------------------------------------------------------- where it stands


def test_consumer_seek(http: httpx.Client, filled: Database) -> None:
    push(filled, "a", "b", "c")
    idx = value(filled, "select updated_idx from records where upstream_id = 'b'")
    taken(http, ack_tokens=tokens(taken(http)))
    hour = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    for target, found in (("start", "abc"), ("end", ""), (idx, "bc"), (str(idx), "bc"), (hour, "abc"), ("1h", "abc"), ("2 days", "abc")):
        moved = good(http.post(f"{AT}/seek", json={"target": target}))
        assert (moved["id"], moved["num_pending"]) == ("billing", len(found)), target
        got = taken(http)
        assert ids(got) == list(found), target
        taken(http, ack_tokens=tokens(got))


def test_consumer_pause_and_resume(http: httpx.Client, filled: Database) -> None:
    push(filled, "a", "b")
    held = tokens(taken(http, batch_size=1))
    assert good(http.post(f"{AT}/pause"))["paused"] is True
    assert taken(http, ack_tokens=held) == []
    shown = good(http.post(f"{AT}/pause", json={}))
    assert (shown["num_ack_pending"], shown["num_pending"], shown["paused"]) == (0, 1, True)
    assert shown["lag"] > 0
    assert good(http.post(f"{AT}/resume"))["paused"] is False
    assert len(taken(http)) == 1
    assert good(http.get(AT))["oldest_unacked_age"] > 0


# ---------------------------------------------------------------- dead letters


def test_dead_letters_in_pages(http: httpx.Client, filled: Database) -> None:
    assert good(http.get(DEAD)) == {"data": [], "next_cursor": None}
    died(http, filled, *"abcde")
    seen, cursor = [], None
    for _ in range(3):
        page = good(http.get(DEAD, params={"limit": 2, **({"cursor": cursor} if cursor else {})}))
        seen += page["data"]
        cursor = page["next_cursor"]
        assert cursor is None or isinstance(cursor, str)
    assert cursor is None
    assert [letter["upstream_id"] for letter in seen] == list("abcde")
    assert list(seen[0]) == [
        "consumer_id", "stream_id", "sync_id", "collection_id", "upstream_id", "updated_idx", "deliver_count", "reason", "died_at", "superseded",
    ]  # fmt: skip
    assert {**seen[0], "updated_idx": 0, "died_at": seen[0]["died_at"][-1]} == {
        "consumer_id": "billing", "stream_id": "dev", "sync_id": "my-sync", "collection_id": "push:order", "upstream_id": "a", "updated_idx": 0,
        "deliver_count": 1, "reason": "poison", "died_at": "Z", "superseded": False,
    }  # fmt: skip
    for chosen, count in (({"upstream_id": "b"}, 1), ({"collection_id": "push:order"}, 5), ({"sync_id": "other"}, 0)):
        assert len(good(http.get(DEAD, params=chosen))["data"]) == count
    create(http, "other")
    assert good(http.get("/v1/http-consumers/other/dead-letters"))["data"] == [], "those of another consumer are not told"
    assert good(http.get(DEAD, params={"cursor": 2**62}))["data"] == []
    exactly = good(http.get(DEAD, params={"limit": 5}))
    assert (len(exactly["data"]), exactly["next_cursor"]) == (5, None)


def test_dead_letter_retry(http: httpx.Client, filled: Database) -> None:
    died(http, filled, "a", "b", "c")
    assert good(http.post(f"{DEAD}/retry", json={"upstream_id": "b", "sync_id": None})) == {"count": 1}
    (again,) = taken(http)
    assert (again["record"]["upstream_id"], again["deliver_count"]) == ("b", 1)
    assert good(http.post(f"{DEAD}/retry", json={"sync_id": "other"})) == {"count": 0}
    assert good(http.post(f"{DEAD}/retry", json={"collection_id": "other"})) == {"count": 0}
    assert good(http.post(f"{DEAD}/retry")) == {"count": 2}
    assert ids(taken(http)) == ["a", "c"]


def test_dead_letter_purge(http: httpx.Client, filled: Database) -> None:
    died(http, filled, "a", "b", "c")
    assert good(http.post(f"{DEAD}/purge", json={"upstream_id": "b", "collection_id": "push:order", "sync_id": "my-sync"})) == {"count": 1}
    assert [letter["upstream_id"] for letter in good(http.get(DEAD))["data"]] == ["a", "c"]
    assert good(http.post(f"{DEAD}/purge", json={})) == {"count": 2}
    assert taken(http) == []


# ---------------------------------------------------------------- waiting


def test_waiting_goes_on_past_what_a_filter_leaves_out(http: httpx.Client, filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most 10,000 entries are stepped over in one call; nobody announces that there is more."""
    monkeypatch.setattr(consume, "LOOK_AGAIN", 600.0)
    many = "select jsonb_agg(jsonb_build_object('upstream_id', 'x' || n, 'data', '{}'::jsonb)) from generate_series(1, 45000) as n"
    filled.execute(f"select record_ingest('my-sync', 'push:order', ({many}))")
    at = create(http, "c", filter={"where": "$.n"})
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(lambda: taken(http, at, wait_for=25_000))
        end = time.monotonic() + 20
        while value(filled, "select num_filtered from consumer_info('c')") < 45_000:
            assert time.monotonic() < end, "it did not go on"
            time.sleep(0.05)
        push(filled, "wanted", data='{"n": 1}')
        assert ids(answer.result(30)) == ["wanted"]


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When a request that waits has looked."""
    found: list[float] = []
    look = consume._look

    async def counted(*arguments: Any) -> bytes:
        found.append(time.monotonic())
        return await look(*arguments)

    monkeypatch.setattr(consume, "_look", counted)
    return found


def test_waiting_for_a_paused_consumer_is_quiet(http: httpx.Client, filled: Database, looks: list[float]) -> None:
    push(filled, "a")
    good(http.post(f"{AT}/pause"))
    assert taken(http, wait_for=1000) == []
    assert len(looks) <= 4
    good(http.patch(AT, json={"paused": False}))
    assert ids(taken(http, wait_for=1000)) == ["a"]


def test_waiting_for_what_others_hold_calms_down(http: httpx.Client, filled: Database, looks: list[float], db: str) -> None:
    """Somebody consumes in a transaction of his own, which lasts: what lies in his lane is there, and cannot be had."""
    with psycopg.connect(db) as other:
        push(filled, "a")
        assert len(other.execute("select * from sluice.consumer_next('billing')").fetchall()) == 1
        push(filled, *(f"o{number}" for number in range(40)))
        while taken(http):
            pass
        looks.clear()
        assert taken(http, wait_for=1500) == []
        assert len(looks) <= 25
        other.rollback()
        assert taken(http, wait_for=5000)


def test_digits_of_a_filter_are_kept(http: httpx.Client, filled: Database) -> None:
    content = json.dumps({"id": "c", "filter": {"where": "$.n == 12345678901234567890.10"}})
    assert good(http.post("/v1/http-consumers", content=content), 201)["filter"] == {"where": "$.n == 12345678901234567890.10"}
