"""The only outbound connection of pgsluice: one provider's request in, one complete response out.

- A name is resolved here, and the address that was looked at is the one that is connected to: a name cannot point somewhere else between
  the check and the call. The host of the URL stays what connections are kept under and what TLS checks: two vendors behind one address
  never share a connection.
- The environment's proxies are not used: a proxy would resolve names by itself, behind the check.
- Redirects are not followed: no vendor's API needs them, and one could lead a credential to another host.
- Cookies are not kept: one account's would be sent with the next one's request.
- Nothing of a header, a body or a query is logged.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlencode, urlsplit

import aiohttp
import certifi
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from pgsluice import __version__
from pgsluice.db.errors import SluiceError, make
from pgsluice.poller import room
from pgsluice.providers.base import Request, Response
from pgsluice.providers.errors import Refused4xx, Unavailable, Unreadable
from pgsluice.providers.replies import joined, plain

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
# Seconds that an unused connection is kept, and bytes of the longest header.
KEPT: Final = 20.0
LONGEST_LINE: Final = 64 * 1024
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
# What a provider has no say in.
_OURS: Final = frozenset({"content-length", "transfer-encoding", "connection", "accept-encoding"})
_PIECE: Final = 1024 * 1024  # bytes that are unpacked at once
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: an IPv4 address in the last 32 bits


class Transport:
    """Sends requests, inside `async with`. `allow_private`: whether other than public addresses, and plain HTTP, may be used."""

    _session: aiohttp.ClientSession

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
        self._connections = connections
        self._connect = connect
        self._silence = silence
        self._whole = whole
        self._max_body = max_body
        self._tls: ssl.SSLContext | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._connections,
                keepalive_timeout=KEPT,
                resolver=_Checked(self._connect, allow_private=self._allow_private),
                use_dns_cache=False,
            ),
            # Waiting for a free connection is bounded by the whole.
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._connect, sock_read=self._silence),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": f"pgsluice/{__version__}"},
            skip_auto_headers=("Content-Type",),
            auto_decompress=False,
            trust_env=False,
            max_line_size=LONGEST_LINE,
            max_field_size=LONGEST_LINE,
        )
        return self

    async def __aexit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        await self._session.close()

    async def send(self, request: Request) -> Response:
        """The complete reply to `request`, its body decoded.

        Raises Unavailable (no answer), Unreadable (cut off, too large, no HTTP), Refused4xx (a redirect, no URL), all of them providers'
        errors, and SL209 for an address that may not be connected to. room.Crowded: a large reply for which there is no room now.
        """
        url = _url(request.url, allow_private=self._allow_private)
        try:
            async with asyncio.timeout(self._whole):
                return await self._exchange(request, url)
        except TimeoutError as exc:
            raise self._late(exc, url) from None
        except aiohttp.ClientConnectorError as exc:
            raise _unsent(_unavailable(url, "cannot be reached", plain(str(exc.os_error), 200))) from None
        except aiohttp.ClientConnectionError as exc:
            raise _unavailable(url, "closed the connection without an answer", plain(str(exc), 200)) from None
        except (aiohttp.ClientPayloadError, aiohttp.ClientResponseError, zlib.error) as exc:
            # Of the second one not all words: the address that was asked is among them, with its query.
            said = exc.message if isinstance(exc, aiohttp.ClientResponseError) else str(exc)
            raise Unreadable(
                f"the reply of {url.host} was cut off or came damaged",
                details=plain(said, 200),
                hint="it is asked again; if this stays, something between here and the vendor breaks connections",
            ) from None
        except (aiohttp.InvalidURL, ValueError):
            # Without its words: they would show the header, and the secret in it.
            raise Refused4xx("the request has what no header may hold", hint="a secret with a line break, perhaps: store it anew") from None

    async def _exchange(self, request: Request, url: URL) -> Response:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _OURS}
        headers["Accept-Encoding"] = "gzip"
        async with self._session.request(
            request.method,
            _target(request, url),
            headers=headers,
            data=request.body,
            ssl=self._context() if url.scheme == "https" else True,
            allow_redirects=False,
        ) as answer:
            names = joined(answer.headers.items())
            body = await self._body(answer, names, url)
        if answer.status in _REDIRECTS and "location" in names:
            raise _redirected(url, answer.status, names["location"])
        return Response(answer.status, names, body, request.url, datetime.now(UTC))

    async def _body(self, answer: aiohttp.ClientResponse, names: dict[str, str], url: URL) -> bytes:
        body = bytearray()
        packed = _Packed() if names.get("content-encoding", "").strip().lower() in {"gzip", "x-gzip"} else None
        with room.Reply() as reply:
            async for chunk in answer.content.iter_any():
                for piece in packed.unpacked(chunk) if packed else (chunk,):
                    body += piece
                    # Counted after unpacking: a small reply may unpack into a thousand times its size.
                    if len(body) > self._max_body:
                        raise Unreadable(
                            f"the reply of {url.host} is larger than {self._max_body:,} bytes",
                            hint="no page of a vendor is that large: look whether the address is the vendor's",
                            retryable=False,
                        )
                    reply.grown(len(body))
        if packed:
            packed.end()
        return bytes(body)

    def _late(self, exc: TimeoutError, url: URL) -> Unavailable:
        if isinstance(exc, aiohttp.ConnectionTimeoutError):
            return _unsent(_unavailable(url, "cannot be reached", "it did not answer in time"))
        if isinstance(exc, aiohttp.ServerTimeoutError):
            return _unavailable(url, "did not answer in time")
        return _unavailable(url, f"did not finish its answer within {self._whole:g} seconds")

    def _context(self) -> ssl.SSLContext:
        # When it is first wanted: to read the authorities takes a tenth of a second.
        if self._tls is None:
            self._tls = ssl.create_default_context(cafile=certifi.where())
            self._tls.load_default_certs()  # what the machine's administrator trusts, too
        return self._tls


class _Checked(AbstractResolver):
    """Where hosts are, without what is refused."""

    def __init__(self, seconds: float, *, allow_private: bool) -> None:
        self._seconds = seconds
        self._allow_private = allow_private

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        """Raises SL209 if nothing is left."""
        try:
            async with asyncio.timeout(self._seconds):
                found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
        except TimeoutError:
            raise OSError("the name was not resolved in time") from None
        except (OSError, UnicodeError):
            raise OSError("the name is not known") from None
        allowed = {str(address[0]): of for of, _, _, _, address in found if self._allow_private or is_public(str(address[0]))}
        if not allowed:
            raise _refused(f"{host} leads to a private or local address")
        return [
            ResolveResult(hostname=host, host=address, port=port, family=of, proto=0, flags=socket.AI_NUMERICHOST)
            for address, of in allowed.items()
        ]

    async def close(self) -> None:
        return


class _Packed:
    """A body in gzip: the one encoding that is asked for."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self._begun = False

    def unpacked(self, chunk: bytes) -> Iterator[bytes]:
        """In pieces: what a chunk unpacks into may be large."""
        while chunk and not self._zlib.eof:
            self._begun = True
            yield self._zlib.decompress(chunk, _PIECE)
            chunk = self._zlib.unconsumed_tail

    def end(self) -> None:
        if self._begun and not self._zlib.eof:
            raise aiohttp.ClientPayloadError("the packed body is cut off")


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
def _url(address: str, *, allow_private: bool) -> URL:
    try:
        url = URL(address)
        host = url.raw_host
    except ValueError:
        raise Refused4xx("the address of the vendor is no URL", hint="correct the base_url of the credential") from None
    if url.scheme not in {"http", "https"} or not host or url.user is not None or url.password is not None:
        raise Refused4xx("the address of the vendor is no http(s) URL", hint="correct the base_url of the credential")
    if allow_private:
        return url
    if url.explicit_port is not None and url.explicit_port < 1024 and url.explicit_port not in _LOW_PORTS:
        raise _refused(f"{host} is to be reached at port {url.explicit_port}, which is no port of an API")
    if url.scheme == "http":
        raise _refused(f"{host} would get the credential over plain HTTP, where others can read it")
    literal = _literal(host)
    if literal is not None and not is_public(literal):
        raise _refused(f"{host} leads to a private or local address")
    return url


def _literal(host: str) -> str | None:
    """The address that a host is, without being resolved; also in the short forms that the system's calls read, as 127.1."""
    host = host.removesuffix(".")
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        pass
    try:
        return str(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        return None


def _target(request: Request, url: URL) -> URL:
    path = url.raw_path_qs
    if request.params:
        path = f"{url.raw_path}?{urlencode(request.params)}"
    return URL(f"{url.scheme}://{url.raw_authority}{path}", encoded=True)


def _refused(message: str) -> SluiceError:
    return make(message, code="SL209", hint="correct the base_url, or let the operator allow it: PGSLUICE_ALLOW_PRIVATE_ADDRESSES=1")


def _redirected(url: URL, status: int, location: str) -> Refused4xx:
    try:
        to = plain(urlsplit(location).netloc, 100) or url.host
    except ValueError:
        to = "what is no address"
    return Refused4xx(
        f"{url.host} redirects the request to {'another place on the same host' if to == url.host else to}",
        details=f"status {status}",
        hint="redirects are not followed; correct the base_url of the credential",
    )


def _unavailable(url: URL, what: str, details: str | None = None) -> Unavailable:
    return Unavailable(f"{url.host} {what}", details=details, hint="it is asked again, with growing pauses")


def _unsent(error: Unavailable) -> Unavailable:
    error.sent = False
    return error
