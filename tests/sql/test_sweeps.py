"""What a sweep may conclude: what was there before a complete pass began and did not come up in it, and nothing else (DESIGN 4)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from isolation.sessions import Session, World, refused

SWEEP = [{"feed": "sweep", "kind": "sweep", "collection_ids": ["stripe:customer"], "every": 86400}]
FEEDS = [*SWEEP, {"feed": "events", "kind": "changes", "collection_ids": ["stripe:customer", "stripe:plan"]}]


class Poller:
    """One that holds the sync."""

    def __init__(self, session: Session, feeds: list[dict[str, Any]]) -> None:
        self.session = session
        session.rows("select sluice_internal._poller_heartbeat('p1', 'host', 1)")
        (self.held,) = session.rows("select * from sluice_internal._sync_claim('p1', 1, true)")
        session.rows("select sluice_internal._feeds_declare('y', 'p1', %s, %s::jsonb)", self.held.epoch, json.dumps(feeds))

    def page(self, feed: str, *ids: str, since: str = "clock_timestamp()", done: bool = False, **facts: Any) -> Any:
        records = [self.record(name) for name in ids]
        quarantine = facts.pop("quarantine", [])
        return self.session.one(
            f"select * from sluice_internal._page_commit('y', 'p1', %s, %s, '{{}}', %s, %s::jsonb, %s::jsonb, {since}, %s::jsonb)",
            self.held.epoch, feed, done, json.dumps(records), json.dumps(quarantine), json.dumps(facts),
        )  # fmt: skip

    def record(self, name: str) -> dict[str, Any]:
        """`name` is the id; "x=2" another state of x; "-x" that it is gone; "plan/x" one of the other collection."""
        collection, _, rest = name.rpartition("/")
        upstream_id, _, state = rest.lstrip("-").partition("=")
        gone = {"data": None, "deleted": True} if rest.startswith("-") else {"data": {"state": state}, "upstream_updated_at": self.version}
        return {"collection_id": f"stripe:{collection or 'customer'}", "upstream_id": upstream_id, **gone}

    version: str | None = None

    def conclude(self, most: int = 1000) -> int:
        """How many became tombstones."""
        found = 0
        while (
            step := self.session.one("select * from sluice_internal._sweep_conclude('y', 'p1', %s, 'sweep', %s)", self.held.epoch, most)
        ).more:
            found += step.deleted
        return found

    def there(self) -> set[str]:
        return {name for name, row in self.session.records().items() if not row.deleted}


@pytest.fixture
def made(world: World) -> World:
    one = world.look
    one.rows("select stream_create('s')")
    one.rows("select sluice_internal._credential_put('k', 'stripe', 'api_key', 'shown', '\\xc0ffee', 1, 'http://x', '{}')")
    one.rows("select sync_create('s', 'stripe', 'y', null, array['stripe:customer', 'stripe:plan'], 'k')")
    world.consumer()
    return world


@pytest.fixture
def poller(made: World) -> Poller:
    poller = Poller(made.session(), FEEDS)
    poller.page("events", "a", "b", "c", "d", "plan/p")
    return poller


def test_what_did_not_come_up_is_a_tombstone_with_its_last_data(poller: Poller) -> None:
    poller.page("sweep", "a", first=True)
    poller.page("sweep", "c", done=True)
    assert poller.conclude() == 2
    assert poller.there() == {"a", "c", "p"}
    assert poller.session.records()["b"].data == {"state": ""}
    assert poller.session.value("select count(*) from sluice_internal.sweep_seen") == 0


def test_nothing_is_concluded_before_the_pass_is_complete(poller: Poller) -> None:
    poller.page("sweep", "a", first=True)
    assert poller.conclude() == 0
    assert poller.there() == {"a", "b", "c", "d", "p"}


def test_a_complete_pass_without_any_object_means_that_all_are_gone(poller: Poller) -> None:
    poller.page("sweep", first=True, done=True)
    assert poller.conclude() == 4
    assert poller.there() == {"p"}


@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_conclusion_goes_on_where_it_was(poller: Poller, most: int) -> None:
    """Each step is a transaction: whoever is killed between two of them has done those before."""
    poller.page("sweep", "b", first=True, done=True)
    poller.session.rows("select sluice_internal._sweep_conclude('y', 'p1', %s, 'sweep', %s)", poller.held.epoch, most)
    poller.session.rows("select sluice_internal._poller_stop('p1')")
    again = Poller(poller.session, FEEDS)
    assert [feed for feed in again.held.feeds if feed.get("concluding")]
    again.conclude(most)
    assert again.there() == {"b", "p"}
    assert again.session.value("select count(*) from sluice_internal.sweep_seen") == 0


@pytest.mark.parametrize("during", ["the pass", "the conclusion"])
@pytest.mark.parametrize("state", ["b", "b=2"], ids=["unchanged", "changed"])
def test_what_somebody_else_saw_meanwhile_stays(poller: Poller, during: str, state: str) -> None:
    poller.page("sweep", "a", first=True)
    if during == "the pass":
        poller.page("events", state, "new")
    poller.page("sweep", "c", done=True)
    if during == "the conclusion":
        poller.page("events", state, "new")
    assert poller.conclude() == 1
    assert poller.there() == {"a", "b", "c", "new", "p"}


def test_what_was_pushed_or_written_back_during_the_pass_stays(poller: Poller) -> None:
    poller.page("sweep", "a", first=True)
    pushed = [{"upstream_id": "b", "data": {"state": "pushed"}}, {"upstream_id": "new", "data": {}}]
    poller.session.rows("select record_ingest('y', 'stripe:customer', %s::jsonb)", json.dumps(pushed))
    poller.page("sweep", "c", done=True)
    assert poller.conclude() == 1
    assert poller.there() == {"a", "b", "c", "new", "p"}


def test_a_deletion_by_events_during_the_pass_is_one(poller: Poller) -> None:
    poller.page("sweep", "a", "b", "c", "d", first=True)
    poller.page("events", "-b")
    poller.page("sweep", done=True)
    assert poller.conclude() == 0
    assert poller.there() == {"a", "c", "d", "p"}


def test_a_pass_that_begins_anew_forgets_what_the_one_before_saw(poller: Poller) -> None:
    poller.page("sweep", "a", "b", first=True)
    poller.page("sweep", "a", first=True)
    poller.page("sweep", "c", done=True)
    assert poller.conclude() == 2
    assert poller.there() == {"a", "c", "p"}
    assert poller.session.value("select count(*) from sluice_internal.sweep_seen") == 0


@pytest.mark.parametrize("code", ["SL202", "SL203", "SL207", "SL204"])
def test_a_pass_that_fails_concludes_nothing(poller: Poller, code: str) -> None:
    """A collection that the account may no longer read is not gone."""
    poller.page("sweep", "a", first=True)
    error = json.dumps({"code": code, "message": "m", "details": None, "hint": None})
    poller.session.rows("select sluice_internal._feed_fail('y', 'p1', %s, 'sweep', %s::jsonb, '0')", poller.held.epoch, error)
    # Even if somebody went on as if nothing had happened.
    poller.page("sweep", done=True)
    assert poller.conclude() == 0
    assert poller.there() == {"a", "b", "c", "d", "p"}


def test_a_vendor_that_is_away_for_a_moment_does_not_end_a_pass(poller: Poller) -> None:
    poller.page("sweep", "a", first=True)
    error = json.dumps({"code": "SL205", "message": "m", "details": None, "hint": None})
    poller.session.rows("select sluice_internal._feed_fail('y', 'p1', %s, 'sweep', %s::jsonb, '0')", poller.held.epoch, error)
    poller.page("sweep", "b", "c", done=True)
    assert poller.conclude() == 1
    assert poller.there() == {"a", "b", "c", "p"}


def test_an_object_that_cannot_be_stored_is_there(poller: Poller) -> None:
    bad = {"collection_id": "stripe:customer", "upstream_id": "b", "raw": "eA==", "reason": "r"}
    poller.page("sweep", "a", first=True, quarantine=[bad])
    poller.page("sweep", "c", done=True)
    assert poller.conclude() == 1
    assert poller.there() == {"a", "b", "c", "p"}


def test_an_object_without_an_id_may_be_any(poller: Poller) -> None:
    bad = {"collection_id": "stripe:customer", "upstream_id": None, "raw": "eA==", "reason": "no id"}
    poller.page("sweep", "a", first=True, quarantine=[bad])
    poller.page("sweep", "c", done=True)
    assert poller.conclude() == 0
    assert poller.there() == {"a", "b", "c", "d", "p"}


def test_what_a_list_passed_over_comes_back_with_the_same_version(made: World) -> None:
    """Lists that are cut by number pass over an object now and then; a later reading of that version must bring it back."""
    poller = Poller(made.session(), FEEDS)
    poller.version = "2026-01-01T00:00:00Z"
    poller.page("events", "a", "b")
    poller.page("sweep", "a", first=True, done=True)
    assert poller.conclude() == 1
    assert poller.there() == {"a"}
    poller.page("sweep", "a", "b", first=True, done=True)
    poller.conclude()
    assert poller.there() == {"a", "b"}


def test_the_next_pass_is_due_after_its_time(poller: Poller) -> None:
    poller.page("sweep", "a", "b", "c", "d", first=True, done=True)
    poller.conclude()
    poller.session.rows("select sluice_internal._poller_stop('p1')")
    (state,) = [feed for feed in Poller(poller.session, FEEDS).held.feeds if feed["feed"] == "sweep"]
    assert (state["cursor"], state["done"]) == (None, True)
    assert 86_000 < state["wait"] <= 86_400


def test_what_is_too_old_for_the_sync_is_no_deletion(poller: Poller) -> None:
    one = poller.session
    one.rows("update sluice_internal.syncs set max_age_days = 30")
    one.rows("update sluice.records set upstream_created_at = now() - interval '31 days' where upstream_id = 'b'")
    poller.page("sweep", "a", "c", first=True, done=True)
    assert poller.conclude() == 1
    assert poller.there() == {"a", "b", "c", "p"}
    step = "select * from sluice_internal._records_trim('y', 'p1', %s, 2)"
    one.drain(ack=True)
    removed = 0
    while (done := one.one(step, poller.held.epoch)).more:
        removed += done.removed
    assert removed + done.removed == 1
    assert one.next() == []
    assert set(one.records()) == {"a", "c", "d", "p"}
    assert one.value("select records from collections where collection_id = 'stripe:customer'") == 3
    # Not again for a while: nothing is looked at.
    assert one.one(step, poller.held.epoch) == (False, 0)


# ---------------------------------------------------------------- restarts and changed settings


def test_no_page_of_before_is_committed_once_the_settings_changed(poller: Poller) -> None:
    poller.session.rows("select sluice_internal._lease_end('y')")
    with refused("SL130", "y"):
        poller.page("events", "late")
    again = Poller(poller.session, SWEEP)
    assert "late" not in again.there()
    # What is no longer read is forgotten: it would be read from its start.
    assert again.session.rows("select feed from sluice_internal.sync_feeds") == [("sweep",)]


def test_a_restart_and_the_page_that_tells_of_it_are_one(poller: Poller) -> None:
    one = poller.session
    poller.page("sweep", "a", first=True)
    one.begin()
    poller.page("events", restart=["sweep"])
    one.rollback()
    place = "select cursor_state is null from sluice_internal.sync_feeds where feed = 'sweep'"
    assert one.value(place) is False
    poller.page("events", restart=["sweep"])
    assert one.value(place) is True
    # The rest of the pass that was under way concludes nothing.
    poller.page("sweep", "b", done=True)
    assert poller.conclude() == 0


def test_parts_are_stored_with_their_page_and_the_last_one_ends_the_feed(made: World) -> None:
    feeds = [{"feed": "stripe:customer", "kind": "backfill", "collection_ids": ["stripe:customer", "stripe:plan"]}]
    poller = Poller(made.session(), feeds)
    parts = [{"name": name, "cursor": {"from": name}} for name in "xy"]
    poller.page("stripe:customer", "a", parts=parts, first=True)
    rows = "select feed, cursor_state, done from sluice_internal.sync_feeds order by feed"
    assert poller.session.rows(rows)[1:] == [("stripe:customer/x", {"from": "x"}, False), ("stripe:customer/y", {"from": "y"}, False)]
    poller.page("stripe:customer/x", "b", done=True)
    assert poller.session.value("select status from syncs") == "backfilling"
    poller.page("stripe:customer/y", "c", done=True)
    assert [row.done for row in poller.session.rows(rows)] == [True, True, True]
    assert poller.session.value("select status from syncs") == "active"


def test_a_piece_of_a_page_keeps_the_place(poller: Poller) -> None:
    poller.page("events", "x", last=False)
    assert poller.session.value("select pages from sluice_internal.sync_feeds where feed = 'events'") == 1
    assert "x" in poller.there()


def test_a_failed_feed_is_told_of_and_heals_by_a_page(poller: Poller) -> None:
    one = poller.session
    error = json.dumps({"code": "SL202", "message": "may not", "details": None, "hint": None})
    for _ in range(2):
        one.rows("select sluice_internal._feed_fail('y', 'p1', %s, 'sweep', %s::jsonb, '1 hour')", poller.held.epoch, error)
    sync = one.one("select * from syncs")
    assert (sync.error, sync.status) == (None, "backfilling")
    assert "sweep (may not)" in sync.health["reason"]
    since = one.value("select error_since from sluice_internal.sync_feeds where feed = 'sweep'")
    poller.page("events", "a")
    assert one.value("select error_since from sluice_internal.sync_feeds where feed = 'sweep'") == since
    one.rows("select sluice_internal._sync_finish('y', 'p1', %s, '2 hours', false)", poller.held.epoch)
    assert one.value("select next_attempt_at < now() + interval '61 minutes' and last_success_at is null from syncs")
    again = Poller(one, FEEDS)
    again.page("sweep", "a", first=True)
    assert one.value("select health ->> 'reason' from syncs") is None
