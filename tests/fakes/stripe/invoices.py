"""Invoices: draft, open, paid, void, uncollectible: https://docs.stripe.com/api/invoices."""

from __future__ import annotations

from typing import Any

from fakes.stripe import errors, objects
from fakes.stripe.forms import Kind, anything, boolean, choice, fields, integer, metadata, required_text, several, text
from fakes.stripe.writing import Writer, with_fields

UPDATE: dict[str, Kind] = {
    "account_tax_ids": anything,
    "application_fee_amount": integer,
    "auto_advance": boolean,
    "automatic_tax": anything,
    "automatically_finalizes_at": integer,
    "collection_method": choice("charge_automatically", "send_invoice"),
    "custom_fields": anything,
    "days_until_due": integer,
    "default_payment_method": text,
    "default_source": text,
    "default_tax_rates": anything,
    "description": text,
    "discounts": anything,
    "due_date": integer,
    "effective_at": integer,
    "footer": text,
    "issuer": anything,
    "metadata": metadata,
    "number": text,
    "on_behalf_of": text,
    "payment_settings": anything,
    "rendering": anything,
    "shipping_cost": anything,
    "shipping_details": anything,
    "statement_descriptor": text,
    "transfer_data": anything,
}
CREATE: dict[str, Kind] = {
    **UPDATE,
    "currency": text,
    "customer": required_text,
    "from_invoice": anything,
    "pending_invoice_items_behavior": choice("exclude", "include"),
    "subscription": text,
}
FINALIZE: dict[str, Kind] = {"auto_advance": boolean}
PAY: dict[str, Kind] = {
    "forgive": boolean,
    "mandate": text,
    "off_session": boolean,
    "paid_out_of_band": boolean,
    "payment_method": text,
    "source": text,
}
LINE: dict[str, Kind] = {"amount": integer, "description": text, "discountable": boolean, "metadata": metadata, "quantity": integer}
ADD_LINES: dict[str, Kind] = {"invoice_metadata": metadata, "lines": several(fields(LINE), 250)}
PLAIN = ("auto_advance", "collection_method", "custom_fields", "default_payment_method", "default_source", "description", "due_date",
         "effective_at", "footer", "number", "on_behalf_of", "statement_descriptor")  # fmt: skip
EDITABLE_LATER = {"auto_advance", "default_payment_method", "default_source", "metadata"}


def create(writer: Writer, params: dict[str, Any]) -> dict[str, Any]:
    customer = writer.need("customer", params["customer"], "customer", status=400)
    doc = _new(writer, customer, params.get("currency") or customer["currency"] or "usd")
    doc.update(with_fields(doc, params, PLAIN))
    _due(writer, doc, params)
    if params.get("subscription"):
        writer.need("subscription", params["subscription"], "subscription", status=400)
        doc["parent"] = _parent(params["subscription"])
    return writer.add("invoice", doc)


def first(writer: Writer, subscription: dict[str, Any], customer: dict[str, Any]) -> dict[str, Any]:
    """The invoice that a new subscription makes: nothing to pay in a trial, paid at once, or left open."""
    doc = _new(writer, customer, subscription["currency"])
    trial = subscription["status"] == "trialing"
    amounts = [0 if trial else (item["price"]["unit_amount"] or 0) * (item["quantity"] or 0) for item in subscription["items"]["data"]]
    doc.update(
        billing_reason="subscription_create", collection_method=subscription["collection_method"], parent=_parent(subscription["id"])
    )
    _add_lines(writer, doc, [(amount, "Trial period" if trial else None) for amount in amounts])
    if doc["collection_method"] == "send_invoice" and doc["total"]:
        doc["due_date"] = writer.now + (subscription["days_until_due"] or 0) * 86400
        return writer.add("invoice", doc)
    writer.add("invoice", doc)
    doc = finalize(writer, doc, {})
    return pay(writer, doc, {"paid_out_of_band": True}) if doc["status"] == "open" and subscription["status"] == "active" else doc


def update(writer: Writer, doc: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    if doc["status"] != "draft" and set(params) - EDITABLE_LATER:
        raise errors.ApiError(400, "Finalized invoices can't be updated in this way", code="invoice_not_editable")
    after = {**doc, **with_fields(doc, params, PLAIN)}
    _due(writer, after, params)
    return writer.change("invoice", doc, **after)


def delete(writer: Writer, doc: dict[str, Any], _params: dict[str, Any]) -> dict[str, Any]:
    """Drafts of no subscription; then the id answers 404."""
    if doc["status"] != "draft" or doc["parent"]:
        raise errors.ApiError(400, "You can only delete draft invoices.", code="invoice_not_editable")
    return writer.remove("invoice", doc)


def add_lines(writer: Writer, doc: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    _must_be(doc, "draft")
    after = {**doc}
    _add_lines(writer, after, [(line.get("amount") or 0, line.get("description")) for line in params["lines"]])
    return writer.change("invoice", doc, **after)


def finalize(writer: Writer, doc: dict[str, Any], _params: dict[str, Any]) -> dict[str, Any]:
    _must_be(doc, "draft")
    count = writer.world.invoice_numbers[doc["customer"]] = writer.world.invoice_numbers.get(doc["customer"], 0) + 1
    transitions = {**doc["status_transitions"], "finalized_at": writer.now}
    number = doc["number"] or f"{doc['customer'][-8:].upper()}-{count:04}"
    doc = writer.put("invoice", doc, status="open", number=number, status_transitions=transitions, effective_at=writer.now)
    writer.emit("finalized", "invoice", doc)
    return pay(writer, doc, {"paid_out_of_band": True}) if doc["total"] == 0 else doc


def pay(writer: Writer, doc: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    if doc["status"] == "draft":
        doc = finalize(writer, doc, {})
    if doc["status"] == "paid":
        raise errors.ApiError(400, "Invoice is already paid", code="invoice_already_paid")
    _must_be(doc, "open", "uncollectible")
    customer = writer.world.find("customer", doc["customer"])
    means = params.get("paid_out_of_band") or params.get("payment_method") or params.get("source") or doc["default_payment_method"]
    if not means and not (customer and can_pay(customer)):
        raise errors.ApiError(400, "There is no `default_payment_method` set on this Customer or Invoice.", code="resource_missing")
    transitions = {**doc["status_transitions"], "paid_at": writer.now}
    values = {"amount_paid": doc["total"], "amount_remaining": 0, "attempted": True, "attempt_count": 1}
    doc = writer.put("invoice", doc, status="paid", status_transitions=transitions, **values)
    writer.emit("paid", "invoice", doc)
    writer.emit("payment_succeeded", "invoice", doc)
    return doc


def void(writer: Writer, doc: dict[str, Any], _params: dict[str, Any]) -> dict[str, Any]:
    return _end(writer, doc, "void", "voided", "open", "uncollectible")


def mark_uncollectible(writer: Writer, doc: dict[str, Any], _params: dict[str, Any]) -> dict[str, Any]:
    return _end(writer, doc, "uncollectible", "marked_uncollectible", "open")


def can_pay(customer: dict[str, Any]) -> bool:
    return bool(customer["default_source"] or customer["invoice_settings"]["default_payment_method"])


def _end(writer: Writer, doc: dict[str, Any], status: str, verb: str, *before: str) -> dict[str, Any]:
    _must_be(doc, *before)
    transitions = {**doc["status_transitions"], f"{verb}_at": writer.now}
    doc = writer.put("invoice", doc, status=status, status_transitions=transitions)
    writer.emit(verb, "invoice", doc)
    return doc


def _must_be(doc: dict[str, Any], *statuses: str) -> None:
    if doc["status"] not in statuses:
        message = f"This invoice is already {doc['status']}; only invoices that are {' or '.join(statuses)} can be changed in this way."
        raise errors.ApiError(400, message, code="invoice_not_editable")


def _new(writer: Writer, customer: dict[str, Any], currency: str) -> dict[str, Any]:
    doc = writer.new("invoice", objects.invoice)
    doc.update(customer=customer["id"], customer_email=customer["email"], customer_name=customer["name"], currency=currency.lower())
    doc.update(customer_address=customer["address"], customer_phone=customer["phone"], customer_tax_exempt=customer["tax_exempt"])
    doc["lines"] = objects.listing(f"/v1/invoices/{doc['id']}/lines", [])
    return doc


def _parent(subscription: str) -> dict[str, Any]:
    details: dict[str, Any] = {"metadata": {}, "subscription": subscription, "subscription_proration_date": None}
    return {"quote_details": None, "subscription_details": details, "type": "subscription_details"}


def _due(writer: Writer, doc: dict[str, Any], params: dict[str, Any]) -> None:
    if params.get("days_until_due") is not None:
        doc["due_date"] = writer.now + params["days_until_due"] * 86400


def _add_lines(writer: Writer, doc: dict[str, Any], lines: list[tuple[int, str | None]]) -> None:
    """Lines of these amounts and descriptions behind those that are there; the totals follow."""
    data = list(doc["lines"]["data"])
    for amount, description in lines:
        line = objects.line(writer.world.new_id("line"), doc, amount, created=writer.now)
        data.append({**line, "description": description})
    total = sum(line["amount"] for line in data)
    doc["lines"] = objects.listing(doc["lines"]["url"], data)
    names = ("amount_due", "amount_remaining", "subtotal", "subtotal_excluding_tax", "total", "total_excluding_tax")
    doc.update(dict.fromkeys(names, total))
