"""The life of the private server: shared by processes, stopped after the last, brought back after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from embedded_processes import answer, eventually, holder, is_process

from pgsluice.db import embedded


@pytest.fixture
def bin_dir(server: embedded.Server) -> Path:
    """Programs of each version of the suite in turn."""
    return server.bin_dir


def ask(conninfo: str, query: str) -> object:
    with psycopg.connect(conninfo, autocommit=True) as conn:
        row = conn.execute(query).fetchone()
        return row and row[0]


def keep_a_row(conninfo: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as conn:
        conn.execute("create table kept as select 1")


def compute(conn: psycopg.Connection) -> None:
    with pytest.raises(psycopg.OperationalError):
        conn.execute("do 'begin loop end loop; end'")


def keeper_of(server: embedded.Server) -> int:
    return int(Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()[1])


def kill_keeper(server: embedded.Server) -> None:
    keeper = keeper_of(server)
    os.kill(keeper, signal.SIGKILL)
    eventually(lambda: not is_process(keeper))


def test_first_start_makes_the_database(data_dir: Path, bin_dir: Path) -> None:
    with embedded.start(data_dir, bin_dir=bin_dir) as server:
        assert ask(server.conninfo, "select current_database()") == "pgsluice"
        assert ask(server.conninfo, "show server_encoding") == "UTF8"
        assert ask(server.conninfo, "show timezone") == "UTC"
        assert ask(server.conninfo, "select 'Z' < 'a' and 'z' < 'ä' and lower('Ä') = 'ä'") is True
        assert ask(server.conninfo, "show listen_addresses") == ""
        assert ask(server.conninfo, "show fsync") == "on"
        assert server.major == int(ask(server.conninfo, "show server_version_num")) // 10000
        assert server.is_alive()


def test_a_server_for_tests_does_not_wait_for_the_disk(server: embedded.Server) -> None:
    assert ask(server.conninfo, "show fsync") == "off"


def test_data_survives_the_last_user(data_dir: Path, bin_dir: Path) -> None:
    with embedded.start(data_dir, bin_dir=bin_dir) as server:
        keep_a_row(server.conninfo)
    assert embedded.wait_until_stopped(data_dir)
    with embedded.start(data_dir, bin_dir=bin_dir) as again:
        assert ask(again.conninfo, "select count(*) from kept") == 1


def test_eight_processes_at_once_on_an_empty_folder(data_dir: Path, bin_dir: Path) -> None:
    with ExitStack() as stack:
        processes = [stack.enter_context(holder(data_dir, bin_dir)) for _ in range(8)]
        answers = [answer(process) for process in processes]
        assert len({a["pid"] for a in answers}) == 1
        assert ask(answers[0]["conninfo"], "select 1") == 1
    assert embedded.wait_until_stopped(data_dir, timeout_s=20)
    assert not is_process(answers[0]["pid"])


def test_the_server_outlives_its_starter_and_stops_after_the_last_user(made_dir: Path) -> None:
    with holder(made_dir) as first:
        pid = answer(first)["pid"]
        with embedded.start(made_dir) as second:
            first.kill()
            first.wait()
            time.sleep(0.3)  # nothing is to happen
            assert second.pid == pid
            assert ask(second.conninfo, "select 1") == 1
        eventually(lambda: not is_process(pid))


def test_users_that_are_killed_count_as_gone(made_dir: Path) -> None:
    with holder(made_dir) as one, holder(made_dir) as other:
        pid = answer(one)["pid"]
        assert answer(other)["pid"] == pid
        one.kill()
        other.kill()
        eventually(lambda: not is_process(pid))


def test_a_program_run_by_a_user_does_not_hold_the_server(made_dir: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as early:
        server = embedded.start(made_dir)
        pid = server.pid
        with subprocess.Popen(["sleep", "60"]) as late:
            server.close()
            eventually(lambda: not is_process(pid))
            late.kill()
        early.kill()


def test_output_of_a_starter_ends_with_it(made_dir: Path) -> None:
    """A server that inherited the pipe of its starter would keep `pgsluice … | cat` waiting."""
    with holder(made_dir) as first:
        pid = answer(first)["pid"]
        with embedded.start(made_dir) as second:
            first.stdin.close()
            assert first.stdout.read() == ""
            assert first.wait() == 0
            assert second.pid == pid


def test_signals_from_the_terminal_do_not_reach_the_server(made_dir: Path) -> None:
    with holder(made_dir, process_group=0) as first:
        pid = answer(first)["pid"]
        with embedded.start(made_dir) as second:
            os.killpg(first.pid, signal.SIGINT)
            first.wait()
            time.sleep(0.3)  # nothing is to happen
            assert second.pid == pid


def test_killed_server_is_back_at_once(data_dir: Path, bin_dir: Path) -> None:
    with embedded.start(data_dir, bin_dir=bin_dir) as server:
        keep_a_row(server.conninfo)
        before, conninfo = server.pid, server.conninfo
        os.kill(before, signal.SIGKILL)
        server.restart()
        assert server.pid != before
        assert server.conninfo == conninfo
        assert ask(conninfo, "select count(*) from kept") == 1


def test_a_backend_of_the_dead_server_is_no_hindrance(data_dir: Path, bin_dir: Path) -> None:
    """It does not notice the death while it computes, and holds the shared memory that a new server asks for."""
    with embedded.start(data_dir, bin_dir=bin_dir) as server, psycopg.connect(server.conninfo, autocommit=True) as busy:
        backend = busy.info.backend_pid
        computing = threading.Thread(target=compute, args=[busy])
        computing.start()
        eventually(lambda: ask(server.conninfo, f"select state from pg_stat_activity where pid = {backend}") == "active")
        os.kill(server.pid, signal.SIGKILL)
        server.restart()
        computing.join()
        assert not is_process(backend)
        assert ask(server.conninfo, "select 1") == 1


def test_restart_of_a_running_server_does_nothing(made_dir: Path) -> None:
    with embedded.start(made_dir) as server:
        before = server.pid
        server.restart()
        assert server.pid == before


def test_restart_by_many_at_once(made_dir: Path) -> None:
    with ExitStack() as stack:
        holds = [stack.enter_context(embedded.start(made_dir)) for _ in range(6)]
        os.kill(holds[0].pid, signal.SIGKILL)
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda hold: hold.restart(), holds))
        assert len({hold.pid for hold in holds}) == 1
        assert ask(holds[3].conninfo, "select 1") == 1
        pid = holds[0].pid
    eventually(lambda: not is_process(pid))


def test_restart_after_close_is_refused(made_dir: Path) -> None:
    server = embedded.start(made_dir)
    server.close()
    with pytest.raises(embedded.EmbeddedError) as caught:
        server.restart()
    assert caught.value.code == "SL408"


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_server_whose_keeper_was_killed_gets_another(made_dir: Path) -> None:
    with embedded.start(made_dir) as first:
        pid = first.pid
        kill_keeper(first)
        with embedded.start(made_dir) as second:
            assert second.pid == pid
    eventually(lambda: not is_process(pid))


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_an_adopted_server_that_is_killed_comes_back(made_dir: Path) -> None:
    with embedded.start(made_dir) as server:
        pid = server.pid
        kill_keeper(server)
        server.restart()
        os.kill(pid, signal.SIGKILL)
        server.restart()
        assert server.pid not in (None, pid)
        assert ask(server.conninfo, "select 1") == 1


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_ending_the_keeper_stops_the_server_cleanly(data_dir: Path) -> None:
    """A service manager ends every process of the service."""
    with embedded.start(data_dir) as server:
        pid = server.pid
        os.kill(keeper_of(server), signal.SIGTERM)
        eventually(lambda: not is_process(pid))
        assert "database system is shut down" in (data_dir / "postgres.log").read_text()


def test_a_starter_killed_during_initdb_leaves_nothing_in_the_way(data_dir: Path) -> None:
    with holder(data_dir) as first:
        eventually(lambda: list(data_dir.glob("postgres/new-*")))
        first.kill()
        first.wait()
    stale = next(iter(data_dir.glob("postgres/new-*")), data_dir / "postgres/new-1")
    with embedded.start(data_dir) as server:
        assert ask(server.conninfo, "select 1") == 1
        assert not (stale / "PG_VERSION").exists()


def test_an_interrupted_start_cleans_up(data_dir: Path) -> None:
    with holder(data_dir, stderr=subprocess.DEVNULL) as process:
        eventually(lambda: list(data_dir.glob("postgres/new-*/*")))
        process.send_signal(signal.SIGINT)
        process.wait()
    assert not list(data_dir.glob("postgres/new-*"))


def test_variables_of_libpq_lead_nowhere(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {
        "PGHOST": "192.0.2.1", "PGHOSTADDR": "192.0.2.1", "PGPORT": "1", "PGDATA": "/nonexistent", "PGUSER": "nobody",
        "PGSERVICE": "missing", "PGOPTIONS": "-c work_mem=nonsense", "PGTZ": "Nowhere/Never",
    }  # fmt: skip
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    with embedded.start(data_dir) as server:
        assert ask(server.conninfo, "show timezone") == "UTC"


def test_a_language_of_the_user_does_not_change_what_programs_print(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LANG", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.setenv(name, "xx_YY.ISO-8859-1")
    with embedded.start(data_dir) as server:
        assert ask(server.conninfo, "show server_encoding") == "UTF8"


def test_the_log_is_turned_over(made_dir: Path) -> None:
    with embedded.start(made_dir):
        pass
    assert embedded.wait_until_stopped(made_dir)
    with (made_dir / "postgres.log").open("ab") as log:
        log.truncate(20_000_000)
    with embedded.start(made_dir):
        assert (made_dir / "postgres.log").stat().st_size < 1_000_000
        assert (made_dir / "postgres.log.1").exists()


def test_isolationtester_is_found(isolationtester: list[str], server: embedded.Server) -> None:
    spec = "session s1\nstep a { select 1 as one; }\npermutation a\n"
    done = subprocess.run([*isolationtester, server.conninfo], input=spec, capture_output=True, text=True, check=True)
    assert "starting permutation: a" in done.stdout
