from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

import pytest
from isolation.sessions import World
from worker.desk import Desk

from pgsluice.db import messages
from pgsluice.db.client import Client
from pgsluice.db.link import Link
from pgsluice.db.messages import growing_delay


@pytest.fixture
def world(db: str) -> Iterator[World]:
    made = World(db)
    yield made
    made.close()


@pytest.fixture
def client(db: str) -> Iterator[Client]:
    with Client.connect(db) as made:
        yield made


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


@pytest.fixture
def said() -> list[tuple[str, dict]]:
    """What a worker said that was given `say=said_to(said)`."""
    return []


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often a worker called what."""
    calls: Counter[str] = Counter()
    real = Link.ask

    async def ask(self, statement, parameters, **how):
        text = statement.decode() if isinstance(statement, bytes) else statement
        for name in (
            "consumer_next",
            "consumer_ack",
            "consumer_nack",
            "consumer_extend",
            "consumer_term",
            "_stream_watch",
            "_consumer_due",
        ):
            calls[name] += name in text
        return await real(self, statement, parameters, **how)

    monkeypatch.setattr(Link, "ask", ask)
    return calls


@pytest.fixture
def hundredfold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Failures come again so late that a slow machine still sees the pause."""
    monkeypatch.setattr(messages, "growing_delay", lambda count: 100 * growing_delay(count))


def lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]
