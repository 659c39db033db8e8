"""Parameters: from form encoding to nested values, and from there, by a table of kinds, to typed ones.
a[b]=c, items[0][price]=p, types[]=x; an empty string clears a field: https://docs.stripe.com/api (Request encoding)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from fakes.stripe import errors

Kind = Callable[[Any, str], Any]
"""Reads one value: (value as sent: a string, list, dict, or a native value from Python; its name for errors) -> value. None = cleared."""

_PART = re.compile(r"\[([^\[\]]*)\]")


def decode(encoded: str) -> dict[str, Any]:
    """The nested values of a query string or form body."""
    tree: dict[str, Any] = {}
    for key, value in parse_qsl(encoded, keep_blank_values=True, errors="strict"):
        head, _, rest = key.partition("[")
        _put(tree, [head, *_PART.findall("[" + rest if rest else "")], value)
    return {key: _lists(value) for key, value in tree.items()}


def _put(tree: dict[str, Any], parts: list[str], value: str) -> None:
    for part, following in zip(parts, [*parts[1:], None], strict=True):
        name = part or str(len(tree))  # a[] appends
        if following is None:
            tree[name] = value
            return
        below = tree.setdefault(name, {})
        if not isinstance(below, dict):
            raise errors.invalid("Invalid hash", parts[0])
        tree = below


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    below = {key: _lists(item) for key, item in value.items()}
    if below and all(key.isdigit() for key in below):
        return [below[key] for key in sorted(below, key=int)]
    return below


def flat(params: Mapping[str, Any]) -> str:
    """A stable text of nested parameters, for comparing two requests."""
    return json.dumps(params, sort_keys=True, default=str)


def typed(params: Mapping[str, Any], kinds: Mapping[str, Kind], required: tuple[str, ...] = ()) -> dict[str, Any]:
    """`params` read by `kinds`; 400 on an unknown or missing one."""
    for name in params:
        if name not in kinds:
            raise errors.unknown_parameter(name)
    for name in required:
        if params.get(name) in (None, "", [], {}):
            raise errors.missing_parameter(name)
    return {name: kinds[name](value, name) for name, value in params.items()}


def text(value: Any, name: str) -> str | None:
    """A string of 5,000 characters at most; empty clears."""
    if isinstance(value, (dict, list)):
        raise errors.invalid("Invalid string: {...}", name)
    if value is not None and len(str(value)) > 5000:
        message = f"Invalid string: {str(value)[:10]}...; must be at most 5000 characters"
        raise errors.invalid(message, name, "parameter_invalid_string")
    return None if value in ("", None) else str(value)


def required_text(value: Any, name: str) -> str:
    """A string that cannot be cleared."""
    if value in ("", None):
        message = (
            f"You passed an empty string for '{name}'. We assume empty values are an attempt to unset a parameter; however '{name}' "
            f"cannot be unset. You should remove '{name}' from your request or supply a non-empty value."
        )
        raise errors.invalid(message, name, "parameter_invalid_empty")
    found = text(value, name)
    assert found is not None
    return found


def integer(value: Any, name: str) -> int | None:
    if value in ("", None):
        return None
    if isinstance(value, bool) or not re.fullmatch(r"-?\d{1,18}", str(value)):
        raise errors.invalid(f"Invalid integer: {value}", name, "parameter_invalid_integer")
    return int(value)


def between(low: int, high: int) -> Kind:
    def read(value: Any, name: str) -> int:
        number = integer(value, name)
        if number is None:
            raise errors.invalid(f"Invalid integer: {value}", name, "parameter_invalid_integer")
        if number < low:
            raise errors.invalid(f"This value must be greater than or equal to {low} (it currently is '{number}').", name)
        if number > high:
            raise errors.invalid(f"This value must be less than or equal to {high} (it currently is '{number}').", name)
        return number

    return read


def boolean(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return value
    if value not in ("true", "false"):
        raise errors.invalid(f"Invalid boolean: {value}", name)
    return bool(value == "true")


def decimal(value: Any, name: str) -> str | None:
    if value in ("", None):
        return None
    if not re.fullmatch(r"-?\d+(\.\d{1,12})?", str(value)):
        raise errors.invalid(f"Invalid decimal: {value}", name)
    return str(value)


def choice(*allowed: str) -> Kind:
    def read(value: Any, name: str) -> str:
        if value not in allowed:
            raise errors.invalid(f"Invalid {name}: must be one of {', '.join(allowed[:-1])}, or {allowed[-1]}", name)
        return str(value)

    return read


def fields(kinds: Mapping[str, Kind]) -> Kind:
    """A hash with these fields; empty clears it as a whole."""

    def read(value: Any, name: str) -> dict[str, Any] | None:
        if value in ("", None):
            return None
        if not isinstance(value, dict):
            raise errors.invalid("Invalid hash", name)
        for field in value:
            if field not in kinds:
                raise errors.unknown_parameter(f"{name}[{field}]")
        return {field: kinds[field](item, f"{name}[{field}]") for field, item in value.items()}

    return read


def several(kind: Kind, most: int = 1000) -> Kind:
    def read(value: Any, name: str) -> list[Any]:
        if value in ("", None):
            return []
        if not isinstance(value, list):
            raise errors.invalid("Invalid array", name)
        if len(value) > most:
            raise errors.invalid(f"Array {name} exceeded maximum {most} allowed elements.", name)
        return [kind(item, f"{name}[{place}]") for place, item in enumerate(value)]

    return read


def anything(value: Any, name: str) -> Any:
    """Known to the vendor, of no consequence here: kept as sent."""
    return None if value == "" else value


def metadata(value: Any, name: str) -> dict[str, str]:
    """Keys of 40 characters, values of 500; an empty value removes its key, an empty hash all: https://docs.stripe.com/metadata."""
    if value in ("", None):
        return {"": ""}
    if not isinstance(value, dict):
        raise errors.invalid("Invalid hash", name)
    for key, item in value.items():
        if not key or len(key) > 40:
            raise errors.invalid("Metadata keys must have 1 to 40 characters", f"metadata[{key}]")
        if isinstance(item, (dict, list)) or len(str(item)) > 500:
            raise errors.invalid("Metadata values can have up to 500 characters", f"metadata[{key}]")
    return {key: "" if item is None else str(item) for key, item in value.items()}


def merged_metadata(before: Mapping[str, str], sent: Mapping[str, str]) -> dict[str, str]:
    kept = {} if "" in sent else {**before, **sent}
    found = {key: value for key, value in kept.items() if value != ""}
    if len(found) > 50:
        raise errors.invalid("Metadata can have up to 50 keys", "metadata")
    return found
