"""What changed since: records by (SystemModstamp, Id), deleted ones too (queryAll).

- The stamp has whole seconds, and a bulk load gives one to thousands: pages go on behind stamp and id together.
- A long transaction commits minutes after the stamps that it gave: each reading begins OVERLAP before the one before it. That is silent.
- A reading ends at the moment that it began, by Salesforce's clock: who writes all the time does not keep it from ending.
- Between readings the object is described again: a field that was added or taken away has the whole object read again.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import msgspec

from pgsluice.providers import replies
from pgsluice.providers.base import Cursor, Feed, Page, Response
from pgsluice.providers.errors import ListBroken
from pgsluice.providers.salesforce_describe import Shape, read_shape
from pgsluice.providers.salesforce_errors import code_of
from pgsluice.providers.salesforce_lists import DESCRIBED_AGAIN
from pgsluice.providers.salesforce_objects import object_of
from pgsluice.providers.salesforce_records import Listing, distinct, id_of, listing, literal, read_record, stamp_of
from pgsluice.providers.salesforce_soql import PAGE_SIZE, Ask, describe, query, quoted, select, stored, unwrapped

OVERLAP: Final = timedelta(minutes=5)
# A description that changed so lately is not asked about by the time of that change.
SETTLED: Final = timedelta(minutes=1)
# Seconds between two descriptions of an object that is followed.
DESCRIBE_EVERY: Final = 300


class Following(msgspec.Struct, frozen=True, omit_defaults=True):
    """The cursor of such a feed. Times are as SOQL has them. The default is the start."""

    shape: Shape | None = None
    described: int = 0  # unix seconds, by Salesforce's clock; 0: describe now
    modified: str = ""  # Last-Modified of the description
    since: str = ""  # the reading's lower end …
    until: str = ""  # … and its upper one, once its first page has come
    at: str = ""  # stamp and id of the last record so far
    after: str = ""
    again: int = 0


def following_of(cursor: Cursor | None) -> Following:
    try:
        return msgspec.convert(cursor or {}, Following)
    except msgspec.ValidationError:
        return Following()


def ask(feed: Feed, cursor: Cursor | None) -> Ask:
    place = following_of(cursor)
    shape = place.shape
    if shape is None or not place.described or not shape.stamp:
        name = object_of(feed.collection_ids[0]) if shape is None else shape.name
        return describe(name, place.modified if shape is not None else "")
    stamp, conditions = shape.stamp, []
    if place.at:
        behind = f"({stamp} > {place.at} OR ({stamp} = {place.at} AND Id > {quoted(place.after)}))"
        conditions = [f"{stamp} >= {place.at}", behind]
    elif place.since:
        conditions = [f"{stamp} >= {place.since}"]
    if place.until:
        conditions.append(f"{stamp} <= {place.until}")
    if feed.since is not None and "CreatedDate" in shape.names:
        conditions.append(f"CreatedDate >= {literal(feed.since)}")
    return query(select(shape, conditions, f"{stamp}, Id"), "queryAll")


def read(feed: Feed, cursor: Cursor | None, response: Response) -> Page:
    """Raises ProviderError."""
    place = following_of(cursor)
    shape = place.shape
    if shape is None or not place.described or not shape.stamp:
        return _described(feed, place, response)
    return _changed(feed, place, shape, unwrapped(response))


def _described(feed: Feed, place: Following, response: Response) -> Page:
    now = replies.vendor_clock(response)
    seconds = int(now.timestamp())
    if response.status == 304 and place.shape is not None:
        return _page(msgspec.structs.replace(place, described=seconds), more=bool(place.shape.stamp))
    shape = read_shape(response)
    modified = _validator(response.headers.get("last-modified", ""), now)
    # From before the first list is read on: what changes while it is read is not passed over.
    since = place.since or literal(now - OVERLAP)
    onward = msgspec.structs.replace(place, shape=shape, described=seconds, modified=modified, since=since)
    known = place.shape
    if known is None:
        words = f"{shape.name} has no time of change: it is read in full once a week, and nothing in between" if not shape.stamp else None
        return _page(onward, notice=words)
    new, gone = sorted(set(shape.names) - set(known.names)), sorted(set(known.names) - set(shape.names))
    if not new and not gone:
        return _page(onward, more=bool(shape.stamp))
    said = [f"{words} {', '.join(names[:10])}" for words, names in (("has new fields:", new), ("lacks fields that it had:", gone)) if names]
    notice = f"{shape.name} {' and '.join(said)}; it is read again in full"
    return _page(onward, more=bool(shape.stamp), notice=notice, restart=feed.collection_ids)


def _validator(modified: str, now: datetime) -> str:
    """Last-Modified, if it is certain that what changes from now on has another: within its second it has not. RFC 9110, 8.8.2.2."""
    at = replies.http_date(modified)
    return "" if at is None or now - at < SETTLED else modified


def _changed(feed: Feed, place: Following, shape: Shape, response: Response) -> Page:
    if response.status == 400 and code_of(response) == "INVALID_FIELD" and place.again < DESCRIBED_AGAIN:
        return _page(msgspec.structs.replace(place, described=0, modified="", again=place.again + 1), more=True)
    found = listing(response)
    records = [read_record(feed.collection_ids[0], raw) for raw in found.records]
    more = not found.done or len(records) >= PAGE_SIZE
    onward = _behind(place, shape, found, response, more=more)
    changes, refused = distinct(records)
    return Page(stored(onward), done=False, more=more, changes=changes, refused=refused)


def _behind(place: Following, shape: Shape, found: Listing, response: Response, *, more: bool) -> Following:
    """The place behind a page: in the same reading, or at the start of the next one. Raises ListBroken."""
    now = replies.vendor_clock(response)
    until = place.until or literal(now)
    if not more:
        began = msgspec.structs.replace(place, since=_earlier(until), until="", at="", after="", again=0)
        late = now.timestamp() - place.described >= DESCRIBE_EVERY
        return msgspec.structs.replace(began, described=0) if late else began
    keys = [(stamp, key) for raw in found.records if (key := id_of(raw)) and (stamp := stamp_of(raw, shape.stamp))]
    again = Following(shape, place.described, place.modified, place.since)
    if not keys or (place.after and place.after in {key for stamp, key in keys if _soql(stamp) == place.at}):
        raise ListBroken(
            "the list of changes repeats itself, or says that there is more and brings nothing",
            cursor=stored(again),
            details=f"behind {place.at or place.since} {place.after}",
            hint="nothing is lost; the changes are read again",
        )
    stamp, key = keys[-1]
    return msgspec.structs.replace(place, until=until, at=_soql(stamp), after=key)


def _soql(stamp: str) -> str:
    """A time of a record in SOQL's words."""
    return f"{stamp.removesuffix('+0000')}Z" if stamp.endswith("+0000") else stamp


def _earlier(until: str) -> str:
    return literal(datetime.fromisoformat(until) - OVERLAP)


def _page(place: Following, *, more: bool = False, notice: str | None = None, restart: tuple[str, ...] = ()) -> Page:
    return Page(stored(place), done=False, more=more, notice=notice, restart=restart)
