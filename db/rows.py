"""How rows come back and JSON goes out: no digit is lost, times are UTC.

`jsonb` becomes dicts, lists, `int` and `Decimal`, never `float`; or, on request, stays the text that Postgres sent (`RawJSON`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import msgspec
import psycopg
from psycopg.types.json import Jsonb, set_json_loads

from pgsluice.db.errors import make

Row = dict[str, Any]

_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_TIMESTAMPTZ: Final = 1184


class RawJSON(str):
    """JSON text as Postgres sent it. `encode` puts it into its output untouched."""

    __slots__ = ()


def decode(data: bytes | str) -> Any:
    """JSON as Python values; numbers with a point or an exponent become `Decimal`."""
    try:
        return _DECODER.decode(data)
    except msgspec.ValidationError:
        # An integer of thousands of digits, which jsonb keeps as well.
        return json.loads(data, parse_int=_integer, parse_float=Decimal)


def _integer(digits: str) -> int | Decimal:
    # Python makes no int of more than 4,300 digits.
    return int(digits) if len(digits) < 1000 else Decimal(digits)


def _raw(data: bytes | str) -> RawJSON:
    return RawJSON(data if isinstance(data, str) else data.decode())


def read_json(cursor: psycopg.Cursor[Any] | psycopg.AsyncCursor[Any], *, raw: bool = False) -> None:
    """Sets how this cursor reads `json` and `jsonb`. The cursor alone: the connection may be the caller's."""
    set_json_loads(_raw if raw else decode, cursor)


def utc_rows(cursor: psycopg.Cursor[Any] | psycopg.AsyncCursor[Any]) -> Callable[[Sequence[Any]], Row]:
    """A row factory: dicts, with the times in UTC whatever the session's time zone is."""
    columns = cursor.description or ()
    names = [column.name for column in columns]
    times = [column.name for column in columns if column.type_code == _TIMESTAMPTZ]

    def make_row(values: Sequence[Any]) -> Row:
        row = dict(zip(names, values, strict=True))
        for name in times:
            if row[name] is not None:
                row[name] = row[name].astimezone(UTC)
        return row

    return make_row


def json_parameter(value: Any) -> Any:
    """`value` as a `jsonb` parameter: Python values are encoded, text is taken for JSON text."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode()
    return Jsonb(value, dumps=encode_strict)


def encode_strict(value: Any) -> str:
    """`value` as JSON text, `Decimal` with all its digits. SL001 for what JSON does not have."""
    try:
        return _ENCODER.encode(value).decode()
    except (TypeError, ValueError, RecursionError) as exc:
        raise make("a value cannot be written as JSON", code="SL001", details=str(exc)) from None


def encode(rows: Mapping[str, Any] | Iterable[Mapping[str, Any]]) -> str:
    """One row or many as JSON text: times with `Z` and six digits, intervals in seconds, bytes in base64, `RawJSON` untouched."""
    if isinstance(rows, Mapping):
        return encode_strict(_plain(rows))
    return encode_strict([_plain(row) for row in rows])


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain_value(value) for name, value in row.items()}


def _plain_value(value: Any) -> Any:
    match value:
        case RawJSON():
            return msgspec.Raw(value.encode())
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        case timedelta():
            seconds = value / timedelta(seconds=1)
            return int(seconds) if seconds.is_integer() else seconds
        case _:
            return value
