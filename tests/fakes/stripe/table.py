"""The kinds of object that need no code of their own: where they are, how their ids begin, and how they begin and end.

Their fields, parameters and events are in `published.json`, out of the vendor's own library.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

Doc = dict[str, Any]


@dataclass(frozen=True)
class Row:
    path: str
    prefix: str
    initial: Doc = field(default_factory=dict)
    events: str = ""  # how its event types begin, if not by its object type
    made: str = "created"  # the event of its beginning
    hidden: tuple[str, ...] = ()  # lists that show only when they are expanded
    lists: Mapping[str, str] = field(default_factory=dict)  # list inside → object type of its entries
    inside: tuple[str, str, str] | None = None  # (parameter that names it, kind, list there): where its objects show, too
    shown: Doc = field(default_factory=dict)  # filters of the list unless others are given
    ended: Doc = field(default_factory=dict)  # what its end makes of it, if not what ENDS says

    @property
    def below(self) -> tuple[str, ...]:
        """The path of what it lies below, the member that names that, and its own list there; nothing, if it has a list of its own."""
        found = re.fullmatch(r"(\w+)/\{(\w+)\}/(\w+)", self.path)
        return found.groups() if found else ()


ROWS: Mapping[str, Row] = {
    "account": Row("accounts", "acct_", {"type": "custom"}, lists={"external_accounts": "bank_account"}),
    "application_fee": Row("application_fees", "fee_", lists={"refunds": "fee_refund"}),
    "balance_transaction": Row("balance_transactions", "txn_", {"status": "pending"}),
    "billing.alert": Row("billing/alerts", "alrt_", {"status": "active"}),
    "billing.credit_balance_transaction": Row("billing/credit_balance_transactions", "cbtxn_"),
    "billing.credit_grant": Row("billing/credit_grants", "credgr_"),
    "billing.feedback_option": Row("billing/feedback_options", "fbo_", {"status": "active"}),
    "billing.meter": Row("billing/meters", "mtr_", {"status": "active"}),
    "billing_portal.configuration": Row("billing_portal/configurations", "bpc_"),
    "charge": Row("charges", "ch_", {"status": "succeeded"}, made="succeeded", hidden=("refunds",)),
    "checkout.session": Row("checkout/sessions", "cs_test_", {"status": "open"}, hidden=("line_items",), lists={"line_items": "item"}),
    "coupon": Row("coupons", "", {"valid": True}),
    "credit_note": Row("credit_notes", "cn_", {"status": "issued"}, lists={"lines": "credit_note_line_item"}),
    "customer_balance_transaction": Row("customers/{customer}/balance_transactions", "cbtxn_", {"type": "adjustment"}),
    "dispute": Row("disputes", "du_", {"status": "needs_response"}, events="charge.dispute"),
    "entitlements.feature": Row("entitlements/features", "feat_"),
    "file": Row("files", "file_", lists={"links": "file_link"}),
    "file_link": Row("file_links", "link_", inside=("file", "file", "links")),
    "issuing.authorization": Row("issuing/authorizations", "iauth_", {"status": "pending"}, events="issuing_authorization"),
    "issuing.card": Row("issuing/cards", "ic_", {"status": "inactive"}, events="issuing_card"),
    "issuing.cardholder": Row("issuing/cardholders", "ich_", {"status": "active"}, events="issuing_cardholder"),
    "issuing.dispute": Row("issuing/disputes", "idp_", {"status": "unsubmitted"}, events="issuing_dispute"),
    "issuing.transaction": Row("issuing/transactions", "ipi_", events="issuing_transaction"),
    "invoice_payment": Row("invoice_payments", "inpay_", {"status": "open"}),
    "invoice_rendering_template": Row("invoice_rendering_templates", "inrtem_", {"status": "active"}),
    "invoiceitem": Row("invoiceitems", "ii_"),
    "payment_intent": Row("payment_intents", "pi_", {"status": "requires_payment_method"}),
    "payment_link": Row("payment_links", "plink_", hidden=("line_items",), lists={"line_items": "item"}),
    "payment_method": Row("payment_methods", "pm_", {"type": "card"}),
    "payment_method_configuration": Row("payment_method_configurations", "pmc_"),
    "payment_method_domain": Row("payment_method_domains", "pmd_"),
    "person": Row("accounts/{account}/persons", "person_"),
    "payout": Row("payouts", "po_", {"status": "pending"}),
    "product_catalog.trial_offer": Row("product_catalog/trial_offers", "tro_"),
    "promotion_code": Row("promotion_codes", "promo_"),
    "quote": Row("quotes", "qt_", {"status": "draft"}, hidden=("line_items",), lists={"line_items": "item"}),
    "radar.early_fraud_warning": Row("radar/early_fraud_warnings", "issfr_"),
    "radar.value_list": Row("radar/value_lists", "rsl_", lists={"list_items": "radar.value_list_item"}),
    "radar.value_list_item": Row("radar/value_list_items", "rsli_", inside=("value_list", "radar_value_list", "list_items")),
    "refund": Row("refunds", "re_", {"status": "pending"}),
    "review": Row("reviews", "prv_", {"open": True, "reason": "manual"}, made="opened", shown={"open": True}),
    "setup_intent": Row("setup_intents", "seti_", {"status": "requires_payment_method"}),
    "shipping_rate": Row("shipping_rates", "shr_"),
    "subscription_schedule": Row("subscription_schedules", "sub_sched_", {"status": "not_started"}),
    "tax.registration": Row("tax/registrations", "taxreg_", {"status": "active"}, shown={"status": "active"}),
    "tax_id": Row("tax_ids", "txi_", events="customer.tax_id", shown={"owner": {"type": "self"}}),
    "tax_rate": Row("tax_rates", "txr_"),
    "topup": Row("topups", "tu_", {"status": "pending"}),
    "transfer": Row("transfers", "tr_", lists={"reversals": "transfer_reversal"}),
    "treasury.financial_account": Row("treasury/financial_accounts", "fa_", {"status": "open"}, ended={"status": "closed"}),
    "treasury.inbound_transfer": Row("treasury/inbound_transfers", "ibt_", {"status": "processing"}),
    "treasury.outbound_payment": Row("treasury/outbound_payments", "obp_", {"status": "processing"}),
    "treasury.outbound_transfer": Row("treasury/outbound_transfers", "obt_", {"status": "processing"}),
    "treasury.received_credit": Row("treasury/received_credits", "rc_", {"status": "succeeded"}),
    "treasury.received_debit": Row("treasury/received_debits", "rd_", {"status": "succeeded"}),
    "treasury.transaction": Row(
        "treasury/transactions", "trxn_", {"status": "posted"}, hidden=("entries",), lists={"entries": "treasury.transaction_entry"}
    ),
    "webhook_endpoint": Row("webhook_endpoints", "we_", {"status": "enabled"}),
}
# Those with code of their own.
WRITTEN = {"customer": "customers", "product": "products", "price": "prices", "plan": "plans", "subscription": "subscriptions",
           "invoice": "invoices", "subscription_item": "subscription_items"}  # fmt: skip
PATHS = {**{name: row.path for name, row in ROWS.items()}, **WRITTEN}
# What an object becomes by what can be done with it, and the event that tells.
ENDS: Mapping[str, tuple[Doc, str]] = {
    "cancel": ({"status": "canceled"}, "canceled"),
    "void": ({"status": "void"}, "voided"),
    "expire": ({"status": "expired"}, "expired"),
    "deactivate": ({"status": "inactive"}, "deactivated"),
    "archive": ({"status": "archived"}, "archived"),
    "detach": ({"customer": None}, "detached"),
    "attach": ({}, "attached"),
    "approve": ({"open": False, "closed_reason": "approved", "reason": "approved"}, "closed"),
    "close": ({"status": "lost"}, "closed"),
}
# The kinds by their names here: a line for a dot.
KINDS: Mapping[str, str] = {name.replace(".", "_"): name for name in ROWS}
ENTRY_PREFIXES = {
    "treasury.transaction_entry": "trxne_",
    "bank_account": "ba_",
    "fee_refund": "fr_",
    "item": "li_",
    "credit_note_line_item": "cnli_",
    "transfer_reversal": "trr_",
}


@cache
def _read() -> Doc:
    found: Doc = json.loads((Path(__file__).parent / "published.json").read_text())
    return found


def published(kind: str) -> Doc:
    """What the vendor says of a kind: path, fields, verbs."""
    found: Doc = _read()["kinds"][KINDS.get(kind, kind)]
    return found


def event_type(kind: str, *verbs: str) -> str | None:
    """The first of these that the vendor has: a coupon's `created` is coupon.created, a quote's `updated` is none."""
    name = KINDS.get(kind, kind)
    start = ROWS[name].events or name
    return next((f"{start}.{verb}" for verb in verbs if f"{start}.{verb}" in _read()["events"]), None)


def row(kind: str) -> Row:
    return ROWS[KINDS[kind]]
