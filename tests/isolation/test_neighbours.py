"""pgsluice beside what else lives in a user's database: triggers, foreign keys, advisory locks, other code that runs at commit, dumps."""

from __future__ import annotations

import subprocess

import psycopg
import pytest
from isolation.sessions import World, obj
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgsluice.db import embedded


def test_a_users_trigger_sees_each_change_and_nothing_else(world: World) -> None:
    """It runs inside record_ingest, so as its owner: a trigger function with tables of its own is `security definer`."""
    one = world.set_up()
    one.rows("""
        create table public.audit (id text, was jsonb, is_now jsonb);
        create function public.note() returns trigger language plpgsql security definer as $$
        begin
            if tg_op = 'INSERT' or new.data is distinct from old.data then
                insert into public.audit values (new.upstream_id, case tg_op when 'UPDATE' then old.data end, new.data);
            end if;
            return null;
        end $$;
        create trigger note after insert or update on sluice.records for each row execute function public.note();
        create index by_kind on sluice.records ((data ->> 'kind'));
    """)
    one.ingest(obj("a", 1), obj("b", 1))
    one.ingest(obj("a", 2), obj("b", 1))
    assert [tuple(r) for r in one.rows("select * from public.audit order by 1, 2 nulls first")] == [
        ("a", None, 1),
        ("a", 1, 2),
        ("b", None, 1),
    ]
    assert len(one.drain(ack=True)) == 2


def test_a_trigger_that_refuses_a_record_refuses_the_call(world: World) -> None:
    one = world.set_up()
    one.rows("""
        create function public.refuse() returns trigger language plpgsql as $$ begin raise exception 'not %', new.upstream_id; end $$;
        create trigger refuse before insert on sluice.records for each row when (new.upstream_id = 'bad') execute function public.refuse();
    """)
    with pytest.raises(psycopg.errors.RaiseException, match="not bad"):
        one.push("good", "bad")
    assert one.records() == {}
    one.push("good")
    assert one.ids() == ["good"]


def test_what_a_users_trigger_ingests_at_commit_is_numbered_too(world: World) -> None:
    """A deferred trigger of the user's that pushes into a stream, even into one that the transaction had nothing to do with."""
    one = world.set_up()
    one.rows("select stream_create('t', 2)")
    one.rows("select sync_create('t', 'push', 'z')")
    world.consumer("d", "t")
    one.rows("""
        create table public.orders (id text);
        create function public.publish() returns trigger language plpgsql as $$
        begin
            perform sluice.record_ingest('y', 'push:o', jsonb_build_array(jsonb_build_object('upstream_id', new.id, 'data', 1)));
            perform sluice.record_ingest('z', 'push:o', jsonb_build_array(jsonb_build_object('upstream_id', new.id, 'data', 1)));
            return null;
        end $$;
        create constraint trigger publish after insert on public.orders deferrable initially deferred
        for each row execute function public.publish();
    """)
    one.begin()
    one.push("direct")
    one.rows("insert into public.orders values ('late')")
    one.commit()
    one.rows("insert into public.orders values ('alone')")
    assert sorted(m.upstream_id for m in one.drain()) == ["alone", "direct", "late"]
    assert sorted(m.upstream_id for m in one.drain(consumer="d")) == ["alone", "late"]


def test_advisory_locks_of_the_user_are_not_ours(world: World) -> None:
    """Small numbers, as anybody uses them."""
    one = world.set_up(lanes=4)
    one.push("a", "b")
    user = world.session()
    user.rows("select pg_advisory_lock(n) from generate_series(-5, 300) as n")
    user.rows("select pg_advisory_lock(a, b) from generate_series(0, 9) as a, generate_series(0, 19) as b")
    quick = world.session(lock_timeout="1s")
    quick.push("c")
    got = quick.drain()
    assert sorted(m.upstream_id for m in got) == ["a", "b", "c"]
    quick.nack(got[:1])
    quick.ack(got[1:])
    quick.rows("select consumer_create('n', 's', 'new')")
    assert len(quick.drain()) == 1


def test_a_foreign_key_of_the_users_does_not_stop_changes(world: World) -> None:
    one = world.set_up()
    one.push("a")
    one.rows("""
        create table public.orders (sync_id text, collection_id text, upstream_id text,
            foreign key (sync_id, collection_id, upstream_id) references sluice.records (sync_id, collection_id, upstream_id));
        insert into public.orders select sync_id, collection_id, upstream_id from sluice.records;
    """)
    holder = world.session().begin()
    holder.rows("insert into public.orders select * from public.orders")  # locks the record's key
    quick = world.session(lock_timeout="1s")
    assert quick.ingest(obj("a", 2)) == (0, 1, 0, 0)
    assert [m.data for m in quick.drain(ack=True)] == [2]
    holder.rollback()
    assert one.ingest({"upstream_id": "a", "deleted": True}) == (0, 1, 0, 0)


def test_a_dumped_and_restored_database_goes_on_where_it_was(world: World, server: embedded.Server) -> None:
    one = world.set_up(lanes=4, max_deliver=1)
    one.push(*(f"o{i}" for i in range(12)))
    acked, held = one.next(4), one.next(4)
    one.ack(acked)
    one.nack(held[:1])
    before, dead = one.records(), set(one.dead())
    address = conninfo_to_dict(world.conninfo)
    name = f"{address['dbname']}_restored"
    place = ["-h", str(address["host"]), "-p", str(address["port"]), "-U", str(address["user"])]
    with psycopg.connect(server.conninfo, autocommit=True) as admin:
        admin.execute(f"create database {name} template template0")
        try:
            dump = subprocess.run([server.bin_dir / "pg_dump", *place, str(address["dbname"])], capture_output=True, check=True)
            subprocess.run(
                [server.bin_dir / "psql", *place, "-q", "-v", "ON_ERROR_STOP=1", "-d", name],
                input=dump.stdout,
                capture_output=True,
                check=True,
            )
            again = World(make_conninfo(world.conninfo, dbname=name))
            two = again.session()
            assert two.records() == before
            assert set(two.dead()) == dead
            two.push("new")
            assert two.records()["new"].updated_idx > max(r.updated_idx for r in before.values())
            fresh = {m.upstream_id for m in two.drain()}
            assert fresh == {f"o{i}" for i in range(12)} - {m.upstream_id for m in acked + held} | {"new"}
            assert two.ack(held[1:]) == (3, [])
            again.close()
        finally:
            admin.execute(f"drop database {name} with (force)")
