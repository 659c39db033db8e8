"""Shopify's collections: where each is listed, what of it is asked for, how its changes and deletions are found.

https://shopify.dev/docs/api/admin-graphql/2026-10/queries. Most have a connection at the root with a filter by `updated_at` and an order by
it. Three have none: inventory levels lie below locations, fulfilments below orders, metafields below whatever they describe.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from pgsluice.providers import shopify_selections as selections
from pgsluice.providers.errors import UnknownCollection

# The shape of every object depends on it, so it changes only with a release of ours. Each version lives about twelve months, and one that
# has expired is silently answered by the oldest that lives: https://shopify.dev/docs/api/usage/versioning
API_VERSION: Final = "2026-10"
DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True)
class Nested:
    """A connection inside an object: its first entries come with the object, the rest of it is asked for behind them."""

    member: str
    types: tuple[str, ...]  # of its entries, as their ids name them
    fields: str
    first: int = 10
    within: str | None = None  # the list of the object that holds the owners of this connection; None: the object itself
    owner: str = ""  # GraphQL type that has the connection; empty: the object's

    def text(self, first: int | None = None) -> str:
        return f"{self.member}(first: {first or self.first}) {{ nodes {{ {self.fields} }} pageInfo {{ hasNextPage endCursor }} }}"


@dataclass(frozen=True)
class Listed:
    """A connection at the root. `below`: the records are the entries of that connection or list of its objects."""

    root: str
    owner: str = ""  # GraphQL type of its objects, with `below`
    args: str = ""
    sort: str | None = "UPDATED_AT"  # None: there is no choice, it is by id
    updated: bool = True  # whether its filter knows `updated_at`
    created: bool = False  # … and `created_at`
    below: str | None = None
    plain: bool = False  # `below` is a list that comes whole, no connection
    inner: bool = False  # the filter by `updated_at` belongs to the connection below


@dataclass(frozen=True)
class Source:
    description: str
    type: str
    lists: tuple[Listed, ...]
    nested: tuple[Nested, ...] = ()
    first: int = 100  # objects a page; halved where that costs more than one query may
    entries: int = 10  # of a connection below each object
    count: str | None = None  # the root field that says how many there are: it may be read by a bulk operation
    sweep: timedelta = DAY
    times: tuple[str, ...] = ()  # the member that holds the times, where it is not the object itself
    aged: bool = False  # orders, and what lies below them: see `shopify_scopes`
    mutations: tuple[str, ...] = ()
    match_on: tuple[str, ...] = ()
    topics: tuple[str, ...] = field(default=())  # beginnings of the names of webhook topics that announce it

    @property
    def fields(self) -> str:
        """What is asked for of one object, its connections included."""
        return f"{selections.FIELDS[self.type]} {self._connections()}".strip()

    def _connections(self) -> str:
        own = [nested.text() for nested in self.nested if nested.within is None]
        held = [nested.text() for nested in self.nested if nested.within == "refunds"]
        return " ".join([*own, *([f"refunds {{ {selections.REFUND} {' '.join(held)} }}"] if held else [])])

    @property
    def flat(self) -> str:
        """The same for a bulk operation: connections without paging, and none inside a list, which it does not allow."""
        own = [f"{nested.member} {{ edges {{ node {{ {nested.fields} }} }} }}" for nested in self.nested if nested.within is None]
        held = ["refunds { id }"] if any(nested.within for nested in self.nested) else []
        return " ".join([selections.FIELDS[self.type], *own, *held])


# What carries metafields and says when it was changed. https://shopify.dev/docs/api/admin-graphql/2026-10/interfaces/HasMetafields
_OWNERS: Final = (
    ("products", "Product", "UPDATED_AT", ""),
    ("productVariants", "ProductVariant", "ID", ""),
    ("customers", "Customer", "UPDATED_AT", ""),
    ("orders", "Order", "UPDATED_AT", ""),
    ("draftOrders", "DraftOrder", "UPDATED_AT", ""),
    ("collections", "Collection", "UPDATED_AT", ""),
    ("companies", "Company", "UPDATED_AT", ""),
)

SOURCES: Final[Mapping[str, Source]] = {
    "shopify:product": Source(
        "Products, with their media and options; their variants are a collection of their own",
        "Product",
        (Listed("products", created=True),),
        (Nested("media", ("MediaImage", "Video", "ExternalVideo", "Model3d"), selections.MEDIA),),
        first=50,
        count="productsCount",
        mutations=("create", "update", "upsert", "delete"),
        match_on=("handle",),
        topics=("products",),
    ),
    "shopify:variant": Source(
        "Product variants",
        "ProductVariant",
        (Listed("productVariants", sort="ID"),),
        count="productVariantsCount",
        mutations=("create", "update"),
    ),
    "shopify:order": Source(
        "Orders, with line items, shipping lines, transactions and refunds; those of the last 60 days without the scope read_all_orders",
        "Order",
        (Listed("orders", created=True),),
        (
            Nested("lineItems", ("LineItem",), selections.LINE_ITEM),
            Nested("shippingLines", ("ShippingLine",), selections.SHIPPING_LINE, 5),
            Nested("refundLineItems", ("RefundLineItem",), selections.REFUND_LINE_ITEM, 5, "refunds", "Refund"),
            Nested("orderAdjustments", ("OrderAdjustment",), selections.ORDER_ADJUSTMENT, 5, "refunds", "Refund"),
        ),
        first=10,
        count="ordersCount",
        aged=True,
        mutations=("create", "update", "delete"),
        topics=("orders",),
    ),
    "shopify:customer": Source(
        "Customers, with their addresses",
        "Customer",
        (Listed("customers"),),
        (Nested("addressesV2", ("MailingAddress",), "id address1 address2 city company country countryCodeV2 firstName lastName name phone "
                "province provinceCode zip", 5),),
        first=50,
        count="customersCount",
        mutations=("create", "update", "upsert", "delete"),
        match_on=("email", "phone"),
        topics=("customers",),
    ),
    "shopify:inventory_item": Source(
        "Inventory items: what a variant is in stock",
        "InventoryItem",
        (Listed("inventoryItems", sort=None, created=True),),
        count="productVariantsCount",
        mutations=("update",),
        topics=("inventory_items",),
    ),
    "shopify:inventory_level": Source(
        "How much of an inventory item there is at a location",
        "InventoryLevel",
        (
            Listed("locations", "Location", "includeInactive: true, includeLegacy: true", "ID", updated=False, below="inventoryLevels",
                   inner=True),
        ),
        first=5,
        entries=25,
        mutations=("create", "update", "delete"),
        topics=("inventory_levels",),
    ),
    "shopify:location": Source(
        "Locations, inactive ones too",
        "Location",
        (Listed("locations", args="includeInactive: true, includeLegacy: true", sort="ID", updated=False),),
        sweep=HOUR,
        mutations=("create", "update", "delete"),
        topics=("locations",),
    ),
    "shopify:fulfillment": Source(
        "Fulfilments of orders",
        "Fulfillment",
        (Listed("orders", "Order", created=True, below="fulfillments", plain=True),),
        (Nested("fulfillmentLineItems", ("FulfillmentLineItem",), selections.FULFILLMENT_LINE_ITEM),),
        first=10,
        aged=True,
        mutations=("create",),
        topics=("fulfillments",),
    ),
    "shopify:fulfillment_order": Source(
        "Fulfilment orders, closed ones too",
        "FulfillmentOrder",
        (Listed("fulfillmentOrders", args="includeClosed: true"),),
        (Nested("lineItems", ("FulfillmentOrderLineItem",), selections.FULFILLMENT_ORDER_LINE_ITEM),),
        first=25,
        aged=True,
        topics=("fulfillment_orders",),
    ),
    "shopify:draft_order": Source(
        "Draft orders",
        "DraftOrder",
        (Listed("draftOrders", created=True),),
        (Nested("lineItems", ("DraftOrderLineItem",), selections.DRAFT_LINE_ITEM),),
        first=15,
        count="draftOrdersCount",
        mutations=("create", "update", "delete"),
        topics=("draft_orders",),
    ),
    "shopify:collection": Source(
        "Collections of products, those made by hand and those made by conditions",
        "Collection",
        (Listed("collections"),),
        count="collectionsCount",
        mutations=("create", "update", "delete"),
        topics=("collections",),
    ),
    "shopify:metafield": Source(
        "Metafields of products, variants, customers, orders, draft orders, collections and companies; read with what they belong to",
        "Metafield",
        tuple(Listed(root, owner, args, sort, below="metafields") for root, owner, sort, args in _OWNERS),
        first=20,
        aged=True,
        mutations=("create", "upsert"),
        match_on=("key",),
    ),
    "shopify:discount": Source(
        "Discounts, those with codes and automatic ones",
        "DiscountNode",
        (Listed("discountNodes", created=True),),
        times=("discount",),
        topics=("discounts",),
    ),
    "shopify:company": Source(
        "Companies that buy on account (B2B)",
        "Company",
        (Listed("companies", created=True),),
        mutations=("create", "update", "delete"),
        topics=("companies",),
    ),
}  # fmt: skip


def source_of(collection_id: str) -> Source:
    """Raises UnknownCollection."""
    try:
        return SOURCES[collection_id]
    except KeyError:
        raise UnknownCollection(f"Shopify has no collection {collection_id!r}", hint=f"the collections are: {', '.join(SOURCES)}") from None
