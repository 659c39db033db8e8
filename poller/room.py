"""How much of large replies a poller has in memory at once, over all of its turns.

A reply beyond FREE bytes is counted until its page is committed or dropped. All that is counted together may take ROOM; one page alone may
take more, up to what a reply may have at most: it has the hall to itself until it is committed. A reply that grows large (LARGE), or finds
no room, goes on in the hall if that is free. If it is not, the reply is dropped, its page waits for the hall, and asks once more.

Nobody waits in the middle of a reply: a page that waits for the hall has no request under way, no place among its sync's requests and no
connection. And a page that is read ahead of another one does not wait at all: it is asked for again when it is the next of its feed. So
whoever has the hall needs nothing that somebody holds who waits for it. Replies up to FREE never wait.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextvars import ContextVar
from types import TracebackType
from typing import Final, Self

FREE: Final = 256 * 1024
LARGE: Final = 8 * 1024 * 1024
ROOM: Final = 64 * 1024 * 1024


class Crowded(Exception):
    """There is no room for the reply now: ask for it again, after `wide`."""


class Room:
    """What the pages of one poller share."""

    def __init__(self) -> None:
        self.used = 0
        self._in_hall: Held | None = None
        self._queue: deque[tuple[Held, asyncio.Future[None]]] = deque()

    def enter_now(self, held: Held) -> bool:
        """Into the hall if it is free and nobody waits for it."""
        if self._in_hall is not None or self._queue:
            return False
        self._in_hall = held
        return True

    async def enter(self, held: Held) -> None:
        """Into the hall, in the order of coming."""
        if self.enter_now(held):
            return
        entered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append((held, entered))
        try:
            await entered
        except asyncio.CancelledError:
            self.leave(held)
            if (held, entered) in self._queue:
                self._queue.remove((held, entered))
            raise

    def leave(self, held: Held) -> None:
        if self._in_hall is not held:
            return
        self._in_hall = None
        while self._queue and self._in_hall is None:
            following, entered = self._queue.popleft()
            if not entered.done():
                self._in_hall = following
                entered.set_result(None)


class Held:
    """What one page has of the room; as a context, until it is committed or dropped. `ahead`: another page of its feed is before it."""

    def __init__(self, *, ahead: bool = False) -> None:
        self.ahead = ahead
        self.wide = False
        self._counted = 0
        self._room = _of_this_loop()
        self._entering = asyncio.Lock()

    def draw(self, count: int, *, large: bool) -> None:
        """So many bytes more. Raises Crowded."""
        if self.wide:
            return
        if not large and self._room.used + count <= ROOM:
            self._room.used += count
            self._counted += count
        elif not self.ahead and self._room.enter_now(self):
            self._entered()
        else:
            raise Crowded

    def drop(self, count: int) -> None:
        """A reply is not kept."""
        count = min(count, self._counted)
        self._room.used -= count
        self._counted -= count

    async def widen(self) -> None:
        """Room for a reply of any size. Raises Crowded if the page is read ahead."""
        async with self._entering:
            if self.ahead:
                raise Crowded
            if not self.wide:
                await self._room.enter(self)
                self._entered()

    def _entered(self) -> None:
        self.wide = True
        self.drop(self._counted)

    def give_back(self) -> None:
        self.drop(self._counted)
        if self.wide:
            self.wide = False
            self._room.leave(self)

    def __enter__(self) -> Self:
        _held.set(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.give_back()
        _held.set(None)


class Reply:
    """One reply as it grows. As a context: what it took is given back if it does not come to its end."""

    def __init__(self) -> None:
        self._held = _held.get()
        self._taken = 0

    def grown(self, size: int) -> None:
        """It has so many bytes by now. Raises Crowded."""
        if size > FREE and self._held is not None:
            self._held.draw(size - self._taken, large=size > LARGE)
            self._taken = size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        if kind is not None and self._held is not None:
            self._held.drop(self._taken)


_held: ContextVar[Held | None] = ContextVar("held", default=None)
_rooms: dict[asyncio.AbstractEventLoop, Room] = {}


def belongs_to(held: Held) -> None:
    """What this task, and those that it starts, read from now on is of that page."""
    _held.set(held)


async def wide() -> None:
    """Waits until the page of this task has room for a reply of any size. Raises Crowded if it is read ahead of another one."""
    held = _held.get()
    if held is not None:
        await held.widen()


def _of_this_loop() -> Room:
    loop = asyncio.get_running_loop()
    if loop not in _rooms:
        _rooms.clear()
        _rooms[loop] = Room()
    return _rooms[loop]
