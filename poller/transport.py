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
import logging
import socket
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

import httpcore
import httpx

from pgsluice import __version__
from pgsluice.db.errors import SluiceError, make
from pgsluice.poller import room
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
        # Their debug lines show requests and headers.
        for name in ("httpx", "httpcore"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self._client = httpx.AsyncClient(
            transport=_Pool(connections, _Checked(allow_private=allow_private)),
            follow_redirects=False,
            trust_env=False,
            # Waiting for a free connection is bounded by the whole.
            timeout=httpx.Timeout(silence, connect=connect, pool=None),
            cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=())),
            headers={"User-Agent": f"pgsluice/{__version__}", "Accept-Encoding": "gzip"},
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        await self._client.aclose()

    async def send(self, request: Request) -> Response:
        """The complete reply to `request`, its body decoded.

        Raises Unavailable (no answer), Unreadable (cut off, too large, no HTTP), Refused4xx (a redirect, no URL), all of them providers'
        errors, and SL209 for an address that may not be connected to.
        """
        url = _url(request, allow_plain=self._allow_private)
        try:
            async with asyncio.timeout(self._whole):
                return await self._exchange(request, url)
        except TimeoutError:
            raise _unavailable(url, f"did not finish its answer within {self._whole:g} seconds") from None
        except (httpcore.ConnectTimeout, httpcore.ConnectError) as exc:
            raise _unsent(_unavailable(url, "cannot be reached", _words(exc))) from None
        except httpcore.TimeoutException:
            raise _unavailable(url, "did not answer in time") from None
        except (httpcore.NetworkError, httpcore.ProtocolError) as exc:
            raise _unavailable(url, "closed the connection without an answer", _words(exc)) from None

    async def _exchange(self, request: Request, url: httpx.URL) -> Response:
        outgoing = self._client.build_request(request.method, url, headers=dict(request.headers), content=request.body)
        response = await self._client.send(outgoing, stream=True)
        try:
            body = await self._body(response, url)
        except (httpcore.NetworkError, httpcore.ProtocolError, httpx.DecodingError) as exc:
            raise Unreadable(
                f"the reply of {url.host} was cut off or came damaged",
                details=_words(exc),
                hint="it is asked again; if this stays, something between here and the vendor breaks connections",
            ) from None
        finally:
            await response.aclose()
        if response.is_redirect:
            raise _redirected(url, response)
        names = {name.lower(): value for name, value in response.headers.items()}
        return Response(response.status_code, names, body, request.url, datetime.now(UTC))

    async def _body(self, response: httpx.Response, url: httpx.URL) -> bytes:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > room.LARGE:
                await room.large()
            # Counted after unpacking: a small reply may unpack into a thousand times its size.
            if len(body) > self._max_body:
                raise Unreadable(
                    f"the reply of {url.host} is larger than {self._max_body:,} bytes",
                    hint="no page of a vendor is that large: look whether the address is the vendor's",
                    retryable=False,
                )
        return bytes(body)


class _Checked(httpcore.AsyncNetworkBackend):
    """Connects to addresses that were looked at."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._sockets = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (the interface's)
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await self._addresses(host, port, timeout)
        share = None if timeout is None else max(timeout / len(addresses), 1.0)
        failed: Exception | None = None
        for address in addresses:
            try:
                return await self._sockets.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as exc:
                failed = exc
        raise failed or httpcore.ConnectError("no address")

    async def _addresses(self, host: str, port: int, seconds: float | None) -> list[str]:
        """Where `host` is, without what is refused. SL209 if nothing is left."""
        try:
            async with asyncio.timeout(seconds):
                found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except TimeoutError:
            raise httpcore.ConnectTimeout("the name was not resolved in time") from None
        except (OSError, UnicodeError):
            raise httpcore.ConnectError("the name is not known") from None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        allowed = [address for address in addresses if self._allow_private or is_public(address)]
        if not allowed:
            raise _refused(f"{host} leads to a private or local address")
        return allowed


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


class _Pool(httpx.AsyncBaseTransport):
    """httpx on a pool of connections that `backend` opens. httpx's own transport has no place for one."""

    def __init__(self, connections: int, backend: httpcore.AsyncNetworkBackend) -> None:
        trusted = httpx.create_ssl_context(trust_env=False)
        trusted.load_default_certs()  # what the machine's administrator trusts, too
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=trusted, max_connections=connections, keepalive_expiry=20.0, network_backend=backend
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.AsyncByteStream)
        url = request.url
        reply = await self._pool.handle_async_request(
            httpcore.Request(
                request.method,
                httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(reply.status, headers=reply.headers, stream=_Stream(reply), extensions=reply.extensions)

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Stream(httpx.AsyncByteStream):
    """The body of httpcore's response, for httpx."""

    def __init__(self, reply: httpcore.Response) -> None:
        self._reply = reply

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._reply.aiter_stream():
            yield chunk

    async def aclose(self) -> None:
        await self._reply.aclose()


def _url(request: Request, *, allow_plain: bool) -> httpx.URL:
    try:
        url = httpx.URL(request.url, params=httpx.QueryParams(list(request.params))) if request.params else httpx.URL(request.url)
    except (httpx.InvalidURL, ValueError):
        raise Refused4xx("the address of the vendor is no URL", hint="correct the base_url of the credential") from None
    if url.scheme not in {"http", "https"} or not url.host or url.userinfo:
        raise Refused4xx("the address of the vendor is no http(s) URL", hint="correct the base_url of the credential")
    if url.port is not None and url.port < 1024 and url.port not in _LOW_PORTS and not allow_plain:
        raise _refused(f"{url.host} is to be reached at port {url.port}, which is no port of an API")
    if url.scheme == "http" and not allow_plain:
        raise _refused(f"{url.host} would get the credential over plain HTTP, where others can read it")
    return url


def _refused(message: str) -> SluiceError:
    return make(message, code="SL209", hint="correct the base_url, or let the operator allow it: PGSLUICE_ALLOW_PRIVATE_ADDRESSES=1")


def _redirected(url: httpx.URL, response: httpx.Response) -> Refused4xx:
    try:
        to = plain(urlsplit(response.headers["location"]).netloc, 100) or url.host
    except ValueError:
        to = "what is no address"
    return Refused4xx(
        f"{url.host} redirects the request to {'another place on the same host' if to == url.host else to}",
        details=f"status {response.status_code}",
        hint="redirects are not followed; correct the base_url of the credential",
    )


def _unavailable(url: httpx.URL, what: str, details: str | None = None) -> Unavailable:
    return Unavailable(f"{url.host} {what}", details=details, hint="it is asked again, with growing pauses")


def _unsent(error: Unavailable) -> Unavailable:
    error.sent = False
    return error


def _words(exc: Exception) -> str:
    said = plain(str(exc), 200)
    return f"{type(exc).__name__}: {said}" if said else type(exc).__name__
