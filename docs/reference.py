"""Writes what is generated: docs/reference, sql/schema.sql, the facts of providers in sql/internal. `make docs` runs it; tests compare."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import psycopg

from pgsluice.cli import main as command_line
from pgsluice.db import embedded
from pgsluice.db.dump import schema_dump
from pgsluice.db.migrate import migrate

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"

FUNCTIONS = """
select p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), obj_description(p.oid, 'pg_proc')
from pg_proc as p
where p.pronamespace = 'sluice'::regnamespace
order by p.proname
"""
RELATIONS = """
select c.relname, obj_description(c.oid, 'pg_class'),
    array_agg(a.attname || ' ' || format_type(a.atttypid, null) order by a.attnum)
from pg_class as c
inner join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relnamespace = 'sluice'::regnamespace and c.relkind in ('r', 'v', 'c')
group by c.oid, c.relname
order by c.relkind = 'c', c.relname
"""
ERRORS = "select code, name, http_status, meaning from sluice.errors order by code"

SQL_HEAD = """# SQL reference

Made from the database's own comments by `make docs`; do not edit. All of it is in the schema `sluice`. Parameters can be given by
position or by name. Times are `timestamptz`, durations `interval`.
"""
CLI_HEAD = """# Command line

Made from the commands themselves by `make docs`; do not edit. Every option can be set in the environment
(`PGSLUICE_DATABASE_URL`), those of `pgsluice` itself also in `pgsluice.toml`. Exit status: 0 done, 1 an error, 2 wrong usage,
3 it runs already, 75 the database is away: try again.
"""


def sql_reference(conn: psycopg.Connection[Any]) -> str:
    """The page of functions, table, views, row types and errors."""
    lines = [SQL_HEAD, "## Functions", ""]
    for name, arguments, result, comment in conn.execute(FUNCTIONS):
        lines += [f"### {name}", "", "```sql", f"{name}({arguments})", f"returns {result}", "```", "", f"{comment}", ""]
    lines += ["## The table, the views and the row types", ""]
    for name, comment, columns in conn.execute(RELATIONS):
        lines += [f"### {name}", "", f"{comment}", "", *(f"- `{column}`" for column in columns), ""]
    lines += ["## Errors", "", "| code | name | HTTP | meaning |", "|---|---|---|---|"]
    lines += [f"| {code} | {name} | {status} | {meaning} |" for code, name, status, meaning in conn.execute(ERRORS)]
    return "\n".join(lines) + "\n"


def cli_reference() -> str:
    """The page of commands: each with the help that it prints."""
    lines = [CLI_HEAD]
    for path, command in commands(command_line, "pgsluice"):
        context = click.Context(command, info_name=path, terminal_width=100, help_option_names=["-h", "--help"])
        lines += [f"## {path}", "", "```text", command.get_help(context).rstrip(), "```", ""]
    return "\n".join(lines)


def commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """The command and all below it, with their full names."""
    yield path, command
    if isinstance(command, click.Group):
        for name in sorted(command.commands):
            yield from commands(command.commands[name], f"{path} {name}")


def load_facts() -> ModuleType:
    """What SQL has of the providers."""
    return _beside("facts")


def document_reference() -> str:
    """The page about provider documents."""
    return str(_beside("documents").page())


def _beside(name: str) -> ModuleType:
    """A file beside this one, which is in no package."""
    spec = importlib.util.spec_from_file_location(f"docs_{name}", ROOT / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[f"docs_{name}"] = module
    spec.loader.exec_module(module)
    return module


def main() -> None:
    load_facts().write(ROOT / "sql")
    folder = Path(tempfile.mkdtemp(prefix="pgsluice-docs-"))
    folder.chmod(0o711)
    try:
        with embedded.start(folder / "data", durable=False) as server:
            migrate(server.conninfo)
            (ROOT / "sql" / "schema.sql").write_text(schema_dump(server.conninfo), encoding="utf-8")
            with psycopg.connect(server.conninfo) as conn:
                (REFERENCE / "sql.md").write_text(sql_reference(conn), encoding="utf-8")
        (REFERENCE / "cli.md").write_text(cli_reference(), encoding="utf-8")
        (REFERENCE / "documents.md").write_text(document_reference(), encoding="utf-8")
        embedded.wait_until_stopped(folder / "data")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
