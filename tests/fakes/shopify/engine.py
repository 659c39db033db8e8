"""Queries: checked against the vendor's schema, costed, and carried out on the store."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import graphql

from fakes.shopify.store import Doc, Refusal, Store

SCHEMA = graphql.build_schema((Path(__file__).parent / "schema.graphql").read_text(), assume_valid=True)
MOST = 1000
# Connection at the root → the type of its objects, the scope that it takes, and its usual order.
ROOTS = {
    "products": ("Product", "read_products", "ID"),
    "productVariants": ("ProductVariant", "read_products", "ID"),
    "orders": ("Order", "read_orders", "PROCESSED_AT"),
    "customers": ("Customer", "read_customers", "ID"),
    "inventoryItems": ("InventoryItem", "read_inventory", None),
    "locations": ("Location", "read_locations", "NAME"),
    "fulfillmentOrders": ("FulfillmentOrder", "read_merchant_managed_fulfillment_orders", "ID"),
    "draftOrders": ("DraftOrder", "read_draft_orders", "ID"),
    "collections": ("Collection", "read_products", "ID"),
    "discountNodes": ("DiscountNode", "read_discounts", "ID"),
    "companies": ("Company", "read_companies", "ID"),
}
_COUNTS = {f"{name}Count": name for name in ROOTS} | {"productVariantsCount": "productVariants"}


@lru_cache(maxsize=512)
def prepared(text: str) -> tuple[graphql.DocumentNode | None, list[graphql.GraphQLError]]:
    try:
        document = graphql.parse(text)
    except graphql.GraphQLSyntaxError as exc:
        return None, [exc]
    return document, graphql.validate(SCHEMA, document)


def cost_of(document: graphql.DocumentNode, variables: Doc) -> int:
    """https://shopify.dev/docs/api/usage/limits: an object 1, a connection 2 and its objects, a mutation 10."""
    (operation,) = document.definitions
    assert isinstance(operation, graphql.OperationDefinitionNode)
    root = SCHEMA.get_root_type(operation.operation)
    base = 10 * len(operation.selection_set.selections) if operation.operation is graphql.OperationType.MUTATION else 0
    return base + _cost(operation.selection_set, root, variables)


def _cost(selected: graphql.SelectionSetNode | None, parent: Any, variables: Doc) -> int:
    total = 0
    branches = [0]
    for node in selected.selections if selected else ():
        if isinstance(node, graphql.InlineFragmentNode):
            branches.append(_cost(node.selection_set, SCHEMA.type_map[node.type_condition.name.value], variables))  # type: ignore[union-attr]
            continue
        assert isinstance(node, graphql.FieldNode)
        field = getattr(parent, "fields", {}).get(node.name.value)
        kind = None if field is None else graphql.get_named_type(field.type)
        if kind is None or graphql.is_leaf_type(kind) or node.name.value in {"userErrors", "pageInfo"}:
            continue
        if kind.name.endswith("Connection"):
            first = next((_value(arg.value, variables) for arg in node.arguments or () if arg.name.value == "first"), None)
            total += 2 + int(first or 0) * _nodes(node.selection_set, kind, variables)
        else:
            total += 1 + _cost(node.selection_set, kind, variables)
    return total + max(branches)


def _nodes(selected: graphql.SelectionSetNode | None, kind: Any, variables: Doc) -> int:
    for node in selected.selections if selected else ():
        if isinstance(node, graphql.FieldNode) and node.name.value == "nodes":
            return 1 + _cost(node.selection_set, graphql.get_named_type(kind.fields["nodes"].type), variables)
    return 1


def _value(node: Any, variables: Doc) -> Any:
    return variables.get(node.name.value) if isinstance(node, graphql.VariableNode) else graphql.value_from_ast_untyped(node)


def objects_in(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + sum(map(objects_in, value.values()))
    return sum(map(objects_in, value)) if isinstance(value, list) else 0


class Engine:
    """Carries queries out. `scopes`: what the app may see."""

    def __init__(self, store: Store, scopes: set[str]) -> None:
        self.store = store
        self.scopes = scopes
        self.roots: dict[str, Callable[..., Any]] = {}  # other fields of the roots
        self.whole = False  # connections come without an end, as in a bulk operation

    def run(self, document: graphql.DocumentNode, variables: Doc) -> graphql.ExecutionResult:
        result = graphql.execute_sync(SCHEMA, document, variable_values=variables, field_resolver=self._resolve, type_resolver=_type_of)
        assert isinstance(result, graphql.ExecutionResult)
        return result

    def _resolve(self, source: Any, info: graphql.GraphQLResolveInfo, **args: Any) -> Any:
        name = info.field_name
        if info.parent_type.name in {"QueryRoot", "Mutation"}:
            return self._root(name, info, args)
        if not isinstance(source, dict):
            return None
        kind = graphql.get_named_type(info.return_type)
        if name in {"nodes", "edges", "pageInfo", "node"}:
            return source[name]
        if kind.name.endswith("Connection"):
            return self._inner(source, name, args)
        if name == "fulfillments":
            docs = self.store.list("Fulfillment", None, "ID")
            return [doc for doc in docs if doc["order"]["id"] == source["id"]]
        if name == "quantities":
            return [one for one in source.get("quantities", []) if one["name"] in args["names"]]
        value = source.get(name)
        return default_of(info.return_type) if value is None else value

    def _root(self, name: str, info: graphql.GraphQLResolveInfo, args: Doc) -> Any:
        if name in ROOTS:
            return self._list(name, args)
        if name in _COUNTS:
            return {"count": len(self._all(_COUNTS[name], args.get("query"), "ID")), "precision": "EXACT"}
        if name in {"node", "discountNode"}:
            found = self.store.find(args["id"])
            old = found is not None and found["__typename"] == "Order" and found not in self._all("orders", None, "ID")
            return None if old else found
        return self.roots[name](info, **args)

    def _all(self, root: str, query: str | None, sort: str | None) -> list[Doc]:
        kind, scope, _ = ROOTS[root]
        if not {scope, scope.replace("read_", "write_")} & self.scopes:
            words = f"Access denied for {root} field. Required access: `{scope}` access scope."
            raise Refusal(words, "ACCESS_DENIED", requiredAccess=f"`{scope}` access scope.")
        return self.store.list(kind, query, sort, old_orders="read_all_orders" in self.scopes)

    def _list(self, root: str, args: Doc) -> Doc:
        if args.get("first") is None and not self.whole:
            raise Refusal("you must provide one of first or last", "BAD_REQUEST")
        if (args.get("first") or 0) > 250:
            raise Refusal("first cannot exceed 250", "BAD_REQUEST")
        sort = args.get("sortKey") or ROOTS[root][2]
        docs = self._all(root, args.get("query"), sort)
        if root == "fulfillmentOrders" and not args.get("includeClosed"):
            docs = [doc for doc in docs if doc.get("status") != "CLOSED"]
        if root == "locations" and not args.get("includeInactive"):
            docs = [doc for doc in docs if doc.get("isActive", True)]
        return self.store.page(docs, args.get("first"), args.get("after"), f"{sort}|{root}|{args.get('query')}")

    def _inner(self, source: Doc, name: str, args: Doc) -> Doc:
        if name == "metafields":
            docs = [doc for doc in self.store.list("Metafield", None, "ID") if doc["owner"]["id"] == source["id"]]
        elif name == "inventoryLevels":
            docs = [doc for doc in self.store.list("InventoryLevel", args.get("query"), "ID") if doc["location"]["id"] == source["id"]]
        else:
            docs = source.get(name, [])
        if args.get("first") is None and not self.whole:
            raise Refusal("you must provide one of first or last", "BAD_REQUEST")
        return self.store.page(docs, args.get("first"), args.get("after"), f"inner|{name}|{args.get('query')}")


def _type_of(value: Doc, *_: Any) -> str:
    return str(value.get("__typename") or value["id"].split("/")[3])


def default_of(kind: Any) -> Any:
    """What a field that nobody has set holds: nothing, or what stands for nothing."""
    if not isinstance(kind, graphql.GraphQLNonNull):
        return None
    kind = kind.of_type
    if isinstance(kind, graphql.GraphQLList):
        return []
    if isinstance(kind, graphql.GraphQLEnumType):
        return next(iter(kind.values))
    if isinstance(kind, graphql.GraphQLScalarType):
        return {"Boolean": False, "Int": 0, "Float": 0.0, "UnsignedInt64": "0", "Decimal": "0.0", "Money": "0.00",
                "DateTime": "2026-01-01T00:00:00Z", "ID": "gid://shopify/Nothing/1"}.get(kind.name, "")  # fmt: skip
    return {"__typename": kind.name, "id": f"gid://shopify/{kind.name}/1"}


def wait_of(requested: float, available: float, rate: float) -> int:
    return math.ceil(max(requested - available, 0) / rate)
