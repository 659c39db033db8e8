"""Which URL does what."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import unquote

from fakes.stripe import catalog, customers, errors, generic, invoices, items, subscriptions
from fakes.stripe.forms import Kind, required_text, several
from fakes.stripe.table import KINDS, published, row
from fakes.stripe.writing import Writer

Params = dict[str, Any]
EXPAND: Mapping[str, Kind] = {"expand": several(required_text)}


@dataclass(frozen=True)
class Change:
    """A change of one kind of object: the parameters it takes, and what it does: (writer, params) or (writer, object, params)."""

    run: Callable[..., Params]
    kinds: Mapping[str, Kind]
    required: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kindred:
    """All that can be done with one kind of object."""

    kind: str
    param: str  # the vendor's name of the id in a path, seen in errors
    create: Change | None = None
    update: Change | None = None
    delete: Change | None = None
    actions: Mapping[str, Change] | None = None


def _of_table(kind: str) -> Kindred:
    verbs = published(kind)["verbs"]

    def change(verb: str, run: Callable[..., Params]) -> Change | None:
        return Change(run, *generic.parameters(kind, verb)) if verb in verbs else None

    known = ("list", "create", "retrieve", "update", "delete")
    actions = {verb: change(verb, partial(generic.act, kind, verb)) for verb in verbs if verb not in known}
    return Kindred(
        kind,
        "id",
        change("create", partial(generic.create, kind)),
        change("update", partial(generic.update, kind)),
        change("delete", partial(generic.delete, kind)),
        {verb: done for verb, done in actions.items() if done is not None},
    )


RESOURCES: Mapping[str, Kindred] = {
    **{row(kind).path: _of_table(kind) for kind in KINDS},
    "customers": Kindred(
        "customer",
        "id",
        Change(customers.create, customers.CREATE),
        Change(customers.update, customers.UPDATE),
        Change(customers.delete, {}),
    ),
    "products": Kindred(
        "product",
        "id",
        Change(catalog.product_create, catalog.PRODUCT_CREATE, ("name",)),
        Change(catalog.product_update, catalog.PRODUCT_UPDATE),
        Change(catalog.product_delete, {}),
    ),
    "prices": Kindred(
        "price",
        "price",
        Change(catalog.price_create, catalog.PRICE_CREATE, ("currency",)),
        Change(catalog.price_update, catalog.PRICE_UPDATE),
    ),
    "plans": Kindred(
        "plan",
        "plan",
        Change(catalog.plan_create, catalog.PLAN_CREATE, ("currency", "interval")),
        Change(catalog.plan_update, catalog.PLAN_UPDATE),
        Change(catalog.plan_delete, {}),
    ),
    "subscriptions": Kindred(
        "subscription",
        "id",
        Change(subscriptions.create, subscriptions.CREATE, ("customer", "items")),
        Change(subscriptions.update, subscriptions.UPDATE),
        Change(subscriptions.cancel, subscriptions.CANCEL),
    ),
    "invoices": Kindred(
        "invoice",
        "invoice",
        Change(invoices.create, invoices.CREATE, ("customer",)),
        Change(invoices.update, invoices.UPDATE),
        Change(invoices.delete, {}),
        {
            "add_lines": Change(invoices.add_lines, invoices.ADD_LINES, ("lines",)),
            "finalize": Change(invoices.finalize, invoices.FINALIZE),
            "mark_uncollectible": Change(invoices.mark_uncollectible, {}),
            "pay": Change(invoices.pay, invoices.PAY),
            "void": Change(invoices.void, {}),
        },
    ),
    "events": Kindred("event", "id"),
    "subscription_items": Kindred(
        "subscription_item",
        "id",
        Change(items.create, items.CREATE, ("subscription",)),
        Change(items.update, items.UPDATE),
        Change(items.delete, items.DELETE),
    ),
}
# What lies below others: (their path, its list there) → its kind.
_BELOW = {(row(kind).below[0], row(kind).below[2]): kind for kind in KINDS if row(kind).below}
URLS = {kindred.kind: f"/v1/{name}" for name, kindred in RESOURCES.items()}


@dataclass(frozen=True)
class Route:
    """`verb`: account, list, get, create, change (an object's update, deletion, action), lines, items."""

    verb: str
    kindred: Kindred
    id: str = ""
    change: Change | None = None
    member: str = ""
    parent: tuple[str, ...] = ()  # kind of the object that the path leads through, the member that names it, its id

    @property
    def permission(self) -> str:
        """The name by which a restricted key is given this."""
        return f"rak_{self.kindred.kind}_{'write' if self.change else 'read'}"


ACCOUNT = Kindred("account", "account")
ITEMS = Kindred("subscription_item", "id")


def find(method: str, path: str) -> Route:
    """404 in the vendor's words for what is not there."""
    route = _find(method, [unquote(part) for part in path.split("/")])
    if route is not None:
        return route
    if re.fullmatch(r"/v1/\w+/", path):
        raise errors.ApiError(
            404,
            f"Unrecognized request URL ({method}: {path}). If you are trying to list objects, remove the trailing slash. If you are trying "
            "to retrieve an object, make sure you passed a valid (non-empty) identifier in your code. Please see https://stripe.com/docs "
            f"or we can help at {errors.SUPPORT}.",
        )
    raise errors.unknown_url(method, path)


def _find(method: str, parts: list[str]) -> Route | None:
    match (method, parts):
        case "GET", ["", "v1", "account"]:
            return Route("account", ACCOUNT)
        case "GET", ["", "v1", "subscription_items"]:
            return Route("items", ITEMS)
        case "GET", ["", "v1", "subscription_items", id_]:
            return Route("item", ITEMS, id_)
        case "GET", ["", "v1", "invoices", id_, "lines"]:
            return Route("lines", RESOURCES["invoices"], id_)
        case "GET", ["", "v1", "customers", id_, "tax_ids"]:
            return Route("tax_ids", RESOURCES["customers"], id_)
        case _, ["", "v1", one, id_, two, *rest] if (one, two) in _BELOW:
            kind = _BELOW[one, two]
            found = _of(RESOURCES[row(kind).path], method, rest)
            return found and replace(found, parent=(RESOURCES[one].kind, row(kind).below[1], id_))
        case _, ["", "v1", one, two, *rest] if f"{one}/{two}" in RESOURCES:
            return _of(RESOURCES[f"{one}/{two}"], method, rest)
        case _, ["", "v1", name, *rest] if name in RESOURCES:
            return _of(RESOURCES[name], method, rest)
    return None


def _of(kindred: Kindred, method: str, rest: list[str]) -> Route | None:
    match (method, rest):
        case "GET", []:
            return Route("list", kindred)
        case "POST", [] if kindred.create:
            return Route("create", kindred, change=kindred.create)
        case "GET", [id_] if id_:
            return Route("get", kindred, id_)
        case "GET", [id_, member] if kindred.kind in KINDS and member in row(kindred.kind).lists:
            return Route("nested", kindred, id_, member=member)
        case "POST", [id_] if kindred.update and id_:
            return Route("change", kindred, id_, kindred.update)
        case "DELETE", [id_] if kindred.delete and id_:
            return Route("change", kindred, id_, kindred.delete)
        case "POST", [id_, action] if kindred.actions and action in kindred.actions:
            return Route("change", kindred, id_, kindred.actions[action])
    return None


def run(route: Route, writer: Writer, params: Params) -> Params:
    """Carries out a change; answers the object, as stored."""
    assert route.change is not None
    if route.parent:
        kind, member, id_ = route.parent
        writer.need(kind, id_, kind)
        if route.verb != "create" and writer.need(route.kindred.kind, route.id, "id")[member] != id_:
            raise errors.missing(route.kindred.kind, route.id, route.kindred.kind)
        params = {**params, member: id_} if route.verb == "create" else params
    if route.verb == "create" or route.kindred.kind == "subscription_item":
        params = params if route.verb == "create" else {**params, "id": route.id}
        return route.change.run(writer, params)
    return route.change.run(writer, writer.need(route.kindred.kind, route.id, route.kindred.param), params)
