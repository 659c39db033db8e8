"""What a poller says of several syncs in one call: grants for requests, and the usual end of a turn."""

from __future__ import annotations

import json
from typing import Any

import pytest
from isolation.sessions import Session, World

NOTHING_NEW = {"feed": "events", "cursor": {"at": 2}, "read_from": "2026-01-01T00:00:00Z", "facts": {"more": False}}
BUDGET = [{"name": "all", "allowed": 5, "seconds": 600}]


@pytest.fixture
def one(world: World) -> Session:
    """Three active syncs of one credential, all held by p1; each has a feed of changes."""
    look = world.look
    look.rows("select stream_create('s')")
    look.rows("select sluice_internal._credential_put('k', 'stripe', 'api_key', 'shown', '\\xc0ffee', 1, null, '{}')")
    look.rows("select sluice_internal._poller_heartbeat('p1', 'host', 1)")
    for sync_id in ("a", "b", "c"):
        look.rows("select sync_create('s', 'stripe', %s, collection_ids => '{stripe:customer}', credential_id => 'k')", sync_id)
    look.rows(
        "insert into sluice_internal.sync_feeds (sync_id, feed, kind, collection_ids, cursor_state, done, completed_at)"
        " select sync_id, 'events', 'changes', collection_ids, '{\"at\": 1}', false, now() from sluice_internal.syncs"
    )
    look.rows("update sluice_internal.sync_runs set status = 'active', backfill_completed_at = now()")
    look.rows("select * from sluice_internal._sync_claim('p1', 10)")
    return look


def ended(*sync_ids: str, epoch: int = 1, page: dict[str, Any] = NOTHING_NEW) -> str:
    return json.dumps([{"sync_id": sync_id, "epoch": epoch, "next_in": 3600, "pages": [page]} for sync_id in sync_ids])


def finished(one: Session, said: str) -> list[str]:
    return sorted(
        row.sync_id for row in one.rows("select sync_id from sluice_internal._sync_finish_many('p1', %s::jsonb) as sync_id", said)
    )


def test_the_usual_end_of_several_turns(one: Session) -> None:
    assert finished(one, ended("a", "b")) == ["a", "b"]
    rows = one.rows(
        "select r.poller_id, r.last_success_at > now() - interval '1 minute' as success,"
        " r.next_attempt_at > now() + interval '50 minutes' as later, f.cursor_state ->> 'at' as at, f.pages"
        " from sluice_internal.sync_runs as r inner join sluice_internal.sync_feeds as f using (sync_id) order by r.sync_id"
    )
    assert [tuple(row) for row in rows[:2]] == [(None, True, True, "2", 1)] * 2
    assert (rows[2].poller_id, rows[2].at) == ("p1", "1")


def test_a_frequency_of_its_own_and_a_feed_that_is_due(one: Session) -> None:
    one.rows("update sluice_internal.syncs set sync_frequency = '5 minutes' where sync_id = 'a'")
    one.rows(
        "insert into sluice_internal.sync_feeds (sync_id, feed, kind, done, next_attempt_at)"
        " values ('b', 'failing', 'backfill', false, now() + interval '1 minute')"
    )
    assert finished(one, ended("a", "b", "c")) == ["a", "b", "c"]
    waits = one.rows(
        "select round(extract(epoch from next_attempt_at - now()) / 60)::int as minutes from sluice_internal.sync_runs order by sync_id"
    )
    assert [row.minutes for row in waits] == [5, 1, 60]


@pytest.mark.parametrize(
    "change",
    [
        "update sluice_internal.sync_runs set epoch = 2 where sync_id = 'a'",
        "update sluice_internal.sync_runs set poller_id = 'p2' where sync_id = 'a'",
        "update sluice_internal.syncs set paused = true where sync_id = 'a'",
        "update sluice_internal.sync_runs set backfill_completed_at = null, status = 'backfilling' where sync_id = 'a'",
        "update sluice_internal.sync_runs set status = 'error', error = '{}', error_since = now() where sync_id = 'a'",
        "update sluice_internal.sync_feeds set error = '{}', error_since = now() where sync_id = 'a'",
        "update sluice_internal.sync_feeds set completed_at = null where sync_id = 'a'",
        "delete from sluice_internal.sync_feeds where sync_id = 'a'",
    ],
)
def test_what_is_not_the_usual_end_is_left_as_it_is(one: Session, change: str) -> None:
    one.rows(change)
    before = one.rows("select * from sluice_internal.sync_runs where sync_id = 'a'")
    feeds = one.rows("select * from sluice_internal.sync_feeds where sync_id = 'a'")
    assert finished(one, ended("a", "b")) == ["b"]
    assert one.rows("select * from sluice_internal.sync_runs where sync_id = 'a'") == before
    assert one.rows("select * from sluice_internal.sync_feeds where sync_id = 'a'") == feeds


def test_pages_that_say_more_take_the_whole_way(one: Session) -> None:
    assert finished(one, ended("a", page={**NOTHING_NEW, "facts": {"more": False, "restart": ["stripe:customer"]}})) == []


def test_nobody_waits_for_a_sync_that_somebody_changes(one: Session, world: World) -> None:
    other = world.session()
    other.begin()
    other.rows("select from sluice_internal.sync_runs where sync_id = 'a' for update")
    assert finished(one, ended("a", "b")) == ["b"]
    other.rollback()


def test_grants_of_several_syncs_come_out_of_the_same_windows(one: Session) -> None:
    asked = [{"sync_id": sync_id, "credential_id": "k", "limits": BUDGET, "wanted": 1} for sync_id in ("c", "a", "gone", "b", "c", "a")]
    asked[2] |= {"credential_id": None}
    grants = one.rows("select granted, held from sluice_internal._rate_take_many('p1', %s::jsonb)", json.dumps(asked))
    # four of five are for reads: in the order of the syncs, and answered in the order of the questions
    assert [grant.granted for grant in grants] == [1, 1, 0, 1, 0, 1]
    one.rows('update sluice_internal.syncs set rate_limit = \'{"allowed_requests": 0, "interval": 0, "max_concurrent_requests": 1}\'')
    one.rows("delete from sluice_internal.rate_windows")
    one.rows("select * from sluice_internal._rate_take_many('p1', %s::jsonb)", json.dumps(asked))
    assert one.rows("select * from sluice_internal.rate_holds") == []


def usual(one: Session, *asked: dict[str, object]) -> list[tuple[int, int]]:
    rows = one.rows("select place, granted from sluice_internal._rate_take_usual(%s::jsonb)", json.dumps(asked))
    return sorted((row.place, row.granted) for row in rows)


def asks(sync_id: str, wanted: int = 1, **more: object) -> dict[str, object]:
    return {"sync_id": sync_id, "credential_id": "k", "limits": BUDGET, "wanted": wanted} | more


def drawn(one: Session) -> list[tuple[object, ...]]:
    rows = one.rows(
        "select scope, name, (select sum(a) from unnest(amounts) as a) as drawn from sluice_internal.rate_windows order by 1, 2"
    )
    return [tuple(row) for row in rows]


def test_the_usual_grant_draws_what_any_other_would(one: Session, subtests: pytest.Subtests) -> None:
    """Whatever the limits: grants until there are none, by the one way and by the other."""
    small = {"name": "small", "allowed": 2, "seconds": 600}
    cases = {
        "a budget": ({}, BUDGET),
        "a limit of its own": ({"allowed_requests": 20, "interval": 600}, []),
        "both": ({"allowed_requests": 3, "interval": 600}, BUDGET),
        "two budgets": ({}, [*BUDGET, small]),
        "less than one": ({}, [{"name": "slow", "allowed": 0.5, "seconds": 600}]),
        "many in a second": ({"allowed_requests": 6000, "interval": 60}, [{"name": "fast", "allowed": 100, "seconds": 1}]),
    }
    for name, (rate_limit, limits) in cases.items():
        with subtests.test(name):
            limit = json.dumps({"allowed_requests": 0, "interval": 0, "max_concurrent_requests": 0} | rate_limit)
            one.rows("update sluice_internal.syncs set rate_limit = %s::jsonb where sync_id = 'a'", limit)
            ask = asks("a", 200, limits=limits)

            def all_of_it(one: Session, function: str, ask: dict[str, object]) -> list[object]:
                one.rows("delete from sluice_internal.rate_windows")
                one.rows("select * from sluice_internal._rate_take_many('p1', %s::jsonb)", json.dumps([{**ask, "wanted": 1}]))
                found: list[object] = []
                while granted := one.rows(f"select * from sluice_internal.{function}", json.dumps([ask])):
                    if granted[0].granted == 0 or len(found) == 25:
                        break
                    found.append((granted[0].granted, granted[0].lasts))
                return [*found, *drawn(one)]

            assert all_of_it(one, "_rate_take_usual(%s::jsonb)", ask) == all_of_it(one, "_rate_take_many('p1', %s::jsonb)", ask)


def test_what_is_not_the_usual_grant_is_left_to_the_other_way(one: Session, world: World, subtests: pytest.Subtests) -> None:
    assert usual(one, asks("a")) == []  # there is no window yet
    one.rows("select * from sluice_internal._rate_take_many('p1', %s::jsonb)", json.dumps([asks("a")]))
    before = drawn(one)
    with subtests.test("others of the same account in this call"):
        assert usual(one, asks("a"), asks("b")) == []
    with subtests.test("no such sync"):
        assert usual(one, asks("gone")) == []
    with subtests.test("something comes back"):
        assert usual(one, asks("a", unused=1, unused_from="2026-01-01T00:00:00Z")) == []
    with subtests.test("somebody draws from it just now"):
        other = world.session()
        other.begin()
        other.rows("select from sluice_internal.rate_windows for update")
        assert usual(one, asks("a")) == []
        other.rollback()
    for name, said in {"quiet": (60, None, None, None), "few left": (None, 3, 60, None), "refilled": (None, 3, None, 1)}.items():
        with subtests.test(name):
            one.rows("select sluice_internal._rate_signal('a', %s, %s, %s, %s)", *said)
            assert usual(one, asks("a")) == []
            one.rows("delete from sluice_internal.rate_signals")
    with subtests.test("places"):
        one.rows('update sluice_internal.syncs set rate_limit = \'{"allowed_requests": 0, "interval": 0, "max_concurrent_requests": 1}\'')
        assert usual(one, asks("a")) == []
        one.rows('update sluice_internal.syncs set rate_limit = \'{"allowed_requests": 0, "interval": 0, "max_concurrent_requests": 0}\'')
    assert drawn(one) == before
    with subtests.test("what a vendor said that is over"):
        one.rows("select sluice_internal._rate_signal('a', null, 0, 0, null)")
        assert usual(one, asks("a")) == [(1, 1)]


def test_two_usual_grants_at_once_do_not_draw_the_same(one: Session, world: World) -> None:
    """The second one goes by what the first has left, although it began before that was committed."""
    one.rows("select * from sluice_internal._rate_take_many('p1', %s::jsonb)", json.dumps([asks("a")]))
    for _ in range(3):
        first, second = world.sessions(2)
        first.begin()
        assert usual(first, asks("a")) == [(1, 1)]
        assert usual(second, asks("a")) == []
        first.commit()
    # one of five is for writes
    assert usual(one, asks("a")) == []
