"""As much of SOQL as a client sends: https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fakes.salesforce.schema import Doc, Object

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<text>'(?:[^'\\]|\\.)*')
  | (?P<time>\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2}))
  | (?P<date>\d{4}-\d{2}-\d{2})
  | (?P<number>-?\d+(?:\.\d+)?)
  | (?P<word>[A-Za-z_][A-Za-z0-9_.]*)
  | (?P<mark><=|>=|!=|<>|[=<>(),])
)""",
    re.VERBOSE,
)
Test = Callable[[Doc], bool]


class BadQuery(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Query:
    fields: list[str]
    count: bool
    object: Object
    test: Test
    order: list[tuple[str, bool]]
    limit: int | None


def parse(text: str, objects: dict[str, Object]) -> Query:
    return _Parser(text, objects).query()


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


class _Parser:
    def __init__(self, text: str, objects: dict[str, Object]) -> None:
        if len(text) > 100_000:
            raise BadQuery("MALFORMED_QUERY", "SOQL statements cannot be longer than 100000 characters.")
        self.objects = objects
        self.tokens: list[tuple[str, str]] = []
        place = 0
        while place < len(text.rstrip()):
            found = _TOKEN.match(text, place)
            if found is None or found.end() == place:
                raise BadQuery("MALFORMED_QUERY", f"unexpected token: '{text[place : place + 20]}'")
            self.tokens.append((str(found.lastgroup), found[str(found.lastgroup)]))
            place = found.end()
        self.at = 0

    def peek(self, *words: str) -> bool:
        return self.at < len(self.tokens) and self.tokens[self.at][1].upper() in words

    def take(self, *words: str) -> bool:
        if self.peek(*words):
            self.at += 1
            return True
        return False

    def need(self, *words: str) -> None:
        if not self.take(*words):
            raise BadQuery(
                "MALFORMED_QUERY", f"expecting {words[0]}, found {self.tokens[self.at][1] if self.at < len(self.tokens) else 'EOF'}"
            )

    def next(self, kind: str) -> str:
        if self.at >= len(self.tokens) or self.tokens[self.at][0] != kind:
            raise BadQuery("MALFORMED_QUERY", f"unexpected token: {self.tokens[self.at][1] if self.at < len(self.tokens) else 'EOF'}")
        self.at += 1
        return self.tokens[self.at - 1][1]

    def query(self) -> Query:
        self.need("SELECT")
        names, whole, count = [], False, False
        if self.take("COUNT"):
            self.need("(")
            self.need(")")
            count = True
        elif self.take("FIELDS"):
            self.need("(")
            whole = self.next("word").upper() == "ALL"
            self.need(")")
        else:
            names.append(self.next("word"))
            while self.take(","):
                names.append(self.next("word"))
        self.need("FROM")
        name = self.next("word")
        known = self.objects.get(name.lower())
        if known is None:
            raise BadQuery("INVALID_TYPE", f"sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure "
                           "to append the '__c' after the entity name.")  # fmt: skip
        self.known = known
        test: Test = self.either() if self.take("WHERE") else lambda _: True
        order: list[tuple[str, bool]] = []
        if self.take("ORDER"):
            self.need("BY")
            order.append(self.key())
            while self.take(","):
                order.append(self.key())
        limit = int(self.next("number")) if self.take("LIMIT") else None
        if self.at < len(self.tokens):
            raise BadQuery("MALFORMED_QUERY", f"unexpected token: {self.tokens[self.at][1]}")
        if whole and (limit is None or limit > 200):
            raise BadQuery("MALFORMED_QUERY", "The SOQL FIELDS function must have a LIMIT of at most 200")
        if len({one.lower() for one in names}) < len(names):
            raise BadQuery("INVALID_FIELD", "duplicate field selected")
        return Query(list(known.shown()) if whole else [self.field(one) for one in names], count, known, test, order, limit)

    def field(self, name: str) -> str:
        found = self.known.find(name)
        if found is None:
            raise BadQuery("INVALID_FIELD", f"No such column '{name}' on entity '{self.known.name}'. If you are attempting to use a custom "
                           "field, be sure to append the '__c' after the custom field name.")  # fmt: skip
        return found.name

    def key(self) -> tuple[str, bool]:
        name = self.field(self.next("word"))
        down = self.take("DESC")
        if not down:
            self.take("ASC")
        return name, down

    # -- conditions

    def either(self) -> Test:
        tests = [self.both()]
        while self.take("OR"):
            tests.append(self.both())
        return tests[0] if len(tests) == 1 else lambda doc: any(test(doc) for test in tests)

    def both(self) -> Test:
        tests = [self.one()]
        while self.take("AND"):
            tests.append(self.one())
        return tests[0] if len(tests) == 1 else lambda doc: all(test(doc) for test in tests)

    def one(self) -> Test:
        if self.take("("):
            inner = self.either()
            self.need(")")
            return inner
        if self.take("NOT"):
            negated = self.one()
            return lambda doc: not negated(doc)
        name = self.field(self.next("word"))
        kind = self.known.fields[name].type
        if kind in {"address", "location", "base64"}:
            raise BadQuery("INVALID_FIELD", f"field '{name}' can not be filtered in a query call")
        if self.take("IN"):
            self.need("(")
            values = [self.value(kind)]
            while self.take(","):
                values.append(self.value(kind))
            self.need(")")
            return lambda doc: _plain(kind, doc.get(name)) in values
        mark = self.next("mark")
        value = self.value(kind)
        return lambda doc: _holds(mark, _plain(kind, doc.get(name)), value)

    def value(self, kind: str) -> Any:
        token, text = self.tokens[self.at] if self.at < len(self.tokens) else ("", "EOF")
        self.at += 1
        if token == "word" and text.upper() in {"TRUE", "FALSE", "NULL"}:
            return {"TRUE": True, "FALSE": False, "NULL": None}[text.upper()]
        if (kind == "datetime") != (token == "time"):
            raise BadQuery("INVALID_FIELD", f"value of filter criterion for a field must be of type {kind}")
        if token == "text":
            return _plain(kind, re.sub(r"\\(.)", r"\1", text[1:-1]))
        return instant(text) if token == "time" else float(text) if token == "number" else text


def _plain(kind: str, value: Any) -> Any:
    """A value as it is compared: ids letter by letter, other texts without regard to case."""
    if value is None or isinstance(value, bool):
        return value
    if kind == "datetime":
        return instant(value) if isinstance(value, str) else value
    if isinstance(value, str) and kind not in {"id", "reference", "date"}:
        return value.lower()
    return float(value) if isinstance(value, int | float) else value


def _holds(mark: str, one: Any, two: Any) -> bool:
    if mark == "=":
        return bool(one == two)
    if mark in {"!=", "<>"}:
        return bool(one != two)
    if one is None or two is None:
        return False
    return bool({"<": one < two, ">": one > two, "<=": one <= two, ">=": one >= two}[mark])
