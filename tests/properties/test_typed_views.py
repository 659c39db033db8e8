"""Whatever JSON comes, a typed view can be read, and what it shows is what the data says."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

# Few names, so that one field gets many kinds.
names = st.sampled_from(["a", "A", "b", "data", "id", "", "x" * 70, 'q"', "it's", "%s", "\\"]) | st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8
)
times = st.sampled_from(
    ["2024-02-29", "2023-02-29", "2024-01-01T00:00:00Z", "2024-01-01T25:00:00Z", "1999-12-31T23:59:59.5+01:00", "0000-01-01", "infinity"]
) | st.from_regex(r"\A[0-9]{4}-[01][0-9]-[0-3][0-9](T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](Z|[+-][01][0-9]:?[0-9]{2}))?\Z")
numbers = (
    st.sampled_from(
        ["0", "-0", "1.10", "1e5", "-1E-5", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "1e400", "0.0"]
    )
    | st.integers().map(str)
    | st.decimals(allow_nan=False, allow_infinity=False, places=30).map(lambda number: f"{number:f}")
)
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)


def as_object(items: dict[str, str]) -> str:
    return "{" + ", ".join(f"{json.dumps(name)}: {value}" for name, value in items.items()) + "}"


values = st.recursive(
    st.none().map(json.dumps) | st.booleans().map(json.dumps) | numbers | (texts | times).map(json.dumps),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]") | st.dictionaries(names, inner, max_size=3).map(as_object)
    ),
    max_leaves=4,
)


objects = st.dictionaries(names, values, max_size=6)


@pytest.fixture(scope="module")
def base(shared_db: str) -> psycopg.Connection[Any]:
    conn = psycopg.connect(shared_db, autocommit=True, options="-c search_path=sluice -c timezone=UTC")
    conn.execute("select stream_create('dev')")
    conn.execute("select sync_create('dev', 'push', 's1')")
    yield conn
    conn.close()


def ingest(conn: psycopg.Connection[Any], first: int, found: list[dict[str, str]]) -> None:
    records = ", ".join(f'{{"upstream_id": "{first + number}", "data": {as_object(item)}}}' for number, item in enumerate(found))
    conn.execute("select record_ingest('s1', 'push:x', %s::jsonb)", (f"[{records}]",))


def look(conn: psycopg.Connection[Any]) -> list[tuple[str, str | None, str | None, str | None]]:
    """Each column of each record: its type, what it shows as text, what the data says, as JSON and as text."""
    made = conn.execute("select field, column_name, type from view_fields order by place").fetchall()
    parts = [
        psycopg.sql.SQL("{0}::text, (data -> {1})::text, data ->> {1}").format(psycopg.sql.Identifier(column), psycopg.sql.Literal(field))
        for field, column, _ in made
    ]
    if not parts:
        return []
    rows = conn.execute(psycopg.sql.SQL("select {} from sluice_views.push_x").format(psycopg.sql.SQL(", ").join(parts))).fetchall()
    return [(kind, *row[3 * place : 3 * place + 3]) for row in rows for place, (_, _, kind) in enumerate(made)]


def is_right(kind: str, shown: str | None, json_text: str | None, words: str | None) -> bool:
    if json_text is None or json_text == "null":
        return shown is None
    if kind in {"text", "jsonb"}:
        return shown == (words if kind == "text" else json_text)
    if shown is None:
        return True  # `fits` decides whether that may be
    if kind in {"bigint", "numeric"}:
        return Decimal(shown) == Decimal(json_text)
    return shown == json_text if kind == "boolean" else bool(shown)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(first=st.lists(objects, min_size=1, max_size=5), later=st.lists(objects, min_size=1, max_size=5))
def test_a_view_never_fails_and_shows_what_is_there(
    base: psycopg.Connection[Any], first: list[dict[str, str]], later: list[dict[str, str]]
) -> None:
    with base.transaction(force_rollback=True):
        ingest(base, 1, first)
        base.execute("select view_create('push:x')")
        before = base.execute("select column_name, type from view_fields order by place").fetchall()
        # What comes after the view was made is read by columns that do not know it.
        ingest(base, 100, later)
        for kind, shown, json_text, words in look(base):
            assert is_right(kind, shown, json_text, words), (kind, shown, json_text)
        base.execute("select view_create('push:x')")
        assert base.execute("select column_name, type from view_fields order by place limit %s", (len(before),)).fetchall() == before
        for kind, shown, json_text, words in look(base):
            assert is_right(kind, shown, json_text, words), (kind, shown, json_text)
        # After a new look at the data every value is shown by one of its field's columns.
        assert hidden(base) == []


def hidden(conn: psycopg.Connection[Any]) -> list[Any]:
    """The values that no column shows."""
    made: dict[str, list[psycopg.sql.Composable]] = {}
    for field, column in conn.execute("select field, column_name from view_fields"):
        made.setdefault(field, []).append(psycopg.sql.Identifier(column))
    parts = [
        psycopg.sql.SQL("jsonb_typeof(data -> {}) <> 'null' and num_nonnulls({}) = 0").format(
            psycopg.sql.Literal(field), psycopg.sql.SQL(", ").join(columns)
        )
        for field, columns in made.items()
    ]
    if not parts:
        return []
    condition = psycopg.sql.SQL(" or ").join(parts)
    return conn.execute(psycopg.sql.SQL("select upstream_id, data from sluice_views.push_x where {}").format(condition)).fetchall()
