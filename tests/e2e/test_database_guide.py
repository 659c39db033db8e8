"""The guide to the database: its backup is restored on a server that knows nothing of pgsluice, and from there moved on, as printed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from e2e.polling import NEWEST, until
from psycopg import sql
from psycopg.conninfo import make_conninfo

from pgsluice.db import embedded
from pgsluice.db.client import Client
from pgsluice.db.sources import ROOT

PAGE = (ROOT / "docs/how-to/database.md").read_text()
BACKUP, RESTORE = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
MOVE = " ".join(PAGE.partition("## Move")[2].partition("## What grows")[0].split())
pytestmark = [NEWEST, pytest.mark.timeout(300)]


def shell(script: str, server: embedded.Server, folder: Path, **words: str) -> str:
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{server.bin_dir}:{os.environ['PATH']}",
        "LD_LIBRARY_PATH": str(server.bin_dir.parent / "lib"),
        **words,
    }
    command = ["bash", "-euc", script]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def printed(pattern: str) -> str:
    """A statement of the page, without its quotes."""
    (found,) = re.findall(f"`({pattern}[^`]*);`", MOVE)
    return str(found)


@contextmanager
def elsewhere(folder: Path) -> Iterator[embedded.Server]:
    """A server without our roles, which may be moved from."""
    with embedded.start(folder, durable=False) as made, psycopg.connect(made.conninfo, autocommit=True) as conn:
        conn.execute("alter system set wal_level = logical")
    assert embedded.wait_until_stopped(folder)
    with embedded.start(folder, durable=False) as server:
        yield server


def opened(conninfo: str) -> psycopg.Connection[Any]:
    return psycopg.connect(conninfo, autocommit=True, options="-c search_path=sluice")


def database(server: embedded.Server, name: str) -> str:
    with psycopg.connect(server.conninfo, autocommit=True) as conn:
        conn.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    return make_conninfo(server.conninfo, dbname=name)


def owners(conn: psycopg.Connection[Any]) -> list[str]:
    query = "select distinct pg_get_userbyid(relowner)::text from pg_class where relnamespace in ('sluice'::regnamespace, 'sluice_internal'::regnamespace)"
    return [name for (name,) in conn.execute(query)]


def fill(db: str) -> tuple[str, str]:
    """Three records: one settled, one in flight, one that waits. The ids of the first two's messages."""
    with Client.connect(db) as client:
        client.stream_create("dev", 1)
        client.sync_create("dev", "push", "shop")
        client.consumer_create("billing", "dev")
        client.record_ingest("shop", "push:order", [{"upstream_id": f"o{number}", "data": {"total": number}} for number in (1, 2, 3)])
        settled, held = (message["ack_token"] for message in client.consumer_next("billing", 2))
        client.consumer_ack("billing", [settled])
    return settled, held


def test_a_restore_and_a_move_lose_nothing(server: embedded.Server, db: str, template_db: str, data_dir: Path, tmp_path: Path) -> None:
    _, held = fill(db)
    shell(BACKUP, server, tmp_path, PGSLUICE_DATABASE_URL=db)
    with elsewhere(data_dir) as old:
        restored = database(old, "restored")
        assert "left out" not in shell(RESTORE, old, tmp_path, NEW=restored)
        with opened(restored) as conn:
            assert owners(conn) == ["sluice_owner"]
            assert conn.execute("select num_pending, num_ack_pending from consumer_info('billing')").fetchone() == (1, 1)
        _move(restored, db, server, held, tmp_path)
        _forget(old, restored)
        _restore_without_roles(old, tmp_path)


def _forget(server: embedded.Server, restored: str) -> None:
    """As if pgsluice had never been on the server."""
    with psycopg.connect(restored, autocommit=True) as conn:
        conn.execute("drop publication pgsluice")
    with psycopg.connect(server.conninfo, autocommit=True) as conn:
        conn.execute("drop database restored with (force)")
        for (name,) in conn.execute("select rolname from pg_roles where rolname ~ '^sluice_'").fetchall():
            conn.execute(sql.SQL("drop role {}").format(sql.Identifier(name)))


def _restore_without_roles(server: embedded.Server, folder: Path) -> None:
    """The rights come back, the owner does not, and it is said."""
    bare = database(server, "bare")
    _, restore, migrate = RESTORE.splitlines()
    said = shell(f"{restore} 2> errors || true; {migrate}", server, folder, NEW=bare)
    assert "the objects belong to postgres, not to sluice_owner" in said
    with opened(bare) as conn:
        assert conn.execute("select has_table_privilege('sluice_reader', 'sluice.records', 'select')").fetchone() == (True,)
        assert owners(conn) == ["postgres"]


def _move(old: str, used: str, server: embedded.Server, held: str, folder: Path) -> None:
    with psycopg.connect(used, autocommit=True, dbname="postgres") as conn:
        conn.execute("create database moved")
    new = make_conninfo(used, dbname="moved")
    try:
        shell("pgsluice migrate", server, folder, PGSLUICE_DATABASE_URL=new)
        with opened(old) as there, opened(new) as here:
            here.execute(re.findall(r"truncate [^;]*;", MOVE)[0])
            there.execute(printed("create publication"))
            here.execute(printed("create subscription").replace("…", old.replace("'", "''")))
            try:
                until(lambda: here.execute("select bool_and(srsubstate = 'r') from pg_subscription_rel").fetchone() == (True,), 60)
                there.execute("""select record_ingest('shop', 'push:order', '[{"upstream_id": "o4", "data": {}}]')""")
                (place,) = there.execute(printed("select pg_current_wal_insert_lsn")).fetchone() or ("",)
                until(lambda: there.execute(printed("select replay_lsn").replace("…", place)).fetchone() == (True,), 60)
            finally:
                here.execute(printed("drop subscription"))
            said = shell("pgsluice migrate", server, folder, PGSLUICE_DATABASE_URL=new)
            assert "sequences were behind their tables" in said
        with Client.connect(new) as client:
            assert client.consumer_ack("billing", [held])["accepted"] == 1
            client.record_ingest("shop", "push:order", [{"upstream_id": "o5", "data": {}}])
            assert [message["upstream_id"] for message in client.consumer_next("billing", 10)] == ["o3", "o4", "o5"]
    finally:
        with psycopg.connect(used, autocommit=True, dbname="postgres") as conn:
            conn.execute("drop database moved with (force)")
