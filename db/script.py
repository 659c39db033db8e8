"""The whole of pgsluice as one SQL file, for a DBA who applies what was reviewed: `psql -f pgsluice.sql`.

For a new database. It leaves the same state and the same records as `migrate`, so `pgsluice migrate` takes over from there. It waits
for locks as long as it takes, since it cannot come back: nobody works in a new database, but another one may be changing the same roles.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from psycopg import sql

from pgsluice import __version__
from pgsluice.db import ledger, rights
from pgsluice.db.sources import MIGRATIONS, SQL, Migration, Sources, read_sources, statements

_REFUSE: Final = """\
do $refuse$
begin
    if current_setting('server_version_num')::int < 150000 then
        raise exception 'pgsluice needs PostgreSQL 15 or newer';
    elsif to_regclass('sluice_internal.migrations') is not null then
        raise exception 'pgsluice is in this database already' using hint = 'upgrade it with: pgsluice migrate';
    end if;
end
$refuse$"""


def single_file(sql_folder: Path = SQL, migrations_folder: Path = MIGRATIONS) -> str:
    """The SQL text. Everything is one transaction, except where a migration says `-- no transaction`."""
    sources = read_sources(sql_folder, migrations_folder)
    return "\n\n".join(_parts(sources)) + "\n"


def _parts(sources: Sources) -> Iterator[str]:
    yield f"-- pgsluice {__version__} as one file, for a new database. Run it with: psql -f <this file> <database>"
    yield "\\set ON_ERROR_STOP on"
    yield from _begin()
    yield f"{_REFUSE};"
    # undefined_object: a right for a role that could not be made.
    yield from (_tolerant(statement, "insufficient_privilege or undefined_object") for statement in sources.roles)
    yield from _as_owner()
    yield f"{rights.LEND};"
    yield from _as_owner()
    for migration in sources.migrations:
        yield from _migration(migration)
    yield f"{rights.RETURN};"
    yield from _as_owner()
    yield _values("insert into sluice_internal.installs (version, digest) values ({}, {})", __version__, sources.digest)
    yield from (f"-- ---------------- sql/{file.path}\n{file.text.rstrip()}" for file in sources.files)
    yield "-- ---------------- sql/grants.sql"
    yield from (f"{statement};" for statement in (ledger.MANIFEST, ledger.CLOSE))
    yield from (_tolerant(statement, "undefined_object") for statement in sources.grants)
    yield _values(ledger.GRANTS.replace("%s", "{}"), list(sources.grants))
    yield "commit;"


def _begin() -> Iterator[str]:
    yield "begin isolation level read committed read write;"
    yield f"{ledger.LOCK};"
    yield f"{ledger.SETTINGS};"


def _as_owner() -> Iterator[str]:
    yield f"{rights.JOIN};"
    yield f"{ledger.FOUND};"


def _migration(migration: Migration) -> Iterator[str]:
    yield f"-- ---------------- migrations/{migration.name}"
    if migration.transactional:
        yield migration.text.rstrip()
    else:
        yield f"{rights.RETURN};"
        yield "commit;"
        yield from (f"{statement};" for statement in statements(migration.text))
        yield from _begin()
        yield f"{rights.LEND};"
        yield from _as_owner()
    yield _values("insert into sluice_internal.migrations (name, digest) values ({}, {})", migration.name, migration.digest)


def _tolerant(statement: str, conditions: str) -> str:
    """The statement, passed over with a warning when one of `conditions` is raised, silently when it was done before."""
    lines = [
        "do $tolerant$",
        "begin",
        f"    {_values('execute {}', statement)}",
        "exception",
        "    when duplicate_object or unique_violation then null;",
        f"    when {conditions} then raise warning 'left out: %', sqlerrm;",
        "end",
        "$tolerant$;",
    ]
    return "\n".join(lines)


def _values(template: str, *values: object) -> str:
    return sql.SQL(template).format(*map(sql.Literal, values)).as_string() + ";"
