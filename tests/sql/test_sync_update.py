"""`sync_update` and `sync_restart`: what is not given stays, what is dropped is not read, what is added is."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from isolation.sessions import Session, World, refused
from sql.test_sync_delete import tidy


@pytest.fixture
def one(world: World) -> Session:
    """The Stripe sync `y` with two collections, both read, held by `p1`."""
    made = world.look
    made.rows("select stream_create('s')")
    for name, provider in (("k", "stripe"), ("k2", "stripe")):
        made.rows("select sluice_internal._credential_put(%s, %s, 'api_key', 'shown', '\\xc0ffee', 1, 'http://x', '{}')", name, provider)
    made.rows("""
        select sync_create('s', 'stripe', 'y', 'Shop', array['stripe:customer', 'stripe:plan'], 'k', '{"allowed_requests": 1, "interval": 1}',
            '{"a": 1}', 'e', null, '90 seconds')
    """)
    world.consumer()
    made.rows("select sluice_internal._poller_heartbeat('p1', 'host', 1)")
    held = claim(made)
    for feed in ("stripe:events", "stripe:customer", "stripe:plan"):
        page(made, held, feed)
    return made


def claim(one: Session) -> Any:
    (held,) = one.rows("select * from sluice_internal._sync_claim('p1', 9, true)")
    return held


def page(one: Session, held: Any, feed: str, *records: Any) -> Any:
    return one.one(
        "select * from sluice_internal._page_commit(sync_id => 'y', poller_id => 'p1', epoch => %s, feed => %s, cursor => '{\"a\": 1}',"
        " done => true, records => %s::jsonb, quarantine => '[]', read_from => now())",
        held.epoch, feed, json.dumps(records),
    )  # fmt: skip


def record(name: str, collection: str = "stripe:customer") -> dict[str, Any]:
    return {"collection_id": collection, "upstream_id": name, "data": {"of": name}}


def feeds(one: Session) -> list[str]:
    return [f for (f,) in one.rows("select feed from sluice_internal.sync_feeds order by 1")]


def test_sync_update_leaves_what_is_not_given(one: Session) -> None:
    before = one.one("select * from syncs")
    assert before.status == "active"
    assert one.one("select * from sync_update('y')") == before
    after = one.one(
        "select * from sync_update('y', name => 'Other', metadata => '{\"b\": 2}', max_age_days => 30, sync_frequency => '1 hour')"
    )
    assert (after.name, after.metadata, after.max_age_days, after.sync_frequency) == ("Other", {"b": 2}, 30, timedelta(hours=1))
    assert (after.external_id, after.rate_limit, after.collection_ids) == ("e", before.rate_limit, before.collection_ids)


def test_sync_update_takes_settings_away(one: Session) -> None:
    one.rows("select sync_update('y', max_age_days => 30)")
    after = one.one(
        "select * from sync_update('y', name => '', external_id => '', rate_limit => '{}', metadata => '{}', max_age_days => 0, sync_frequency => '0')"
    )
    assert (after.name, after.external_id, after.rate_limit, after.metadata, after.max_age_days, after.sync_frequency) == (
        None, None, None, {}, None, None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        ("SL106", "collection_ids => array['stripe:nothing']"),
        ("SL001", "collection_ids => '{}'"),
        ("SL104", "credential_id => 'nobody'"),
        ("SL001", "rate_limit => '{\"x\": 1}'"),
        ("SL001", "metadata => '[]'"),
        ("SL001", "max_age_days => -1"),
    ],
)
def test_sync_update_refuses(one: Session, code: str, arguments: str) -> None:
    before = one.one("select * from syncs")
    with refused(code):
        one.rows(f"select sync_update('y', {arguments})")
    assert one.one("select * from syncs") == before
    with refused("SL102", "nobody"):
        one.rows("select sync_update('nobody')")


def test_an_added_collection_is_read_in_full(one: Session) -> None:
    held = claim_again(one)
    after = one.one("select * from sync_update('y', collection_ids => array['stripe:customer', 'stripe:plan', 'stripe:price'])")
    assert (after.status, after.backfill_completed_at) == ("backfilling", None)
    with refused("SL130"):
        page(one, held, "stripe:customer")  # a turn that does not know of it
    held = claim(one)
    assert "stripe:price" in held.collection_ids
    assert {f["feed"] for f in held.feeds} == {"stripe:events", "stripe:customer", "stripe:plan"}  # the others go on from where they are
    page(one, held, "stripe:price")
    assert one.value("select status from syncs") == "active"


def claim_again(one: Session) -> Any:
    one.rows("update sluice_internal.sync_runs set poller_id = null")
    return claim(one)


def test_sync_update_keeps_each_collection_once(one: Session) -> None:
    twice = "array['stripe:plan', 'stripe:customer', 'stripe:plan']"
    assert one.one(f"select * from sync_update('y', collection_ids => {twice})").collection_ids == ["stripe:plan", "stripe:customer"]
    assert one.one("select * from sync_update('y')").collection_ids == ["stripe:plan", "stripe:customer"]


def test_records_of_a_dropped_collection_stay(one: Session) -> None:
    page(one, claim_again(one), "stripe:plan", record("p", "stripe:plan"))
    one.rows("select sync_update('y', collection_ids => array['stripe:customer'])")
    assert feeds(one) == ["stripe:customer", "stripe:events"]
    assert list(one.records()) == ["p"]
    assert one.rows("select * from sync_tidy()") == []
    assert [m.upstream_id for m in one.drain()] == ["p"]


def test_records_of_a_dropped_collection_go_if_that_is_said(one: Session) -> None:
    held = claim_again(one)
    page(one, held, "stripe:plan", record("p", "stripe:plan"))
    page(one, held, "stripe:customer", record("c"))
    one.rows("select sync_update('y', collection_ids => array['stripe:customer'], drop_records => true)")
    with refused("SL166"):
        one.rows("select sync_update('y', collection_ids => array['stripe:customer', 'stripe:plan'])")
    assert tidy(one) is None
    assert list(one.records()) == ["c"]
    assert [m.upstream_id for m in one.drain()] == ["c"]
    one.rows("select sync_update('y', collection_ids => array['stripe:customer', 'stripe:plan'])")
    assert one.value("select status from syncs") == "backfilling"


def test_another_credential_and_the_sync_goes_on(one: Session) -> None:
    held = claim_again(one)
    one.rows(
        "select sluice_internal._sync_fail('y', 'p1', %s, 'error', '{\"code\": \"SL201\", \"message\": \"no\"}', '1 hour')", held.epoch
    )
    one.rows("select sync_update('y', credential_id => 'k2')")
    (held,) = one.rows("select * from sluice_internal._sync_claim('p1', 9)")
    assert held.credential_id == "k2"
    assert len(held.feeds) == 3


def test_a_longer_age_reads_everything_once_more(one: Session) -> None:
    one.rows("select sync_update('y', max_age_days => 30)")
    assert len(feeds(one)) == 3
    one.rows("select sync_update('y', max_age_days => 20)")
    assert len(feeds(one)) == 3
    one.rows("select sync_update('y', max_age_days => 40)")
    assert feeds(one) == []


def test_sync_restart_everything(one: Session) -> None:
    held = claim_again(one)
    page(one, held, "stripe:customer", record("a"))
    one.drain(ack=True)
    assert one.one("select * from sync_restart('y')").status == "pending"
    with refused("SL130"):
        page(one, held, "stripe:customer", record("b"))
    again = claim(one)
    assert again.feeds == []
    answer = page(one, again, "stripe:customer", record("a"))
    assert (answer.new, answer.changed, answer.unchanged) == (0, 0, 1)
    assert one.next() == []


def test_sync_restart_of_one_collection(one: Session) -> None:
    one.rows("select sync_restart('y', array['stripe:plan'])")
    assert feeds(one) == ["stripe:customer", "stripe:events"]
    with refused("SL106", "stripe:price"):
        one.rows("select sync_restart('y', array['stripe:price'])")
    one.rows("select sync_create('s', 'push', 'p')")
    with refused("SL001"):
        one.rows("select sync_restart('p')")
