"""What a worker needs of the schema `sluice`, for asyncio: the methods of `Client` of the same names."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Self, Unpack

from pgsluice.db.aconsume import AsyncConsume
from pgsluice.db.calls import UNSET, Unset, call_statement, given
from pgsluice.db.client import Interval
from pgsluice.db.connect import connect_async
from pgsluice.db.consume import conninfo_of
from pgsluice.db.messages import Message
from pgsluice.db.rows import Row
from pgsluice.db.statements import Connection, run
from pgsluice.db.taking import Options


class AsyncClient:
    """`sluice` through one asynchronous psycopg connection, in the caller's transaction if there is one. All raises `SluiceError`."""

    def __init__(self, conn: Connection, *, raw_json: bool = False) -> None:
        self.conn = conn
        self.raw_json = raw_json

    @classmethod
    async def connect(cls, conninfo: str, *, raw_json: bool = False) -> Self:
        """A client on a connection of its own, in autocommit mode. SL401 or SL406 if there is no way in."""
        return cls(await connect_async(conninfo), raw_json=raw_json)

    async def close(self) -> None:
        await self.conn.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def consumer_info(self, consumer_id: str) -> Row:
        """The consumer with its numbers. SL103."""
        return (await self._call("consumer_info", consumer_id=consumer_id))[0]

    async def consumer_next(
        self, consumer_id: str, batch_size: int | Unset = UNSET, ack_tokens: Sequence[str] | Unset | None = UNSET
    ) -> list[Row]:
        """Up to `batch_size` messages, leased to the caller; acks `ack_tokens` of earlier ones along with it. SL001, SL003, SL103."""
        return await self._call("consumer_next", consumer_id=consumer_id, batch_size=batch_size, ack_tokens=ack_tokens)

    async def consumer_ack(self, consumer_id: str, ack_tokens: Sequence[str], strict: bool | Unset = UNSET) -> Row:
        """`accepted` and the `rejected` tokens; with `strict`, SL120 instead of any rejected one. SL103."""
        return (await self._call("consumer_ack", consumer_id=consumer_id, ack_tokens=ack_tokens, strict=strict))[0]

    async def consumer_nack(self, consumer_id: str, ack_tokens: Sequence[str], delay: Interval | Unset = UNSET) -> Row:
        """Gives messages back, to be delivered again after `delay`. SL001, SL103."""
        return (await self._call("consumer_nack", consumer_id=consumer_id, ack_tokens=ack_tokens, delay=delay))[0]

    async def consumer_extend(self, consumer_id: str, ack_tokens: Sequence[str], ack_wait: Interval | Unset | None = UNSET) -> Row:
        """The messages' leases run for `ack_wait` from now. SL001, SL103."""
        return (await self._call("consumer_extend", consumer_id=consumer_id, ack_tokens=ack_tokens, ack_wait=ack_wait))[0]

    async def consumer_term(self, consumer_id: str, ack_tokens: Sequence[str], reason: str | Unset | None = UNSET) -> Row:
        """Gives messages up: they become dead letters with that reason. SL001, SL103."""
        return (await self._call("consumer_term", consumer_id=consumer_id, ack_tokens=ack_tokens, reason=reason))[0]

    def consume(
        self,
        consumer_id: str,
        *,
        stop: asyncio.Event | None = None,
        signals: bool = False,
        transaction: bool = False,
        **options: Unpack[Options],
    ) -> AsyncConsume:
        """The consumer's messages, one after the other, without end; as `Client.consume`. On connections of its own."""
        options = {"raw_json": self.raw_json, **options}
        return AsyncConsume(conninfo_of(self.conn), consumer_id, stop=stop, signals=signals, transaction=transaction, **options)

    async def run(
        self,
        consumer_id: str,
        handler: Callable[[Message], Awaitable[object]],
        *,
        workers: int = 1,
        stop: asyncio.Event | None = None,
        signals: bool = True,
        transaction: bool = False,
        **options: Unpack[Options],
    ) -> None:
        """Awaits `handler` for each message, `workers` at a time; as `Client.run`."""
        messages = self.consume(consumer_id, stop=stop, signals=signals, transaction=transaction, **options)
        await messages.run(handler, workers=workers)

    async def _call(self, function: str, **arguments: Any) -> list[Row]:
        statement, parameters = call_statement(function, given(arguments))
        return await run(self.conn, statement, *parameters, raw_json=self.raw_json)
