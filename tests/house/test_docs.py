"""Every public function and every command has its heading in `docs/reference/`, and one word finds it everywhere."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from house.sql_rules import functions

from pgsluice.db.client import Client
from pgsluice.db.sources import ROOT, SQL

REFERENCE = ROOT / "docs/reference"
# A function that has no command of its own name, with the reason.
NO_COMMAND: dict[str, str] = {
    "provider_create",
}


def public_names() -> list[str]:
    return [function.name for function in functions(SQL) if function.schema == "sluice"]


def headings(folder: Path) -> set[str]:
    """Headings of the reference, without their marks."""
    return {
        re.sub(r"[`*]", "", line.lstrip("#")).strip()
        for path in folder.glob("*.md")
        for line in path.read_text().splitlines()
        if line.startswith("#")
    }


def commands(command: click.Command, path: str = "") -> Iterator[str]:
    """`stream create`, `migrate`, …: every command that does something."""
    if isinstance(command, click.Group):
        for name, sub in command.commands.items():
            yield from commands(sub, f"{path} {name}".strip())
    else:
        yield path


def undocumented(names: list[str], found: set[str]) -> list[str]:
    return [name for name in names if not any(heading in {name, f"pgsluice {name}"} for heading in found)]


@pytest.fixture
def cli() -> click.Command:
    main = importlib.import_module("pgsluice.cli").main
    assert isinstance(main, click.Command)
    return main


def test_every_function_is_in_the_reference() -> None:
    assert undocumented(public_names(), headings(REFERENCE)) == []


def test_every_command_is_in_the_reference(cli: click.Command) -> None:
    assert undocumented(list(commands(cli)), headings(REFERENCE)) == []


def test_every_function_has_a_command_and_a_method(cli: click.Command) -> None:
    known = set(commands(cli))
    lacking = [name for name in public_names() if name.replace("_", " ") not in known and name not in NO_COMMAND]
    assert [name for name in lacking if not _command_of(name, known)] == []
    assert [name for name in public_names() if not hasattr(Client, name)] == []


def _command_of(name: str, known: set[str]) -> bool:
    """`dead_letter_retry` is `dead-letter retry`: the last word is the verb."""
    noun, _, verb = name.rpartition("_")
    return f"{noun.replace('_', '-')} {verb}" in known


def test_every_function_has_a_test_of_its_name() -> None:
    tests = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    names = public_names()
    tested = {name for line in re.findall(r"def test_(\w+)", tests) for name in names if line.startswith(name) or _among(name, line)}
    assert [name for name in names if name not in tested] == []


def _among(name: str, test: str) -> bool:
    """`test_mutation_run_result_cancel` tests `mutation_cancel` too."""
    noun, _, verb = name.rpartition("_")
    return test.startswith(f"{noun}_") and verb in test.split("_")


def test_what_lacks_a_heading_is_seen(tmp_path: Path) -> None:
    (tmp_path / "sql.md").write_text("# All\n\n## `stream_create`\n\ntext about stream_delete\n### pgsluice stream list\n")
    assert undocumented(["stream_create", "stream_delete", "stream list"], headings(tmp_path)) == ["stream_delete"]
