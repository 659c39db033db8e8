from __future__ import annotations

import pytest

from pgsluice.db.rights import possible, reverse
from pgsluice.db.sources import read_sources, statements


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select 1; select 2", ["select 1", "select 2"]),
        ("select ';' ; select ''';'", ["select ';'", "select ''';'"]),
        (r"select e'\';'; select 2;", [r"select e'\';'", "select 2"]),
        ('select ";" ; select 2', ['select ";"', "select 2"]),
        ("do $$ begin; end $$; do $x$ $$ ; $$ $x$;", ["do $$ begin; end $$", "do $x$ $$ ; $$ $x$"]),
        ("-- a; b\nselect 1; /* ; */ select 2", ["select 1", "select 2"]),
        ("-- only a comment\n", []),
        ("create table t (\n\n  n int -- one; two\n);", ["create table t (\n  n int\n)"]),
        (" ;; ", []),
    ],
)
def test_statements(text: str, expected: list[str]) -> None:
    assert list(statements(text)) == expected


def test_the_real_folders_can_be_read() -> None:
    sources = read_sources()
    assert sources.migrations[0].name.startswith("0001_")
    assert "sluice_owner" in sources.role_names
    assert {"roles.sql", "grants.sql", "schema.sql", "install.sql"}.isdisjoint(file.path for file in sources.files)


@pytest.mark.parametrize(
    ("grant", "revoke"),
    [
        ("grant select on a, b to r", "revoke select on a, b from r"),
        ("GRANT execute on function f(int)\nto r, s with grant option", "revoke execute on function f(int) from r, s"),
        ("grant r to s", "revoke r from s"),
        ("revoke all on t from r", None),
        ("alter default privileges grant select on tables to r", None),
    ],
)
def test_a_grant_is_taken_back(grant: str, revoke: str | None) -> None:
    assert reverse(grant) == revoke


def test_grants_to_absent_roles_are_left_out() -> None:
    grants = ["grant select on t to sluice_reader", "grant select on t to sluice_reader_two", "grant select on t to public"]
    assert possible(grants, ["sluice_reader"]) == tuple(grants[1:])
    assert possible(grants, []) == tuple(grants)
