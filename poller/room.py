"""How much of large replies a poller has in memory at once, over all of its workers.

A reply that has grown large takes one of a few places before more of it is read, and gives it back once its page is committed. Who waits
for a place holds none: what a page needs on its way into the database (objects behind its hints) shares the place of the page.
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from types import TracebackType
from typing import Final, Self

LARGE: Final = 8 * 1024 * 1024
PLACES: Final = 2

_places: dict[asyncio.AbstractEventLoop, asyncio.Semaphore] = {}


class Held:
    """What one page has of the room; as a context, until the page is committed or dropped."""

    def __init__(self) -> None:
        self._places: asyncio.Semaphore | None = None
        self._taking = asyncio.Lock()

    async def take(self) -> None:
        """A place for what is read now, unless the page has one already."""
        async with self._taking:
            if self._places is None:
                places = _of_this_loop()
                await places.acquire()
                self._places = places

    def give_back(self) -> None:
        if self._places is not None:
            self._places.release()
            self._places = None

    def __enter__(self) -> Self:
        _held.set(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.give_back()


_held: ContextVar[Held | None] = ContextVar("held", default=None)


def hold() -> Held:
    """Begins a page: large replies that this task and those it starts read from now on belong to it."""
    held = Held()
    _held.set(held)
    return held


async def large() -> None:
    """Called by whoever reads a reply that has become large."""
    held = _held.get()
    if held is not None:
        await held.take()


def _of_this_loop() -> asyncio.Semaphore:
    loop = asyncio.get_running_loop()
    if loop not in _places:
        _places.clear()
        _places[loop] = asyncio.Semaphore(PLACES)
    return _places[loop]
