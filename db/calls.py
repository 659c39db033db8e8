"""Calls of our functions and reads of our views as SQL: with parameters for `client`, with literals for people (`--as-sql`)."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, Literal

from psycopg import sql

from pgsluice.db.connect import translated
from pgsluice.db.rows import encode_strict, json_parameter


class _Unset(enum.Enum):
    """A parameter that the caller left out, so that SQL's default rules."""

    UNSET = "unset"

    def __repr__(self) -> str:
        return "UNSET"


Unset = Literal[_Unset.UNSET]
UNSET: Final = _Unset.UNSET

_PLAIN: Final = re.compile(r"[a-z_][a-z0-9_]*")
_JSON: Final = frozenset({"records", "document", "metadata", "filter", "rate_limit", "data", "vendor_values"})
# Reads like a view, but its rows are what `consumer_info` answers for each consumer.
_DETAILS: Final = "consumer_details"
# Without the columns that only the engine needs.
RECORD_COLUMNS: Final = (
    "stream_id",
    "sync_id",
    "collection_id",
    "upstream_id",
    "updated_idx",
    "upstream_created_at",
    "upstream_updated_at",
    "deleted",
    "data",
)


def given(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """`arguments` without `self` and without what was left out."""
    return {name: value for name, value in arguments.items() if value is not UNSET and name != "self"}


def call_statement(function: str, arguments: Mapping[str, Any], *, schema: str = "sluice") -> tuple[bytes, list[Any]]:
    """`select * from schema.function(name => …)` and its parameters."""
    parameters = [_parameter(name, value) for name, value in arguments.items()]
    # Arrays of text travel in binary: no quoting and no parsing of a thousand tokens. An empty list has no type to do that with.
    binary = tuple(isinstance(value, list) and bool(value) for value in parameters)
    return _call_text(schema, function, tuple(arguments), binary), parameters


def _parameter(name: str, value: Any) -> Any:
    if name in _JSON:
        return json_parameter(value)
    return list(value) if isinstance(value, tuple) else value


@lru_cache(maxsize=256)
def _call_text(schema: str, function: str, names: tuple[str, ...], binary: tuple[bool, ...]) -> bytes:
    values = [sql.SQL("%b" if is_binary else "%s") for is_binary in binary]
    return _call(schema, function, dict(zip(names, values, strict=True))).as_bytes()


def _call(schema: str, function: str, values: Mapping[str, sql.Composable]) -> sql.Composed:
    arguments = [_word(name) + sql.SQL(" => ") + value for name, value in values.items()]
    return sql.SQL("select * from {}.{}({})").format(_word(schema), _word(function), sql.SQL(", ").join(arguments))


def list_statement(
    view: str,
    filters: Mapping[str, Any],
    *,
    columns: Sequence[str] = (),
    order_by: str | None = None,
    after: Any = None,
    limit: int | None = None,
) -> tuple[bytes, list[Any]]:
    """`select … from sluice.view where column = …` and its parameters; a filter that is None is none, JSON is to be contained.

    `after` is a value of `order_by`.
    """
    used = {name: value for name, value in filters.items() if value is not None}
    values = [_parameter(name, value) for name, value in used.items()]
    parameters = [*values, *(value for value in (after, limit) if value is not None)]
    slot = sql.SQL("%s")
    after_slot, limit_slot = (None if value is None else slot for value in (after, limit))
    query = _read(view, dict.fromkeys(used, slot), columns=columns, order_by=order_by, after=after_slot, limit=limit_slot)
    return query.as_bytes(), parameters


def _read(
    view: str,
    filters: Mapping[str, sql.Composable],
    *,
    columns: Sequence[str],
    order_by: str | None,
    after: sql.Composable | None,
    limit: sql.Composable | None,
) -> sql.Composed:
    if view == _DETAILS:
        found = _read("consumers", filters, columns=("consumer_id",), order_by="consumer_id", after=after, limit=limit)
        return sql.SQL("select d.* from ({}) as c cross join lateral sluice.consumer_info(c.consumer_id) as d").format(found)
    query = sql.SQL("select {} from sluice.{}").format(sql.SQL(", ").join(map(_word, columns)) if columns else sql.SQL("*"), _word(view))
    conditions = [_word(name) + sql.SQL(" @> " if name in _JSON else " = ") + value for name, value in filters.items()]
    if order_by is not None and after is not None:
        conditions.append(_word(order_by) + sql.SQL(" > ") + after)
    if conditions:
        query += sql.SQL(" where ") + sql.SQL(" and ").join(conditions)
    if order_by is not None:
        query += sql.SQL(" order by ") + _word(order_by)
    return query if limit is None else query + sql.SQL(" limit ") + limit


def _word(name: str) -> sql.Composable:
    """A name of ours as people write it, without quotes; anything else quoted, so that nothing can hide in it."""
    return sql.SQL(name) if _PLAIN.fullmatch(name) else sql.Identifier(name)


def as_sql(name: str, args: Mapping[str, Any]) -> str:
    """The call of a public function as a statement that runs in psql as it stands. What was left out stays out. SL001 for a NUL."""
    with translated():
        return _call("sluice", name, {key: _literal(key, value) for key, value in given(args).items()}).as_string() + ";"


def as_sql_list(
    view: str,
    filters: Mapping[str, Any],
    *,
    columns: Sequence[str] = (),
    order_by: str | None = None,
    after: Any = None,
    limit: int | None = None,
) -> str:
    """The read of a view (`list_statement`) as a statement that runs in psql as it stands."""
    with translated():
        used = {name: _literal(name, value) for name, value in filters.items() if value is not None}
        after_, limit_ = (None if value is None else sql.Literal(value) for value in (after, limit))
        return _read(view, used, columns=columns, order_by=order_by, after=after_, limit=limit_).as_string() + ";"


def _literal(name: str, value: Any) -> sql.Composable:
    if name in _JSON and value is not None:
        text = value.decode() if isinstance(value, bytes) else value if isinstance(value, str) else encode_strict(value)
        return sql.Literal(text)
    if isinstance(value, list | tuple):
        items = sql.SQL(", ").join(map(sql.Literal, value))
        return sql.SQL("array[{}]::text[]").format(items)
    return sql.Literal(value)
