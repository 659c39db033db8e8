"""Webhooks in the database: hints are objects that are wanted until they are fetched, and a version that is older is never stored."""

from __future__ import annotations

import json
from typing import Any

import pytest
from isolation.sessions import Session, World, refused


@pytest.fixture
def made(world: World) -> World:
    one = world.look
    one.rows("select stream_create('s')")
    one.rows("select sluice_internal._credential_put('k', 'stripe', 'api_key', 'shown', '\\xc0ffee', 1, 'http://x', '{}')")
    one.rows("select sync_create('s', 'stripe', 'y', null, array['stripe:customer', 'stripe:plan'], 'k')")
    one.rows("select sluice_internal._poller_heartbeat('p', 'host', 1)")
    return world


def said(session: Session, delivery: str, *hints: str, records: Any = (), **more: Any) -> Any:
    named = [{"collection_id": "stripe:customer", "upstream_id": hint} for hint in hints]
    return session.one(
        "select * from sluice_internal._webhook_store('y', %s, %s::jsonb, %s::jsonb, %s)",
        delivery, json.dumps(named), json.dumps(list(records)), more.get("ended"),
    )  # fmt: skip


def record(name: str, data: Any, at: str, **more: Any) -> dict[str, Any]:
    return {"collection_id": "stripe:customer", "upstream_id": name, "data": data, "upstream_updated_at": at, "deleted": False} | more


def claimed(session: Session) -> Any:
    (row,) = session.rows("select * from sluice_internal._sync_claim('p', 1, true)")
    return row


def take(session: Session, epoch: int) -> set[str]:
    return {row.upstream_id for row in session.rows("select * from sluice_internal._wanted_next('y', 'p', %s)", epoch)}


def settle(session: Session, epoch: int, *names: str, **more: Any) -> Any:
    records = [{"collection_id": "stripe:customer", "upstream_id": name, "data": {"now": 1}, "deleted": False} for name in names]
    facts = {"settled": [{"collection_id": "stripe:customer", "upstream_id": name} for name in names]}
    return session.one(
        "select * from sluice_internal._wanted_commit('y', 'p', %s, %s::jsonb, '[]', now(), %s::jsonb)",
        epoch, json.dumps(records), json.dumps(facts),
    )  # fmt: skip


def wanted(session: Session) -> set[str]:
    return {row.upstream_id for row in session.rows("select upstream_id from sluice_internal.wanted_objects")}


def test_sync_webhook_info(made: World) -> None:
    one = made.look
    row = one.one("select * from sync_webhook_info('y')")
    assert (row.enabled, row.secrets, row.deliveries, row.last_delivery_at) == (False, 0, 0, None)
    said(one, "1", "a", "b")
    said(one, "1", "a", "b")
    row = one.one("select * from sync_webhook_info('y')")
    assert (row.deliveries, row.repeated, row.hints, row.wanted) == (1, 1, 2, 2)
    one.rows("select sluice_internal._poller_heartbeat('p', 'host', 1)")  # folds
    assert one.value("select count(*) from sluice_internal.webhook_deltas") == 0
    again = one.one("select * from sync_webhook_info('y')")
    assert (again.deliveries, again.repeated, again.hints, again.last_delivery_at) == (1, 1, 2, row.last_delivery_at)
    assert one.value("select webhooks ->> 'deliveries' from syncs") == "1"
    with refused("SL102"):
        one.rows("select sync_webhook_info('nobody')")


def test_sync_webhook_subscribe(made: World) -> None:
    one = made.look
    assert one.rows("select * from sluice_internal._subscription_claim('p')") == []
    assert one.one("select * from sync_webhook_subscribe('y')").enabled
    first = one.one("select * from sluice_internal._subscription_claim('p')")
    assert (first.sync_id, first.provider, first.has_secret, len(first.tag), first.attempt) == ("y", "stripe", False, 8, 1)
    assert one.one("select * from sluice_internal._subscription_claim('p')").sync_id is None, "one poller at a time"
    assert one.value("select sluice_internal._subscription_secret('y', 'p', %s, 'sealed', 1)", first.epoch)
    assert not one.value("select sluice_internal._subscription_secret('y', 'p', %s, 'sealed', 1)", first.epoch - 1)
    assert one.value("select sluice_internal._subscription_end('y', 'p', %s, '4 hours', 'https://x')", first.epoch)
    row = one.one("select * from sync_webhook_info('y')")
    assert (row.address, row.secrets, row.error) == ("https://x", 1, None)
    assert one.value("select %s between now() + '3 hours' and now() + '5 hours'", row.next_attempt_at)
    one.rows("select sync_update('y', collection_ids => array['stripe:customer'])")
    second = one.one("select * from sluice_internal._subscription_claim('p')")
    assert (second.collection_ids, second.has_secret, second.tag) == (["stripe:customer"], True, first.tag)
    for _ in range(2):
        error = '{"code": "SL203", "message": "no", "details": null, "hint": null}'
        assert one.value("select sluice_internal._subscription_end('y', 'p', %s, '0', null, %s)", second.epoch, error)
        second = one.one("select * from sluice_internal._subscription_claim('p')")
    assert one.value("select error ->> 'code' from sync_webhooks") == "SL203"
    one.rows("select sluice_internal._subscription_end('y', 'p', %s, '1 hour', notices => array['made anew'])", second.epoch)
    kinds = [row.kind for row in one.rows("select kind from notices order by notice_id")]
    assert kinds == ["webhooks_broken", "webhooks_recovered", "webhooks_renewed"]


def test_sync_webhook_delete(made: World) -> None:
    one = made.look
    one.rows("select sync_webhook_subscribe('y')")
    one.rows("select sluice_internal._webhook_put('y', 'sealed', 1)")
    held = one.one("select * from sluice_internal._subscription_claim('p')")
    row = one.one("select * from sync_webhook_delete('y')")
    assert (row.enabled, row.secrets, row.next_attempt_at) == (False, 0, None)
    assert not one.value("select sluice_internal._subscription_secret('y', 'p', %s, 'sealed', 1)", held.epoch), "came too late"
    assert not one.value("select sluice_internal._subscription_end('y', 'p', %s, '1 hour')", held.epoch)
    assert one.rows("select * from sluice_internal._subscription_claim('p')") == []
    # Whoever looked after it may have made one yet.
    assert removal(one).sync_id is None
    assert one.value("select next_at between now() and now() + '1 minute' from sluice_internal.unsubscriptions")
    one.rows("select sync_webhook_delete('y')")
    assert one.value("select count(*) from sluice_internal.unsubscriptions") == 1, "once off is off"


def removal(session: Session, poller_id: str = "p") -> Any:
    return session.one("select * from sluice_internal._unsubscription_claim(%s)", poller_id)


def removed(session: Session, held: Any, again: str | None = None, error: str | None = None) -> Any:
    words = None if error is None else json.dumps({"code": None, "message": error, "details": None, "hint": None})
    return session.value(
        "select sluice_internal._unsubscription_end(%s, 'p', %s, %s, %s)", held.unsubscription_no, held.epoch, again, words
    )  # fmt: skip


def subscribed(session: Session) -> Any:
    session.rows("select sync_webhook_subscribe('y')")
    made = session.one("select * from sluice_internal._subscription_claim('p')")
    session.rows("select sluice_internal._subscription_end('y', 'p', %s, '4 hours', 'https://x?tag=1')", made.epoch)
    return made


def test_what_was_subscribed_is_removed(made: World) -> None:
    one = made.look
    assert one.rows("select * from sluice_internal._unsubscription_claim('p')") == []
    first = subscribed(one)
    one.rows("select sync_webhook_delete('y')")
    held = removal(one)
    assert (held.sync_id, held.provider, held.address, held.tag, held.credential_id, held.attempt) == (
        "y", "stripe", "https://x?tag=1", first.tag, "k", 1,
    )  # fmt: skip
    assert removal(one).sync_id is None, "one poller at a time"
    # Wanted again: first the removal at hand ends, so that it takes nothing away that is new.
    one.rows("select sync_webhook_subscribe('y')")
    assert one.one("select * from sluice_internal._subscription_claim('p')").sync_id is None
    assert not removed(one, held, "0", "the vendor is down")
    assert one.one("select * from sluice_internal._subscription_claim('p')").tag != first.tag
    assert one.rows("select * from sluice_internal._unsubscription_claim('p')") == []


def test_those_of_providers_that_have_enough_under_way_are_left_for_later(made: World) -> None:
    one = made.look
    one.rows("select sync_webhook_subscribe('y')")
    for claim in ("_subscription_claim", "_unsubscription_claim"):
        left = one.one(f"select * from sluice_internal.{claim}('p', '{{stripe,hubspot}}')")
        assert (left.sync_id, left.next_in.total_seconds()) == (None, 5)
        taken = one.one(f"select * from sluice_internal.{claim}('p', '{{hubspot}}')")
        assert taken.sync_id == "y"
        if claim == "_subscription_claim":
            one.rows("select sluice_internal._subscription_end('y', 'p', %s, '4 hours', 'https://x?tag=1')", taken.epoch)
            one.rows("select sync_webhook_delete('y')")


def test_one_that_waits_to_be_removed_is_wanted_again(made: World) -> None:
    one = made.look
    subscribed(one)
    one.rows("select sync_webhook_delete('y')")
    one.rows("select sync_webhook_subscribe('y')")
    assert one.rows("select * from sluice_internal._unsubscription_claim('p')") == []
    assert one.one("select * from sluice_internal._subscription_claim('p')").sync_id == "y"


def test_a_removal_is_tried_for_a_day(made: World) -> None:
    one = made.look
    subscribed(one)
    one.rows("select sync_webhook_delete('y')")
    held = removal(one)
    assert not removed(one, held, "0", "the vendor is down")
    again = removal(one)
    assert (again.attempt, again.epoch) == (2, 2)
    assert not removed(one, held), "of a claim before"
    one.rows("update sluice_internal.unsubscriptions set since = since - interval '25 hours'")
    assert removed(one, again, "0", "the vendor is down")
    assert one.rows("select * from sluice_internal._unsubscription_claim('p')") == []
    (notice,) = one.rows("select * from notices where kind = 'webhooks_left'")
    assert notice.error["message"] == "the vendor is down"


def test_a_sync_is_deleted_without_waiting_for_its_vendor(made: World) -> None:
    one = made.look
    subscribed(one)
    one.rows("select sync_delete('y')")
    while one.value("select sluice_internal._sync_tidy()"):
        pass
    assert one.rows("select * from syncs") == []
    left = one.rows("select * from sluice_internal._unsubscription_claim('p')")
    assert [(held.sync_id, held.address, held.kind) for held in left] == [("y", "https://x?tag=1", "api_key")]
    (held,) = left
    assert removed(one, held, None, "nothing is there"), "given up, and nobody to tell"
    assert one.rows("select * from notices") == []
    one.rows("select credential_delete('k')")


def another(session: Session, credential_id: str = "k2") -> None:
    session.rows(
        "select sluice_internal._credential_put(%s, 'stripe', 'api_key', 'shown', '\\xc0ffee', 1, 'http://x', '{}') "
        "where not exists (select from credentials where credential_id = %s)", credential_id, credential_id,
    )  # fmt: skip
    session.rows("select sync_update('y', credential_id => %s)", credential_id)


def test_another_credential_removes_what_the_former_one_made(made: World) -> None:
    one = made.look
    first = subscribed(one)
    one.rows("select sluice_internal._webhook_put('y', 'sealed', 1)")
    another(one)
    left = one.rows("select * from sluice_internal._unsubscription_claim('p')")
    assert len(left) == 1
    (held,) = left
    assert (held.sync_id, held.address, held.tag, held.credential_id) == ("y", "https://x?tag=1", first.tag, "k")
    row = one.one("select * from sync_webhook_info('y')")
    assert (row.enabled, row.secrets, row.subscribed_at) == (True, 0, None), "what the former account signs is believed no more"
    assert one.one("select * from sluice_internal._subscription_claim('p')").sync_id is None, "it may be the same account"
    assert not removed(one, held)
    again = one.one("select * from sluice_internal._subscription_claim('p')")
    assert (again.sync_id, again.credential_id) == ("y", "k2")
    assert again.tag != first.tag
    assert one.rows("select * from sluice_internal._unsubscription_claim('p')") == []


def test_a_former_credential_that_fails_does_not_keep_the_new_one_waiting(made: World) -> None:
    one = made.look
    subscribed(one)
    another(one)
    assert not removed(one, removal(one), "0", "the vendor is down")
    one.rows("update sluice_internal.unsubscriptions set since = since - interval '6 minutes'")
    again = one.one("select * from sluice_internal._subscription_claim('p')")
    one.rows("select sluice_internal._subscription_end('y', 'p', %s, '4 hours', 'https://x?tag=2')", again.epoch)
    # It is removed at last: perhaps with what is new, so that is looked at once more.
    assert not removed(one, removal(one))
    assert one.one("select * from sluice_internal._subscription_claim('p')").sync_id == "y"


def test_a_former_credential_that_is_refused_leaves_a_notice(made: World) -> None:
    one = made.look
    subscribed(one)
    another(one)
    assert removed(one, removal(one), None, "revoked")
    assert [row.kind for row in one.rows("select kind from notices")] == ["webhooks_left"]
    assert one.one("select * from sluice_internal._subscription_claim('p')").credential_id == "k2"


def test_there_and_back_again_removes_only_what_was_made_in_between(made: World) -> None:
    one = made.look
    subscribed(one)
    another(one)
    another(one, "k")
    assert [row.credential_id for row in one.rows("select credential_id from sluice_internal.unsubscriptions")] == ["k2"]


def test_webhooks_that_no_poller_subscribes_to_stay_as_they_are(made: World) -> None:
    one = made.look
    one.rows("select sluice_internal._webhook_put('y', 'sealed', 1)")
    another(one)
    one.rows("select sync_update('y', collection_ids => array['stripe:customer'])")
    row = one.one("select * from sync_webhook_info('y')")
    assert (row.enabled, row.secrets, row.next_attempt_at) == (False, 1, None)
    assert one.value("select count(*) from sluice_internal.unsubscriptions") == 0


@pytest.mark.parametrize(("before", "now", "left"), [("a", "b", 1), ("a", "a", 0), (None, "b", 0), ("a", None, 0)])
def test_a_secret_of_another_account(made: World, before: str | None, now: str | None, left: int) -> None:
    """There is nothing to remove the former account's with: a notice says where it is."""
    one = made.look
    one.rows("select sluice_internal._credential_change('k', account => %s)", before)
    subscribed(one)
    one.rows("select sluice_internal._webhook_put('y', 'sealed', 1)")
    one.rows("select sluice_internal._credential_replace('k', 'api_key', '\\xc0ffee', 1, null, %s)", now)
    notices = one.rows("select * from notices where kind = 'webhooks_left'")
    assert len(notices) == left
    assert all("https://x?tag=1" in notice.error["hint"] for notice in notices)
    assert one.value("select secrets from sync_webhook_info('y')") == 1 - left
    # Whatever it opens, that is looked at now.
    assert one.one("select * from sluice_internal._subscription_claim('p')").sync_id == "y"
    assert one.value("select count(*) from sluice_internal.unsubscriptions") == 0


def test_an_older_version_never_overwrites_a_newer_one(made: World) -> None:
    one = made.look
    said(one, "2", records=[record("a", {"n": 2}, "2026-01-02T00:00:00Z")])
    said(one, "1", records=[record("a", {"n": 1}, "2026-01-01T00:00:00Z")])
    assert one.value("select data ->> 'n' from records") == "2"
    assert wanted(one) == set()
    said(
        one,
        "3",
        records=[record("a", {"n": 3}, "2026-01-03T00:00:00Z"), record("in", {}, "2026-01-03T00:00:00Z", collection_id="stripe:invoice")],
    )
    assert one.value("select data ->> 'n' from records") == "3"
    said(one, "4", records=[record("a", {"other": True}, "2026-01-03T00:00:00Z")])
    assert one.value("select data ->> 'n' from records") == "3"
    assert wanted(one) == {"a"}, "the same version with other data is fetched"
    said(one, "5", records=[record("a", None, "2026-01-04T00:00:00Z", deleted=True)])
    said(one, "6", records=[record("a", {"n": 3}, "2026-01-03T00:00:00Z")])
    assert one.value("select deleted from records")


def test_word_that_comes_after_the_reading_is_not_settled_by_it(made: World) -> None:
    one = made.look
    said(one, "1", "a", "b")
    held = claimed(one)
    assert take(one, held.epoch) == {"a", "b"}
    said(one, "2", "a")
    settle(one, held.epoch, "a", "b")
    assert wanted(one) == {"a"}
    assert take(one, held.epoch) == {"a"}
    settle(one, held.epoch, "a")
    assert wanted(one) == set()


def test_a_page_settles_only_what_was_said_before_it_was_asked_for(made: World) -> None:
    one = made.look
    held = claimed(one)
    before = one.value("select clock_timestamp()")
    said(one, "1", "a")
    after = one.value("select clock_timestamp()")
    row = '[{"collection_id": "stripe:customer", "upstream_id": "a", "data": {}}]'
    for read_from, left in ((before, {"a"}), (after, set())):
        one.rows("select sluice_internal._page_commit('y', 'p', %s, 'f', '{}', false, %s, '[]', %s)", held.epoch, row, read_from)
        assert wanted(one) == left


def test_a_turn_that_ends_leaves_nothing_wanted_waiting(made: World) -> None:
    one = made.look
    held = claimed(one)
    one.rows("select sluice_internal._sync_finish('y', 'p', %s, '1 hour')", held.epoch)
    assert one.value("select next_attempt_at > now() + '50 minutes' from sluice_internal.sync_runs")
    held = claimed(one)
    said(one, "1", "a")
    one.rows("select sluice_internal._sync_finish('y', 'p', %s, '1 hour')", held.epoch)
    assert one.value("select next_attempt_at <= clock_timestamp() from sluice_internal.sync_runs"), "at once"


def test_what_a_dead_poller_had_taken_is_taken_again(made: World) -> None:
    one = made.look
    said(one, "1", "a")
    held = claimed(one)
    assert take(one, held.epoch) == {"a"}
    one.rows("select sluice_internal._poller_stop('p')")
    assert take(one, held.epoch) == set(), "no lease"
    one.rows("select sluice_internal._poller_heartbeat('p', 'host', 1)")
    again = claimed(one)
    assert take(one, again.epoch) == {"a"}
    with refused("SL130"):
        settle(one, held.epoch, "a")
    assert wanted(one) == {"a"}


def test_what_cannot_be_fetched_waits_longer_and_longer(made: World) -> None:
    one = made.look
    said(one, "1", "a", "b")
    held = claimed(one)
    assert take(one, held.epoch) == {"a", "b"}
    put_off = "select sluice_internal._wanted_put_off('y', 'p', %s, %s::jsonb)"
    key = json.dumps([{"collection_id": "stripe:customer", "upstream_id": "a"}])
    assert one.value(put_off, held.epoch, key) == 0
    assert take(one, held.epoch) == {"b"}
    said(one, "2", "a")
    assert "a" in take(one, held.epoch), "news of it is fetched at once"
    one.rows("update sluice_internal.wanted_objects set attempt = 29")
    assert one.value(put_off, held.epoch, key) == 1
    assert wanted(one) == {"b"}


def test_deliveries_are_remembered_for_four_days(made: World) -> None:
    one = made.look
    said(one, "1", "a")
    one.rows("update sluice_internal.webhook_deliveries set received_at = now() - interval '95 hours'")
    one.rows("select sluice_internal._poller_heartbeat('p', 'host', 1)")
    assert said(one, "1", "a").state == "repeated"
    one.rows("update sluice_internal.webhook_deliveries set received_at = now() - interval '97 hours'")
    one.rows("select sluice_internal._poller_heartbeat('p', 'host', 1)")
    assert said(one, "1", "a").state == "stored"


def test_deliveries_side_by_side_wait_for_no_run(made: World) -> None:
    one, other = made.sessions(2)
    one.begin()
    one.rows("select from sluice_internal.sync_runs where sync_id = 'y' for update")
    made.look.rows("update sluice_internal.sync_runs set next_attempt_at = now() + '1 hour' where false")
    assert said(other, "1", "a") == ("stored", False)
    one.commit()
    assert said(other, "2", "b") == ("stored", True)
