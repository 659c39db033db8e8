"""The files of `sql/` and `migrations/` keep the rules, and each rule sees what breaks it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from house.sql_rules import MIGRATION_RULES, SQL_RULES, every_body_parses, functions
from sqlfluff.core import FluffConfig, Linter

from pgsluice.db.sources import MIGRATIONS, ROOT, SQL

Rule = Callable[[Path], list[str]]

GOOD = """
create or replace function sluice.stream_paint(stream_id text)
returns int
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_n int := 1;
begin
    perform sluice_internal._authorize(stream_paint.stream_id, 'admin');
    return v_n;
end
$$;
comment on function sluice.stream_paint(text) is 'Paints a stream.';
"""
HELPER = """
create or replace function sluice_internal._one()
returns int
language sql
set search_path = pg_catalog, pg_temp
return 1;
comment on function sluice_internal._one() is 'One.';
"""
VIEW = """
create or replace view sluice.paints as select 1 as n;
comment on view sluice.paints is 'Paints.';
"""


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """A small `sql/` that keeps all rules."""
    sql = tmp_path / "sql"
    for path, text in {
        "streams/stream_paint.sql": GOOD,
        "internal/_one.sql": HELPER,
        "views/paints.sql": VIEW,
        "install.sql": "-- all\n\\ir internal/_one.sql\n\\ir views/paints.sql\n\\ir streams/stream_paint.sql\n",
        "roles.sql": "create role sluice_owner nologin;\n",
        "grants.sql": "grant select on sluice.paints to sluice_reader;\n",
    }.items():
        (sql / path).parent.mkdir(parents=True, exist_ok=True)
        (sql / path).write_text(text)
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations/0001_first.sql").write_text("create table sluice_internal.t (n int default length('x'));\n")
    return sql


@pytest.mark.parametrize("rule", SQL_RULES, ids=lambda rule: rule.__name__)
def test_sql(rule: Rule) -> None:
    assert rule(SQL) == []


@pytest.mark.parametrize("rule", MIGRATION_RULES, ids=lambda rule: rule.__name__)
def test_migrations(rule: Rule) -> None:
    assert rule(MIGRATIONS) == []


def test_the_sample_keeps_all_rules(sample: Path) -> None:
    assert [finding for rule in SQL_RULES for finding in rule(sample)] == []
    assert [finding for rule in MIGRATION_RULES for finding in rule(sample.parent / "migrations")] == []


BROKEN_SQL = [
    ("every_file_is_installed_once", "install.sql", "\\ir views/paints.sql", "-- not"),
    ("every_file_is_installed_once", "install.sql", "\\ir views/paints.sql", "\\ir views/paints.sql\n\\ir views/paints.sql"),
    ("every_file_is_installed_once", "install.sql", "\\ir views/paints.sql", "\\ir views/paints.sql\n\\ir views/gone.sql"),
    ("one_object_a_file_of_its_name", "views/paints.sql", "sluice.paints as", "sluice.colours as"),
    ("one_object_a_file_of_its_name", "views/paints.sql", VIEW, VIEW + VIEW),
    ("one_object_a_file_of_its_name", "internal/_one.sql", "sluice_internal._one()\nreturns", "sluice._one()\nreturns"),
    ("one_object_a_file_of_its_name", "internal/_one.sql", HELPER, "select 1;"),
    ("one_object_a_file_of_its_name", "streams/stream_paint.sql", "function sluice.stream_paint(", "function sluice.paint_stream("),
    ("every_object_has_a_comment_of_one_line", "views/paints.sql", "comment on view sluice.paints is 'Paints.';", ""),
    ("every_object_has_a_comment_of_one_line", "views/paints.sql", "'Paints.'", "'Paints\nand more.'"),
    ("every_function_pins_its_search_path", "internal/_one.sql", "set search_path = pg_catalog, pg_temp\n", ""),
    ("every_function_pins_its_search_path", "internal/_one.sql", "pg_catalog, pg_temp", "pg_temp, pg_catalog"),
    ("public_functions_authorise_first", "streams/stream_paint.sql", "security definer\n", ""),
    (
        "public_functions_authorise_first",
        "streams/stream_paint.sql",
        "perform sluice_internal._authorize(stream_paint.stream_id, 'admin');",
        "",
    ),
    ("public_functions_authorise_first", "streams/stream_paint.sql", "    perform", "    v_n := 2;\n    perform"),
    ("public_functions_authorise_first", "streams/stream_paint.sql", "    perform", "    v_n := 2; -- first _authorize\n    perform"),
    ("no_bare_records_and_no_prefixes", "internal/_one.sql", "returns int", "returns record"),
    ("no_bare_records_and_no_prefixes", "internal/_one.sql", "._one()\nreturns", "._one(p_n int)\nreturns"),
    ("every_body_parses", "streams/stream_paint.sql", "return v_n;", "retrun v_n;"),
    ("every_body_parses", "streams/stream_paint.sql", "begin\n", "begin\n    if true then\n"),
    ("grants_are_grants", "grants.sql", "grant select", "alter default privileges revoke execute on functions from public; grant select"),
    ("roles_are_made_one_by_one", "roles.sql", "nologin", "login"),
    ("roles_are_made_one_by_one", "roles.sql", "sluice_owner", "owner_of_all"),
    ("files_are_short", "views/paints.sql", VIEW, VIEW + "\n" * 160),
    ("lines_are_short", "views/paints.sql", "select 1 as n", "select 1 as n /* " + "x" * 140 + " */"),
]


@pytest.mark.parametrize(("rule", "path", "old", "new"), BROKEN_SQL, ids=lambda value: None)
def test_each_rule_sees_what_breaks_it(sample: Path, rule: str, path: str, old: str, new: str) -> None:
    text = (sample / path).read_text()
    assert old in text
    (sample / path).write_text(text.replace(old, new, 1))
    (check,) = [known for known in SQL_RULES if known.__name__ == rule]
    assert check(sample)


def test_every_rule_has_a_sample_that_breaks_it() -> None:
    assert {rule for rule, *_ in BROKEN_SQL} == {rule.__name__ for rule in SQL_RULES}


@pytest.mark.parametrize(
    "text",
    [
        HELPER,
        VIEW,
        "create trigger t after insert on sluice_internal.t for each row execute function f();",
        "insert into sluice_internal.t select sluice_internal._one();",
        "do $$ begin perform sluice_internal._one(); end $$;",
        "-- no transaction\ncreate index concurrently i on sluice_internal.t (n);",
    ],
)
def test_migrations_that_break_the_rules(sample: Path, text: str) -> None:
    (sample.parent / "migrations/0002_second.sql").write_text(text)
    assert [finding for rule in MIGRATION_RULES for finding in rule(sample.parent / "migrations")]


def test_a_gap_in_the_numbers(sample: Path) -> None:
    (sample.parent / "migrations/0003_third.sql").write_text("select 1;")
    assert [finding for rule in MIGRATION_RULES for finding in rule(sample.parent / "migrations")]


def test_bodies_of_sql_functions_are_parsed(sample: Path) -> None:
    text = HELPER.replace("return 1;", "as $$ selct 1 $$;")
    (sample / "internal/_one.sql").write_text(text)
    assert every_body_parses(sample)


def test_there_are_functions_to_look_at() -> None:
    assert len(functions(SQL)) > 30


def lint(*texts: Path) -> list[str]:
    linter = Linter(config=FluffConfig.from_path(str(ROOT)))
    return [
        f"{path} {error.rule_code()} line {error.line_no}: {error.desc()}"
        for path in texts
        for error in linter.lint_string(path.read_text(), fname=str(path)).get_violations()
    ]


@pytest.mark.timeout(600)  # sqlfluff is slow on a machine that has other work
def test_layout_of_migrations_and_views() -> None:
    assert lint(*sorted(MIGRATIONS.glob("*.sql")), *sorted((SQL / "views").glob("*.sql")), SQL / "errors.sql") == []


def test_layout_is_seen(tmp_path: Path) -> None:
    (tmp_path / "loud.sql").write_text("SELECT a,b FROM t;\n")
    assert lint(tmp_path / "loud.sql")
