"""What only pollers call: a sync is held by one poller at a time, a page and its cursor are committed together or not at all (rule 2.5),
and two readings of one object that overlap are told apart by a third (rule 2.3).
"""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from isolation.sessions import Session, World, refused, until


@pytest.fixture
def made(world: World) -> World:
    one = world.look
    one.rows("select stream_create('s')")
    one.rows("select sluice_internal._credential_put('k', 'stripe', 'api_key', 'shown', '\\xc0ffee', 1, 'http://x', '{}')")
    one.rows("select sync_create('s', 'stripe', 'y', null, array['stripe:customer', 'stripe:plan'], 'k')")
    world.consumer()
    beat(one, "p1")
    return world


def beat(session: Session, poller: str) -> None:
    session.rows("select sluice_internal._poller_heartbeat(%s, 'host', 1)", poller)


def claim(session: Session, poller: str, most: int = 10) -> list[Any]:
    return session.rows("select * from sluice_internal._sync_claim(%s, %s)", poller, most)


def customer(name: str, data: Any, at: str | None = None, **more: Any) -> dict[str, Any]:
    return {"collection_id": "stripe:customer", "upstream_id": name, "data": data, "upstream_updated_at": at} | more


def page(
    session: Session, epoch: int, *records: dict[str, Any], poller: str = "p1", cursor: Any = None, done: bool = False, since: str = "now()",
    quarantine: list[dict[str, Any]] | None = None,
) -> Any:  # fmt: skip
    return session.one(
        f"select * from sluice_internal._page_commit('y', %s, %s, 'stripe:customer', %s::jsonb, %s, %s::jsonb, %s::jsonb, {since})",
        poller, epoch, json.dumps(cursor), done, json.dumps(records), json.dumps(quarantine or []),
    )  # fmt: skip


def test_a_claim_has_what_the_poller_needs(made: World) -> None:
    (claimed,) = claim(made.look, "p1")
    assert (claimed.sync_id, claimed.provider, claimed.credential_id, claimed.kind) == ("y", "stripe", "k", "api_key")
    assert (bytes(claimed.sealed), claimed.key_version, claimed.base_url) == (b"\xc0\xff\xee", 1, "http://x")
    assert sorted(claimed.collection_ids) == ["stripe:customer", "stripe:plan"]
    assert (claimed.attempt, claimed.feeds) == (0, [])
    assert made.look.value("select %s between now() - interval '10 s' and clock_timestamp()", claimed.clock)


def test_a_sync_is_held_by_one_poller(made: World) -> None:
    one, other = made.sessions(2)
    beat(other, "p2")
    assert len(claim(one, "p1")) == 1
    assert claim(other, "p2") == []
    assert claim(one, "p1") == []


def test_two_pollers_claim_at_the_same_moment(made: World) -> None:
    for n in range(9):
        made.look.rows("select sync_create('s', 'stripe', %s, null, array['stripe:plan'], 'k')", f"y{n}")
    one, other = made.sessions(2)
    beat(one, "p1")
    beat(other, "p2")
    one.begin()
    mine = claim(one, "p1", 4)
    theirs = claim(other, "p2", 100)  # does not wait
    one.commit()
    assert len(mine) == 4
    assert {c.sync_id for c in mine} | {c.sync_id for c in theirs} == {"y", *(f"y{n}" for n in range(9))}
    assert not {c.sync_id for c in mine} & {c.sync_id for c in theirs}


def test_push_syncs_and_paused_ones_are_not_claimed(made: World) -> None:
    made.look.rows("select sync_create('s', 'push', 'pushed')")
    made.look.rows("select sync_pause('y')")
    assert claim(made.look, "p1") == []
    made.look.rows("select sync_resume('y')")
    assert [c.sync_id for c in claim(made.look, "p1")] == ["y"]


def test_a_page_and_its_cursor_are_committed_together(made: World) -> None:
    one = made.session()
    (held,) = claim(one, "p1")
    one.begin()
    answer = page(one, held.epoch, customer("a", 1), customer("b", 1), cursor={"after": "b"})
    assert (answer.new, answer.changed, answer.unchanged, answer.refused, answer.refetch) == (2, 0, 0, 0, [])
    one.rollback()
    assert one.records() == {}
    page(one, held.epoch, customer("a", 1), cursor={"after": "a"})
    one.rows("select sluice_internal._sync_release('y', 'p1', %s)", held.epoch)
    (again,) = claim(one, "p1")
    assert again.feeds == [{"feed": "stripe:customer", "cursor": {"after": "a"}, "done": False}]
    assert list(one.records()) == ["a"]


def test_a_repeated_page_is_silent(made: World) -> None:
    one = made.session()
    (held,) = claim(one, "p1")
    one.rows("select pg_sleep(0)")
    page(one, held.epoch, customer("a", 1), customer("b", 2), cursor={"after": "b"})
    one.drain(ack=True)
    before = {i: (r.updated_idx, r.data) for i, r in one.records().items()}
    answer = page(one, held.epoch, customer("a", 1), customer("b", 2), cursor={"after": "b"})
    assert (answer.new, answer.changed, answer.unchanged, answer.refused, answer.refetch) == (0, 0, 2, 0, [])
    assert {i: (r.updated_idx, r.data) for i, r in one.records().items()} == before
    assert one.next() == []


def fall_silent(one: Session, epoch: int) -> None:
    one.rows("update sluice_internal.pollers set heartbeat_at = heartbeat_at - interval '11 seconds'")
    beat(one, "p2")
    assert [c.sync_id for c in claim(one, "p2")] == ["y"]


def fail(one: Session, epoch: int, retry_in: str = "1 minute", code: str = "SL205") -> None:
    error = json.dumps({"code": code, "message": "m", "details": None, "hint": "h"})
    one.rows("select sluice_internal._sync_fail('y', 'p1', %s, 'error', %s::jsonb, %s::interval)", epoch, error, retry_in)


LOST: dict[str, Callable[[Session, int], Any]] = {
    "released": lambda one, epoch: one.rows("select sluice_internal._sync_release('y', 'p1', %s)", epoch),
    "finished": lambda one, epoch: one.rows("select sluice_internal._sync_finish('y', 'p1', %s, '1 minute')", epoch),
    "failed": fail,
    "stopped": lambda one, epoch: one.rows("select sluice_internal._poller_stop('p1')"),
    "silent": fall_silent,
    "paused": lambda one, epoch: one.rows("select sync_pause('y')"),
}


@pytest.mark.parametrize("how", LOST)
def test_a_page_without_the_lease_commits_nothing(made: World, how: str) -> None:
    """A paused poller that wakes up: somebody else may work on the sync by now."""
    one = made.session()
    (held,) = claim(one, "p1")
    LOST[how](one, held.epoch)
    with refused("SL130", "y"):
        page(one, held.epoch, customer("a", 1))
    assert one.records() == {}


@pytest.mark.parametrize(("poller", "later"), [("p1", 1), ("p1", -1), ("p2", 0), ("nobody", 0)])
@pytest.mark.parametrize("act", ["page", "finish", "fail", "release"])
def test_who_does_not_hold_the_sync_can_do_nothing_with_it(made: World, poller: str, later: int, act: str) -> None:
    one = made.session()
    beat(one, "p2")
    (held,) = claim(one, "p1")
    before = one.one("select * from syncs")
    epoch = held.epoch + later
    # to give back what one no longer has is no error: a poller does so on its way out
    with contextlib.nullcontext() if act == "release" else refused("SL130", "y"):
        if act == "page":
            page(one, epoch, customer("a", 1), poller=poller)
        elif act == "fail":
            one.rows("select sluice_internal._sync_fail('y', %s, %s, 'error', '{\"code\": \"x\"}', '0')", poller, epoch)
        else:
            more = ", '1 minute'" if act == "finish" else ""
            one.rows(f"select sluice_internal._sync_{act}('y', %s, %s{more})", poller, epoch)
    assert one.one("select * from syncs") == before
    assert page(one, held.epoch, customer("a", 1)).new == 1


def test_a_poller_that_comes_back_after_its_silence_has_lost_the_sync(made: World) -> None:
    one = made.session()
    (old,) = claim(one, "p1")
    one.rows("update sluice_internal.pollers set heartbeat_at = heartbeat_at - interval '11 seconds'")
    beat(one, "p2")
    (new,) = claim(one, "p2")
    assert new.epoch > old.epoch
    beat(one, "p1")
    with refused("SL130"):
        page(one, old.epoch, customer("a", "old"))
    assert page(one, new.epoch, customer("a", "new"), poller="p2").new == 1


def test_a_claim_waits_for_no_page_under_way_and_the_page_wins_or_loses_as_a_whole(made: World) -> None:
    slow, other = made.sessions(2)
    (held,) = claim(slow, "p1")
    slow.begin()
    page(slow, held.epoch, customer("a", 1), cursor={"after": "a"})
    made.look.rows("update sluice_internal.pollers set heartbeat_at = heartbeat_at - interval '11 seconds'")
    beat(other, "p2")
    assert claim(other, "p2") == []  # the run is locked: skipped, not waited for
    slow.commit()
    (taken,) = claim(other, "p2")
    assert taken.feeds == [{"feed": "stripe:customer", "cursor": {"after": "a"}, "done": False}]


# ---------------------------------------------------------------- versions and intervals


def test_two_readings_that_overlap_and_differ_are_fetched_again(made: World) -> None:
    one = made.session()
    (held,) = claim(one, "p1")
    start = one.value("select clock_timestamp()")
    page(one, held.epoch, customer("a", "first"), since=f"'{start}'")
    answer = page(one, held.epoch, customer("a", "other"), customer("b", 1), since=f"'{start}'")
    assert answer.refetch == [{"collection_id": "stripe:customer", "upstream_id": "a"}]
    assert (answer.new, answer.changed, answer.refused) == (1, 0, 0)
    assert one.records()["a"].data == "first"


def test_two_readings_that_overlap_and_agree_are_unchanged(made: World) -> None:
    one = made.session()
    (held,) = claim(one, "p1")
    start = one.value("select clock_timestamp()")
    page(one, held.epoch, customer("a", "same"), since=f"'{start}'")
    answer = page(one, held.epoch, customer("a", "same"), since=f"'{start}'")
    assert (answer.unchanged, answer.refetch) == (1, [])


def test_a_reading_that_began_after_the_other_was_complete_is_newer(made: World) -> None:
    one = made.session()
    (held,) = claim(one, "p1")
    page(one, held.epoch, customer("a", "first"), since="clock_timestamp()")
    answer = page(one, held.epoch, customer("a", "second"), since="clock_timestamp()")
    assert (answer.changed, answer.refetch) == (1, [])
    assert one.records()["a"].data == "second"


def test_versions_decide_however_the_readings_overlap(made: World) -> None:
    one = made.session()
    (held,) = claim(one, "p1")
    start = one.value("select clock_timestamp()")
    page(one, held.epoch, customer("a", "new", "2026-03-03T00:00:00Z"), since=f"'{start}'")
    answer = page(one, held.epoch, customer("a", "old", "2026-01-01T00:00:00Z"), since=f"'{start}'")
    assert (answer.refused, answer.refetch) == (1, [])
    answer = page(one, held.epoch, customer("a", "newest", "2026-04-04T00:00:00Z"), since=f"'{start}'")
    assert (answer.changed, answer.refetch) == (1, [])


def test_equal_versions_with_other_data_in_overlapping_readings_are_fetched_again(made: World) -> None:
    one = made.session()
    (held,) = claim(one, "p1")
    start = one.value("select clock_timestamp()")
    page(one, held.epoch, customer("a", 1, "2026-03-03T00:00:00Z"), since=f"'{start}'")
    answer = page(one, held.epoch, customer("a", 2, "2026-03-03T00:00:00Z"), since=f"'{start}'")
    assert answer.refetch == [{"collection_id": "stripe:customer", "upstream_id": "a"}]
    assert one.records()["a"].data == 1


def test_one_object_twice_in_one_page_that_differs_is_fetched_again(made: World) -> None:
    """One reply, one interval: which of the two is newer is not to be known."""
    one = made.session()
    (held,) = claim(one, "p1")
    answer = page(one, held.epoch, customer("a", 1), customer("a", 2), since="clock_timestamp()")
    assert answer.refetch == [{"collection_id": "stripe:customer", "upstream_id": "a"}]


def test_the_cursor_stays_until_what_is_to_be_fetched_again_is_there(made: World) -> None:
    """A poller killed between the page and the fetch would lose it otherwise: nobody else knows of it."""
    one = made.session()
    (held,) = claim(one, "p1")
    start = one.value("select clock_timestamp()")
    page(one, held.epoch, customer("a", "first"), since=f"'{start}'", cursor={"at": 1})
    place = "select cursor_state, done from sluice_internal.sync_feeds where sync_id = 'y'"
    page(one, held.epoch, customer("a", "other"), since=f"'{start}'", cursor={"at": 2}, done=True)
    assert one.rows(place) == [({"at": 1}, False)]
    page(one, held.epoch, customer("a", "other"), since="clock_timestamp()", cursor={"at": 2}, done=True)
    assert one.rows(place) == [({"at": 2}, True)]
    assert one.records()["a"].data == "other"


# ---------------------------------------------------------------- quarantine


def test_what_cannot_be_stored_goes_into_quarantine_with_its_bytes(made: World) -> None:
    one = made.session()
    (held,) = claim(one, "p1")
    raw = b'{"id": "bad", "x": "\\u0000"}'
    bad = {"collection_id": "stripe:customer", "upstream_id": "bad", "raw": base64.b64encode(raw).decode(), "reason": "a NUL in a string"}
    answer = page(one, held.epoch, customer("a", 1), quarantine=[bad], cursor={"after": "bad"})
    assert answer.new == 1
    (kept,) = one.rows("select * from quarantine")
    assert (kept.stream_id, kept.sync_id, kept.collection_id, kept.upstream_id) == ("s", "y", "stripe:customer", "bad")
    assert (bytes(kept.raw), kept.reason) == (raw, "a NUL in a string")


def test_the_same_object_again_is_in_quarantine_once_and_leaves_it_when_it_is_stored(made: World) -> None:
    one = made.session()
    (held,) = claim(one, "p1")
    bad = {"collection_id": "stripe:customer", "upstream_id": "bad", "raw": base64.b64encode(b"1e999999").decode(), "reason": "too large"}
    for _ in range(2):
        page(one, held.epoch, quarantine=[bad])
    assert one.value("select count(*) from quarantine") == 1
    page(one, held.epoch, customer("bad", 1))
    assert one.value("select count(*) from quarantine") == 0


REFUSED = [
    '{"a": "\\u0000"}',
    '{"\\u0000": 1}',
    '["\\ud800"]',
    '["\\udc00\\ud800"]',
    "[1e200000]",
    "[" * 100_000 + "]" * 100_000,
    '{"a": }',
    "",
]
STORED = [
    '{"a": "\\u0001"}',
    '["\\ud83d\\ude42"]',
    "[1e400, -1E-400, 0.10]",
    '{"a": 1, "a": 2}',
    "null",
    '"\\\\u0000"',
    "[" * 500 + "]" * 500,
]


@pytest.mark.parametrize("raw", REFUSED, ids=range(len(REFUSED)))
def test_jsonb_refusal_says_why(made: World, raw: str) -> None:
    assert made.look.value("select sluice_internal._jsonb_refusal(%s)", raw)
    assert made.look.value("select 1") == 1


@pytest.mark.parametrize("raw", STORED, ids=range(len(STORED)))
def test_jsonb_refusal_is_null_for_what_can_be_stored(made: World, raw: str) -> None:
    assert made.look.value("select sluice_internal._jsonb_refusal(%s)", raw) is None
    assert made.look.value("select %s::jsonb is not null", raw)


# ---------------------------------------------------------------- the end of a turn


def test_a_finished_turn(made: World) -> None:
    one = made.session()
    (held,) = claim(one, "p1")
    assert one.value("select status from syncs") in {"pending", "backfilling"}
    page(one, held.epoch, customer("a", 1), done=True)
    one.rows("select sluice_internal._sync_finish('y', 'p1', %s, '1 hour')", held.epoch)
    sync = one.one("select * from syncs")
    assert (sync.error, sync.error_since) == (None, None)
    assert one.value(
        "select next_attempt_at between now() + interval '59 minutes' and now() + interval '1 hour' and last_success_at is not null from syncs"
    )
    assert claim(one, "p1") == []
    due = one.one("select * from sluice_internal._sync_due('p1')")
    assert due.due == 0
    assert due.next_in is not None


def test_a_failed_turn_breaks_and_a_good_one_heals(made: World) -> None:
    one = made.session()
    (held,) = claim(one, "p1")
    error = {"code": "SL201", "message": "the key is wrong", "details": None, "hint": "give it a new one"}
    one.rows("select sluice_internal._sync_fail('y', 'p1', %s, 'error', %s::jsonb, '0')", held.epoch, json.dumps(error))
    sync = one.one("select * from syncs")
    assert (sync.status, sync.error) == ("error", error)
    assert sync.error_since is not None
    assert [n.kind for n in one.rows("select * from notices order by notice_id")] == ["broken"]
    (again,) = until(lambda: claim(one, "p1"), "the sync is due again")
    assert again.attempt == 1
    assert again.epoch > held.epoch
    one.rows("select sluice_internal._sync_fail('y', 'p1', %s, 'error', %s::jsonb, '0')", again.epoch, json.dumps(error))
    assert one.value("select error_since from syncs") == sync.error_since
    (third,) = until(lambda: claim(one, "p1"), "the sync is due again")
    assert third.attempt == 2
    page(one, third.epoch, customer("a", 1))
    one.rows("select sluice_internal._sync_finish('y', 'p1', %s, '1 hour')", third.epoch)
    assert one.one("select error, error_since from syncs") == (None, None)
    assert [n.kind for n in one.rows("select * from notices order by notice_id")] == ["broken", "recovered"]


def test_replacing_a_credential_makes_its_syncs_due(made: World) -> None:
    one = made.session()
    (held,) = claim(one, "p1")
    error = json.dumps({"code": "SL201", "message": "m", "details": None, "hint": "h"})
    one.rows("select sluice_internal._sync_fail('y', 'p1', %s, 'error', %s::jsonb, '1 hour')", held.epoch, error)
    assert claim(one, "p1") == []
    one.rows("select sluice_internal._credential_replace('k', 'api_key', '\\xbeef', 2, null)")
    (again,) = claim(one, "p1")
    assert (bytes(again.sealed), again.key_version, again.base_url) == (b"\xbe\xef", 2, "http://x")
    with refused("SL104", "nope"):
        one.rows("select sluice_internal._credential_replace('nope', 'api_key', '\\xbeef', 2, null)")


@pytest.mark.parametrize(
    ("code", "credential_id", "provider"),
    [("SL110", "k", "stripe"), ("SL105", "new", "nosuch"), ("SL001", "", "stripe"), ("SL001", "x" * 201, "stripe")],
)
def test_credential_put_refuses(made: World, code: str, credential_id: str, provider: str) -> None:
    with refused(code):
        made.look.rows("select sluice_internal._credential_put(%s, %s, 'api_key', 'n', '\\x00', 1, null, '{}')", credential_id, provider)
    assert [c.credential_id for c in made.look.rows("select * from credentials")] == ["k"]
