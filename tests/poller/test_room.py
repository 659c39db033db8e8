"""Large replies: bounded together, none waits while it holds something, none is starved."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import pytest

from pgsluice.poller import room
from pgsluice.poller.transport import Transport
from pgsluice.providers.base import Request

KB = 1024


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousandth of everything: pages of 100 KB stand for such of 100 MB."""
    for name, size in {"FREE": KB // 4, "LARGE": 8 * KB, "ROOM": 64 * KB}.items():
        monkeypatch.setattr(room, name, size)


@contextmanager
def vendor(dripping: Event | None = None) -> Iterator[str]:
    """Answers `GET /n` with n bytes; one of more than 90,000 stops in the middle until `dripping` is set."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            size = int(self.path.strip("/"))
            self.send_response(200)
            self.send_header("Content-Length", str(size))
            self.end_headers()
            half = size // 2
            try:
                self.wfile.write(b"x" * half)
                if dripping is not None and size > 90_000:
                    dripping.wait(30)
                self.wfile.write(b"x" * (size - half))
            except OSError:  # dropped
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def on(work: Callable[[Transport], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        async with Transport(allow_private=True) as transport, asyncio.timeout(60):
            return await work(transport)

    return asyncio.run(main())


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110  nobody sets an event for it
        await asyncio.sleep(0.005)


async def read(transport: Transport, url: str, size: int, *, ahead: bool = False) -> room.Held:
    """A page with one reply, as a vendor reads it; who has it gives it back."""
    held = room.Held(ahead=ahead)
    room.belongs_to(held)
    try:
        response = await transport.send(Request("GET", f"{url}/{size}"))
    except room.Crowded:
        await room.wide()
        response = await transport.send(Request("GET", f"{url}/{size}"))
    assert len(response.body) == size
    return held


def test_large_pages_go_one_after_another_and_all_come_to_their_end() -> None:
    inside: list[int] = []
    most: list[int] = []

    async def page(transport: Transport, url: str, size: int) -> None:
        with await read(transport, url, size) as held:
            inside.append(size if held.wide else 0)
            most.append(sum(inside))
            await asyncio.sleep(0.01)  # it is committed
            inside.remove(size if held.wide else 0)

    async def work(transport: Transport) -> None:
        with vendor() as url:
            await asyncio.gather(*(page(transport, url, size) for size in [60_000, 70_000, 80_000, 85_000] * 2))
        assert room._of_this_loop().used == 0

    on(work)
    assert len(most) == 8
    assert max(most) <= 85_000, "two large pages at once"


def test_a_drip_of_a_large_page_holds_up_neither_small_nor_middling_ones() -> None:
    drip = Event()

    async def work(transport: Transport) -> None:
        with vendor(drip) as url:
            dripping = asyncio.ensure_future(read(transport, url, 100_000))
            found = room._of_this_loop()
            await until(lambda: found._in_hall is not None)
            waiting = asyncio.ensure_future(read(transport, url, 60_000))
            small = [await read(transport, url, size) for size in (10, 200, 1_000, 5_000)]
            assert found.used == 6_000
            assert not dripping.done()
            assert not waiting.done()
            drip.set()
            (await dripping).give_back()
            (await waiting).give_back()
            for held in small:
                held.give_back()
            assert (found.used, found._in_hall, len(found._queue)) == (0, None, 0)

    on(work)


def test_what_finds_no_room_takes_the_hall() -> None:
    async def work(transport: Transport) -> None:
        with vendor() as url:
            pages = [await read(transport, url, 7_000) for _ in range(10)]
            assert [held.wide for held in pages] == [False] * 9 + [True]
            assert room._of_this_loop().used == 9 * 7_000
            late = asyncio.ensure_future(read(transport, url, 7_000))
            await asyncio.sleep(0.05)
            assert not late.done()
            pages.pop().give_back()
            pages.append(await late)
            for held in pages:
                held.give_back()

    on(work)


def test_a_page_that_is_read_ahead_does_not_wait() -> None:
    async def work(transport: Transport) -> None:
        with vendor() as url:
            first = await read(transport, url, 60_000)
            with pytest.raises(room.Crowded):
                await read(transport, url, 60_000, ahead=True)
            assert room._of_this_loop().used == 0
            # The objects behind its hints are as large: it has the hall already.
            room.belongs_to(first)
            await transport.send(Request("GET", f"{url}/70000"))
            first.give_back()
            (await read(transport, url, 60_000)).give_back()

    on(work)


def test_who_gives_up_waiting_leaves_nothing_behind() -> None:
    async def work(transport: Transport) -> None:
        with vendor() as url:
            first = await read(transport, url, 60_000)
            waiting = [asyncio.ensure_future(read(transport, url, 60_000)) for _ in range(3)]
            found = room._of_this_loop()
            await until(lambda: len(found._queue) == 3)
            waiting[0].cancel()
            first.give_back()  # to the first of them, which is cancelled in the same moment
            waiting[1].cancel()
            (await waiting[2]).give_back()
            await asyncio.gather(*waiting, return_exceptions=True)
            assert (found.used, found._in_hall, len(found._queue)) == (0, None, 0)

    on(work)
