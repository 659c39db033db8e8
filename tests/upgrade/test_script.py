"""The one file for DBAs leaves what `migrate` leaves."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
from upgrade.trees import Tree, names

from pgsluice.db import embedded
from pgsluice.db.migrate import migrate, schema_dump, single_file


def psql(server: embedded.Server, conninfo: str, script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run again where another test changed the same role in its own database, as `migrate` does by itself: roles are the cluster's."""
    file = folder / "pgsluice.sql"
    file.write_text(script)
    command = [embedded.programs("psql", server.bin_dir), "-X", "-q", "-d", conninfo, "-f", file]
    while True:
        done = subprocess.run(command, capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]})
        if "tuple concurrently" not in done.stderr:
            return done


def test_it_equals_migrate(server: embedded.Server, blank: str, db: str, tmp_path: Path) -> None:
    done = psql(server, blank, single_file(), tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert schema_dump(blank) == schema_dump(db)
    report = migrate(blank)
    assert (report.applied, report.installed, report.swept, report.left_out) == ([], False, [], [])


def test_the_manifest_is_the_same(server: embedded.Server, tree: Tree, blank: str, look: psycopg.Connection, tmp_path: Path) -> None:
    done = psql(server, blank, single_file(tree.sql, tree.migrations), tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    tree.remove("things/thing_add.sql")
    assert tree.migrate(blank).swept == ["sluice.thing_add(pg_catalog.text)"]
    assert "sluice.things" in names(look)


def test_it_waits_for_who_is_in_its_way(server: embedded.Server, tree: Tree, blank: str, look: psycopg.Connection, tmp_path: Path) -> None:
    """As long as it takes: roles belong to the whole cluster, and another database's `migrate` holds them until it commits."""
    with psycopg.connect(blank) as other, ThreadPoolExecutor() as pool:
        other.execute("create schema sluice_internal")
        running = pool.submit(psql, server, blank, single_file(tree.sql, tree.migrations), tmp_path)
        waiting = (
            "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
            " and clock_timestamp() - query_start > interval '1 second')"
        )
        while not running.done() and look.execute(waiting).fetchone() == (False,):
            pass
        other.rollback()
        done = running.result()
    assert (done.returncode, done.stderr) == (0, "")
    assert "sluice.things" in names(look)


def test_a_migration_without_transaction(server: embedded.Server, tree: Tree, blank: str, look: psycopg.Connection, tmp_path: Path) -> None:
    tree.write("migrations/0002_index.sql", "-- no transaction\ncreate index concurrently by_name on sluice_internal.things (name);")
    done = psql(server, blank, single_file(tree.sql, tree.migrations), tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert look.execute("select count(*) from pg_class where relname = 'by_name'").fetchone() == (1,)
    assert tree.migrate(blank).applied == []


def test_it_refuses_a_second_time_and_leaves_nothing_when_it_fails(
    server: embedded.Server, tree: Tree, blank: str, look: psycopg.Connection, tmp_path: Path
) -> None:
    script = single_file(tree.sql, tree.migrations)
    assert psql(server, blank, script.replace("return n * 3", "return n * / 3"), tmp_path).returncode != 0
    assert names(look) == set()
    assert psql(server, blank, script, tmp_path).returncode == 0
    again = psql(server, blank, script, tmp_path)
    assert again.returncode != 0
    assert "pgsluice migrate" in again.stderr
