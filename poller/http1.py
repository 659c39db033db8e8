"""Connections to vendors: HTTP/1.1 (h11 knows its rules), kept for the next request to the same place.

A name is resolved here, and the address that was looked at is the one that is connected to: a name cannot point somewhere else between
the check and the call. The host of the URL stays what connections are kept under and what TLS checks: two vendors behind one address
never share a connection.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

import h11
import httpx

# Seconds that an unused connection is kept, and bytes that are read ahead of whoever takes them.
KEPT: Final = 20.0
AHEAD: Final = 256 * 1024


class NotReached(Exception):
    """There is no connection: nothing was sent."""


class NoAnswer(Exception):
    """The connection ended, or what came is no HTTP, before there was an answer."""


class CutOff(Exception):
    """The answer began and did not come to its end."""


class Place(NamedTuple):
    """Where a connection leads, and what TLS checks."""

    scheme: str
    host: str
    port: int


class _Link(asyncio.Protocol):
    """One connection's bytes."""

    def __init__(self) -> None:
        self._came = bytearray()
        self._ended = False
        self._paused = False
        self._news = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._came += data
        self._news.set()
        if len(self._came) > AHEAD and not self._paused:
            self._paused = True
            self.transport.pause_reading()

    def eof_received(self) -> bool:
        self._ended = True
        self._news.set()
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (the interface's)
        self._ended = True
        self._news.set()
        self._writable.set()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    @property
    def is_quiet(self) -> bool:
        """Whether nothing came since the last answer, and nothing ended."""
        return not self._came and not self._ended and not self.transport.is_closing()

    async def write(self, data: bytes) -> None:
        self.transport.write(data)
        await self._writable.wait()

    async def read(self) -> bytes:
        """What came, as soon as there is something; empty at the end."""
        while not self._came and not self._ended:
            self._news.clear()
            await self._news.wait()
        data = bytes(self._came)
        self._came.clear()
        if self._paused and not self._ended:
            self._paused = False
            self.transport.resume_reading()
        return data


class Answer:
    """The head of an answer; `body` brings the rest, as it came."""

    def __init__(self, response: h11.Response, body: AsyncIterator[bytes]) -> None:
        self.status = response.status_code
        self.body = body
        self.headers: dict[str, str] = {}
        for raw_name, raw in response.headers:
            name, value = raw_name.decode("latin-1"), raw.decode("latin-1")
            self.headers[name] = f"{self.headers[name]}, {value}" if name in self.headers else value


class _Connection:
    """A connection and where it is in HTTP. For one exchange at a time."""

    def __init__(self, link: _Link, silence: float) -> None:
        self._link = link
        self._silence = silence
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=256 * 1024)
        self.until = 0.0  # kept so long

    @property
    def is_usable(self) -> bool:
        return self._link.is_quiet and time.monotonic() < self.until

    def close(self) -> None:
        self._link.transport.abort() if self._link.transport.get_write_buffer_size() else self._link.transport.close()

    def is_over(self) -> bool:
        """Whether the exchange came to its end, and another one may follow."""
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE or self._http.trailing_data[0]:
            return False
        self._http.start_next_cycle()
        return self._link.is_quiet

    async def exchange(self, request: h11.Request, content: bytes | None) -> Answer:
        """Raises NoAnswer, h11.LocalProtocolError (this is no request), TimeoutError (silence)."""
        head = self._http.send(request) or b""
        body = (self._http.send(h11.Data(data=content)) or b"") if content else b""
        end = self._http.send(h11.EndOfMessage()) or b""
        try:
            async with asyncio.timeout(self._silence):
                await self._link.write(head + body + end)
            event = await self._next()
            while isinstance(event, h11.InformationalResponse):
                event = await self._next()
        except h11.RemoteProtocolError as exc:
            raise NoAnswer(str(exc)) from None
        if not isinstance(event, h11.Response):
            raise NoAnswer("the connection was closed")
        return Answer(event, self._body())

    async def _body(self) -> AsyncIterator[bytes]:
        try:
            while isinstance(event := await self._next(), h11.Data):
                yield bytes(event.data)
        except h11.RemoteProtocolError as exc:
            raise CutOff(str(exc)) from None
        if not isinstance(event, h11.EndOfMessage):
            raise CutOff("the connection was closed")

    async def _next(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            async with asyncio.timeout(self._silence):
                self._http.receive_data(await self._link.read())
        return event


class Connections:
    """Connections by where they lead. `allowed`: whether an address may be connected to; `refused`: what to raise if none of a host may."""

    def __init__(
        self, most: int, *, connect: float, silence: float, allowed: Callable[[str], bool], refused: Callable[[str], Exception]
    ) -> None:
        self._most = most
        self._connect = connect
        self._silence = silence
        self._allowed = allowed
        self._refused = refused
        self._free = asyncio.Semaphore(most)
        self._kept: dict[Place, list[_Connection]] = {}  # the one that was used last is at the end
        self._open = 0
        self._tls: ssl.SSLContext | None = None

    def close(self) -> None:
        for kept in self._kept.values():
            for connection in kept:
                self._drop(connection)
        self._kept.clear()

    @asynccontextmanager
    async def exchange(self, place: Place, request: h11.Request, content: bytes | None) -> AsyncIterator[Answer]:
        """The answer, whose body is taken within. Raises NotReached, NoAnswer, CutOff, TimeoutError (silence), h11.LocalProtocolError."""
        async with self._free:
            connection = self._again(place) or await self._new(place)
            whole = False
            try:
                yield await connection.exchange(request, content)
                whole = connection.is_over()
            finally:
                if whole:
                    self._keep(place, connection)
                else:
                    self._drop(connection)

    def _again(self, place: Place) -> _Connection | None:
        kept = self._kept.get(place, [])
        while kept:
            connection = kept.pop()
            if connection.is_usable:
                return connection
            self._drop(connection)
        return None

    def _keep(self, place: Place, connection: _Connection) -> None:
        connection.until = time.monotonic() + KEPT
        kept = self._kept.setdefault(place, [])
        kept.append(connection)
        while not kept[0].is_usable:
            self._drop(kept.pop(0))

    def _drop(self, connection: _Connection) -> None:
        self._open -= 1
        connection.close()

    async def _new(self, place: Place) -> _Connection:
        if self._open >= self._most:
            self._make_room()
        self._open += 1
        try:
            return _Connection(await self._connected(place), self._silence)
        except BaseException:
            self._open -= 1
            raise

    def _make_room(self) -> None:
        """Closes a connection that is not in use; there is one, since no more are in use than may be open."""
        for place, kept in list(self._kept.items()):
            if kept:
                self._drop(kept.pop(0))
            if not kept:
                del self._kept[place]
            if self._open < self._most:
                return

    async def _connected(self, place: Place) -> _Link:
        addresses = await self._addresses(place)
        share = max(self._connect / len(addresses), 1.0)
        tls = self._context() if place.scheme == "https" else None
        failed = "no address"
        for address in addresses:
            try:
                async with asyncio.timeout(share):
                    _, link = await asyncio.get_running_loop().create_connection(
                        _Link, address, place.port, ssl=tls, server_hostname=place.host if tls else None
                    )
                return link
            except TimeoutError:
                failed = "it did not answer in time"
            except OSError as exc:  # that of TLS are among them
                failed = f"{type(exc).__name__}: {exc}"
        raise NotReached(failed)

    async def _addresses(self, place: Place) -> list[str]:
        """Where the host is, without what is refused."""
        try:
            async with asyncio.timeout(self._connect):
                found = await asyncio.get_running_loop().getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
        except TimeoutError:
            raise NotReached("the name was not resolved in time") from None
        except (OSError, UnicodeError):
            raise NotReached("the name is not known") from None
        addresses = [address for address in dict.fromkeys(str(entry[4][0]) for entry in found) if self._allowed(address)]
        if not addresses:
            raise self._refused(place.host)
        return addresses

    def _context(self) -> ssl.SSLContext:
        # When it is first wanted: to read the authorities takes a tenth of a second.
        if self._tls is None:
            self._tls = httpx.create_ssl_context(trust_env=False)
            self._tls.load_default_certs()  # what the machine's administrator trusts, too
        return self._tls
