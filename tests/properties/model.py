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


@dataclass
class Consumer:
    """One consumer. `settled` is the highest updated_idx of each record that was acknowledged, or died."""

    name: str
    max_deliver: int
    settled: dict[str, int] = field(default_factory=dict)
    flights: dict[str, Flight] = field(default_factory=dict)
    dead: dict[str, Flight] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)  # every token ever given out -> record

    def copy(self) -> Consumer:
        return replace(self, settled=dict(self.settled), flights=dict(self.flights), dead=dict(self.dead), tokens=dict(self.tokens))

    def deliver(self, message: Any, newest: State) -> None:
        """Checks a delivery against everything known, and notes it."""
        name, idx, count = message.upstream_id, message.updated_idx, message.deliver_count
        told = f"{self.name} got {name} at {idx}, delivery {count}"
        assert (idx, message.data, message.deleted) == (newest.idx, newest.data, newest.deleted), (
            f"{told}, not the newest version: {newest}"
        )
        assert idx > self.settled.get(name, 0), f"{told}, settled before at {self.settled[name]}"
        held = self.flights.get(name)
        assert held is None or held.due, f"{told}, which is in flight: {held}"
        again = held is not None and held.idx == idx
        assert count == (held.count + 1 if held is not None and again else 1), f"{told}, before: {held}"
        assert self.max_deliver == -1 or count <= self.max_deliver, f"{told}, of {self.max_deliver} in all"
        assert message.ack_token not in self.tokens, f"{told}: a token given out before"
        self.tokens[message.ack_token] = name
        self.flights[name] = Flight(message.ack_token, idx, count)

    def settle(self, token: str, newest: dict[str, State], *, ack: bool, later: bool = False) -> bool:
        """Whether the token is good; if so, what becomes of its message. Only the newest version of a record dies."""
        name = self.tokens.get(token, "")
        held, dead = self.flights.get(name), self.dead.get(name)
        if held is not None and held.token == token and not held.spent:
            if ack:
                self.settled[name] = held.idx
                del self.flights[name]
            elif held.count == self.max_deliver and held.idx == newest[name].idx:
                self.bury(name)
            elif held.count == self.max_deliver:
                del self.flights[name]  # nothing to die of: the newer version is a new message
            else:
                self.flights[name] = replace(held, due=not later, spent=True)
            return True
        if ack and dead is not None and dead.token == token:
            del self.dead[name]
            return True
        return False

    def bury(self, name: str) -> None:
        held = self.flights.pop(name)
        self.dead[name] = held
        self.settled[name] = held.idx

    def expire(self) -> None:
        self.flights = {name: replace(held, due=True) for name, held in self.flights.items()}

    def bury_the_spent(self, newest: dict[str, State]) -> None:
        """After a call that found nothing more: messages that used up max_deliver by expiry are dead letters."""
        for name, held in list(self.flights.items()):
            if held.due and not held.spent and held.count == self.max_deliver and newest[name].idx == held.idx:
                self.bury(name)

    def undelivered(self, newest: dict[str, State]) -> list[str]:
        """Records that must be there for the taking."""
        return sorted(
            name for name, state in newest.items()
            if state.idx > self.settled.get(name, 0) and (name not in self.flights or self.flights[name].due)
        )  # fmt: skip
