"""The guide to many pollers: its commands as printed, started beside each other, and what it says of them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from e2e.polling import KEY_TEXT, NEWEST, connect, stored, sync, until
from fakes.stripe import StripeFake

from pgsluice.db.sources import ROOT
from pgsluice.poller.loop import Settings

PAGE = (ROOT / "docs/how-to/pollers.md").read_text()
COMMANDS = [line.partition("#") for line in re.findall(r"^    (pgsluice .*)$", PAGE, re.MULTILINE)]
pytestmark = NEWEST


@contextmanager
def started(command: str, environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A command of the page, in a shell that becomes it."""
    with log.open("wb") as file:
        process = subprocess.Popen(["bash", "-euc", f"exec {command}"], env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def workers(log: Path) -> int | None:
    """How many syncs it works on at once, as it says once it is ready."""
    found = re.search(r"poller ready .*workers=(\d+)", log.read_text())
    return None if found is None else int(found[1])


def number(pattern: str) -> int:
    """A number that the page says."""
    found = re.search(pattern, " ".join(PAGE.split()))
    assert found is not None, pattern
    words = {"ten": 10}
    return words.get(found[1]) or int(found[1])


@pytest.mark.timeout(300)
def test_the_commands_do_what_the_page_says(db: str, conn: psycopg.Connection[Any], stripe_fake: StripeFake, tmp_path: Path) -> None:
    (poll, _, _), (many, _, said), (slow, _, _) = COMMANDS
    stripe_fake.seed(customers=3)
    connect(db, stripe_fake)
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PGSLUICE_DATABASE_URL": db,
        "PGSLUICE_MASTER_KEY": KEY_TEXT,
        "PGSLUICE_ALLOW_PRIVATE_ADDRESSES": "1",
    }
    # The pause between two readings of an account; that of one sync overrides it.
    with started(slow, environment, tmp_path / "slow") as process:
        until(lambda: sync(db)["status"] == "active", 60)
        assert stored(db)["customer"].keys() == stripe_fake.objects("customer").keys()
        pause = "select extract(epoch from next_attempt_at - last_success_at) from syncs"
        asked = number(r"--poll-interval (\d+)")
        assert until(lambda: (conn.execute(pause).fetchone() or [0])[0]) == pytest.approx(asked, rel=0.25)
        conn.execute("select sync_update('acme', sync_frequency => '1 second')")
        last = sync(db)["last_success_at"]
        until(lambda: sync(db)["last_success_at"] > last, 60)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    # As often as you like, beside each other.
    with ExitStack() as stack:
        logs = [tmp_path / "poll", tmp_path / "many"]
        both = [stack.enter_context(started(command, environment, log)) for command, log in zip((poll, many), logs, strict=True)]
        until(lambda: all(workers(log) for log in logs), 60)
        assert [workers(log) for log in logs] == [int(re.findall(r"(\d+) without it", said)[0]), number(r"--workers (\d+) ")]
        assert workers(logs[0]) == Settings.workers
        last = sync(db)["last_success_at"]
        until(lambda: sync(db)["last_success_at"] > last, 60)
        most = number(r"opens at most (\d+) connections")
        open_ = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        assert (conn.execute(open_).fetchone() or (0,))[0] <= 2 * most
        # One is killed: the other goes on, once what it held is free.
        both[0].kill()
        last = sync(db)["last_success_at"]
        until(lambda: sync(db)["last_success_at"] > last, 60)
        both[1].send_signal(signal.SIGTERM)
        assert both[1].wait(60) == 0
    for word in ("Traceback", "error"):
        assert word not in "".join((tmp_path / name).read_text() for name in ("slow", "poll", "many"))
