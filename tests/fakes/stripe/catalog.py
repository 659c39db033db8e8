"""Products, prices, plans: https://docs.stripe.com/api/products, /prices, /plans. A recurring price and a plan are one thing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from fakes.stripe import errors, objects
from fakes.stripe.forms import (
    Kind,
    anything,
    between,
    boolean,
    choice,
    decimal,
    fields,
    integer,
    metadata,
    required_text,
    several,
    text,
)
from fakes.stripe.writing import Writer, with_fields

INTERVAL = choice("day", "month", "week", "year")
USAGE = choice("licensed", "metered")
RECURRING = fields(
    {"interval": INTERVAL, "interval_count": between(1, 1095), "meter": text, "trial_period_days": integer, "usage_type": USAGE}
)
PRODUCT_SHARED: dict[str, Kind] = {
    "active": boolean,
    "description": text,
    "images": several(required_text, 8),
    "marketing_features": anything,
    "metadata": metadata,
    "name": required_text,
    "package_dimensions": anything,
    "shippable": boolean,
    "statement_descriptor": text,
    "tax_code": text,
    "tax_details": anything,
    "unit_label": text,
}
PRODUCT_PRICE = fields(
    {"currency": required_text, "recurring": RECURRING, "unit_amount": integer, "unit_amount_decimal": decimal, "metadata": metadata}
)
PRODUCT_CREATE: dict[str, Kind] = {
    **PRODUCT_SHARED,
    "default_price_data": PRODUCT_PRICE,
    "id": text,
    "type": choice("good", "service"),
    "url": text,
}
PRODUCT_UPDATE: dict[str, Kind] = {**PRODUCT_SHARED, "default_price": text, "url": text}
PRODUCT_FIELDS = ("active", "description", "images", "marketing_features", "name", "package_dimensions", "shippable",
                  "statement_descriptor", "tax_code", "type", "unit_label", "url")  # fmt: skip

PRICE_UPDATE: dict[str, Kind] = {
    "active": boolean,
    "currency_options": anything,
    "lookup_key": text,
    "metadata": metadata,
    "nickname": text,
    "tax_behavior": choice("exclusive", "inclusive", "unspecified"),
    "transfer_lookup_key": boolean,
}
PRICE_CREATE: dict[str, Kind] = {
    **PRICE_UPDATE,
    "billing_scheme": choice("per_unit", "tiered"),
    "currency": required_text,
    "custom_unit_amount": anything,
    "product": required_text,
    "product_data": fields({"active": boolean, "id": text, "metadata": metadata, "name": required_text, "statement_descriptor": text,
                            "tax_code": text, "unit_label": text}),
    "recurring": RECURRING,
    "tiers": anything,
    "tiers_mode": choice("graduated", "volume"),
    "transform_quantity": anything,
    "unit_amount": integer,
    "unit_amount_decimal": decimal,
}  # fmt: skip
PLAN_UPDATE: dict[str, Kind] = {
    "active": boolean,
    "metadata": metadata,
    "nickname": text,
    "product": required_text,
    "trial_period_days": integer,
}
PLAN_CREATE: dict[str, Kind] = {
    **PLAN_UPDATE,
    "amount": integer,
    "amount_decimal": decimal,
    "billing_scheme": choice("per_unit", "tiered"),
    "currency": required_text,
    "id": text,
    "interval": INTERVAL,
    "interval_count": between(1, 1095),
    "meter": text,
    "product": anything,
    "tiers": anything,
    "tiers_mode": choice("graduated", "volume"),
    "transform_usage": anything,
    "usage_type": USAGE,
}


def product_create(writer: Writer, params: dict[str, Any]) -> dict[str, Any]:
    _not_taken(writer, "product", params.get("id"))
    doc = writer.new("product", objects.product, params.get("id"))
    doc.update(with_fields(doc, params, PRODUCT_FIELDS))
    writer.add("product", doc)
    if params.get("default_price_data"):
        price = price_create(writer, {**params["default_price_data"], "product": doc["id"]})
        doc = writer.put("product", doc, default_price=price["id"])
    return doc


def product_update(writer: Writer, doc: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    values = with_fields(doc, params, (*PRODUCT_FIELDS, "default_price"))
    if params.get("default_price"):
        writer.need("price", params["default_price"], "default_price", status=400)
    if all(doc[name] == value for name, value in values.items()):
        return doc
    return writer.change("product", doc, **values, updated=writer.now)


def product_delete(writer: Writer, doc: dict[str, Any], _params: dict[str, Any]) -> dict[str, Any]:
    if any(record.doc.get("product") == doc["id"] for record in writer.world.collection("price")):
        raise errors.ApiError(400, "This product cannot be deleted because it has one or more user-created prices.")
    return writer.remove("product", doc)


def price_create(writer: Writer, params: dict[str, Any]) -> dict[str, Any]:
    product = _product_of(writer, params)
    _amount_given(params, "unit_amount", ("unit_amount_decimal", "custom_unit_amount", "tiers"))
    _take_lookup_key(writer, params)
    doc = writer.new("price", objects.price)
    names = ("active", "billing_scheme", "custom_unit_amount", "lookup_key", "nickname", "tax_behavior", "tiers_mode", "transform_quantity")
    doc.update(with_fields(doc, params, names))
    doc.update(product=product, currency=params["currency"].lower(), **_amounts(params, "unit_amount"))
    if params.get("recurring"):
        given = params["recurring"]
        if "interval" not in given:
            raise errors.missing_parameter("recurring[interval]")
        usage = given.get("usage_type", "licensed")
        count, trial = given.get("interval_count", 1), given.get("trial_period_days")
        doc["recurring"] = objects.recurring(given["interval"], count, trial=trial, usage=usage, meter=given.get("meter"))
        doc["type"] = "recurring"
    return writer.add("price", doc)


def price_update(writer: Writer, doc: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    _take_lookup_key(writer, params, doc["id"])
    return writer.change("price", doc, **with_fields(doc, params, ("active", "lookup_key", "nickname", "tax_behavior")))


def plan_create(writer: Writer, params: dict[str, Any]) -> dict[str, Any]:
    """Answers the price that it is; the reply shows it as a plan."""
    _not_taken(writer, "plan", params.get("id"))
    product = params.get("product")
    if product is None:
        raise errors.missing_parameter("product")
    known = {"product": product} if isinstance(product, str) else {"product_data": PRICE_CREATE["product_data"](product, "product")}
    _amount_given(params, "amount", ("amount_decimal", "tiers"))
    doc = writer.new("plan", objects.price, params.get("id"))
    doc.update(with_fields(doc, params, ("active", "billing_scheme", "nickname", "tiers_mode")))
    doc.update(product=_product_of(writer, known), currency=params["currency"].lower(), type="recurring", **_amounts(params, "amount"))
    doc["transform_quantity"] = params.get("transform_usage")
    usage, trial = params.get("usage_type", "licensed"), params.get("trial_period_days")
    doc["recurring"] = objects.recurring(
        params["interval"], params.get("interval_count", 1), trial=trial, usage=usage, meter=params.get("meter")
    )
    return writer.add("price", doc)


def plan_update(writer: Writer, doc: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    price = writer.need("price", doc["id"], "plan")
    values = with_fields(price, params, ("active", "nickname", "product"))
    if "product" in params:
        writer.need("product", params["product"], "product", status=400)
    if "trial_period_days" in params:
        values["recurring"] = {**price["recurring"], "trial_period_days": params["trial_period_days"]}
    return writer.change("price", price, **values)


def plan_delete(writer: Writer, doc: dict[str, Any], _params: dict[str, Any]) -> dict[str, Any]:
    """The price goes with it. Subscribers keep their copy: https://docs.stripe.com/api/plans/delete."""
    writer.remove("price", writer.need("price", doc["id"], "plan"))
    return {"id": doc["id"], "object": "plan", "deleted": True}


def _not_taken(writer: Writer, kind: str, id_: str | None) -> None:
    if id_ and writer.world.collection(kind).get(id_):
        raise errors.ApiError(400, f"{kind.capitalize()} already exists.", code="resource_already_exists", param="id")


def _product_of(writer: Writer, params: dict[str, Any]) -> str:
    if params.get("product_data"):
        return str(product_create(writer, params["product_data"])["id"])
    if "product" not in params:
        raise errors.missing_parameter("product")
    return str(writer.need("product", params["product"], "product", status=400)["id"])


def _amount_given(params: dict[str, Any], name: str, others: tuple[str, ...]) -> None:
    if params.get(name) is None and not any(params.get(other) is not None for other in others):
        raise errors.missing_parameter(name)


def _amounts(params: dict[str, Any], name: str) -> dict[str, Any]:
    """Both spellings of an amount: a whole number of minor units where it is one, and a decimal string."""
    given = params.get(name)
    exact = params.get(f"{name}_decimal") or (None if given is None else str(given))
    if exact is None:
        return {"unit_amount": None, "unit_amount_decimal": None}
    whole = int(Decimal(exact)) if Decimal(exact) == int(Decimal(exact)) else None
    return {"unit_amount": whole, "unit_amount_decimal": exact}


def _take_lookup_key(writer: Writer, params: dict[str, Any], own: str | None = None) -> None:
    key = params.get("lookup_key")
    if not key:
        return
    for record in writer.world.collection("price"):
        if record.doc.get("lookup_key") == key and record.id != own:
            if not params.get("transfer_lookup_key"):
                raise errors.invalid(f"A price (`{record.id}`) already uses that lookup key.", "lookup_key")
            writer.change("price", record.doc, lookup_key=None)
