"""Objects as a reply shows them: in the version asked for, nested lists cut at ten, expansions filled in."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

from fakes.stripe import errors, objects, table
from fakes.stripe.store import Record, World, plan_of, pretty

NESTED = 10  # entries of a list inside an object
BASIL = "2025-03-31"
"""From here on a subscription's period stands in its items and an invoice's subscription in `parent`:
https://docs.stripe.com/changelog/basil."""

EXPANDABLE: Mapping[tuple[str, str], str] = {
    ("product", "default_price"): "price",
    ("price", "product"): "product",
    ("plan", "product"): "product",
    ("subscription", "customer"): "customer",
    ("subscription", "latest_invoice"): "invoice",
    ("invoice", "customer"): "customer",
    ("invoice", "subscription"): "subscription",
    ("subscription_details", "subscription"): "subscription",
}
STUBS = ("customer", "product")
"""Kinds whose deleted objects still answer by id, with {id, object, deleted: true}."""


def check_version(version: str) -> None:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d(\.[a-z]+)?", version):
        raise errors.ApiError(400, f"Invalid Stripe API version: {version}")


def stub(kind: str, id_: str) -> dict[str, Any]:
    return {"id": id_, "object": kind, "deleted": True}


def shape(kind: str, doc: dict[str, Any], version: str) -> dict[str, Any]:
    """A copy of a stored object in the shape of that version."""
    if kind in table.KINDS:
        hidden = table.row(kind).hidden
        return copy.deepcopy({name: cut(value) for name, value in doc.items() if name not in hidden})
    if kind not in ("subscription", "invoice"):
        return copy.deepcopy(doc)
    nested = "items" if kind == "subscription" else "lines"
    listing = doc[nested]
    shown = {**doc, nested: {**listing, "data": listing["data"][:NESTED], "has_more": len(listing["data"]) > NESTED}}
    shown = copy.deepcopy(shown)
    if version[:10] < BASIL:
        _before_basil(kind, shown)
    return shown


def cut(value: Any) -> Any:
    """A list inside an object as it shows; anything else as it is."""
    if not isinstance(value, dict) or value.get("object") != "list":
        return value
    return {**value, "data": value["data"][:NESTED], "has_more": len(value["data"]) > NESTED}


def _before_basil(kind: str, shown: dict[str, Any]) -> None:
    if kind == "invoice":
        parent = shown.pop("parent")
        shown["paid"] = shown["status"] == "paid"
        shown["subscription"] = parent["subscription_details"]["subscription"] if parent else None
        return
    for item in shown["items"]["data"]:
        shown["current_period_end"] = item.pop("current_period_end")
        shown["current_period_start"] = item.pop("current_period_start")


def text(kind: str, record: Record, version: str) -> bytes:
    """A stored object as its own reply shows it; kept, so that a long list is cheap."""
    if record.planted or kind in ("customer", "product", "price", "event"):
        return record.text
    era = kind + ("old" if version[:10] < BASIL else "new")
    if era not in record.shown:
        record.shown[era] = pretty(plan_of(record.doc) if kind == "plan" else shape(kind, record.doc, version))
    return record.shown[era]


def expanded(world: World, doc: dict[str, Any], paths: list[str], version: str) -> dict[str, Any]:
    """`doc` with the ids at these paths replaced by their objects: https://docs.stripe.com/api/expanding_objects."""
    for path in paths:
        parts = path.split(".")
        _unhide(world, doc, parts[0])
        if len(parts) > 4:
            raise errors.invalid(f"You cannot expand more than 4 levels of a property. Property: {path}", "expand")
        _expand(world, doc, parts, path, version)
    return doc


def _unhide(world: World, doc: dict[str, Any], name: str) -> None:
    """A list that shows only when it is asked for."""
    if doc.get("object") == "customer" and name == "tax_ids":
        doc[name] = cut(objects.listing(f"/v1/customers/{doc['id']}/tax_ids", tax_ids(world, doc["id"])))
    kind = str(doc.get("object")).replace(".", "_")
    stored = world.find(kind, doc["id"]) if kind in table.KINDS and name in table.row(kind).hidden else None
    if stored is not None:
        doc[name] = copy.deepcopy(cut(stored[name]))


def tax_ids(world: World, customer: str) -> list[dict[str, Any]]:
    """A customer's, newest first."""
    return [record.doc for record in world.collection("tax_id") if record.doc.get("customer") == customer][::-1]


def _expand(world: World, at: Any, parts: list[str], path: str, version: str) -> None:
    if isinstance(at, list):
        for item in at:
            _expand(world, item, parts, path, version)
        return
    if not parts or at is None:
        return
    name = parts[0]
    if not isinstance(at, dict) or name not in at:
        raise errors.invalid(f"This property cannot be expanded ({path}).", "expand")
    value = at[name]
    kind = EXPANDABLE.get((at.get("object") or at.get("type") or "subscription_details", name))
    if kind and isinstance(value, str):
        at[name] = _target(world, kind, value, version)
    elif len(parts) == 1 and not isinstance(value, dict) and not (kind and value is None):
        raise errors.invalid(f"This property cannot be expanded ({path}).", "expand")
    _expand(world, at[name], parts[1:], path, version)


def _target(world: World, kind: str, id_: str, version: str) -> dict[str, Any]:
    """The object of that id; a deleted one as a stub, also inside an expansion."""
    doc = world.find(kind, id_)
    return stub(kind, id_) if doc is None else shape(kind, doc, version)
