"""Reading Stripe's lists: records out of replies. https://docs.stripe.com/api/pagination"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final, NamedTuple

import msgspec

from pgsluice.providers import rawjson, replies, stripe_places
from pgsluice.providers.base import Change, Hint, Refused, Response
from pgsluice.providers.errors import ListBroken
from pgsluice.providers.stripe_errors import error_of, fault

PAGE_SIZE = 100  # the vendor's maximum


class Listing(NamedTuple):
    """One page of a list: the bytes of each record, and whether there are more."""

    records: list[bytes]
    has_more: bool


class _Head(msgspec.Struct, frozen=True):
    """The members of a record that concern us, unparsed: another type than the documented one must not spoil the record."""

    id: msgspec.Raw = msgspec.Raw(b"")
    created: msgspec.Raw = msgspec.Raw(b"")
    deleted: msgspec.Raw = msgspec.Raw(b"")


class _Plain(msgspec.Struct, frozen=True):
    """The same members as they nearly always are. One that is deleted is not plain."""

    id: str
    created: int | None = None
    deleted: None = None


_PLAIN: Final = msgspec.json.Decoder(_Plain)
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,200}", re.ASCII)


def listing(response: Response) -> Listing:
    """The page that a reply holds. Raises ProviderError for anything else: never an empty page in its place."""
    if response.status != 200:
        raise error_of(response)
    try:
        records, members = rawjson.slice_list(response.body, "data")
    except rawjson.NotJson as exc:
        raise replies.unreadable(response, "Stripe", _error_under_200(response) or str(exc)) from exc
    has_more = members.get("has_more")
    if has_more not in {b"true", b"false"} or members.get("object") != b'"list"':
        raise replies.unreadable(response, "Stripe", "it is no list with an end (object, has_more)")
    return Listing(records, has_more == b"true")


def read_record(collection_id: str, raw: bytes, parent: str | None = None) -> Change | Refused:
    """What one object of a reply says: its state, that it is gone (`deleted: true`), or why it cannot be taken.

    `parent`: the object that it lies below, where that is known without it.
    """
    record = _usual(collection_id, raw) or _unusual(collection_id, raw)
    if collection_id not in stripe_places.PARENTS:
        return record
    parent = parent or stripe_places.parent_in(collection_id, raw)
    if parent is None:
        return Refused(collection_id, None, raw, f"no {stripe_places.PARENTS[collection_id]}, below which it lies")
    return stripe_places.placed(record, parent)


def _unusual(collection_id: str, raw: bytes) -> Change | Refused:
    reason = rawjson.unsound(raw)
    head = _head(raw)
    upstream_id = rawjson.identity(bytes(head.id))
    if reason is None and upstream_id is None:
        reason = "no id of 1 to 200 bytes"
    if reason is not None or upstream_id is None:
        return Refused(collection_id, upstream_id, raw, reason or "")
    deleted = bytes(head.deleted) == b"true"
    return Change(collection_id, upstream_id, None if deleted else raw, _moment(bytes(head.created)), None, deleted)


def _usual(collection_id: str, raw: bytes) -> Change | None:
    """A sound object with a plain id, in one pass; None for anything that takes a closer look."""
    try:
        if not raw.isascii():
            raw.decode()
        plain = _PLAIN.decode(raw)
        created = None if plain.created is None else datetime.fromtimestamp(plain.created, UTC)
    except (msgspec.DecodeError, RecursionError, ValueError, OverflowError, OSError):
        return None
    if not raw.startswith(b"{") or not _ID.fullmatch(plain.id):
        return None
    return Change(collection_id, plain.id, raw, created)


def fetched_record(hint: Hint, response: Response) -> Change | Refused:
    """The object that `hint` names, out of the reply to a request for it. Raises ProviderError."""
    if response.status != 200:
        raise error_of(response)
    raw = response.body.removeprefix(rawjson.BOM).strip()
    try:
        members = rawjson.object_members(raw)
    except rawjson.NotJson as exc:
        raise replies.unreadable(response, "Stripe", str(exc)) from exc
    if "id" not in members and "error" in members:
        raise replies.unreadable(response, "Stripe", _error_under_200(response) or "an error under status 200")
    record = read_record(hint.collection_id, raw, stripe_places.parent_of(hint.collection_id, hint.upstream_id))
    if record.upstream_id != hint.upstream_id:
        raise replies.unreadable(response, "Stripe", "it is another object than the one asked for")
    return record


def distinct(changes: Iterable[Change]) -> tuple[tuple[Change, ...], tuple[Hint, ...]]:
    """Each object once. One that came in two different states is to be fetched, since nothing says which is the newer."""
    seen: dict[str, Change] = {}
    doubtful: dict[str, Hint] = {}
    for change in changes:
        if seen.setdefault(change.upstream_id, change) != change:
            doubtful[change.upstream_id] = Hint(change.collection_id, change.upstream_id)
    return tuple(change for change in seen.values() if change.upstream_id not in doubtful), tuple(doubtful.values())


def stored(state: msgspec.Struct) -> Mapping[str, object]:
    """A state as a cursor: what JSON would give back of it, without what is at its default."""
    return msgspec.json.decode(msgspec.json.encode(state), type=dict[str, object])


@contextmanager
def starting_over_at(state: msgspec.Struct) -> Iterator[None]:
    """Lets a ListBroken from inside carry `state` as the place from which the next attempt reads."""
    try:
        yield
    except ListBroken as exc:
        exc.cursor = stored(state)
        raise


def _error_under_200(response: Response) -> str:
    given = fault(response.body)
    return f"an error under status 200: {replies.plain(given.message or 'without a message', 300)}" if given else ""


def _head(raw: bytes) -> _Head:
    """The head of a record, as far as it can be made out even of an unsound one."""
    try:
        return msgspec.json.decode(raw, type=_Head)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return _scanned_head(raw)


def _scanned_head(raw: bytes) -> _Head:
    try:
        members = rawjson.object_members(raw)
    except rawjson.NotJson:
        return _Head()
    return _Head(**{name: msgspec.Raw(members[name]) for name in _Head.__struct_fields__ if name in members})


def _moment(created: bytes) -> datetime | None:
    """https://docs.stripe.com/api/customers/object#customer_object-created: seconds since 1970, UTC."""
    seconds = rawjson.integer(created)
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
