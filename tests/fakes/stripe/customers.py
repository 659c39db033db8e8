"""Customers: https://docs.stripe.com/api/customers."""

from __future__ import annotations

from typing import Any

from fakes.stripe import objects, subscriptions
from fakes.stripe.forms import Kind, anything, boolean, choice, fields, integer, metadata, required_text, several, text
from fakes.stripe.writing import Writer, with_fields

ADDRESS_FIELDS = ("city", "country", "line1", "line2", "postal_code", "state")
ADDRESS = fields(dict.fromkeys(ADDRESS_FIELDS, text))
INVOICE_SETTINGS: dict[str, Kind] = {
    "custom_fields": anything,
    "default_payment_method": text,
    "footer": text,
    "rendering_options": anything,
}
UPDATE: dict[str, Kind] = {
    "address": ADDRESS,
    "balance": integer,
    "business_name": text,
    "cash_balance": anything,
    "default_source": text,
    "description": text,
    "email": text,
    "individual_name": text,
    "invoice_prefix": text,
    "invoice_settings": fields(INVOICE_SETTINGS),
    "metadata": metadata,
    "name": text,
    "next_invoice_sequence": integer,
    "phone": text,
    "preferred_locales": several(required_text),
    "shipping": fields({"address": ADDRESS, "name": required_text, "phone": text}),
    "source": text,
    "tax": anything,
    "tax_exempt": choice("exempt", "none", "reverse", ""),
    "validate": boolean,
}
CREATE: dict[str, Kind] = {
    **{name: kind for name, kind in UPDATE.items() if name != "default_source"},
    "payment_method": text,
    "tax_id_data": anything,
    "test_clock": text,
}
PLAIN = ("balance", "default_source", "description", "email", "invoice_prefix", "name", "next_invoice_sequence", "phone",
         "preferred_locales")  # fmt: skip


def create(writer: Writer, params: dict[str, Any]) -> dict[str, Any]:
    doc = writer.new("customer", objects.customer)
    doc.update(_values(writer, doc, params))
    return writer.add("customer", doc)


def update(writer: Writer, doc: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    return writer.change("customer", doc, **_values(writer, doc, params))


def delete(writer: Writer, doc: dict[str, Any], _params: dict[str, Any]) -> dict[str, Any]:
    """Cancels the customer's subscriptions first."""
    for record in writer.world.collection("subscription"):
        if record.doc.get("customer") == doc["id"] and record.doc["status"] not in subscriptions.ENDED:
            subscriptions.cancel(writer, record.doc, {})
    return writer.remove("customer", doc)


def _values(writer: Writer, doc: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    values = with_fields(doc, params, PLAIN)
    if "address" in params:
        values["address"] = _address(params["address"])
    if "shipping" in params:
        given = params["shipping"]
        values["shipping"] = given and {
            "address": _address(given.get("address") or {}),
            "name": given.get("name"),
            "phone": given.get("phone"),
        }
    if "tax_exempt" in params:
        values["tax_exempt"] = params["tax_exempt"] or "none"
    if params.get("invoice_settings"):
        values["invoice_settings"] = {**doc["invoice_settings"], **params["invoice_settings"]}
    if params.get("source"):
        values["default_source"] = "card_" + writer.world.new_id("invoice")[3:]
    return values


def _address(given: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if given is None else {name: given.get(name) for name in ADDRESS_FIELDS}
