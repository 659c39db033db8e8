"""Many objects at once, without HTTP: 100,000 customers in a second, as text cut from one template."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from fakes.stripe import objects
from fakes.stripe.clock import DAY
from fakes.stripe.store import Record, World, pretty
from fakes.stripe.writing import Writer

Doc = dict[str, Any]
NAMES = ("Ada", "Björn", "Chloé", "Dmitri", "Ewa", "Fatima", "Giulia", "Hiro")
AMOUNTS = (500, 900, 1500, 2900, 9900)


_encode = json.JSONEncoder(ensure_ascii=False).encode  # json.dumps would make an encoder for each value


class Template:
    """The text of an object with some fields left open: filling those is ten times as fast as writing out the whole."""

    def __init__(self, doc: Doc, open_fields: tuple[str, ...]) -> None:
        marks = {name: f"\0{name}" for name in open_fields}
        text = pretty({**doc, **marks}).decode()
        self._parts: list[str] = []
        self._names: list[str] = []
        by_place = sorted((text.index(json.dumps(mark)), name) for name, mark in marks.items())
        end = 0
        for start, name in by_place:
            self._parts.append(text[end:start])
            self._names.append(name)
            end = start + len(json.dumps(marks[name]))
        self._rest = text[end:]

    def fill(self, values: Doc) -> bytes:
        pieces = [part + _encode(values[name]) for part, name in zip(self._parts, self._names, strict=True)]
        return ("".join(pieces) + self._rest).encode()


def times(now: int, count: int, days: float) -> Iterator[int]:
    """Spread evenly over so many days that end now."""
    step = days * DAY / max(count, 1)
    return (int(now - days * DAY + step * (number + 1)) for number in range(count))


def add(world: World, kind: str, template: Template, rows: Iterator[Doc]) -> list[str]:
    records = [Record(row["id"], world.place(row["created"]), text=template.fill(row)) for row in rows]
    world.collection(kind).extend(records)
    return [record.id for record in records]


def customers(world: World, count: int, now: int, days: float) -> list[str]:
    template = Template(objects.customer("cus_", 0, live=world.live), ("id", "created", "email", "invoice_prefix", "metadata", "name"))

    def row(number: int, created: int) -> Doc:
        id_ = world.new_id("customer")
        name = f"{NAMES[number % len(NAMES)]} {number}"
        facts = {"email": f"customer{number}@example.com", "metadata": {"number": str(number)}, "name": name}
        return {"id": id_, "created": created, "invoice_prefix": id_[-8:].upper(), **facts}

    return add(world, "customer", template, _rows(row, times(now, count, days)))


def products(world: World, count: int, now: int, days: float) -> list[str]:
    template = Template(objects.product("prod_", 0, live=world.live), ("id", "created", "name", "updated"))

    def row(number: int, created: int) -> Doc:
        return {"id": world.new_id("product"), "created": created, "name": f"Product {number}", "updated": created}

    return add(world, "product", template, _rows(row, times(now, count, days)))


def prices(world: World, count: int, now: int, days: float, of: list[str], *, plans: bool) -> list[str]:
    """One-time prices, or recurring ones: those are plans too."""
    doc = {**objects.price("price_", 0, live=world.live), "currency": "usd"}
    if plans:
        doc.update(type="recurring", recurring=objects.recurring("month"))
    template = Template(doc, ("active", "created", "id", "nickname", "product", "unit_amount", "unit_amount_decimal"))

    def row(number: int, created: int) -> Doc:
        amount = AMOUNTS[number % len(AMOUNTS)]
        told = {"nickname": f"Tier {number}", "product": of[number % len(of)], "unit_amount": amount, "unit_amount_decimal": str(amount)}
        return {"id": world.new_id("plan" if plans else "price"), "created": created, "active": number % 5 != 4, **told}

    return add(world, "price", template, _rows(row, times(now, count, days)))


def _rows(row: Callable[[int, int], Doc], created: Iterator[int]) -> Iterator[Doc]:
    return (row(number, second) for number, second in enumerate(created))


def subscriptions(writer: Writer, count: int, of: list[str], plans: list[str], create: Callable[[Writer, Doc], Doc]) -> list[str]:
    """Trials, through the same code as HTTP's; every tenth is cancelled by the caller if he likes."""
    found = []
    for number in range(count):
        params = {"customer": of[number % len(of)], "items": [{"price": plans[number % len(plans)]}], "trial_period_days": 14}
        found.append(str(create(writer, params)["id"]))
    return found
