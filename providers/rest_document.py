"""A provider document as values: what `documents/schema.json` describes, once it has been checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from pgsluice.providers.rest_access import Auth, Frozen, Hooks

ErrorWord = Literal[
    "unauthorized", "expired", "forbidden", "rate_limited", "retry", "missing", "refused", "conflict", "unreadable", "lost_place", "empty"
]
FieldType = Literal["text", "integer", "number", "boolean", "time", "date", "object", "array", "any"]
WRITES = ("create", "update", "upsert", "delete")


class Time(Frozen, frozen=True, kw_only=True):
    """A time in a record."""

    path: str
    format: str = "auto"


class Marker(Frozen, frozen=True, kw_only=True):
    """A condition on a record: the value at `path` is one of `equals`, or (without it) more than nothing."""

    path: str
    equals: Any = None


class Nested(Marker, frozen=True, kw_only=True):
    """Which records are parents of further ones in the same list."""

    but: Marker | None = None


class Paging(Frozen, frozen=True, kw_only=True):
    """How the next page is found."""

    style: Literal["none", "link", "next_url", "cursor", "scroll", "offset", "page", "keyset"]
    next: str = ""  # where the cursor or the address of the next page stands in the body
    header: str = ""  # or in which header
    more: str = ""  # a boolean in the body: there are more pages
    end: str = ""  # a boolean in the body: this was the last page
    total: str = ""  # how many records there are in all
    pages: str = ""  # how many pages
    first: int | None = None  # number of the first page, or offset
    by: str = ""  # keyset: what in the last record to go on behind; its id unless it says otherwise
    short_page_ends: bool = False  # a page with fewer records than asked for is the last one


class Graphql(Frozen, frozen=True, kw_only=True):
    """A GraphQL request."""

    query: str
    variables: Mapping[str, Any] = {}


class Ask(Frozen, frozen=True, kw_only=True):
    """A request."""

    path: str = ""
    method: str = ""
    params: Mapping[str, Any] = {}
    headers: Mapping[str, str] = {}
    body: Any = None
    graphql: Graphql | None = None
    encoding: Literal["json", "form"] = "json"
    cost: float = 1.0

    @property
    def verb(self) -> str:
        return self.method or ("POST" if self.body is not None or self.graphql else "GET")


class Listing(Ask, frozen=True, kw_only=True):
    """A list of records."""

    records: str = ""
    item: str = ""  # where in an element of that array the record is
    empty_if_absent: bool = False
    single: bool = False  # what stands at `records` is one record, no array
    page_size: int = 100
    paging: Paging = Paging(style="none")
    total: str = ""
    etag: bool = False
    skip: Marker | None = None  # records that belong to another collection


class Incremental(Listing, frozen=True, kw_only=True):
    """What of the list has changed since a time. Completed with what the list says."""

    format: str = "iso"  # of {since} and {until}
    order: Literal["asc", "desc", "none"] = "none"
    overlap: str = "60s"
    blur: str = ""  # how inexact the vendor's filter is: {since} is said so much earlier
    start: str = "1970-01-01"
    from_start: bool = False  # the first reading is this list, too, from `start` on
    resume: Literal["time", "cursor"] = "time"
    retention: str = ""
    move_after: int | None = None  # so many records, then the list is asked anew from the last time on
    max_depth: int | None = None  # more records than this cannot be reached in one list
    every: str = ""
    narrows_parents: bool = False  # a changed child is a change of its parent, too


class Parts(Frozen, frozen=True, kw_only=True):
    """The first reading in pieces by date, side by side."""

    params: Mapping[str, Any]
    start: str
    every: str
    format: str = "iso"


class Deletions(Listing, frozen=True, kw_only=True):
    """A list of what was deleted, newest first or filtered by {since}."""

    id: str = "id"
    deleted_at: Time | None = None
    format: str = "iso"
    order: Literal["desc", "none"] = "desc"
    overlap: str = "60s"


class Fetch(Ask, frozen=True, kw_only=True):
    """One object."""

    record: str = ""


class Batch(Frozen, frozen=True, kw_only=True):
    """Several writes in one request."""

    size: int
    each: Any = "{data}"
    id: str = "{id}"  # what {ids} consists of
    results: str = ""
    error: str = ""


class Idempotency(Frozen, frozen=True, kw_only=True):
    """For how long the vendor recognises a repeated write by {key}."""

    window: str


class Write(Ask, frozen=True, kw_only=True):
    """One write, or a batch."""

    record: str | None = None  # where the object is in the answer; null: the answer lacks it
    id: str = ""  # where its id is, in the answer; in the record unless it says otherwise
    errors: str = ""  # a list in an answer of success that says what was refused
    match_on: tuple[str, ...] = ()
    take: Mapping[str, str] = {}  # placeholder → member of the data that it stands for and that is not sent in the body
    batch: Batch | None = None
    idempotency: Idempotency | None = None  # of this write, where the vendor recognises not all of them, or not as long


class Describe(Listing, frozen=True, kw_only=True):
    """A list of the fields that this account has."""

    name: str = "name"  # where a field's name is, as it stands in the records
    type: str = ""  # where its type is, in the vendor's words
    types: Mapping[str, FieldType] = {}  # what those mean
    label: str = ""


class FieldSpec(Frozen, frozen=True, kw_only=True):
    """A field of the records."""

    type: FieldType = "any"
    key: bool = False
    description: str = ""


class Instead(Frozen, frozen=True, kw_only=True):
    """The lists that credentials of one kind read."""

    list: Listing
    incremental: Incremental | None = None


class Collection(Frozen, frozen=True, kw_only=True):
    """One object type."""

    list: Listing
    id: str = "id"
    description: str = ""
    created_at: Time | None = None
    updated_at: Time | None = None
    deleted: Marker | None = None
    omit: tuple[str, ...] = ()  # members that say nothing of the object
    parent: str | None = None
    nested: Nested | None = None
    fragment: str = ""  # of GraphQL, for all queries of the collection
    incremental: Incremental | None = None
    parts: Parts | None = None
    deletions: Deletions | None = None
    sweep: str | None = None
    fetch: Fetch | None = None
    create: Write | None = None
    update: Write | None = None
    upsert: Write | None = None
    delete: Write | None = None
    fields: Mapping[str, FieldSpec] = {}
    describe: Describe | None = None  # fields that differ between accounts
    instead: Mapping[str, Instead] = {}  # kind of credential → its own lists


class Subscribe(Frozen, frozen=True, kw_only=True):
    """How webhooks are registered with the vendor."""

    list: Listing
    create: Ask
    address: str  # where a subscription says where it sends
    credentials: tuple[str, ...] = ()  # the kinds that may; left out: all
    parent: str | None = None  # a collection each record of which has subscriptions of its own
    id: str = "id"
    id_behind: str = ""  # the id is what stands behind this text
    created_id: str = "id"  # where the answer to create has it
    topics: str = ""  # where a subscription says what it is about
    active: Marker | None = None
    expires: Time | None = None
    renew_before: str = "2d"
    secret: str = ""  # where the answer to create has the secret; left out: {secret} is one that we choose
    update: Ask | None = None  # switches on again, and sets the topics
    renew: Ask | None = None
    delete: Ask | None = None


class Webhooks(Hooks, frozen=True, kw_only=True):
    """What the vendor sends by itself, and how that is registered."""

    subscribe: Subscribe | None = None


class Rule(Frozen, frozen=True, kw_only=True):
    """What a reply means."""

    means: ErrorWord
    status: tuple[int, ...] = ()
    headers: Mapping[str, str] = {}
    path: str = ""
    matches: str = ""
    wait: str = ""  # how long, where the reply does not say
    hint: str = ""


class Errors(Frozen, frozen=True, kw_only=True):
    """How the vendor says what is wrong."""

    message: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()


class Budget(Frozen, frozen=True, kw_only=True):
    """So many requests in a time."""

    requests: float
    per: str


class Quota(Frozen, frozen=True, kw_only=True):
    """Where a reply says what is left."""

    remaining: str = ""
    reset: str = ""
    reset_is: Literal["unix", "ms", "seconds"] = "unix"
    restore: str = ""


class Limits(Frozen, frozen=True, kw_only=True):
    """What the vendor allows."""

    budget: tuple[Budget, ...] = ()
    headers: tuple[Quota, ...] = ()
    body: Quota | None = None


class Document(Frozen, frozen=True, kw_only=True):
    """A provider document."""

    name: str
    base_url: str
    auth: Mapping[str, Auth]
    collections: Mapping[str, Collection]
    title: str = ""
    docs: str = ""
    description: str = ""
    headers: Mapping[str, str] = {}
    errors: Errors = Errors()
    limits: Limits = Limits()
    idempotency: Idempotency | None = None
    identify: Fetch | None = None
    webhooks: Webhooks | None = None
    notes: tuple[str, ...] = ()

    def collection_id(self, name: str) -> str:
        return f"{self.name}:{name}"


def with_lists_of(given: Document, suffix: str) -> Document:
    """The document as credentials of one kind read it; itself where they read it like all others."""
    own = {name: spec.instead[suffix] for name, spec in given.collections.items() if suffix in spec.instead}
    if not own:
        return given
    read = {name: msgspec.structs.replace(given.collections[name], list=it.list, incremental=it.incremental) for name, it in own.items()}
    return msgspec.structs.replace(given, collections={**given.collections, **read})


def document(data: Mapping[str, Any]) -> Document:
    """The values of a document. Raises msgspec.ValidationError, whose words name the place, for what the schema would refuse."""
    collections = {name: _completed(given) for name, given in data.get("collections", {}).items()}
    rules = [_with_statuses(rule) for rule in data.get("errors", {}).get("rules", ())]
    limits = {**data.get("limits", {})}
    if isinstance(limits.get("headers"), Mapping):
        limits["headers"] = [limits["headers"]]
    errors = {**data.get("errors", {}), "rules": rules}
    if isinstance(errors.get("message"), str):
        errors["message"] = [errors["message"]]
    auth = {suffix: _with_token_address(given) for suffix, given in data.get("auth", {}).items()}
    hooks = {"webhooks": _with_expiry(data["webhooks"])} if isinstance(data.get("webhooks"), Mapping) else {}
    return msgspec.convert({**data, **hooks, "auth": auth, "collections": collections, "errors": errors, "limits": limits}, Document)


def _with_expiry(hooks: Mapping[str, Any]) -> dict[str, Any]:
    """The short form of a time written out."""
    spec = hooks.get("subscribe")
    if not isinstance(spec, Mapping) or not isinstance(spec.get("expires"), str):
        return dict(hooks)
    return {**hooks, "subscribe": {**spec, "expires": {"path": spec["expires"]}}}


def _with_token_address(auth: Mapping[str, Any]) -> dict[str, Any]:
    """A consent takes from `renew` what it does not say itself: tokens come from one address."""
    consent, renew = auth.get("consent"), auth.get("renew", {})
    if not isinstance(consent, Mapping):
        return dict(auth)
    taken = {name: renew[name] for name in ("encoding", "client", "headers", "base_url") if name in renew}
    return {**auth, "consent": {**taken, **({"token": renew["url"]} if "url" in renew else {}), **consent}}


def _completed(given: Mapping[str, Any]) -> dict[str, Any]:
    """A collection with its short forms written out, and the incremental list with what it takes from the list."""
    found = dict(given)
    for name in ("created_at", "updated_at"):
        if isinstance(found.get(name), str):
            found[name] = {"path": found[name]}
    found["fields"] = {name: {"type": spec} if isinstance(spec, str) else spec for name, spec in given.get("fields", {}).items()}
    if isinstance(found.get("incremental"), Mapping):
        found["incremental"] = _merged(given.get("list", {}), found["incremental"])
    if isinstance(found.get("instead"), Mapping):
        found["instead"] = {kind: _own_lists(own, given.get("incremental")) for kind, own in found["instead"].items()}
    if isinstance(found.get("deletions"), Mapping):
        at = found["deletions"].get("deleted_at")
        found["deletions"] = {**found["deletions"], **({"deleted_at": {"path": at}} if isinstance(at, str) else {})}
    if isinstance(fragment := found.get("fragment"), str):
        found = {name: _with_fragment(part, fragment) for name, part in found.items()}
    return found


def _own_lists(own: Any, incremental: Any) -> Any:
    """A feed of changes is there for every kind of credential, or for none."""
    if not isinstance(own, Mapping) or not isinstance(incremental, Mapping):
        return own
    return {**own, "incremental": _merged(own.get("list", {}), own.get("incremental", {}))}


def _with_fragment(part: Any, fragment: str) -> Any:
    """A query that spreads a fragment, and the fragment."""
    if not isinstance(part, Mapping) or not isinstance(part.get("graphql"), Mapping) or "..." not in str(part["graphql"].get("query")):
        return part
    return {**part, "graphql": {**part["graphql"], "query": f"{part['graphql']['query'].rstrip()}\n{fragment.strip()}"}}


def _merged(listing: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    both = {**listing, **own}
    for name in ("params", "headers"):
        merged = {**listing.get(name, {}), **own.get(name, {})}
        both[name] = {key: value for key, value in merged.items() if value is not None}
    if "graphql" in listing and "graphql" in own:
        variables = {**listing["graphql"].get("variables", {}), **own["graphql"].get("variables", {})}
        both["graphql"] = {**listing["graphql"], **own["graphql"], "variables": variables}
    return both


def _with_statuses(rule: Mapping[str, Any]) -> dict[str, Any]:
    status = rule.get("status", [])
    return {**rule, "status": status if isinstance(status, list) else [status]}
