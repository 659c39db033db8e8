"""A machine that does whatever users do, in any order, with many sessions at once, and compares each answer with a small model.

`SOAK=600 pytest tests/properties` (seconds for each PostgreSQL) searches long and shortens what it finds; the default takes a few seconds and
prints the steps as they came, SHRINK=1 shortens them.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import time
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from isolation.sessions import World, refused
from properties.model import Consumer, State, ingest

SOAK = float(os.environ.get("SOAK", "0"))
NAMES = ["u0", "u1", "u2", "v0", "v1", "v2"]  # v: with a version, u: without
EPOCH = "2026-01-01T00:{:02}:00Z"
_numbers = itertools.count()

writers, workers, consumers = st.integers(0, 2), st.integers(0, 1), st.integers(0, 1)
sizes = st.sampled_from([1, 2, 3, 10])


class Machine(RuleBasedStateMachine):
    """One stream, three writers, two consumers with two workers each."""

    world: World  # of the test: its sessions serve one story after the other

    @initialize(lanes=st.sampled_from([1, 2, 16]), max_deliver=st.sampled_from([-1, 1, 2, 4]))
    def open_the_world(self, lanes: int, max_deliver: int) -> None:
        self.tag = f"m{next(_numbers)}-{os.getpid()}"
        self.look = self.world.look
        self.look.rows("select stream_create(%s, %s)", self.tag, lanes)
        self.look.rows("select sync_create(%s, 'push', %s)", self.tag, self.tag)
        self.committed: dict[str, State] = {}
        self.highest = 0
        self.pending: dict[int, dict[str, State]] = {}  # writer -> what it would commit
        self.touched: dict[int, set[str]] = {}  # writer -> records that it may have locked
        self.moved: dict[int, set[str]] = {}  # writer -> records whose content it changed, perhaps there and back
        self.consumers = [Consumer(f"{self.tag}-{n}", limit) for n, limit in enumerate([-1, max_deliver])]
        for consumer in self.consumers:
            self.world.consumer(consumer.name, self.tag, ack_wait="1 day", max_deliver=consumer.max_deliver)
        self.writers, self.workers = self.world.open[1:4], [self.world.open[4:6], self.world.open[6:8]]
        self.active: dict[int, int] = {}  # consumer -> its worker that has a transaction open
        self.undo: dict[int, dict[str, dict[str, Any]]] = {}  # consumer -> records that this transaction has to do with, as they were

    # ------------------------------------------------------------ writers

    def free_for(self, writer: int, name: str) -> bool:
        return not any(name in touched for other, touched in self.touched.items() if other != writer)

    @rule(writer=writers)
    def begin_writing(self, writer: int) -> None:
        if writer not in self.pending:
            self.writers[writer].begin()
            self.pending[writer], self.touched[writer], self.moved[writer] = {}, set(), set()

    @rule(
        writer=writers,
        changes=st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 2), st.integers(0, 5), st.booleans()), min_size=1, max_size=4),
        undo=st.booleans(),
    )
    def write(self, writer: int, changes: list[tuple[str, int, int, bool]], undo: bool) -> None:
        """New, changed, unchanged, stale, deleted; taken back to a savepoint or not."""
        changes = [change for change in changes if self.free_for(writer, change[0])]
        is_open = writer in self.pending
        view = self.committed | self.pending.get(writer, {})
        moved: set[str] = set()
        counts = dict.fromkeys(["new", "changed", "unchanged", "refused"], 0)
        elements: list[dict[str, Any]] = []
        for name, data, version, deleted in {change[0]: change for change in changes}.values():
            new = State(None if deleted and data == 0 else data, deleted, version if name[0] == "v" else None)
            old = view.get(name)
            if old is not None and old.deleted and not deleted and old.version == new.version is not None:
                continue  # a tombstone and a living object of one version: test_record_versions.py says what then
            elements.append({"upstream_id": name, "deleted": deleted} | ({} if new.data is None else {"data": new.data}))
            if new.version is not None:
                elements[-1]["upstream_updated_at"] = EPOCH.format(new.version)
            verdict, view[name] = ingest(view.get(name), new)
            counts[verdict] += 1
            moved |= {name} if verdict in {"new", "changed"} else set()
        session = self.writers[writer]
        if is_open and undo:
            session.rows("savepoint p")
        answer = session.one("select * from record_ingest(%s, 'push:o', %s::jsonb)", self.tag, json.dumps(elements))
        assert tuple(answer) == tuple(counts.values()), f"{elements} counted as {answer}"
        if not is_open:
            self.after_commit(view, moved)
        elif undo:
            session.rows("rollback to p")
        else:
            self.pending[writer] = {name: state for name, state in view.items() if self.committed.get(name) != state}
            self.moved[writer] |= moved
        if is_open:
            self.touched[writer] |= {element["upstream_id"] for element in elements}

    @precondition(lambda self: self.pending)
    @rule(writer=writers, keep=st.sampled_from([True, True, False]))
    def end_writing(self, writer: int, keep: bool) -> None:
        if writer not in self.pending:
            return
        view, moved = self.committed | self.pending.pop(writer), self.moved.pop(writer)
        del self.touched[writer]
        if keep:
            self.writers[writer].commit()
            self.after_commit(view, moved)
        else:
            self.writers[writer].rollback()

    def after_commit(self, view: dict[str, State], moved: set[str]) -> None:
        """What is stored is what was meant; what moved lies behind everything that was committed before (rule 2.1)."""
        found = self.look.rows(
            "select upstream_id, data, deleted, updated_idx, date_part('minute', upstream_updated_at)::int as version from records where sync_id = %s",
            self.tag,
        )
        assert {r.upstream_id for r in found} == set(view)
        highest = self.highest
        for record in found:
            name, old, meant = record.upstream_id, self.committed.get(record.upstream_id), view[record.upstream_id]
            assert (record.data, record.deleted, record.version) == (meant.data, meant.deleted, meant.version), (
                f"{name}: {record}, not {meant}"
            )
            if name not in moved:
                assert old is not None
                assert record.updated_idx == old.idx, f"{name} moved for nothing"
            elif old is None or old.content != meant.content or record.updated_idx != old.idx:  # there and back may be no change
                assert record.updated_idx > highest, f"{name} was numbered {record.updated_idx}, {highest} was committed before"
            self.highest = max(self.highest, record.updated_idx)
            view[name] = State(meant.data, meant.deleted, meant.version, record.updated_idx)
        self.committed = view

    # ------------------------------------------------------------ workers

    def take(self, consumer: int, worker: int, size: int, tokens: list[str] | None = None) -> list[Any]:
        known = self.consumers[consumer]
        if tokens is not None:
            for token in tokens:
                self.touch(consumer, worker, known.tokens[token])
                assert known.settle(token, self.committed, ack=True)
        batch = self.workers[consumer][worker].next(size, tokens, consumer=known.name)
        assert len(batch) <= size
        for message in batch:
            assert message.upstream_id not in self.locked(consumer, worker, "flights"), (
                f"{message.upstream_id} is in another's open transaction"
            )
            self.touch(consumer, worker, message.upstream_id)
            known.deliver(message, self.committed[message.upstream_id])
        self.see_who_died(consumer, worker)
        return batch

    def see_who_died(self, consumer: int, worker: int) -> None:
        """Any call may find that a message used up max_deliver by expiry; none has to."""
        known = self.consumers[consumer]
        dying = [n for n, h in known.flights.items() if h.due and not h.spent and h.count == known.max_deliver]
        if dying:
            dead = self.workers[consumer][worker].rows(
                "select upstream_id, updated_idx from dead_letters where consumer_id = %s", known.name
            )
            for name in dying:
                if (name, known.flights[name].idx) in dead:
                    self.touch(consumer, worker, name)
                    known.bury(name)

    def touch(self, consumer: int, worker: int, name: str, *, dead: bool = False) -> None:
        """In an open transaction: notes how things stood, for a rollback. `dead`: only a dead letter is concerned."""
        if self.active.get(consumer) == worker:
            known, noted = self.consumers[consumer], self.undo[consumer].setdefault(name, {})
            for table in ["dead"] if dead else ["dead", "flights", "settled"]:
                noted.setdefault(table, getattr(known, table).get(name))

    def locked(self, consumer: int, worker: int, table: str = "dead") -> set[str]:
        """Records that another worker's open transaction has to do with."""
        mine = self.active.get(consumer, worker) == worker
        return set() if mine else {name for name, noted in self.undo[consumer].items() if table in noted}

    @rule(consumer=consumers, worker=workers, size=sizes)
    def next(self, consumer: int, worker: int, size: int) -> None:
        self.take(consumer, worker, size)

    @rule(consumer=consumers, worker=workers, size=sizes)
    def next_and_ack(self, consumer: int, worker: int, size: int) -> None:
        held = [h.token for h in self.consumers[consumer].flights.values() if not h.spent]
        self.take(consumer, worker, size, [token for token in held if self.is_certain(consumer, worker, token, ack=True)])

    @rule(consumer=consumers, worker=workers)
    def begin_working(self, consumer: int, worker: int) -> None:
        """One open transaction a consumer is enough: the other worker goes on beside it."""
        if consumer not in self.active:
            self.workers[consumer][worker].begin()
            self.active[consumer], self.undo[consumer] = worker, {}

    @precondition(lambda self: self.active)
    @rule(consumer=consumers, keep=st.booleans())
    def end_working(self, consumer: int, keep: bool) -> None:
        if consumer not in self.active:
            return
        session, undo, known = self.workers[consumer][self.active.pop(consumer)], self.undo.pop(consumer), self.consumers[consumer]
        if keep:
            session.commit()
            self.see_who_died(consumer, 0)
            return
        session.rollback()
        for name, noted in undo.items():
            for table, value in noted.items():
                getattr(known, table).pop(name, None)
                if value is not None:
                    getattr(known, table)[name] = value

    @rule(
        consumer=consumers, worker=workers, which=st.lists(st.integers(0, 60), max_size=6),
        ack=st.booleans(), later=st.booleans(), strict=st.booleans(),
    )  # fmt: skip
    def settle(self, consumer: int, worker: int, which: list[int], ack: bool, later: bool, strict: bool) -> None:  # noqa: PLR0917
        """Any tokens that were ever given out, good and stale and repeated, and forged ones."""
        known = self.consumers[consumer]
        alive = [held.token for held in (known.flights | known.dead).values()]
        pool = [t for t in [*alive, *alive, *reversed(known.tokens)] if self.is_certain(consumer, worker, t, ack=ack)]
        chosen = [[*pool, "forged"][n % (len(pool) + 1)] for n in which]  # drawn before it is known what there is: runs can be repeated
        self.settle_these(consumer, worker, chosen, ack=ack, later=later, strict=strict and consumer not in self.active)

    @rule(consumer=consumers, worker=workers, ack=st.sampled_from([True, True, False]))
    def settle_all(self, consumer: int, worker: int, ack: bool) -> None:
        alive = [h.token for h in self.consumers[consumer].flights.values() if not h.spent]
        self.settle_these(consumer, worker, [t for t in alive if self.is_certain(consumer, worker, t, ack=ack)], ack=ack)

    def is_certain(self, consumer: int, worker: int, token: str, *, ack: bool) -> bool:
        """Not of a record in another's open transaction, nor late while there is one: it may redeliver the whole batch. If its message is
        dying of expiry, it may be a dead letter already. A late token of an older version has a test of its own in test_ack_tokens.py.
        """
        known = self.consumers[consumer]
        name = known.tokens[token]
        held = known.flights.get(name)
        late = held is not None and held.token == token and held.due and not held.spent
        dying = late and held is not None and held.count == known.max_deliver
        outdated = late and held is not None and held.idx != self.committed[name].idx
        return (
            name not in self.locked(consumer, worker)
            and not outdated
            and not (dying and not ack)
            and not (late and consumer in self.active)
        )

    def settle_these(self, consumer: int, worker: int, chosen: list[str], *, ack: bool, later: bool = False, strict: bool = False) -> None:
        known, session = self.consumers[consumer], self.workers[consumer][worker]
        after = known.copy()
        verdicts = [(token, after.settle(token, self.committed, ack=ack, later=later)) for token in chosen]
        bad, good = {t for t, accepted in verdicts if not accepted}, {t for t, accepted in verdicts if accepted}
        if strict and ack and bad:
            with refused("SL120"):
                session.ack(chosen, consumer=known.name, strict=True)
            return
        for token in good:
            name = known.tokens[token]
            self.touch(consumer, worker, name, dead=name in known.dead and known.dead[name].token == token)
        if ack:
            accepted, rejected = session.ack(chosen, consumer=known.name, strict=strict)
        else:
            accepted, rejected = session.nack(chosen, "1 hour" if later else "0", consumer=known.name)
        assert (accepted, set(rejected)) == (len(good), bad), f"{chosen} of {known}"
        self.consumers[consumer] = after

    # ------------------------------------------------------------ time, and looking

    @rule(consumer=consumers)
    def let_time_pass(self, consumer: int) -> None:
        if consumer not in self.active:
            self.look.age("2 days", consumer=self.consumers[consumer].name)
            self.consumers[consumer].expire()

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
                self.settle_these(consumer, worker, [m.ack_token for m in batch], ack=True)
        else:
            raise AssertionError("a stream without an end")
        known = self.consumers[consumer]
        known.bury_the_spent(self.committed)
        assert known.undelivered(self.committed) == []

    @rule()
    def the_views_agree(self) -> None:
        for n, known in enumerate(self.consumers):
            if n in self.active:
                continue
            # By expiry they may be dead letters already; and what is due in an older version is in flight, or simply waits in its newest one.
            dying = {
                name for name, held in known.flights.items()
                if held.due and ((not held.spent and held.count == known.max_deliver) or held.idx != self.committed[name].idx)
            }  # fmt: skip
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
                if not known.flights:
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
            for _ in range(2):
                self.let_time_pass(consumer)
                self.drain(consumer, 0, 10, ack=True)
            known = self.consumers[consumer]  # noqa: PLW2901
            assert known.flights == {}
            assert {name: state.idx for name, state in self.committed.items()} == known.settled
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
    run(shared_db, 40, 40, [Phase.generate, *shrink])
    while time.monotonic() < end:
        run(shared_db, 40, 120, [Phase.generate, *shrink])
