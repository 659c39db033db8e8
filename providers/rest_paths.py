"""Where something stands in a reply: `data.items`, or `/data/items/0` where a name has a dot; and what the bytes found there mean."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from pgsluice.providers import rawjson

_NUMBER: Final = re.compile(rb"-?[0-9]+(?:\.[0-9]+)?")
_DURATION: Final = re.compile(r"([0-9]+)(s|m|h|d)")
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
# A number of seconds beyond this (the year 5138) is one of milliseconds.
_MILLISECONDS: Final = 100_000_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def steps(path: str) -> tuple[str, ...]:
    """The names on the way. The empty path is the whole."""
    if path.startswith("/"):
        return tuple(step.replace("~1", "/").replace("~0", "~") for step in path[1:].split("/"))
    return tuple(path.split(".")) if path else ()


def at(raw: bytes, path: str) -> bytes | None:
    """The bytes of the value at `path`, None where there is none. Raises NotJson where what is on the way cannot be read."""
    for step in steps(path):
        if raw.startswith(b"["):
            found = rawjson.elements(raw, path) if step.isdecimal() else []
            if int(step) >= len(found) if step.isdecimal() else True:
                return None
            raw = found[int(step)]
            continue
        if not raw.lstrip(rawjson.BOM).lstrip().startswith(b"{"):
            return None
        inner = rawjson.object_members(raw).get(step)
        if inner is None:
            return None
        raw = inner
    return raw


def among(members: dict[str, bytes], path: str) -> bytes | None:
    """As `at`, in an object whose members are known; None too where what is on the way cannot be read."""
    first, *rest = steps(path) or ("",)
    raw = members.get(first)
    if raw is None or not rest:
        return raw
    try:
        return at(raw, "/" + "/".join(step.replace("~", "~0").replace("/", "~1") for step in rest))
    except rawjson.NotJson:
        return None


def text(raw: bytes | None) -> str | None:
    """A string's characters, or the digits or the word of a number or a boolean; None for null, what is missing, and anything larger."""
    if raw is None or raw in {b"null", b'""'}:
        return None
    if raw in {b"true", b"false"} or _NUMBER.fullmatch(raw):
        return raw.decode()
    try:
        return msgspec.json.decode(raw, type=str)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def is_given(raw: bytes | None) -> bool:
    """Whether there is more than nothing: null, false, an empty text, list or object are nothing."""
    return raw is not None and raw.strip() not in {b"null", b"false", b'""', b"[]", b"{}"}


def duration(words: str) -> timedelta:
    """`90s`, `5m`, `1h`, `30d`."""
    found = _DURATION.fullmatch(words)
    assert found is not None, "the schema has seen it"
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])


def moment(raw: bytes | None, form: str = "auto") -> datetime | None:
    """The time that a value names, None where it names none. `form`: auto, iso, unix, ms, or a pattern of strptime."""
    given = text(raw)
    if given is None:
        return None
    try:
        if "%" in form:
            return _aware(datetime.strptime(given, form))  # noqa: DTZ007  _aware says UTC where the pattern has no zone
        if form != "iso" and _NUMBER.fullmatch(given.encode()):
            return _of_number(given, form)
        return _aware(datetime.fromisoformat(given))
    except (ValueError, OverflowError):
        return None


def said(when: datetime, form: str) -> str | int:
    """A time as a vendor wants it; cut off, never rounded up: to ask from a little earlier loses nothing."""
    if form in {"unix", "ms"}:
        milliseconds = (when - _EPOCH) // timedelta(milliseconds=1)
        return milliseconds if form == "ms" else milliseconds // 1000
    if "%" in form:
        return when.strftime(form)
    if form == "date":
        return when.strftime("%Y-%m-%d")
    if form == "iso_ms":
        return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z"
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def of_milliseconds(milliseconds: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=milliseconds)


def milliseconds_of(when: datetime) -> int:
    return (when - _EPOCH) // timedelta(milliseconds=1)


def _of_number(given: str, form: str) -> datetime:
    whole, _, fraction = given.partition(".")
    number = int(whole)
    if form == "ms" or (form == "auto" and abs(number) >= _MILLISECONDS):
        return _EPOCH + timedelta(milliseconds=number)
    return _EPOCH + timedelta(seconds=number, microseconds=int(fraction[:6].ljust(6, "0")) if fraction else 0)


def _aware(when: datetime) -> datetime:
    return when if when.tzinfo else when.replace(tzinfo=UTC)
