"""What Stripe has: every collection with its lists, what is missing from them, and what can be written.

A collection is named after the vendor's `object`, with a line for a dot: `checkout.session` is `stripe:checkout_session`. Each row has the
vendor's page; what a list has and takes is there, and in the annotations of the vendor's own library.

Three things keep a collection up to date, since no object of Stripe has a time of last change:

- the events, for whatever they speak of (`stripe_events`);
- `news`: where nothing announces that an object was made, the list is asked for what was created since (`stripe_news`);
- `sweep`: where nothing announces a change or a deletion, everything is listed again now and then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from pgsluice.providers.errors import UnknownCollection

Parameters = tuple[tuple[str, str], ...]
DAILY: Final = timedelta(days=1)
WEEKLY: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Below:
    """A list that there is for each object of another collection only."""

    parents: str  # path of the other collection's list
    params: Parameters  # of that list: all of its objects, with `member` in them
    member: str  # of the other object: the list's first entries; empty: it shows none
    path: str  # of the list; {} stands for the other object's id
    query: str = ""  # the parameter that names the other object, if the path does not
    object: str = ""  # the other object's type, if its events speak for the entries …
    when: str = ""  # … and, if only some do: the member of it whose change they tell


@dataclass(frozen=True, slots=True)
class Nested:
    """A list inside an object, which shows ten entries and says `has_more`."""

    member: str
    path: str  # of the whole list; {} stands for the object's id
    query: str = ""  # the parameter that names the object, if the path does not


@dataclass(frozen=True, slots=True)
class Source:
    path: str  # behind /v1/
    description: str
    mutations: tuple[str, ...] = ()
    lists: tuple[Parameters | Below, ...] = ((),)  # the queries that together bring every object
    created: bool = True  # whether the list filters by `created`
    nested: tuple[Nested, ...] = ()
    expand: tuple[str, ...] = ()  # members that only show when they are asked for
    ending: str = ""  # what the vendor calls the end of an object: POST /id/ending in place of DELETE /id
    news: bool = False
    sweep: timedelta | None = None
    object: str = ""  # the vendor's name of the type, where it is not the collection's
    apart: bool = False  # most accounts do not have it: read only where it is chosen by name
    parent: str = ""  # an object's address is below another's, in braces in `path`: the member that names it (`stripe_places`)
    secret: bool = False  # the answer to a creation shows a secret, which is not to become a record: the object is fetched


_CUD: Final = ("create", "update", "delete")
_CU: Final = ("create", "update")
_CD: Final = ("create", "delete")
_BOTH: Final[tuple[Parameters, ...]] = ((("active", "true"),), (("active", "false"),))

_CATALOG: Final[Mapping[str, Source]] = {
    # https://docs.stripe.com/api/customers/list: those of a test clock are left out; their events bring them
    "customer": Source("customers", "who buys", _CUD),
    # https://docs.stripe.com/api/products/list: active and archived unless `active` is given
    "product": Source("products", "what is sold", _CUD),
    # https://docs.stripe.com/api/prices/list: "a list of your active prices … For the list of inactive prices, set active to false"
    "price": Source("prices", "what a product costs", _CU, _BOTH),
    # https://docs.stripe.com/api/plans/list: active and inactive unless `active` is given
    "plan": Source("plans", "recurring prices in their older form", _CUD),
    # https://docs.stripe.com/api/coupons/list
    "coupon": Source("coupons", "discounts that can be given", _CUD),
    # https://docs.stripe.com/api/promotion_codes/list: active and inactive unless `active` is given
    "promotion_code": Source("promotion_codes", "codes that customers type for a coupon", _CU),
    # https://docs.stripe.com/api/tax_rates/list: active and archived unless `active` is given
    "tax_rate": Source("tax_rates", "rates that invoices add", _CU),
    # https://docs.stripe.com/api/tax_ids/list: "Defaults to owner[type]=self", the account's own; a customer's are below the customer,
    # https://docs.stripe.com/api/tax_ids/customer_list, and the first of them show in it if they are asked for
    "tax_id": Source(
        "tax_ids",
        "tax numbers of customers and of the account",
        _CD,
        (
            (("owner[type]", "self"),),
            Below("customers", (("expand[]", "data.tax_ids"),), "tax_ids", "customers/{}/tax_ids"),
        ),
        created=False,
        sweep=WEEKLY,  # events speak of customers' only
    ),
    # https://docs.stripe.com/api/shipping-rates/list: no events; archived ones too
    "shipping_rate": Source("shipping_rates", "what shipping costs", _CU, sweep=DAILY),
    # https://docs.stripe.com/api/entitlements/feature/list: no events
    "entitlements_feature": Source(
        "entitlements/features", "what products entitle to", _CU, created=False, sweep=DAILY, object="entitlements.feature"
    ),
    # https://docs.stripe.com/api/product-catalog/trial-offer/list: "If omitted, both active and archived"; no events
    "product_catalog_trial_offer": Source(
        "product_catalog/trial_offers", "trials that can be sold", _CU, sweep=DAILY, object="product_catalog.trial_offer"
    ),
}
_BILLING: Final[Mapping[str, Source]] = {
    # https://docs.stripe.com/api/subscriptions/list: without `status`, cancelled ones are left out. DELETE cancels
    "subscription": Source(
        "subscriptions",
        "who pays for what, how often",
        _CUD,
        ((("status", "all"),),),
        nested=(Nested("items", "subscription_items", "subscription"),),
    ),
    # https://docs.stripe.com/api/subscription_items/list: of one subscription, which shows the first ten. The subscription's events
    # speak for them
    "subscription_item": Source(
        "subscription_items",
        "the prices and quantities of subscriptions",
        _CUD,
        (Below("subscriptions", (("status", "all"),), "items", "subscription_items", "subscription", "subscription"),),
        created=False,
    ),
    # https://docs.stripe.com/api/subscription_schedules/list; /cancel and /release end one
    "subscription_schedule": Source("subscription_schedules", "planned changes of subscriptions", _CUD, ending="cancel"),
    # https://docs.stripe.com/api/invoices/list; DELETE is for drafts
    "invoice": Source("invoices", "what was billed", _CUD, nested=(Nested("lines", "invoices/{}/lines"),)),
    # https://docs.stripe.com/api/invoiceitems/list: pending and invoiced; events of making and deleting only
    "invoiceitem": Source("invoiceitems", "amounts that the next invoice takes up", _CUD, sweep=WEEKLY),
    # https://docs.stripe.com/api/invoice-payment/list: one event, invoice_payment.paid
    "invoice_payment": Source("invoice_payments", "which payments settled which invoices", news=True, sweep=WEEKLY),
    # https://docs.stripe.com/api/invoice-rendering-template/list: no events; made in the Dashboard, ended by /archive
    "invoice_rendering_template": Source(
        "invoice_rendering_templates", "how invoices look", ("delete",), created=False, ending="archive", sweep=DAILY
    ),
    # https://docs.stripe.com/api/credit_notes/list; /void ends one
    "credit_note": Source(
        "credit_notes", "amounts taken off invoices", _CUD, nested=(Nested("lines", "credit_notes/{}/lines"),), ending="void"
    ),
    # https://docs.stripe.com/api/quotes/list: no event of an update; line_items only if they are asked for; /cancel ends one
    "quote": Source(
        "quotes",
        "offers to customers",
        _CUD,
        created=False,
        nested=(Nested("line_items", "quotes/{}/line_items"),),
        expand=("line_items",),
        ending="cancel",
        sweep=DAILY,
    ),
    # https://docs.stripe.com/api/billing/credit-grant/list; /expire and /void end one
    "billing_credit_grant": Source(
        "billing/credit_grants", "prepaid credit of customers", _CUD, created=False, ending="expire", object="billing.credit_grant"
    ),
    # https://docs.stripe.com/api/billing/credit-balance-transaction/list
    "billing_credit_balance_transaction": Source(
        "billing/credit_balance_transactions", "use of prepaid credit", created=False, object="billing.credit_balance_transaction"
    ),
    # https://docs.stripe.com/api/billing/meter/list: active and inactive unless `status` is given; /deactivate ends one
    "billing_meter": Source("billing/meters", "what usage is counted", _CUD, created=False, ending="deactivate", object="billing.meter"),
    # https://docs.stripe.com/api/billing/alert/list: "active and inactive"; an event only when one goes off; /archive ends one
    "billing_alert": Source("billing/alerts", "alerts on usage", _CD, created=False, ending="archive", sweep=DAILY, object="billing.alert"),
    # https://docs.stripe.com/api/billing/feedback-option/list: no events; /deactivate ends one
    "billing_feedback_option": Source(
        "billing/feedback_options",
        "reasons that customers can give for leaving",
        _CUD,
        created=False,
        ending="deactivate",
        sweep=DAILY,
        object="billing.feedback_option",
    ),
    # https://docs.stripe.com/api/customer_portal/configurations/list
    "billing_portal_configuration": Source(
        "billing_portal/configurations", "what customers can do by themselves", _CU, created=False, object="billing_portal.configuration"
    ),
    # https://docs.stripe.com/api/tax/registrations/list: no events; expired ones by `status`
    "tax_registration": Source(
        "tax/registrations", "where tax is collected", _CU, ((("status", "all"),),), created=False, sweep=DAILY, object="tax.registration"
    ),
}
_PAYMENTS: Final[Mapping[str, Source]] = {
    # https://docs.stripe.com/api/charges/list; `refunds` shows in old versions only
    "charge": Source("charges", "attempts to move money", _CU, nested=(Nested("refunds", "refunds", "charge"),)),
    # https://docs.stripe.com/api/refunds/list; /cancel ends one that waits for the customer
    "refund": Source("refunds", "money given back", _CUD, ending="cancel"),
    # https://docs.stripe.com/api/disputes/list
    "dispute": Source("disputes", "charges that customers contest", ("update",)),
    # https://docs.stripe.com/api/payment_intents/list; no event of an update; /cancel ends one
    "payment_intent": Source("payment_intents", "payments from beginning to end", _CUD, ending="cancel", sweep=WEEKLY),
    # https://docs.stripe.com/api/setup_intents/list; no event of an update; /cancel ends one
    "setup_intent": Source("setup_intents", "means of payment being set up", _CUD, ending="cancel", sweep=WEEKLY),
    # https://docs.stripe.com/api/payment_methods/list: "all payment method types except custom"; events once one is attached. /detach is
    # its end: it stays, unusable
    "payment_method": Source(
        "payment_methods",
        "cards, accounts and other means of payment",
        _CUD,
        ((), (("type", "custom"),)),
        created=False,
        ending="detach",
        sweep=WEEKLY,
    ),
    # https://docs.stripe.com/api/payment-link/list: active and inactive unless `active` is given
    "payment_link": Source(
        "payment_links",
        "links that take payments",
        _CU,
        created=False,
        nested=(Nested("line_items", "payment_links/{}/line_items"),),
        expand=("line_items",),
    ),
    # https://docs.stripe.com/api/checkout/sessions/list: no event of making or updating; /expire ends one
    "checkout_session": Source(
        "checkout/sessions",
        "visits to the checkout",
        _CUD,
        nested=(Nested("line_items", "checkout/sessions/{}/line_items"),),
        expand=("line_items",),
        ending="expire",
        news=True,
        sweep=WEEKLY,
        object="checkout.session",
    ),
    # https://docs.stripe.com/api/radar/reviews/list: open ones only; their events tell of the end
    "review": Source("reviews", "payments that a person should look at"),
    # https://docs.stripe.com/api/radar/early_fraud_warnings/list
    "radar_early_fraud_warning": Source("radar/early_fraud_warnings", "charges that may be fraud", object="radar.early_fraud_warning"),
    # https://docs.stripe.com/api/radar/value_lists/list: no events
    "radar_value_list": Source(
        "radar/value_lists",
        "lists that rules of fraud use",
        _CUD,
        nested=(Nested("list_items", "radar/value_list_items", "value_list"),),
        sweep=DAILY,
        object="radar.value_list",
    ),
    # https://docs.stripe.com/api/radar/value_list_items/list: of one list; no events
    "radar_value_list_item": Source(
        "radar/value_list_items",
        "the entries of those lists",
        _CD,
        (Below("radar/value_lists", (), "list_items", "radar/value_list_items", "value_list"),),
        created=False,
        sweep=DAILY,
        object="radar.value_list_item",
    ),
    # https://docs.stripe.com/api/payment_method_configurations/list: no events
    "payment_method_configuration": Source(
        "payment_method_configurations", "which means of payment are offered", _CU, created=False, sweep=DAILY
    ),
    # https://docs.stripe.com/api/payment_method_domains/list: no events
    "payment_method_domain": Source("payment_method_domains", "domains that take wallets", _CU, created=False, sweep=DAILY),
}
_MONEY: Final[Mapping[str, Source]] = {
    # https://docs.stripe.com/api/payouts/list; /cancel ends one that is pending
    "payout": Source("payouts", "money sent to the bank", _CUD, ending="cancel"),
    # https://docs.stripe.com/api/transfers/list
    "transfer": Source("transfers", "money moved to connected accounts", _CU, nested=(Nested("reversals", "transfers/{}/reversals"),)),
    # https://docs.stripe.com/api/topups/list; no event of an update; /cancel ends one that is pending
    "topup": Source("topups", "money added to the balance", _CUD, ending="cancel", sweep=WEEKLY),
    # https://docs.stripe.com/api/balance_transactions/list: no events, though `status` goes from pending to available
    "balance_transaction": Source("balance_transactions", "every movement of the balance", news=True, sweep=WEEKLY),
    # https://docs.stripe.com/api/application_fees/list
    "application_fee": Source(
        "application_fees", "fees taken from connected accounts", nested=(Nested("refunds", "application_fees/{}/refunds"),)
    ),
    # https://docs.stripe.com/api/accounts/list: the accounts connected to a platform; their events come under themselves only
    "account": Source(
        "accounts", "connected accounts", _CUD, nested=(Nested("external_accounts", "accounts/{}/external_accounts"),), sweep=DAILY
    ),
    # https://docs.stripe.com/api/files/list; made by an upload, which is no form
    "file": Source("files", "files held by Stripe", nested=(Nested("links", "file_links", "file"),)),
    # https://docs.stripe.com/api/file_links/list: "By default, Stripe returns all links"; no events
    "file_link": Source("file_links", "addresses that show a file", _CU, sweep=WEEKLY),
    # https://docs.stripe.com/api/webhook_endpoints/list: no events
    "webhook_endpoint": Source("webhook_endpoints", "where events are sent", _CUD, created=False, sweep=DAILY, secret=True),
}


def _apart(path: str, description: str, mutations: tuple[str, ...] = (), *, below: bool = False, **more: Any) -> Source:
    """What an account has to be let into. `below`: listed for each financial account only; its objects have addresses of their own."""
    if below:
        more |= {"lists": (Below("treasury/financial_accounts", (), "", path, "financial_account"),), "created": False}
    return Source(path, description, mutations, object=path.replace("/", ".").removesuffix("s"), apart=True, **more)


# https://docs.stripe.com/api/issuing/authorizations/list and so on. Their events begin with issuing_, the types with a dot.
_ISSUING: Final[Mapping[str, Source]] = {
    "issuing_authorization": _apart("issuing/authorizations", "payments that cards ask for", ("update",)),
    "issuing_card": _apart("issuing/cards", "cards that were issued", _CU),
    "issuing_cardholder": _apart("issuing/cardholders", "who holds the cards", _CU),
    "issuing_transaction": _apart("issuing/transactions", "what was paid with the cards", ("update",)),
    "issuing_dispute": _apart("issuing/disputes", "payments with the cards that are contested", _CU),
}
# https://docs.stripe.com/api/treasury/financial_accounts/list and so on. `entries` of a transaction: "cannot be expanded in any list
# endpoints", so they are left out. Its status changes without an event, and so does a financial account.
_TREASURY: Final[Mapping[str, Source]] = {
    "treasury_financial_account": _apart("treasury/financial_accounts", "accounts that hold money", _CUD, ending="close", sweep=DAILY),
    "treasury_transaction": _apart("treasury/transactions", "every movement of those accounts", below=True, sweep=DAILY),
    "treasury_received_credit": _apart("treasury/received_credits", "money that came in", below=True),
    "treasury_received_debit": _apart("treasury/received_debits", "money that others drew", below=True),
    "treasury_outbound_payment": _apart("treasury/outbound_payments", "money sent to others", _CD, below=True, ending="cancel"),
    "treasury_outbound_transfer": _apart(
        "treasury/outbound_transfers", "money moved to an own bank account", _CD, below=True, ending="cancel"
    ),
    "treasury_inbound_transfer": _apart(
        "treasury/inbound_transfers", "money moved from an own bank account", _CD, below=True, ending="cancel"
    ),
}
# Listed for each customer or account only, which takes a request for each of them; their addresses are below those.
_BELOW_OTHERS: Final[Mapping[str, Source]] = {
    # https://docs.stripe.com/api/customer_balance_transactions/list: no events of their own. What they change is the customer's `balance`,
    # and customer.updated "occurs whenever any property of a customer changes"; description and metadata can change later, in silence
    "customer_balance_transaction": Source(
        "customers/{customer}/balance_transactions",
        "every movement of the balances of customers",
        _CU,
        (Below("customers", (), "", "customers/{}/balance_transactions", object="customer", when="balance"),),
        created=False,
        sweep=WEEKLY,
        apart=True,
        parent="customer",
    ),
    # https://docs.stripe.com/api/persons/list: their events come under the connected account only, as its own do
    "person": Source(
        "accounts/{account}/persons",
        "who owns, directs or represents connected accounts",
        _CUD,
        (Below("accounts", (), "", "accounts/{}/persons"),),
        created=False,
        sweep=DAILY,
        apart=True,
        parent="account",
    ),
}
SOURCES: Final[Mapping[str, Source]] = {
    f"stripe:{name}": source
    for group in (_CATALOG, _BILLING, _PAYMENTS, _MONEY, _ISSUING, _TREASURY, _BELOW_OTHERS)
    for name, source in group.items()
}


# What is read of an account of which no collections were chosen.
WHOLE: Final = tuple(collection_id for collection_id, source in SOURCES.items() if not source.apart)


def source_of(collection_id: str) -> Source:
    """Raises UnknownCollection."""
    try:
        return SOURCES[collection_id]
    except KeyError:
        known = ", ".join(SOURCES)
        raise UnknownCollection(f"Stripe has no collection {collection_id!r} here", hint=f"the collections are: {known}") from None


def object_type(collection_id: str) -> str:
    """The vendor's name of the type."""
    return SOURCES[collection_id].object or collection_id.removeprefix("stripe:")


# The vendor's `object` → collection.
COLLECTIONS: Final[Mapping[str, str]] = {object_type(collection_id): collection_id for collection_id in SOURCES}
# Collections whose changes the events of another object tell, and where they lie.
BELOW: Final[Mapping[str, Below]] = {
    collection_id: of for collection_id, source in SOURCES.items() for of in source.lists if isinstance(of, Below) and of.object
}
