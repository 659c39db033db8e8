"""Roles and rights: what `roles.sql` and `grants.sql` need beyond running them.

Roles belong to the whole cluster. Several databases may make them at the same moment, a login without CREATEROLE cannot, and from
PostgreSQL 16 on a role's maker does not act as it until it has granted it to itself. None of that stops an install: what could not be
done is reported, with the statements that an administrator can run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, LiteralString

from psycopg import errors, sql

from pgsluice.db import ledger
from pgsluice.db.ledger import Connection, Item

# The login that migrates acts as the owner, and may use what an administrator and a poller use.
JOIN: Final[LiteralString] = """\
do $join$
declare
    v_role text;
begin
    foreach v_role in array array['sluice_owner', 'sluice_admin', 'sluice_poller'] loop
        if to_regrole(v_role) is not null and not pg_has_role(current_user, v_role, 'usage') then
            begin
                execute format('grant %I to %I', v_role, current_user);
            exception when insufficient_privilege or unique_violation then
                -- Left out, and reported; or another database of the cluster did the same just now.
                null;
            end;
        end if;
    end loop;
end
$join$"""

# While migrations run, the owner may make schemas, if this login may give that right. For the length of the transaction.
LEND: Final[LiteralString] = """\
reset role;
do $lend$
declare
    v_owner name := (select pg_get_userbyid(nspowner) from pg_namespace where nspname = 'sluice_internal');
begin
    if not has_database_privilege(v_owner, current_database(), 'create') then
        execute format('grant create on database %I to %I', current_database(), v_owner);
        perform set_config('pgsluice.lent', v_owner, true);
    end if;
exception when insufficient_privilege then
    null;
end
$lend$"""
RETURN: Final[LiteralString] = """\
reset role;
do $return$
begin
    if current_setting('pgsluice.lent', true) <> '' then
        execute format('revoke create on database %I from %I', current_database(), current_setting('pgsluice.lent'));
    end if;
end
$return$"""

# The login of the HTTP server on an embedded database, where whoever reaches the socket is trusted. It owns nothing.
SERVER_LOGIN: Final = "pgsluice_server"
MAKE_SERVER_LOGIN: Final[LiteralString] = """\
do $login$
begin
    if to_regrole('pgsluice_server') is null then
        create role pgsluice_server login;
    end if;
    if not pg_has_role('pgsluice_server', 'sluice_server', 'usage') then
        grant sluice_server to pgsluice_server;
    end if;
exception when duplicate_object or unique_violation then
    -- Another process did the same just now.
    null;
end
$login$"""

_GRANT: Final = re.compile(
    r"grant\s+(?P<what>.*?)\s+to\s+(?P<whom>\S.*?)(?:\s+with\s+(?:grant|admin)\s+option)?", re.IGNORECASE | re.DOTALL
)
_ALL: Final = re.compile(
    r"\bon\s+all\s+(?P<kind>tables|functions|sequences)\s+in\s+schema\s+(?P<schemas>\w+(?:\s*,\s*\w+)*)\s+(?=to\b|from\b)",
    re.IGNORECASE,
)
# Not allowed; made by another database a moment ago; a right for a role that could not be made.
_PASSED_OVER: Final = (errors.InsufficientPrivilege, errors.DuplicateObject, errors.UniqueViolation, errors.UndefinedObject)
_GONE: Final = (errors.UndefinedFunction, errors.UndefinedTable, errors.UndefinedObject, errors.UndefinedColumn, errors.InvalidSchemaName)


def missing_roles(conn: Connection, names: Sequence[str]) -> list[str]:
    """Those of `names` that this cluster does not have."""
    query = "select w.name from unnest(%s::text[]) as w (name) where to_regrole(quote_ident(w.name)) is null"
    return [name for (name,) in conn.execute(query, (list(names),))]


def make_roles(conn: Connection, statements: Iterable[str]) -> None:
    """Runs `roles.sql`, each statement in a savepoint, so that one which this login or this moment does not allow is passed over."""
    for statement in statements:
        try:
            with conn.transaction():
                conn.execute(statement)
        except _PASSED_OVER:
            continue


def possible(grants: Iterable[str], absent: Iterable[str]) -> tuple[str, ...]:
    """The statements of `grants.sql` that name no absent role."""
    pattern = "|".join(re.escape(role) for role in absent)
    return tuple(grant for grant in grants if not pattern or not re.search(rf"\b(?:{pattern})\b", grant))


def expand(conn: Connection, grant: str, items: Iterable[Item]) -> str | None:
    """`grant` with `all tables in schema …` spelled out as those of ours; None if there are none.

    As PostgreSQL means it, the words reach into what users keep in the schema, and fail on what belongs to somebody else.
    """
    match = _ALL.search(grant)
    if match is None:
        return grant
    kind = match["kind"].lower()
    names: list[str] = []
    for schema in re.split(r"\s*,\s*", match["schemas"]):
        if kind == "functions":
            names += sorted(item.identity for item in items if item.type == "function" and item.name.startswith(f"{schema}."))
        else:
            names += ledger.owned(conn, kind, schema)
    return f"{grant[: match.start()]}on {kind[:-1]} {', '.join(names)} {grant[match.end() :]}" if names else None


def reverse(grant: str) -> str | None:
    """The `revoke` that takes back one `grant` statement; None for any other statement."""
    match = _GRANT.fullmatch(grant)
    return f"revoke {match['what']} from {match['whom']}" if match else None


def give(conn: Connection, grant: str, items: Iterable[Item]) -> None:
    """Runs one statement of `grants.sql`; `items` are our functions."""
    spelled = expand(conn, grant, items)
    if spelled is not None:
        conn.execute(spelled)


def take_back(conn: Connection, grants: Iterable[str], items: Iterable[Item]) -> None:
    """Revokes what earlier grants gave on `items`; an object or role that is gone took its rights along."""
    for grant in grants:
        revoke = reverse(expand(conn, grant, items) or "")
        if revoke is not None:
            try:
                with conn.transaction():
                    conn.execute(revoke)
            except _GONE:
                continue


def left_out(conn: Connection, absent: Sequence[str], roles: Iterable[str]) -> tuple[list[str], list[str]]:
    """What the rights of this login did not allow, in words; and the statements that make up for it. Asked as the login itself."""
    row = conn.execute("select current_user, pg_get_userbyid(nspowner) from pg_namespace where nspname = 'sluice_internal'").fetchone()
    assert row is not None  # the install made it
    login, owner = row
    if absent:
        words = f"{login} may not create the roles {', '.join(absent)}: everything belongs to {owner}, who may grant it to others"
        return [words], [f"{statement};" for statement in roles]
    told = [] if owner == "sluice_owner" else [f"the objects belong to {owner}, not to sluice_owner"]
    outside = [role for role in ("sluice_admin", "sluice_poller") if not _uses(conn, role)]
    if not outside:
        return told, []
    told.append(f"{login} is not a member of {', '.join(outside)}, and may not make itself one")
    grant = sql.SQL(f"grant {', '.join(outside)} to {{}};").format(sql.Identifier(login))
    return told, [grant.as_string()]


def _uses(conn: Connection, role: str) -> bool:
    row = conn.execute("select to_regrole(%s) is null or pg_has_role(current_user, to_regrole(%s), 'usage')", (role, role)).fetchone()
    return row is not None and bool(row[0])
