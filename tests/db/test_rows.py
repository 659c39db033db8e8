from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import psycopg
import pytest

from pgsluice.db.errors import InvalidArgument
from pgsluice.db.rows import RawJSON, decode, encode, encode_strict, json_parameter, read_json, utc_rows

DIGITS = '{"a": 1.10, "b": 12345678901234567890.12345678901234567890, "c": 123456789012345678901234567890, "d": 1e400}'


def test_digits_survive_the_round_trip() -> None:
    value = decode(DIGITS)
    assert value["a"] == Decimal("1.10")
    assert str(value["a"]) == "1.10"
    assert value["c"] == 123456789012345678901234567890
    assert json.loads(encode_strict(value), parse_float=Decimal) == json.loads(DIGITS, parse_float=Decimal)
    assert not any(isinstance(number, float) for number in value.values())


def test_rows_of_a_session_in_another_time_zone(conn: psycopg.Connection) -> None:
    conn.execute("set timezone = 'Asia/Kolkata'")
    with conn.cursor(row_factory=utc_rows) as cursor:
        read_json(cursor)
        row = cursor.execute("""
            select timestamptz '2026-01-01 12:00:00+00' as t, null::timestamptz as n, '1 min'::interval as i, '{"a": 1.10}'::jsonb as j
        """).fetchone()
    assert row == {"t": datetime(2026, 1, 1, 12, tzinfo=UTC), "n": None, "i": timedelta(minutes=1), "j": {"a": Decimal("1.10")}}
    assert row["t"].utcoffset() == timedelta(0)
    assert encode(row) == '{"t":"2026-01-01T12:00:00.000000Z","n":null,"i":60,"j":{"a":1.10}}'


@pytest.mark.parametrize("binary", [False, True])
def test_json_as_text(conn: psycopg.Connection, binary: bool) -> None:
    with conn.cursor(row_factory=utc_rows, binary=binary) as cursor:
        read_json(cursor, raw=True)
        row = cursor.execute("select '{\"a\": 1.10}'::jsonb as j").fetchone()
    assert row == {"j": RawJSON('{"a": 1.10}')}
    assert encode([row, row]) == '[{"j":{"a": 1.10}},{"j":{"a": 1.10}}]'


def test_the_connection_keeps_its_own_reading_of_json(conn: psycopg.Connection) -> None:
    with conn.cursor() as cursor:
        read_json(cursor, raw=True)
    assert conn.execute("select '{\"a\": 1.5}'::jsonb").fetchone() == ({"a": 1.5},)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (datetime(2026, 1, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2))), '"2026-01-01T00:03:04.000005Z"'),
        (timedelta(milliseconds=1500), "1.5"),
        (timedelta(days=-1), "-86400"),
        (b"\x00\xff", '"AP8="'),
        (Decimal("1.10"), "1.10"),
        ("a\u2028", '"a\u2028"'),
        ([1, None, True], "[1,null,true]"),
    ],
)
def test_values_on_their_way_out(value: object, text: str) -> None:
    assert encode({"v": value}) == f'{{"v":{text}}}'


@pytest.mark.parametrize("value", [object(), {"a": {1, 2j}}, "\ud800"])
def test_what_json_does_not_have(value: object) -> None:
    with pytest.raises(InvalidArgument):
        encode_strict(value)


def test_parameters(conn: psycopg.Connection) -> None:
    sent = [json_parameter(value) for value in ('{"a": 1.10}', b'{"a": 1.10}', {"a": Decimal("1.10")}, None)]
    stored = conn.execute("select %s::jsonb::text, %s::jsonb::text, %s::jsonb::text, %s::jsonb", sent).fetchone()
    assert stored == ('{"a": 1.10}', '{"a": 1.10}', '{"a": 1.10}', None)
