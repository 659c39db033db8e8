"""As much of GraphQL as a fake needs: one operation, its arguments, nested selections and fragments."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_TOKENS = re.compile(r'\.\.\.|"(?:[^"\\]|\\.)*"|[A-Za-z_][A-Za-z0-9_]*|-?[0-9]+|[{}()\[\]:!$=,@]')


class BadQuery(Exception):
    """The query cannot be parsed."""


@dataclass
class Selected:
    """A field with its arguments and what is selected below it."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    below: list[Selected] = field(default_factory=list)
    spreads: str = ""


class Query:
    """`kind` is query or mutation; `types` the declared types of its variables."""

    def __init__(self, text: str, variables: Mapping[str, Any]) -> None:
        self.kind = "query"
        self.types: dict[str, str] = {}
        self.fields: list[Selected] = []
        self.fragments: dict[str, list[Selected]] = {}
        self._variables = variables
        self._left = [token for token in _TOKENS.findall(text) if token != ","]
        while self._left:
            self._definition()

    def _take(self, wanted: str | None = None) -> str:
        if not self._left or (wanted is not None and self._left[0] != wanted):
            raise BadQuery(f"Syntax Error: Expected {wanted or 'Name'}, found {self._left[0] if self._left else '<EOF>'}.")
        return self._left.pop(0)

    def _definition(self) -> None:
        if self._left[0] == "fragment":
            self._take()
            name = self._take()
            self._take("on")
            self._take()
            self.fragments[name] = self._selection()
            return
        if self._left[0] in {"query", "mutation"}:
            self.kind = self._take()
            if self._left[0] not in {"{", "("}:
                self._take()
            if self._left[0] == "(":
                self._declared()
        self.fields = self._selection()

    def _declared(self) -> None:
        self._take("(")
        while self._left[0] != ")":
            self._take("$")
            name = self._take()
            self._take(":")
            kind = self._take()
            if self._left[0] == "!":
                kind += self._take()
            self.types[name] = kind
        self._take(")")

    def _selection(self) -> list[Selected]:
        self._take("{")
        found: list[Selected] = []
        while self._left and self._left[0] != "}":
            if self._left[0] == "...":
                self._take()
                found.append(Selected("", spreads=self._take()))
                continue
            one = Selected(self._take())
            if self._left and self._left[0] == "(":
                self._take()
                while self._left[0] != ")":
                    name = self._take()
                    self._take(":")
                    one.arguments[name] = self._value()
                self._take(")")
            if self._left and self._left[0] == "{":
                one.below = self._selection()
            found.append(one)
        self._take("}")
        return found

    def _value(self) -> Any:
        token = self._take()
        if token == "$":
            return self._variables.get(self._take())
        if token.lstrip("-").isdigit():
            return int(token)
        return {"true": True, "false": False, "null": None}.get(token, token.strip('"'))

    def shown(self, value: Any, selection: list[Selected]) -> Any:
        """What of a value was selected."""
        if not selection or value is None:
            return value
        if isinstance(value, list):
            return [self.shown(each, selection) for each in value]
        found: dict[str, Any] = {}
        for one in selection:
            if one.spreads:
                found |= self.shown(value, self.fragments[one.spreads])
            elif one.name not in value:
                raise BadQuery(f'Cannot query field "{one.name}" on type "{value.get("__typename", "Object")}".')
            else:
                found[one.name] = self.shown(value[one.name], one.below)
        return found
