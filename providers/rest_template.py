"""Placeholders in a provider document: `{since}`, `{parent.id}`. No expressions: a placeholder is replaced by its value, or left out.

`{cursor|since}` is the first of them that has a value.
What holds a placeholder without a value (no cursor on the first page) is left out, and so is an object that this leaves empty.
`{{` and `}}` stand for the braces themselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

_TOKEN: Final = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_.-]*(?:\|[A-Za-z_][A-Za-z0-9_.-]*)*)\}")
_STRAY: Final = re.compile(r"[{}]")


class Json(str):
    """A value that is JSON text already: it goes in as it is."""

    __slots__ = ()


Value = str | int | Json
Values = Mapping[str, Value]


def placeholders(template: Any) -> Iterator[str]:
    """The names of the placeholders in a text, or in the texts of a list or an object."""
    if isinstance(template, str):
        yield from (name for found in _TOKEN.finditer(template) if found[1] for name in found[1].split("|"))
    elif isinstance(template, Mapping):
        for value in template.values():
            yield from placeholders(value)
    elif isinstance(template, Sequence):
        for value in template:
            yield from placeholders(value)


def stray(text: str) -> bool:
    """Whether a brace in it belongs to no placeholder."""
    return _STRAY.search(_TOKEN.sub("", text)) is not None


def filled(template: str, values: Values, quoted: Callable[[str], str] = str) -> str | None:
    """The text with its placeholders replaced; None where one has no value."""
    missing = False

    def value(found: re.Match[str]) -> str:
        nonlocal missing
        if found[1] is None:
            return found[0][0]
        given = _first(found[1], values)
        missing = missing or given is None
        return "" if given is None else quoted(str(given))

    text = _TOKEN.sub(value, template)
    return None if missing else text


def parameters(templates: Mapping[str, Any], values: Values) -> tuple[tuple[str, str], ...]:
    """The pairs of a query or a form; a list is a pair for each of its values."""
    pairs: list[tuple[str, str]] = []
    for name, template in templates.items():
        for each in template if isinstance(template, list) else [template]:
            text = filled(each, values) if isinstance(each, str) else _word(each)
            if text is not None:
                pairs.append((name, text))
    return tuple(pairs)


def json_text(template: Any, values: Values) -> str | None:
    """The template as JSON; None where nothing is left of it. A text that is one placeholder gets the value's own type."""
    if isinstance(template, str):
        return _json_of_text(template, values)
    if isinstance(template, Mapping):
        members = [(name, json_text(value, values)) for name, value in template.items()]
        kept = [f"{_encoded(name)}:{value}" for name, value in members if value is not None]
        return None if members and not kept else "{" + ",".join(kept) + "}"
    if isinstance(template, list):
        elements = [text for element in template if (text := json_text(element, values)) is not None]
        return None if template and not elements else "[" + ",".join(elements) + "]"
    return _encoded(template)


def _json_of_text(template: str, values: Values) -> str | None:
    whole = _TOKEN.fullmatch(template)
    if whole is None or whole[1] is None:
        text = filled(template, values)
        return None if text is None else _encoded(text)
    value = _first(whole[1], values)
    if value is None or isinstance(value, Json):
        return value
    return _encoded(value)


def _first(names: str, values: Values) -> Value | None:
    return next((values[name] for name in names.split("|") if name in values), None)


def _encoded(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _word(value: Any) -> str | None:
    if value is None:
        return None
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
