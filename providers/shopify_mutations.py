"""Shopify's mutations, by collection and kind of write: what each takes and what it answers.

https://shopify.dev/docs/api/admin-graphql/2026-10/mutations. `data` is the vendor's own input object, with the vendor's names. Where a
mutation takes more than one value, they are members of `data` (`productId` of a variant) and are taken out of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import msgspec

from pgsluice.providers import rawjson
from pgsluice.providers.base import Write
from pgsluice.providers.errors import Refused4xx
from pgsluice.providers.shopify_nested import object_of

Members = dict[str, bytes]
# Name of an argument → its type, and its value as JSON.
Arguments = dict[str, tuple[str, bytes]]


class Mutation(NamedTuple):
    field: str
    arguments: Callable[[Write, Members], Arguments]
    answers: str | None = None  # the member of the payload that is the object as it is now, or a list with it; None: it is fetched
    errors: str = "userErrors"
    codes: bool = True  # whether its errors have codes
    # https://shopify.dev/docs/api/usage/idempotent-requests: demanded when it runs, since 2026-04, though no schema shows that it is
    idempotent: bool = False


def _data(name: str, kind: str) -> Callable[[Write, Members], Arguments]:
    """All of `data` is one argument."""
    return lambda _write, data: {name: (kind, object_of(data))}


def _with_id(name: str, kind: str) -> Callable[[Write, Members], Arguments]:
    """… which names the object, too."""
    return lambda write, data: {name: (kind, object_of({"id": _id(write), **{key: value for key, value in data.items() if key != "id"}}))}


def _beside_id(id_name: str, name: str, kind: str) -> Callable[[Write, Members], Arguments]:
    return lambda write, data: {id_name: ("ID!", _id(write)), name: (kind, object_of(data))}


def _only_id(name: str) -> Callable[[Write, Members], Arguments]:
    return lambda write, _data: {name: ("ID!", _id(write))}


def _input_id(kind: str) -> Callable[[Write, Members], Arguments]:
    return lambda write, _data: {"input": (kind, object_of({"id": _id(write)}))}


def _identified(identifiers: str, kind: str) -> Callable[[Write, Members], Arguments]:
    """An upsert by a unique field of the object."""

    def arguments(write: Write, data: Members) -> Arguments:
        name = write.match_on or ""
        return {"identifier": (identifiers, object_of({name: _taken({**data}, name, write)})), "input": (kind, object_of(data))}

    return arguments


def _set_product(write: Write, data: Members) -> Arguments:
    # Without it the vendor answers before it is done.
    return {**_identified("ProductSetIdentifiers", "ProductSetInput!")(write, data), "synchronous": ("Boolean", b"true")}


def _variants(write: Write, data: Members) -> Arguments:
    product = _taken(data, "productId", write)
    if write.kind == "update":
        data = {"id": _id(write), **data}
    return {"productId": ("ID!", product), "variants": ("[ProductVariantsBulkInput!]!", b"[" + object_of(data) + b"]")}


def _order(_write: Write, data: Members) -> Arguments:
    options = data.pop("options", None)
    given: Arguments = {"order": ("OrderCreateOrderInput!", object_of(data))}
    return given if options is None else {**given, "options": ("OrderCreateOptionsInput", options)}


def _metafields(_write: Write, data: Members) -> Arguments:
    return {"metafields": ("[MetafieldsSetInput!]!", b"[" + object_of(data) + b"]")}


def _activate(write: Write, data: Members) -> Arguments:
    given: Arguments = {name: ("ID!", _taken(data, name, write)) for name in ("inventoryItemId", "locationId")}
    return given | {name: ("Int", value) for name, value in data.items() if name in {"available", "onHand"}}


def _quantities(write: Write, data: Members) -> Arguments:
    """`quantity`: what there is from now on; `delta` in its place: what is added to it."""
    item = data.get("inventoryItemId") or _item_of(write)
    one: Members = {"inventoryItemId": item, "locationId": _taken(data, "locationId", write)}
    one |= {name: data[name] for name in ("quantity", "delta", "changeFromQuantity", "ledgerDocumentUri") if name in data}
    adjusts = "delta" in data
    # Shopify wants it said whether another writer's change may be overwritten: null says so.
    one.setdefault("changeFromQuantity", b"null")
    whole: Members = {
        "name": data.get("name", b'"available"'),
        "reason": data.get("reason", b'"correction"'),
        "changes" if adjusts else "quantities": b"[" + object_of(one) + b"]",
    }
    whole |= {name: data[name] for name in ("referenceDocumentUri",) if name in data}
    return {"input": ("InventoryAdjustQuantitiesInput!" if adjusts else "InventorySetQuantitiesInput!", object_of(whole))}


def _item_of(write: Write) -> bytes:
    """gid://shopify/InventoryLevel/1?inventory_item_id=2 names its item."""
    _, found, number = (write.upstream_id or "").partition("?inventory_item_id=")
    if not found or not number.isdecimal():
        raise Refused4xx("the data lacks inventoryItemId, and the id of the level does not name the item")
    return msgspec.json.encode(f"gid://shopify/InventoryItem/{number}")


def _id(write: Write) -> bytes:
    if not write.upstream_id:
        raise Refused4xx("this is no id of Shopify's", hint="give the upstream_id of the record")
    return msgspec.json.encode(write.upstream_id)


def _taken(data: Members, name: str, write: Write) -> bytes:
    """That member of the data, taken out of it. Raises Refused4xx where it is missing."""
    if name not in data:
        raise Refused4xx(f"the data lacks {name!r}, by which Shopify's {write.collection_id} is found")
    return data.pop(name)


MUTATIONS: Final[Mapping[str, Mapping[str, Mutation]]] = {
    "shopify:product": {
        "create": Mutation("productCreate", _data("product", "ProductCreateInput!"), "product", codes=False),
        "update": Mutation("productUpdate", _with_id("product", "ProductUpdateInput!"), "product", codes=False),
        "upsert": Mutation("productSet", _set_product, "product"),
        "delete": Mutation("productDelete", _input_id("ProductDeleteInput!"), codes=False),
    },
    "shopify:variant": {
        "create": Mutation("productVariantsBulkCreate", _variants, "productVariants"),
        "update": Mutation("productVariantsBulkUpdate", _variants, "productVariants"),
    },
    "shopify:order": {
        "create": Mutation("orderCreate", _order, "order"),
        "update": Mutation("orderUpdate", _with_id("input", "OrderInput!"), "order", codes=False),
        "delete": Mutation("orderDelete", _only_id("orderId")),
    },
    "shopify:customer": {
        "create": Mutation("customerCreate", _data("input", "CustomerInput!"), "customer", codes=False),
        "update": Mutation("customerUpdate", _with_id("input", "CustomerInput!"), "customer", codes=False),
        "upsert": Mutation("customerSet", _identified("CustomerSetIdentifiers", "CustomerSetInput!"), "customer"),
        "delete": Mutation("customerDelete", _input_id("CustomerDeleteInput!"), codes=False),
    },
    "shopify:inventory_item": {
        "update": Mutation("inventoryItemUpdate", _beside_id("id", "input", "InventoryItemInput!"), "inventoryItem", codes=False),
    },
    "shopify:inventory_level": {
        "create": Mutation("inventoryActivate", _activate, "inventoryLevel", codes=False, idempotent=True),
        "update": Mutation("inventorySetQuantities", _quantities, idempotent=True),
        "delete": Mutation("inventoryDeactivate", _only_id("inventoryLevelId"), codes=False),
    },
    "shopify:location": {
        "create": Mutation("locationAdd", _data("input", "LocationAddInput!"), "location"),
        "update": Mutation("locationEdit", _beside_id("id", "input", "LocationEditInput!"), "location"),
        "delete": Mutation("locationDelete", _only_id("locationId"), errors="locationDeleteUserErrors"),
    },
    "shopify:fulfillment": {
        "create": Mutation("fulfillmentCreate", _data("fulfillment", "FulfillmentInput!"), "fulfillment", codes=False),
    },
    "shopify:draft_order": {
        "create": Mutation("draftOrderCreate", _data("input", "DraftOrderInput!"), "draftOrder", codes=False),
        "update": Mutation("draftOrderUpdate", _beside_id("id", "input", "DraftOrderInput!"), "draftOrder", codes=False),
        "delete": Mutation("draftOrderDelete", _input_id("DraftOrderDeleteInput!"), codes=False),
    },
    "shopify:collection": {
        "create": Mutation("collectionCreate", _data("collection", "CollectionCreateInput!"), "collection", codes=False),
        "update": Mutation("collectionUpdate", _with_id("collection", "CollectionUpdateInput!"), "collection", codes=False),
        "delete": Mutation("collectionDelete", _input_id("CollectionDeleteInput!"), codes=False),
    },
    "shopify:metafield": {
        "create": Mutation("metafieldsSet", _metafields, "metafields"),
        "upsert": Mutation("metafieldsSet", _metafields, "metafields"),
    },
    "shopify:company": {
        "create": Mutation("companyCreate", _data("input", "CompanyCreateInput!"), "company"),
        "update": Mutation("companyUpdate", _beside_id("companyId", "input", "CompanyInput!"), "company"),
        "delete": Mutation("companyDelete", _only_id("id")),
    },
}
ADJUST: Final = Mutation("inventoryAdjustQuantities", _quantities, idempotent=True)


def members_of(write: Write) -> Members:
    """The members of what is written. Raises Refused4xx."""
    try:
        return rawjson.object_members(write.data or b"{}")
    except rawjson.NotJson as exc:
        raise Refused4xx(f"what is sent to Shopify must be a JSON object ({exc})") from exc
