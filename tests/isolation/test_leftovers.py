"""Deleting a consumer while others use it leaves no row behind, and no worker hanging."""

from __future__ import annotations

import psycopg
import pytest
from isolation.sessions import World

ORPHANS = """
    select count(*) from (
        select consumer_no from sluice_internal.consumer_steps
        union all select consumer_no from sluice_internal.consumer_settlements
        union all select consumer_no from sluice_internal.dead_letters
    ) as x where consumer_no not in (select consumer_no from sluice_internal.consumers)
"""


@pytest.mark.parametrize("act", ["next", "ack", "nack", "nack last", "redeliver"])
@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_a_consumer_deleted_while_a_worker_is_in_a_transaction(world: World, act: str, end: str) -> None:
    one = world.set_up(lanes=1, max_deliver=1 if act == "nack last" else -1)
    one.push("a", "b", "c")
    held = one.next(2)
    if act == "redeliver":
        one.age()
    worker, remover = world.sessions(2)
    worker.begin()
    {
        "next": worker.next,
        "redeliver": worker.next,
        "ack": lambda: worker.ack(held),
        "nack": lambda: worker.nack(held[:1]),
        "nack last": lambda: worker.nack(held[:1]),
    }[act]()
    removal = remover.start(lambda: remover.rows("select consumer_delete('c')"))
    world.look.value("select 1")  # the removal waits for the worker or it does not: both are fine
    getattr(worker, end)()
    removal.result(20)
    assert one.rows("select * from consumers") == []
    assert one.value(ORPHANS) == 0
    with pytest.raises(psycopg.Error) as caught:
        worker.next()
    assert caught.value.sqlstate == "SL103"


def test_a_worker_that_comes_while_the_consumer_is_being_deleted(world: World) -> None:
    one = world.set_up(lanes=1)
    one.push("a", "b")
    held = one.next(1)
    remover, taker, acker = world.sessions(3)
    remover.begin().rows("select consumer_delete('c')")
    taking, acking = taker.start(taker.next), acker.start(lambda: acker.ack(held))
    remover.commit()
    for waiting in (taking, acking):
        try:
            waiting.result(20)
        except psycopg.Error as exc:
            assert exc.sqlstate == "SL103", exc  # noqa: PT017
    assert one.value(ORPHANS) == 0


def test_a_deletion_that_is_rolled_back(world: World) -> None:
    one = world.set_up(lanes=1)
    one.push("a", "b")
    held = one.next(1)
    remover = world.session()
    remover.begin().rows("select consumer_delete('c')")
    remover.rollback()
    assert one.ack(held, strict=True) == (1, [])
    assert len(one.next()) == 1
