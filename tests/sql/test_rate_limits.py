"""What all pollers may send together: windows, grants, the share of writes, places, and what vendors say."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from isolation.sessions import Session, World

LIMIT = {"name": "all", "allowed": 5, "seconds": 600}


@pytest.fixture
def one(world: World) -> Session:
    look = world.look
    look.rows("select stream_create('s')")
    look.rows("select sluice_internal._credential_put('k', 'stripe', 'api_key', 'shown', '\\xc0ffee', 1, null, '{}')")
    for poller in ("p1", "p2"):
        look.rows("select sluice_internal._poller_heartbeat(%s, 'host', 1)", poller)
    return look


@pytest.fixture
def sync(one: Session) -> Callable[..., str]:
    def make(sync_id: str = "y", **limit: float) -> str:
        one.rows(
            "select sync_create('s', 'stripe', %s, collection_ids => '{stripe:customer}', credential_id => 'k', rate_limit => %s::jsonb)",
            sync_id,
            json.dumps({"allowed_requests": 0, "interval": 0, "max_concurrent_requests": 0} | limit),
        )
        return sync_id

    return make


def take(one: Session, sync_id: str = "y", **given: Any) -> Any:
    values = {"poller": "p1", "limits": [], "wanted": 1, "cost": 1.0, "writes": False, "unused": 0, "unused_from": None} | given
    return one.one(
        "select * from sluice_internal._rate_take(%s, %s, %s::jsonb, %s, %s, %s, %s, %s, %s)",
        sync_id, values["poller"], json.dumps(values["limits"]), values["wanted"], values["cost"], values["writes"],
        values.get("hold", uuid.uuid4()), values["unused"], values["unused_from"],
    )  # fmt: skip


def count(one: Session, **given: Any) -> int:
    """How many go through at once, one by one."""
    found = 0
    while take(one, **given).granted:
        found += 1
        assert found < 500
    return found


def later(one: Session, seconds: float) -> None:
    """As if all that was drawn had been drawn so much earlier."""
    one.rows(
        "update sluice_internal.rate_windows set ends = array(select e - %s from unnest(ends) with ordinality as u (e, n) order by n)",
        timedelta(seconds=seconds),
    )


def test_a_burst_goes_through_at_once_and_no_more_than_allowed_in_any_window(one: Session, sync: Callable[..., str]) -> None:
    sync(allowed_requests=20, interval=600)
    assert count(one) == 18
    assert count(one, writes=True) == 2
    refused = take(one, writes=True)
    assert (refused.granted, 500 < refused.wait < 660) == (0, True)
    # Half a window later nothing is free, whatever a fixed window would say …
    later(one, 300)
    assert count(one, poller="p2", writes=True) == 0
    # … and a whole one after the last of them all of it.
    later(one, 400)
    assert count(one, poller="p2", writes=True) == 20


def test_what_was_drawn_comes_back_bit_by_bit(one: Session, sync: Callable[..., str]) -> None:
    sync(allowed_requests=10, interval=600)
    assert count(one) == 9
    later(one, 330)
    assert count(one, writes=True) == 1
    later(one, 331)
    assert count(one, writes=True) == 9


@pytest.mark.parametrize(("allowed", "reads"), [(1, 1), (2, 1), (9, 8), (100, 90)])
def test_a_tenth_is_for_writes(one: Session, sync: Callable[..., str], allowed: int, reads: int) -> None:
    sync(allowed_requests=allowed, interval=600)
    assert count(one) == reads
    assert count(one, writes=True) == allowed - reads


def test_without_limits_nobody_waits(one: Session, sync: Callable[..., str]) -> None:
    sync()
    grant = take(one, wanted=100)
    assert (grant.granted, grant.wait, grant.held, 0 < grant.lasts <= 1) == (100, 0, False, True)
    assert one.rows("select * from sluice_internal.rate_windows") == []


def test_a_grant_is_what_the_rate_allows_in_its_lifetime(one: Session, sync: Callable[..., str]) -> None:
    sync(allowed_requests=6000, interval=60)
    grant = take(one, wanted=1000)
    assert (grant.granted, grant.lasts) == (100, 1)
    sync("slow", allowed_requests=60, interval=60)
    assert take(one, "slow", wanted=1000).granted == 1


def test_an_account_that_is_asked_without_a_sync_draws_from_its_budget(one: Session, sync: Callable[..., str]) -> None:
    """As when it is asked for its collections: the syncs of the credential have so much less."""
    sync()

    def of_the_account() -> Any:
        query = "select * from sluice_internal._rate_take(null, 'p1', %s::jsonb, 1, 1, false, %s, 0, null, %s)"
        return one.one(query, json.dumps([LIMIT]), uuid.uuid4(), "k")

    assert [of_the_account().granted for _ in range(2)] == [1, 1]
    assert count(one, limits=[LIMIT]) == 2
    assert of_the_account().granted == 0
    one.rows("select sluice_internal._rate_signal(null, 60, null, null, null, 'k')")
    assert 50 < take(one).wait <= 60
    query = "select * from sluice_internal._rate_take('gone', 'p1', %s::jsonb, 1, 1, false, %s, 0, null, 'unknown')"
    assert one.one(query, json.dumps([LIMIT]), uuid.uuid4()).granted == 0


def test_what_was_not_used_comes_back(one: Session, sync: Callable[..., str]) -> None:
    sync(allowed_requests=6000, interval=60)
    grant = take(one, wanted=100)
    take(one, unused=99, unused_from=grant.drawn_at)
    assert one.value("select sum(a) from sluice_internal.rate_windows, unnest(amounts) as a") == 2
    # A poller that died gave nothing back: what it drew counts as sent.
    take(one, wanted=100, poller="p2")
    assert one.value("select sum(a) from sluice_internal.rate_windows, unnest(amounts) as a") == 102


def test_a_credentials_budget_is_shared_by_its_syncs(one: Session, sync: Callable[..., str]) -> None:
    sync("a")
    sync("b")
    assert count(one, sync_id="a", limits=[LIMIT]) == 4
    assert take(one, "b", limits=[LIMIT]).granted == 0
    assert take(one, "b", limits=[LIMIT], writes=True).granted == 1
    assert take(one, "b", limits=[LIMIT], writes=True).granted == 0


def test_a_request_draws_its_cost(one: Session, sync: Callable[..., str]) -> None:
    sync(allowed_requests=100, interval=600)
    points = [{"name": "points", "allowed": 1000, "seconds": 600}]
    # A tenth, but one request of that cost at least, is for writes.
    assert count(one, limits=points, cost=300) == 2
    assert count(one, limits=points, cost=300, writes=True) == 1
    # One that costs more than there is goes alone.
    assert count(one, limits=[{"name": "few", "allowed": 10, "seconds": 600}], cost=50) == 1


def test_the_row_stays_small(one: Session, sync: Callable[..., str]) -> None:
    sync(allowed_requests=1_000_000, interval=1)
    for _ in range(300):
        take(one)
    assert one.value("select max(cardinality(ends)) from sluice_internal.rate_windows") < 80


def test_places_are_held_until_they_are_given_back(one: Session, sync: Callable[..., str]) -> None:
    sync(max_concurrent_requests=2)
    first, second = uuid.uuid4(), uuid.uuid4()
    assert take(one, hold=first, wanted=50)[0::3] == (1, True)
    assert take(one, hold=second, poller="p2", writes=True)[0::3] == (1, True)
    assert take(one).granted == 0
    one.rows("select sluice_internal._rate_release(%s)", first)
    assert take(one).granted == 1
    assert take(one).granted == 0


def test_places_of_a_dead_poller_are_free(one: Session, sync: Callable[..., str]) -> None:
    sync(max_concurrent_requests=1)
    assert take(one).granted == 1
    assert take(one, poller="p2").granted == 0
    one.rows("update sluice_internal.pollers set heartbeat_at = heartbeat_at - interval '11 s' where poller_id = 'p1'")
    assert take(one, poller="p2").granted == 1
    one.rows("select sluice_internal._poller_stop('p2')")
    one.rows("select sluice_internal._poller_heartbeat('p1', 'host', 1)")
    assert take(one).granted == 1


def test_reads_stand_back_for_a_write_that_waits(one: Session, sync: Callable[..., str]) -> None:
    sync(max_concurrent_requests=1)
    hold = uuid.uuid4()
    assert take(one, hold=hold).granted == 1
    assert take(one, writes=True).granted == 0
    one.rows("select sluice_internal._rate_release(%s)", hold)
    one.begin()  # the write asks again within a second
    one.rows("update sluice_internal.rate_windows set writes_wait_until = clock_timestamp() + interval '1 minute'")
    assert take(one).granted == 0
    assert take(one, writes=True).granted == 1
    one.commit()


def signal(one: Session, sync_id: str, **said: float) -> None:
    values = [said.get(name) for name in ("wait", "remaining", "resets_in", "restore_rate")]
    one.rows("select sluice_internal._rate_signal(%s, %s, %s, %s, %s)", sync_id, *values)


def test_a_vendors_pause_is_for_all_syncs_of_the_credential(one: Session, sync: Callable[..., str]) -> None:
    sync("a")
    sync("b")
    one.rows("select sync_create('s', 'stripe', 'c', collection_ids => '{stripe:customer}', credential_id => %s)", other(one))
    signal(one, "a", wait=100)
    signal(one, "a", wait=1)
    refused = take(one, "b", writes=True)
    assert (refused.granted, 90 < refused.wait <= 100) == (0, True)
    assert take(one, "c").granted == 1
    signal(one, "a", wait=1e9)
    assert 3000 < take(one, "b").wait <= 3600


def other(one: Session) -> str:
    one.rows("select sluice_internal._credential_put('other', 'stripe', 'api_key', null, '\\xc0ffee', 1, null, '{}')")
    return "other"


def test_what_remains_is_shared_and_the_last_is_a_writes(one: Session, sync: Callable[..., str]) -> None:
    sync("a")
    sync("b")
    signal(one, "a", remaining=3, resets_in=300)
    assert take(one, "a").granted == 1
    # The reply to an earlier request knows of less that was drawn.
    signal(one, "a", remaining=3, resets_in=300)
    assert take(one, "b").granted == 1
    refused = take(one, "b")
    assert (refused.granted, 290 < refused.wait <= 300) == (0, True)
    assert take(one, "b", writes=True).granted == 1
    assert take(one, "b", writes=True).granted == 0
    one.rows("update sluice_internal.rate_signals set resets_at = clock_timestamp()")
    assert take(one, "b").granted == 1


def test_a_budget_that_refills_is_waited_for(one: Session, sync: Callable[..., str]) -> None:
    sync("a")
    signal(one, "a", remaining=60, restore_rate=0.5)
    assert take(one, "a", cost=50).granted == 1
    refused = take(one, "a", cost=50)
    assert (refused.granted, 60 < refused.wait <= 84) == (0, True)


def test_windows_go_with_their_sync_and_their_credential(one: Session, sync: Callable[..., str]) -> None:
    sync(allowed_requests=100, interval=600, max_concurrent_requests=3)
    take(one, limits=[LIMIT])
    signal(one, "y", wait=1)
    one.rows("delete from sluice_internal.syncs")
    one.rows("select credential_delete('k')")
    for table in ("rate_windows", "rate_holds", "rate_signals"):
        assert one.rows(f"select * from sluice_internal.{table}") == []


def test_two_pollers_at_once_do_not_draw_the_same(world: World, one: Session, sync: Callable[..., str]) -> None:
    sync(allowed_requests=2, interval=600)
    first, second = world.sessions(2)
    first.begin()
    assert take(first).granted == 1
    waiting = second.start(lambda: take(second, poller="p2"))
    world.look.await_blocked(second, by=first)
    first.commit()
    assert waiting.result(10).granted == 0
