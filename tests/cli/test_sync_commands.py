"""The commands that manage syncs, quarantine and notices; and `sync list --watch`, which goes on."""

from __future__ import annotations

import io
import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from rich.console import Console

from pgsluice import terminal
from pgsluice import watching as watching_module
from pgsluice.db.errors import SluiceError
from pgsluice.installation import Installation


@pytest.fixture
def shop(ok) -> None:
    ok("stream", "create", "dev")
    ok("sync", "create", "y", "--stream", "dev", "--provider", "push", "--name", "Shop", "--metadata", '{"tenant": 7}')
    ok("consumer", "create", "billing", "--stream", "dev")
    ok("record", "ingest", "y", "push:o", input='[{"upstream_id": "a", "data": {"n": 1.10}}, {"upstream_id": "b", "data": {}}]')


def test_sync_update(shop, ok, run) -> None:
    assert ok("sync", "update", "y", "--name", "Other", "--external-id", "e", "--rate-limit", "10/1")["name"] == "Other"
    row = ok("sync", "update", "y", "--external-id", "", "--no-rate-limit", "--sync-frequency", "60")
    assert (row["external_id"], row["rate_limit"], row["sync_frequency"], row["name"]) == (None, None, 60, "Other")
    assert run("sync", "update", "y", "--rate-limit", "1/1", "--no-rate-limit").exit_code == 2


def test_sync_list_filters(shop, ok) -> None:
    ok("sync", "create", "z", "--stream", "dev", "--provider", "push", "--external-id", "e")
    for arguments, found in (
        (("--metadata", '{"tenant": 7}'), ["y"]),
        (("--name", "Shop"), ["y"]),
        (("--external-id", "e"), ["z"]),
        (("--status", "active"), ["y", "z"]),
        (("--status", "error"), []),
    ):
        assert sorted(row["sync_id"] for row in ok("sync", "list", *arguments)) == found, arguments


def test_sync_info_has_the_collections(shop, ok, run) -> None:
    (collection,) = ok("sync", "info", "y")["collections"]
    assert (collection["collection_id"], collection["records"], collection["state"]) == ("push:o", 2, "active")
    assert "push:o" in run("sync", "info", "y").stdout


def test_sync_move_and_delete(shop, ok, run) -> None:
    ok("stream", "create", "t")
    assert (ok("sync", "move", "y", "t")["stream_id"], ok("sync", "info", "y")["work"]) == ("t", None)
    assert ok("consumer", "next", "billing") == []
    ok("consumer", "create", "there", "--stream", "t")
    waiting = run("sync", "delete", "y", "--emit")
    assert waiting.stdout == "sync y is being deleted; it waits for consumer there\n"
    assert [row["waits_for"] for row in ok("sync", "tidy", "y")] == ["consumer there"]
    messages = ok("consumer", "next", "there")
    assert [message["record"]["deleted"] for message in messages] == [True, True]
    ok("consumer", "ack", "there", *(message["ack_token"] for message in messages))
    assert run("sync", "delete", "y", "--emit").stdout == "deleted sync y\n"
    assert ok("sync", "list") == []
    assert run("sync", "tidy").stdout == "Nothing to do.\n"


def test_sync_delete_without_waiting(shop, ok, run) -> None:
    assert ok("sync", "delete", "y", "--no-wait") == {"done": "sync y is being deleted", "finished": False}
    assert run("sync", "pause", "y").exit_code == 1
    assert [row["finished"] for row in ok("sync", "tidy")] == [True]


def test_sync_restart(ok) -> None:
    ok("stream", "create", "dev")
    ok("credential", "create", "k", "--provider", "stripe", "--key", "sk_test_1")
    ok("sync", "create", "st", "--credential", "k")
    assert ok("sync", "restart", "st", "--collection", "stripe:plan")["status"] == "pending"


def test_record_erase_and_stream_prune(shop, ok) -> None:
    assert ok("record", "erase", "y", "push:o", "a") == {"records": 1, "quarantined": 0, "mutation_items": 0}
    ok("record", "ingest", "y", "push:o", input='[{"upstream_id": "b", "deleted": true}]')
    assert ok("stream", "prune", "dev", "--older-than", "0") == {"removed": 0, "held": 1, "held_by": "billing", "more": False}
    assert ok("stream", "prune", "dev", "--older-than", "0", "--force")["removed"] == 1
    assert ok("record", "list") == []


def test_quarantine_commands(shop, ok, run, conn: psycopg.Connection[Any]) -> None:
    conn.execute(
        "insert into sluice_internal.quarantine (sync_id, collection_id, upstream_id, raw, reason) values ('y', 'push:o', 'q', '{', 'w')"
    )
    (listed,) = ok("quarantine", "list", "--sync", "y")
    number = str(listed["quarantine_id"])
    assert ok("quarantine", "info", number)["raw"] == "ew=="
    assert run("quarantine", "info", number, "--raw").stdout == "{"
    assert run("quarantine", "info", "999").exit_code == 1
    assert ok("quarantine", "retry", "--id", number) == {"stored": 0, "refused": 1, "wanted": 0}
    assert ok("quarantine", "purge", "--sync", "y") == {"removed": 1}
    assert run("quarantine", "purge").exit_code == 1
    assert run("quarantine", "list").stdout == "Nothing is in quarantine.\n"


def test_notice_list(shop, ok) -> None:
    ok("stream", "create", "t")
    ok("sync", "move", "y", "t")
    assert [(row["sync_id"], row["kind"]) for row in ok("notice", "list", "--sync", "y")] == [("y", "moved")]


# ---------------------------------------------------------------- --watch


@contextmanager
def watching(db: str, *arguments: str, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    command = [str(Path(sys.executable).parent / "pgsluice"), "sync", "list", "--watch", *arguments]
    environment = {"PATH": os.environ["PATH"], "PGSLUICE_DATABASE_URL": db, "TERM": "xterm", "COLUMNS": "160"}
    with subprocess.Popen(command, env=environment, **options) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0


def test_watch_prints_a_line_for_each_change(shop, db: str, conn: psycopg.Connection[Any]) -> None:
    with watching(db, "--json", stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        assert (first["sync_id"], first["status"], first["records"]) == ("y", "active", 2)
        conn.execute("select record_ingest('y', 'push:o', '[{\"upstream_id\": \"c\", \"data\": {}}]')")
        assert json.loads(process.stdout.readline())["records"] == 3
        conn.execute("select sync_pause('y')")
        assert json.loads(process.stdout.readline())["status"] == "paused"


def test_watch_is_plain_where_there_is_no_terminal(shop, db: str) -> None:
    with watching(db, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"y  active  2 records\n"


def test_watch_is_a_live_table_on_a_terminal(shop, db: str, conn: psycopg.Connection[Any]) -> None:
    conn.execute("select sync_pause('y')")
    ours, theirs = pty.openpty()
    with watching(db, stdout=theirs) as process:
        seen = _until(ours, b"paused")
        assert b"first reading" in seen
        conn.execute("select sync_resume('y')")
        assert b"\x1b[" in _until(ours, b"active")
        assert process.poll() is None
    os.close(theirs)
    os.close(ours)


def _until(terminal: int, word: bytes) -> bytes:
    seen = b""
    end = time.monotonic() + 60
    while word not in seen and time.monotonic() < end:
        seen += os.read(terminal, 4096)
    assert word in seen
    return seen


def test_what_watches_waits_for_the_database(shop, db: str, conn: psycopg.Connection[Any]) -> None:
    with Installation(database_url=db).lasting() as lasting:
        assert lasting.look(lambda client: len(client.streams())) == 1
        conn.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        )
        assert lasting.look(lambda client: len(client.streams())) is None
        assert lasting.look(lambda client: len(client.streams())) == 1
        with pytest.raises(SluiceError, match="does not exist"):
            lasting.look(lambda client: client.stream_info("nope"))
    with Installation(database_url="host=127.0.0.1 port=1 dbname=x").lasting() as never, pytest.raises(SluiceError):
        never.look(lambda client: client.streams())


def test_a_group_shows_whole_sentences(run) -> None:
    for group in ((), ("sync",), ("sync", "webhook"), ("consumer",), ("provider",)):
        assert "..." not in run(*group, "--help").stdout.partition("Commands:")[2]


def test_all_of_stripe_is_what_everybody_has(run, ok) -> None:
    ok("stream", "create", "dev")
    said = run("sync", "create", "s", "--stream", "dev", "--provider", "stripe", "--credential", "k", "--as-sql").stdout
    assert ("stripe:invoice" in said, "stripe:issuing_card" in said) == (True, False)


@pytest.mark.parametrize(("width", "has_all"), [(60, False), (120, True)])
def test_a_narrow_window_keeps_words_whole(monkeypatch: pytest.MonkeyPatch, width: int, has_all: bool) -> None:
    console = Console(width=width, file=io.StringIO())
    monkeypatch.setattr(terminal, "OUT", console)
    now = datetime(2026, 11, 30, tzinfo=UTC)
    row = {"sync_id": "my-sync", "provider": "salesforce", "status": "rate_limited", "records": 1234567, "rate": 12.0, "progress": 0.5}
    console.print(watching_module.table([{**row, "last_success_at": now, "reason": "the requests of this day are used up"}]))
    shown = console.file.getvalue()
    assert ("rate_limited" in shown, "1,234,567" in shown, "2026-11-30 00:00:00Z" in shown) == (True, True, has_all)
