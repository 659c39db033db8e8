"""The feeds of a declared collection: its first reading, what changes, and the sweep that finds what is gone.

All three go through the same list. A collection with a parent is read parent by parent: the parents' list is gone through page by page, and
behind each of its pages the lists of the parents on it (`levels`, one for each generation).

What changes is asked for by time. A window is everything since a moment, read to its end; only then does the moment move: to the youngest
time that came up, but never so near that others may still appear beside it (`overlap`). The filter is asked for from that moment on,
including it, so records of one time that a page border divides are read twice, and never not at all. A list whose order is by that time,
and that moves while it is read, is asked anew from the last time after so many records (`move_after`): then nothing moves under a page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from pgsluice.providers import rest_errors, rest_paths, rest_records, rest_walk
from pgsluice.providers.base import Change, Cursor, Feed, Page, Part, Refused, Response
from pgsluice.providers.errors import ListBroken
from pgsluice.providers.replies import vendor_clock
from pgsluice.providers.rest_document import Incremental
from pgsluice.providers.rest_records import Record
from pgsluice.providers.rest_source import MAX_DEPTH, Level, Source, State, Step, names
from pgsluice.providers.rest_walk import Came, Onward, Place

_RESTARTS: Final = 3
_DAY: Final = 86_400_000


def first_page(source: Source, feed: Feed, response: Response, *, notice: str | None = None, restart: bool = False) -> Page:
    """The start of a feed of changes: only the vendor's clock counts, since the first reading has not begun yet."""
    rest_errors.verdict(source.document, response, graphql=source.listings[0].graphql is not None)
    now = rest_paths.milliseconds_of(vendor_clock(response))
    state = State(since=now - _overlap(source), checked=now)
    return Page(stored(state), done=False, more=False, notice=notice, restart=feed.collection_ids if restart else ())


def page(source: Source, feed: Feed, cursor: Cursor | None, response: Response) -> Page:
    """What a reply brings, and where the feed goes on. Raises ProviderError."""
    state = source.state(cursor)
    if feed.kind == "changes" and state is None:
        lost = cursor is not None
        why = "everything is read again, since its position does not fit the provider document any more" if lost else None
        return first_page(source, feed, response, notice=why, restart=lost and source.kind == "changes")
    step = source.step(cursor)
    beginning = _beginning(source, step.state)
    try:
        return _read(source, feed, step, response)
    except ListBroken as exc:
        exc.cursor = stored(beginning)
        raise


def _read(source: Source, feed: Feed, step: Step, response: Response) -> Page:
    now = rest_paths.milliseconds_of(vendor_clock(response))
    if response.status == 304 and step.state.etag:
        return Page(stored(msgspec.structs.replace(step.state, checked=now)), done=False, more=False)
    verdict = rest_errors.verdict(source.document, response, graphql=step.listing.graphql is not None)
    if verdict == "lost_place":
        return _again(source, step)
    gone = verdict == "empty" or (verdict == "missing" and len(step.state.levels) > 1)
    if verdict == "missing" and not gone:
        raise rest_errors.error(source.document, response, "refused")
    if _is_too_late(source, step.state, now):
        return first_page(
            source,
            feed,
            response,
            restart=True,
            notice="everything is read again, since the vendor no longer says what changed since the last reading",
        )
    vendor = source.document.title or source.document.name
    raws = [] if gone else rest_records.records(response, vendor, step.listing)
    found = [rest_records.read(step.collection, raw, step.level.waiting[0]) for raw in raws]
    ids = [record.upstream_id for record in found if record.upstream_id is not None]
    came = Came(response, ids, len(raws), _last_value(step, found))
    onward = Onward(step.level.place, ended=True) if gone else rest_walk.onward(step.listing, step.level.place, came)
    state = _seen(step, found, now)
    behind = _own(source, step, state, found, onward) if step.own else _parents(source, step, state, found, onward)
    return _page(source, feed, step, behind, found if step.own else [], response)


def _own(source: Source, step: Step, state: State, found: Sequence[Record], onward: Onward) -> State | None:
    """Behind a page of the feed's own collection; None when everything is read."""
    incremental = source.incremental
    ended = onward.ended or (getattr(incremental, "order", "none") == "desc" and _reaches_back(state, found))
    if isinstance(incremental, Incremental) and not ended and _must_move(incremental, state):
        moved = msgspec.structs.replace(step.level, place=Place())
        return msgspec.structs.replace(state, since=state.newest, count=0, levels=(*state.levels[:-1], moved))
    level = msgspec.structs.replace(step.level, place=onward.place, ended=ended)
    state = msgspec.structs.replace(state, levels=(*state.levels[:-1], level))
    nested = source.collection.nested
    inside = [record for record in found if nested is not None and record.reason is None and rest_records.is_parent(record.members, nested)]
    return _below(state, tuple(_handed_down(source.needed[-1], record, step.level.waiting[0]) for record in inside))


def _below(state: State, waiting: tuple[dict[str, str], ...]) -> State | None:
    """The lists of these parents come first."""
    if not waiting:
        return _following(state)
    if len(state.levels) >= MAX_DEPTH:
        raise ListBroken(f"records lie more than {MAX_DEPTH} deep in each other", hint="look at nested in the provider document")
    return msgspec.structs.replace(state, levels=(*state.levels, Level(waiting=waiting)))


def _parents(source: Source, step: Step, state: State, found: Sequence[Record], onward: Onward) -> State | None:
    """Behind a page of parents: their lists come first."""
    depth = len(state.levels) - 1
    # Parents that are listed newest first are gone through as far as they changed.
    newest_first = isinstance(step.listing, Incremental) and step.listing.order == "desc"
    known = [record for record in found if newest_first and _is_older(state, record)]
    level = msgspec.structs.replace(step.level, place=onward.place, ended=onward.ended or bool(known))
    state = msgspec.structs.replace(state, levels=(*state.levels[:-1], level))
    parents = [record for record in found if record not in known and _is_parent(step, record)]
    return _below(state, tuple(_handed_down(source.needed[depth + 1], record, step.level.waiting[0]) for record in parents))


def _is_parent(step: Step, record: Record) -> bool:
    deleted = step.collection.deleted
    hidden = step.listing.skip is not None and rest_records.marked(record.members, step.listing.skip)
    return record.reason is None and not hidden and not (deleted is not None and rest_records.marked(record.members, deleted))


def _handed_down(needed: Sequence[str], record: Record, around: Mapping[str, str]) -> dict[str, str]:
    """The values that a child's requests take from this parent and from its own parents."""
    found: dict[str, str] = {}
    for name in needed:
        path = name.removeprefix("parent.")
        value = around.get(path) if path.startswith("parent.") else record.upstream_id if path == "upstream_id" else None
        # A record may have a member of the name parent, too.
        value = record.text(path) if value is None else value
        if value is not None:
            found[name] = value
    return found


def _following(state: State) -> State | None:
    """Past every list that is through; None when all are."""
    levels = list(state.levels)
    while levels and levels[-1].ended:
        waiting = levels[-1].waiting[1:]
        if waiting:
            levels[-1] = Level(waiting=waiting)
            break
        if len(levels) == 1:
            return None
        levels.pop()
    return msgspec.structs.replace(state, levels=tuple(levels))


def _page(  # noqa: PLR0917  what a page is made of
    source: Source, feed: Feed, step: Step, behind: State | None, found: Sequence[Record], response: Response
) -> Page:
    taken = [_taken(source, record) for record in found if not _is_skipped(step, record)]
    own = [item for item in taken if isinstance(item, Change)]
    changes, hints = rest_records.distinct(own, fetched=source.collection.fetch is not None)
    refused = tuple(item for item in taken if isinstance(item, Refused))
    parts, total = _parts(source, feed, step, response), _total(step, response)
    if behind is None and feed.kind == "changes":
        cursor = stored(_next_window(source, step, response, found))
        every = source.incremental.every if isinstance(source.incremental, Incremental) else ""
        wait = rest_paths.duration(every).total_seconds() if every else None
        return Page(cursor, done=False, more=False, changes=changes, hints=hints, refused=refused, wait=wait)
    done = behind is None and not parts
    cursor = stored(behind or _beginning(source, step.state))
    if parts and behind is not None:
        # This page was the beginning of the whole, which the pieces read again: silently.
        cursor = stored(State())
    return Page(cursor, done=done, more=not done, changes=changes, hints=hints, refused=refused, parts=parts, total=total)


def _taken(source: Source, record: Record) -> Change | Refused:
    if source.kind == "deletions" and record.upstream_id is not None and record.reason is None:
        return Change(source.collection_id, record.upstream_id, None, None, record.updated_at, deleted=True)
    return rest_records.change(source.collection_id, source.collection, record)


def _is_skipped(step: Step, record: Record) -> bool:
    return step.listing.skip is not None and record.reason is None and rest_records.marked(record.members, step.listing.skip)


def _seen(step: Step, found: Sequence[Record], now: int) -> State:
    """The state with this page's times in it."""
    state = step.state
    if not step.own:
        return msgspec.structs.replace(state, begun=state.begun or now)
    times = [rest_paths.milliseconds_of(record.updated_at) for record in found if record.updated_at is not None]
    newest = max([*times, *([state.newest] if state.newest is not None else [])], default=None)
    begun = state.begun or now
    frozen = begun if "until" in names(step.listing) else None
    return msgspec.structs.replace(state, begun=begun, newest=newest, count=state.count + len(found), until=state.until or frozen)


def _reaches_back(state: State, found: Sequence[Record]) -> bool:
    return any(_is_older(state, record) for record in found)


def _is_older(state: State, record: Record) -> bool:
    return state.since is not None and record.updated_at is not None and rest_paths.milliseconds_of(record.updated_at) < state.since


def _must_move(incremental: Incremental, state: State) -> bool:
    """Whether the list is to be asked anew from its youngest time on. Raises ListBroken where one time has more than can be reached."""
    limit = incremental.move_after if incremental.move_after is not None else incremental.max_depth
    moves = limit is not None and state.count + incremental.page_size > max(limit, incremental.page_size)
    if incremental.order == "asc" and moves and state.newest is not None and (state.since is None or state.newest > state.since):
        return True
    if incremental.max_depth is not None and state.count + incremental.page_size > incremental.max_depth:
        raise ListBroken(
            f"more than {incremental.max_depth:,} records have one time, and no list of the vendor reaches further",
            hint="read them by id inside a window of time: {since}, {until} and a paging of style keyset",
        )
    return False


def _next_window(source: Source, step: Step, response: Response, found: Sequence[Record]) -> State:
    """The state behind a window that was read to its end."""
    now = rest_paths.milliseconds_of(vendor_clock(response))
    state = _seen(step, found if step.own else (), now)
    begun = state.begun or now
    latest = begun - _overlap(source)
    if state.until is None and len(source.chain) == 1:
        latest = min(latest, state.newest if state.newest is not None else (state.since or 0))
    since = max(state.since or 0, latest)
    own = source.incremental
    if isinstance(own, Incremental) and own.resume == "cursor" and step.own and len(source.chain) == 1:
        vendor_place = rest_walk.onward(step.listing, step.level.place, Came(response)).place
        return State(levels=(Level(place=Place(cursor=vendor_place.cursor)),), since=since, checked=begun)
    etag = response.headers.get("etag", "") if step.listing.etag and len(source.chain) == 1 and step.level.place == Place() else ""
    return State(since=since, checked=begun, etag=etag if since == step.state.since else "")


def _is_too_late(source: Source, state: State, now: int) -> bool:
    own = source.incremental
    if source.kind != "changes" or not isinstance(own, Incremental) or not own.retention or state.checked is None:
        return False
    return now - state.checked > rest_paths.duration(own.retention).total_seconds() * 1000


def _again(source: Source, step: Step) -> Page:
    """The vendor no longer knows the place: the window from its start. Raises ListBroken after too many of these."""
    if step.state.restarts >= _RESTARTS:
        raise ListBroken("the vendor loses the place in its list again and again", hint="the list is read again from its start, later")
    state = msgspec.structs.replace(_beginning(source, step.state), restarts=step.state.restarts + 1)
    return Page(stored(state), done=False, more=True)


def _beginning(source: Source, state: State) -> State:
    """The start of the window that a state is in."""
    if source.kind in {"changes", "deletions"} or state.until is not None:
        return State(since=state.since, until=state.until if source.kind == "backfill" else None, checked=state.checked)
    return State(since=state.since) if source.incremental is not None else source.start()


def _overlap(source: Source) -> int:
    overlap = source.incremental.overlap if source.incremental is not None else "60s"
    return int(rest_paths.duration(overlap).total_seconds() * 1000)


def _last_value(step: Step, found: Sequence[Record]) -> str | None:
    if not found:
        return None
    by = step.listing.paging.by
    return found[-1].text(by) if by else found[-1].upstream_id


def _total(step: Step, response: Response) -> int | None:
    if not step.listing.total or not step.own or len(step.state.levels) > 1:
        return None
    given = rest_paths.text(rest_paths.at(response.body, step.listing.total))
    return int(given) if given is not None and given.isdecimal() else None


def _parts(source: Source, feed: Feed, step: Step, response: Response) -> tuple[Part, ...]:
    """The first reading in pieces by date; once, with its first page."""
    spec = source.collection.parts
    if spec is None or feed.kind != "backfill" or step.state != source.start() or len(source.chain) > 1:
        return ()
    begin = rest_paths.moment(b'"' + spec.start.encode() + b'"') or rest_paths.of_milliseconds(0)
    at, end = rest_paths.milliseconds_of(begin), rest_paths.milliseconds_of(vendor_clock(response))
    length = max(int(rest_paths.duration(spec.every).total_seconds() * 1000), _DAY)
    parts = [Part("before", stored(State(until=at)))]
    while at + length < end:
        parts.append(Part(f"{at // 1000}", stored(State(since=at, until=at + length))))
        at += length
    return (*parts, Part(f"{at // 1000}", stored(State(since=at))))


def stored(state: msgspec.Struct) -> Mapping[str, object]:
    """A state as a cursor: what JSON would give back of it, without what is at its default."""
    return msgspec.json.decode(msgspec.json.encode(state), type=dict[str, object])
