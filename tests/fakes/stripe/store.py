"""What the vendor holds: records in order of creation, kept as the text that replies show, so that 100,000 of them stay small."""

from __future__ import annotations

import json
import random
import string
from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import Any, NamedTuple

from fakes.stripe.table import KINDS as BY_TABLE
from fakes.stripe.table import row

KINDS = ("customer", "product", "price", "subscription", "invoice", "event", *BY_TABLE)
"""Kinds that are stored. A plan is a view of a recurring price; items and lines stand inside their parents."""

ID_LETTERS = string.ascii_letters + string.digits
PREFIXES = {"customer": ("cus_", 14), "product": ("prod_", 14), "price": ("price_", 24), "plan": ("plan_", 14),
            "subscription": ("sub_", 24), "item": ("si_", 14), "invoice": ("in_", 24), "line": ("il_", 24),
            "event": ("evt_", 24), "request": ("req_", 14), **{kind: (row(kind).prefix, 24) for kind in BY_TABLE}}  # fmt: skip


class Place(NamedTuple):
    """Where a record stands in its list. `rank` orders those of one second: by arrival, or at random for shuffled events."""

    created: int
    rank: float
    number: int


class Record:
    """One object: its text as shown in a reply, its parsed form, or both."""

    __slots__ = ("_doc", "_text", "id", "place", "planted", "shown", "visible_at")

    def __init__(
        self, id_: str, place: Place, *, doc: dict[str, Any] | None = None, text: bytes | None = None, planted: bool = False
    ) -> None:
        self.id = id_
        self.place = place
        self.planted = planted  # text of a test's own, shown as it is, never parsed
        self.visible_at = 0.0
        self.shown: dict[str, bytes] = {}  # texts in other shapes (render.py), until it changes
        self._doc = doc
        self._text = text

    @property
    def doc(self) -> dict[str, Any]:
        """The parsed form; copy before changing. Not kept where only the text is: of 100,000 objects, that is what keeps them small.
        A planted record has none."""
        if self._doc is None:
            return {} if self.planted else json.loads(self._text or b"{}")
        return self._doc

    @property
    def text(self) -> bytes:
        if self._text is None:
            self._text = pretty(self._doc)
        return self._text

    def replace(self, doc: dict[str, Any]) -> None:
        self._doc, self._text, self.planted, self.shown = doc, None, False, {}


def pretty(doc: Any) -> bytes:
    """The vendor indents by two blanks; so the same object differs in bytes between a list, an event and a reading by id."""
    return json.dumps(doc, indent=2, ensure_ascii=False).encode()


def indented(text: bytes, by: int) -> bytes:
    return text.replace(b"\n", b"\n" + b" " * by)


class Collection:
    """Records of one kind by id and in order of creation."""

    def __init__(self) -> None:
        self._by_id: dict[str, Record] = {}
        self._order: list[tuple[Place, str]] = []
        self.deleted: dict[str, Place] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Record]:
        """Oldest first."""
        return iter([self._by_id[id_] for _, id_ in self._order])

    def get(self, id_: str) -> Record | None:
        return self._by_id.get(id_)

    def add(self, record: Record) -> None:
        self._by_id[record.id] = record
        insort(self._order, (record.place, record.id))
        self.deleted.pop(record.id, None)

    def extend(self, records: list[Record]) -> None:
        """Many at once, in one sort."""
        self._by_id.update((record.id, record) for record in records)
        self._order.extend((record.place, record.id) for record in records)
        self._order.sort()

    def remove(self, id_: str) -> Record:
        record = self._by_id.pop(id_)
        del self._order[bisect_left(self._order, (record.place, id_))]
        self.deleted[id_] = record.place
        return record

    def prune(self, before: int) -> None:
        """Forgets what was created before that second, without a trace."""
        end = bisect_left(self._order, (Place(before, -1, 0), ""))
        for _, id_ in self._order[:end]:
            del self._by_id[id_]
        del self._order[:end]

    def walk(self, place: Place | None, id_: str, *, newer: bool) -> Iterator[Record]:
        """Records from that place on, towards newer or older ones, without the one that stands there; None: from the end."""
        if newer:
            start = 0 if place is None else bisect_left(self._order, (place, id_))
            numbers: range = range(start, len(self._order))
        else:
            start = len(self._order) if place is None else bisect_left(self._order, (place, id_))
            numbers = range(start - 1, -1, -1)
        for number in numbers:
            key = self._order[number]
            if key != (place, id_):
                yield self._by_id[key[1]]

    def place_of(self, id_: str, *, deleted: bool) -> Place | None:
        record = self._by_id.get(id_)
        if record is not None:
            return record.place
        return self.deleted.get(id_) if deleted else None


class World:
    """All objects of one mode, test or live. Not locked: the fake holds its lock around every use."""

    def __init__(self, *, live: bool, seed: int | str) -> None:
        self.live = live
        self.random = random.Random(f"{seed}{live}")
        self.kinds: dict[str, Collection] = {kind: Collection() for kind in KINDS}
        self.invoice_numbers: dict[str, int] = {}
        self._number = 0

    def new_id(self, kind: str) -> str:
        prefix, length = PREFIXES[kind]
        return prefix + "".join(self.random.choices(ID_LETTERS, k=length))

    def place(self, created: int, rank: float | None = None) -> Place:
        self._number += 1
        return Place(created, self._number if rank is None else rank, self._number)

    def collection(self, kind: str) -> Collection:
        return self.kinds["price" if kind == "plan" else kind]

    def find(self, kind: str, id_: str) -> dict[str, Any] | None:
        """The stored object. None for a planted record too: nobody parsed it."""
        record = self.collection(kind).get(id_)
        if record is None or record.planted:
            return None
        if kind == "plan":
            return plan_of(record.doc) if record.doc.get("recurring") else None
        return record.doc


def plan_of(price: dict[str, Any]) -> dict[str, Any]:
    """The same thing in the older clothes; plans and prices share their ids: https://docs.stripe.com/api/plans."""
    recurring = price["recurring"]
    return {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": price["billing_scheme"],
        "created": price["created"],
        "currency": price["currency"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "livemode": price["livemode"],
        "metadata": price["metadata"],
        "meter": recurring["meter"],
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": price["tiers_mode"],
        "transform_usage": price["transform_quantity"],
        "trial_period_days": recurring["trial_period_days"],
        "usage_type": recurring["usage_type"],
    }
