"""Typed views: what they show, that nothing makes them fail, and how they grow."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import psycopg
import pytest

Connection = psycopg.Connection[Any]


@pytest.fixture
def filled(conn: Connection) -> Connection:
    conn.execute("select stream_create('dev')")
    conn.execute("select sync_create('dev', 'push', 's1')")
    return conn


def ingest(conn: Connection, *objects: str | dict[str, Any], collection: str = "push:order", sync: str = "s1", first: int = 1) -> None:
    texts = [item if isinstance(item, str) else json.dumps(item) for item in objects]
    records = ",".join(f'{{"upstream_id": "{first + number}", "data": {text}}}' for number, text in enumerate(texts))
    conn.execute("select record_ingest(%s, %s, %s::jsonb)", (sync, collection, f"[{records}]"))


def create(conn: Connection, collection: str = "push:order", **arguments: str) -> str:
    more = "".join(f", {name} => '{value}'" for name, value in arguments.items())
    row = conn.execute(f"select view_create(%s{more})", (collection,)).fetchone()
    assert row
    return row[0]


def columns(conn: Connection, view: str) -> dict[str, str]:
    rows = conn.execute(
        "select attname, format_type(atttypid, null) from pg_attribute where attrelid = %s::regclass and attnum > 0", (view,)
    )
    own = {"sync_id", "upstream_id", "updated_idx", "deleted", "upstream_created_at", "upstream_updated_at", "data"}
    return {name: kind for name, kind in rows if name not in own}


def shown(conn: Connection, view: str, column: str) -> list[Any]:
    quoted = psycopg.sql.Identifier(column).as_string()
    return [value for (value,) in conn.execute(f'select {quoted} from {view} order by upstream_id collate "C"')]


def test_the_types_come_from_the_data(filled: Connection) -> None:
    one = {
        "name": "a",
        "count": 3,
        "price": 1.5,
        "paid": True,
        "at": "2024-02-29T10:00:00Z",
        "day": "2024-02-29",
        "more": {"x": [1]},
        "list": [1],
        "big": 9223372036854775808,
        "mixed": 1,
    }
    ingest(filled, one, {**one, "mixed": "x", "at": "2024-03-01T10:00:00.123456+02:00"}, {"name": None})
    view = create(filled)
    assert view == "sluice_views.push_order"
    assert columns(filled, view) == {
        "at": "timestamp with time zone",
        "big": "numeric",
        "count": "bigint",
        "day": "date",
        "list": "jsonb",
        "mixed": "jsonb",
        "more": "jsonb",
        "name": "text",
        "paid": "boolean",
        "price": "numeric",
    }
    row = filled.execute(
        f"select sync_id, upstream_id, deleted, name, count, price, paid, more, big, data ->> 'mixed' from {view} where upstream_id = '2'"
    ).fetchone()
    assert row == ("s1", "2", False, "a", 3, Decimal("1.5"), True, {"x": [1]}, Decimal(9223372036854775808), "x")
    assert shown(filled, view, "name") == ["a", "a", None]


def test_digits_stay(filled: Connection) -> None:
    ingest(filled, '{"n": 1.10, "m": 123456789012345678901234567890.5, "e": 1e5}', '{"n": 0.1, "m": 1e-30, "e": -0.0}')
    view = create(filled)
    row = filled.execute(f"select n::text, m::text, e::text from {view} where upstream_id = '1'").fetchone()
    assert row == ("1.10", "123456789012345678901234567890.5", "100000")


# Each is first seen after the view was made, and must not make it fail.
ODD = [
    '{"i": 1.5, "t": "2023-02-29T00:00:00Z", "d": "2023-04-31", "b": "true"}',
    '{"i": 9223372036854775808, "t": "0000-01-01T00:00:00Z", "d": "0000-01-01", "b": 1}',
    '{"i": 1e1000, "t": "2024-01-01T24:00:00Z", "d": "10000-01-01", "b": null}',
    '{"i": "7", "t": "2024-01-01T00:00:00", "d": "2024-1-1", "b": []}',
    '{"i": [], "t": 1700000000, "d": "today", "b": {}}',
    '{"i": null, "t": "infinity", "d": "infinity", "b": "f"}',
    '{"i": {}, "t": "2024-01-01T00:00:00+99:00", "d": "2100-02-29", "b": "x"}',
    '{"i": true, "t": "\\n2024-01-01T00:00:00Z\\n", "d": "٢٠٢٤-01-01", "b": "y"}',
    "{}",
]


def test_what_does_not_fit_reads_as_null(filled: Connection) -> None:
    ingest(filled, '{"i": 1, "t": "2024-01-01T00:00:00Z", "d": "2024-01-01", "b": true}')
    view = create(filled)
    ingest(filled, *ODD, first=2)
    rows = filled.execute(f"select i, t, d, b, data::text from {view} where upstream_id <> '1'").fetchall()
    assert {row[:4] for row in rows} == {(None, None, None, None)}
    assert len({row[4] for row in rows}) == len(ODD)


TIMES = {
    "2024-02-29T23:59:59.123456789Z": "2024-02-29 23:59:59.123457+00",
    "9999-12-31T23:59:59-14:59": "10000-01-01 14:58:59+00",
    "0001-01-01T00:00:00+14": "0001-12-31 10:00:00+00 BC",
    "2000-02-29 00:00:00+0000": "2000-02-29 00:00:00+00",
}


def test_every_time_that_the_pattern_takes_can_be_cast(filled: Connection) -> None:
    ingest(filled, *({"t": value} for value in TIMES))
    view = create(filled)
    assert columns(filled, view) == {"t": "timestamp with time zone"}
    filled.execute("set timezone = 'UTC'")
    assert dict(filled.execute(f"select data ->> 't', t::text from {view}").fetchall()) == TIMES


def test_every_day_that_the_pattern_takes_can_be_cast(conn: Connection) -> None:
    """And none is left out: all of eight hundred years, and the 29th to 31st of each month."""
    wrong = conn.execute("""
        with days as (
            select format('%s-%s-%s', lpad(y::text, 4, '0'), lpad(m::text, 2, '0'), d) as word,
                d <= extract(day from make_date(y, m, 1) + interval '1 month - 1 day') as real
            from generate_series(1600, 2400) as y, generate_series(1, 12) as m, generate_series(28, 32) as d
        )
        select word from days where real <> (word ~ sluice_internal._time_pattern('date'))
    """).fetchall()
    assert wrong == []


NAMES = [
    "select",
    "user",
    'with "quotes"',
    "it's",
    "back\\slash",
    "percent % s %I %L",
    "\\u0000",
    "ключ",
    "日本" * 30,
    "x" * 70,
    "x" * 71,
    "Name",
    "name",
    "NAME",
    "a b",
    "a.b",
    " ",
    "",
    "$1",
    "line\nbreak",
    "data",
    "deleted",
    "sync_id",
    "updated_idx",
    "upstream_id",
    "data_2",
    "😀" * 16,
]


def test_any_name_of_a_field(filled: Connection) -> None:
    ingest(filled, {name: number for number, name in enumerate(NAMES)})
    view = create(filled)
    fields = dict(filled.execute("select field, column_name from view_fields").fetchall())
    assert set(fields) == set(NAMES)
    assert len(set(fields.values())) == len(NAMES)
    for number, name in enumerate(NAMES):
        assert shown(filled, view, fields[name]) == [number]
    assert (fields["Name"], fields["name"], fields["select"]) == ("Name", "name", "select")
    # twice the same, and nothing new
    assert create(filled) == view
    assert dict(filled.execute("select field, column_name from view_fields").fetchall()) == fields


COLLECTIONS = {
    "push:Order": "sluice_views.push_order",
    "push:" + "x" * 150: "sluice_views.push_" + "x" * 58,
    "push:日本": "sluice_views.push",
    'push:a"b; drop table x': "sluice_views.push_a_b_drop_table_x",
}


def test_any_name_of_a_collection(filled: Connection) -> None:
    for collection, expected in COLLECTIONS.items():
        ingest(filled, {"a": 1}, collection=collection)
        assert create(filled, collection) == expected
        assert shown(filled, expected, "a") == [1]


def test_names_that_would_be_the_same(filled: Connection) -> None:
    for number, collection in enumerate(("push:a_b", "push:a:b", "push:A-b")):
        ingest(filled, {"a": number}, collection=collection)
    filled.execute("create table sluice_views.push_a_b_2 (theirs int)")
    made = [create(filled, collection) for collection in ("push:a_b", "push:a:b", "push:A-b")]
    assert made == ["sluice_views.push_a_b", "sluice_views.push_a_b_3", "sluice_views.push_a_b_4"]
    assert [shown(filled, view, "a") for view in made] == [[0], [1], [2]]


def test_more_fields_than_a_view_can_have(filled: Connection) -> None:
    ingest(filled, {f"k{number:04}": number for number in range(1700)}, {"k1699": 1, "k1698": 2})
    view = create(filled)
    assert filled.execute("select fields, fields_left_out from views").fetchone() == (1580, 120)
    # the most frequent ones are there
    assert filled.execute(f"select k1699, k1698 from {view} where upstream_id = '2'").fetchone() == (1, 2)
    assert len(filled.execute(f"select * from {view}").fetchall()) == 2


def test_it_grows_and_what_stands_on_it_stays(filled: Connection) -> None:
    ingest(filled, {"amount": 1, "name": "a"})
    view = create(filled)
    filled.execute(f"create view public.mine as select name, amount from {view}")
    filled.execute("create role a_user")
    try:
        filled.execute(f"grant select on {view} to a_user")
        ingest(filled, '{"amount": 1.5, "name": 7, "extra": "2024-01-01"}', first=2)
        assert create(filled) == view
        assert columns(filled, view) == {"amount": "bigint", "name": "text", "amount_numeric": "numeric", "extra": "date"}
        assert shown(filled, view, "amount") == [1, None]
        assert shown(filled, view, "amount_numeric") == [Decimal(1), Decimal("1.5")]
        # text shows everything
        assert shown(filled, view, "name") == ["a", "7"]
        ingest(filled, {"amount": "x"}, first=3)
        create(filled)
        assert list(columns(filled, view)) == ["amount", "name", "amount_numeric", "extra", "amount_jsonb"]
        assert filled.execute("select * from public.mine where name = 'a'").fetchall() == [("a", 1)]
        assert filled.execute(f"select has_table_privilege('a_user', '{view}', 'select')").fetchone() == (True,)
        with pytest.raises(psycopg.Error) as refused:
            filled.execute(f"select view_delete('{view}')")
        assert refused.value.sqlstate == "SL111"
        assert "mine" in str(refused.value.diag.message_detail)
        filled.execute("drop view public.mine")
        filled.execute("select view_delete('push_order')")
    finally:
        filled.execute("drop owned by a_user; drop role a_user")
    assert filled.execute("select count(*) from views").fetchone() == (0,)
    assert filled.execute("select to_regclass('sluice_views.push_order')").fetchone() == (None,)


def test_a_field_without_a_value_waits(filled: Connection) -> None:
    ingest(filled, {"later": None, "now": 1})
    view = create(filled)
    assert columns(filled, view) == {"now": "bigint"}
    ingest(filled, {"later": True}, first=2)
    create(filled)
    assert columns(filled, view) == {"now": "bigint", "later": "boolean"}


def test_of_one_sync_or_one_stream(filled: Connection) -> None:
    filled.execute("select stream_create('other')")
    filled.execute("select sync_create('other', 'push', 's/2')")
    ingest(filled, {"a": 1})
    ingest(filled, {"b": 1}, sync="s/2")
    assert columns(filled, create(filled)) == {"a": "bigint", "b": "bigint"}
    one = create(filled, sync_id="s/2")
    assert (one, columns(filled, one)) == ("sluice_views.push_order_s_2", {"b": "bigint"})
    two = create(filled, stream_id="dev")
    assert (two, columns(filled, two)) == ("sluice_views.push_order_dev", {"a": "bigint"})
    assert [len(filled.execute(f"select from {view}").fetchall()) for view in ("sluice_views.push_order", one, two)] == [2, 1, 1]


def test_a_tombstone_without_data_is_a_row(filled: Connection) -> None:
    ingest(filled, {"a": 1})
    view = create(filled)
    filled.execute("""select record_ingest('s1', 'push:order', '[{"upstream_id": "2", "deleted": true}]')""")
    assert filled.execute(f"select a, deleted, data from {view} where upstream_id = '2'").fetchone() == (None, True, None)


def test_data_that_is_no_object(filled: Connection) -> None:
    ingest(filled, {"a": 1}, "[1]", '"text"', "7", "true")
    view = create(filled)
    assert shown(filled, view, "a") == [1, None, None, None, None]


def refused(conn: Connection, statement: str) -> str | None:
    with pytest.raises(psycopg.Error) as error:
        conn.execute(statement)
    return error.value.sqlstate


def test_view_create_info_delete_of_nothing(filled: Connection) -> None:
    assert refused(filled, "select view_create('push:nothing')") == "SL106"
    assert refused(filled, "select view_create(null)") == "SL106"
    ingest(filled, {"a": 1})
    assert refused(filled, "select view_create('push:order', stream_id => 'no')") == "SL101"
    assert refused(filled, "select view_create('push:order', sync_id => 'no')") == "SL102"
    assert refused(filled, "select view_info('no')") == "SL170"
    assert refused(filled, "select view_delete('no')") == "SL170"


def test_a_known_collection_without_records(conn: Connection) -> None:
    conn.execute("select view_create('stripe:customer')")
    assert conn.execute("select * from sluice_views.stripe_customer").fetchall() == []


def test_somebody_dropped_or_changed_it(filled: Connection) -> None:
    ingest(filled, {"a": 1})
    view = create(filled)
    filled.execute(f"drop view {view}")
    assert create(filled) == view
    assert shown(filled, view, "a") == [1]
    filled.execute(f"drop view {view}; create table {view} (theirs int)")
    assert refused(filled, "select view_create('push:order')") == "SL171"
    filled.execute("select view_delete('push_order')")
    assert filled.execute(f"select count(*) from {view}").fetchone() == (0,)


def test_who_may(filled: Connection) -> None:
    ingest(filled, {"a": 1})
    for role, made in (("sluice_reader", False), ("sluice_mutator", False), ("sluice_poller", False), ("sluice_admin", True)):
        filled.execute(f"set role {role}")
        if made:
            create(filled)
        else:
            assert refused(filled, "select view_create('push:order')") in {"SL002", "42501"}
        filled.execute("reset role")
    for role in ("sluice_reader", "sluice_consumer", "sluice_mutator"):
        filled.execute(f"set role {role}")
        assert shown(filled, "sluice_views.push_order", "a") == [1]
        assert filled.execute("select view_name, fields from view_info('push_order')").fetchone() == ("sluice_views.push_order", 1)
        assert refused(filled, "select view_delete('push_order')") in {"SL002", "42501"}
        filled.execute("reset role")
    filled.execute("set role sluice_reader")
    assert refused(filled, "delete from sluice_views.push_order") == "42501"
    filled.execute("reset role")


def test_row_security_holds_for_whoever_looks(filled: Connection) -> None:
    """The view looks with the rights of the caller: a policy on records is one on every typed view."""
    ingest(filled, {"a": 1})
    view = create(filled)
    filled.execute("alter policy records_by_stream on records using (stream_id = 'another')")
    filled.execute("set role sluice_reader")
    assert filled.execute(f"select * from {view}").fetchall() == []
    filled.execute("reset role")


def test_fields_that_the_provider_names(filled: Connection) -> None:
    """They come first, with the type that is named, as long as the data agrees."""
    filled.execute("""
        create or replace view sluice.provider_fields as
        select
            'push' collate "C" as provider, 'push:order' collate "C" as collection_id, v.place, v.name, v.type, v.key as primary_key,
            '' as description
        from (values (1, 'id', 'text', true), (2, 'created', 'time', false), (3, 'total', 'number', false), (4, 'wrong', 'boolean', false))
            as v (place, name, type, key)
    """)
    ingest(filled, {"id": "a", "created": 1700000000, "total": 5, "wrong": "x", "another": 1})
    view = create(filled)
    assert list(columns(filled, view).items()) == [
        ("id", "text"),
        ("created", "timestamp with time zone"),
        ("total", "numeric"),
        ("wrong", "text"),
        ("another", "bigint"),
    ]
    filled.execute("set timezone = 'UTC'")
    assert filled.execute(f"select created::text, total from {view}").fetchone() == ("2023-11-14 22:13:20+00", Decimal(5))
