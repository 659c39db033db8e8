"""Lists: cursors, filters, has_more: https://docs.stripe.com/api/pagination. Newest first, 10 a page, 100 at most."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from fakes.stripe import errors, generic, render, table
from fakes.stripe.clock import DAY
from fakes.stripe.forms import Kind, anything, between, boolean, choice, fields, integer, required_text, several, typed
from fakes.stripe.store import Collection, Place, Record, World, indented, plan_of, pretty
from fakes.stripe.subscriptions import ENDED
from fakes.stripe.writing import Settings

RETENTION = 30 * DAY
"""Events go back 30 days: https://docs.stripe.com/api/events/list."""

Doc = dict[str, Any]
_RANGE = fields({"gt": integer, "gte": integer, "lt": integer, "lte": integer})


def span(value: Any, name: str) -> Any:
    """One second, or bounds: created=1, created[gte]=1."""
    return _RANGE(value, name) if isinstance(value, dict) else integer(value, name)


PAGING: dict[str, Kind] = {
    "ending_before": required_text,
    "expand": several(required_text),
    "limit": between(1, 100),
    "starting_after": required_text,
}
SUBSCRIPTION_STATUS = choice(
    "active", "all", "canceled", "ended", "incomplete", "incomplete_expired", "past_due", "paused", "trialing", "unpaid"
)
FILTERS: Mapping[str, Mapping[str, Kind]] = {
    "customer": {"created": span, "email": required_text, "test_clock": anything},
    "product": {"active": boolean, "created": span, "ids": several(required_text), "shippable": boolean,
                "type": choice("good", "service"), "url": required_text},
    "price": {"active": boolean, "created": span, "currency": required_text, "lookup_keys": several(required_text, 10),
              "product": required_text, "type": choice("one_time", "recurring"),
              "recurring": fields({"interval": required_text, "meter": required_text, "usage_type": required_text})},
    "plan": {"active": boolean, "created": span, "product": required_text},
    "subscription": {"automatic_tax": fields({"enabled": boolean}), "created": span, "collection_method": required_text,
                     "current_period_end": span, "current_period_start": span, "customer": required_text, "plan": required_text,
                     "price": required_text, "status": SUBSCRIPTION_STATUS, "test_clock": anything},
    "invoice": {"collection_method": required_text, "created": span, "customer": required_text, "due_date": span,
                "status": choice("draft", "open", "paid", "uncollectible", "void"), "subscription": required_text},
    "event": {"created": span, "delivery_success": boolean, "type": required_text, "types": several(required_text, 20)},
    "subscription_item": {"subscription": required_text},
    "line_item": {},
}  # fmt: skip


def read(kind: str, params: Mapping[str, Any], required: tuple[str, ...] = ()) -> Doc:
    """The parameters of a list, typed; 400 on one that it does not know."""
    filters, needed = (FILTERS[kind], required) if kind in FILTERS else _published(kind)
    found = typed(params, {**filters, **PAGING}, needed)
    if "starting_after" in found and "ending_before" in found:
        raise errors.exclusive("starting_after", "ending_before")
    if "type" in found and "types" in found:
        raise errors.exclusive("type", "types")
    return found


def _published(kind: str) -> tuple[Mapping[str, Kind], tuple[str, ...]]:
    kinds, needed = generic.parameters(kind, "list")
    spans = {name: span for name, what in table.published(kind)["verbs"]["list"]["params"].items() if what == "span"}
    return {**kinds, **spans}, needed


def page(kind: str, url: str, params: Doc, *, world: World, settings: Settings, now: float, version: str) -> bytes:
    """The reply to a list of stored objects."""
    limit = params.get("limit", 10)
    collection = world.collection(kind)
    if kind == "event":
        collection.prune(int(now) - RETENTION)
    name, cursor = _cursor(params)
    place = None if cursor is None else _place(kind, collection, cursor, name, settings)
    # Newest first: `starting_after` walks towards older ones. The other cursor, or the wrong order, turns it round; both, twice.
    newer = (name == "ending_before") != settings.oldest_first
    wanted = _filter(kind, params, settings, now)
    found = list(islice(filter(wanted, collection.walk(place, cursor or "", newer=newer)), limit + 1))
    shown, more = found[:limit], len(found) > limit
    if name == "ending_before":
        shown.reverse()
    paths = _paths(params)
    texts = [_expanded(kind, record, world, paths, version) if paths else render.text(kind, record, version) for record in shown]
    return assemble(url, texts, more)


def nested(url: str, entries: list[Doc], params: Doc) -> bytes:
    """The reply to a list that stands inside an object (lines of an invoice), in its own order."""
    name, cursor = _cursor(params)
    ids = [entry["id"] for entry in entries]
    if cursor is not None and cursor not in ids:
        raise errors.missing(entries[0]["object"] if entries else "object", cursor, name, status=400)
    limit = params.get("limit", 10)
    if name == "ending_before" and cursor is not None:
        rest = entries[: ids.index(cursor)]
        return assemble(url, [pretty(entry) for entry in rest[-limit:]], len(rest) > limit)
    rest = entries if cursor is None else entries[ids.index(cursor) + 1 :]
    return assemble(url, [pretty(entry) for entry in rest[:limit]], len(rest) > limit)


def assemble(url: str, texts: list[bytes], more: bool) -> bytes:
    """A list around the texts of its objects, indented as the vendor does, the texts untouched otherwise."""
    data = b"[]"
    if texts:
        data = b"[\n    " + b",\n    ".join(indented(text, 4) for text in texts) + b"\n  ]"
    has_more = b"true" if more else b"false"
    return b'{\n  "object": "list",\n  "data": ' + data + b',\n  "has_more": ' + has_more + b',\n  "url": "' + url.encode() + b'"\n}'


def _cursor(params: Doc) -> tuple[str, str | None]:
    name = "ending_before" if "ending_before" in params else "starting_after"
    return name, params.get(name)


def _place(kind: str, collection: Collection, cursor: str, name: str, settings: Settings) -> Place:
    place = collection.place_of(cursor, deleted=settings.deleted_cursors)
    if place is None:
        raise errors.missing(kind, cursor, name, status=400)
    return place


def _paths(params: Doc) -> list[str]:
    paths: list[str] = params.get("expand", [])
    for path in paths:
        if not path.startswith("data."):
            raise errors.invalid(
                f"This property cannot be expanded ({path}). You may want to try expanding 'data.{path}' instead.", "expand"
            )
    return [path.removeprefix("data.") for path in paths]


def _expanded(kind: str, record: Record, world: World, paths: list[str], version: str) -> bytes:
    if record.planted:
        return record.text
    doc = plan_of(record.doc) if kind == "plan" else render.shape(kind, record.doc, version)
    return pretty(render.expanded(world, doc, paths, version))


def _filter(kind: str, params: Doc, settings: Settings, now: float) -> Callable[[Record], bool]:
    tests = list(_tests(kind, params, settings, now))
    return lambda record: all(test(record) for test in tests)


def _tests(kind: str, params: Doc, settings: Settings, now: float) -> Iterator[Callable[[Record], bool]]:
    if kind == "plan":
        yield lambda record: record.planted or bool(record.doc["recurring"])
    if kind == "event":
        yield lambda record: record.visible_at <= now
    if kind == "price" and not settings.inactive_prices:
        # "Returns a list of your active prices": https://docs.stripe.com/api/prices/list
        params = {"active": True, **params}
    if kind == "subscription":
        params = {"status": None, **params}
    if kind in table.KINDS:
        params = {**table.row(kind).shown, **params}
    if kind == "payment_method" and "type" not in params:
        yield _field(lambda doc, _value: bool(doc["type"] != "custom"), None)
    for name, value in params.items():
        if name == "created":
            yield _created(value)
        elif name not in PAGING:
            yield _field(_TESTS.get((kind, name)) or _TESTS.get(("", name)) or _equal(name), value)


def _created(bounds: Any) -> Callable[[Record], bool]:
    return lambda record: within(record.place.created, bounds)


def _field(test: Callable[[Doc, Any], bool], value: Any) -> Callable[[Record], bool]:
    """A planted record passes: nobody parsed it."""
    return lambda record: record.planted or test(record.doc, value)


def within(number: int | None, bounds: Any) -> bool:
    if number is None:
        return False
    if not isinstance(bounds, dict):
        return bool(number == bounds)
    return (
        (bounds.get("gt") is None or number > bounds["gt"])
        and (bounds.get("gte") is None or number >= bounds["gte"])
        and (bounds.get("lt") is None or number < bounds["lt"])
        and (bounds.get("lte") is None or number <= bounds["lte"])
    )


def _equal(name: str) -> Callable[[Doc, Any], bool]:
    return lambda doc, value: bool(doc.get(name) == value)


def _status(doc: Doc, value: str | None) -> bool:
    """Left out: all that have not been canceled. `ended`: canceled, or never paid for."""
    if value is None:
        return bool(doc["status"] != "canceled")
    if value == "ended":
        return doc["status"] in ENDED
    return bool(value == "all" or doc["status"] == value)


def _invoice_of(doc: Doc, value: str) -> bool:
    return bool(doc["parent"]) and doc["parent"]["subscription_details"]["subscription"] == value


def _has_price(doc: Doc, value: str) -> bool:
    return any(item["price"]["id"] == value for item in doc["items"]["data"])


def _owner(doc: Doc, value: Doc) -> bool:
    return bool(doc["owner"]["type"] == value.get("type") and doc["owner"]["customer"] == value.get("customer"))


_TESTS: Mapping[tuple[str, str], Callable[[Doc, Any], bool]] = {
    ("", "ids"): lambda doc, value: doc["id"] in value,
    ("", "test_clock"): lambda doc, value: doc["test_clock"] == value,
    ("price", "lookup_keys"): lambda doc, value: doc["lookup_key"] in value,
    ("price", "currency"): lambda doc, value: doc["currency"] == value.lower(),
    ("price", "recurring"): lambda doc, value: bool(doc["recurring"]) and all(doc["recurring"][k] == v for k, v in value.items()),
    ("subscription", "automatic_tax"): lambda doc, value: doc["automatic_tax"]["enabled"] == value.get("enabled"),
    ("subscription", "current_period_end"): lambda doc, value: within(doc["items"]["data"][0]["current_period_end"], value),
    ("subscription", "current_period_start"): lambda doc, value: within(doc["items"]["data"][0]["current_period_start"], value),
    ("subscription", "plan"): _has_price,
    ("subscription", "price"): _has_price,
    ("subscription", "status"): _status,
    ("invoice", "subscription"): _invoice_of,
    ("invoice", "due_date"): lambda doc, value: within(doc["due_date"], value),
    ("tax_id", "owner"): _owner,
    ("tax_registration", "status"): lambda doc, value: value == "all" or doc["status"] == value,
    ("event", "type"): lambda doc, value: fnmatch.fnmatchcase(doc["type"], value),
    ("event", "types"): lambda doc, value: doc["type"] in value,
    ("event", "delivery_success"): lambda doc, value: doc["pending_webhooks"] == 0 if value else doc["pending_webhooks"] > 0,
}
