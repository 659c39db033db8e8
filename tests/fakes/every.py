"""Any kind of object with parameters that its creation takes, out of the vendor's description."""

from __future__ import annotations

from typing import Any

from fakes.stripe import StripeFake, table

Doc = dict[str, Any]
_SAMPLES: Doc = {
    "text": "x",
    "integer": 5,
    "boolean": True,
    "number": 2.5,
    "object": {"type": "x"},
    "array": [{"quantity": "1"}],
    "any": "x",
}
# Listed for each financial account only.
BELOW_ACCOUNTS = frozenset(kind for kind in table.KINDS if "financial_account" in table.published(kind)["verbs"]["list"]["needed"])
# Listed for each customer or account only, and addressed below it: kind → the member that names that.
BELOW_OTHERS = {kind: table.row(kind).below[1] for kind in table.KINDS if table.row(kind).below}
# The handmade kinds come first: others may name them.
KINDS = ("customer", "product", "price", "plan", "subscription", "invoice", *table.KINDS)


def params(kind: str) -> Doc:
    """What the vendor demands for a creation; nothing for what only the vendor makes."""
    create = table.published(kind)["verbs"].get("create")
    if create is None or kind == "file":
        return {}
    found = {name: _SAMPLES.get(what, what[1:]) for name, what in create["params"].items() if name in create["needed"]}
    if kind == "webhook_endpoint":
        found |= {"url": "https://127.0.0.1:9/", "enabled_events": ["topup.created"]}
    if kind == "payment_method_domain":
        found["domain_name"] = "example.com"
    return found


def make(fake: StripeFake, kind: str, number: int = 0) -> str:
    """An object of that kind, and what it needs. Answers its id."""
    if kind in table.KINDS:
        extra: Doc = {}
        if kind == "tax_id":
            extra = {"owner": {"type": "customer", "customer": _some(fake, "customer")} if number % 2 else {"type": "self"}}
        elif kind == "radar_value_list_item":
            extra = {"value_list": _some(fake, "radar_value_list")}
        elif kind in BELOW_OTHERS:
            extra = {BELOW_OTHERS[kind]: _some(fake, BELOW_OTHERS[kind])}
        elif kind in BELOW_ACCOUNTS:
            extra = {"financial_account": _some(fake, "treasury_financial_account")}
        elif kind == "file_link":
            extra = {"file": _some(fake, "file")}
        elif kind == "payment_method" and number % 2:
            extra = {"type": "custom"}
        return str(fake.create(kind, **{**params(kind), **extra})["id"])
    return str(_MAKERS[kind](fake)["id"])


def upstream_id(fake: StripeFake, kind: str, id_: str) -> str:
    """What an object is called by whoever has to find it again: what it lies below, too."""
    return f"{fake.objects(kind)[id_][BELOW_OTHERS[kind]]}/{id_}" if kind in BELOW_OTHERS else id_


def _some(fake: StripeFake, kind: str) -> str:
    found = list(fake.objects(kind))
    return found[-1] if found else make(fake, kind)


def _price(fake: StripeFake) -> Doc:
    product = _some(fake, "product")
    return fake.create("price", product=product, currency="usd", unit_amount=500, recurring={"interval": "month"})


def _subscription(fake: StripeFake) -> Doc:
    price = next((id_ for id_, doc in fake.objects("price").items() if doc["recurring"] and doc["active"]), None) or _price(fake)["id"]
    return fake.create("subscription", customer=_some(fake, "customer"), items=[{"price": price}], trial_period_days=14)


_MAKERS: dict[str, Any] = {
    "customer": lambda fake: fake.create("customer", name="Ada"),
    "product": lambda fake: fake.create("product", name="Gold"),
    "price": _price,
    "plan": lambda fake: fake.create("plan", product=_some(fake, "product"), currency="usd", amount=700, interval="year"),
    "subscription": _subscription,
    "invoice": lambda fake: fake.create("invoice", customer=_some(fake, "customer")),
}
