"""What is asked for of each of Shopify's objects: the fields of `data`, by GraphQL type, in the version that the provider pins.

https://shopify.dev/docs/api/admin-graphql/2026-10: GraphQL answers only what is named, so this list decides what a record holds. `id` comes
first everywhere. Deprecated fields, what depends on the asking app or moment (cursors, translations, feedback, "how long ago"), and what is
a collection of its own are left out. `tests/providers/test_shopify_published.py` holds every query against the vendor's own schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_MONEY: Final = "{ shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }"
_ADDRESS: Final = (
    "{ address1 address2 city company country countryCodeV2 firstName lastName latitude longitude name phone province provinceCode zip }"
)
_TAXES: Final = f"{{ title rate ratePercentage source channelLiable priceSet {_MONEY} }}"
_IMAGE: Final = "{ id altText url width height }"
_ATTRIBUTES: Final = "{ key value }"
_WEIGHT: Final = "{ value unit }"

LINE_ITEM: Final = (
    "id name title variantTitle sku vendor quantity currentQuantity refundableQuantity unfulfilledQuantity nonFulfillableQuantity "
    f"requiresShipping taxable isGiftCard restockable customAttributes {_ATTRIBUTES} product {{ id }} variant {{ id }} "
    f"originalUnitPriceSet {_MONEY} discountedUnitPriceSet {_MONEY} originalTotalSet {_MONEY} discountedTotalSet {_MONEY} "
    f"totalDiscountSet {_MONEY} discountAllocations {{ allocatedAmountSet {_MONEY} }} taxLines {_TAXES}"
)
SHIPPING_LINE: Final = (
    "id title code source carrierIdentifier deliveryCategory custom isRemoved phone "
    f"originalPriceSet {_MONEY} discountedPriceSet {_MONEY} taxLines {_TAXES}"
)
REFUND_LINE_ITEM: Final = (
    f"id quantity restockType restocked lineItem {{ id }} location {{ id }} priceSet {_MONEY} subtotalSet {_MONEY} totalTaxSet {_MONEY}"
)
ORDER_ADJUSTMENT: Final = f"id reason amountSet {_MONEY} taxAmountSet {_MONEY}"
DRAFT_LINE_ITEM: Final = (
    "id uuid name title variantTitle sku vendor quantity custom isGiftCard requiresShipping taxable "
    f"customAttributes {_ATTRIBUTES} product {{ id }} variant {{ id }} weight {_WEIGHT} "
    f"originalUnitPriceWithCurrency {{ amount currencyCode }} originalTotalSet {_MONEY} "
    f"discountedTotalSet {_MONEY} totalDiscountSet {_MONEY}"
)
FULFILLMENT_ORDER_LINE_ITEM: Final = (
    "id productTitle variantTitle sku vendor totalQuantity remainingQuantity requiresShipping inventoryItemId "
    "lineItem { id } variant { id }"
)
FULFILLMENT_LINE_ITEM: Final = f"id quantity lineItem {{ id }} originalTotalSet {_MONEY} discountedTotalSet {_MONEY}"
MEDIA: Final = "id alt mediaContentType status preview { image { url width height altText } }"

_DISCOUNT: Final = "title status startsAt endsAt createdAt updatedAt asyncUsageCount discountClasses"
_SUMMARY: Final = {"Basic": " summary", "Bxgy": " summary", "FreeShipping": " summary"}

# GraphQL type → the fields of an object, without the connections in it (those are in `shopify_collections`).
FIELDS: Final[Mapping[str, str]] = {
    "Product": (
        "id legacyResourceId title handle status vendor productType tags descriptionHtml createdAt updatedAt publishedAt isGiftCard "
        "hasOnlyDefaultVariant hasOutOfStockVariants hasVariantsThatRequiresComponents requiresSellingPlan templateSuffix "
        "giftCardTemplateSuffix totalInventory tracksInventory onlineStoreUrl onlineStorePreviewUrl combinedListingRole "
        "category { id name fullName } seo { title description } options { id name position values linkedMetafield { namespace key } } "
        "priceRangeV2 { minVariantPrice { amount currencyCode } maxVariantPrice { amount currencyCode } } "
        f"featuredMedia {{ id alt preview {{ image {_IMAGE} }} }}"
    ),
    "ProductVariant": (
        "id legacyResourceId title displayName sku barcode position price compareAtPrice taxable availableForSale inventoryPolicy "
        "inventoryQuantity requiresComponents showUnitPrice createdAt updatedAt product { id } inventoryItem { id } "
        "selectedOptions { name value } unitPriceMeasurement { measuredType quantityUnit quantityValue referenceUnit referenceValue }"
    ),
    "Order": (
        "id legacyResourceId name number email phone note tags poNumber createdAt updatedAt processedAt cancelledAt cancelReason "
        "closedAt closed confirmed confirmationNumber test edited fulfillable fullyPaid unpaid refundable restockable "
        "requiresShipping taxesIncluded taxExempt dutiesIncluded estimatedTaxes currencyCode presentmentCurrencyCode "
        "customerLocale customerAcceptsMarketing displayFinancialStatus displayFulfillmentStatus returnStatus discountCode "
        "discountCodes paymentGatewayNames sourceName sourceIdentifier registeredSourceUrl statusPageUrl "
        "subtotalLineItemsQuantity currentSubtotalLineItemsQuantity totalWeight currentTotalWeight "
        "billingAddressMatchesShippingAddress merchantEditable customer { id } "
        f"customAttributes {_ATTRIBUTES} billingAddress {_ADDRESS} shippingAddress {_ADDRESS} "
        f"totalPriceSet {_MONEY} subtotalPriceSet {_MONEY} totalTaxSet {_MONEY} totalDiscountsSet {_MONEY} totalShippingPriceSet {_MONEY} "
        f"totalRefundedSet {_MONEY} totalReceivedSet {_MONEY} totalOutstandingSet {_MONEY} totalTipReceivedSet {_MONEY} "
        f"netPaymentSet {_MONEY} originalTotalPriceSet {_MONEY} currentTotalPriceSet {_MONEY} currentSubtotalPriceSet {_MONEY} "
        f"currentTotalTaxSet {_MONEY} currentTotalDiscountsSet {_MONEY} taxLines {_TAXES} "
        "transactions { id kind status gateway formattedGateway test createdAt processedAt errorCode paymentId authorizationExpiresAt "
        f"accountNumber manualPaymentGateway parentTransaction {{ id }} amountSet {_MONEY} }}"
    ),
    "Customer": (
        "id legacyResourceId firstName lastName displayName note tags state locale createdAt updatedAt verifiedEmail taxExempt "
        "taxExemptions numberOfOrders dataSaleOptOut multipassIdentifier productSubscriberStatus amountSpent { amount currencyCode } "
        "defaultEmailAddress { emailAddress marketingState marketingOptInLevel marketingUpdatedAt validFormat } "
        f"defaultPhoneNumber {{ phoneNumber }} defaultAddress {_ADDRESS} lastOrder {{ id }}"
    ),
    "InventoryItem": (
        "id legacyResourceId sku tracked requiresShipping countryCodeOfOrigin provinceCodeOfOrigin harmonizedSystemCode duplicateSkuCount "
        f"createdAt updatedAt unitCost {{ amount currencyCode }} measurement {{ id weight {_WEIGHT} }}"
    ),
    "InventoryLevel": (
        "id isActive canDeactivate deactivationAlert createdAt updatedAt item { id } location { id } "
        'quantities(names: ["available", "committed", "damaged", "incoming", "on_hand", "quality_control", "reserved", "safety_stock"]) '
        "{ name quantity updatedAt }"
    ),
    "Location": (
        "id legacyResourceId name isActive activatable deactivatable deactivatedAt deletable fulfillsOnlineOrders hasActiveInventory "
        "hasUnfulfilledOrders isFulfillmentService shipsInventory addressVerified createdAt updatedAt "
        "address { address1 address2 city country countryCode latitude longitude phone province provinceCode zip }"
    ),
    "Fulfillment": (
        "id legacyResourceId name status displayStatus totalQuantity requiresShipping createdAt updatedAt deliveredAt inTransitAt "
        "estimatedDeliveryAt order { id } location { id } trackingInfo { company number url }"
    ),
    "FulfillmentOrder": (
        "id status requestStatus orderId orderName orderProcessedAt createdAt updatedAt fulfillAt fulfillBy "
        "assignedLocation { name address1 address2 city countryCode phone province zip location { id } } "
        "destination { id firstName lastName company address1 address2 city countryCode email phone province zip } "
        "deliveryMethod { id methodType } fulfillmentHolds { id reason reasonNotes } supportedActions { action externalUrl }"
    ),
    "DraftOrder": (
        "id legacyResourceId name status email phone note2 tags poNumber createdAt updatedAt completedAt invoiceSentAt invoiceUrl ready "
        "taxExempt taxesIncluded currencyCode presentmentCurrencyCode discountCodes reserveInventoryUntil totalQuantityOfLineItems "
        "totalWeight visibleToCustomer billingAddressMatchesShippingAddress customer { id } order { id } "
        f"customAttributes {_ATTRIBUTES} billingAddress {_ADDRESS} shippingAddress {_ADDRESS} "
        f"appliedDiscount {{ title description value valueType }} subtotalPriceSet {_MONEY} totalPriceSet {_MONEY} totalTaxSet {_MONEY} "
        f"totalDiscountsSet {_MONEY} totalShippingPriceSet {_MONEY} lineItemsSubtotalPrice {_MONEY} taxLines {_TAXES}"
    ),
    "Collection": (
        "id legacyResourceId title handle descriptionHtml sortOrder templateSuffix updatedAt productsCount { count precision } "
        f"image {_IMAGE} seo {{ title description }} sources {{ __typename id title description }}"
    ),
    "Metafield": (
        "id legacyResourceId namespace key type value compareDigest sizeInBytes ownerType createdAt updatedAt "
        "owner { __typename ... on Node { id } } definition { id name }"
    ),
    "DiscountNode": (
        "id discount { __typename "
        + " ".join(
            f"... on DiscountAutomatic{kind} {{ {_DISCOUNT}{_SUMMARY.get(kind, '')} }}" for kind in ("App", "Basic", "Bxgy", "FreeShipping")
        )
        + " "
        + " ".join(
            f"... on DiscountCode{kind} {{ {_DISCOUNT}{_SUMMARY.get(kind, '')} usageLimit appliesOncePerCustomer "
            "codesCount { count precision } }"
            for kind in ("App", "Basic", "Bxgy", "FreeShipping")
        )
        + " }"
    ),
    "Company": (
        "id name note externalId customerSince createdAt updatedAt totalSpent { amount currencyCode } ordersCount { count precision } "
        "contactsCount { count precision } locationsCount { count precision } mainContact { id customer { id } } defaultRole { id name }"
    ),
}

REFUND: Final = f"id legacyResourceId note createdAt processedAt updatedAt totalRefundedSet {_MONEY} return {{ id }}"
