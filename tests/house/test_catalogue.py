"""The migrated database holds what the files say, commented, closed to PUBLIC, with pinned paths; and each question sees what breaks it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from house.sql_rules import objects

from pgsluice.db.dump import schema_dump
from pgsluice.db.sources import SQL
from pgsluice.providers import registry

Connection = psycopg.Connection

OURS = "('sluice', 'sluice_internal')"
# Each answers one row a finding.
QUESTIONS = {
    "objects without a comment": f"""
        select p.oid::regprocedure::text from pg_proc as p
        where p.pronamespace::regnamespace::text in {OURS} and obj_description(p.oid, 'pg_proc') is null
        union all
        select c.oid::regclass::text from pg_class as c
        where c.relnamespace::regnamespace::text in {OURS} and c.relkind in ('r', 'v', 'm', 'c', 'p')
            and obj_description(c.oid, 'pg_class') is null and (c.relkind <> 'c' or obj_description(c.reltype, 'pg_type') is null)
    """,
    "functions without a pinned search path": f"""
        select p.oid::regprocedure::text from pg_proc as p
        where p.pronamespace::regnamespace::text in {OURS}
            and coalesce(array_to_string(p.proconfig, ' '), '') !~ 'search_path=[^=]*\\mpg_temp"?( \\w+=|$)'
            and (p.prosecdef or obj_description(p.oid, 'pg_proc') !~ 'Inlined')
            -- what only pinned ones call, and nobody else may
            and (
                p.prosecdef or p.pronamespace <> 'sluice_internal'::regnamespace
                or obj_description(p.oid, 'pg_proc') !~ 'Runs under its caller''s settings'
            )
    """,
    "rights of PUBLIC": f"""
        select o.name from (
            select p.oid::regprocedure::text as name, coalesce(p.proacl, acldefault('f', p.proowner)) as acl
            from pg_proc as p where p.pronamespace::regnamespace::text in {OURS}
            union all
            select c.oid::regclass::text, c.relacl from pg_class as c where c.relnamespace::regnamespace::text in {OURS}
            union all
            select n.nspname, n.nspacl from pg_namespace as n where n.nspname in {OURS}
        ) as o cross join lateral aclexplode(o.acl) as a where a.grantee = 0
    """,
    "grants outside sluice to anybody but those who need them": """
        select c.oid::regclass::text from pg_class as c cross join lateral aclexplode(c.relacl) as a
        where c.relnamespace::regnamespace::text = 'sluice_internal' and a.grantee <> c.relowner
        union all
        select p.oid::regprocedure::text from pg_proc as p cross join lateral aclexplode(p.proacl) as a
        where p.pronamespace::regnamespace::text = 'sluice_internal' and a.grantee <> p.proowner
            and a.grantee::regrole::text not in (
                'sluice_poller', 'sluice_admin', 'sluice_reader', 'sluice_consumer', 'sluice_mutator', 'sluice_server'
            )
    """,
    "public functions that write without security definer": """
        select p.oid::regprocedure::text from pg_proc as p
        where p.pronamespace::regnamespace::text = 'sluice' and p.provolatile = 'v' and not p.prosecdef
    """,
    "what does not belong to the owner": f"""
        select p.oid::regprocedure::text from pg_proc as p
        where p.pronamespace::regnamespace::text in {OURS} and p.proowner::regrole::text <> 'sluice_owner'
        union all
        select c.oid::regclass::text from pg_class as c
        where c.relnamespace::regnamespace::text in {OURS} and c.relowner::regrole::text <> 'sluice_owner'
    """,
    "roles that can log in or do more": """
        select rolname from pg_roles
        where rolname ~ '^sluice_' and (rolcanlogin or rolsuper or rolcreaterole or rolcreatedb or rolbypassrls or rolreplication)
    """,
    "text that is compared by a language's rules": """
        select c.oid::regclass::text || '.' || a.attname from pg_attribute as a join pg_class as c on c.oid = a.attrelid
        where c.relnamespace::regnamespace::text in ('sluice', 'sluice_internal') and c.relkind = 'r'
            and a.attname ~ '^(stream|sync|consumer|credential|collection|upstream|poller)_id$' and a.atttypid = 'text'::regtype
            and a.attcollation <> '"C"'::regcollation
    """,
    "foreign keys without an index": f"""
        select k.conrelid::regclass::text || ' ' || k.conname from pg_constraint as k join pg_class as c on c.oid = k.conrelid
        where k.contype = 'f' and c.relnamespace::regnamespace::text in {OURS} and not exists (
            select from pg_index as i where i.indrelid = k.conrelid and i.indkey::int2[] @> k.conkey
                and (i.indkey::int2[])[0:cardinality(k.conkey) - 1] <@ k.conkey
        )
    """,
    "functions that plpgsql_check finds fault with": f"""
        select p.oid::regprocedure::text || ': ' || f.message
        from pg_proc as p join pg_language as l on l.oid = p.prolang
        cross join lateral plpgsql_check_function_tb(p.oid) as f
        where p.pronamespace::regnamespace::text in {OURS} and l.lanname = 'plpgsql' and p.prorettype <> 'trigger'::regtype
            and f.level = 'error'
    """,
}


def ask(conn: Connection, question: str) -> list[str]:
    return [name for (name,) in conn.execute(QUESTIONS[question])]


def made(conn: Connection) -> set[tuple[str, str]]:
    """Kind and schema.name of the functions and views that are there."""
    rows = conn.execute(f"""
        select 'function', p.pronamespace::regnamespace::text || '.' || p.proname from pg_proc as p
        where p.pronamespace::regnamespace::text in {OURS}
        union all
        select 'view', c.relnamespace::regnamespace::text || '.' || c.relname from pg_class as c
        where c.relnamespace::regnamespace::text in {OURS} and c.relkind = 'v'
    """).fetchall()
    assert len(set(rows)) == len(rows), "an overload"
    return set(rows)


@pytest.fixture
def look(shared_db: str) -> Iterator[Connection]:
    with psycopg.connect(shared_db) as conn:
        yield conn
        conn.rollback()


def with_extension(conn: Connection, question: str) -> None:
    if "plpgsql_check" in question:
        if not conn.execute("select 1 from pg_available_extensions where name = 'plpgsql_check'").fetchone():
            pytest.skip("this server has no plpgsql_check")
        conn.execute("create extension plpgsql_check")


@pytest.mark.parametrize("question", QUESTIONS)
def test_there_are_no(look: Connection, question: str) -> None:
    with_extension(look, question)
    assert ask(look, question) == []


def test_files_and_objects_are_the_same(look: Connection) -> None:
    assert made(look) == set(objects(SQL).values())


BROKEN = {
    "objects without a comment": "comment on function sluice.stream_create is null",
    "functions without a pinned search path": "alter function sluice.stream_create reset search_path",
    "rights of PUBLIC": "grant execute on function sluice.stream_create to public",
    "grants outside sluice to anybody but those who need them": "grant select on sluice_internal.streams to sluice_admin",
    "public functions that write without security definer": "alter function sluice.stream_create security invoker",
    "what does not belong to the owner": "alter function sluice.stream_create owner to current_user",
    "roles that can log in or do more": "alter role sluice_reader login",
    "text that is compared by a language's rules": 'alter table sluice_internal.pollers alter poller_id type text collate "default"',
    "foreign keys without an index": "drop index sluice_internal.syncs_by_stream",
    "functions that plpgsql_check finds fault with": """
        create function sluice_internal._bad() returns int language plpgsql as $$ begin return (select nothing from sluice.streams); end $$
    """,
}


@pytest.mark.parametrize("question", BROKEN)
def test_each_question_sees_what_breaks_it(look: Connection, question: str) -> None:
    with_extension(look, question)
    look.execute(BROKEN[question])
    assert ask(look, question)


def test_every_question_has_a_sample_that_breaks_it() -> None:
    assert set(BROKEN) == set(QUESTIONS)


def test_pg_temp_must_be_last(look: Connection) -> None:
    look.execute("alter function sluice.stream_create set search_path = pg_temp, pg_catalog")
    assert ask(look, "functions without a pinned search path") == ["sluice.stream_create(text,integer)"]


@pytest.mark.parametrize(
    "statement",
    [
        "create function sluice.loose() returns int language sql return 1",
        "drop view sluice.errors",
        "create view sluice.loose as select 1 as n",
    ],
)
def test_an_object_without_a_file_is_seen(look: Connection, statement: str) -> None:
    look.execute(statement)
    assert made(look) != set(objects(SQL).values())


def test_schema_sql_is_current(server, shared_db: str, request: pytest.FixtureRequest) -> None:
    if request.node.callspec.params["server"] == "15":
        pytest.skip("views are printed differently by older servers")
    current = Path(SQL / "schema.sql").read_text()
    assert schema_dump(shared_db) == current, "run: make docs"


def test_the_database_and_the_providers_name_the_same_collections(look: Connection) -> None:
    known = {
        (name, found.collection_id, " ".join(found.description.split()), found.mutations, found.match_on, found.if_match)
        for name in registry.names()
        for found in registry.get(name).collections.values()
    }
    rows = look.execute("select provider, collection_id, description, mutations, match_on, if_match from sluice.provider_collections")
    assert {(*row[:3], tuple(row[3]), tuple(row[4]), row[5]) for row in rows} == known
    fields = {
        (found.collection_id, field.name, field.type, field.primary_key)
        for name in registry.names()
        for found in registry.get(name).collections.values()
        for field in found.fields
    }
    assert set(look.execute("select collection_id, name, type, primary_key from sluice.provider_fields").fetchall()) == fields
    assert {name for (name,) in look.execute("select provider from sluice.providers")} == set(registry.names())
