"""The snippets of the page about workers, as printed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from isolation.sessions import World, obj, until

from pgsluice.db.sources import ROOT

PAGE = (ROOT / "docs/how-to/workers.md").read_text()
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def place(world: World, db: str, tmp_path: Path) -> dict:
    world.look.rows("select stream_create('dev')")
    world.look.rows("select sync_create('dev', 'push', 'shop')")
    world.look.ingest(obj("o1", {"total": 42}), obj("o2", {"total": 7}), obj("o3", {"no": "total"}), sync="shop", collection="push:order")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PGSLUICE_DATABASE_URL": db, "PATH": path, "PYTHONUNBUFFERED": "1"}
    return {"cwd": tmp_path, "env": environment, "text": True}


def shell(script: str, place: dict) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "-euc", script], capture_output=True, check=False, timeout=60, **place)


# What each program prints, and what it leaves: dead letters, messages that come again.
EXPECTED = [
    ("push:order o1 {'total': 42}", {}, set()),
    ("o1 42", {"o3": "an order without a total"}, set()),
    ("", {}, {"o3"}),
    ("o3", {}, set()),
]


@pytest.mark.parametrize("number", range(len(EXPECTED)))
def test_programs(world: World, place: dict, number: int) -> None:
    said, dead, again = EXPECTED[number]
    assert shell(COMMANDS[0], place).returncode == 0
    info = "select num_pending, num_ack_pending from consumer_info('billing')"
    with subprocess.Popen([sys.executable, "-c", PROGRAMS[number]], stdout=subprocess.PIPE, **place) as process:
        try:
            until(lambda: tuple(world.look.one(info)) == (0, len(again)), "all is handled")
            process.send_signal(signal.SIGTERM)
            out, _ = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 0
    assert said in out
    assert {name: row.reason for name, row in world.look.dead("billing").items()} == dead
    if again:
        assert world.look.rows("select order_id, total from public.invoices order by 1") == [("o1", 42), ("o2", 7)]


def test_commands(world: World, place: dict) -> None:
    done = shell("".join(COMMANDS), place)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('"upstream_id"') == 3
    assert done.stderr.count("delivery 1\n") == 3
    assert "3 acked" in done.stderr


def test_every_program_has_its_expectation() -> None:
    assert len(PROGRAMS) == len(EXPECTED)
    assert len(COMMANDS) == 2
