"""One statement on an asyncio connection, its rows as dicts."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import psycopg

from pgsluice.db import rows
from pgsluice.db.connect import forget_plans, translated
from pgsluice.db.errors import from_database

Connection = psycopg.AsyncConnection[Any]


class Pool(Protocol):
    """Lends a connection for one statement."""

    def connection(self) -> AbstractAsyncContextManager[Connection]: ...


# What a statement is run on.
Database = Connection | Pool


async def run(database: Database, query: str | bytes, *parameters: Any, raw_json: bool = False) -> list[rows.Row]:
    """The rows, none for a statement without; `raw_json` as for `rows.read_json`. Raises SluiceError. Not again but for a stale plan."""
    if not isinstance(database, psycopg.AsyncConnection):
        async with database.connection() as lent:
            return await _run(lent, query, parameters, raw_json=raw_json)
    return await _run(database, query, parameters, raw_json=raw_json)


async def _run(conn: Connection, query: str | bytes, parameters: Sequence[Any], *, raw_json: bool) -> list[rows.Row]:
    try:
        return await _execute(conn, query, parameters, raw_json=raw_json)
    except psycopg.Error as exc:
        if not forget_plans(conn, exc):
            raise from_database(exc) from exc
    with translated():
        return await _execute(conn, query, parameters, raw_json=raw_json)


async def _execute(conn: Connection, query: str | bytes, parameters: Sequence[Any], *, raw_json: bool) -> list[rows.Row]:
    async with conn.cursor(row_factory=rows.utc_rows) as cursor:
        rows.read_json(cursor, raw=raw_json)
        await cursor.execute(query, parameters)
        return await cursor.fetchall() if cursor.description else []
