"""`record_erase`: nothing is left of an object but a digest, and it does not come back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from isolation.sessions import Session, World, obj, refused


def erase(one: Session, name: str = "a") -> tuple[int, int, int]:
    return tuple(one.one("select * from record_erase('y', 'push:o', %s)", name))


def test_record_erase(world: World) -> None:
    one = world.set_up()
    one.push("a", "b", data={"secret": "Anna"})
    one.term([m for m in one.next() if m.upstream_id == "a"])
    one.rows("""
        insert into sluice_internal.quarantine (sync_id, collection_id, upstream_id, raw, reason) values ('y', 'push:o', 'a', 'Anna', 'why')
    """)
    assert erase(one) == (1, 1, 0)
    assert list(one.records()) == ["b"]
    assert one.rows("select * from quarantine") == []
    assert one.dead() == {}
    assert one.value("select erasures from syncs") == 1
    assert one.value("select records from collections where sync_id = 'y'") == 1
    one.age()
    assert one.ids() == ["b"]


def test_what_was_erased_does_not_come_back(world: World) -> None:
    one = world.set_up()
    one.push("a")
    erase(one)
    assert one.ingest(obj("a"), obj("b"), obj("a", {"n": 2})) == (1, 0, 0, 2)
    assert list(one.records()) == ["b"]
    assert one.value("select refused from sluice_internal.erasures") == 1
    assert one.ids() == ["b"]
    assert erase(one) == (0, 0, 0)
    assert one.ingest(obj("a")) == (0, 0, 0, 1)
    assert one.ingest(obj("a"), collection="push:other") == (1, 0, 0, 0)


def test_an_object_that_was_never_seen_can_be_kept_out(world: World) -> None:
    one = world.set_up()
    assert erase(one, "never") == (0, 0, 0)
    assert one.ingest(obj("never")) == (0, 0, 0, 1)
    assert one.drain() == []
    with refused("SL001"):
        one.rows("select record_erase('y', 'push:o', '')")


def test_only_a_keyed_digest_is_left(world: World) -> None:
    one = world.set_up()
    one.push("anna@example.com", data={"name": "Anna"})
    erase(one, "anna@example.com")
    one.rows("checkpoint")
    for (table,) in one.rows("""
        select oid::regclass::text from pg_class
        where relkind = 'r' and relnamespace::regnamespace::text in ('sluice', 'sluice_internal')
    """):
        assert one.rows(f"select t::text from {table} as t where t::text ilike '%%anna%%'") == [], table
    digest = one.value("select digest from sluice_internal.erasures")
    for guess in ("anna@example.com", json.dumps(["y", "push:o", "anna@example.com"])):
        assert one.value("select sha256(convert_to(%s, 'UTF8')) <> %s", guess, digest)
    assert one.value("select count(*) from sluice_internal.erasure_key") == 1


def test_mutations_of_the_object_are_wiped(world: World) -> None:
    one = world.look
    one.rows("select stream_create('s')")
    one.rows("select sluice_internal._credential_put('k', 'stripe', 'api_key', 'shown', '\\xc0ffee', 1, null, '{}')")
    one.rows("select sync_create('s', 'stripe', 'y', null, array['stripe:customer'], 'k')")
    one.rows("""
        select mutation_run('update', 'y', 'stripe:customer',
            '[{"upstream_id": "cus_anna", "data": {"name": "Anna"}}, {"upstream_id": "cus_2", "data": {"name": "Bert"}}]')
    """)
    assert tuple(one.one("select * from record_erase('y', 'stripe:customer', 'cus_anna')")) == (0, 0, 1)
    assert one.rows("select item_no, upstream_id, status, data from mutation_items order by 1") == [
        (1, None, "cancelled", None),
        (2, "cus_2", "queued", {"name": "Bert"}),
    ]


def polled(world: World) -> tuple[Session, Any]:
    """A sync of customers, under the lease of poller p1."""
    one = world.look
    one.rows("select stream_create('s')")
    one.rows("select sluice_internal._credential_put('k', 'stripe', 'api_key', 'shown', '\\xc0ffee', 1, 'http://x', '{}')")
    one.rows("select sync_create('s', 'stripe', 'y', null, array['stripe:customer'], 'k')")
    one.rows("select sluice_internal._poller_heartbeat('p1', 'host', 1)")
    (held,) = one.rows("select * from sluice_internal._sync_claim('p1', 1)")
    return one, held


@pytest.mark.parametrize("known_by", ["name", "id"])
def test_a_write_that_ends_after_the_erasure_leaves_nothing(world: World, known_by: str) -> None:
    """Of a create nobody knows the id before the vendor answers; an update may be asked for later, by whoever does not know."""
    one, _ = polled(world)
    if known_by == "id":
        one.rows("select record_erase('y', 'stripe:customer', 'cus_anna')")
        one.rows("""select mutation_run('update', 'y', 'stripe:customer', '[{"upstream_id": "cus_anna", "data": {"name": "Anna"}}]')""")
    else:
        one.rows("""select mutation_run('create', 'y', 'stripe:customer', '[{"name": "Anna"}, {"name": "Bert"}]')""")
    items = one.rows("select * from sluice_internal._mutation_claim('p1', 9)")
    if known_by == "name":
        one.rows("select record_erase('y', 'stripe:customer', 'cus_anna')")
    for item, name in zip(items, ("cus_anna", "cus_bert"), strict=False):
        records = [{"upstream_id": name, "data": {"id": name}}]
        assert one.value(
            "select sluice_internal._mutation_complete(%s, %s, 'p1', %s, 'succeeded', %s, %s::jsonb, now(), null)",
            item.mutation_no, item.item_no, item.epoch, name, json.dumps(records),
        )  # fmt: skip
    left = [(1, "succeeded", None, None, None)]
    if known_by == "name":
        left += [(2, "succeeded", "cus_bert", {"name": "Bert"}, None)]
    assert one.rows("select item_no, status, upstream_id, data, error from mutation_items order by 1") == left
    assert "cus_anna" not in one.records()
    assert one.value("select finished_at is not null from mutations")


def test_what_was_erased_does_not_come_into_quarantine(world: World) -> None:
    one, held = polled(world)
    one.rows("select record_erase('y', 'stripe:customer', 'a')")
    bad = [{"collection_id": "stripe:customer", "upstream_id": i, "raw": "QW5uYQ==", "reason": "a NUL"} for i in ("a", "b", None)]
    one.rows(
        "select * from sluice_internal._page_commit(sync_id => 'y', poller_id => 'p1', epoch => %s, feed => 'stripe:customer', cursor => null,"
        " done => true, records => '[]', quarantine => %s::jsonb, read_from => now())",
        held.epoch, json.dumps(bad),
    )  # fmt: skip
    one.rows("select * from sluice_internal._wanted_commit('y', 'p1', %s, '[]', %s::jsonb, now())", held.epoch, json.dumps(bad[:2]))
    assert one.rows("select upstream_id, raw from quarantine order by 1") == [("b", b"Anna"), (None, b"Anna")]


def test_an_erasure_waits_for_whoever_writes_the_object(world: World) -> None:
    """One that is not there yet for anybody else."""
    one = world.set_up()
    writer, eraser = world.sessions(2)
    writer.begin()
    writer.push("a", "b")
    waiting = eraser.start(lambda: erase(eraser))
    one.await_blocked(eraser, by=writer)
    writer.commit()
    assert waiting.result() == (1, 0, 0)
    assert list(one.records()) == ["b"]
    assert one.drain(ack=True)[0].upstream_id == "b"


@pytest.mark.parametrize("more", [[], [obj("b")]], ids=["one", "several"])
def test_a_writer_that_looked_before_the_erasure_and_writes_after_it(world: World, more: list[dict[str, Any]]) -> None:
    one = world.set_up()
    one.push("a", "z")
    eraser, writer = world.sessions(2)
    eraser.begin()
    erase(eraser)
    waiting = writer.start(lambda: writer.ingest(obj("a", {"n": 2}), *more))
    one.await_blocked(writer, by=eraser)
    eraser.commit()
    waiting.result()
    left = ["b", "z"][1 - len(more) :]
    assert sorted(one.records()) == left
    assert sorted(m.upstream_id for m in one.drain()) == left
    assert one.value("select records from collections where sync_id = 'y'") == len(left)


def test_a_page_with_an_erased_object(world: World) -> None:
    one = world.look
    one.rows("select stream_create('s')")
    one.rows("select sluice_internal._credential_put('k', 'stripe', 'api_key', 'shown', '\\xc0ffee', 1, 'http://x', '{}')")
    one.rows("select sync_create('s', 'stripe', 'y', null, array['stripe:customer'], 'k')")
    one.rows("select record_erase('y', 'stripe:customer', 'a')")
    one.rows("select sluice_internal._poller_heartbeat('p1', 'host', 1)")
    (held,) = one.rows("select * from sluice_internal._sync_claim('p1', 1)")
    records = [{"collection_id": "stripe:customer", "upstream_id": i, "data": {"of": i}} for i in "ab"]
    answer = one.one(
        "select * from sluice_internal._page_commit(sync_id => 'y', poller_id => 'p1', epoch => %s, feed => 'stripe:customer', cursor => null,"
        " done => true, records => %s::jsonb, quarantine => '[]', read_from => now())",
        held.epoch, json.dumps(records),
    )  # fmt: skip
    assert (answer.new, answer.refused) == (1, 1)
    assert list(one.records()) == ["b"]
