"""What `_mutation_claim` finds, and what it costs, where many writes wait that may not be sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from isolation.sessions import Session, World
from sql.test_mutations import claim, complete, made, one, run

__all__ = ["made", "one"]
LIMIT = {"allowed_requests": 0, "interval": 0, "max_concurrent_requests": 2}


def backlog(one: Session, sync_id: str, items: int) -> None:
    """So many writes to as many objects, of which none is sent yet."""
    mutation = run(one, "create", {}, sync_id=sync_id)
    one.rows(
        "insert into sluice_internal.mutation_items (mutation_no, item_no, sync_id, collection_id, data, next_attempt_at)"
        " select i.mutation_no, g.n, i.sync_id, i.collection_id, i.data, i.next_attempt_at"
        " from sluice_internal.mutation_items as i inner join sluice_internal.mutations as m using (mutation_no), generate_series(2, %s) as g (n)"
        " where m.mutation_id = %s",
        items, mutation.mutation_id,
    )  # fmt: skip


def limited(one: Session) -> None:
    one.rows("select sync_update('y', rate_limit => %s::jsonb)", json.dumps(LIMIT))
    run(one, "create", {}, {}, sync_id="y")
    assert len(claim(one, "other")) == 2


def paused(one: Session) -> None:
    one.rows("select sync_pause('y')")


@pytest.mark.parametrize(
    ("hold_up", "busy"),
    [
        pytest.param(lambda one: None, ["y"], id="enough of it under way"),
        pytest.param(paused, None, id="paused"),
        pytest.param(limited, None, id="no more at once"),
    ],
)
def test_what_may_not_be_sent_is_not_walked_through_for_what_may(one: Session, hold_up: Callable[[Session], None], busy: Any) -> None:
    """20,000 waiting writes of one sync; plans were made when there were none."""
    assert claim(one) == []
    hold_up(one)
    backlog(one, "y", 20_000)
    run(one, "create", {"name": "quick"}, sync_id="z")
    one.rows("select sluice_internal._poller_heartbeat('p', 'h', 1)")
    call = "select * from sluice_internal._mutation_claim('p', 4, busy_sync_ids => %s)"
    one.begin()
    assert [item.sync_id for item in one.rows(call, busy)] == ["z"]
    looked_at = one.value(
        "select pg_stat_get_xact_tuples_fetched(c.oid) + pg_stat_get_xact_tuples_returned(c.oid)"
        " from pg_class as c where c.oid = 'sluice_internal.mutation_items'::regclass"
    )
    one.commit()
    assert 1 <= looked_at < 1000, "of 20,000"
    assert one.rows(call, busy) == []


def test_many_writes_to_one_object_hold_up_nothing_else(one: Session) -> None:
    """The first of 20,000 is sent, and so is what comes behind them all; the others are not looked at one by one."""
    backlog(one, "y", 20_000)
    one.rows("update sluice_internal.mutation_items set upstream_id = 'cus_1'")
    run(one, "update", {"upstream_id": "cus_2", "data": {}}, {"upstream_id": "cus_2", "data": {}})
    run(one, "create", {}, {})
    one.rows("select sluice_internal._poller_heartbeat('p', 'h', 1)")
    one.rows("set track_functions = 'all'")
    found = []
    for _ in range(2):
        one.begin()
        items = one.rows("select * from sluice_internal._mutation_claim('p', 100)")
        calls = one.value("select coalesce(sum(f.calls), 0) from pg_stat_xact_user_functions as f where f.funcname = '_mutation_behind'")
        one.commit()
        assert 1 <= calls < 300
        found.append([(item.upstream_id, item.item_no) for item in items])
    assert found == [[("cus_1", 1), ("cus_2", 1), (None, 1), (None, 2)], []]


def test_one_request_looks_for_more_of_its_kind_among_the_next_thousand(one: Session) -> None:
    query = "select * from sluice_internal._mutation_claim('p', 10, 'y', 'stripe:customer', 'update')"
    one.rows("select sluice_internal._poller_heartbeat('p', 'h', 1)")
    backlog(one, "y", 998)
    run(one, "update", *({"upstream_id": f"cus_{number}", "data": {}} for number in range(5)))
    assert [item.upstream_id for item in one.rows(query)] == ["cus_0", "cus_1"]


def test_a_dead_pollers_batch_is_taken_over_however_few_requests_the_sync_allows(one: Session) -> None:
    """The items of one request count as one at the vendor."""
    one.rows("select sync_update('y', rate_limit => %s::jsonb)", json.dumps(LIMIT))
    run(one, "create", *({} for _ in range(6)))
    first = claim(one, "dying", 1)
    query = "select * from sluice_internal._mutation_claim(%s, 5, 'y', 'stripe:customer', 'create')"
    assert len(first + one.rows(query, "dying")) == 6
    run(one, "update", {"upstream_id": "cus_9", "data": {}})
    one.rows("update sluice_internal.pollers set heartbeat_at = clock_timestamp() - interval '11 s' where poller_id = 'dying'")
    items = claim(one, most=1) + one.rows(query, "p")
    assert [item.attempt for item in items] == [2] * 6, "in one request again"
    for number, item in enumerate(items):
        assert complete(one, item, upstream_id=f"cus_{number}")
    assert [item.attempt for item in claim(one)] == [1]


def test_the_oldest_come_first_whosever_they_are(one: Session) -> None:
    for number in range(3):
        run(one, "create", {"n": number}, sync_id="z" if number == 1 else "y")
    assert [item.data["n"] for item in (*claim(one, most=1), *claim(one, most=2))] == [0, 1, 2]


def test_many_syncs_behind_one_are_all_found(one: Session) -> None:
    names = [f"y{number:02}" for number in range(30)]
    for name in names:
        one.rows("select sync_create('s', 'stripe', %s, collection_ids => '{stripe:customer}', credential_id => 'k')", name)
    backlog(one, "y", 150)
    for name in names:
        run(one, "create", {}, {}, sync_id=name)
    one.rows("select sluice_internal._poller_heartbeat('p', 'h', 1)")
    call = "select * from sluice_internal._mutation_claim('p', %s, busy_sync_ids => '{y}')"
    found = [item.sync_id for size in (7, 13, 100) for item in one.rows(call, size)]
    assert found == sorted([*names, *names])


def test_what_is_taken_back_meanwhile_is_not_sent(made: World) -> None:
    one, other = made.sessions(2)
    mutation = run(one, "create", {}, {})
    other.begin()
    other.rows("select * from mutation_cancel(%s)", mutation.mutation_id)
    assert claim(one) == []
    other.commit()
    assert claim(one) == []
