"""The fields of Shopify's objects as `shopify_selections` asks for them, with their types in the version that the provider pins.

https://shopify.dev/docs/api/admin-graphql/2026-10: 64-bit integers and decimals are text, as Shopify writes them. A test compares this with
the vendor's own schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, cast

from pgsluice.providers.base import Field
from pgsluice.providers.shopify_collections import Source

_Kind = Literal["text", "integer", "number", "boolean", "time", "object", "array", "any"]

# GraphQL type → type of field, then its fields; the kinds are divided by a bar.
_FIELDS: Final[Mapping[str, str]] = {
    "Product": (
        "text id legacyResourceId title handle status vendor productType descriptionHtml templateSuffix giftCardTemplateSuffix "
        "onlineStoreUrl onlineStorePreviewUrl combinedListingRole | integer totalInventory | boolean isGiftCard "
        "hasOnlyDefaultVariant hasOutOfStockVariants hasVariantsThatRequiresComponents requiresSellingPlan tracksInventory | "
        "time createdAt updatedAt publishedAt | object category seo priceRangeV2 featuredMedia media | array tags options"
    ),
    "ProductVariant": (
        "text id legacyResourceId title displayName sku barcode price compareAtPrice inventoryPolicy | integer position "
        "inventoryQuantity | boolean taxable availableForSale requiresComponents showUnitPrice | time createdAt updatedAt | "
        "object product inventoryItem unitPriceMeasurement | array selectedOptions"
    ),
    "Order": (
        "text id legacyResourceId name email phone note poNumber cancelReason confirmationNumber currencyCode "
        "presentmentCurrencyCode customerLocale displayFinancialStatus displayFulfillmentStatus returnStatus discountCode "
        "sourceName sourceIdentifier registeredSourceUrl statusPageUrl totalWeight currentTotalWeight | integer number "
        "subtotalLineItemsQuantity currentSubtotalLineItemsQuantity | boolean closed confirmed test edited fulfillable "
        "fullyPaid unpaid refundable restockable requiresShipping taxesIncluded taxExempt dutiesIncluded estimatedTaxes "
        "customerAcceptsMarketing billingAddressMatchesShippingAddress merchantEditable | time createdAt updatedAt processedAt "
        "cancelledAt closedAt | object customer billingAddress shippingAddress totalPriceSet subtotalPriceSet totalTaxSet "
        "totalDiscountsSet totalShippingPriceSet totalRefundedSet totalReceivedSet totalOutstandingSet totalTipReceivedSet "
        "netPaymentSet originalTotalPriceSet currentTotalPriceSet currentSubtotalPriceSet currentTotalTaxSet "
        "currentTotalDiscountsSet lineItems shippingLines | array tags discountCodes paymentGatewayNames customAttributes "
        "taxLines transactions refunds"
    ),
    "Customer": (
        "text id legacyResourceId firstName lastName displayName note state locale numberOfOrders multipassIdentifier "
        "productSubscriberStatus | boolean verifiedEmail taxExempt dataSaleOptOut | time createdAt updatedAt | object "
        "amountSpent defaultEmailAddress defaultPhoneNumber defaultAddress lastOrder addressesV2 | array tags taxExemptions"
    ),
    "InventoryItem": (
        "text id legacyResourceId sku countryCodeOfOrigin provinceCodeOfOrigin harmonizedSystemCode | integer duplicateSkuCount "
        "| boolean tracked requiresShipping | time createdAt updatedAt | object unitCost measurement"
    ),
    "InventoryLevel": (
        "text id deactivationAlert | boolean isActive canDeactivate | time createdAt updatedAt | object item location | array quantities"
    ),
    "Location": (
        "text id legacyResourceId name deactivatedAt | boolean isActive activatable deactivatable deletable "
        "fulfillsOnlineOrders hasActiveInventory hasUnfulfilledOrders isFulfillmentService shipsInventory addressVerified | "
        "time createdAt updatedAt | object address"
    ),
    "Fulfillment": (
        "text id legacyResourceId name status displayStatus | integer totalQuantity | boolean requiresShipping | time createdAt "
        "updatedAt deliveredAt inTransitAt estimatedDeliveryAt | object order location fulfillmentLineItems | array "
        "trackingInfo"
    ),
    "FulfillmentOrder": (
        "text id status requestStatus orderId orderName | time orderProcessedAt createdAt updatedAt fulfillAt fulfillBy | "
        "object assignedLocation destination deliveryMethod lineItems | array fulfillmentHolds supportedActions"
    ),
    "DraftOrder": (
        "text id legacyResourceId name status email phone note2 poNumber invoiceUrl currencyCode presentmentCurrencyCode "
        "totalWeight | integer totalQuantityOfLineItems | boolean ready taxExempt taxesIncluded visibleToCustomer "
        "billingAddressMatchesShippingAddress | time createdAt updatedAt completedAt invoiceSentAt reserveInventoryUntil | "
        "object customer order billingAddress shippingAddress appliedDiscount subtotalPriceSet totalPriceSet totalTaxSet "
        "totalDiscountsSet totalShippingPriceSet lineItemsSubtotalPrice lineItems | array tags discountCodes customAttributes "
        "taxLines"
    ),
    "Collection": (
        "text id legacyResourceId title handle descriptionHtml sortOrder templateSuffix | time updatedAt | object productsCount "
        "image seo | array sources"
    ),
    "Metafield": (
        "text id legacyResourceId namespace key type value compareDigest ownerType | integer sizeInBytes | time createdAt "
        "updatedAt | object owner definition"
    ),
    "DiscountNode": "text id | object discount",
    "Company": (
        "text id name note externalId | time customerSince createdAt updatedAt | object totalSpent ordersCount contactsCount "
        "locationsCount mainContact defaultRole"
    ),
}


def fields_of(source: Source) -> tuple[Field, ...]:
    """The fields of a collection's objects, the id first."""
    groups = [group.split() for group in _FIELDS[source.type].split(" | ")]
    return tuple(Field(name, cast("_Kind", kind), primary_key=name == "id") for kind, *names in groups for name in names)
