from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pgsluice.cli import main

KEY = "ab" * 32


@pytest.fixture
def run(db: str, monkeypatch: pytest.MonkeyPatch, tmp_path) -> Callable[..., Result]:
    """`run("stream", "list")` on a fresh migrated database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PGSLUICE_DATABASE_URL", db)
    monkeypatch.setenv("PGSLUICE_MASTER_KEY", KEY)

    def call(*arguments: str, **options: Any) -> Result:
        return CliRunner().invoke(main, list(arguments), prog_name="pgsluice", **options)

    return call


@pytest.fixture
def ok(run: Callable[..., Result]) -> Callable[..., Any]:
    """As `run`, with --json: what it printed. The command must have succeeded."""

    def call(*arguments: str, **options: Any) -> Any:
        done = run(*arguments, "--json", **options)
        assert (done.exit_code, done.stderr) == (0, "")
        return json.loads(done.stdout)

    return call
