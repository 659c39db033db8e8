"""Which feed is next, and what is committed when. The vendor and the database are lists here; tests/e2e has the real ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from pgsluice.db.errors import SluiceError
from pgsluice.db.leases import ClaimedSync, FeedState
from pgsluice.poller import pull
from pgsluice.poller.pull import Stopped, Turn
from pgsluice.providers.base import Change, Feed, Hint, Page
from pgsluice.providers.errors import Forbidden, ListBroken, ProviderError, Unauthorized

EVENTS = Feed("events", "changes", ("a", "b"))
A = Feed("a", "backfill", ("a",), after=("events",))
B = Feed("b", "backfill", ("b",), after=("events",))


def page(at: int, *, done: bool = False, more: bool = False, **rest: Any) -> Page:
    return Page({"at": at}, done=done, more=more, **rest)


class World:
    """Stands for provider, vendor and store. `script`: feed -> its replies, the last one again and again."""

    def __init__(self, **script: list[Page | ProviderError]) -> None:
        self.script = {name: list(replies) for name, replies in script.items()}
        self.done_: list[str] = []  # what happened, in order
        self.stopping = asyncio.Event()
        self.again: dict[str, tuple[Hint, ...]] = {}

    def feeds(self, _collections: object) -> tuple[Feed, ...]:
        return EVENTS, A, B

    async def page(self, feed: Feed, _cursor: object) -> Page:
        replies = self.script[feed.name]
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        self.done_.append(f"read {feed.name}")
        if isinstance(reply, ProviderError):
            raise reply
        return reply

    async def objects(self, hints: tuple[Hint, ...]) -> list[Change]:
        self.done_ += [f"fetch {hint.upstream_id}" for hint in hints]
        return [Change(hint.collection_id, hint.upstream_id, b"{}") for hint in hints]

    def store(self, _conn: object, _poller_id: str, sync: ClaimedSync, _tally: object) -> World:
        self.cursors = {state.feed: state.cursor for state in sync.feeds}
        self.done = {state.feed for state in sync.feeds if state.done}
        self.clock = sync.clock
        return self

    async def move(self, feed: str, cursor: Any) -> None:
        self.done_.append(f"move {feed} to {cursor and cursor['at']}")
        self.cursors[feed] = cursor
        self.done.discard(feed)

    async def commit(self, feed: str, cursor: Any, done: bool, batch: Any, _read_from: object) -> tuple[Hint, ...]:
        self.done_.append(" ".join([f"commit {feed} at {cursor['at']}", *(item.upstream_id for item in batch.changes)]))
        self.cursors[feed] = cursor
        (self.done.add if done else self.done.discard)(feed)
        return self.again.pop(feed, ())


@pytest.fixture
def turn(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Turn]:
    def make(world: World, *feeds: FeedState, **options: Any) -> Turn:
        monkeypatch.setattr(pull.registry, "get", lambda _name: world)
        monkeypatch.setattr(pull, "Vendor", lambda *_, **_named: world)
        monkeypatch.setattr(pull, "Store", world.store)
        monkeypatch.setattr(pull, "opened", lambda *_: None)
        sync = ClaimedSync("s", 1, "p", ("a", "b"), "k", b"", 1, "k", None, 0, feeds, datetime.now(UTC))
        return Turn(sync, None, "me", None, None, stopping=world.stopping, progress=lambda _tally: None, **options)

    return make


def test_the_changes_begin_before_the_backfill_and_end_behind_it(turn: Callable[..., Turn]) -> None:
    world = World(events=[page(1), page(2)], a=[page(1, more=True), page(2, done=True)], b=[page(1, done=True)])
    made = turn(world)
    asyncio.run(made.run())
    assert [word for word in world.done_ if word.startswith("read")] == ["read events", "read a", "read a", "read b", "read events"]
    assert made.tally.pages == 5


def test_what_is_done_is_not_asked_again(turn: Callable[..., Turn]) -> None:
    world = World(events=[page(2)], a=[Forbidden("x")], b=[page(1, done=True)])
    asyncio.run(turn(world, FeedState("events", {"at": 1}, False), FeedState("a", {"at": 9}, True)).run())
    assert [word for word in world.done_ if word.startswith("read")] == ["read events", "read b", "read events"]


def test_changes_without_end_and_a_backfill_take_turns(turn: Callable[..., Turn]) -> None:
    world = World(events=[page(1, more=True)] * 3 + [page(2)], a=[page(1, more=True), page(2, done=True)], b=[page(1, done=True)])
    asyncio.run(turn(world).run())
    read = [word.removeprefix("read ") for word in world.done_ if word.startswith("read")]
    assert read[:5] == ["events", "a", "events", "a", "events"]
    assert read[-1] == "events"


def test_a_drained_feed_is_asked_again_after_a_while(turn: Callable[..., Turn], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull, "CHANGES_EVERY", 0.0)
    world = World(events=[page(1)], a=[page(1, more=True), page(2, more=True), page(3, done=True)], b=[page(1, done=True)])
    asyncio.run(turn(world).run())
    read = [word.removeprefix("read ") for word in world.done_ if word.startswith("read")]
    assert read == ["events", "a"] * 3 + ["events", "b", "events"]


def test_hints_are_fetched_before_the_cursor_is_committed(turn: Callable[..., Turn]) -> None:
    hints = (Hint("a", "1"), Hint("b", "2"))
    world = World(events=[page(5, hints=hints), page(6)], a=[page(1, done=True)], b=[page(1, done=True)])
    asyncio.run(turn(world).run())
    assert world.done_[:4] == ["read events", "fetch 1", "fetch 2", "commit events at 5 1 2"]


def test_what_the_database_wants_again_is_fetched_and_committed_by_itself(turn: Callable[..., Turn]) -> None:
    world = World(events=[page(5)], a=[page(1, done=True)], b=[page(1, done=True)])
    world.again = {"a": (Hint("a", "7"),)}
    asyncio.run(turn(world).run())
    at = world.done_.index("commit a at 1")
    assert world.done_[at + 1 : at + 3] == ["fetch 7", "commit a at 1 7"]


def test_a_restart_goes_before_the_cursor_that_tells_of_it(turn: Callable[..., Turn]) -> None:
    world = World(events=[page(5, restart=("a", "b")), page(6)], a=[page(1, done=True)], b=[page(1, done=True)])
    asyncio.run(turn(world, FeedState("events", {"at": 1}, False), FeedState("a", {"at": 1}, True), FeedState("b", {"at": 1}, True)).run())
    assert world.done_[:4] == ["read events", "move a to None", "move b to None", "commit events at 5"]
    assert "read a" in world.done_


def test_a_feed_that_is_refused_is_left_out_and_reported_at_the_end(turn: Callable[..., Turn]) -> None:
    world = World(events=[page(1)], a=[Forbidden("no")], b=[page(1, done=True)])
    with pytest.raises(Forbidden):
        asyncio.run(turn(world).run())
    assert [word for word in world.done_ if word.startswith("read")] == ["read events", "read a", "read b", "read events"]


def test_a_backfill_whose_changes_cannot_begin_waits(turn: Callable[..., Turn]) -> None:
    world = World(events=[Forbidden("no")], a=[page(1)], b=[page(1)])
    with pytest.raises(Forbidden):
        asyncio.run(turn(world).run())
    assert world.done_ == ["read events"]


def test_a_refused_key_ends_the_turn(turn: Callable[..., Turn]) -> None:
    world = World(events=[page(1)], a=[Unauthorized("no")], b=[page(1)])
    with pytest.raises(Unauthorized):
        asyncio.run(turn(world).run())
    assert "read b" not in world.done_


def test_a_broken_list_is_left_at_its_start(turn: Callable[..., Turn]) -> None:
    world = World(events=[page(1)], a=[ListBroken("x", cursor={"at": 0})], b=[page(1, done=True)])
    with pytest.raises(ListBroken):
        asyncio.run(turn(world, FeedState("a", {"at": 8}, False)).run())
    assert "move a to 0" in world.done_
    assert world.cursors["a"] == {"at": 0}


def test_a_turn_that_is_over_has_read_some_of_the_backfill(turn: Callable[..., Turn]) -> None:
    world = World(events=[page(1)], a=[page(1, more=True)], b=[page(1)])
    with pytest.raises(Stopped):
        asyncio.run(turn(world, seconds=0.0).run())
    assert [word for word in world.done_ if word.startswith("read")] == ["read events", "read a"]


def test_a_stop_begins_no_page(turn: Callable[..., Turn]) -> None:
    world = World(events=[page(1)], a=[page(1)], b=[page(1)])
    world.stopping.set()
    with pytest.raises(Stopped):
        asyncio.run(turn(world).run())
    assert world.done_ == []


def test_without_a_credential_or_a_key() -> None:
    sync = ClaimedSync("s", 1, "stripe", (), "k", b"x", 1, "stripe_key", None, 0, (), datetime.now(UTC))
    for claimed, code in ((sync, "SL301"), (ClaimedSync(**{**vars(sync), "sealed": None}), "SL104")):
        with pytest.raises(SluiceError) as caught:
            Turn(claimed, None, "me", None, None, stopping=asyncio.Event(), progress=lambda _tally: None)
        assert caught.value.code == code
