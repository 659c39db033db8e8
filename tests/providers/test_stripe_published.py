"""The table of collections against what the vendor publishes: fields, filters, verbs, events."""

from __future__ import annotations

from typing import Any

import pytest
from fakes.stripe import table

from pgsluice.providers.stripe import Stripe
from pgsluice.providers.stripe_collections import COLLECTIONS, SOURCES, Below, object_type

STRIPE = Stripe()
_SAME = {"text": "text", "integer": "integer", "number": "number", "boolean": "boolean", "object": "object", "list": "object",
         "array": "array", "any": "any"}  # fmt: skip
each = pytest.mark.parametrize("collection_id", SOURCES)


def said(collection_id: str) -> dict[str, Any]:
    return table.published(object_type(collection_id))


def events(collection_id: str) -> set[str]:
    name = object_type(collection_id)
    start = {"subscription": "customer.subscription", "tax_id": "customer.tax_id", "dispute": "charge.dispute"}.get(name, name)
    start = start.replace("issuing.", "issuing_")
    return {event.removeprefix(f"{start}.") for event in table._read()["events"] if event.startswith(f"{start}.")}


def test_there_are_enough_of_them() -> None:
    assert len(SOURCES) == 64
    assert len(COLLECTIONS) == 64


@each
def test_the_list_is_where_the_vendor_has_it(collection_id: str) -> None:
    assert SOURCES[collection_id].path == said(collection_id)["path"]


@each
def test_fields(collection_id: str) -> None:
    fields = STRIPE.collections[collection_id].fields
    assert [field.name for field in fields if field.primary_key] == ["id"]
    published = {name: "text" if what[0] == "=" else _SAME[what.rstrip("?")] for name, what in said(collection_id)["fields"].items()}
    assert {field.name: field.type for field in fields} == published


@each
def test_filters(collection_id: str) -> None:
    source, given = SOURCES[collection_id], said(collection_id)["verbs"]["list"]
    if not any(isinstance(of, Below) for of in source.lists):
        assert source.created == (given["params"].get("created") == "span")
        assert given["needed"] == []
    for of in source.lists:
        if not isinstance(of, Below):
            assert {name.partition("[")[0] for name, _ in of} <= set(given["params"])


@each
def test_verbs(collection_id: str) -> None:
    source, verbs = SOURCES[collection_id], said(collection_id)["verbs"]
    creates = "create" in verbs and collection_id != "stripe:file"  # an upload
    assert ("create" in source.mutations) == creates
    assert ("update" in source.mutations) == ("update" in verbs)
    assert not source.ending or (source.ending in verbs and "delete" not in verbs)
    cancelled = collection_id == "stripe:subscription"  # DELETE, by the name of cancel
    assert ("delete" in source.mutations) == ("delete" in verbs or bool(source.ending) or cancelled)


@each
def test_whatever_no_event_tells_is_looked_for(collection_id: str) -> None:
    source, told = SOURCES[collection_id], events(collection_id)
    if any(isinstance(of, Below) and of.object for of in source.lists):
        return  # told by what it lies below
    begins = told & {"created", "opened", "succeeded", "attached"}
    assert begins or source.news or source.sweep
    if "update" in source.mutations:
        assert "updated" in told or source.sweep
    if "delete" in source.mutations:
        assert told & {"deleted", "canceled", "voided", "expired", "deactivated", "detached", "updated"} or source.sweep


@each
def test_lists_inside(collection_id: str) -> None:
    source, fields = SOURCES[collection_id], said(collection_id)["fields"]
    inside = {name for name, what in fields.items() if what.rstrip("?") == "list"}
    only_expanded = {
        "stripe:customer": {"sources", "subscriptions", "tax_ids"},
        "stripe:invoice": {"payments"},
        "stripe:treasury_transaction": {"entries"},
    }
    assert {nested.member for nested in source.nested} == inside - only_expanded.get(collection_id, set())
    assert set(source.expand) <= inside
