"""`mutation_run`, `_result`, `_cancel`, `_resolve`, and what the pollers' workers call. The vendor is not there: the test says what it did."""

from __future__ import annotations

import json
import select
from typing import Any

import pytest
from isolation.sessions import Session, World, refused, until
from sql.test_sync_delete import tidy


@pytest.fixture
def made(world: World) -> World:
    one = world.look
    one.rows("select stream_create('s')")
    one.rows("select sluice_internal._credential_put('k', 'stripe', 'stripe_key', 'shown', '\\xc0ffee', 1, null, '{}')")
    for sync_id in ("y", "z"):
        one.rows("select sync_create('s', 'stripe', %s, collection_ids => '{stripe:customer,stripe:price}', credential_id => 'k')", sync_id)
    one.rows("select sync_create('s', 'push', 'pushed')")
    return world


@pytest.fixture
def one(made: World) -> Session:
    return made.look


def run(
    session: Session, kind: str, *items: Any, sync_id: str = "y", collection_id: str = "stripe:customer", key: str | None = None
) -> Any:
    call = "select * from mutation_run(%s, %s, %s, %s::jsonb, idempotency_key => %s)"
    return session.one(call, kind, sync_id, collection_id, json.dumps(items), key)


def claim(session: Session, poller: str = "p", most: int = 100) -> list[Any]:
    session.rows("select sluice_internal._poller_heartbeat(%s, 'h', 1)", poller)
    return session.rows("select * from sluice_internal._mutation_claim(%s, %s)", poller, most)


def complete(  # noqa: PLR0917
    session: Session, item: Any, status: str = "succeeded", upstream_id: str | None = None, error: Any = None, poller: str = "p"
) -> bool:
    records = [{"upstream_id": upstream_id, "data": {"id": upstream_id}}] if upstream_id and status == "succeeded" else []
    return bool(
        session.value(
            "select sluice_internal._mutation_complete(%s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s::jsonb)",
            item.mutation_no, item.item_no, poller, item.epoch, status, upstream_id, json.dumps(records), item.clock,
            None if error is None else json.dumps(error),
        )
    )  # fmt: skip


def results(session: Session, mutation_id: str) -> list[tuple[str, str | None]]:
    return [(item.status, item.upstream_id) for item in session.rows("select * from mutation_result(%s)", mutation_id)]


def test_from_the_call_to_the_result(one: Session) -> None:
    mutation = run(one, "create", {"name": "Paul"}, {"name": "Jessica"})
    assert (mutation.status, mutation.items, mutation.stream_id, mutation.finished_at) == ("queued", 2, "s", None)
    first, second = claim(one)
    assert (first.kind, first.data, first.attempt, first.credential_id) == ("create", {"name": "Paul"}, 1, "k")
    assert first.vendor_key != second.vendor_key
    assert one.value("select status from mutations") == "running"
    assert complete(one, first, upstream_id="cus_1")
    assert complete(one, second, "failed", error={"code": "SL203", "message": "no"})
    assert results(one, mutation.mutation_id) == [("succeeded", "cus_1"), ("failed", None)]
    done = one.one("select * from mutations")
    assert (done.status, done.succeeded, done.failed, done.finished_at is not None) == ("partial", 1, 1, True)
    assert one.records()["cus_1"].data == {"id": "cus_1"}


@pytest.mark.parametrize("busy", ["syncs", "providers"])
def test_whoever_has_had_enough_is_left_for_later_and_nobody_waits_behind_it(one: Session, busy: str) -> None:
    one.rows("select sluice_internal._credential_put('h', 'hubspot', 'hubspot_key', 'shown', '\\xc0ffee', 1, null, '{}')")
    one.rows("select sync_create('s', 'hubspot', 'other', collection_ids => '{hubspot:contact}', credential_id => 'h')")
    run(one, "create", *({"name": f"c{number}"} for number in range(5)))
    run(one, "create", {"properties": {}}, sync_id="other", collection_id="hubspot:contact")
    one.rows("select sluice_internal._poller_heartbeat('p', 'h', 1)")
    query = "select * from sluice_internal._mutation_claim('p', 3, busy_sync_ids => %s, busy_providers => %s)"
    only, rest = (["y"], None) if busy == "syncs" else (None, ["stripe"]), (["other"], ["hubspot"])
    assert [item.sync_id for item in one.rows(query, *only)] == ["other"]
    assert one.rows(query, *only) == []
    assert [item.sync_id for item in one.rows(query, *rest)] == ["y", "y", "y"]
    assert [item.sync_id for item in one.rows(query, None, None)] == ["y", "y"]


@pytest.mark.parametrize(
    ("outcomes", "status"),
    [
        (["succeeded"], "succeeded"),
        (["failed", "failed"], "failed"),
        (["succeeded", "unknown"], "unknown"),
        (["failed", "unknown"], "unknown"),
    ],
)
def test_the_status_of_the_whole(one: Session, outcomes: list[str], status: str) -> None:
    run(one, "create", *({} for _ in outcomes))
    for item, outcome in zip(claim(one), outcomes, strict=True):
        complete(one, item, outcome, error=None if outcome == "succeeded" else {"code": "x"})
    assert one.value("select status from mutations") == status


def test_it_is_part_of_the_callers_transaction(made: World) -> None:
    one, other = made.sessions(2)
    one.begin()
    run(one, "create", {})
    assert claim(other) == []
    one.rollback()
    assert other.rows("select * from mutations") == []
    one.begin()
    run(one, "create", {})
    one.commit()
    assert len(claim(other)) == 1


def test_pollers_are_told_at_the_commit(made: World) -> None:
    one, other = made.sessions(2)
    other.rows("listen sluice_mutations")
    one.begin()
    run(one, "create", {}, {})
    assert list(other.conn.notifies(timeout=0)) == []
    one.commit()
    assert select.select([other.conn], [], [], 10)[0]
    assert [n.channel for n in other.conn.notifies(timeout=1, stop_after=1)] == ["sluice_mutations"]


def test_whoever_waits_is_told_at_the_end(made: World) -> None:
    one, other = made.sessions(2)
    other.rows("listen sluice_mutation_done")
    mutation = run(one, "create", {}, {})
    first, second = claim(one)
    complete(one, first, upstream_id="cus_1")
    assert list(other.conn.notifies(timeout=0)) == []
    complete(one, second, "failed", error={})
    assert [n.payload for n in other.conn.notifies(timeout=10, stop_after=1)] == [mutation.mutation_id]


def test_writes_to_one_object_go_in_order(one: Session) -> None:
    first = run(
        one,
        "update",
        {"upstream_id": "a", "data": {"n": 1}},
        {"upstream_id": "b", "data": {"n": 1}},
        {"upstream_id": "a", "data": {"n": 2}},
    )
    run(one, "delete", {"upstream_id": "a"})
    run(one, "delete", {"upstream_id": "a"}, sync_id="z")
    taken = claim(one)
    assert [(item.sync_id, item.upstream_id, item.item_no) for item in taken] == [("y", "a", 1), ("y", "b", 2), ("z", "a", 1)]
    complete(one, taken[0], upstream_id="a")
    (third,) = claim(one)
    assert (third.kind, third.data) == ("update", {"n": 2})
    complete(one, third, "unknown", error={"code": "x"})
    assert claim(one) == [], "what may or may not have been done holds up the next write to the object"
    one.rows("select mutation_resolve(%s, 3, 'succeeded')", first.mutation_id)
    assert [item.kind for item in claim(one)] == ["delete"]


def test_a_stream_can_go_whose_sync_went_before_while_a_write_was_asked_for(made: World) -> None:
    one, other = made.sessions(2)
    other.rows("select stream_create('t')")
    one.begin()
    mutation = run(one, "create", {"name": "Paul"})
    for call in ("sync_move('y', 't')", "sync_delete('z')", "sync_delete('pushed')"):
        other.rows(f"select {call}")
    for sync_id in ("y", "z", "pushed"):
        assert tidy(other, sync_id) is None
    one.commit()
    other.rows("select stream_delete('s')")
    assert other.value("select stream_id from mutations where mutation_id = %s", mutation.mutation_id) == "t"
    assert kinds(claim(other)) == ["create"]


def kinds(items: list[Any]) -> list[str]:
    return [item.kind for item in items]


def test_a_write_that_commits_late_waits_for_the_one_under_way(made: World) -> None:
    one, other = made.sessions(2)
    one.begin()
    run(one, "update", {"upstream_id": "a", "data": {}})
    run(other, "delete", {"upstream_id": "a"})
    (taken,) = claim(other)
    one.commit()
    assert claim(other) == []
    complete(other, taken)
    assert kinds(claim(other)) == ["update"]


def test_a_write_that_commits_while_another_is_being_claimed(made: World) -> None:
    one, other, claiming = made.sessions(3)
    one.begin()
    run(one, "update", {"upstream_id": "a", "data": {}})
    run(other, "delete", {"upstream_id": "a"})
    claiming.begin()
    assert kinds(claim(claiming)) == ["delete"]
    one.commit()
    second = other.start(lambda: claim(other, "q"))
    until(lambda: second.done() or claiming.blockers(other), "the second claim answers, or waits")
    claiming.commit()
    assert second.result() == []


def test_a_late_write_does_not_keep_a_dead_pollers_one_from_being_taken_over(made: World) -> None:
    one, other = made.sessions(2)
    one.begin()
    run(one, "update", {"upstream_id": "a", "data": {}})
    run(other, "delete", {"upstream_id": "a"})
    assert kinds(claim(other, "dying")) == ["delete"]
    one.commit()
    other.rows("update sluice_internal.pollers set heartbeat_at = clock_timestamp() - interval '11 s' where poller_id = 'dying'")
    (taken,) = claim(other)
    assert taken.kind == "delete"
    assert claim(other) == []
    complete(other, taken)
    assert kinds(claim(other)) == ["update"]


def test_a_key_makes_a_repetition_harmless(made: World) -> None:
    one, other = made.sessions(2)
    mutation = run(one, "create", {"a": 1, "b": 2}, key="k1")
    assert run(other, "create", {"b": 2, "a": 1}, key="k1").mutation_id == mutation.mutation_id
    assert one.value("select count(*) from mutation_items") == 1
    with refused("SL112", "k1"):
        run(one, "create", {"a": 2}, key="k1")
    assert run(one, "create", {"a": 2}, sync_id="z", key="k1").mutation_id != mutation.mutation_id


def test_two_at_once_with_one_key_make_one(made: World) -> None:
    one, other = made.sessions(2)
    one.begin()
    mutation = run(one, "create", {}, key="k1")
    waiting = other.start(lambda: run(other, "create", {}, key="k1"))
    made.look.await_blocked(other, by=one)
    one.commit()
    assert waiting.result(10).mutation_id == mutation.mutation_id


def test_a_key_is_kept_for_30_days(one: Session) -> None:
    run(one, "create", {}, key="k1")
    (item,) = claim(one)
    complete(one, item, upstream_id="cus_1")
    one.rows("update sluice_internal.mutations set finished_at = clock_timestamp() - interval '29 days'")
    assert run(one, "create", {}, key="k1").status == "succeeded"
    one.rows("update sluice_internal.mutations set finished_at = clock_timestamp() - interval '31 days'")
    assert run(one, "create", {}, key="k1").status == "queued"


def test_what_a_dead_poller_was_sending_is_taken_over(one: Session) -> None:
    run(one, "create", {"name": "Paul"})
    (held,) = claim(one, "dying")
    assert claim(one) == []
    one.rows("update sluice_internal.pollers set heartbeat_at = clock_timestamp() - interval '11 s' where poller_id = 'dying'")
    (item,) = claim(one)
    assert (item.vendor_key, item.attempt, item.first_sent_at) == (held.vendor_key, 2, held.first_sent_at)
    assert not complete(one, held, upstream_id="cus_0", poller="dying")
    assert complete(one, item, upstream_id="cus_1")
    assert results(one, one.value("select mutation_id from mutations")) == [("succeeded", "cus_1")]
    assert set(one.records()) == {"cus_1"}


def test_later_again(one: Session) -> None:
    retry = "select sluice_internal._mutation_retry(%s, %s, 'p', %s, interval '1 hour', %s, '{\"code\": \"SL206\"}')"
    run(one, "create", {}, {})
    unsent, sent = claim(one)
    assert one.value(retry, unsent.mutation_no, unsent.item_no, unsent.epoch, False)
    assert one.value(retry, sent.mutation_no, sent.item_no, sent.epoch, True)
    assert not one.value(retry, sent.mutation_no, sent.item_no, sent.epoch, True)
    assert claim(one) == []
    one.rows("update sluice_internal.mutation_items set next_attempt_at = clock_timestamp()")
    again = {item.item_no: item for item in claim(one)}
    assert again[1].first_sent_at > unsent.first_sent_at
    assert again[2].first_sent_at == sent.first_sent_at


def test_cancel(one: Session) -> None:
    mutation = run(one, "create", {}, {}, {})
    (taken,) = claim(one, most=1)
    assert one.one("select * from mutation_cancel(%s)", mutation.mutation_id).cancelled == 2
    complete(one, taken, upstream_id="cus_1")
    assert [status for status, _ in results(one, mutation.mutation_id)] == ["succeeded", "cancelled", "cancelled"]
    assert one.value("select status from mutations") == "partial"
    with refused("SL108", "nothing"):
        one.rows("select mutation_cancel('nothing')")


def test_resolve(one: Session) -> None:
    mutation = run(one, "create", {}, {}, {})
    items = claim(one)
    for item in items:
        complete(one, item, "unknown", error={"code": "x"})
    resolve = "select status from mutation_resolve(%s, %s, %s)"
    assert one.value(resolve, mutation.mutation_id, 1, "succeeded") == "unknown"
    one.value(resolve, mutation.mutation_id, 2, "failed")
    assert one.value(resolve, mutation.mutation_id, 3, "queued") == "running"
    (again,) = claim(one)
    assert again.vendor_key != items[2].vendor_key
    for item_no, status in ((1, "failed"), (4, "failed"), (2, "sent")):
        with refused("SL001"):
            one.value(resolve, mutation.mutation_id, item_no, status)


BAD = [
    ("SL001", "kind", ("make", "y", "stripe:customer", "[{}]")),
    ("SL004", "upsert", ("upsert", "y", "stripe:customer", "[{}]")),
    ("SL004", "delete", ("delete", "y", "stripe:price", '[{"upstream_id": "a"}]')),
    ("SL102", "nothing", ("create", "nothing", "stripe:customer", "[{}]")),
    ("SL106", "stripe:plan", ("create", "y", "stripe:plan", "[{}]")),
    ("SL106", "null", ("create", "y", None, "[{}]")),
    ("SL004", "push", ("create", "pushed", "push:x", "[{}]")),
    ("SL001", "data", ("create", "y", "stripe:customer", "[]")),
    ("SL001", "data", ("create", "y", "stripe:customer", "{}")),
    ("SL001", "data", ("create", "y", "stripe:customer", None)),
    ("SL001", "data[1]", ("create", "y", "stripe:customer", "[{}, 1]")),
    ("SL001", "data[0]", ("update", "y", "stripe:customer", '[{"data": {}}]')),
    ("SL001", "data[0]", ("update", "y", "stripe:customer", '[{"upstream_id": "a"}]')),
    ("SL001", "data[0]", ("update", "y", "stripe:customer", '[{"upstream_id": "a", "data": {}, "more": 1}]')),
    ("SL001", "data[0]", ("delete", "y", "stripe:customer", '[{"upstream_id": ""}]')),
    ("SL001", "data[0]", ("delete", "y", "stripe:customer", '[{"upstream_id": "a", "data": {}}]')),
]


def test_bad_input(one: Session, subtests: pytest.Subtests) -> None:
    for code, culprit, arguments in BAD:
        with subtests.test(arguments=arguments):
            with refused(code, culprit):
                one.rows("select mutation_run(%s, %s, %s, %s::jsonb)", *arguments)
            assert one.rows("select * from mutations") == []


def test_too_many_items(one: Session) -> None:
    run(one, "create", *({} for _ in range(1000)))
    with refused("SL001", "1000"):
        run(one, "create", *({} for _ in range(1001)))


def test_a_paused_sync_keeps_its_mutations(one: Session) -> None:
    run(one, "create", {})
    one.rows("select sync_pause('y')")
    assert claim(one) == []
    one.rows("select sync_resume('y')")
    assert len(claim(one)) == 1


def test_no_more_at_once_than_the_sync_allows(one: Session) -> None:
    limit = '{"allowed_requests": 0, "interval": 0, "max_concurrent_requests": 2}'
    one.rows(
        "select sync_create('s', 'stripe', 'few', collection_ids => '{stripe:customer}', credential_id => 'k', rate_limit => %s::jsonb)",
        limit,
    )
    run(one, "create", {}, {}, {}, sync_id="few")
    first, _second = claim(one)
    assert claim(one) == []
    complete(one, first, upstream_id="cus_1")
    assert [item.item_no for item in claim(one)] == [3]


NO_LIMITS = ['"fast"', "[]", '{"allowed_requests": "100"}', '{"allowed_requests": -1}', '{"allowed_requests": 1.5, "interval": 1}', '{"requests": 1}',
             '{"allowed_requests": 100}', '{"allowed_requests": 100, "interval": 0}', '{"max_concurrent_requests": null}']  # fmt: skip


def test_limits_that_are_none(one: Session, subtests: pytest.Subtests) -> None:
    for limit in NO_LIMITS:
        with subtests.test(limit=limit), refused("SL001", "rate_limit"):
            one.rows("select sync_create('s', 'push', rate_limit => %s::jsonb)", limit)
