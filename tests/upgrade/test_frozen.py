"""A database with data, as an older release left it, becomes the same as a fresh one, and loses nothing."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from clones import clone, once
from upgrade.freeze import LOOKS, look
from upgrade.trees import PINNED, Tree

from pgsluice.db import embedded, sources
from pgsluice.db.client import Client
from pgsluice.db.migrate import migrate, schema_dump

FOLDERS = sorted(path for path in Path(__file__).parent.iterdir() if path.name.isdigit())

each_release = pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)


@pytest.fixture
def as_left(server: embedded.Server, folder: Path) -> str:
    """The database as that release left it, to be copied."""

    def load(conninfo: str) -> None:
        command = [
            embedded.programs("psql", server.bin_dir),
            "-X",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-d",
            conninfo,
            "-f",
            folder / "schema.sql",
        ]
        loaded = subprocess.run(command, capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]})
        assert (loaded.returncode, loaded.stderr) == (0, "")

    return once(server, f"frozen_{folder.name}", load)


@pytest.fixture
def frozen(server: embedded.Server, as_left: str) -> Iterator[str]:
    """Connection string of the database as that release left it."""
    yield from clone(server, as_left)


@pytest.fixture
def upgraded(server: embedded.Server, as_left: str) -> Iterator[str]:
    """The same after the upgrade, of which nothing was left out."""

    def upgrade(conninfo: str) -> None:
        assert migrate(conninfo).left_out == []

    yield from clone(server, once(server, as_left.replace("frozen", "upgraded"), upgrade, as_left))


@pytest.fixture
def facts(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "facts.json").read_text())


def records(conninfo: str) -> list[list[Any]]:
    with psycopg.connect(conninfo) as conn:
        columns = "sync_id, collection_id, upstream_id, updated_idx, deleted, data::text"
        return [list(row) for row in conn.execute(f"select {columns} from sluice.records order by updated_idx")]


def drain(client: Client, consumer_id: str) -> list[dict[str, Any]]:
    """What the consumer gets until a call brings nothing: one call may leave some to the next."""
    messages: list[dict[str, Any]] = []
    while batch := client.consumer_next(consumer_id, 1000):
        messages += batch
    return messages


@each_release
def test_upgraded_equals_fresh(db: str, upgraded: str) -> None:
    assert schema_dump(upgraded) == schema_dump(db)


@each_release
def test_nothing_is_lost(upgraded: str, facts: dict[str, Any]) -> None:
    assert records(upgraded) == facts["records"]
    with Client.connect(upgraded) as client:
        tokens = facts["tokens"]
        stale = client.consumer_ack("worker", tokens["acked"] + tokens["nacked"])
        assert (stale["accepted"], len(stale["rejected"])) == (0, len(tokens["acked"] + tokens["nacked"]))
        assert client.consumer_ack("worker", tokens["held"])["accepted"] == len(tokens["held"])
        rest = drain(client, "worker")
        assert len(rest) == len(facts["records"]) - len(tokens["acked"]) - len(tokens["held"])
        assert drain(client, "idle") == []
        client.record_ingest("pushed", "push:user", [{"upstream_id": "after", "data": {}}])
        (message,) = drain(client, "idle")
        assert message["updated_idx"] > max(record[3] for record in facts["records"])
        client.consumer_create("late", "frozen")
        assert len(drain(client, "late")) == len(facts["records"]) + 1


@each_release
def test_what_belongs_to_syncs_stays(upgraded: str, facts: dict[str, Any]) -> None:
    """Credentials, apps, webhooks and writes; the facts of the first releases do not name them."""
    with psycopg.connect(upgraded) as conn:
        for name in LOOKS.keys() & facts.keys():
            assert look(conn, name) == facts[name], name


@each_release
def test_what_is_left_over_goes(upgraded: str, facts: dict[str, Any]) -> None:
    """The log of positions is trimmed, that of streams which are gone altogether; who reads misses nothing of what is there."""
    with Client.connect(upgraded) as client, psycopg.connect(upgraded, autocommit=True) as conn:
        while conn.execute("select sluice_internal._streams_tidy()").fetchone() == (True,):
            pass
        gone = "select from sluice_internal.{} as p where p.stream_no not in (select s.stream_no from sluice_internal.streams as s)"
        for table in ("positions", "stream_trims", "stream_times"):
            assert conn.execute(gone.format(table).encode()).fetchall() == []
        client.consumer_create("after", "frozen")
        found = [[message["upstream_id"], message["updated_idx"]] for message in drain(client, "after")]
        assert sorted(found) == sorted([record[2], record[3]] for record in facts["records"])


# Once each release's database equals a fresh one, the way from there on is the same for all: the one with the most history goes it.
@pytest.mark.parametrize("folder", FOLDERS[:1], ids=lambda path: path.name)
def test_two_migrations_and_a_swept_function(frozen: str, blank: str, facts: dict[str, Any], tmp_path: Path) -> None:
    """The releases to come, in small: a function that one has and the next has not, and two migrations."""
    older = Tree.copy(tmp_path / "older", sources.SQL, sources.MIGRATIONS)
    legacy = f"create or replace function sluice_internal._legacy(n int) returns int language sql {PINNED} return n;"
    older.add("internal/_legacy.sql", legacy + " comment on function sluice_internal._legacy(int) is 'To be swept.';")
    older.migrate(frozen)
    make_users_objects(frozen)

    newer = Tree.copy(tmp_path / "newer", sources.SQL, sources.MIGRATIONS)
    number = len(list(sources.MIGRATIONS.glob("*.sql")))
    first, last = f"{number + 1:04d}_label.sql", f"{number + 2:04d}_label_index.sql"
    newer.write(f"migrations/{first}", "alter table sluice_internal.streams add label text;")
    newer.write(f"migrations/{last}", "create index streams_by_label on sluice_internal.streams (label);")
    report = newer.migrate(frozen)
    assert report.applied == [first, last]
    assert report.swept == ["sluice_internal._legacy(integer)"]
    assert records(frozen) == facts["records"]
    assert_users_objects(frozen)
    drop_users_objects(frozen)
    newer.migrate(blank)
    assert schema_dump(frozen) == schema_dump(blank)


USERS = """
create function sluice.mine(n int) returns int language sql return n + 1;
create view sluice.my_customers as select sync_id, data from sluice.records;
create index my_index on sluice.records (upstream_created_at);
create function public.my_trigger() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger my_trigger before update on sluice.records for each row execute function public.my_trigger();
create table public.my_notes (
    sync_id text, collection_id text, upstream_id text, note text,
    constraint my_notes_record foreign key (sync_id, collection_id, upstream_id)
    references sluice.records (sync_id, collection_id, upstream_id)
);
create view public.my_streams as select * from sluice.streams;
"""


def make_users_objects(conninfo: str) -> None:
    with psycopg.connect(conninfo) as conn:
        conn.execute(USERS)


def assert_users_objects(conninfo: str) -> None:
    with psycopg.connect(conninfo) as conn:
        assert conn.execute("select sluice.mine(1)").fetchone() == (2,)
        assert conn.execute("select count(*) > 0 from sluice.my_customers").fetchone() == (True,)
        assert conn.execute("select count(*) from public.my_streams").fetchone() == (2,)
        assert conn.execute("select to_regclass('sluice.my_index') is not null").fetchone() == (True,)
        assert conn.execute("select count(*) from pg_trigger where tgname = 'my_trigger'").fetchone() == (1,)
        assert conn.execute("select count(*) from pg_constraint where conname = 'my_notes_record'").fetchone() == (1,)


def drop_users_objects(conninfo: str) -> None:
    with psycopg.connect(conninfo) as conn:
        conn.execute("""
            drop table public.my_notes; drop view public.my_streams; drop trigger my_trigger on sluice.records;
            drop function public.my_trigger(); drop index sluice.my_index; drop view sluice.my_customers; drop function sluice.mine(int);
        """)
