"""Word of commits in a stream, for one waiting worker: a connection that listens, and comes back when it was lost."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from pgsluice.db.connect import connect_async, translated, waits
from pgsluice.db.errors import SluiceError
from pgsluice.db.link import Say, passes


class Waker:
    """Sets `told` when something may have been committed to the stream, and whenever it begins to listen."""

    def __init__(self, conninfo: str, stream_id: str, say: Say) -> None:
        self._conninfo = conninfo
        self._stream_id = stream_id
        self._say = say
        self._task: asyncio.Task[None] | None = None
        self.told = asyncio.Event()
        self.listening = False

    def start(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError, SluiceError):
                await self._task

    async def _run(self) -> None:
        pauses = waits(float("inf"), longest=2.0)
        while True:
            try:
                with translated():
                    async with await connect_async(self._conninfo) as conn:
                        await conn.execute("listen sluice_streams")
                        self.listening = True
                        self.told.set()
                        pauses = waits(float("inf"), longest=2.0)
                        async for notice in conn.notifies():
                            if notice.payload == self._stream_id:
                                self.told.set()
            except SluiceError as exc:
                if not passes(exc):
                    # The worker's other connection meets it too, and raises it.
                    return
                self._say("cannot listen", error=exc.message)
            finally:
                self.listening = False
            await asyncio.sleep(next(pauses))
