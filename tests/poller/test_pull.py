"""Which feed is next, and what is committed when. The vendor and the database are lists here; tests/e2e has the real ones."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from pgsluice.db.errors import SluiceError
from pgsluice.db.leases import ClaimedSync, FeedState
from pgsluice.db.sealed import SealedCredential
from pgsluice.poller import plan, pull
from pgsluice.poller.pull import Stopped, Turn
from pgsluice.poller.storing import Step
from pgsluice.providers.base import Change, Feed, Hint, Page, Part
from pgsluice.providers.errors import Forbidden, ListBroken, NotPolled, ProviderError, Refused4xx, Unauthorized, Unavailable, Unreadable

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
        self.forbidden: set[str] = set()
        self.lists_only = False
        self.concluding: set[str] = set()
        self.versions: defaultdict[str, int] = defaultdict(int)
        self.feeds_: tuple[Feed, ...] = (EVENTS, A, B)

    def feeds(self, _collections: object, _since: object) -> tuple[Feed, ...]:
        return self.feeds_

    async def page(self, feed: Feed, _cursor: object) -> Page:
        replies = self.script[feed.name]
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        self.done_.append(f"read {feed.name}")
        await asyncio.sleep(0)
        if isinstance(reply, ProviderError):
            raise reply
        return reply

    async def objects(self, hints: tuple[Hint, ...]) -> list[Change]:
        self.done_ += [f"fetch {hint.upstream_id}" for hint in hints]
        if self.lists_only:
            raise NotPolled("no single objects")
        if any(hint.upstream_id in self.forbidden for hint in hints):
            raise Forbidden("no")
        return [Change(hint.collection_id, hint.upstream_id, b"{}") for hint in hints]

    def store(self, _conn: object, _poller_id: str, sync: ClaimedSync, _tally: object) -> World:
        self.cursors = {state.feed: state.cursor for state in sync.feeds}
        self.done = {state.feed for state in sync.feeds if state.done}
        self.clock = sync.clock
        return self

    async def catch_up(self) -> None:
        self.caught_up = True

    async def declare(self, feeds: tuple[Feed, ...]) -> None:
        self.declared = [feed.name for feed in feeds]

    async def commit(self, step: Step, batch: Any, _read_from: object) -> tuple[Hint, ...]:
        for name in step.facts.get("restart", ()):
            self.done_.append(f"restart {name}")
            self.cursors.pop(name, None)
            self.done.discard(name)
        ids = [item.upstream_id for item in (*batch.changes, *batch.refused)]
        self.done_.append(" ".join([f"commit {step.feed} at {step.cursor['at']}", *ids]))
        again = self.again.pop(step.feed, ())
        if not again:
            self.cursors |= {step.feed: step.cursor, **step.parts}
            (self.done.add if step.done else self.done.discard)(step.feed)
            if step.done and "/" in step.feed and not self.parts(step.feed.partition("/")[0]):
                self.done.add(step.feed.partition("/")[0])
        return again

    async def fail(self, feed: str, _error: ProviderError, _retry_in: float, cursor: Any = None) -> None:
        self.done_.append(f"left out {feed}")
        self.cursors[feed] = cursor or self.cursors.get(feed)

    def parts(self, feed: str) -> list[str]:
        return [name for name in self.cursors if name.startswith(f"{feed}/") and name not in self.done]

    def happened(self, what: str) -> list[str]:
        return [word.removeprefix(f"{what} ") for word in self.done_ if word.startswith(what)]


@pytest.fixture
def turn(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Turn]:
    def make(world: World, *feeds: FeedState, **options: Any) -> Turn:
        monkeypatch.setattr(pull.registry, "get", lambda _name: world)
        monkeypatch.setattr(pull, "Vendor", lambda *_, **_named: world)
        monkeypatch.setattr(pull, "Store", world.store)
        monkeypatch.setattr(pull, "opened", lambda *_: None)
        at_once = options.pop("at_once", None)
        clock = datetime.now(UTC)
        sync = ClaimedSync("s", 1, "p", ("a", "b"), SealedCredential("k", "k", b"", 1), 0, feeds, clock, max_concurrent_requests=at_once)
        return Turn(sync, None, "me", None, None, stopping=world.stopping, progress=lambda _tally: None, **options)

    return make


def test_the_changes_begin_before_the_backfill_and_end_behind_it(turn: Callable[..., Turn]) -> None:
    world = World(events=[page(1), page(2)], a=[page(1, more=True), page(2, done=True)], b=[page(1, done=True)])
    made = turn(world)
    asyncio.run(made.run())
    read = world.happened("read")
    assert (read[0], read[-1]) == ("events", "events")
    assert sorted(read[1:-1]) == ["a", "a", "b"]
    assert made.tally.pages == 5
    assert made.complete


def test_lists_are_read_side_by_side_and_pages_of_each_in_order(turn: Callable[..., Turn]) -> None:
    a = [page(1, more=True), page(2, more=True), page(3, done=True)]
    world = World(events=[page(1)], a=a, b=[page(7, more=True), page(8, done=True)])
    asyncio.run(turn(world).run())
    assert world.happened("read")[1:3] == ["a", "b"]
    committed = world.happened("commit")
    assert [word for word in committed if word.startswith("a")] == ["a at 1", "a at 2", "a at 3"]
    assert [word for word in committed if word.startswith("b")] == ["b at 7", "b at 8"]


def test_the_next_page_is_asked_for_while_one_is_committed(turn: Callable[..., Turn]) -> None:
    world = World(events=[page(1)], a=[page(1, more=True, hints=(Hint("a", "1"),)), page(2, done=True)], b=[page(1, done=True)])
    made = turn(world)
    commit = world.commit

    async def committing(step: Step, batch: Any, read_from: object) -> tuple[Hint, ...]:
        if step.feed == "a" and step.cursor == {"at": 1}:
            while world.happened("read").count("a") < 2:  # noqa: ASYNC110  for ever, if it is not asked for
                await asyncio.sleep(0)
        return await commit(step, batch, read_from)

    world.commit = committing  # type: ignore[method-assign]
    asyncio.run(asyncio.wait_for(made.run(), 30))
    assert [word for word in world.happened("commit") if word.startswith("a")] == ["a at 1 1", "a at 2"]


def test_a_sync_with_one_request_at_a_time_reads_one_list_after_another(turn: Callable[..., Turn]) -> None:
    world = World(events=[page(1)], a=[page(1, more=True), page(2, done=True)], b=[page(1, done=True)])
    asyncio.run(turn(world, at_once=1).run())
    assert [name for name in world.happened("read") if name != "events"] == ["a", "a", "b"]


def test_what_is_done_is_not_asked_again(turn: Callable[..., Turn]) -> None:
    world = World(events=[page(2)], a=[Forbidden("x")], b=[page(1, done=True)])
    asyncio.run(turn(world, FeedState("events", {"at": 1}, False), FeedState("a", {"at": 9}, True)).run())
    assert sorted(world.happened("read")[:2]) == ["b", "events"]
    assert world.happened("read")[2:] == ["events"]


def test_changes_without_end_and_a_backfill_both_get_on(turn: Callable[..., Turn]) -> None:
    world = World(events=[page(1, more=True)] * 3 + [page(2)], a=[page(1, more=True), page(2, done=True)], b=[page(1, done=True)])
    asyncio.run(turn(world).run())
    read = world.happened("read")
    assert read.index("a") < len(read) - 1 - read[::-1].index("events")
    assert world.happened("read").count("events") >= 4
    assert world.happened("commit")[:1] == ["events at 1"]
    assert read[-1] == "events"


def test_a_drained_feed_is_asked_again_after_a_while(turn: Callable[..., Turn], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "CHANGES_EVERY", 0.0)
    world = World(events=[page(1)], a=[page(1, more=True)] * 5 + [page(3, done=True)], b=[page(1, done=True)])
    asyncio.run(turn(world).run())
    read = world.happened("read")
    assert read[1 : len(read) - read[::-1].index("a")].count("events") >= 2


def test_parts_are_read_side_by_side_and_end_their_feed(turn: Callable[..., Turn]) -> None:
    parts = (Part("x", {"at": 10}), Part("y", {"at": 20}))
    world = World(events=[page(1)], a=[page(1, more=True, parts=parts), page(11, more=True), page(21, done=True), page(12, done=True)],
                  b=[page(1, done=True)])  # fmt: skip
    made = turn(world)
    asyncio.run(made.run())
    committed = [word for word in world.happened("commit") if word.startswith("a")]
    assert committed[0] == "a at 1"
    assert {word.split()[0] for word in committed[1:]} == {"a/x", "a/y"}
    assert world.done == {"a", "a/x", "a/y", "b"}
    assert made.complete


def test_a_part_goes_on_where_it_was(turn: Callable[..., Turn]) -> None:
    world = World(events=[page(1)], a=[page(12, done=True)], b=[page(1, done=True)])
    states = (FeedState("a", {"at": 1}, False), FeedState("a/x", {"at": 11}, False, "part"), FeedState("a/y", {"at": 22}, True, "part"))
    asyncio.run(turn(world, *states).run())
    assert [word for word in world.happened("commit") if word.startswith("a")] == ["a/x at 12"]


def test_a_job_that_is_soon_ready_is_waited_for_and_the_others_go_on(turn: Callable[..., Turn]) -> None:
    world = World(events=[page(1)], a=[page(1, wait=0.2), page(2, done=True)], b=[page(1, more=True)] * 3 + [page(2, done=True)])
    made = turn(world)
    asyncio.run(made.run())
    read = world.happened("read")
    assert read.count("a") == 2
    assert read.index("a", read.index("a") + 1) > max(at for at, name in enumerate(read) if name == "b")
    assert made.complete


def test_a_job_that_takes_long_gives_the_sync_back(turn: Callable[..., Turn]) -> None:
    world = World(events=[page(1)], a=[page(1, wait=3600.0)], b=[page(1, done=True)])
    made = turn(world)
    asyncio.run(made.run())
    assert world.happened("read").count("a") == 1
    assert not made.complete
    later = turn(
        World(events=[page(1)], a=[Forbidden("x")], b=[Forbidden("x")]),
        FeedState("a", {"at": 1}, False, wait=3000.0),
        FeedState("b", {}, True),
    )
    asyncio.run(later.run())


def test_a_feed_of_changes_that_rests_holds_up_nothing(turn: Callable[..., Turn]) -> None:
    world = World(events=[page(1, wait=3600.0)], a=[page(1, more=True), page(2, done=True)], b=[page(1, done=True)])
    asyncio.run(turn(world).run())
    assert world.happened("read").count("events") == 1
    assert world.done == {"a", "b"}


def test_an_object_that_is_refused_goes_into_quarantine_and_stops_nothing(turn: Callable[..., Turn]) -> None:
    hints = (Hint("a", "1"), Hint("a", "2"), Hint("b", "3"))
    world = World(events=[page(5, hints=hints), page(6)], a=[page(1, done=True)], b=[page(1, done=True)])
    world.forbidden = {"2"}
    made = turn(world, FeedState("a", {"at": 1}, True), FeedState("b", {"at": 1}, True))
    asyncio.run(made.run())
    assert world.happened("commit")[0] == "events at 5 1 3 2"
    assert "restart a" not in world.done_  # its list can be read: it is this object alone


def test_a_collection_that_may_not_be_read_any_more_is_read_anew_once_it_may(turn: Callable[..., Turn]) -> None:
    world = World(events=[page(5, hints=(Hint("a", "1"), Hint("b", "3"))), page(6)], a=[Forbidden("no")], b=[page(1, done=True)])
    world.forbidden = {"1"}
    made = turn(world, FeedState("a", {"at": 1}, True), FeedState("b", {"at": 1}, True))
    asyncio.run(made.run())
    assert world.done_.index("restart a") < world.done_.index("commit events at 5 3 1") < world.done_.index("left out a")
    assert made.tally.error is not None
    assert "a: no" in str(made.tally.error["message"])


def test_hints_are_fetched_before_the_cursor_is_committed(turn: Callable[..., Turn]) -> None:
    hints = (Hint("a", "1"), Hint("b", "2"))
    world = World(events=[page(5, hints=hints), page(6)], a=[page(1, done=True)], b=[page(1, done=True)])
    asyncio.run(turn(world).run())
    assert world.done_[:4] == ["read events", "fetch 1", "fetch 2", "commit events at 5 1 2"]


def test_what_the_database_wants_again_is_fetched_and_committed_by_itself(turn: Callable[..., Turn]) -> None:
    world = World(events=[page(5)], a=[page(1, done=True)], b=[page(1, done=True)])
    world.again = {"a": (Hint("a", "7"),)}
    asyncio.run(turn(world).run())
    of_a = [word for word in world.done_ if word.startswith(("commit a", "fetch"))]
    assert of_a == ["commit a at 1", "fetch 7", "commit a at 1 7"]


def test_where_single_objects_cannot_be_asked_for_the_state_that_came_last_is_committed_again(turn: Callable[..., Turn]) -> None:
    world = World(
        events=[page(1)], a=[page(1, done=True, changes=(Change("a", "7", b"{}"), Change("a", "8", b"{}")))], b=[page(1, done=True)]
    )
    world.again = {"a": (Hint("a", "7"),)}
    world.lists_only = True
    made = turn(world)
    asyncio.run(made.run())
    assert [word for word in world.happened("commit") if word.startswith("a ")] == ["a at 1 7 8", "a at 1 7"]
    assert made.complete


def test_a_restart_goes_before_the_cursor_that_tells_of_it(turn: Callable[..., Turn]) -> None:
    world = World(events=[page(5, restart=("a", "b")), page(6)], a=[page(1, done=True)], b=[page(1, done=True)])
    asyncio.run(turn(world, FeedState("events", {"at": 1}, False), FeedState("a", {"at": 1}, True), FeedState("b", {"at": 1}, True)).run())
    assert world.done_[:4] == ["read events", "restart a", "restart b", "commit events at 5"]
    assert "read a" in world.done_


def test_a_feed_that_is_refused_is_left_out_and_the_others_are_read(turn: Callable[..., Turn]) -> None:
    world = World(events=[page(1)], a=[Forbidden("no")], b=[page(1, done=True)])
    made = turn(world)
    asyncio.run(made.run())
    assert sorted(world.happened("read")[:-1]) == ["a", "b", "events"]
    assert world.happened("left out") == ["a"]
    assert (made.tally.outcome, made.complete) == ("partial", False)


@pytest.mark.parametrize("error", [Forbidden("x"), Refused4xx("x"), ListBroken("x"), Unreadable("x"), Unavailable("x")], ids=repr)
def test_a_turn_fails_if_all_collections_do(turn: Callable[..., Turn], error: ProviderError) -> None:
    world = World(events=[page(1)], a=[error], b=[Forbidden("no")])
    with pytest.raises(type(error)):
        asyncio.run(turn(world).run())
    assert sorted(world.happened("left out")) == ["a", "b"]


def test_a_feed_that_failed_before_is_left_alone_until_its_time(turn: Callable[..., Turn]) -> None:
    world = World(events=[page(1)], a=[page(1, done=True)], b=[page(1, done=True)])
    made = turn(world, FeedState("a", None, False, error="SL202", wait=100.0))
    asyncio.run(made.run())
    assert "a" not in world.happened("read")
    assert not made.complete


def test_a_vendor_that_is_down_is_not_asked_for_every_collection(turn: Callable[..., Turn]) -> None:
    names = "abcdefgh"
    world = World(events=[page(1)], **{name: [Unavailable("x")] for name in names})
    world.feeds_ = (EVENTS, *(Feed(name, "backfill", (name,), after=("events",)) for name in names))
    with pytest.raises(Unavailable):
        asyncio.run(turn(world).run())
    assert len(world.happened("read")) < 1 + len(names)


def test_a_backfill_whose_changes_cannot_begin_waits(turn: Callable[..., Turn]) -> None:
    world = World(events=[Forbidden("no")], a=[page(1)], b=[page(1)])
    with pytest.raises(Forbidden):
        asyncio.run(turn(world).run())
    assert world.happened("read") == ["events"]


def test_a_refused_key_ends_the_turn(turn: Callable[..., Turn]) -> None:
    world = World(events=[page(1)], a=[Unauthorized("no")], b=[page(1, more=True)])
    with pytest.raises(Unauthorized):
        asyncio.run(turn(world).run())


def test_a_broken_list_is_left_at_its_start(turn: Callable[..., Turn]) -> None:
    world = World(events=[page(1)], a=[ListBroken("x", cursor={"at": 0})], b=[page(1, done=True)])
    made = turn(world, FeedState("a", {"at": 8}, False))
    asyncio.run(made.run())
    assert made.tally.outcome == "partial"
    assert world.cursors["a"] == {"at": 0}


def test_a_turn_that_is_over_has_read_some_of_the_backfill(turn: Callable[..., Turn]) -> None:
    world = World(events=[page(1)], a=[page(1, more=True)], b=[page(1, more=True)])
    with pytest.raises(Stopped):
        asyncio.run(turn(world, seconds=0.0).run())
    read = world.happened("read")
    assert read[0] == "events"
    assert {"a", "b"} <= set(read)
    # The pages that were asked for beside the first ones are committed too; nothing is read for nothing.
    assert len(read) == len(world.happened("commit")) <= 5


def test_a_stop_begins_no_page(turn: Callable[..., Turn]) -> None:
    world = World(events=[page(1)], a=[page(1)], b=[page(1)])
    world.stopping.set()
    with pytest.raises(Stopped):
        asyncio.run(turn(world).run())
    assert world.done_ == []


def test_without_a_credential_or_a_key() -> None:
    sync = ClaimedSync("s", 1, "stripe", (), SealedCredential("k", "stripe_key", b"x", 1), 0, (), datetime.now(UTC))
    for claimed, code in ((sync, "SL301"), (ClaimedSync(**{**vars(sync), "credential": None}), "SL104")):
        with pytest.raises(SluiceError) as caught:
            Turn(claimed, None, "me", None, None, stopping=asyncio.Event(), progress=lambda _tally: None)
        assert caught.value.code == code
