from __future__ import annotations

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from pgsluice.db.dump import schema_dump

ODD = """
create schema odd;
create type odd.mood as enum ('sad', 'glad');
create domain odd.short as text constraint not_long check (length(value) < 9) not null;
create type odd.pair as (a int, "B" text);
create sequence odd.counter as int increment 2;
create table odd.things (
    id bigint generated always as identity primary key, "Name" text collate "C" not null, mood odd.mood default 'glad',
    doubled int generated always as (length("Name") * 2) stored, parent bigint references odd.things on delete cascade,
    check (doubled > 0)
) with (fillfactor = 70);
alter table odd.things alter column "Name" set storage external;
create index by_mood on odd.things (mood) where mood = 'sad';
create statistics odd.joint on mood, parent from odd.things;
alter table odd.things enable row level security;
create policy seen on odd.things for select to public using (mood = 'glad');
create function odd.f(a int, b int default 2) returns int language sql stable set search_path = pg_catalog as $$ select a + b $$;
comment on function odd.f(int, int) is 'It''s a sum.';
create view odd.seen with (security_invoker = true) as select id, mood from odd.things;
comment on column odd.seen.mood is 'How it feels.';
create function odd.t() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger watch before insert on odd.things for each row execute function odd.t();
grant select on odd.seen to sluice_reader with grant option;
grant select ("Name") on odd.things to sluice_reader;
create table odd.parts (n int) partition by range (n);
create table odd.part_one partition of odd.parts for values from (1) to (10);
"""


@pytest.fixture
def odd(db: str, conn: psycopg.Connection) -> str:
    conn.execute(ODD)
    return db


def test_everything_is_told(odd: str) -> None:
    text = schema_dump(odd, ("odd",))
    for words in (
        "create type odd.mood as enum ('sad', 'glad');",
        "create domain odd.short as text not null",
        'create type odd.pair as (\n    a integer,\n    "B" text);',
        "create sequence odd.counter as integer increment 2",
        '"Name" text collate "C" not null',
        "generated always as identity not null",
        'generated always as ((length("Name") * 2)) stored',
        ") with (fillfactor=70);",
        'alter column "Name" set storage external;',
        "CREATE INDEX by_mood ON odd.things",
        "CREATE STATISTICS odd.joint ON mood, parent FROM odd.things;",
        "enable row level security;",
        "create policy seen on odd.things as permissive for select to public using",
        "comment on function odd.f(integer,integer) is 'It''s a sum.';",
        "create view odd.seen with (security_invoker=true) as",
        "comment on column odd.seen.mood is 'How it feels.';",
        "CREATE TRIGGER watch",
        "grant select with grant option on table odd.seen to sluice_reader;",
        'grant select on column odd.things."Name" to sluice_reader;',
        "grant execute on function odd.t() to public;",
        "partition by RANGE (n)",
        "attach partition of odd.parts FOR VALUES FROM (1) TO (10);",
    ):
        assert words in text, words


@pytest.mark.parametrize(
    "change",
    [
        "alter table odd.things alter parent set not null",
        "alter table odd.things add unique (parent)",
        "alter function odd.f(int, int) volatile",
        "alter function odd.f(int, int) security definer",
        "alter function odd.f(int, int) reset search_path",
        "revoke execute on function odd.f(int, int) from public",
        "comment on view odd.seen is 'new'",
        "drop trigger watch on odd.things",
        "drop index odd.by_mood",
        "create or replace view odd.seen with (security_invoker = false) as select id, mood from odd.things",
        "alter table odd.things disable row level security",
        "alter table odd.things alter mood drop default",
        "grant usage on schema odd to public",
        "alter type odd.mood add value 'mad'",
    ],
)
def test_every_change_shows(odd: str, conn: psycopg.Connection, change: str) -> None:
    before = schema_dump(odd, ("odd",))
    assert schema_dump(odd, ("odd",)) == before
    conn.execute(change)
    assert schema_dump(odd, ("odd",)) != before


def test_settings_of_the_session_do_not_matter(odd: str) -> None:
    options = "-c search_path=odd -c datestyle=German -c intervalstyle=sql_standard -c timezone=Asia/Kolkata -c quote_all_identifiers=on"
    assert schema_dump(make_conninfo(odd, options=options), ("odd",)) == schema_dump(odd, ("odd",))


def test_the_sequences_of_streams_are_data(db: str, conn: psycopg.Connection) -> None:
    before = schema_dump(db)
    conn.execute("select sluice.stream_create('s')")
    assert schema_dump(db) == before
