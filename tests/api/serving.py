"""A server on a port of its own over a database of its own, and clients with tokens."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import httpx
import psycopg
import pytest
import structlog

from pgsluice.db.secrets import parse_key
from pgsluice.server.run import Server, Settings

BOOTSTRAP = "a bootstrap token, long enough"


class Running:
    """A server in a thread with an event loop; `stop` as SIGTERM does it."""

    def __init__(self, settings: Settings) -> None:
        self.loop = asyncio.new_event_loop()
        self.server = Server(settings)
        self._thread = threading.Thread(target=self._run)

    def start(self) -> Self:
        self.loop.run_until_complete(self.server.start())
        self._thread.start()
        return self

    def _run(self) -> None:
        self.loop.run_until_complete(self.server.serve())
        self.loop.close()

    @property
    def url(self) -> str:
        return f"http://{self.server.address}"

    def tell_to_stop(self) -> None:
        self.loop.call_soon_threadsafe(self.server.stop)

    def stop(self) -> None:
        if self._thread.is_alive():
            self.tell_to_stop()
            self._thread.join(20)
        assert not self._thread.is_alive()


class _Stderr:
    """A server writes a line after its answer, when pytest may be taking `sys.stderr` away: that has crashed the interpreter."""

    def write(self, text: str) -> int:
        return os.write(2, text.encode())

    def flush(self) -> None:
        """Nothing is kept back."""


@contextmanager
def served(db: str, **settings: Any) -> Iterator[Running]:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(_Stderr()))
    key = parse_key(settings.pop("master_key_text", "0" * 64))
    running = Running(Settings(db, port=0, bootstrap_token=BOOTSTRAP, master_key=key, **settings)).start()
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
def running(db: str, conn: psycopg.Connection[Any]) -> Iterator[Running]:
    with served(db) as server:
        yield server


@contextmanager
def connected(running: Running, token: str | None = BOOTSTRAP) -> Iterator[httpx.Client]:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=running.url, headers=headers, timeout=30, trust_env=False) as client:
        yield client


@pytest.fixture
def http(running: Running) -> Iterator[httpx.Client]:
    with connected(running) as client:
        yield client


@pytest.fixture
def filled(conn: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    """A stream `dev` with the push sync `my-sync` and the consumer `billing`."""
    _fill(conn)
    return conn


def _fill(conn: psycopg.Connection[Any]) -> None:
    conn.execute("select stream_create('dev')")
    conn.execute("select sync_create('dev', 'push', 'my-sync', metadata => '{\"tenant\": 7}', external_id => 'e')")
    conn.execute("select consumer_create('billing', 'dev')")


@pytest.fixture(scope="module")
def still(shared_db: str) -> Iterator[psycopg.Connection[Any]]:
    """As `filled`, once for a module: for tests that are refused whatever they ask for."""
    with psycopg.connect(shared_db, autocommit=True, options="-c search_path=sluice") as conn:
        _fill(conn)
        yield conn


@pytest.fixture(scope="module")
def still_http(shared_db: str, still: psycopg.Connection[Any]) -> Iterator[httpx.Client]:
    """A client of a server over `still`."""
    with served(shared_db) as server, connected(server) as client:
        yield client


def push(conn: psycopg.Connection[Any], *ids: str, data: str = "{}") -> None:
    for upstream_id in ids:
        conn.execute(
            "select record_ingest('my-sync', 'push:order', jsonb_build_array(jsonb_build_object('upstream_id', %s::text, 'data', %s::jsonb)))",
            (upstream_id, data),
        )
