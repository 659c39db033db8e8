"""A provider document as values: what `documents/schema.json` describes, once it has been checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

ErrorWord = Literal[
    "unauthorized", "expired", "forbidden", "rate_limited", "retry", "missing", "refused", "conflict", "unreadable", "lost_place", "empty"
]
WRITES = ("create", "update", "upsert", "delete")


class _Frozen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Time(_Frozen, frozen=True, kw_only=True):
    """A time in a record."""

    path: str
    format: str = "auto"


class Marker(_Frozen, frozen=True, kw_only=True):
    """A condition on a record: the value at `path` is one of `equals`, or (without it) more than nothing."""

    path: str
    equals: Any = None


class Paging(_Frozen, frozen=True, kw_only=True):
    """How the next page is found."""

    style: Literal["none", "link", "next_url", "cursor", "offset", "page", "keyset"]
    next: str = ""  # where the cursor or the address of the next page stands in the body
    header: str = ""  # or in which header
    more: str = ""  # a boolean in the body: there are more pages
    end: str = ""  # a boolean in the body: this was the last page
    total: str = ""  # how many records there are in all
    pages: str = ""  # how many pages
    first: int | None = None  # number of the first page, or offset
    by: str = ""  # keyset: what in the last record to go on behind; its id unless it says otherwise
    short_page_ends: bool = False  # a page with fewer records than asked for is the last one


class Graphql(_Frozen, frozen=True, kw_only=True):
    """A GraphQL request."""

    query: str
    variables: Mapping[str, Any] = {}


class Ask(_Frozen, frozen=True, kw_only=True):
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
    start: str = "1970-01-01"
    from_start: bool = False  # the first reading is this list, too, from `start` on
    resume: Literal["time", "cursor"] = "time"
    retention: str = ""
    move_after: int | None = None  # so many records, then the list is asked anew from the last time on
    max_depth: int | None = None  # more records than this cannot be reached in one list
    every: str = ""
    narrows_parents: bool = False  # a changed child is a change of its parent, too


class Parts(_Frozen, frozen=True, kw_only=True):
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


class Batch(_Frozen, frozen=True, kw_only=True):
    """Several writes in one request."""

    size: int
    each: Any = "{data}"
    results: str = ""
    error: str = ""


class Idempotency(_Frozen, frozen=True, kw_only=True):
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


class FieldSpec(_Frozen, frozen=True, kw_only=True):
    """A field of the records."""

    type: Literal["text", "integer", "number", "boolean", "time", "date", "object", "array", "any"] = "any"
    key: bool = False
    description: str = ""


class Collection(_Frozen, frozen=True, kw_only=True):
    """One object type."""

    list: Listing
    id: str = "id"
    description: str = ""
    created_at: Time | None = None
    updated_at: Time | None = None
    deleted: Marker | None = None
    parent: str | None = None
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


class SecretSpec(_Frozen, frozen=True, kw_only=True):
    """One value of a credential."""

    description: str
    pattern: str = ""
    optional: bool = False


class Renew(_Frozen, frozen=True, kw_only=True):
    """How a token is renewed."""

    grant: Literal["refresh_token", "client_credentials"]
    url: str
    encoding: Literal["form", "json"] = "form"
    client: Literal["body", "basic"] = "body"
    params: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    base_url: str = ""


class Basic(_Frozen, frozen=True, kw_only=True):
    """HTTP's own login."""

    username: str
    password: str = ""


class Auth(_Frozen, frozen=True, kw_only=True):
    """One kind of credential."""

    fields: Mapping[str, SecretSpec]
    description: str = ""
    bearer: str = ""
    headers: Mapping[str, str] = {}
    params: Mapping[str, str] = {}
    basic: Basic | None = None
    renew: Renew | None = None


class Rule(_Frozen, frozen=True, kw_only=True):
    """What a reply means."""

    means: ErrorWord
    status: tuple[int, ...] = ()
    headers: Mapping[str, str] = {}
    path: str = ""
    matches: str = ""
    hint: str = ""


class Errors(_Frozen, frozen=True, kw_only=True):
    """How the vendor says what is wrong."""

    message: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()


class Budget(_Frozen, frozen=True, kw_only=True):
    """So many requests in a time."""

    requests: float
    per: str


class Quota(_Frozen, frozen=True, kw_only=True):
    """Where a reply says what is left."""

    remaining: str = ""
    reset: str = ""
    reset_is: Literal["unix", "ms", "seconds"] = "unix"
    restore: str = ""


class Limits(_Frozen, frozen=True, kw_only=True):
    """What the vendor allows."""

    budget: tuple[Budget, ...] = ()
    headers: tuple[Quota, ...] = ()
    body: Quota | None = None


class Document(_Frozen, frozen=True, kw_only=True):
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

    def collection_id(self, name: str) -> str:
        return f"{self.name}:{name}"


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
    return msgspec.convert({**data, "collections": collections, "errors": errors, "limits": limits}, Document)


def _completed(given: Mapping[str, Any]) -> dict[str, Any]:
    """A collection with its short forms written out, and the incremental list with what it takes from the list."""
    found = dict(given)
    for name in ("created_at", "updated_at"):
        if isinstance(found.get(name), str):
            found[name] = {"path": found[name]}
    found["fields"] = {name: {"type": spec} if isinstance(spec, str) else spec for name, spec in given.get("fields", {}).items()}
    if isinstance(found.get("incremental"), Mapping):
        found["incremental"] = _merged(given.get("list", {}), found["incremental"])
    if isinstance(found.get("deletions"), Mapping):
        at = found["deletions"].get("deleted_at")
        found["deletions"] = {**found["deletions"], **({"deleted_at": {"path": at}} if isinstance(at, str) else {})}
    return found


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
