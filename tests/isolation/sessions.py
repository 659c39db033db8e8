"""Real sessions, several at a time: what each one does, whether one waits for another, and how time is made to pass.

Leases expire by `age`, which moves them into the past as a superuser: a test then waits for nothing, and nothing depends on how fast the
machine is. `test_redelivery.py` has one test that lets real time pass instead.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Self, TypeVar

import psycopg
import pytest
from psycopg.rows import namedtuple_row

T = TypeVar("T")
_POLL_S = 0.002
_PATIENCE_S = 15.0


def until(look: Callable[[], T], what: str) -> T:
    """The first true answer of `look`; fails when there is none in time."""
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(_POLL_S)
    pytest.fail(f"not seen in {_PATIENCE_S} s: {what}")


@contextlib.contextmanager
def refused(code: str, *culprits: str) -> Iterator[pytest.ExceptionInfo[psycopg.Error]]:
    """The block fails with that SQLSTATE; its message or details name each of `culprits`, and its hint says what to do next."""
    with pytest.raises(psycopg.Error) as caught:
        yield caught
    error = caught.value
    assert error.sqlstate == code, f"{error.sqlstate}: {error}"
    told = f"{error.diag.message_primary}\n{error.diag.message_detail or ''}"
    for culprit in culprits:
        assert culprit in told, told
    assert error.diag.message_hint, f"no hint: {told}"


def obj(upstream_id: str, data: Any = None, at: str | None = None, **more: Any) -> dict[str, Any]:
    """One element of what `record_ingest` takes."""
    element = {"upstream_id": upstream_id, "data": {"of": upstream_id} if data is None else data, **more}
    return element | ({"upstream_updated_at": at} if at else {})


class Session:
    """One connection. Every statement commits by itself unless `begin` was called. A wait for a lock of 10 s is a hang, and becomes an error."""

    def __init__(self, conninfo: str, **options: str) -> None:
        settings = {"search_path": "sluice", "lock_timeout": "10s", "statement_timeout": "60s"} | options
        self.conn = psycopg.connect(
            conninfo, autocommit=True, row_factory=namedtuple_row, options=" ".join(f"-c {k}={v}" for k, v in settings.items())
        )
        self.pid = self.conn.info.backend_pid
        self._hand = ThreadPoolExecutor(1)

    def close(self) -> None:
        self.conn.close()
        self._hand.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def rows(self, statement: str, *values: Any) -> list[Any]:
        cursor = self.conn.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []

    def one(self, statement: str, *values: Any) -> Any:
        (row,) = self.rows(statement, *values)
        return row

    def value(self, statement: str, *values: Any) -> Any:
        return self.one(statement, *values)[0]

    def begin(self, how: str = "") -> Self:
        self.conn.execute(f"begin {how}")
        return self

    def commit(self) -> None:
        self.conn.execute("commit")

    def rollback(self) -> None:
        self.conn.execute("rollback")

    # ------------------------------------------------------------ our functions, in few letters

    def ingest(self, *objects: dict[str, Any], sync: str = "y", collection: str = "push:o") -> tuple[int, int, int, int]:
        """How many were new, changed, unchanged, refused."""
        return tuple(self.one("select * from record_ingest(%s, %s, %s::jsonb)", sync, collection, json.dumps(objects)))

    def push(self, *ids: str, data: Any = None, sync: str = "y") -> None:
        self.ingest(*(obj(i, data) for i in ids), sync=sync)

    def next(self, size: int = 10, tokens: Sequence[str] | None = None, consumer: str = "c") -> list[Any]:
        return self.rows("select * from consumer_next(%s, %s, %s)", consumer, size, None if tokens is None else list(tokens))

    def ids(self, size: int = 10, consumer: str = "c") -> list[str]:
        """Takes messages; answers whose they are."""
        return sorted(message.upstream_id for message in self.next(size, consumer=consumer))

    def drain(self, size: int = 10, consumer: str = "c", *, ack: bool = False) -> list[Any]:
        """Every message there is to have: calls until one answers none."""
        found: list[Any] = []
        while batch := self.next(size, consumer=consumer):
            found += batch
            assert len(found) < 100_000, "a stream without an end"
            if ack:
                assert self.ack(batch, consumer=consumer) == (len(batch), [])
        return found

    def ack(self, which: Sequence[Any], consumer: str = "c", *, strict: bool = False) -> tuple[int, list[str]]:
        """How many were accepted, and the rejected tokens. `which` holds messages or tokens."""
        return tuple(self.one("select * from consumer_ack(%s, %s, %s)", consumer, tokens(which), strict))

    def nack(self, which: Sequence[Any], delay: str = "0", consumer: str = "c") -> tuple[int, list[str]]:
        return tuple(self.one("select * from consumer_nack(%s, %s, %s::interval)", consumer, tokens(which), delay))

    def extend(self, which: Sequence[Any], ack_wait: str | None = None, consumer: str = "c") -> tuple[int, list[str]]:
        return tuple(self.one("select * from consumer_extend(%s, %s, %s::interval)", consumer, tokens(which), ack_wait))

    def term(self, which: Sequence[Any], reason: str | None = None, consumer: str = "c") -> tuple[int, list[str]]:
        return tuple(self.one("select * from consumer_term(%s, %s, %s)", consumer, tokens(which), reason))

    def peek(self, size: int = 10, consumer: str = "c") -> list[Any]:
        return self.rows("select * from consumer_peek(%s, %s)", consumer, size)

    def seek(self, target: str, consumer: str = "c") -> Any:
        return self.one("select * from consumer_seek(%s, %s)", consumer, target)

    def pause(self, consumer: str = "c") -> Any:
        return self.one("select * from consumer_pause(%s)", consumer)

    def resume(self, consumer: str = "c") -> Any:
        return self.one("select * from consumer_resume(%s)", consumer)

    def info(self, consumer: str = "c") -> Any:
        return self.one("select * from consumer_info(%s)", consumer)

    def retry(self, *which: str | None, consumer: str = "c") -> int:
        """`which`: sync, collection, record, as far as given."""
        return self.value("select dead_letter_retry(%s, %s, %s, %s)", consumer, *[*which, None, None, None][:3])

    def purge(self, *which: str | None, consumer: str = "c") -> int:
        return self.value("select dead_letter_purge(%s, %s, %s, %s)", consumer, *[*which, None, None, None][:3])

    def records(self) -> dict[str, Any]:
        return {row.upstream_id: row for row in self.rows("select * from records")}

    def in_flight(self, consumer: str = "c") -> list[str]:
        return [
            r[0] for r in self.rows("select upstream_id from messages_in_flight where consumer_id = %s and leased order by 1", consumer)
        ]

    def dead(self, consumer: str = "c") -> dict[str, Any]:
        return {row.upstream_id: row for row in self.rows("select * from dead_letters where consumer_id = %s", consumer)}

    def age(self, by: str = "1 hour", consumer: str = "c") -> None:
        """Makes time pass for a consumer's leases and delays, except those that another transaction has locked; superusers only."""
        for table, change in (
            ("consumer_steps", "leased_until = t.leased_until - %(by)s::interval, next_due = t.next_due - %(by)s::interval"),
            ("consumer_settlements", "due_at = t.due_at - %(by)s::interval"),
        ):
            self.conn.execute(
                f"""with free as materialized (
                    select t.ctid from sluice_internal.{table} as t
                    where t.consumer_no = (select c.consumer_no from sluice_internal.consumers as c where c.consumer_id = %(consumer)s)
                    for update skip locked
                )
                update sluice_internal.{table} as t set {change} where t.ctid = any(array(select free.ctid from free))""",
                {"consumer": consumer, "by": by},
            )

    # ------------------------------------------------------------ waiting for one another

    def start(self, act: Callable[[], Any]) -> Future[Any]:
        """Runs `act` on this session in the background: it may have to wait."""
        return self._hand.submit(act)

    def blockers(self, other: Session) -> list[int]:
        """Sessions that `other` waits for."""
        return self.value("select pg_catalog.pg_blocking_pids(%s)", other.pid)

    def await_blocked(self, other: Session, by: Session) -> None:
        until(lambda: by.pid in self.blockers(other), f"{other.pid} waits for {by.pid}")


def tokens(which: Sequence[Any]) -> list[str]:
    return [one if isinstance(one, str) else one.ack_token for one in which]


class World:
    """A stream `s` fed by the sync `y`, read by the consumer `c`, and as many sessions as a test asks for."""

    def __init__(self, conninfo: str) -> None:
        self.conninfo = conninfo
        self.open: list[Session] = []
        self.look = self.session()  # observes; never in a transaction

    def session(self, **options: str) -> Session:
        self.open.append(Session(self.conninfo, **options))
        return self.open[-1]

    def sessions(self, count: int) -> list[Session]:
        return [self.session() for _ in range(count)]

    def set_up(self, lanes: int = 16, ack_wait: str = "10 minutes", **consumer: Any) -> Session:
        """Makes `s`, `y` and `c`; answers a session to go on with."""
        self.look.rows("select stream_create('s', %s)", lanes)
        self.look.rows("select sync_create('s', 'push', 'y')")
        self.consumer(ack_wait=ack_wait, **consumer)
        return self.session()

    def consumer(self, consumer_id: str = "c", stream_id: str = "s", **options: Any) -> None:
        named = "".join(f", {name} => %({name})s" for name in options)
        self.look.conn.execute(f"select consumer_create('{consumer_id}', '{stream_id}'{named})", options)

    def close(self) -> None:
        for session in self.open:
            with contextlib.suppress(psycopg.Error):
                session.conn.cancel_safe(timeout=2)
            session.close()
