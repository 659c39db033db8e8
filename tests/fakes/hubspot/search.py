"""The fake's search: an index that lags. https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from fakes.hubspot.kinds import Doc, Kind, Thing
from fakes.hubspot.refusals import invalid

MOST = 10_000
Entry = tuple[Thing, Mapping[str, str]]


def indexed(things: Iterable[Thing], until: int) -> list[Entry]:
    """What the index shows: each object as it was at that moment."""
    found = []
    for thing in things:
        at, seen = thing.history[-1]
        if at > until:
            seen = next((properties for at, properties in reversed(thing.history) if at <= until), None)
        if seen is not None:
            found.append((thing, seen))
    return found


def matching(kind: Kind, entries: list[Entry], body: Doc) -> list[Entry]:
    groups = body.get("filterGroups", [])
    if len(groups) > 5 or any(len(group.get("filters", [])) > 6 for group in groups):
        raise invalid("Too many filters: at most 5 groups of 6")
    tests = [[_test(kind, one) for one in group.get("filters", [])] for group in groups]
    found = list({entry[0].number: entry for group in tests for entry in _passing(entries, group)}.values()) if tests else entries
    sorts = body.get("sorts", [])
    if len(sorts) > 1:
        raise invalid("Only one sort is supported")
    by = sorts[0]["propertyName"] if sorts else "hs_object_id"
    descending = bool(sorts) and sorts[0].get("direction") == "DESCENDING"
    if by == "hs_object_id":
        return sorted(found, key=lambda entry: entry[0].number, reverse=descending)
    return sorted(found, key=lambda entry: (_value(by, entry[1].get(by)) or 0, entry[0].number), reverse=descending)


def _passing(entries: list[Entry], group: list[Callable[[Mapping[str, str]], bool]]) -> list[Entry]:
    for test in group:
        entries = [entry for entry in entries if test(entry[1])]
    return entries


def window(body: Doc, cap: int) -> tuple[int, int]:
    limit, after = body.get("limit", 10), str(body.get("after", "0") or "0")
    if not isinstance(limit, int) or not 0 <= limit <= 200:
        raise invalid("limit must be between 0 and 200")
    if not after.isdigit():
        raise invalid("after must be a number")
    if int(after) + limit > MOST:
        raise invalid(f"Paging through results is limited to {MOST:,}: after and limit together are {int(after) + limit}")
    return int(after), min(limit, cap)


def _test(kind: Kind, given: Doc) -> Callable[[Mapping[str, str]], bool]:
    name, operator, value = given.get("propertyName", ""), given.get("operator", ""), given.get("value")
    if name not in kind.names:
        raise invalid(f"There was a problem with the request: property {name!r} does not exist", name=name)
    if operator == "HAS_PROPERTY":
        return lambda properties: name in properties
    if not isinstance(value, str):
        raise invalid(f"value of the filter on {name} must be a string")
    read = _reader(name)
    wanted = read(value)
    compare: dict[str, Callable[[Any], bool]] = {
        "EQ": lambda seen: seen == wanted,
        "GT": lambda seen: seen > wanted,
        "GTE": lambda seen: seen >= wanted,
        "LT": lambda seen: seen < wanted,
        "LTE": lambda seen: seen <= wanted,
    }
    if operator not in compare:
        raise invalid(f"unknown operator {operator!r}")
    test = compare[operator]
    return lambda properties: name in properties and test(read(properties[name]))


def _value(name: str, text: str | None) -> Any:
    return None if text is None else _reader(name)(text)


def _reader(name: str) -> Callable[[str], Any]:
    """Times are compared as milliseconds, ids as numbers, all else as text."""
    return _moment if name.endswith("date") else int if name == "hs_object_id" else str


@lru_cache(maxsize=1024)
def _moment(text: str) -> int:
    return int(text) if text.isdigit() else round(datetime.fromisoformat(text).timestamp() * 1000)
