"""The machine's workers: what they are given, and what they do with it (see test_machine.py)."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import precondition, rule
from isolation.sessions import refused
from properties.model import TABLES
from properties.writing import Writers

workers, consumers = st.integers(0, 1), st.integers(0, 1)
sizes = st.sampled_from([1, 2, 3, 10])


class Workers(Writers):
    """What is delivered, settled, rolled back."""

    def take(self, consumer: int, worker: int, size: int, tokens: list[str] | None = None) -> list[Any]:
        known = self.consumers[consumer]
        if tokens is not None:
            for token in tokens:
                self.touch(consumer, worker, known.tokens[token])
                assert known.settle(token, self.committed, how="ack")
        batch = self.workers[consumer][worker].next(size, tokens, consumer=known.name)
        assert len(batch) <= size
        fresh = any(message.upstream_id not in known.flights for message in batch)
        for message in batch:
            assert message.upstream_id not in self.locked(consumer, worker, "flights"), (
                f"{message.upstream_id} is in another's open transaction"
            )
            self.touch(consumer, worker, message.upstream_id)
            known.deliver(message, self.committed[message.upstream_id])
        if fresh and known.bound is not None:
            # What another one's open transaction has settled is not settled yet.
            open_acks = {n for n in self.locked(consumer, worker, "flights") if self.undo[consumer][n]["flights"] is not None}
            flying = (set(known.flights) | open_acks) - known.uncertain(self.committed)
            assert len(flying) <= known.bound, f"{known.name}: {flying} in flight, bound {known.bound}"
        self.see_who_died(consumer, worker)
        if not known.paused:
            known.step_over(self.committed, all_of_them=False)
        return batch

    def see_who_died(self, consumer: int, worker: int) -> None:
        """Any call may find that a message used up max_deliver by expiry, or no longer matches; none has to."""
        known = self.consumers[consumer]
        ending = known.uncertain(self.committed)
        if ending:
            session = self.workers[consumer][worker]
            dead = session.rows("select upstream_id, updated_idx from dead_letters where consumer_id = %s", known.name)
            flying = session.rows("select upstream_id from messages_in_flight where consumer_id = %s", known.name)
            for name in ending:
                if (name, known.flights[name].idx) in dead and name not in known.unsure:
                    self.touch(consumer, worker, name)
                    known.bury(name)
                elif (name,) not in flying and not known.matches(self.committed[name]):
                    self.touch(consumer, worker, name)
                    known.end(name)

    def touch(self, consumer: int, worker: int, name: str, *, dead: bool = False) -> None:
        """In an open transaction: notes how things stood, for a rollback. `dead`: only a dead letter is concerned."""
        if self.active.get(consumer) == worker:
            known, noted = self.consumers[consumer], self.undo[consumer].setdefault(name, {})
            for table in ["dead"] if dead else TABLES:
                noted.setdefault(table, getattr(known, table).get(name))

    def locked(self, consumer: int, worker: int, table: str = "dead") -> set[str]:
        """Records that another worker's open transaction has to do with."""
        mine = self.active.get(consumer, worker) == worker
        return set() if mine else {name for name, noted in self.undo[consumer].items() if table in noted}

    @rule(consumer=consumers, worker=workers, size=sizes)
    def next(self, consumer: int, worker: int, size: int) -> None:
        self.take(consumer, worker, size)

    @rule(consumer=consumers, worker=workers)
    def poll(self, consumer: int, worker: int) -> None:
        """Again and again, and a few times in vain."""
        for _ in range(20):
            if not self.take(consumer, worker, 10):
                self.take(consumer, worker, 10)
                self.take(consumer, worker, 1)
                break

    @rule(consumer=consumers, worker=workers, size=sizes)
    def next_and_ack(self, consumer: int, worker: int, size: int) -> None:
        held = [h.token for h in self.consumers[consumer].flights.values() if not h.spent]
        self.take(consumer, worker, size, [token for token in held if self.is_certain(consumer, worker, token, how="ack")])

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
        known.last = 0  # what was taken comes again
        for name, noted in undo.items():
            for table, value in noted.items():
                getattr(known, table).pop(name, None)
                if value is not None:
                    getattr(known, table)[name] = value

    @rule(
        consumer=consumers, worker=workers, which=st.lists(st.integers(0, 60), max_size=6), strict=st.booleans(),
        how=st.sampled_from(["ack", "ack", "ack", "nack", "nack later", "extend", "extend for long", "term"]),
    )  # fmt: skip
    def settle(self, consumer: int, worker: int, which: list[int], how: str, strict: bool) -> None:
        """Any tokens that were ever given out, good and stale and repeated, and forged ones."""
        known = self.consumers[consumer]
        alive = [held.token for held in (known.flights | known.dead).values()]
        pool = [t for t in [*alive, *alive, *reversed(known.tokens)] if self.is_certain(consumer, worker, t, how=how)]
        chosen = [[*pool, "forged"][n % (len(pool) + 1)] for n in which]  # drawn before it is known what there is: runs can be repeated
        self.settle_these(consumer, worker, chosen, how=how, strict=strict and consumer not in self.active)

    @rule(consumer=consumers, worker=workers, how=st.sampled_from(["ack", "ack", "nack"]))
    def settle_all(self, consumer: int, worker: int, how: str) -> None:
        alive = [h.token for h in self.consumers[consumer].flights.values() if not h.spent]
        self.settle_these(consumer, worker, [t for t in alive if self.is_certain(consumer, worker, t, how=how)], how=how)

    def is_certain(self, consumer: int, worker: int, token: str, *, how: str) -> bool:
        """Not of a record in another's open transaction, nor late while there is one: it may redeliver the whole batch. If its message is
        dying of expiry, it may be a dead letter already. A late token of an older version has a test of its own in test_ack_tokens.py.
        """
        known = self.consumers[consumer]
        name = known.tokens[token]
        held, dead = known.flights.get(name), known.dead.get(name)
        late = held is not None and held.token == token and held.due and not held.spent
        dying = late and held is not None and held.count == known.max_deliver
        outdated = late and held is not None and held.idx != self.committed[name].idx
        replayed = dead is not None and dead.token == token and name in known.unsure
        sought = late and held is not None and held.floor is not None
        return (
            name not in self.locked(consumer, worker)
            and not outdated
            and not replayed
            and not sought
            and not (dying and how != "ack")
            and not (late and consumer in self.active)
        )

    def settle_these(self, consumer: int, worker: int, chosen: list[str], *, how: str, strict: bool = False) -> None:
        known, session = self.consumers[consumer], self.workers[consumer][worker]
        after = known.copy()
        # To extend is no end: the same token may be extended twice in one call, or is named as repeated.
        chosen = list(dict.fromkeys(chosen)) if how.startswith("extend") else chosen
        verdicts = [(token, after.settle(token, self.committed, how=how)) for token in chosen]
        bad, good = {t for t, accepted in verdicts if not accepted}, {t for t, accepted in verdicts if accepted}
        if strict and how == "ack" and bad:
            with refused("SL120"):
                session.ack(chosen, consumer=known.name, strict=True)
            return
        for token in good:
            name = known.tokens[token]
            self.touch(consumer, worker, name, dead=name in known.dead and known.dead[name].token == token)
        answer = {
            "ack": lambda: session.ack(chosen, consumer=known.name, strict=strict),
            "nack": lambda: session.nack(chosen, consumer=known.name),
            "nack later": lambda: session.nack(chosen, "1 hour", consumer=known.name),
            "extend": lambda: session.extend(chosen, consumer=known.name),
            "extend for long": lambda: session.extend(chosen, "30 days", consumer=known.name),
            "term": lambda: session.term(chosen, "enough", consumer=known.name),
        }[how]()
        assert (answer[0], set(answer[1])) == (len(good), bad), f"{how} of {chosen} of {known}"
        self.consumers[consumer] = after
