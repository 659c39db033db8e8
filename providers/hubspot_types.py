"""What HubSpot has: the object types, where they live, what of their associations is kept, and which version of the API is spoken.

A collection is named after the type in the singular, `hubspot:contact`. Types that only an account has (custom objects) are found by
`describe`, under their objectTypeId, `hubspot:2-3465404`, since webhooks name them so; the fully qualified name, `hubspot:p12345_car`, is
taken as well. Each of them is read and written like the others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pgsluice.providers.base import Collection, Field
from pgsluice.providers.errors import UnknownCollection


@dataclass(frozen=True, slots=True)
class Api:
    """The addresses of one version. https://developers.hubspot.com/docs/api-reference/latest/overview: dated versions beside v3 and v4."""

    objects: str = "crm/v3/objects"
    properties: str = "crm/v3/properties"
    schemas: str = "crm/v3/schemas"
    owners: str = "crm/v3/owners"
    associations: str = "crm/v4/associations"
    # https://developers.hubspot.com/docs/api-reference/latest/authentication/oauth-tokens: /oauth/v1/token is retired on 2027-02-16
    token: str = "oauth/2026-03/token"  # noqa: S105  an address
    introspect: str = "oauth/2026-03/token/introspect"
    account: str = "account-info/v3/details"


API: Final = Api()


@dataclass(frozen=True, slots=True)
class Source:
    path: str  # as it stands in addresses
    description: str
    mutations: tuple[str, ...] = ("create", "update", "upsert", "delete")
    # The property with the time of the last change. https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm
    modified: str = "hs_lastmodifieddate"
    # The types whose associations are kept in the record: each relation once, where there are few of them for one object.
    links: tuple[str, ...] = ()
    match_on: tuple[str, ...] = ()


_ENGAGEMENT: Final = ("contacts", "companies", "deals", "tickets")
OWNER: Final = "hubspot:owner"
SOURCES: Final[Mapping[str, Source]] = {
    "hubspot:contact": Source(
        "contacts", "people", modified="lastmodifieddate", links=("companies",), match_on=("properties.email", "email")
    ),
    "hubspot:company": Source("companies", "organisations"),
    "hubspot:deal": Source("deals", "sales in the making, won or lost", links=("contacts", "companies")),
    "hubspot:ticket": Source("tickets", "requests for help", links=("contacts", "companies", "deals")),
    "hubspot:product": Source("products", "what can be sold"),
    "hubspot:line_item": Source("line_items", "products as they stand in a deal or a quote", links=("deals", "quotes")),
    "hubspot:quote": Source("quotes", "offers to buyers", links=("contacts", "companies", "deals")),
    # https://developers.hubspot.com/docs/api-reference/latest/crm/owners: no search, no writes
    OWNER: Source("owners", "users of the account, to whom records are assigned", mutations=()),
    "hubspot:call": Source("calls", "logged calls", links=_ENGAGEMENT),
    "hubspot:email": Source("emails", "logged emails", links=_ENGAGEMENT),
    "hubspot:meeting": Source("meetings", "logged meetings", links=_ENGAGEMENT),
    "hubspot:note": Source("notes", "notes on records", links=_ENGAGEMENT),
    "hubspot:task": Source("tasks", "what is to be done", links=_ENGAGEMENT),
}
# https://developers.hubspot.com/docs/api-reference/latest/crm/objects: the numbers by which webhooks name the standard types
TYPE_IDS: Final[Mapping[str, str]] = {
    "0-1": "hubspot:contact",
    "0-2": "hubspot:company",
    "0-3": "hubspot:deal",
    "0-5": "hubspot:ticket",
    "0-7": "hubspot:product",
    "0-8": "hubspot:line_item",
    "0-14": "hubspot:quote",
    "0-27": "hubspot:task",
    "0-46": "hubspot:note",
    "0-47": "hubspot:meeting",
    "0-48": "hubspot:call",
    "0-49": "hubspot:email",
    "0-115": OWNER,
}
# What the collections of an account of its own are called; and of any account.
_OWN: Final = "[0-9]{1,3}-[0-9]{1,15}|p[0-9]{0,15}_[a-z0-9_]{1,100}"
FORM: Final = f"hubspot:({_OWN}|[a-z_]{{1,40}})"
_CUSTOM: Final = re.compile(f"hubspot:({_OWN})", re.ASCII)

# What every object has. https://developers.hubspot.com/docs/api-reference/latest/crm/objects/objects
FIELDS: Final = (
    Field("id", "text", primary_key=True, description="HubSpot's id"),
    Field("properties", "object", description="all properties that the account has, each a text or null"),
    Field("createdAt", "time"),
    Field("updatedAt", "time"),
    Field("archived", "boolean"),
    Field("url", "text"),
)
_LINKS_FIELD: Final = Field("associations", "object", description="of each other type, the list of the associated objects")
_OWNER_FIELDS: Final = (
    Field("id", "text", primary_key=True, description="HubSpot's id"),
    Field("email", "text"),
    Field("type", "text"),
    Field("firstName", "text"),
    Field("lastName", "text"),
    Field("userId", "integer"),
    Field("userIdIncludingInactive", "integer"),
    Field("createdAt", "time"),
    Field("updatedAt", "time"),
    Field("archived", "boolean"),
    Field("teams", "array"),
)


def source_of(collection_id: str) -> Source:
    """Raises UnknownCollection for what has not the form of one."""
    known = SOURCES.get(collection_id)
    if known is not None:
        return known
    custom = _CUSTOM.fullmatch(collection_id)
    if custom is None:
        raise UnknownCollection(
            f"HubSpot has no collection {collection_id[:200]!r}",
            hint=f"there are {', '.join(SOURCES)}, and custom objects by their objectTypeId, as hubspot:2-3465404",
        )
    return Source(custom[1], "a custom object", links=_ENGAGEMENT)


def fields_of(collection_id: str) -> tuple[Field, ...]:
    if collection_id == OWNER:
        return _OWNER_FIELDS
    return (*FIELDS, _LINKS_FIELD) if source_of(collection_id).links else FIELDS


COLLECTIONS: Final[Mapping[str, Collection]] = {
    collection_id: Collection(collection_id, source.description, source.mutations, fields_of(collection_id), source.match_on)
    for collection_id, source in SOURCES.items()
}
