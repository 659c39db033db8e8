"""Rows that came without their sequences, as logical replication brings them: `migrate` puts these behind what is there."""

from __future__ import annotations

from isolation.sessions import Session, World

from pgsluice.db.migrate import migrate

IDENTITIES = """
    select pg_get_serial_sequence(a.attrelid::regclass::text, a.attname) as name
    from pg_attribute as a inner join pg_class as r on r.oid = a.attrelid
    where a.attidentity <> '' and r.relkind = 'r' and r.relnamespace in ('sluice'::regnamespace, 'sluice_internal'::regnamespace)
"""


def begin_anew(one: Session) -> None:
    """As on a subscriber: every sequence at its start, and none of those that a stream brings with it."""
    names = [row.name for row in one.rows(IDENTITIES)]
    assert len(names) > 5
    for name in names:
        one.rows(f"alter sequence {name} restart")
    for row in one.rows("select 'sluice_internal.position_' || stream_no as name from sluice_internal.streams"):
        one.rows(f"drop sequence {row.name}")


def test_what_is_written_after_logical_replication_comes_last(world: World) -> None:
    one = world.set_up(lanes=2)
    one.rows("select stream_create('empty')")
    one.push("a", "b", "c")
    one.push("a", data=1)
    held = one.next(1)
    one.drain(ack=True)
    before = one.records()
    begin_anew(one)
    assert migrate(world.conninfo).lifted > 2
    one.push("d")
    one.push("b", data=1)
    after = one.records()
    assert min(after["d"].updated_idx, after["b"].updated_idx) > max(record.updated_idx for record in before.values())
    assert sorted(m.upstream_id for m in one.drain(ack=True)) == sorted({"b", "d"} - {m.upstream_id for m in held})
    assert one.ack(held, strict=True) == (1, [])
    one.rows("select stream_create('next')")
    one.rows("select sync_create('empty', 'push', 'z')")
    one.push("z1", sync="z")
    assert migrate(world.conninfo).lifted == 0


def test_what_a_consumer_has_read_past_is_not_given_out_again(world: World) -> None:
    """Its place may lie behind every entry: numbers are drawn by writes that are rolled back, too."""
    one = world.set_up(lanes=1)
    one.push("a")
    for _ in range(3):
        one.begin().push("lost")
        one.rollback()
    world.consumer("late", deliver_policy="new")
    place = one.value("select start_idx from sluice_internal.consumers where consumer_id = 'late'")
    begin_anew(one)
    migrate(world.conninfo)
    one.push("b")
    assert one.records()["b"].updated_idx > place
    assert one.ids(consumer="late") == ["b"]
