"""The machine's writers, and what is stored of what they wrote (see test_machine.py)."""

from __future__ import annotations

import itertools
import json
import os
from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from isolation.sessions import World
from properties.model import Consumer, State, ingest
from psycopg.types.json import Jsonb

NAMES = ["u0", "u1", "u2", "v0", "v1", "v2"]  # v: with a version, u: without
EPOCH = "2026-01-01T00:{:02}:00Z"
_numbers = itertools.count()


writers = st.integers(0, 2)
bounds = st.sampled_from([None, None, 1, 2, 4])
FILTERS: list[tuple[dict[str, Any], frozenset[int] | None]] = [
    ({}, None),
    ({"where": "$ > 0"}, frozenset({1, 2})),
    ({"where": "$ ? (@ < 2)"}, frozenset({0, 1})),
    ({"collection_id": ["push:o*", "other"], "provider": "push"}, None),
    ({"sync_id": "nobody"}, frozenset()),
]
filters = st.sampled_from(FILTERS)


class Writers(RuleBasedStateMachine):
    """One stream, three writers, two consumers with two workers each."""

    world: World  # of the test: its sessions serve one story after the other

    @initialize(lanes=st.sampled_from([1, 2, 16]), max_deliver=st.sampled_from([-1, 1, 2, 4]), bound=bounds, kept=filters)
    def open_the_world(self, lanes: int, max_deliver: int, bound: int | None, kept: Any) -> None:
        self.tag = f"m{next(_numbers)}-{os.getpid()}"
        self.look = self.world.look
        self.look.rows("select stream_create(%s, %s)", self.tag, lanes)
        self.look.rows("select sync_create(%s, 'push', %s)", self.tag, self.tag)
        self.committed: dict[str, State] = {}
        self.highest = 0
        self.pending: dict[int, dict[str, State]] = {}  # writer -> what it would commit
        self.touched: dict[int, set[str]] = {}  # writer -> records that it may have locked
        self.moved: dict[int, set[str]] = {}  # writer -> records whose content it changed, perhaps there and back
        self.consumers = [Consumer(f"{self.tag}-0", -1), Consumer(f"{self.tag}-1", max_deliver, bound, kept[1])]
        for known, wanted in zip(self.consumers, [{}, kept[0]], strict=True):
            options = {"max_deliver": known.max_deliver, "max_ack_pending": known.bound, "filter": Jsonb(wanted)}
            self.world.consumer(known.name, self.tag, ack_wait="1 day", **options)
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
