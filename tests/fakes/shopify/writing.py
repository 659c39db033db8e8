"""Mutations: what each makes of its input, and what it says against it (userErrors)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import graphql

from fakes.shopify.store import Doc, Refusal, Store

# Field → what it does, the type, the argument that holds the input, and the member of the answer.
_PLAIN: dict[str, tuple[str, str, str, str]] = {
    "productCreate": ("create", "Product", "product", "product"),
    "productUpdate": ("update", "Product", "product", "product"),
    "productDelete": ("delete", "Product", "input", "deletedProductId"),
    "orderUpdate": ("update", "Order", "input", "order"),
    "orderDelete": ("delete", "Order", "orderId", "deletedId"),
    "customerCreate": ("create", "Customer", "input", "customer"),
    "customerUpdate": ("update", "Customer", "input", "customer"),
    "customerDelete": ("delete", "Customer", "input", "deletedCustomerId"),
    "inventoryItemUpdate": ("update", "InventoryItem", "input", "inventoryItem"),
    "inventoryDeactivate": ("delete", "InventoryLevel", "inventoryLevelId", "deletedId"),
    "locationAdd": ("create", "Location", "input", "location"),
    "locationEdit": ("update", "Location", "input", "location"),
    "locationDelete": ("delete", "Location", "locationId", "deletedLocationId"),
    "fulfillmentCreate": ("create", "Fulfillment", "fulfillment", "fulfillment"),
    "draftOrderCreate": ("create", "DraftOrder", "input", "draftOrder"),
    "draftOrderUpdate": ("update", "DraftOrder", "input", "draftOrder"),
    "draftOrderDelete": ("delete", "DraftOrder", "input", "deletedId"),
    "collectionCreate": ("create", "Collection", "collection", "collection"),
    "collectionUpdate": ("update", "Collection", "collection", "collection"),
    "collectionDelete": ("delete", "Collection", "input", "deletedCollectionId"),
    "companyUpdate": ("update", "Company", "input", "company"),
    "companyDelete": ("delete", "Company", "id", "deletedCompanyId"),
    "orderCreate": ("create", "Order", "order", "order"),
}
_NEEDED = {"Product": "title", "Collection": "title", "Location": "name"}
_IDEMPOTENT = frozenset({"inventorySetQuantities", "inventoryAdjustQuantities", "inventoryActivate"})
# What the input calls otherwise than the object.
_NAMES = {"DraftOrder": {"note": "note2"}, "Product": {}, "Customer": {}}
_KEPT = (str, int, float, bool, list, type(None))


class Mutations:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.answered: dict[str, Any] = {}  # by key

    def fields(self) -> dict[str, Callable[..., Any]]:
        own: dict[str, Callable[..., Any]] = {
            "productSet": self._product_set, "customerSet": self._customer_set, "productVariantsBulkCreate": self._variants,
            "productVariantsBulkUpdate": self._variants, "metafieldsSet": self._metafields, "inventoryActivate": self._activate,
            "inventorySetQuantities": self._quantities, "inventoryAdjustQuantities": self._quantities, "companyCreate": self._company,
        }  # fmt: skip
        return own | dict.fromkeys(_PLAIN, self._plain)

    def _plain(self, info: graphql.GraphQLResolveInfo, **args: Any) -> Doc:
        verb, kind, argument, member = _PLAIN[info.field_name]
        given = args.get(argument)
        id_ = given if isinstance(given, str) else (given or {}).get("id") or args.get("id") or args.get("companyId")
        errors = "locationDeleteUserErrors" if info.field_name == "locationDelete" else "userErrors"
        if verb != "create" and self.store.find(id_) is None:
            return {member: None, errors: [{"field": ["id"], "message": f"{kind} does not exist", "code": None}]}
        if verb == "delete":
            self.store.delete(kind, id_)
            return {member: id_, errors: []}
        assert isinstance(given, dict)
        return self._saved(kind, member, given, id_ if verb == "update" else None)

    def _saved(self, kind: str, member: str, given: Doc, id_: str | None) -> Doc:
        needed = _NEEDED.get(kind)
        if needed and not given.get(needed, id_ is not None):
            return {member: None, "userErrors": [{"field": [needed], "message": f"{needed.title()} can't be blank"}]}
        names = _NAMES.get(kind, {})
        fields = {names.get(name, name): value for name, value in given.items() if name != "id" and isinstance(value, _KEPT)}
        doc = self.store.create(kind, **fields) if id_ is None else self.store.change(kind, id_, **fields)
        return {member: doc, "userErrors": []}

    def _product_set(self, info: graphql.GraphQLResolveInfo, **args: Any) -> Doc:
        return self._set("Product", "product", args)

    def _customer_set(self, info: graphql.GraphQLResolveInfo, **args: Any) -> Doc:
        return self._set("Customer", "customer", args)

    def _set(self, kind: str, member: str, args: Doc) -> Doc:
        ((name, value),) = args["identifier"].items()
        found = next((doc for doc in self.store.kept.get(kind, {}).values() if doc.get(name) == value), None)
        return self._saved(kind, member, {name: value, **args["input"]}, None if found is None else found["id"])

    def _variants(self, info: graphql.GraphQLResolveInfo, **args: Any) -> Doc:
        if self.store.find(args["productId"]) is None:
            return {"productVariants": None, "userErrors": [{"field": ["productId"], "message": "Product does not exist"}]}
        docs = []
        for given in args["variants"]:
            fields = {name: value for name, value in given.items() if name != "id" and isinstance(value, _KEPT)}
            if "id" not in given:
                docs.append(self.store.create("ProductVariant", product={"id": args["productId"]}, **fields))
            elif self.store.find(given["id"]) is None:
                return {
                    "productVariants": None,
                    "userErrors": [{"field": ["variants", "0", "id"], "message": "Product variant does not exist"}],
                }
            else:
                docs.append(self.store.change("ProductVariant", given["id"], **fields))
        return {"productVariants": docs, "userErrors": []}

    def _metafields(self, info: graphql.GraphQLResolveInfo, **args: Any) -> Doc:
        if len(args["metafields"]) > 25:
            return {
                "metafields": None,
                "userErrors": [{"field": ["metafields"], "message": "Exceeded the maximum metafields input limit of 25."}],
            }
        docs = []
        for given in args["metafields"]:
            owner, key = given["ownerId"], given["key"]
            if self.store.find(owner) is None:
                return {"metafields": None, "userErrors": [{"field": ["metafields", "0", "ownerId"], "message": "Owner does not exist"}]}
            all_ = self.store.kept.get("Metafield", {}).values()
            found = next((doc for doc in all_ if (doc["owner"]["id"], doc["key"]) == (owner, key)), None)
            fields = {name: given[name] for name in ("key", "value", "namespace", "type") if name in given}
            owner_doc = {"id": owner, "__typename": owner.split("/")[3]}
            docs.append(
                self.store.change("Metafield", found["id"], **fields)
                if found
                else self.store.create("Metafield", owner=owner_doc, **fields)
            )
        return {"metafields": docs, "userErrors": []}

    def _company(self, info: graphql.GraphQLResolveInfo, **args: Any) -> Doc:
        return self._saved("Company", "company", args["input"]["company"], None)

    # -- inventory

    def _once(self, info: graphql.GraphQLResolveInfo, act: Callable[[], Doc]) -> Doc:
        """https://shopify.dev/docs/api/usage/idempotent-requests"""
        directives = [one for one in info.field_nodes[0].directives or () if one.name.value == "idempotent"]
        if not directives:
            raise Refusal("The @idempotent directive is required for this mutation but was not provided.", "BAD_REQUEST")
        key = graphql.value_from_ast_untyped((directives[0].arguments or ())[0].value, dict(info.variable_values.coerced))
        if key not in self.answered:
            self.answered[key] = act()
        return dict(self.answered[key])

    def _activate(self, info: graphql.GraphQLResolveInfo, **args: Any) -> Doc:
        def act() -> Doc:
            fields = {"item": {"id": args["inventoryItemId"]}, "location": {"id": args["locationId"]}, "isActive": True}
            quantities = [{"name": "available", "quantity": args.get("available") or 0}]
            return {"inventoryLevel": self.store.create("InventoryLevel", quantities=quantities, **fields), "userErrors": []}

        return self._once(info, act)

    def _quantities(self, info: graphql.GraphQLResolveInfo, **args: Any) -> Doc:
        given = args["input"]
        changes = given.get("quantities") or given.get("changes")

        def act() -> Doc:
            for one in changes:
                if "changeFromQuantity" not in one:
                    raise Refusal("changeFromQuantity must be given, null to overwrite", "BAD_REQUEST")
                level = self._level(one)
                if level is None:
                    return {"userErrors": [{"field": ["input"], "message": "The specified inventory item is not stocked at the location."}]}
                was = next((have["quantity"] for have in level["quantities"] if have["name"] == given["name"]), 0)
                if one["changeFromQuantity"] not in {None, was}:
                    return {"userErrors": [{"field": ["input"], "message": "The quantity is not what changeFromQuantity says"}]}
                now = {"name": given["name"], "quantity": one.get("quantity", was + one.get("delta", 0))}
                kept = [have for have in level["quantities"] if have["name"] != given["name"]]
                self.store.change("InventoryLevel", level["id"], quantities=[*kept, now])
            return {"userErrors": []}

        return self._once(info, act)

    def _level(self, one: Doc) -> Doc | None:
        levels = self.store.kept.get("InventoryLevel", {}).values()
        wanted = one["inventoryItemId"], one["locationId"]
        return next((level for level in levels if (level["item"]["id"], level["location"]["id"]) == wanted), None)
