"""What `migrate` refuses, what becomes of its failures, and many of it at once."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from upgrade.trees import GROW, SMALL, THINGS, Tree, names, refused

from pgsluice.db.dump import schema_dump
from pgsluice.db.errors import SluiceError
from pgsluice.db.migrate import Report, migrate
from pgsluice.db.sources import MIGRATIONS, SQL


def test_an_edited_migration_is_refused(tree: Tree, blank: str) -> None:
    tree.migrate(blank)
    tree.write("migrations/0001_things.sql", THINGS + "-- better now\n")
    assert "0001_things.sql was changed after it ran" in refused(tree, blank).message


def test_line_ends_of_a_checkout_do_not_matter(tree: Tree, blank: str) -> None:
    tree.migrate(blank)
    for path in [*tree.sql.rglob("*.sql"), *tree.migrations.iterdir()]:
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert tree.migrate(blank).installed is False


def test_a_newer_database_is_refused(tree: Tree, blank: str) -> None:
    tree.write("migrations/0002_grow.sql", GROW)
    tree.migrate(blank)
    (tree.migrations / "0002_grow.sql").unlink()
    assert "newer than this pgsluice" in refused(tree, blank).message


def test_a_migration_slipped_in_before_one_that_ran_is_refused(tree: Tree, blank: str) -> None:
    tree.write("migrations/0002_grow.sql", GROW)
    tree.migrate(blank)
    (tree.migrations / "0002_grow.sql").rename(tree.migrations / "0003_grow.sql")
    tree.write("migrations/0002_other.sql", "select 1;")
    assert "0002_grow.sql" in refused(tree, blank).message


@pytest.mark.parametrize(
    ("path", "text"),
    [("migrations/0003_gap.sql", "select 1;"), ("migrations/0002-words.sql", "select 1;"), ("sql/install.sql", "select 1;\n")],
)
def test_folders_that_are_not_in_order_are_refused(tree: Tree, blank: str, path: str, text: str) -> None:
    tree.write(path, text)
    assert refused(tree, blank).details


@pytest.mark.parametrize("fresh", [True, False], ids=["fresh", "upgrade"])
@pytest.mark.parametrize("path", ["migrations/0002_broken.sql", "sql/views/things.sql", "sql/grants.sql"])
def test_a_failure_leaves_nothing(tree: Tree, blank: str, look: psycopg.Connection, path: str, fresh: bool) -> None:
    if not fresh:
        tree.migrate(blank)
    before = (names(look), schema_dump(blank))
    tree.write("migrations/0002_grow.sql", GROW)
    tree.write(path.replace("0002_broken", "0003_broken"), "select 1 / 0;")
    error = refused(tree, blank)
    assert path.replace("0002_broken", "0003_broken") in error.message
    assert "division by zero" in error.message
    assert (names(look), schema_dump(blank)) == before


def test_names_without_a_schema_fail(tree: Tree, blank: str) -> None:
    tree.write("migrations/0002_loose.sql", "create table loose (n int);")
    assert "0002_loose.sql" in refused(tree, blank).message


def test_twenty_at_once(tree: Tree, blank: str, look: psycopg.Connection) -> None:
    start = threading.Barrier(20)

    def run() -> Report:
        start.wait()
        return tree.migrate(blank, patience=60)

    with ThreadPoolExecutor(20) as pool:
        reports = [future.result() for future in [pool.submit(run) for _ in range(20)]]
    assert sorted(report.installed for report in reports) == [False] * 19 + [True]
    assert [name for report in reports for name in report.applied] == ["0001_things.sql"]
    assert names(look) == SMALL


def test_twenty_at_once_with_the_real_schema(db: str, blank: str) -> None:
    with ThreadPoolExecutor(20) as pool:
        reports = list(pool.map(lambda _: migrate(blank), range(20)))
    assert sum(report.installed for report in reports) == 1
    assert schema_dump(blank) == schema_dump(db)


def test_it_waits_for_another_migrate_and_says_so_when_it_gives_up(tree: Tree, blank: str) -> None:
    with psycopg.connect(blank) as holder:
        holder.execute("select pg_advisory_xact_lock(hashtextextended('pgsluice migrate', 0))")
        error = refused(tree, blank, patience=0.1)
        assert "another pgsluice migrate is at work" in error.message
        assert "wait" in str(error.hint)


def test_it_waits_for_a_table_that_is_locked(tree: Tree, blank: str) -> None:
    tree.migrate(blank)
    tree.write("migrations/0002_grow.sql", GROW)
    with psycopg.connect(blank) as holder:
        holder.execute("select * from sluice_internal.things")
        error = refused(tree, blank, patience=0.1)
        assert "lock" in error.message
        assert "pg_locks" in str(error.hint)
        timer = threading.Timer(2.5, holder.commit)
        timer.start()
        assert tree.migrate(blank).applied == ["0002_grow.sql"]
        timer.join()


def test_who_is_in_the_middle_of_something_goes_on(db: str, tmp_path: Path) -> None:
    """A worker's transaction neither waits for an upgrade nor is ended by it, and an upgrade waits for no worker as long as no table changes."""
    tree = Tree.copy(tmp_path, SQL, MIGRATIONS)
    tree.edit("sql/internal/_check_id.sql", "comment on function", "-- Newer.\ncomment on function")
    with psycopg.connect(db, options="-c search_path=sluice") as worker:
        worker.execute("select stream_create('dev'), sync_create('dev', 'push', 's'), consumer_create('c', 'dev')")
        worker.commit()
        worker.execute("select record_ingest('s', 'push:x', '[{\"upstream_id\": \"1\", \"data\": {}}]')")
        worker.execute("select * from consumer_next('c')")
        # other databases of the cluster may be making roles: it is the worker that it would wait for in vain
        assert tree.migrate(db, patience=10).installed
        worker.execute("select * from consumer_next('c')")


def test_it_gives_up_before_an_application_has_to(tree: Tree, blank: str, look: psycopg.Connection) -> None:
    """Two who wait for each other: PostgreSQL would end whoever has waited for a second first."""
    tree.migrate(blank)
    tree.write("migrations/0002_grow.sql", "alter table sluice_internal.things add column more int; lock table sluice_internal.others;")
    look.execute("create table sluice_internal.others (n int); grant all on sluice_internal.others to public")
    with psycopg.connect(blank) as worker, ThreadPoolExecutor(1) as pool:
        worker.execute("lock table sluice_internal.others in access share mode")
        upgrade = pool.submit(tree.migrate, blank, patience=60)
        while not look.execute("select from pg_locks where not granted and relation = 'sluice_internal.others'::regclass").fetchall():
            pass
        worker.execute("select name from sluice_internal.things")
        worker.commit()
        assert upgrade.result().applied == ["0002_grow.sql"]


def test_kill_9_midway_leaves_nothing_half_done(tree: Tree, blank: str, look: psycopg.Connection) -> None:
    tree.write("migrations/0002_slow.sql", GROW + " select pg_sleep(1);")
    code = (
        "import sys; from pathlib import Path; from pgsluice.db.migrate import migrate;"
        f"migrate({blank!r}, sql_folder=Path({str(tree.sql)!r}), migrations_folder=Path({str(tree.migrations)!r}),"
        "on_progress=lambda step: print(step, flush=True))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert [process.stdout.readline(), process.stdout.readline()] == ["0001_things.sql\n", "0002_slow.sql\n"]
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert names(look) == set()
    assert tree.migrate(blank).applied == ["0001_things.sql", "0002_slow.sql"]
    assert names(look) == SMALL


INDEX = """-- no transaction
-- An index; and a ';' in a comment.
drop index concurrently if exists sluice_internal.things_by_name;
create index concurrently things_by_name on sluice_internal.things (name);
"""


def test_a_migration_without_transaction(tree: Tree, blank: str, look: psycopg.Connection) -> None:
    tree.write("migrations/0002_index.sql", INDEX)
    tree.write("migrations/0003_grow.sql", GROW)
    report = tree.migrate(blank)
    assert report.applied == ["0001_things.sql", "0002_index.sql", "0003_grow.sql"]
    assert report.installed
    state = "select indisvalid, relowner::regrole::text from pg_index join pg_class on oid = indexrelid where relname = 'things_by_name'"
    assert look.execute(state).fetchone() == (True, "sluice_owner")
    assert tree.migrate(blank).applied == []


def test_a_failed_migration_without_transaction_can_be_run_again(tree: Tree, blank: str, look: psycopg.Connection) -> None:
    valid = "select indisvalid from pg_index join pg_class on oid = indexrelid where relname = 'things_by_name'"
    tree.write("migrations/0002_index.sql", INDEX.replace("create index", "create unique index"))
    tree.edit("migrations/0001_things.sql", "('second')", "('first')")
    assert "0002_index.sql" in refused(tree, blank).message
    # What came before it is done, and it left an invalid index: so a file of this kind must clean up after itself.
    assert look.execute("select name from sluice_internal.migrations").fetchall() == [("0001_things.sql",)]
    assert look.execute(valid).fetchone() == (False,)
    look.execute("delete from sluice_internal.things where thing_id = 2")
    assert tree.migrate(blank).applied == ["0002_index.sql"]
    assert look.execute(valid).fetchone() == (True,)


def test_eight_at_once_with_a_migration_without_transaction(tree: Tree, blank: str, look: psycopg.Connection) -> None:
    tree.write("migrations/0002_index.sql", INDEX)
    with ThreadPoolExecutor(8) as pool:
        reports = list(pool.map(lambda _: tree.migrate(blank, patience=60), range(8)))
    assert sum(report.installed for report in reports) == 1
    assert look.execute("select count(*) from sluice_internal.migrations").fetchone() == (2,)


def test_a_database_that_is_not_utf8_is_refused(tree: Tree, blank: str, look: psycopg.Connection) -> None:
    look.execute("drop database if exists latin")
    look.execute("create database latin encoding 'LATIN1' locale 'C' template template0")
    try:
        assert "UTF8" in refused(tree, make_conninfo(blank, dbname="latin")).message
    finally:
        look.execute("drop database latin with (force)")


def test_the_settings_of_the_session_do_not_matter(tree: Tree, blank: str, look: psycopg.Connection) -> None:
    options = (
        "-c default_transaction_isolation=serializable -c default_transaction_read_only=on -c search_path=nowhere -c statement_timeout=1"
    )
    tree.migrate(make_conninfo(blank, options=options.replace("-c statement_timeout=1", "")))
    assert names(look) == SMALL


def test_no_database_is_one_error(tree: Tree, tmp_path: Path) -> None:
    with pytest.raises(SluiceError) as caught:
        tree.migrate(f"host={tmp_path} user=nobody password=sesame dbname=x")
    assert caught.value.code == "SL401"
    assert "sesame" not in str(caught.value.as_dict())
