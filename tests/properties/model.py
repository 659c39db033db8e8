"""What pgsluice promises, as a few dictionaries: the state of each record, and of each record for each consumer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class State:
    """A record as a writer left it. `version` is a number of seconds, None where the vendor has no version."""

    data: int | None
    deleted: bool
    version: int | None
    idx: int = 0

    @property
    def content(self) -> tuple[int | None, bool]:
        return self.data, self.deleted


def ingest(old: State | None, new: State) -> tuple[str, State]:
    """What becomes of `old` when `new` arrives (rules 2.2 to 2.4), and how that is counted."""
    if old is None:
        return "new", new
    if new.deleted and new.data is None:
        new = replace(new, data=old.data)
    if new.version is not None and old.version is not None and new.version < old.version:
        return "refused", old
    if new.content == old.content:
        return "unchanged", replace(old, version=new.version)
    return "changed", replace(new, idx=old.idx)


@dataclass(frozen=True)
class Flight:
    """A message that is delivered and not settled."""

    token: str
    idx: int
    count: int
    due: bool = False  # given back, or expired
    spent: bool = False  # given back: its token is worth nothing any more
    left: float = 1  # days until it expires
    floor: int | None = None  # a seek came meanwhile: up to here the record is done with, once this message is settled
    again: bool = False  # redelivered since that seek: whether it comes once more after its ack is not promised


@dataclass
class Consumer:
    """One consumer. `settled` is the highest updated_idx of each record that was acknowledged, died, or was stepped over."""

    name: str
    max_deliver: int
    bound: int | None = None
    matching: frozenset[int] | None = None  # data that the filter lets through
    paused: bool = False
    last: int = 0  # with a bound of 1: the place of the last first delivery
    settled: dict[str, int] = field(default_factory=dict)
    flights: dict[str, Flight] = field(default_factory=dict)
    dead: dict[str, Flight] = field(default_factory=dict)
    passed: dict[str, int] = field(default_factory=dict)  # what may have been stepped over, or settled for good, at that place
    retried: dict[str, int] = field(default_factory=dict)  # dead letters that are to be delivered again
    unsure: dict[str, int] = field(default_factory=dict)  # dead letters that a replay may have removed
    tokens: dict[str, str] = field(default_factory=dict)  # every token ever given out -> record

    def copy(self) -> Consumer:
        return replace(self, **{t: dict(getattr(self, t)) for t in (*TABLES, "tokens")})

    def matches(self, state: State) -> bool:
        return self.matching is None or state.data in self.matching

    def deliver(self, message: Any, newest: State) -> None:
        """Checks a delivery against everything known, and notes it."""
        name, idx, count = message.upstream_id, message.updated_idx, message.deliver_count
        told = f"{self.name} got {name} at {idx}, delivery {count}"
        assert not self.paused, f"{told}, while paused"
        assert (idx, message.data, message.deleted) == (newest.idx, newest.data, newest.deleted), (
            f"{told}, not the newest version: {newest}"
        )
        assert self.matches(newest), f"{told}, {newest} does not match {self.matching}"
        assert idx > self.settled.get(name, 0), f"{told}, settled before at {self.settled[name]}"
        held = self.flights.get(name)
        assert held is None or held.due, f"{told}, which is in flight: {held}"
        assert count in self.next_counts(name, idx), f"{told}, before: {held}"
        assert self.max_deliver == -1 or count <= self.max_deliver, f"{told}, of {self.max_deliver} in all"
        assert message.ack_token not in self.tokens, f"{told}: a token given out before"
        if (held is None or held.idx != idx) and self.bound == 1 and name not in self.retried:
            assert idx > self.last, f"{told}, after {self.last}: not in order"
            self.last = idx
        if name in self.dead and self.dead[name].idx == idx:
            self.unsure[name] = idx
        self.tokens[message.ack_token] = name
        floor = held.floor if held is not None else None
        self.flights[name] = Flight(message.ack_token, idx, count, floor=floor, again=floor is not None)
        self.passed.pop(name, None)
        self.retried.pop(name, None)

    def next_counts(self, name: str, idx: int) -> set[int]:
        """What `deliver_count` may be. A seek back to before a message that is in flight may start its count again."""
        held = self.flights.get(name)
        if held is None or held.idx != idx:
            return {1}
        return {held.count + 1} | ({1} if held.floor is not None and held.floor < idx else set())

    def settle(self, token: str, newest: dict[str, State], *, how: str) -> bool:
        """Whether the token is good; if so, what becomes of its message. Only the newest version dies, or what is given up."""
        name = self.tokens.get(token, "")
        held, dead = self.flights.get(name), self.dead.get(name)
        if held is not None and held.token == token and not held.spent:
            current = held.idx == newest[name].idx
            dies = how == "term" or (current and how.startswith("nack") and held.count == self.max_deliver)
            outlived = not current and how.startswith("nack") and held.count == self.max_deliver
            if how == "extend":
                self.flights[name] = replace(held, due=False, left=1)
            elif how == "extend for long":
                self.flights[name] = replace(held, due=False, left=30)
            elif how == "ack" or outlived:  # nothing to die of: the newer version is a new message
                self.end(name)
            elif dies:
                self.bury(name)
            else:
                self.flights[name] = replace(held, due=how == "nack", spent=True, left=0.1)
            return True
        if how == "ack" and dead is not None and dead.token == token:
            del self.dead[name]
            return True
        return False

    def end(self, name: str) -> Flight:
        """Its message is settled."""
        held = self.flights.pop(name)
        self.settled[name] = held.idx if held.floor is None else held.floor
        if held.again:
            self.passed[name] = held.idx
        return held

    def bury(self, name: str) -> None:
        self.dead[name] = held = self.end(name)
        self.unsure.pop(name, None)
        if held.floor is not None:
            self.passed[name] = held.idx

    def expire(self, days: float = 2) -> None:
        self.flights = {
            name: replace(held, left=held.left - days, due=held.due or held.left <= days) for name, held in self.flights.items()
        }

    def bury_the_spent(self, newest: dict[str, State]) -> None:
        """After a call that found nothing more: messages that used up max_deliver by expiry are dead letters."""
        for name, held in list(self.flights.items()):
            if (
                held.due
                and not held.spent
                and held.count == self.max_deliver
                and newest[name].idx == held.idx
                and self.matches(newest[name])
            ):
                self.bury(name)

    def seek(self, target: int, newest: dict[str, State]) -> None:
        self.passed.clear()
        self.last = 0
        self.dead = {name: dead for name, dead in self.dead.items() if dead.idx < target}  # the others come with the rest
        for name in newest:
            if name in self.flights:
                self.flights[name] = replace(self.flights[name], floor=target - 1, again=False)
            else:
                self.settled[name] = target - 1
                self.retried.pop(name, None)

    def retry(self, newest: dict[str, State]) -> int:
        again = {name: dead.idx for name, dead in self.dead.items() if newest[name].idx == dead.idx}
        self.dead.clear()
        for name, idx in again.items():
            self.settled[name] = idx - 1
            self.retried[name] = idx
            self.passed.pop(name, None)
        return len(again)

    def uncertain(self, newest: dict[str, State]) -> set[str]:
        """By expiry they may be dead letters already; what is due in an older version is in flight, or simply waits in its newest one; what is
        due and no longer matches, or was sought back to, is in flight until a call finds it.
        """
        return {
            name for name, held in self.flights.items()
            if held.due and (
                (not held.spent and held.count == self.max_deliver) or held.idx != newest[name].idx
                or not self.matches(newest[name]) or (held.floor is not None and held.floor < held.idx)
            )
        }  # fmt: skip

    def full(self, newest: dict[str, State]) -> bool:
        return self.bound is not None and len(set(self.flights) - self.uncertain(newest)) >= self.bound

    def may_come(self, newest: dict[str, State]) -> list[str]:
        """Records that `next` may deliver, unless the bound is reached."""
        return sorted(
            name for name, state in newest.items()
            if state.idx > self.settled.get(name, 0) and self.matches(state) and (name not in self.flights or self.flights[name].due)
        )  # fmt: skip

    def undelivered(self, newest: dict[str, State]) -> list[str]:
        """Records that must be there for the taking."""
        return [
            name for name in self.may_come(newest)
            if self.passed.get(name) != newest[name].idx
            and not (name in self.flights and self.flights[name].idx != newest[name].idx <= (self.flights[name].floor or 0))
        ]  # fmt: skip

    def step_over(self, newest: dict[str, State], *, all_of_them: bool) -> None:
        """After a call: what does not match may have been stepped over. After the last one: it was, and so was what may have been before."""
        for name, state in newest.items():
            if all_of_them and name in self.flights and self.flights[name].due and not self.matches(state):
                self.end(name)
            if name in self.flights:
                if state.idx != self.flights[name].idx and not self.matches(state):
                    self.passed[name] = state.idx  # while the older version is out
                continue
            if state.idx <= self.settled.get(name, 0):
                continue
            if all_of_them and (not self.matches(state) or self.passed.get(name) == state.idx):
                self.settled[name] = state.idx
                self.retried.pop(name, None)
            elif not self.matches(state):
                self.passed[name] = state.idx


TABLES = ("settled", "flights", "dead", "passed", "retried", "unsure")
