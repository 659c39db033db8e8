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
