"""Tables by migration, code by replacement: what `migrate` does, and what it refuses, on a release of four objects."""

from __future__ import annotations

import psycopg
import pytest
from upgrade.trees import GROW, PINNED, SEEN, SMALL, Tree, names, refused

from pgsluice.db.dump import schema_dump


def test_a_new_database(tree: Tree, blank: str, look: psycopg.Connection) -> None:
    told: list[str] = []
    report = tree.migrate(blank, on_progress=told.append)
    assert (report.applied, report.installed, report.swept, report.left_out) == (["0001_things.sql"], True, [], [])
    assert told == ["0001_things.sql", "4 files of sql/"]
    assert names(look) == SMALL
    assert look.execute("select * from sluice.thing_add('third')").fetchone() == (3, "third", 3)


def test_the_second_run_changes_nothing(tree: Tree, blank: str, look: psycopg.Connection) -> None:
    tree.migrate(blank)
    before = look.execute("select xmin, * from sluice_internal.installs").fetchall()
    report = tree.migrate(blank)
    assert (report.applied, report.installed, report.swept, report.left_out) == ([], False, [], [])
    assert look.execute("select xmin, * from sluice_internal.installs").fetchall() == before


def test_objects_belong_to_the_owner_role_and_nothing_is_public(tree: Tree, blank: str, look: psycopg.Connection) -> None:
    tree.migrate(blank)
    owners = look.execute(
        "select distinct o.owner::regrole::text from ("
        "select relowner as owner from pg_class where relnamespace = 'sluice_internal'::regnamespace"
        " union all select proowner from pg_proc where pronamespace = 'sluice'::regnamespace"
        " union all select nspowner from pg_namespace where nspname like 'sluice%') as o"
    ).fetchall()
    assert owners == [("sluice_owner",)]
    open_to_all = (
        "select count(*) from pg_proc where pronamespace::regnamespace::text ~ '^sluice'"
        " and has_function_privilege('public', oid, 'execute')"
    )
    assert look.execute(open_to_all).fetchone() == (0,)
    # The owner could make schemas while migrations ran, and cannot any more.
    able = look.execute("select has_database_privilege('sluice_owner', current_database(), 'create')").fetchone()
    assert able == (False,)


def test_a_migration_may_make_a_schema(tree: Tree, blank: str, look: psycopg.Connection) -> None:
    tree.write("migrations/0002_schema.sql", "create schema sluice_views;")
    tree.migrate(blank)
    assert look.execute("select nspowner::regrole::text from pg_namespace where nspname = 'sluice_views'").fetchone() == ("sluice_owner",)


def test_search_path_is_told_or_set(tree: Tree, blank: str) -> None:
    told = tree.migrate(blank).statements_for_user
    assert len(told) == 1
    assert told[0].startswith("alter database")
    assert tree.migrate(blank, set_search_path=True).statements_for_user == []
    assert tree.migrate(blank).statements_for_user == []
    with psycopg.connect(blank) as conn:
        assert conn.execute("select name from thing_add('fourth')").fetchone() == ("fourth",)


def test_the_statement_for_the_search_path_runs(tree: Tree, blank: str, look: psycopg.Connection) -> None:
    look.execute(tree.migrate(blank).statements_for_user[0])
    assert tree.migrate(blank).statements_for_user == []


def test_changed_code_replaces_and_new_migrations_run(tree: Tree, blank: str, look: psycopg.Connection) -> None:
    tree.migrate(blank)
    tree.write("migrations/0002_grow.sql", GROW)
    tree.edit("sql/internal/_triple.sql", "n * 3", "n * 30")
    report = tree.migrate(blank)
    assert (report.applied, report.installed, report.swept) == (["0002_grow.sql"], True, [])
    assert look.execute("select distinct weight from sluice.things").fetchall() == [(30,)]


def test_what_a_release_leaves_out_is_swept(tree: Tree, blank: str, look: psycopg.Connection) -> None:
    tree.add("views/heavy_things.sql", "create or replace view sluice.heavy_things as select * from sluice.things where weight > 9;")
    tree.migrate(blank)
    tree.remove("views/heavy_things.sql")
    tree.remove("things/thing_add.sql")
    assert tree.migrate(blank).swept == ["sluice.heavy_things", "sluice.thing_add(pg_catalog.text)"]
    assert names(look) == SMALL - {"sluice.thing_add(text)"}
    assert tree.migrate(blank).installed is False


def test_swept_function_and_view_that_lean_on_each_other(tree: Tree, blank: str, look: psycopg.Connection) -> None:
    tree.add("internal/_base.sql", f"create or replace function sluice_internal._base() returns int language sql {PINNED} return 1;")
    tree.add("views/bases.sql", "create or replace view sluice.bases as select sluice_internal._base() as base;")
    tree.add(
        "internal/_top.sql",
        f"create or replace function sluice_internal._top() returns setof sluice.bases language sql {PINNED} "
        "begin atomic select * from sluice.bases; end;",
    )
    tree.migrate(blank)
    for path in ("internal/_base.sql", "views/bases.sql", "internal/_top.sql"):
        tree.remove(path)
    assert tree.migrate(blank).swept == ["sluice.bases", "sluice_internal._base()", "sluice_internal._top()"]
    assert names(look) == SMALL


def test_what_users_made_stays(tree: Tree, blank: str, look: psycopg.Connection) -> None:
    tree.migrate(blank)
    look.execute("""
        create function sluice.mine(n int) returns int language sql return n;
        create function sluice.thing_add(name text, colour text) returns int language sql return 1;
        create view sluice.my_view as select name from sluice.things;
        create index my_index on sluice_internal.things (name);
        create function public.my_trigger() returns trigger language plpgsql as $$ begin return new; end $$;
        create trigger my_trigger before insert on sluice_internal.things for each row execute function public.my_trigger();
        create table public.notes (thing_id int references sluice_internal.things, note text);
    """)
    tree.edit("sql/internal/_triple.sql", "n * 3", "3 * n")
    tree.remove("things/thing_add.sql")
    assert tree.migrate(blank).swept == ["sluice.thing_add(pg_catalog.text)"]
    assert names(look) >= {"sluice.mine(integer)", "sluice.thing_add(text,text)", "sluice.my_view"}
    kept = look.execute("select count(*) from pg_class where relname = 'my_index'").fetchone()
    assert kept == (1,)
    assert look.execute("select count(*) from pg_trigger where tgname = 'my_trigger'").fetchone() == (1,)
    assert look.execute("select count(*) from pg_constraint where conrelid = 'public.notes'::regclass and contype = 'f'").fetchone() == (1,)
    assert look.execute("select has_function_privilege('public', 'sluice.mine(int)', 'execute')").fetchone() == (True,)


def test_a_new_parameter_replaces_the_older_overload(tree: Tree, blank: str, look: psycopg.Connection) -> None:
    tree.add("views/added.sql", "create or replace view sluice.added as select 1 as n;")
    tree.migrate(blank)
    look.execute("drop role if exists my_application")
    look.execute("create role my_application")
    look.execute("grant execute on function sluice.thing_add(text) to my_application")
    tree.edit("sql/things/thing_add.sql", "(name text)", "(name text, weight int default 1)")
    tree.edit("sql/things/thing_add.sql", "sluice.thing_add(text)", "sluice.thing_add(text, int)")
    # A later file calls it as before: ambiguous while the older one is there, and the view would keep that one from being dropped.
    tree.edit("sql/views/added.sql", "select 1 as n", "select 1 as n, (sluice.thing_add('by a view')).name as name")
    assert tree.migrate(blank).swept == ["sluice.thing_add(pg_catalog.text)"]
    assert "sluice.thing_add(text,integer)" in names(look)
    assert "sluice.thing_add(text)" not in names(look)
    # The right that a user gave goes along.
    may = look.execute("select has_function_privilege('my_application', 'sluice.thing_add(text, int)', 'execute')").fetchone()
    assert may == (True,)
    assert look.execute("select name from sluice.added").fetchone() == ("by a view",)
    look.execute("drop owned by my_application; drop role my_application")


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(("sql/internal/_triple.sql", "(n int)", "(number int)"), id="parameter-renamed"),
        pytest.param(("sql/internal/_triple.sql", "returns int\n", "returns bigint\n"), id="result-type"),
        pytest.param(("sql/views/things.sql", "thing_id, name,", "name, thing_id,"), id="columns-reordered"),
        pytest.param(("sql/views/things.sql", "select thing_id,", "select thing_id::text as thing_id,"), id="column-type"),
    ],
)
def test_a_changed_shape_needs_no_manual_step(tree: Tree, blank: str, look: psycopg.Connection, edit: tuple[str, str, str]) -> None:
    tree.migrate(blank)
    look.execute("drop role if exists my_reader")
    look.execute("create role my_reader")
    look.execute("grant select on sluice.things to my_reader with grant option")
    tree.edit(*edit)
    if "_triple" in edit[0]:
        tree.edit(edit[0], "return n * 3", "return $1 * 3")
    else:
        # What leans on the view follows it in the same release.
        tree.edit("sql/things/thing_add.sql", "returns sluice.things", "returns int")
        tree.edit("sql/things/thing_add.sql", "returning thing_id, name, sluice_internal._triple(weight)", "returning thing_id")
    report = tree.migrate(blank)
    assert (report.installed, report.swept) == (True, [])
    assert names(look) == SMALL
    may = look.execute("select has_table_privilege('my_reader', 'sluice.things', 'select with grant option')").fetchone()
    assert may == (True,)
    fresh = look.execute("select count(*) from sluice.things").fetchone()
    assert fresh == (2,)
    assert look.execute("select has_table_privilege('sluice_reader', 'sluice.things', 'select')").fetchone() == (True,)
    look.execute("drop owned by my_reader; drop role my_reader")


def test_a_trigger_stays_and_goes_with_its_function(tree: Tree, blank: str, look: psycopg.Connection) -> None:
    found = "select count(*) from pg_trigger where tgname = '_thing_seen'"
    tree.migrate(blank)
    # Its file makes it only where it is missing; it is still known as ours two installs later.
    for text in ("return old;", "return new;"):
        tree.write("sql/internal/_thing_seen.sql", SEEN.replace("return null;", text))
        assert tree.migrate(blank).swept == []
        assert look.execute(found).fetchone() == (1,)
    tree.remove("internal/_thing_seen.sql")
    assert tree.migrate(blank).swept == ["sluice_internal._thing_seen()"]
    assert look.execute(found).fetchone() == (0,)


def test_columns_may_be_added_under_a_users_view(tree: Tree, blank: str, look: psycopg.Connection) -> None:
    tree.migrate(blank)
    look.execute("create view public.mine as select * from sluice.things")
    tree.write("migrations/0002_grow.sql", GROW)
    tree.edit("sql/views/things.sql", " from sluice_internal", ", colour from sluice_internal")
    tree.edit("sql/things/thing_add.sql", "_triple(weight)", "_triple(weight), colour")
    tree.migrate(blank)
    assert look.execute("select count(*) from public.mine").fetchone() == (2,)
    assert look.execute("select colour from sluice.thing_add('x')").fetchone() == ("red",)


def test_a_users_view_in_the_way_is_named_and_nothing_changes(tree: Tree, blank: str, look: psycopg.Connection) -> None:
    tree.migrate(blank)
    look.execute("create view public.mine as select thing_id from sluice.things")
    before = schema_dump(blank)
    tree.edit("sql/views/things.sql", "thing_id, name,", "name, thing_id,")
    error = refused(tree, blank)
    assert "public.mine" in error.message or "mine" in error.message
    assert "drop the object that depends on it" in str(error.hint)
    assert schema_dump(blank) == before


def test_a_users_view_on_a_swept_function_is_named(tree: Tree, blank: str, look: psycopg.Connection) -> None:
    tree.migrate(blank)
    look.execute("create view public.mine as select sluice_internal._triple(1) as three")
    tree.remove("internal/_triple.sql")
    for path in ("sql/views/things.sql", "sql/things/thing_add.sql"):
        tree.edit(path, "sluice_internal._triple(weight)", "weight")
    assert "mine" in refused(tree, blank).message
    assert names(look) == SMALL


def test_a_users_function_of_a_new_name_is_not_overwritten(tree: Tree, blank: str, look: psycopg.Connection) -> None:
    tree.migrate(blank)
    look.execute("create function sluice.thing_paint(colour text) returns int language sql return 7")
    tree.add(
        "things/thing_paint.sql", f"create or replace function sluice.thing_paint(colour text) returns int language sql {PINNED} return 8;"
    )
    assert "thing_paint" in refused(tree, blank).message
    assert look.execute("select sluice.thing_paint('red')").fetchone() == (7,)
    look.execute("alter function sluice.thing_paint(text) owner to sluice_owner")
    assert "exists and is not part of pgsluice" in refused(tree, blank).message
    assert look.execute("select sluice.thing_paint('red')").fetchone() == (7,)


def test_rights_that_a_release_no_longer_gives_are_taken_back(tree: Tree, blank: str, look: psycopg.Connection) -> None:
    usage = "grant usage on schema sluice to sluice_reader;"
    tree.write("sql/grants.sql", usage + "grant execute on function sluice.thing_add(text) to sluice_reader;")
    tree.migrate(blank)
    assert look.execute("select has_function_privilege('sluice_reader', 'sluice.thing_add(text)', 'execute')").fetchone() == (True,)
    tree.write("sql/grants.sql", usage)
    assert tree.migrate(blank).installed
    assert look.execute("select has_function_privilege('sluice_reader', 'sluice.thing_add(text)', 'execute')").fetchone() == (False,)
    assert look.execute("select has_schema_privilege('sluice_reader', 'sluice', 'usage')").fetchone() == (True,)


def test_grants_reach_what_is_ours_alone(tree: Tree, blank: str, look: psycopg.Connection) -> None:
    tree.migrate(blank)
    look.execute("create view sluice.secret as select 1 as n; create function sluice.hidden() returns int language sql return 1")
    look.execute("revoke all on function sluice.hidden() from public")
    tree.edit("sql/internal/_triple.sql", "n * 3", "3 * n")
    assert tree.migrate(blank).installed
    assert look.execute("select has_table_privilege('sluice_reader', 'sluice.secret', 'select')").fetchone() == (False,)
    assert look.execute("select has_function_privilege('sluice_admin', 'sluice.hidden()', 'execute')").fetchone() == (False,)
    assert look.execute("select has_table_privilege('sluice_reader', 'sluice.things', 'select')").fetchone() == (True,)
