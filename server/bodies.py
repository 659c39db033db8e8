"""What a request says: its body, read within bounds, and its fields, each checked and named when it is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

import msgspec
from starlette.datastructures import QueryParams
from starlette.requests import ClientDisconnect, Request

from pgsluice.db import rows
from pgsluice.db.errors import SluiceError, make
from pgsluice.db.shapes import PAGE
from pgsluice.server.errors import BadFields, malformed

Check = Callable[[Any], Any]  # returns the value as SQL takes it; ValueError says what is wrong

_BIGGEST: Final = 2**31 - 1
# Of the year 2286: whoever sends more means milliseconds.
_LONGEST: Final = 10**10
# Bytes that are read for anybody: above it a look-up of the token costs less than the body.
_LARGE: Final = 64 * 1024


async def json_object(request: Request, max_body: int) -> dict[str, Any]:
    """The body's fields; {} for an empty body. Numbers keep their digits. SL005, SL114."""
    body = await read(request, max_body)
    if not body.strip():
        return {}
    try:
        found = parsed(body)
    except ValueError as exc:
        raise malformed(f"the body is not JSON: {exc}") from None
    if not isinstance(found, dict):
        raise malformed("the body is JSON, but not an object")
    return found


async def asked(request: Request, max_body: int, **checks: Check) -> dict[str, Any]:
    """The body's fields, checked, of a request that takes nothing behind the question mark."""
    query(request.query_params)
    return fields(await json_object(request, max_body), **checks)


def is_large(request: Request) -> bool:
    """Whether the body is, or may turn out to be, more than is read for anybody."""
    declared = request.headers.get("content-length")
    if declared is None:
        return "transfer-encoding" in request.headers
    return not declared.isdecimal() or int(declared) > _LARGE


def parsed(given: bytes | str) -> Any:
    """JSON as Python values, numbers with their digits. ValueError says what is wrong with it."""
    try:
        return rows.decode(given)
    except (msgspec.DecodeError, RecursionError, ValueError, ArithmeticError) as exc:
        raise ValueError(_words(exc)) from None


def _words(exc: Exception) -> str:
    return "it is nested too deeply" if isinstance(exc, RecursionError) else str(exc).split("\n", 1)[0][:200]


async def read(request: Request, max_body: int) -> bytes:
    """The body as it came. SL005, SL114."""
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > max_body:
        raise too_large(max_body)
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > max_body:
                raise too_large(max_body)
    except ClientDisconnect:
        raise malformed("the connection was closed before the body was complete") from None
    return bytes(body)


def too_large(max_body: int) -> SluiceError:
    return make(
        f"the body is larger than {max_body:,} bytes", code="SL114", hint="send less at once; the server's limit is its option --max-body"
    )


def fields(given: Mapping[str, Any], **checks: Check) -> dict[str, Any]:
    """The fields that were given, checked. BadFields names every one that is wrong or unknown."""
    wrong = {name[:100]: f"is unknown; there are: {', '.join(checks)}" for name in given if name not in checks}
    found: dict[str, Any] = {}
    for name, check in checks.items():
        if name in given:
            try:
                found[name] = check(given[name])
            except ValueError as exc:
                wrong[name] = str(exc)
    if wrong:
        raise BadFields(wrong)
    return found


def query(params: QueryParams, **checks: Check) -> dict[str, Any]:
    """As `fields`, for what stands behind the question mark. A name twice is wrong."""
    twice = {name[:100]: "is given twice" for name in params if len(params.getlist(name)) > 1}
    if twice:
        raise BadFields(twice)
    return fields(params, **checks)


def page(request: Request, **checks: Check) -> dict[str, Any]:
    """The query of a list; what was not given is None."""
    found = query(request.query_params, **{"cursor": text, "limit": whole_text(1, 1000)} | checks)
    return {**dict.fromkeys(checks), "cursor": None, "limit": PAGE, **found}


def named(given: Mapping[str, Any], *names: str) -> Any:
    """What was given under any of these names, which stand for one thing. None: nothing."""
    found = {given[name] for name in names if given.get(name) is not None}
    if len(found) > 1:
        raise BadFields(dict.fromkeys(names, "must be the same: they are one thing"))
    return next(iter(found), None)


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be a string, not {_kind(value)}")
    if "\x00" in value:
        raise ValueError("must not contain a NUL character")
    return value


def optional(check: Check) -> Check:
    """Null is allowed too."""
    return lambda value: None if value is None else check(value)


def one_of(*words: str) -> Check:
    def check(value: Any) -> str:
        if value not in words:
            raise ValueError(f"must be one of: {', '.join(words)}")
        return str(value)

    return check


def whole(low: int = 0, high: int = _BIGGEST) -> Check:
    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(f"must be a whole number, not {_kind(value)}")
        if not low <= value <= high:
            raise ValueError(f"must be {low} to {high}, not {str(value)[:30]}")
        return value

    return check


def whole_text(low: int = 0, high: int = _BIGGEST) -> Check:
    """A whole number in a query."""

    def check(value: Any) -> int:
        if not re.fullmatch(r"-?[0-9]{1,19}", value, re.ASCII):
            raise ValueError("must be a whole number")
        return int(whole(low, high)(int(value)))

    return check


def flag_text(value: Any) -> bool:
    if value not in {"true", "false"}:
        raise ValueError("must be true or false")
    return bool(value == "true")


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, not {_kind(value)}")
    return value


def words(most: int) -> Check:
    """A string of so many bytes at most."""

    def check(value: Any) -> str:
        found = text(value)
        if len(found.encode()) > most:
            raise ValueError(f"must have at most {most:,} bytes")
        return found

    return check


def place(value: Any) -> str:
    """A place in a stream: its idx as a number, or a text that the database reads."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"must be a string or a whole number, not {_kind(value)}")
    return str(whole(0, 2**63 - 1)(value))


def seconds(value: Any) -> timedelta:
    return timedelta(seconds=_number(value))


def milliseconds(value: Any) -> timedelta:
    return timedelta(milliseconds=_number(value))


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError(f"must be a number, not {_kind(value)}")
    if not 0 <= value <= _LONGEST:
        raise ValueError("must be 0 or more, and not that long")
    return float(value)


def texts(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise ValueError(f"must be a list of strings, not {_kind(value)}")
    for number, item in enumerate(value):
        try:
            text(item)
        except ValueError as exc:
            raise ValueError(f"has an item {number} that {exc}") from None
    return value


def json_text(kind: type) -> Check:
    """JSON of that kind, as text for the database."""

    def check(value: Any) -> str:
        if not isinstance(value, kind):
            raise ValueError(f"must be {_NAMES[kind]}, not {_kind(value)}")
        try:
            return storable(value)
        except SluiceError as exc:
            raise ValueError(exc.message) from None

    return check


def storable(value: Any) -> str:
    """JSON text with all digits. ValueError for a NUL, which Postgres cannot keep."""
    found = str(rows.encode_strict(value))
    if "\\u0000" in found.replace("\\\\", ""):
        raise ValueError("contains a NUL character, which Postgres cannot keep")
    return found


def any_value(value: Any) -> Any:
    return value


_NAMES: Final = {
    dict: "an object",
    list: "a list",
    str: "a string",
    bool: "true or false",
    int: "a number",
    Decimal: "a number",
    float: "a number",
}


def _kind(value: Any) -> str:
    return "null" if value is None else _NAMES.get(type(value), "that")
