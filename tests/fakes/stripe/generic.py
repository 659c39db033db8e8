"""Any kind of object by its row of the table: made, changed and ended as the vendor's description has it, with its events."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from fakes.stripe import errors, forms, objects
from fakes.stripe.forms import Kind, anything, boolean, integer, metadata, text
from fakes.stripe.table import ENDS, ENTRY_PREFIXES, published, row
from fakes.stripe.writing import Writer

Doc = dict[str, Any]
_BLANK: Mapping[str, Any] = {"text": "", "integer": 0, "boolean": False, "number": 0.0, "object": {}, "array": [], "any": None}


def number(value: Any, name: str) -> float | None:
    if value in ("", None):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        raise errors.invalid(f"Invalid decimal: {value}", name) from None


_KINDS: Mapping[str, Kind] = {"text": text, "integer": integer, "boolean": boolean, "number": number}


def parameters(kind: str, verb: str) -> tuple[dict[str, Kind], tuple[str, ...]]:
    """The parameters of a call, and those that it needs."""
    said = published(kind)["verbs"][verb]
    kinds = {name: metadata if name == "metadata" else _KINDS.get(what, text if what[0] == "=" else anything)
             for name, what in said["params"].items()}  # fmt: skip
    return kinds, tuple(said["needed"])


def blank(kind: str, id_: str, now: int, *, live: bool) -> Doc:
    """A new object: every field of the vendor's description."""
    known, fields = row(kind), published(kind)["fields"]
    doc: Doc = {"id": id_, "object": ""}
    for name, what in fields.items():
        listed = name in known.lists or what.rstrip("?") == "list"
        doc[name] = objects.listing(f"/v1/{known.path}/{id_}/{name}", []) if listed else _blank(what)
        if name.endswith("_decimal") and doc[name] == "":
            doc[name] = "0"
    doc.update({"id": id_, "created": now, "livemode": live, "metadata": {}})
    doc.update({name: True for name in ("active", "enabled") if name in fields})
    doc.update(copy.deepcopy(known.initial))
    return {name: value for name, value in doc.items() if name in fields}


def _blank(what: str) -> Any:
    if what.endswith("?"):
        return None
    return what[1:] if what.startswith("=") else copy.deepcopy(_BLANK[what])


def create(kind: str, writer: Writer, params: Doc) -> Doc:
    known = row(kind)
    if params.get("id") and writer.world.collection(kind).get(params["id"]):
        raise errors.ApiError(400, "It already exists.", code="resource_already_exists", param="id")
    doc = blank(kind, params.get("id") or writer.world.new_id(kind), writer.now, live=writer.world.live)
    doc.update(_values(doc, params))
    _special(kind, writer, doc, params)
    writer.store(kind, doc)
    writer.tell(kind, doc, known.made)
    _show_inside(kind, writer, doc)
    return doc


def update(kind: str, writer: Writer, doc: Doc, params: Doc) -> Doc:
    values = _values(doc, params)
    if kind == "webhook_endpoint" and "disabled" in params:
        values["status"] = "disabled" if params["disabled"] else "enabled"
    after = writer.change(kind, doc, **values)
    _show_inside(kind, writer, after)
    return after


def delete(kind: str, writer: Writer, doc: Doc, _params: Doc) -> Doc:
    _show_inside(kind, writer, doc, gone=True)
    if kind == "radar_value_list":  # "also deleting any items contained within the value list"
        for record in [*writer.world.collection("radar_value_list_item")]:
            if record.doc.get("value_list") == doc["id"]:
                writer.remove("radar_value_list_item", record.doc)
    return writer.remove(kind, doc)


def act(kind: str, verb: str, writer: Writer, doc: Doc, params: Doc) -> Doc:
    """What can be done with an object besides: its end, mostly."""
    changes, event = ENDS.get(verb, ({}, verb))
    values = {name: value for name, value in {**_values(doc, params), **changes, **row(kind).ended}.items() if name in doc}
    if verb == "expire" and "expires_at" in doc:
        values["expires_at"] = writer.now
    after = writer.put(kind, doc, **values)
    writer.tell(kind, after, event, "updated")
    return after


def grow(kind: str, writer: Writer, doc: Doc, member: str, count: int) -> Doc:
    """So many more entries in a list of the object."""
    entry = row(kind).lists[member]
    prefix = ENTRY_PREFIXES[entry]
    found = [{"id": prefix + writer.world.new_id("request")[4:], "object": entry, "amount": number} for number in range(count)]
    data = [*doc[member]["data"], *found]
    return writer.change(kind, doc, **{member: {**doc[member], "data": data, "total_count": len(data)}})


def _values(doc: Doc, params: Doc) -> Doc:
    """The parameters that are fields, too; its merged metadata."""
    values = {name: value for name, value in params.items() if name in doc and not _is_list(doc[name])}
    if "metadata" in params:
        values["metadata"] = forms.merged_metadata(doc.get("metadata") or {}, params["metadata"])
    return values


def _is_list(value: Any) -> bool:
    return isinstance(value, dict) and value.get("object") == "list"


def _special(kind: str, writer: Writer, doc: Doc, params: Doc) -> None:
    if kind == "tax_id":
        owner = params.get("owner") or {"type": "self"}
        if owner.get("customer"):
            writer.need("customer", owner["customer"], "owner[customer]", status=400)
        doc.update(owner={"type": owner["type"], "customer": owner.get("customer")}, customer=owner.get("customer"))
    if kind == "customer_balance_transaction":
        customer = writer.need("customer", params["customer"], "customer")
        doc["ending_balance"] = customer["balance"] + doc["amount"]
        writer.change("customer", customer, balance=doc["ending_balance"])
    for member, entry in row(kind).lists.items():
        given = params.get(member)
        if isinstance(given, list):
            data = [{"id": ENTRY_PREFIXES[entry] + writer.world.new_id("request")[4:], "object": entry, **item} for item in given]
            doc[member] = {**doc[member], "data": data, "total_count": len(data)}


def _show_inside(kind: str, writer: Writer, doc: Doc, *, gone: bool = False) -> None:
    """In the object that shows this one in a list."""
    where = row(kind).inside
    parent = writer.world.find(where[1], str(doc.get(where[0]))) if where else None
    if where is None or parent is None:
        return
    listing = parent[where[2]]
    entries = {entry["id"]: entry for entry in listing["data"]}
    if gone:
        entries.pop(doc["id"], None)
    else:
        entries[doc["id"]] = doc
    writer.put(where[1], parent, **{where[2]: {**listing, "data": list(entries.values()), "total_count": len(entries)}})
