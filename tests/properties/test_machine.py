"""A machine that does whatever users do, in any order, with many sessions at once, and compares each answer with a small model.

`SOAK=600 pytest tests/properties` (seconds for each PostgreSQL) searches long and shortens what it finds; the default takes a quarter of a minute
and prints the steps as they came, SHRINK=1 shortens them.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import rule, run_state_machine_as_test
from isolation.sessions import World
from properties.working import Workers, consumers, sizes, workers
from properties.writing import bounds, filters
from psycopg.types.json import Jsonb

SOAK = float(os.environ.get("SOAK", "0"))


class Machine(Workers):
    """What admins do meanwhile, and whoever only looks."""

    world: World  # of the test: its sessions serve one story after the other

    @rule(consumer=consumers, where=st.sampled_from(["start", "end", "idx", "idx"]), n=st.integers(0, 5))
    def seek(self, consumer: int, where: str, n: int) -> None:
        if consumer in self.active:
            return  # it would wait
        places = [0, *sorted(state.idx for state in self.committed.values()), self.highest + 1]
        target = {"start": 0, "end": self.highest + 1, "idx": places[n % len(places)]}[where]
        known = self.consumers[consumer]
        flying = {row[0] for row in self.look.rows("select upstream_id from messages_in_flight where consumer_id = %s", known.name)}
        for name in known.uncertain(self.committed) - flying:
            if known.flights[name].idx != self.committed[name].idx:
                known.end(name)  # its newest version lay ahead, and is sought over, or comes
        self.look.seek(str(target) if where == "idx" else where, consumer=known.name)
        known.seek(target, self.committed)

    @rule(consumer=consumers, paused=st.sampled_from([True, False, False]))
    def pause_or_resume(self, consumer: int, paused: bool) -> None:
        if consumer not in self.active:
            known = self.consumers[consumer]
            known.paused = paused
            answer = self.look.pause(consumer=known.name) if paused else self.look.resume(consumer=known.name)
            assert answer.paused is paused

    @rule(consumer=consumers, kept=filters)
    def change_the_filter(self, consumer: int, kept: tuple[dict[str, Any], frozenset[int] | None]) -> None:
        if consumer not in self.active:
            known = self.consumers[consumer]
            self.look.rows("select consumer_update(%s, filter => %s)", known.name, Jsonb(kept[0]))
            known.matching = kept[1]

    @rule(consumer=consumers, bound=bounds)
    def change_the_bound(self, consumer: int, bound: int | None) -> None:
        if consumer not in self.active:
            known = self.consumers[consumer]
            self.look.rows("select consumer_update(%s, max_ack_pending => %s)", known.name, bound or 0)
            known.bound, known.last = bound, 0

    @rule(consumer=consumers, purge=st.sampled_from([False, False, True]))
    def retry_or_purge(self, consumer: int, purge: bool) -> None:
        if consumer in self.active:
            return
        known = self.consumers[consumer]
        if purge:
            count = self.look.purge(consumer=known.name)
            sure = len(known.dead) - len(known.unsure)
            expired = len(known.uncertain(self.committed))
            assert sure <= count <= len(known.dead) + expired
            known.dead.clear()
        else:
            if known.unsure or known.uncertain(self.committed):
                return  # it depends on what calls have found
            assert self.look.retry(consumer=known.name) == known.retry(self.committed)
        known.unsure.clear()

    @rule(consumer=consumers, size=sizes)
    def peek(self, consumer: int, size: int) -> None:
        """Leases nothing, shows the newest versions in order, and all that `next` could deliver."""
        if consumer in self.active:
            return
        known = self.consumers[consumer]
        shown = self.look.peek(size, consumer=known.name)
        assert len(shown) <= size
        assert [m.updated_idx for m in shown] == sorted({m.updated_idx for m in shown})
        may_come = known.may_come(self.committed)
        for message in shown:
            name, newest = message.upstream_id, self.committed[message.upstream_id]
            assert name in may_come, f"{known.name} shows {name}: {known}"
            assert (message.updated_idx, message.data, message.deleted, message.ack_token) == (
                newest.idx,
                newest.data,
                newest.deleted,
                None,
            )
            assert message.deliver_count in known.next_counts(name, newest.idx)
            assert known.max_deliver == -1 or message.deliver_count <= known.max_deliver
        if known.bound is None and len(shown) < size:
            dying = {n for n in known.uncertain(self.committed) if known.flights[n].idx == self.committed[n].idx}
            missing = set(known.undelivered(self.committed)) - {m.upstream_id for m in shown} - dying
            assert not missing, f"{known.name} does not show {missing}: {known}"

    # ------------------------------------------------------------ time, and looking

    @rule(consumer=consumers)
    def let_time_pass(self, consumer: int) -> None:
        if consumer not in self.active:
            self.look.age("2 days", consumer=self.consumers[consumer].name)
            self.consumers[consumer].expire()

    @rule(most=st.sampled_from([1, 2, 1000]))
    def trim_the_log(self, most: int) -> None:
        # A writer's open transaction may have folded counters into the row, by lot: then it is trimmed another time.
        self.look.rows("""
            update sluice_internal.stream_trims as t set replaced = 1000000
            from (select stream_no from sluice_internal.stream_trims where lane is null for update skip locked) as f
            where t.stream_no = f.stream_no""")
        for _ in range(10):
            self.look.rows("select sluice_internal._positions_trim(%s)", most)

    @rule(consumer=consumers, worker=workers, size=sizes, ack=st.booleans())
    def drain(self, consumer: int, worker: int, size: int, ack: bool) -> None:
        """With nobody in between, calls until one finds nothing find everything."""
        if consumer in self.active:
            return
        known = self.consumers[consumer]
        for _ in range(200):
            if not (batch := self.take(consumer, worker, size)):
                break
            if ack:
                self.settle_these(consumer, worker, [m.ack_token for m in batch], how="ack")
        else:
            raise AssertionError("a stream without an end")
        known = self.consumers[consumer]
        if known.paused:
            return
        known.bury_the_spent(self.committed)
        if known.full(self.committed):
            due = [n for n in known.undelivered(self.committed) if n in known.flights and known.flights[n].idx == self.committed[n].idx]
            if known.bound is not None and len(known.flights) > known.bound:
                due = []  # it was made smaller than what was out: some of that waits until as many are settled
            assert due == [], "what was delivered before has its place within the bound"
            return
        assert known.undelivered(self.committed) == []
        known.step_over(self.committed, all_of_them=True)

    @rule()
    def the_views_agree(self) -> None:
        for n, known in enumerate(self.consumers):
            if n in self.active:
                continue
            dying = known.uncertain(self.committed) | set(known.retried) | set(known.unsure)
            flying = self.look.rows(
                "select upstream_id, updated_idx, deliver_count from messages_in_flight where consumer_id = %s", known.name
            )
            assert len({f.upstream_id for f in flying}) == len(flying), flying
            assert {tuple(f) for f in flying if f.upstream_id not in dying} == {
                (name, held.idx, held.count) for name, held in known.flights.items() if name not in dying
            }
            dead = self.look.rows(
                "select upstream_id, updated_idx, deliver_count, superseded from dead_letters where consumer_id = %s", known.name
            )
            assert {tuple(d) for d in dead if d.upstream_id not in dying} == {
                (name, held.idx, held.count, self.committed[name].idx != held.idx) for name, held in known.dead.items() if name not in dying
            }
            if not dying:
                info = self.look.one("select num_pending, num_ack_pending, num_dead_letters from consumer_info(%s)", known.name)
                assert info[1:] == (len(known.flights), len(known.dead))
                if not known.flights and not known.passed and known.matching is None:
                    assert info.num_pending == len(known.undelivered(self.committed))

    def teardown(self) -> None:
        if not hasattr(self, "workers"):
            return
        try:
            if sys.exc_info()[0] is None:
                self.finish()
        finally:
            for session in self.world.open:
                session.rollback()

    def finish(self) -> None:
        """Everybody stops; then every record ends, for every consumer, acknowledged or dead in its newest version."""
        for writer in list(self.pending):
            self.end_writing(writer, keep=writer % 2 == 0)
        for consumer in list(self.active):
            self.end_working(consumer, keep=True)
        for consumer, known in enumerate(self.consumers):
            self.pause_or_resume(consumer, paused=False)
            for _ in range(20):
                self.let_time_pass(consumer)
            for _ in range(2):
                self.let_time_pass(consumer)
                self.drain(consumer, 0, 10, ack=True)
            known = self.consumers[consumer]  # noqa: PLW2901
            assert known.flights == {}
            assert all(known.settled[name] >= state.idx for name, state in self.committed.items())
            self.the_views_agree()


def run(conninfo: str, stories: int, steps: int, phases: list[Phase]) -> None:
    world = World(conninfo)
    world.sessions(7)
    try:
        run_state_machine_as_test(
            type("Machine", (Machine,), {"world": world}),
            settings=settings(
                max_examples=stories, stateful_step_count=steps, phases=phases, deadline=None, print_blob=True,
                report_multiple_bugs=False, suppress_health_check=list(HealthCheck),
            ),
        )  # fmt: skip
    finally:
        world.close()


@pytest.mark.timeout(SOAK * 2 + 600)
def test_machine(shared_db: str) -> None:
    shrink = [Phase.shrink] if SOAK or "SHRINK" in os.environ else []  # minutes
    end = time.monotonic() + SOAK
    run(shared_db, 50, 50, [Phase.generate, *shrink])
    while time.monotonic() < end:
        run(shared_db, 40, 120, [Phase.generate, *shrink])
