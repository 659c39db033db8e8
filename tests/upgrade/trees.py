"""Small copies of `sql/` and `migrations/` that tests change at will: each test is a history of releases."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from pgsluice.db.errors import MigrationFailed, SluiceError
from pgsluice.db.migrate import Report, migrate

PINNED = "set search_path = pg_catalog, pg_temp"

ROLES = """
create role sluice_owner nologin;
create role sluice_reader nologin;
create role sluice_consumer nologin;
create role sluice_mutator nologin;
create role sluice_poller nologin;
create role sluice_admin nologin;
grant sluice_reader to sluice_admin;
"""

GRANTS = """
grant usage on schema sluice to sluice_reader;
grant select on all tables in schema sluice to sluice_reader;
grant execute on all functions in schema sluice to sluice_admin;
"""

THINGS = """
create table sluice_internal.things (
    thing_id int generated always as identity primary key,
    name text not null,
    weight int not null default 1
);
insert into sluice_internal.things (name) values ('first'), ('second');
"""

TRIPLE = f"""
create or replace function sluice_internal._triple(n int)
returns int
language sql
immutable
{PINNED}
return n * 3;
comment on function sluice_internal._triple(int) is 'Three times.';
"""

VIEW = """
create or replace view sluice.things as
select thing_id, name, sluice_internal._triple(weight) as weight from sluice_internal.things;
comment on view sluice.things is 'Things.';
"""

ADD = f"""
create or replace function sluice.thing_add(name text)
returns sluice.things
language sql
security definer
{PINNED}
as $$
    insert into sluice_internal.things (name) values (thing_add.name)
    returning thing_id, name, sluice_internal._triple(weight)
$$;
comment on function sluice.thing_add(text) is 'Adds a thing; the answer is it.';
"""

SEEN = f"""
create or replace function sluice_internal._thing_seen()
returns trigger
language plpgsql
{PINNED}
as $$
begin
    return null;
end
$$;
comment on function sluice_internal._thing_seen() is 'Sees a thing.';
do $$
begin
    if not exists (select from pg_trigger where tgname = '_thing_seen') then
        create constraint trigger _thing_seen after insert on sluice_internal.things
        deferrable initially deferred for each row execute function sluice_internal._thing_seen();
    end if;
end
$$;
"""

SMALL = {
    "sluice.things",
    "sluice.thing_add(text)",
    "sluice_internal._triple(integer)",
    "sluice_internal._thing_seen()",
    "sluice_internal.things",
    "sluice_internal.migrations",
    "sluice_internal.installs",
}
GROW = "alter table sluice_internal.things add colour text not null default 'red';"

FILES = {
    "internal/_triple.sql": TRIPLE,
    "views/things.sql": VIEW,
    "things/thing_add.sql": ADD,
    "internal/_thing_seen.sql": SEEN,
}


class Tree:
    """One release: the files of `sql/` in the order of `install.sql`, and those of `migrations/`."""

    def __init__(self, root: Path) -> None:
        self.sql = root / "sql"
        self.migrations = root / "migrations"

    @classmethod
    def small(cls, root: Path) -> Tree:
        tree = cls(root)
        tree.write("sql/roles.sql", ROLES)
        tree.write("sql/grants.sql", GRANTS)
        tree.write("migrations/0001_things.sql", THINGS)
        for path, text in FILES.items():
            tree.add(path, text)
        return tree

    @classmethod
    def copy(cls, root: Path, sql: Path, migrations: Path) -> Tree:
        shutil.copytree(sql, root / "sql")
        shutil.copytree(migrations, root / "migrations")
        return cls(root)

    def write(self, path: str, text: str) -> None:
        target = self.sql.parent / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def add(self, path: str, text: str) -> None:
        """A file of `sql/`, at the end of `install.sql`."""
        self.write(f"sql/{path}", text)
        with (self.sql / "install.sql").open("a") as install:
            install.write(f"\\ir {path}\n")

    def remove(self, path: str) -> None:
        (self.sql / path).unlink()
        install = self.sql / "install.sql"
        install.write_text(install.read_text().replace(f"\\ir {path}\n", ""))

    def edit(self, path: str, old: str, new: str) -> None:
        target = self.sql.parent / path
        text = target.read_text()
        assert old in text
        target.write_text(text.replace(old, new))

    def migrate(
        self, conninfo: str, *, patience: float = 20.0, on_progress: Callable[[str], None] | None = None, set_search_path: bool = False
    ) -> Report:
        return migrate(
            conninfo,
            on_progress=on_progress,
            set_search_path=set_search_path,
            sql_folder=self.sql,
            migrations_folder=self.migrations,
            patience=patience,
        )


def names(conn: psycopg.Connection) -> set[str]:
    """Everything in our schemas, as PostgreSQL names it."""
    query = """
        select p.oid::regprocedure::text from pg_proc as p where p.pronamespace::regnamespace::text in ('sluice', 'sluice_internal')
        union all
        select c.oid::regclass::text from pg_class as c
        where c.relnamespace::regnamespace::text in ('sluice', 'sluice_internal') and c.relkind in ('r', 'v')
    """
    return {name for (name,) in conn.execute(query)}


def refused(tree: Tree, conninfo: str, **options: float) -> SluiceError:
    with pytest.raises(SluiceError) as caught:
        tree.migrate(conninfo, **options)
    assert isinstance(caught.value, MigrationFailed), caught.value.as_dict()
    assert caught.value.hint
    return caught.value
