from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from pgsluice.db.calls import UNSET, as_sql, as_sql_list, call_statement, list_statement
from pgsluice.db.errors import InvalidArgument


@pytest.mark.parametrize(
    ("name", "args", "expected"),
    [
        ("stream_create", {}, "select * from sluice.stream_create();"),
        ("stream_create", {"stream_id": None, "lanes": 4}, "select * from sluice.stream_create(stream_id => NULL, lanes => 4);"),
        ("stream_create", {"stream_id": "it's", "lanes": UNSET}, "select * from sluice.stream_create(stream_id => 'it''s');"),
        (
            "consumer_ack",
            {"consumer_id": "c", "ack_tokens": ["a", "b'"], "strict": True},
            "select * from sluice.consumer_ack(consumer_id => 'c', ack_tokens => array['a', 'b''']::text[], strict => true);",
        ),
        (
            "consumer_nack",
            {"consumer_id": "c", "ack_tokens": [], "delay": timedelta(seconds=5)},
            "select * from sluice.consumer_nack(consumer_id => 'c', ack_tokens => array[]::text[], delay => '0:00:05'::interval);",
        ),
        (
            "record_ingest",
            {"sync_id": "s", "collection_id": "push:x", "records": [{"upstream_id": "1", "data": {"n": Decimal("1.10")}}]},
            (
                "select * from sluice.record_ingest(sync_id => 's', collection_id => 'push:x', "
                """records => '[{"upstream_id":"1","data":{"n":1.10}}]');"""
            ),
        ),
    ],
)
def test_a_call_for_people(name: str, args: Mapping[str, Any], expected: str) -> None:
    assert as_sql(name, args) == expected


def test_reading_for_people() -> None:
    assert as_sql_list("streams", {}) == "select * from sluice.streams;"
    text = as_sql_list("records", {"sync_id": "s", "stream_id": None}, columns=("upstream_id",), order_by="updated_idx", after=7, limit=3)
    assert text == "select upstream_id from sluice.records where sync_id = 's' and updated_idx > 7 order by updated_idx limit 3;"


def test_it_runs_as_printed(conn: psycopg.Connection) -> None:
    conn.execute(as_sql("stream_create", {"stream_id": "a 'quoted' \\ one"}))
    conn.execute(as_sql("sync_create", {"stream_id": "a 'quoted' \\ one", "provider": "push", "sync_id": "s", "metadata": {"k": "v'"}}))
    records = [{"upstream_id": "1", "data": {"text": "it's \\ %s {}", "n": Decimal("1.10")}}]
    conn.execute(as_sql("record_ingest", {"sync_id": "s", "collection_id": "push:x", "records": records}))
    row = conn.execute(as_sql_list("records", {"sync_id": "s"}, columns=("upstream_id", "data"))).fetchone()
    assert row == ("1", {"text": "it's \\ %s {}", "n": 1.1})


@pytest.mark.parametrize("value", ["a\x00b", ["a\x00b"]])
def test_a_nul_cannot_be_written(value: object) -> None:
    with pytest.raises(InvalidArgument):
        as_sql("stream_create", {"stream_id": value})


def test_names_are_quoted_unless_they_are_plain() -> None:
    assert as_sql_list("streams; drop table x", {'a" = 1 --': 1}) == 'select * from sluice."streams; drop table x" where "a"" = 1 --" = 1;'


def test_statements_with_parameters() -> None:
    statement, parameters = call_statement("consumer_next", {"consumer_id": "c", "ack_tokens": ("a", "b"), "batch_size": 5})
    assert statement == b"select * from sluice.consumer_next(consumer_id => %s, ack_tokens => %b, batch_size => %s)"
    assert parameters == ["c", ["a", "b"], 5]
    statement, parameters = list_statement("syncs", {"stream_id": "s", "provider": None}, limit=9)
    assert (statement, parameters) == (b"select * from sluice.syncs where stream_id = %s limit %s", ["s", 9])
