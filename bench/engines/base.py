"""The small interface that every engine has here. A method that drives work is a generator: each step is one cycle and says how many
messages it moved, so that the same loop times all engines.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, LiteralString

import psycopg
from psycopg.types.json import Jsonb, set_json_dumps
from psycopg.types.string import ByteaBinaryLoader

Connection = psycopg.Connection[Any]
Steps = Iterator[int]

# One message: 1 kB of JSON that does not compress to nothing. The same for all, made by the server (fill) or by a producer.
BODY: LiteralString = """jsonb_build_object(
    'id', n, 'email', 'user' || n || '@example.com', 'active', n %% 2 = 0, 'balance', n %% 9973,
    'address', jsonb_build_object('city', 'City ' || n %% 512, 'line1', n || ' Main Street', 'postal_code', 10000 + n %% 80000),
    'text', repeat(md5(n::text), 25))"""
_TEMPLATE = (
    '{"id": %(n)d, "email": "user%(n)d@example.com", "active": true, "balance": 17, "text": "%(text)s",'
    ' "address": {"city": "City 7", "line1": "%(n)d Main Street", "postal_code": 10115}}'
)
_TEXT = "0123456789abcdef0123456789abcdef" * 25


def body(number: int) -> str:
    return _TEMPLATE % {"n": number, "text": _TEXT}


def number_of(data: bytes) -> int:
    """The number of a message that was received as binary jsonb, whose first byte is a version."""
    return int(json.loads(data[1:])["id"])


def ready_made(text: str) -> str:
    return text


# Payloads are JSON texts already: no engine is charged for Python's encoder.
set_json_dumps(ready_made)


def as_jsonb(text: str) -> Jsonb:
    return Jsonb(text)


class Engine:
    """An engine on Postgres. Subclasses say how it does each thing; `modes` are its ways to consume, each with words for the table."""

    name: ClassVar[str]
    modes: ClassVar[dict[str, str]]

    def connect(self, conninfo: str) -> Connection:
        """A worker's connection: commits at once, prepares at once, answers binary and leaves JSON unparsed."""
        conn = psycopg.connect(conninfo, autocommit=True, prepare_threshold=0)
        conn.adapters.register_loader("jsonb", ByteaBinaryLoader)
        return conn

    def install(self, conn: Connection) -> None:
        raise NotImplementedError

    def prepare(self, conn: Connection, queue: str, waiting: int) -> None:
        """Makes `queue` such that at least so many messages wait in it, or none if 0. Vacuums are left to autovacuum."""
        raise NotImplementedError

    def payloads(self, batch: int, count: int, first: int) -> Iterable[Any]:
        """Arguments of so many calls of `produce`."""
        raise NotImplementedError

    def produce(self, conn: Connection, queue: str, payloads: Iterable[Any]) -> Steps:
        raise NotImplementedError

    def consume(self, conn: Connection, queue: str, batch: int, mode: str) -> Steps:
        """Deliver and acknowledge, again and again; a step of 0 means that nothing was there."""
        raise NotImplementedError

    def wait(self, conn: Connection, queue: str) -> Iterator[list[int]]:
        """Numbers of messages, as soon as they can be had; now and then an empty list."""
        raise NotImplementedError
