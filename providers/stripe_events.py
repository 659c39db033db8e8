"""Stripe's changes: one feed of events for all collections. https://docs.stripe.com/api/events/list

Nothing in Stripe has a time of last change, so changes are found in the events, which have their own traps:

- they are kept for 30 days, in no promised order, with times of one second, perhaps twice, and may appear late;
- the object inside is rendered in the API version of its day, not in ours, and older than a later event's. So an event is only a hint: each
  object that changed is fetched once, as it is now;
- the type says little about the object (`customer.subscription.deleted` is about a subscription that lives on as cancelled), so the
  object's own `object` decides;
- a filter holds 20 types only, and some stand-ins for Stripe refuse it, so events of no interest are dropped here, and so are those from
  before the window where a stand-in overlooks `created`.

The feed starts before the backfill: its first page is only asked for the vendor's clock, and what changes while the backfill runs is then
found in the first window. A window is everything since a moment, read to its end; only then does the moment move.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from pgsluice.providers import paging, rawjson, replies, stripe_nested, stripe_places
from pgsluice.providers.base import Cursor, Feed, Hint, Page, Response
from pgsluice.providers.paging import Walk
from pgsluice.providers.stripe_collections import BELOW, COLLECTIONS
from pgsluice.providers.stripe_errors import lost_place
from pgsluice.providers.stripe_lists import listing, starting_over_at, stored

DAY = 86_400
# https://docs.stripe.com/api/events/list: "going back up to 30 days". A day less, since a window takes its time to be read.
RETENTION = 29 * DAY
# An event may appear after younger ones did. Reading it twice costs nothing, its id is remembered.
OVERLAP = 300
# The backfill reads what is, so only events around its very start matter: one second of resolution, and lists that lag a little.
START_OVERLAP = 30
# Remembered events, 15 bytes each in the cursor. Where more fall into the overlap, the overlap shrinks to what can be remembered.
MEMORY = 2000
# These are a part of others, named in them, and their events may be the only word of a change in those. Most have no address of their own,
# or are no collection. https://docs.stripe.com/api/events/types#event_types-customer.discount.created, -account.external_account.updated,
# -application_fee.refund.updated, -capability.updated, -person.updated, -billing.alert.triggered
_CARRIERS: Mapping[str, tuple[str, ...]] = {
    "discount": ("customer", "subscription"),
    "bank_account": ("account",),
    "card": ("account",),
    "capability": ("account",),
    "person": ("account",),
    "fee_refund": ("application_fee",),
    "transfer_reversal": ("transfer",),
}
# What a member is called whose object has another name.
_MEMBERS: Mapping[str, str] = {"application_fee": "fee"}


class Position(msgspec.Struct, frozen=True, omit_defaults=True):
    """The cursor of the feed. Times are unix seconds of the vendor's clock."""

    since: int  # the window: everything created at or after this
    checked: int  # when the last window that was read to its end was begun: nothing older can be missing
    walk: Walk = Walk()  # the place in the window
    begun: int = 0  # when this window's first page came; 0: not yet
    newest: int = 0  # creation of the youngest event of this window so far
    floor: int = 0  # events of this window before this second are handled, though no longer remembered
    seen: dict[int, tuple[str, ...]] = {}  # second of creation → digests of events that are handled


class _Event(NamedTuple):
    event_id: str
    created: int
    subjects: tuple[Hint, ...]


def parameters(cursor: Cursor | None) -> tuple[tuple[str, str], ...]:
    """The query of the next request."""
    position = _position(cursor)
    if position is None:
        return (("limit", "1"),)
    after = position.walk.after
    return (("limit", "100"), ("created[gte]", str(position.since)), *((("starting_after", after),) if after else ()))


def read_page(feed: Feed, cursor: Cursor | None, response: Response) -> Page:
    """One page of the feed. Raises ProviderError."""
    now = int(replies.vendor_clock(response).timestamp())
    position = _position(cursor)
    if position is None:
        listing(response)  # raises on anything but a list
        return _first(now) if cursor is None else _reread(feed, now, "its position in Stripe's events cannot be read")
    with starting_over_at(msgspec.structs.replace(position, walk=Walk())):
        if position.walk.after and lost_place(response):
            return Page(stored(msgspec.structs.replace(position, walk=paging.vanished(position.walk))), done=False, more=True)
        found = listing(response)
        if now - position.checked > RETENTION:
            days = (now - position.checked) // DAY
            return _reread(feed, now, f"it was last up to date {days} days ago, and Stripe keeps events for 30 days")
        events = [_event(raw, feed, response) for raw in found.records]
        walk = paging.advance(position.walk, [event.event_id for event in events], has_more=found.has_more)
    position = msgspec.structs.replace(position, walk=walk, begun=position.begun or now)
    fresh = [event for event in events if event.created >= position.since and not _handled(event, position)]
    position = _remembering(position, events)
    return Page(
        cursor=stored(position if found.has_more else _next_window(position)),
        done=False,
        more=found.has_more,
        hints=tuple(dict.fromkeys(hint for event in fresh for hint in event.subjects)),
    )


def _first(now: int) -> Page:
    """The start of the feed. `more` is false: the backfill reads what is, so the first window has time until it is through."""
    return Page(stored(Position(since=now - START_OVERLAP, checked=now)), done=False, more=False)


def _reread(feed: Feed, now: int, why: str) -> Page:
    return Page(
        stored(Position(since=now - START_OVERLAP, checked=now)),
        done=False,
        more=False,
        restart=feed.collection_ids,
        notice=f"everything is read again, since {why}; objects deleted in that time keep their last state",
    )


def _position(cursor: Cursor | None) -> Position | None:
    """The position that a stored cursor names, None for the start and for one that cannot be read."""
    try:
        return None if cursor is None else msgspec.convert(cursor, Position, str_keys=True)
    except msgspec.ValidationError:
        return None


def _handled(event: _Event, position: Position) -> bool:
    return _digest(event.event_id) in position.seen.get(event.created, ())


def _remembering(position: Position, events: list[_Event]) -> Position:
    """`position` with these events as handled; of all the remembered ones, the youngest that there is room for."""
    newest = max([position.newest, *(event.created for event in events)])
    seen = {second: set(digests) for second, digests in position.seen.items()}
    for event in events:
        seen.setdefault(event.created, set()).add(_digest(event.event_id))
    kept: dict[int, tuple[str, ...]] = {}
    floor = position.floor
    room = MEMORY
    for second in sorted(seen, reverse=True):
        room -= len(seen[second])
        if room < 0 and kept:
            floor = max(floor, second + 1)
            break
        kept[second] = tuple(sorted(seen[second]))
    return msgspec.structs.replace(position, newest=newest, floor=floor, seen=kept)


def _next_window(position: Position) -> Position:
    """The position behind a window that was read to its end.

    The next one begins at the youngest event, unless that is so young that others may still appear beside it.
    """
    since = max(position.since, min(position.newest, position.begun - OVERLAP), position.floor)
    seen = {second: digests for second, digests in position.seen.items() if second >= since}
    return Position(since=since, checked=position.begun, seen=seen)


def subjects_of(raw: bytes, feed: Feed, response: Response) -> tuple[Hint, ...]:
    """The objects of the feed's collections that an event is about. Raises Unreadable."""
    return _event(raw, feed, response).subjects


def _event(raw: bytes, feed: Feed, response: Response) -> _Event:
    """Raises Unreadable where an event lacks what makes it one: to pass over it could lose a change."""
    try:
        members = rawjson.object_members(raw)
        data = rawjson.object_members(members.get("data", b"{}"))
        content, before = data.get("object", b"{}"), data.get("previous_attributes", b"{}")
        subject = rawjson.object_members(content) if content.startswith(b"{") else {}
        former = rawjson.object_members(before) if before.startswith(b"{") else {}
    except rawjson.NotJson as exc:
        raise replies.unreadable(response, "Stripe", f"an event in it is malformed ({exc})") from exc
    event_id = rawjson.identity(members.get("id", b""))
    created = rawjson.integer(members.get("created", b""))
    if event_id is None or created is None:
        raise replies.unreadable(response, "Stripe", "an event in it has no id or no time of creation")
    return _Event(event_id, created, (*_subjects(subject, feed), *_below(subject, former, feed)))


def _subjects(members: Mapping[str, bytes], feed: Feed) -> Iterator[Hint]:
    """The objects that an event is about, of the chosen collections. One without an id (`invoice.upcoming`, a balance) does not exist."""
    kind = rawjson.identity(members.get("object", b"")) or ""
    carriers = {carrier: members.get(_MEMBERS.get(carrier, carrier), b"") for carrier in _CARRIERS.get(kind, ())}
    for object_type, reference in {**carriers, kind: members.get("id", b"")}.items():
        collection_id, own = COLLECTIONS.get(object_type), rawjson.identity(reference)
        if collection_id is None or own is None or collection_id not in feed.collection_ids:
            continue
        parent = rawjson.identity(members.get(stripe_places.PARENTS.get(collection_id, ""), b""))
        upstream_id = stripe_places.upstream_id_of(collection_id, own, parent)
        if upstream_id is not None:
            yield Hint(collection_id, upstream_id)


def _below(members: Mapping[str, bytes], former: Mapping[str, bytes], feed: Feed) -> Iterator[Hint]:
    """What lies below the object that an event is about and has no events of its own: the list as it is now, and each entry that left."""
    kind, upstream_id = rawjson.identity(members.get("object", b"")), rawjson.identity(members.get("id", b""))
    for collection_id in feed.collection_ids:
        of = BELOW.get(collection_id)
        if of is None or of.object != kind or not upstream_id:
            continue
        if of.when and (of.when not in members or (former and of.when not in former)):
            continue  # an update of something else
        yield Hint(collection_id, upstream_id, stripe_nested.CHILDREN)
        now = set(map(stripe_nested.identity_of, stripe_nested.entries_of(members.get(of.member, b""))))
        for entry in map(stripe_nested.identity_of, stripe_nested.entries_of(former.get(of.member, b""))):
            if entry is not None and entry not in now:
                yield Hint(collection_id, entry)


def _digest(event_id: str) -> str:
    """72 bits in 12 characters: two events of one second that share them do not happen."""
    return urlsafe_b64encode(blake2b(event_id.encode(), digest_size=9).digest()).decode()
