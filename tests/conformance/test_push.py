"""The provider whose vendor is the caller: the same promises, at the function that he calls."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from e2e.polling import NEWEST, read_once

from pgsluice.db.client import Client
from pgsluice.db.errors import SluiceError

pytestmark = NEWEST
ORDERS = "push:order"


@pytest.fixture
def client(db: str) -> Any:
    with Client.connect(db) as client:
        client.stream_create("main")
        client.sync_create("main", "push", "acme")
        yield client


def _push(client: Client, *records: dict[str, Any] | str) -> tuple[int, ...]:
    given: Any = records[0] if isinstance(records[0], str) else list(records)
    row = client.record_ingest("acme", ORDERS, given)
    return row["new"], row["changed"], row["unchanged"], row["refused"]


def _record(upstream_id: str, text: str, at: int | None = None, **more: Any) -> dict[str, Any]:
    when = {} if at is None else {"upstream_updated_at": f"2026-01-01T00:00:{at:02}Z"}
    return {"upstream_id": upstream_id, "data": {"id": upstream_id, "text": text}, **when, **more}


def _stored(db: str) -> dict[str, tuple[str, bool]]:
    with psycopg.connect(db) as conn:
        return {key: (text, gone) for key, text, gone in conn.execute("select upstream_id, data ->> 'text', deleted from sluice.records")}


def _positions(db: str) -> list[Any]:
    with psycopg.connect(db) as conn:
        return conn.execute("select upstream_id, updated_idx from sluice.records order by 1").fetchall()


def test_a_page_and_the_same_page_again(db: str, client: Client) -> None:
    page = [_record(str(number), "a") for number in range(5)]
    assert _push(client, *page) == (5, 0, 0, 0)
    before = _positions(db)
    assert _push(client, *page) == (0, 0, 5, 0)
    assert _positions(db) == before


def test_versions_in_any_order(db: str, client: Client) -> None:
    assert _push(client, _record("1", "second", 2)) == (1, 0, 0, 0)
    assert _push(client, _record("1", "first", 1)) == (0, 0, 0, 1)
    assert _stored(db)["1"] == ("second", False)
    assert _push(client, _record("1", "third", 3)) == (0, 1, 0, 0)
    # Several of one object in a call, the newest in the middle.
    _push(client, _record("1", "fourth", 4), _record("1", "sixth", 6), _record("1", "fifth", 5))
    assert _stored(db)["1"] == ("sixth", False)


def test_a_deletion_and_what_comes_late(db: str, client: Client) -> None:
    _push(client, _record("1", "there", 1))
    assert _push(client, _record("1", "there", 3, deleted=True)) == (0, 1, 0, 0)
    assert _push(client, _record("1", "late", 2)) == (0, 0, 0, 1)
    assert _stored(db)["1"] == ("there", True)
    _push(client, _record("1", "again", 4))
    assert _stored(db)["1"] == ("again", False)


def test_a_poller_leaves_it_alone(db: str, client: Client) -> None:
    _push(client, _record("1", "a"))
    assert read_once(db) == {}
    assert _stored(db) == {"1": ("a", False)}


BAD = {
    "a NUL": '[{"upstream_id":"1","data":{"a":"\\u0000"}}]',
    "a lone surrogate": '[{"upstream_id":"1","data":{"a":"\\ud800"}}]',
    "a number beyond numeric": '[{"upstream_id":"1","data":{"a":1e200000}}]',
    "NaN": '[{"upstream_id":"1","data":{"a":NaN}}]',
    "cut off": '[{"upstream_id":"1","data":{"a":1}',
    "HTML": "<html></html>",
    "nothing": "",
    "an object": '{"upstream_id":"1","data":{}}',
    "an id that is a number": '[{"upstream_id":1,"data":{}}]',
    "an id that is missing": '[{"data":{}}]',
    "an id too long": '[{"upstream_id":"' + "x" * 201 + '","data":{}}]',
    "no data": '[{"upstream_id":"1"}]',
    "a field that nobody knows": '[{"upstream_id":"1","data":{},"nonsense":1}]',
    "no time": '[{"upstream_id":"1","data":{},"upstream_updated_at":"soon"}]',
    "100,000 levels": '[{"upstream_id":"1","data":' + "[" * 100_000 + "]" * 100_000 + "}]",
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_with_words_and_nothing_of_it_is_written(db: str, client: Client, name: str) -> None:
    with pytest.raises(SluiceError) as caught:
        _push(client, BAD[name])
    assert caught.value.message
    assert caught.value.code == "SL001" or caught.value.code[:2] in {"22", "54"}
    assert _stored(db) == {}
    assert _push(client, _record("1", "sound")) == (1, 0, 0, 0)


def test_digits_and_sizes(db: str, client: Client) -> None:
    numbers = "[1e400, 123456789012345678901234567890, 0.123456789012345678901234567890, 1.00]"
    _push(client, f'[{{"upstream_id": "1", "data": {{"n": {numbers}, "a": 1, "a": 2, "large": "{"x" * (16 << 20)}"}}}}]')
    with psycopg.connect(db) as conn:
        stored = conn.execute("select data ->> 'n', data ->> 'a', length(data ->> 'large') from sluice.records").fetchone()
    assert stored == (f"[1{'0' * 400}, 123456789012345678901234567890, 0.123456789012345678901234567890, 1.00]", "2", 16 << 20)
