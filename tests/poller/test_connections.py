"""Connections to vendors: kept, bounded, and never used again for what they are not fit for."""

from __future__ import annotations

import asyncio

import pytest
from poller.test_transport import Vendor, Writer, reply, sends

from pgsluice.poller.transport import Transport
from pgsluice.providers.base import Request
from pgsluice.providers.errors import Refused4xx


def test_a_connection_that_the_vendor_closed_is_not_used_again() -> None:
    async def answer(_head: bytes, writer: Writer) -> None:
        writer.write(reply(b"{}"))
        await writer.drain()
        writer.close()

    async def main() -> list[bytes]:
        async with Vendor(answer).listening() as vendor, Transport(allow_private=True) as sender:
            for _ in range(2):
                await sender.send(Request("GET", f"http://127.0.0.1:{vendor.port}/"))
                await asyncio.gather(*vendor.serving)
                await asyncio.sleep(0.05)  # word of it is on its way from the kernel
            return vendor.heads

    assert len(asyncio.run(main())) == 2


def test_what_comes_unasked_is_no_answer_to_the_next_request() -> None:
    async def main() -> list[bytes]:
        bodies = iter([reply(b"1") + reply(b"someone else's"), reply(b"2")])

        async def answer(_head: bytes, writer: Writer) -> None:
            writer.write(next(bodies))
            await writer.drain()

        async with Vendor(answer).listening() as vendor, Transport(allow_private=True) as sender:
            return [(await sender.send(Request("GET", f"http://127.0.0.1:{vendor.port}/"))).body for _ in range(2)]

    assert asyncio.run(main()) == [b"1", b"2"]


def test_requests_side_by_side_use_no_more_connections_than_allowed() -> None:
    async def main() -> int:
        async with Vendor(sends(reply(b"{}"))).listening() as vendor, Transport(allow_private=True, connections=3) as sender:
            for host in ("127.0.0.1", "localhost"):
                request = Request("GET", f"http://{host}:{vendor.port}/")
                await asyncio.gather(*(sender.send(request) for _ in range(20)))
            return len(vendor.heads) * 100 + vendor.connections

    heads, connections = divmod(asyncio.run(main()), 100)
    assert heads == 40
    assert connections <= 6  # those to the first host were closed for the second


def test_a_body_is_sent_with_its_length() -> None:
    async def main() -> bytes:
        async with Vendor(sends(reply(b"{}"))).listening() as vendor, Transport(allow_private=True) as sender:
            await sender.send(Request("POST", f"http://127.0.0.1:{vendor.port}/", headers={"Content-Type": "application/json"}))
            return vendor.heads[0].lower()

    assert b"content-length: 0\r\n" in asyncio.run(main())


def test_a_secret_that_no_header_may_hold_is_not_shown() -> None:
    async def main() -> None:
        async with Vendor(sends(reply(b"{}"))).listening() as vendor, Transport(allow_private=True) as sender:
            await sender.send(Request("GET", f"http://127.0.0.1:{vendor.port}/", headers={"Authorization": "Bearer hush\r\nX: 1"}))

    with pytest.raises(Refused4xx) as caught:
        asyncio.run(main())
    assert "hush" not in str(caught.value.as_dict())
