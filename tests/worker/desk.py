"""What a worker's tests look at from outside: which messages are out, which are settled, who listens."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from isolation.sessions import Session, World, until


class Desk:
    def __init__(self, world: World) -> None:
        self.world = world
        self.look = world.look

    def set_up(self, *ids: str, **options: Any) -> Session:
        """The consumer `c`, with a message for each id."""
        session = self.world.set_up(**options)
        for upstream_id in ids:  # one by one: in this order
            session.push(upstream_id)
        return session

    def out(self) -> dict[str, Any]:
        """Every message that was delivered and not settled: `leased`, `due_at`, `deliver_count`."""
        rows = self.look.rows("select upstream_id, leased, due_at, deliver_count from messages_in_flight where consumer_id = 'c'")
        return {row.upstream_id: row for row in rows}

    def delay(self, upstream_id: str) -> float:
        """Seconds until it comes again."""
        return self.look.value(
            "select extract(epoch from due_at - clock_timestamp())::float8 from messages_in_flight where upstream_id = %s and not leased",
            upstream_id,
        )

    def waits(self) -> bool:
        """Whether a worker listens and has made sure of being told."""
        listens = self.look.value("select count(*) from pg_stat_activity where datname = current_database() and query ~ '^listen'")
        return listens > 0 and self.watches()

    def watches(self) -> bool:
        return self.look.value(
            """select count(*) > 0 from pg_locks where locktype = 'advisory' and mode = 'ShareLock'
            and database = (select oid from pg_database where datname = current_database())"""
        )

    def until_waiting(self) -> None:
        until(self.waits, "a worker that waits")

    def kill_listener(self) -> None:
        self.look.rows("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query ~ '^listen'")

    def kill_everybody_else(self) -> None:
        self.look.rows(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        )

    def until_out(self, *ids: str) -> None:
        until(lambda: set(self.out()) == set(ids), f"in flight: {ids}")


def said_to(said: list[tuple[str, dict]]) -> Callable[..., None]:
    return lambda event, **facts: said.append((event, facts))


@contextmanager
def beside(act: Callable[[], object]) -> Iterator[threading.Thread]:
    """Runs `act` in a thread; what it raises, the block raises at its end."""
    failed: list[BaseException] = []

    def work() -> None:
        try:
            act()
        except BaseException as exc:  # noqa: BLE001  handed on below
            failed.append(exc)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield thread
    thread.join(30)
    assert not thread.is_alive(), "it does not end"
    if failed:
        raise failed[0]
