from __future__ import annotations

import asyncio
import base64
import json
from datetime import UTC, datetime

from pgsluice.poller.page import Batch
from pgsluice.providers.base import Change, Refused

DIGITS = b'{"id":"a", "n":0.12345678901234567890123,"m":1e400,"same":1,"same":2}'


def change(name: str = "a", raw: bytes | None = b"{}", **more: object) -> Change:
    return Change("stripe:customer", name, raw, **more)


def test_records_carry_the_bytes_untouched() -> None:
    records = Batch([change(raw=DIGITS), change("b", None, deleted=True)]).records()
    assert DIGITS in records
    one, two = json.loads(records)
    assert one.keys() == {"collection_id", "upstream_id", "deleted", "data"}
    assert two == {"collection_id": "stripe:customer", "upstream_id": "b", "deleted": True}


def test_times_and_odd_ids() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    (record,) = json.loads(Batch([change('"\\ü\n', upstream_created_at=moment, upstream_updated_at=moment)]).records())
    assert record["upstream_id"] == '"\\ü\n'
    assert record["upstream_created_at"] == record["upstream_updated_at"] == "2026-01-02T03:04:05+00:00"


def test_quarantine() -> None:
    refused = [
        Refused("stripe:customer", "a", b"\xff\x00", "why"),
        Refused("stripe:customer", "a\0b", b"", "a \0"),
        Refused("c", None, b"x", ""),
    ]
    one, two, three = Batch([], refused).quarantine()
    assert (base64.b64decode(one["raw"]), one["upstream_id"], one["reason"]) == (b"\xff\x00", "a", "why")
    assert (two["upstream_id"], two["reason"]) == (None, "a  ")
    assert three["upstream_id"] is None


def test_parts_keep_order_and_only_the_last_brings_the_quarantine() -> None:
    changes = [change(str(number), b"x" * size) for number, size in enumerate([10, 10, 50, 1, 1, 1])]
    parts = list(Batch(changes, [Refused("c", None, b"", "r")]).parts(20))
    assert [[item.upstream_id for item in part.changes] for part in parts] == [["0", "1"], ["2"], ["3", "4", "5"]]
    assert [len(part.refused) for part in parts] == [0, 0, 1]


def test_a_batch_without_records_has_one_part() -> None:
    refused = [Refused("c", None, b"", "r")]
    assert list(Batch([], refused).parts()) == [Batch([], refused)]


def test_halves() -> None:
    one, two = Batch([change(name) for name in "abc"], [Refused("c", None, b"", "r")]).halves()
    assert [[item.upstream_id for item in half.changes] for half in (one, two)] == [["a"], ["b", "c"]]
    assert (len(one.refused), len(two.refused)) == (0, 1)


def test_sifting() -> None:
    async def refusal(raw: str) -> str | None:
        return "a NUL" if "u0000" in raw else None

    batch = Batch([change("a"), change("b", rb'"\u0000"'), change("c", None)])
    assert asyncio.run(batch.sift(refusal))
    assert [item.upstream_id for item in batch.changes] == ["a", "c"]
    assert batch.refused == [Refused("stripe:customer", "b", rb'"\u0000"', "a NUL")]
    assert not asyncio.run(batch.sift(refusal))
