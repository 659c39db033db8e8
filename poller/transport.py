"""The only outbound connection of pgsluice: one provider's request in, one complete response out.

- The address that was looked at is the one that is connected to (`http1`).
- The environment's proxies are not used: a proxy would resolve names by itself, behind the check.
- Redirects are not followed: no vendor's API needs them, and one could lead a credential to another host.
- Cookies are not kept: one account's would be sent with the next one's request.
- Nothing of a header, a body or a query is logged.
"""

from __future__ import annotations

import asyncio
import ipaddress
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlencode, urlsplit

import h11
import httpx

from pgsluice import __version__
from pgsluice.db.errors import SluiceError, make
from pgsluice.poller import room
from pgsluice.poller.http1 import Answer, Connections, CutOff, NoAnswer, NotReached, Place
from pgsluice.providers.base import Request, Response
from pgsluice.providers.errors import Refused4xx, Unavailable, Unreadable
from pgsluice.providers.replies import plain

# Seconds. The whole of one exchange is bounded too: a body that drips in byte by byte would never meet the others.
CONNECT: Final = 10.0
SILENCE: Final = 30.0
WHOLE: Final = 120.0
MAX_BODY: Final = 128 * 1024 * 1024

_GLOBAL_UNICAST: Final = ipaddress.ip_network("2000::/3")
# Automatic tunnels of the past (6to4 and its relays, Teredo): they carry an IPv4 address, which need not be a public one.
_TUNNELS: Final = tuple(ipaddress.ip_network(net) for net in ("2002::/16", "2001::/32", "192.88.99.0/24"))
# Below 1024 only these speak HTTP; the others are mail, shells and databases that somebody might be made to talk to.
_LOW_PORTS: Final = frozenset({80, 443})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
# What a provider has no say in.
_OURS: Final = frozenset({"content-length", "transfer-encoding", "connection", "accept-encoding"})
_PIECE: Final = 1024 * 1024  # bytes that are unpacked at once
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: an IPv4 address in the last 32 bits


class Transport:
    """Sends requests. `allow_private`: whether an address that is not of the public internet, and plain HTTP, may be used."""

    def __init__(
        self,
        *,
        allow_private: bool = False,
        connections: int = 100,
        connect: float = CONNECT,
        silence: float = SILENCE,
        whole: float = WHOLE,
        max_body: int = MAX_BODY,
    ) -> None:
        self._allow_private = allow_private
        self._whole = whole
        self._max_body = max_body
        self._connections = Connections(
            connections,
            connect=connect,
            silence=silence,
            allowed=lambda address: allow_private or is_public(address),
            refused=lambda host: _refused(f"{host} leads to a private or local address"),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._connections.close()
        await asyncio.sleep(0)  # a round of the loop, in which they do

    async def send(self, request: Request) -> Response:
        """The complete reply to `request`, its body decoded.

        Raises Unavailable (no answer), Unreadable (cut off, too large, no HTTP), Refused4xx (a redirect, no URL), all of them providers'
        errors, and SL209 for an address that may not be connected to.
        """
        url = _url(request.url, allow_plain=self._allow_private)
        whole = asyncio.timeout(self._whole)
        try:
            async with whole:
                return await self._exchange(request, url)
        except TimeoutError:
            what = f"did not finish its answer within {self._whole:g} seconds" if whole.expired() else "did not answer in time"
            raise _unavailable(url, what) from None
        except NotReached as exc:
            raise _unsent(_unavailable(url, "cannot be reached", plain(str(exc), 200))) from None
        except NoAnswer as exc:
            raise _unavailable(url, "closed the connection without an answer", plain(str(exc), 200)) from None
        except (CutOff, zlib.error) as exc:
            raise Unreadable(
                f"the reply of {url.host} was cut off or came damaged",
                details=plain(str(exc), 200),
                hint="it is asked again; if this stays, something between here and the vendor breaks connections",
            ) from None
        except h11.LocalProtocolError:
            # Without its words: they would show the header, and the secret in it.
            raise Refused4xx("the request has what no header may hold", hint="a secret with a line break, perhaps: store it anew") from None

    async def _exchange(self, request: Request, url: httpx.URL) -> Response:
        async with self._connections.exchange(_place(url), _head(request, url), request.body) as answer:
            body = await self._body(answer, url)
        if answer.status in _REDIRECTS and "location" in answer.headers:
            raise _redirected(url, answer)
        return Response(answer.status, answer.headers, body, request.url, datetime.now(UTC))

    async def _body(self, answer: Answer, url: httpx.URL) -> bytes:
        body = bytearray()
        packed = _Packed.of(answer)
        async for chunk in answer.body:
            for piece in packed.unpacked(chunk) if packed else (chunk,):
                body += piece
                if len(body) > room.LARGE:
                    await room.large()
                # Counted after unpacking: a small reply may unpack into a thousand times its size.
                if len(body) > self._max_body:
                    raise Unreadable(
                        f"the reply of {url.host} is larger than {self._max_body:,} bytes",
                        hint="no page of a vendor is that large: look whether the address is the vendor's",
                        retryable=False,
                    )
        if packed:
            packed.end()
        return bytes(body)


class _Packed:
    """A body in gzip: the one encoding that is asked for."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self._begun = False

    @staticmethod
    def of(answer: Answer) -> _Packed | None:
        return _Packed() if answer.headers.get("content-encoding", "").strip().lower() in {"gzip", "x-gzip"} else None

    def unpacked(self, chunk: bytes) -> Iterator[bytes]:
        """In pieces: what a chunk unpacks into may be large."""
        while chunk and not self._zlib.eof:
            self._begun = True
            yield self._zlib.decompress(chunk, _PIECE)
            chunk = self._zlib.unconsumed_tail

    def end(self) -> None:
        if self._begun and not self._zlib.eof:
            raise CutOff("the packed body is cut off")


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet, seen through what carries an IPv4 address inside an IPv6 one."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if any(ip.version == net.version and ip in net for net in _TUNNELS):
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
        if inner is None:
            return ip in _GLOBAL_UNICAST and ip.is_global
        ip = inner
    return ip.is_global and not ip.is_multicast


@lru_cache(maxsize=4096)
def _url(address: str, *, allow_plain: bool) -> httpx.URL:
    try:
        url = httpx.URL(address)
    except (httpx.InvalidURL, ValueError):
        raise Refused4xx("the address of the vendor is no URL", hint="correct the base_url of the credential") from None
    if url.scheme not in {"http", "https"} or not url.host or url.userinfo:
        raise Refused4xx("the address of the vendor is no http(s) URL", hint="correct the base_url of the credential")
    if url.port is not None and url.port < 1024 and url.port not in _LOW_PORTS and not allow_plain:
        raise _refused(f"{url.host} is to be reached at port {url.port}, which is no port of an API")
    if url.scheme == "http" and not allow_plain:
        raise _refused(f"{url.host} would get the credential over plain HTTP, where others can read it")
    return url


def _place(url: httpx.URL) -> Place:
    return Place(url.scheme, url.raw_host.decode("ascii"), url.port or (443 if url.scheme == "https" else 80))


def _head(request: Request, url: httpx.URL) -> h11.Request:
    target = url.raw_path
    if request.params:
        target = target.partition(b"?")[0] + b"?" + urlencode(request.params).encode("ascii")
    given = {name.lower(): (name, value) for name, value in request.headers.items()}
    always = {"Host": url.netloc.decode("ascii"), "Accept": "*/*", "Accept-Encoding": "gzip", "User-Agent": f"pgsluice/{__version__}"}
    headers = [(name, value) for name, value in always.items() if name.lower() not in given]
    if request.body is not None or request.method in {"POST", "PUT", "PATCH"}:
        headers.append(("Content-Length", str(len(request.body or b""))))
    headers += [(name, value) for key, (name, value) in given.items() if key not in _OURS]
    return h11.Request(method=request.method, target=target, headers=[(name.encode(), value.encode()) for name, value in headers])


def _refused(message: str) -> SluiceError:
    return make(message, code="SL209", hint="correct the base_url, or let the operator allow it: PGSLUICE_ALLOW_PRIVATE_ADDRESSES=1")


def _redirected(url: httpx.URL, answer: Answer) -> Refused4xx:
    try:
        to = plain(urlsplit(answer.headers["location"]).netloc, 100) or url.host
    except ValueError:
        to = "what is no address"
    return Refused4xx(
        f"{url.host} redirects the request to {'another place on the same host' if to == url.host else to}",
        details=f"status {answer.status}",
        hint="redirects are not followed; correct the base_url of the credential",
    )


def _unavailable(url: httpx.URL, what: str, details: str | None = None) -> Unavailable:
    return Unavailable(f"{url.host} {what}", details=details, hint="it is asked again, with growing pauses")


def _unsent(error: Unavailable) -> Unavailable:
    error.sent = False
    return error
