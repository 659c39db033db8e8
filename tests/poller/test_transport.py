from __future__ import annotations

import asyncio
import gzip
import logging
import socket
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from pgsluice.db.errors import SluiceError
from pgsluice.poller.transport import Transport, is_public
from pgsluice.providers.base import Request, Response
from pgsluice.providers.errors import Refused4xx, Unavailable, Unreadable

Writer = asyncio.StreamWriter
Answer = Callable[[bytes, Writer], Awaitable[None]]


class Vendor:
    """A server of raw bytes on loopback: `answer(head of the request, writer)`, once a request."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.heads: list[bytes] = []
        self.port = 0
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def serving(self) -> set[asyncio.Task[None]]:
        return self._serving

    @property
    def connections(self) -> int:
        return len(self._serving)

    @asynccontextmanager
    async def listening(self):
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in self._serving:
                task.cancel()
            await asyncio.gather(*self._serving, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        self._serving.add(asyncio.ensure_future(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while not writer.is_closing():
                    head = await reader.readuntil(b"\r\n\r\n")
                    self.heads.append(head)
                    await self.answer(head, writer)
        finally:
            writer.transport.abort() if writer.transport.get_write_buffer_size() else writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


def reply(body: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def sends(data: bytes, *, close: bool = False) -> Answer:
    async def answer(_head: bytes, writer: Writer) -> None:
        writer.write(data)
        await writer.drain()
        if close:
            writer.close()

    return answer


def asking(
    answer: Answer, requests: int = 1, *, path: str = "/v1/x", host: str = "127.0.0.1", **options: Any
) -> tuple[list[Response], Vendor]:
    async def main() -> tuple[list[Response], Vendor]:
        async with Vendor(answer).listening() as vendor, Transport(**{"allow_private": True, **options}) as sender:
            request = Request("GET", f"http://{host}:{vendor.port}{path}", (("created[gte]", "5"),), {"Authorization": "Bearer hush"})
            return [await sender.send(request) for _ in range(requests)], vendor

    return asyncio.run(main())


def test_a_reply_and_its_request() -> None:
    (response,), vendor = asking(sends(reply(b'{"a":1}', "X-Two: 1", "x-two: 2")))
    assert (response.status, response.body, response.headers["x-two"]) == (200, b'{"a":1}', "1, 2")
    assert response.received_at.tzinfo is not None
    head = vendor.heads[0].decode()
    assert head.startswith("GET /v1/x?created%5Bgte%5D=5 HTTP/1.1\r\n")
    assert "authorization: bearer hush" in head.lower()
    assert f"host: 127.0.0.1:{vendor.port}" in head.lower()
    assert "hush" not in repr(response)


def test_an_id_with_a_slash_stays_one_segment() -> None:
    _, vendor = asking(sends(reply(b"{}")), path="/v1/plans/a%2Fb%20c")
    assert vendor.heads[0].startswith(b"GET /v1/plans/a%2Fb%20c?")


def test_the_host_of_the_url_is_named_though_an_address_is_connected_to() -> None:
    _, vendor = asking(sends(reply(b"{}")), host="localhost")
    assert f"host: localhost:{vendor.port}".encode() in vendor.heads[0].lower()


def test_connections_are_kept() -> None:
    _, vendor = asking(sends(reply(b"{}")), requests=3)
    assert (vendor.connections, len(vendor.heads)) == (1, 3)


def test_cookies_are_not() -> None:
    _, vendor = asking(sends(reply(b"{}", "Set-Cookie: session=someone; Path=/")), requests=2)
    assert b"cookie" not in vendor.heads[1].lower()


def test_gzip_is_unpacked() -> None:
    (response,), _ = asking(sends(reply(gzip.compress(b"[1]"), "Content-Encoding: gzip")))
    assert response.body == b"[1]"


@pytest.mark.parametrize("status", ["401 Unauthorized", "404 Not Found", "429 Too Many Requests", "502 Bad Gateway"])
def test_every_status_is_a_reply(status: str) -> None:
    (response,), _ = asking(sends(reply(b"<html>", status=status)))
    assert (response.status, response.body) == (int(status[:3]), b"<html>")


@pytest.mark.parametrize(
    ("data", "what"),
    [
        pytest.param(reply(b'{"a"', length=100), "cut off", id="content length says more"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "cut off", id="cut in a chunk"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab", "damaged", id="no chunk"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "damaged", id="no HTTP"),
        pytest.param(reply(b"not gzip", "Content-Encoding: gzip"), "damaged", id="not gzip"),
        pytest.param(reply(gzip.compress(b"[1]" * 99)[:-9], "Content-Encoding: gzip"), "cut off", id="gzip without its end"),
    ],
)
def test_a_broken_body_is_unreadable(data: bytes, what: str) -> None:
    with pytest.raises(Unreadable, match=what) as caught:
        asking(sends(data, close=True))
    assert caught.value.retryable
    assert "hush" not in str(caught.value.as_dict())


@pytest.mark.parametrize("data", [b"", b"HTTP/1.1 200 OK\r\nContent-Le"], ids=["nothing", "cut head"])
def test_no_answer_is_unavailable(data: bytes) -> None:
    with pytest.raises(Unavailable) as caught:
        asking(sends(data, close=True))
    assert caught.value.retryable


def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

        async def main() -> None:
            async with Transport(allow_private=True) as sender:
                await sender.send(Request("GET", f"http://127.0.0.1:{port}/"))

        with pytest.raises(Unavailable, match=r"127\.0\.0\.1 cannot be reached"):
            asyncio.run(main())


def test_an_unknown_name(monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolve(self: Any, host: str, *_: Any, **__: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", resolve)
    with pytest.raises(Unavailable) as caught:
        asking(sends(b""), host="api.example.invalid")
    assert "the name is not known" in (caught.value.details or "")


def test_silence() -> None:
    async def answer(_head: bytes, _writer: Writer) -> None:
        await asyncio.Event().wait()

    with pytest.raises(Unavailable, match="did not answer in time"):
        asking(answer, silence=0.05)


def test_a_body_that_drips() -> None:
    async def answer(_head: bytes, writer: Writer) -> None:
        writer.write(reply(b"", length=1000))
        while not writer.is_closing():
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.01)

    with pytest.raises(Unavailable, match=r"did not finish its answer within 0\.3 seconds"):
        asking(answer, silence=5, whole=0.3)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(reply(b" " * 3000), id="plain"),
        pytest.param(reply(gzip.compress(b" " * 3000), "Content-Encoding: gzip"), id="packed"),
    ],
)
def test_a_huge_body(data: bytes) -> None:
    with pytest.raises(Unreadable, match="larger than 1,000 bytes"):
        asking(sends(data), max_body=1000)


def test_a_body_without_end_is_given_up_at_the_limit() -> None:
    async def answer(_head: bytes, writer: Writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x" * 65536)
            await writer.drain()

    with pytest.raises(Unreadable, match="larger than"):
        asking(answer, max_body=1_000_000)


@pytest.mark.parametrize("to", ["http://other.example/v1/x", "http://127.0.0.1:1/", "/v1/x", "http://[broken"])
def test_redirects_are_not_followed(to: str) -> None:
    async def main() -> None:
        async with Vendor(sends(reply(b"", f"Location: {to}", status="302 Found"))).listening() as vendor:
            async with Transport(allow_private=True) as sender:
                with pytest.raises(Refused4xx, match="redirects"):
                    await sender.send(Request("GET", f"http://127.0.0.1:{vendor.port}/v1/x"))
            assert len(vendor.heads) == 1

    asyncio.run(main())


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "127.1", "0", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.1", "169.254.169.254",
        "0x7f.1", "2130706433", "0x7f000001", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:a00:1]", "100.64.0.1", "[64:ff9b::a00:1]",
        "[2002:a00:1::]", "[fd00:ec2::254]", "1.1.1.1:22", "1.1.1.1:25", "1.1.1.1:111",
        "127.0.0.1.", "127.1.", "127。0。0。1", "①②⑦.0.0.1", "ⓛocalhost", "127.0.0.1%00.example", "[::1%25lo]", "[::ffff:0:7f00:1]",
    ],
)  # fmt: skip
def test_private_addresses_are_refused(host: str) -> None:
    async def main() -> None:
        async with Transport(connect=2) as sender:
            await sender.send(Request("GET", f"https://{host}/"))

    with pytest.raises(SluiceError) as caught:
        asyncio.run(main())
    assert caught.value.code == "SL209"
    assert "PGSLUICE_ALLOW_PRIVATE_ADDRESSES" in (caught.value.hint or "")


def test_the_address_that_was_looked_at_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is public when it is checked and private right after: it is asked for once."""
    answers = [["127.0.0.9", "203.0.114.7"], ["127.0.0.1"]]
    dialled: list[str] = []

    async def resolve(self: Any, host: str, port: int, **_: Any) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in answers.pop(0)]

    async def dial(_loop: Any, _sock: Any, address: tuple[str, int]) -> None:
        dialled.append(address[0])

    async def shake_hands(_loop: Any, *_: Any, sock: socket.socket, server_hostname: str, **__: Any) -> None:
        dialled.append(server_hostname)
        sock.close()
        raise OSError("far away")

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", resolve)
    monkeypatch.setattr(asyncio.SelectorEventLoop, "sock_connect", dial)
    monkeypatch.setattr(asyncio.BaseEventLoop, "create_connection", shake_hands)

    async def main() -> None:
        async with Transport() as sender:
            await sender.send(Request("GET", "https://rebind.example/"))

    with pytest.raises(Unavailable):
        asyncio.run(main())
    assert dialled == ["203.0.114.7", "rebind.example"]


def test_the_next_address_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    found = ["127.0.0.2", "127.0.0.1"]  # nobody listens at the first

    async def resolve(self: Any, host: str, port: int, **_: Any) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", resolve)
    (response,), _ = asking(sends(reply(b"{}")), host="api.example")
    assert response.status == 200


@pytest.mark.parametrize(
    "url",
    ["ftp://example.com/", "file:///etc/passwd", "https://", "nonsense", "https://me:secret@example.com/", "https://secret@127.0.0.1/"],
)
def test_what_is_no_address(url: str) -> None:
    async def main() -> None:
        async with Transport(allow_private=True) as sender:
            await sender.send(Request("GET", url))

    with pytest.raises(Refused4xx) as caught:
        asyncio.run(main())
    assert "secret" not in str(caught.value.as_dict())


def test_plain_http_needs_the_operator() -> None:
    async def main() -> None:
        async with Transport() as sender:
            await sender.send(Request("GET", "http://93.184.215.14/"))

    with pytest.raises(SluiceError, match="plain HTTP") as caught:
        asyncio.run(main())
    assert caught.value.code == "SL209"


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    (response,), _ = asking(sends(reply(b"{}")))
    assert response.status == 200


def test_nothing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        asking(sends(reply(b"{}")))
    assert "hush" not in caplog.text
    assert "created" not in caplog.text


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2002:5db8:d70e::",
        "64:ff9b:1::1",
        "192.88.99.1",
        "2001:0:4136:e378:8000:63bf:80ff:fffe",
        "2001:db8::1",
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:93.184.215.14", "64:ff9b::5db8:d70e"]
)
def test_addresses_that_are_public(address: str) -> None:
    assert is_public(address)
