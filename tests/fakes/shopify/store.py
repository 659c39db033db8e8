"""The shop's objects, and what of them a list shows: filters, orders and cursors."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import graphql

Doc = dict[str, Any]
_TERM = re.compile(r"(\w+):(>=|<=|>|<|)'?([^'\s]*)'?")
_NUMBER = re.compile(r"/(\d+)(?:\?|$)")
DAY = 86_400.0


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def number_of(doc: Doc) -> int:
    found = _NUMBER.search(doc["id"])
    return int(found[1]) if found else 0


class Refusal(graphql.GraphQLError):
    """An error of the whole query or of one field."""

    def __init__(self, message: str, code: str, **more: Any) -> None:
        super().__init__(message, extensions={"code": code, **more})


class Store:
    """`kept[type][id]`: what is there now."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.kept: dict[str, dict[str, Doc]] = {}
        self.lag = 0.0
        self.deepest = 25_000
        self._next = 1000
        self.told: Callable[[str, Doc], None] = lambda _verb, _doc: None  # create, update, delete

    def create(self, kind: str, /, **fields: Any) -> Doc:
        self._next += 1
        stamp = moment(self.now())
        doc: Doc = {"__typename": kind, "id": f"gid://shopify/{kind}/{self._next}", "createdAt": stamp, "updatedAt": stamp, **fields}
        if kind == "InventoryLevel":
            doc["id"] += f"?inventory_item_id={number_of(doc['item'])}"
        if kind == "DiscountNode":
            doc["discount"] = {"__typename": "DiscountCodeBasic", "createdAt": stamp, "updatedAt": stamp, **fields.get("discount", {})}
        doc.setdefault("legacyResourceId", str(self._next))
        self.kept.setdefault(kind, {})[doc["id"]] = doc
        self._touch_owner(doc)
        self.told("create", doc)
        return doc

    def change(self, kind: str, id_: str, /, **fields: Any) -> Doc:
        doc = self.kept[kind][id_]
        stamp = moment(self.now())
        if kind == "DiscountNode":
            fields = {"discount": {**doc["discount"], **fields.get("discount", {}), "updatedAt": stamp}}
        # A new one in its place: what was handed out stays as it was.
        self.kept[kind][id_] = {**doc, **fields, "updatedAt": fields.get("updatedAt", stamp)}
        self._touch_owner(self.kept[kind][id_])
        self.told("update", self.kept[kind][id_])
        return self.kept[kind][id_]

    def delete(self, kind: str, id_: str) -> None:
        doc = self.kept[kind].pop(id_)
        self._touch_owner(doc)
        self.told("delete", doc)

    def find(self, id_: str) -> Doc | None:
        if not id_.startswith("gid://shopify/"):
            raise Refusal(f"Invalid global id '{id_}'", "argumentLiteralsIncompatible")
        return self.kept.get(id_.split("/")[3], {}).get(id_)

    def _touch_owner(self, doc: Doc) -> None:
        """An order is updated with its fulfilments, a product with its metafields."""
        owner = {"Fulfillment": doc.get("order"), "Metafield": doc.get("owner")}.get(doc["__typename"])
        found = self.find(owner["id"]) if owner else None
        if found is not None:
            self.change(found["__typename"], found["id"])

    # -- lists

    def list(self, kind: str, query: str | None, sort: str | None, *, old_orders: bool = True) -> list[Doc]:
        """All that a filter lets through, in order."""
        docs = [doc for doc in self.kept.get(kind, {}).values() if self._passes(doc, query)]
        if kind == "Order" and not old_orders:
            docs = [doc for doc in docs if doc["createdAt"] >= moment(self.now() - 60 * DAY)]
        return sorted(docs, key=lambda doc: _place(doc, sort))

    def _passes(self, doc: Doc, query: str | None) -> bool:
        if query is None:
            return True
        terms = _TERM.findall(query)
        if not terms or any(not value for _, _, value in terms):
            raise Refusal("Internal error. Looks like something went wrong on our end.", "INTERNAL_SERVER_ERROR")
        return all(self._holds(doc, *term) for term in terms)

    def _holds(self, doc: Doc, name: str, sign: str, value: str) -> bool:
        if name == "id":
            mine: Any = number_of(doc)
            given: Any = int(value)
        elif name in {"updated_at", "created_at"}:
            mine, given = _times(doc)["updatedAt" if name == "updated_at" else "createdAt"], value
            if name == "updated_at" and mine > moment(self.now() - self.lag):
                return False  # the index has not seen it yet
        else:
            return True  # what it does not know, it overlooks
        # `>` on dates acts like `>=`.
        return bool(mine >= given if sign in {">=", ">"} else mine <= given if sign in {"<=", "<"} else mine == given)

    def page(self, docs: list[Doc], first: int | None, after: str | None, belongs: str) -> Doc:
        """A connection, from behind a cursor on. `belongs`: the filter and order that its cursors are good for."""
        begin = 0
        if after is not None:
            begin = _behind(docs, after, belongs)
        depth = _depth(after)
        if depth + (first or 0) > self.deepest:
            raise Refusal(f"Pagination beyond {self.deepest} objects is not supported", "BAD_REQUEST")
        shown = docs[begin:] if first is None else docs[begin : begin + first]
        ends = [_cursor(doc, belongs, depth + place + 1) for place, doc in enumerate(shown)]
        info = {"hasNextPage": begin + len(shown) < len(docs), "endCursor": ends[-1] if ends else None}
        return {"nodes": shown, "edges": [{"node": doc} for doc in shown], "pageInfo": info}


def _times(doc: Doc) -> Doc:
    return doc["discount"] if doc.get("__typename") == "DiscountNode" else doc


def _place(doc: Doc, sort: str | None) -> tuple[str, int]:
    return (_times(doc)["updatedAt"] if sort and sort.startswith("UPDATED_AT") else "", number_of(doc))


def _cursor(doc: Doc, belongs: str, depth: int) -> str:
    stands = [*_place(doc, belongs), doc["id"]] if "createdAt" in doc else ["", 0, doc.get("id", "")]
    return base64.b64encode(json.dumps([belongs, stands, depth]).encode()).decode()


def _depth(cursor: str | None) -> int:
    return 0 if cursor is None else int(json.loads(base64.b64decode(cursor))[2])


def _behind(docs: list[Doc], cursor: str, belongs: str) -> int:
    try:
        said, (stamp, number, id_), _ = json.loads(base64.b64decode(cursor, validate=True))
    except ValueError:
        raise Refusal("Invalid cursor", "BAD_REQUEST") from None
    if said != belongs:
        raise Refusal("Invalid cursor for current pagination sort.", "BAD_REQUEST")
    if not stamp and not number:
        return next((place + 1 for place, doc in enumerate(docs) if doc.get("id") == id_), len(docs))
    return sum(_place(doc, belongs) <= (stamp, number) for doc in docs)
