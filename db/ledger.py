"""What a database remembers of `migrate`: the migrations that ran, the installs, and which objects each install made.

The manifest of an install is read from the catalogue, not from the files: it holds the functions and views whose catalogue rows were
written by the transaction (or savepoint) that also wrote the install's own row, which their `xmin` shows. So it names exactly what the
install created or replaced, with PostgreSQL's own spelling of the signatures, and never an object that a user put into the schemas.
Triggers and policies cannot be replaced in place, so the files make them only where they are missing: those stay in the manifest
while they exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import class_row

Connection = psycopg.Connection[tuple[Any, ...]]

# Asked for again and again rather than waited for: a waiting statement holds a snapshot, and `create index concurrently`, which another
# `migrate` may be at, waits for every snapshot to end. PostgreSQL sees no deadlock in that.
TRY_LOCK: Final[LiteralString] = "select pg_try_advisory_xact_lock(hashtextextended('pgsluice migrate', 0))"
LOCK: Final[LiteralString] = TRY_LOCK.replace("_try", "")

# The search path is empty so that a name without its schema fails here, on the first machine, and not where somebody has another path.
SETTINGS: Final[LiteralString] = """\
set local lock_timeout = 0;
set local statement_timeout = 0;
set local idle_in_transaction_session_timeout = 0;
set local client_min_messages = warning;
set local check_function_bodies = on;
set local search_path = pg_catalog, pg_temp;
set local jit = off"""

# Locks are asked for briefly beside a running application: a waiting `alter table` makes everybody behind it wait as well, so `migrate`
# gives up and comes back. And well within deadlock_timeout (1 s): where it waits for somebody who waits for it, PostgreSQL ends whoever
# has waited for a second first, which would be an application in the middle of its work.
_BRIEFLY: Final[LiteralString] = "set local lock_timeout = '400ms'"

# The schemas belong to sluice_owner where that role exists and may be used, else to the login. Whoever owns them already goes on to do
# so. A role that may not act as the owner is told so by the 42501 of set_config or of the first statement.
FOUND: Final[LiteralString] = """\
do $found$
declare
    v_owner name := (select pg_get_userbyid(nspowner) from pg_namespace where nspname = 'sluice_internal');
begin
    if v_owner is null and to_regrole('sluice_owner') is not null then
        begin
            create schema sluice_internal authorization sluice_owner;
            create schema if not exists sluice authorization sluice_owner;
            v_owner := 'sluice_owner';
        exception when insufficient_privilege then
            v_owner := null;
        end;
    end if;
    if v_owner is null then
        create schema sluice_internal;
        create schema if not exists sluice;
        v_owner := current_user;
    end if;
    if v_owner <> current_user then
        perform set_config('role', v_owner, true);
    end if;
    -- Checked first: `if not exists` says so aloud each time it has nothing to do.
    if to_regclass('sluice_internal.installs') is null then
        create table sluice_internal.migrations (
            name text primary key,
            digest text not null,
            applied_at timestamptz not null default clock_timestamp()
        );
        comment on table sluice_internal.migrations is 'The files of migrations/ that ran here, with the digest each had.';
        create table sluice_internal.installs (
            install_id bigint generated always as identity primary key,
            version text not null,
            digest text not null,
            manifest jsonb not null default '[]',
            grants text[] not null default '{}',
            installed_at timestamptz not null default clock_timestamp()
        );
        comment on table sluice_internal.installs is
        'Each time that sql/ was applied here: the digest of its files, the objects it made, the rights it gave.';
    end if;
end
$found$"""

# Every function, view, trigger and policy in our schemas. `written` is the transaction that wrote its catalogue row; a view's is that of
# its rule, which `create or replace view` always rewrites.
OBJECTS: Final[LiteralString] = """\
select o.classid, o.objid, o.written, o.acl, o.owner, i.type, i.identity,
    quote_ident(o.schema_name) || '.' || quote_ident(o.object_name) as name
from (
    select 'pg_proc'::regclass as classid, p.oid as objid, p.xmin as written, p.proacl as acl, p.proowner as owner,
        p.pronamespace::regnamespace::text as schema_name, p.proname as object_name
    from pg_catalog.pg_proc as p
    union all
    select 'pg_class'::regclass, c.oid, w.xmin, c.relacl, c.relowner, c.relnamespace::regnamespace::text, c.relname
    from pg_catalog.pg_class as c
    join pg_catalog.pg_rewrite as w on w.ev_class = c.oid and w.rulename = '_RETURN'
    where c.relkind = 'v'
    union all
    select 'pg_trigger'::regclass, t.oid, t.xmin, null, c.relowner, c.relnamespace::regnamespace::text, t.tgname
    from pg_catalog.pg_trigger as t
    join pg_catalog.pg_class as c on c.oid = t.tgrelid
    where not t.tgisinternal
    union all
    select 'pg_policy'::regclass, y.oid, y.xmin, null, c.relowner, c.relnamespace::regnamespace::text, y.polname
    from pg_catalog.pg_policy as y
    join pg_catalog.pg_class as c on c.oid = y.polrelid
) as o
cross join lateral pg_catalog.pg_identify_object(o.classid, o.objid, 0) as i
where o.schema_name in ('sluice', 'sluice_internal')"""

# The row of the install was written by the same (sub)transaction as the objects that it made.
MANIFEST: Final[LiteralString] = f"""\
update sluice_internal.installs as n
set manifest = coalesce((
    select jsonb_agg(jsonb_build_object('type', o.type, 'name', o.name, 'identity', o.identity) order by o.type, o.identity)
    from ({OBJECTS}) as o
    where o.written = n.xmin
        or o.type in ('trigger', 'policy') and exists (
            select from sluice_internal.installs as p
            where p.manifest @> jsonb_build_array(jsonb_build_object('type', o.type, 'identity', o.identity))
        )
), '[]')
where n.install_id = (select max(install_id) from sluice_internal.installs)"""

GRANTS: Final[LiteralString] = """\
update sluice_internal.installs set grants = %s where install_id = (select max(install_id) from sluice_internal.installs)"""

# PostgreSQL gives EXECUTE on a new function to everybody. Function by function: the `all functions in schema` form would reach
# into functions that users keep there, and fails on one that belongs to someone else.
CLOSE: Final[LiteralString] = """\
do $close$
declare
    v_object record;
begin
    for v_object in
        select o.type, o.identity
        from sluice_internal.installs as n
        cross join lateral jsonb_to_recordset(n.manifest) as o (type text, identity text)
        where n.install_id = (select max(install_id) from sluice_internal.installs)
            and o.type in ('function', 'procedure')
    loop
        execute format('revoke all on %s %s from public', v_object.type, v_object.identity);
    end loop;
end
$close$"""


@dataclass(frozen=True)
class Item:
    """An object that an install made: its type and identity in `pg_identify_object`'s words, `name` without the arguments."""

    type: str
    name: str
    identity: str

    @property
    def object_name(self) -> str:
        """`name` without its schema and quotes: the name of the file."""
        return self.name.rpartition(".")[2].strip('"')

    @property
    def drop(self) -> str:
        # Identities come out of pg_identify_object, quoted where they must be.
        return f"drop {self.type} if exists {self.identity}"


@dataclass(frozen=True)
class Install:
    """The newest row of `sluice_internal.installs`."""

    digest: str
    version: str
    grants: tuple[str, ...]
    items: frozenset[Item]


def hold(conn: Connection) -> None:
    """Begins a transaction's work: ours alone in this database. Raises LockNotAvailable while another `migrate` is at it."""
    row = conn.execute(TRY_LOCK).fetchone()
    if row != (True,):
        raise psycopg.errors.LockNotAvailable("another pgsluice migrate is at work in this database")
    conn.execute(SETTINGS)
    conn.execute(_BRIEFLY)


def applied(conn: Connection) -> dict[str, str]:
    """Name and digest of the migrations that ran here."""
    rows = conn.execute('select name, digest from sluice_internal.migrations order by name collate "C"').fetchall()
    return dict(rows)


def record_migration(conn: Connection, name: str, digest: str) -> None:
    conn.execute("insert into sluice_internal.migrations (name, digest) values (%s, %s)", (name, digest))


def latest_install(conn: Connection) -> Install | None:
    """What the last `migrate` installed; None on a database that has tables at most."""
    row = conn.execute("select digest, version, grants, manifest from sluice_internal.installs order by install_id desc limit 1").fetchone()
    if row is None:
        return None
    return Install(row[0], row[1], tuple(row[2]), frozenset(Item(**item) for item in row[3]))


def begin_install(conn: Connection, version: str, digest: str) -> None:
    """Writes the row that marks this (sub)transaction's objects. Must run in the same savepoint as the files."""
    conn.execute("insert into sluice_internal.installs (version, digest) values (%s, %s)", (version, digest))


def finish_install(conn: Connection) -> Install:
    """Reads the manifest from the catalogue, records it, and takes what is in it from PUBLIC."""
    conn.execute(MANIFEST)
    conn.execute(CLOSE)
    install = latest_install(conn)
    assert install is not None  # begin_install wrote it
    return install


def record_grants(conn: Connection, grants: Sequence[str]) -> None:
    conn.execute(GRANTS, (list(grants),))


_OLDER: Final[LiteralString] = """\
select i.type, p.pronamespace::regnamespace::text || '.' || quote_ident(p.proname) as name, i.identity
from pg_catalog.pg_proc as p
cross join lateral pg_catalog.pg_identify_object('pg_proc'::regclass, p.oid, 0) as i
where p.proname = %s
    and p.pronamespace::regnamespace::text in ('sluice', 'sluice_internal')
    and p.xmin <> (select n.xmin from sluice_internal.installs as n order by n.install_id desc limit 1)"""

# A view is reached through its rule, and what uses a view's row type through that type.
_LEANING: Final[LiteralString] = f"""\
with recursive objects as materialized ({OBJECTS}),
leaning (classid, objid) as (
    select o.classid::oid, o.objid
    from objects as o
    join unnest(%(types)s::text[], %(identities)s::text[]) as w (type, identity) on (w.type, w.identity) = (o.type, o.identity)
    union
    select case when w.oid is null then d.classid else 'pg_class'::regclass end, coalesce(w.ev_class, d.objid)
    from leaning as l
    join pg_catalog.pg_depend as d on d.refclassid = l.classid and d.refobjid = l.objid and d.deptype in ('n', 'a', 'i')
    left join pg_catalog.pg_rewrite as w on d.classid = 'pg_rewrite'::regclass and w.oid = d.objid
)
select o.type, o.name, o.identity
from objects as o
join leaning as l on l.classid = o.classid and l.objid = o.objid"""

_RIGHTS: Final[LiteralString] = f"""\
select o.type, o.name, a.privilege_type as privilege, r.rolname as grantee, a.is_grantable as grantable
from ({OBJECTS}) as o
join unnest(%(types)s::text[], %(identities)s::text[]) as w (type, identity) on (w.type, w.identity) = (o.type, o.identity)
cross join lateral pg_catalog.aclexplode(o.acl) as a
join pg_catalog.pg_roles as r on r.oid = a.grantee
where a.grantee <> o.owner and r.rolname <> all (%(ours)s)"""


@dataclass(frozen=True)
class Right:
    """A right on one of our objects that somebody gave to a role of their own."""

    type: str
    name: str
    privilege: str
    grantee: str
    grantable: bool


def present(conn: Connection) -> set[Item]:
    """Every function, view, trigger and policy in our schemas, a user's own included."""
    query: LiteralString = f"select o.type, o.name, o.identity from ({OBJECTS}) as o"
    return set(conn.cursor(row_factory=class_row(Item)).execute(query))


def owned(conn: Connection, kind: str, schema: str) -> list[str]:
    """The tables and views (`kind` 'tables') or sequences of a schema that belong to the current role, quoted."""
    kinds = ["r", "p", "v", "m"] if kind == "tables" else ["S"]
    rows = conn.execute(
        "select quote_ident(n.nspname) || '.' || quote_ident(c.relname) from pg_catalog.pg_class as c"
        " join pg_catalog.pg_namespace as n on n.oid = c.relnamespace join pg_catalog.pg_roles as r on r.oid = c.relowner"
        " where n.nspname = %s and c.relkind::text = any (%s) and r.rolname = current_user order by 1",
        (schema, kinds),
    )
    return [name for (name,) in rows]


def older_overloads(conn: Connection, name: str) -> set[Item]:
    """The functions called `name` that the running install has not written."""
    return set(conn.cursor(row_factory=class_row(Item)).execute(_OLDER, (name,)))


def leaning_on(conn: Connection, items: Iterable[Item]) -> set[Item]:
    """`items` and everything in our schemas that depends on them, at any remove."""
    return set(conn.cursor(row_factory=class_row(Item)).execute(_LEANING, _named(items)))


def drop(conn: Connection, items: Iterable[Item]) -> None:
    """Drops `items`, never by cascade: in rounds, until what some of them lean on is free.

    Raises DependentObjectsStillExist, whose detail names the object, when something outside `items` leans on one of them.
    """
    left = sorted(items, key=lambda item: (item.type in {"function", "procedure"}, item.type, item.identity))
    while left:
        stuck: list[Item] = []
        for item in left:
            try:
                with conn.transaction():
                    conn.execute(item.drop)
            except psycopg.errors.DependentObjectsStillExist:
                if len(stuck) == len(left) - 1:
                    raise
                stuck.append(item)
        left = stuck


def rights_of_others(conn: Connection, items: Iterable[Item], ours: Sequence[str]) -> set[Right]:
    """The rights on `items` of roles that are not `ours`: a dropped object loses them, its successor should not."""
    return set(conn.cursor(row_factory=class_row(Right)).execute(_RIGHTS, {**_named(items), "ours": list(ours)}))


def give_back(conn: Connection, rights: Iterable[Right], items: Iterable[Item]) -> None:
    """Grants `rights` on those of `items` that have the same name, whatever their arguments are now."""
    by_name = {(item.type, item.name): item for item in items}
    for right in rights:
        item = by_name.get((right.type, right.name))
        if item is not None:
            kind = "table" if item.type == "view" else item.type
            words = f"grant {right.privilege} on {kind} {item.identity} to {{}}"
            conn.execute(sql.SQL(words).format(sql.Identifier(right.grantee)) + sql.SQL(" with grant option" if right.grantable else ""))


def _named(items: Iterable[Item]) -> dict[str, list[str]]:
    listed = list(items)
    return {"types": [item.type for item in listed], "identities": [item.identity for item in listed]}
