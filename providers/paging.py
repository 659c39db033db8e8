"""Walking a list by id cursors (`starting_after`), whatever its order, while objects come and go.

A list that is cut into pages by "the objects behind this one" is complete for every object that stays in it, in any fixed order, as long as
each page goes on behind an object of the page before. Four things can break that, and each is met here:

- the object to go on behind was deleted, and the vendor says so: go on behind one of its neighbours on that page, else behind the border of
  an earlier page, else from the start. Reading again is silent; a gap is not. (`vanished`)
- it was deleted, and the vendor silently starts at the first page again: known by ids that lie before our place. That page is then
  the first one of a new walk. (`advance`)
- the vendor ignores the cursor and sends the same page for ever: known by the very object that we asked to go on behind. (`advance`)
- it says that there is more and brings nothing. (`advance`)

Only a bounded number of ids is kept, whatever the length of the list.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from pgsluice.providers.errors import ListBroken

# Walks begun anew, without having come to an end in between, before the list counts as broken.
MAX_RESTARTS = 3


class Walk(msgspec.Struct, frozen=True, omit_defaults=True):
    """A place in a list. JSON-ready by msgspec.to_builtins; the defaults are the start."""

    after: str | None = None  # go on behind this object
    stand_ins: tuple[str, ...] = ()  # objects before it on its page, nearest first
    borders: tuple[str, ...] = ()  # earlier `after`, of pages 1, 2, 4, 8 …: the first for ever, and enough of the rest to notice any circle
    pages: int = 0
    restarts: int = 0


def advance(walk: Walk, ids: Sequence[str], *, has_more: bool) -> Walk:
    """The place behind a page that brought `ids` (those of its records that have one), in the list's order.

    Raises ListBroken.
    """
    came = set(ids)
    if walk.after in came:
        raise ListBroken(
            "the list repeats itself: the page behind an object contains that object",
            details=f"object {walk.after}, page {walk.pages + 1}",
            hint="the vendor ignores the place to go on from; nothing is lost, and the list is read again from its start",
        )
    if not came.isdisjoint(walk.stand_ins) or not came.isdisjoint(walk.borders):
        walk = start_over(walk)
    if has_more and not ids:
        raise ListBroken(
            "the list says that there is more and brings nothing to go on from",
            details=f"page {walk.pages + 1}, behind {walk.after or 'the start'}",
            hint="nothing is lost; the list is read again from its start",
        )
    return _behind(walk, ids) if ids else walk


def vanished(walk: Walk) -> Walk:
    """The place to go on from when the vendor no longer knows `walk.after`. Raises ListBroken."""
    if walk.stand_ins:
        return msgspec.structs.replace(walk, after=walk.stand_ins[0], stand_ins=walk.stand_ins[1:])
    if walk.borders:
        return msgspec.structs.replace(walk, after=walk.borders[-1], borders=walk.borders[:-1])
    return start_over(walk)


def start_over(walk: Walk) -> Walk:
    """The start of the list, once more. Raises ListBroken after too many of these."""
    if walk.restarts >= MAX_RESTARTS:
        raise ListBroken(
            f"the list was begun {MAX_RESTARTS + 1} times without coming to its end",
            details=f"each time the vendor lost its place; the last one was page {walk.pages}, behind {walk.after}",
            hint="nothing is lost; the list is read again from its start, later",
        )
    return Walk(restarts=walk.restarts + 1)


def _behind(walk: Walk, ids: Sequence[str]) -> Walk:
    *before, last = ids
    # Neighbours at distances 1, 2, 4 …, and the first one: a run of deletions from either end leaves one of them.
    stand_ins = tuple(dict.fromkeys(before[-distance] for distance in (1, 2, 4, 8, 16, 32, 64, len(before)) if 0 < distance <= len(before)))
    kept = walk.after is not None and walk.pages & (walk.pages - 1) == 0
    return Walk(
        after=last,
        stand_ins=stand_ins,
        borders=(*walk.borders, walk.after) if kept and walk.after else walk.borders,
        pages=walk.pages + 1,
        restarts=walk.restarts,
    )
