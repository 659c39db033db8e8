"""A vendor in the shape of Stripe's lists, as quick as Python allows: records are rendered before anybody asks.

Accounts are told apart by their key: `sk_test_one` has all records in one collection, `sk_test_four` a quarter in each of four,
`sk_test_none` has none.
`GET /set?latency=0.1&change=1` waits that long before each page from then on, and changes one record of a hundred.
"""

from __future__ import annotations

import asyncio
import bisect
import email.utils
import random
import sys
from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qsl, urlsplit

FOUR: Final = ("customers", "products", "subscriptions", "invoices")
KINDS: Final = {"customers": "customer", "products": "product", "subscriptions": "subscription", "invoices": "invoice"}
NEWEST: Final = 1_790_000_000
BETWEEN: Final = 60  # seconds from one record to the next older one


def record(kind: str, number: int, version: int) -> bytes:
    """About 1 kB of JSON that does not compress to nothing."""
    noise = random.Random(number).randbytes(300).hex()  # the same in every run
    return (
        f'{{"id":"{kind[:3]}_{number:08d}","object":"{kind}","created":{NEWEST - number * BETWEEN},"balance":{version},'
        f'"email":"user{number}@example.com","livemode":false,"name":"User {number}","phone":null,"currency":"eur","delinquent":false,'
        f'"address":{{"city":"City {number % 512}","country":"DE","line1":"{number} Main Street","postal_code":"10115"}},'
        f'"metadata":{{"order":"{number}","plan":"business","note":"{noise}"}},"description":null,"discount":null,"tax_exempt":"none"}}'
    ).encode()


class List:
    """One collection, the newest record first."""

    def __init__(self, path: str, count: int) -> None:
        self._path = path
        self._kind = KINDS[path]
        self.records = [record(self._kind, number, 0) for number in range(count)]
        self._ages = range(-NEWEST, -NEWEST + count * BETWEEN, BETWEEN)  # rising, as bisect wants it

    def change(self, version: int) -> None:
        for number in range(0, len(self.records), 100):
            self.records[number] = record(self._kind, number, version)

    def page(self, query: dict[str, str]) -> bytes:
        first, last = 0, len(self.records)
        for name, value in query.items():
            if name in {"created[lt]", "created[lte]"}:
                first = max(first, (bisect.bisect_right if name.endswith("lt]") else bisect.bisect_left)(self._ages, -int(value)))
            elif name in {"created[gt]", "created[gte]"}:
                last = min(last, (bisect.bisect_left if name.endswith("gt]") else bisect.bisect_right)(self._ages, -int(value)))
        if after := query.get("starting_after"):
            first = max(first, int(after.rpartition("_")[2]) + 1)
        end = min(last, first + min(int(query.get("limit", "10")), 100))
        return listed(self._path, self.records[first:end], more=end < last)


def listed(path: str, records: Sequence[bytes], *, more: bool) -> bytes:
    tail = f'],"has_more":{"true" if more else "false"},"url":"/v1/{path}"}}'
    return b'{"object":"list","data":[' + b",".join(records) + tail.encode()


class Vendor:
    """All accounts."""

    def __init__(self, records: int) -> None:
        self.latency = 0.0
        self.asked = 0
        self._version = 0
        share = records // len(FOUR)
        self._accounts = {"one": {FOUR[0]: List(FOUR[0], records)}, "four": {path: List(path, share) for path in FOUR}, "none": {}}

    def answer(self, target: str, key: str) -> bytes:
        url = urlsplit(target)
        query = dict(parse_qsl(url.query))
        if url.path == "/set":
            self._set(query)
            return str(self.asked).encode()
        self.asked += 1
        path = url.path.removeprefix("/v1/")
        found = self._accounts.get(key.removeprefix("sk_test_"), {}).get(path)
        return found.page(query) if found else listed(path, (), more=False)

    def _set(self, query: dict[str, str]) -> None:
        self.latency = float(query.get("latency", self.latency))
        if "change" in query:
            self._version += 1
            for account in self._accounts.values():
                for each in account.values():
                    each.change(self._version)


class Exchange(asyncio.Protocol):
    """One connection, one request after the other."""

    def __init__(self, vendor: Vendor) -> None:
        self._vendor = vendor
        self._read = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._read += data
        while b"\r\n\r\n" in self._read:
            head, _, self._read = self._read.partition(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")
            keys = [line.split()[-1] for line in lines if line.lower().startswith("authorization:")]
            target = lines[0].split()[1]
            body = self._vendor.answer(target, keys[0] if keys else "")
            date = email.utils.formatdate(usegmt=True)
            reply = (
                f"HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
            )
            if self._vendor.latency and not target.startswith("/set"):
                asyncio.get_running_loop().call_later(self._vendor.latency, self._transport.write, reply)
            else:
                self._transport.write(reply)


async def main(records: int) -> None:
    """Prints its port, and serves until its standard input ends."""
    loop = asyncio.get_running_loop()
    vendor = Vendor(records)
    served = await loop.create_server(lambda: Exchange(vendor), "127.0.0.1", 0)
    sys.stdout.write(f"{served.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
