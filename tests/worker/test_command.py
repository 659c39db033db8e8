"""`pgsluice consumer run`: a program for each message, its exit status decides."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from embedded_processes import is_process
from isolation.sessions import Session, obj, until
from worker.conftest import lines
from worker.desk import Desk

PATIENCE = 60.0


class Runner:
    """`pgsluice consumer run c …` as a process."""

    def __init__(self, conninfo: str, folder: Path) -> None:
        self.folder = folder
        self._environment = {**os.environ, "PGSLUICE_DATABASE_URL": conninfo, "PGSLUICE_MASTER_KEY": "ab" * 32}
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "pgsluice.cli", "consumer", "run", "c", *arguments]
        streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL}
        self.processes.append(subprocess.Popen(command, cwd=self.folder, env=self._environment, text=True, **streams))
        return self.processes[-1]

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=PATIENCE)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def sh(self, script: str, *options: str) -> subprocess.CompletedProcess[str]:
        return self("--once", *options, "--", "sh", "-c", script)

    def wrote(self, name: str) -> Path:
        """The file, once a command has written it."""
        path = self.folder / name
        until(lambda: path.exists() and path.read_text().endswith("\n"), f"{name} is written")
        return path


@pytest.fixture
def run(db: str, tmp_path: Path) -> Iterator[Runner]:
    runner = Runner(db, tmp_path)
    yield runner
    for process in runner.processes:
        process.kill()
        process.communicate()


def test_the_record_is_on_standard_input_and_the_rest_in_the_environment(desk: Desk, run: Runner) -> None:
    desk.set_up().rows("""select record_ingest('y', 'push:o', '[{"upstream_id": "a", "data": {"n": 1.10, "s": "ü"}}]')""")
    script = 'cat; printf "%s " "$PGSLUICE_CONSUMER_ID" "$PGSLUICE_SYNC_ID" "$PGSLUICE_COLLECTION_ID" "$PGSLUICE_UPSTREAM_ID"'
    script += ' "$PGSLUICE_UPDATED_IDX" "$PGSLUICE_DELIVER_COUNT" "$PGSLUICE_DELETED" "${PGSLUICE_MASTER_KEY-no key}"'
    done = run.sh(script)
    assert done.returncode == 0, done.stderr
    document, rest = done.stdout.splitlines()
    assert json.loads(document) | {"updated_idx": 0} == {
        "sync_id": "y",
        "collection_id": "push:o",
        "upstream_id": "a",
        "updated_idx": 0,
        "upstream_created_at": None,
        "upstream_updated_at": None,
        "deleted": False,
        "data": {"n": 1.1, "s": "ü"},
        "sync": {"external_id": None, "metadata": {}},
    }
    assert "1.10" in document
    assert rest.startswith("c y push:o a ")
    assert rest.endswith(" 1 false no key ")
    assert desk.out() == {}
    assert done.stderr == "1 acked\n"


def often(session: Session) -> None:
    """`a` has come five times: the pause after the sixth is long enough to be seen."""
    for _ in range(5):
        found = session.next()
        session.nack([message for message in found if message.upstream_id == "a"])
        session.ack([message for message in found if message.upstream_id != "a"])


def test_any_other_exit_status_gives_back_for_a_while(desk: Desk, run: Runner) -> None:
    session = desk.set_up("a", lanes=1)
    often(session)
    session.push("b")
    done = run.sh('[ "$PGSLUICE_UPSTREAM_ID" = b ] || { echo out of order >&2; exit 3; }')
    assert done.returncode == 1
    assert "out of order\n" in done.stderr
    assert done.stderr.endswith("1 acked, 1 failed\n")
    assert 10 < desk.delay("a") <= 32
    assert list(desk.out()) == ["a"]


@pytest.mark.parametrize(("options", "status"), [((), 99), (("--term-status", "7"), 7)])
def test_a_status_that_gives_up(desk: Desk, run: Runner, options: tuple[str, ...], status: int) -> None:
    desk.set_up("a")
    done = run.sh(f"echo first >&2; echo no such customer >&2; echo >&2; exit {status}", *options)
    assert done.returncode == 0
    assert {name: row.reason for name, row in desk.look.dead().items()} == {"a": "no such customer"}
    assert done.stderr.startswith("first\nno such customer\n")


def test_a_reason_of_any_bytes_and_length(desk: Desk, run: Runner) -> None:
    desk.set_up("a")
    assert run.sh(r"printf 'a\0\377%02000d' 1 >&2; exit 99").returncode == 0
    (row,) = desk.look.dead().values()
    assert 900 < len(row.reason.encode()) <= 1000


def test_poison_ends_in_the_dead_letters(desk: Desk, run: Runner) -> None:
    desk.set_up("a", max_deliver=2)
    for _ in range(2):
        run.sh("exit 1")
        desk.look.age()
    run.sh("exit 1")
    assert {name: row.reason for name, row in desk.look.dead().items()} == {"a": "max_deliver"}


def test_json_lines_for_machines(desk: Desk, run: Runner) -> None:
    desk.set_up("a", "b", lanes=1)
    done = run.sh('[ "$PGSLUICE_UPSTREAM_ID" = b ]; echo said', "--json")
    assert done.stdout == "said\nsaid\n"
    done = run.sh("exit 1", "--json")
    (ended,) = lines(done.stderr)
    assert ended["event"] == "ended"
    desk.look.push("c")
    failed, ended = lines(run.sh("echo why >&2; exit 5", "--json").stderr.replace("why\n", "", 1))
    assert (failed["event"], failed["upstream_id"], failed["status"], failed["error"]) == ("failed", "c", 5, "why")
    assert ended["failed"] == 1


def test_a_program_that_is_not_there_costs_no_message_its_turn(desk: Desk, run: Runner) -> None:
    desk.set_up("a", "b")
    done = run("--", "./nowhere", "--workers")
    assert done.returncode == 1
    assert done.stderr.startswith("error SL406: there is no program ./nowhere")
    assert desk.out() == {}


def test_a_program_that_cannot_be_run(desk: Desk, run: Runner) -> None:
    desk.set_up("a", "b")
    (run.folder / "text").write_text("nothing to run")
    (run.folder / "text").chmod(0o755)
    done = run("--", "./text")
    assert done.returncode == 1
    assert done.stderr.startswith("error SL406: ./text cannot be run")
    assert all(not row.leased and row.deliver_count == 1 for row in desk.out().values())


def test_a_consumer_that_is_not_there(desk: Desk, run: Runner) -> None:
    done = run("--once", "--", "true")
    assert done.returncode == 1
    assert done.stderr.startswith("error SL103: ")


def test_a_command_that_reads_nothing(desk: Desk, run: Runner) -> None:
    desk.set_up().ingest(obj("a", {"much": "x" * 3_000_000}), obj("b"))
    assert run.sh("exec <&-; exit 0").returncode == 0
    assert desk.out() == {}


def test_output_without_an_end_of_line_and_very_long_lines(desk: Desk, run: Runner) -> None:
    desk.set_up("a")
    done = run.sh("head -c 300000 /dev/zero | tr '\\0' x; printf '\\nlast'")
    assert [len(line) for line in done.stdout.splitlines()] == [300000, 4]


def test_a_command_takes_too_long(desk: Desk, run: Runner) -> None:
    often(desk.set_up("a"))
    done = run.sh("echo $$ > pid; sleep 600 & echo $! > child; wait", "--timeout", "0.5")
    assert done.returncode == 1
    assert done.stderr.endswith("1 timed out\n")
    assert 10 < desk.delay("a") <= 32
    pids = [int((run.folder / name).read_text()) for name in ("pid", "child")]
    until(lambda: not any(map(is_process, pids)), "the end of both")


def test_a_command_that_does_not_listen_is_killed(desk: Desk, run: Runner) -> None:
    desk.set_up("a")
    done = run.sh("trap '' TERM; echo $$ > pid; while :; do sleep 0.1; done", "--timeout", "0.3")
    assert done.returncode == 1
    assert not is_process(int((run.folder / "pid").read_text()))


def test_what_a_command_leaves_running_holds_nothing_up(desk: Desk, run: Runner) -> None:
    desk.set_up("a", "b", lanes=1, max_deliver=1)
    done = run.sh("echo why >&2; sleep 20 & echo $! >> pids; exit 3", "--json")
    assert [line["error"] for line in lines(done.stderr.replace("why\n", "")) if line["event"] == "failed"] == ["why", "why"]
    pids = [int(line) for line in (run.folder / "pids").read_text().splitlines()]
    assert len(pids) == 2
    assert all(map(is_process, pids))
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def test_workers_run_side_by_side(desk: Desk, run: Runner) -> None:
    desk.set_up("a", "b", "c", lanes=1)
    meet = 'touch "at-$PGSLUICE_UPSTREAM_ID"; while [ ! -e at-a ] || [ ! -e at-b ] || [ ! -e at-c ]; do sleep 0.05; done'
    done = run.sh(meet, "--workers", "3", "--timeout", "30")
    assert (done.returncode, done.stderr) == (0, "3 acked\n")


def test_once_waits_for_what_is_in_the_way(desk: Desk, run: Runner) -> None:
    """One message is let out at a time, so the second worker finds nothing at first."""
    desk.set_up("a", "b", "c", lanes=1, max_ack_pending=1)
    done = run.sh("sleep 0.3", "--workers", "2")
    assert (done.returncode, done.stderr) == (0, "3 acked\n")


WAIT = "echo $$ > started; while [ ! -e go ]; do sleep 0.05; done; echo finished"


def test_sigterm_lets_the_command_finish(desk: Desk, run: Runner) -> None:
    desk.set_up("a", "b", lanes=1)
    process = run.start("--", "sh", "-c", WAIT)
    run.wrote("started")
    process.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    (run.folder / "go").touch()
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err) == (0, "finished\n", "1 acked\n")
    assert {name: row.leased for name, row in desk.out().items()} == {"b": False}


def test_sigterm_ends_within_the_grace(desk: Desk, run: Runner) -> None:
    desk.set_up("a", lanes=1)
    process = run.start("--grace", "0.3", "--", "sh", "-c", WAIT)
    pid = int(run.wrote("started").read_text())
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert err.endswith("1 given back\n")
    assert not is_process(pid)
    assert not desk.out()["a"].leased
    assert desk.delay("a") <= 0


def test_a_second_sigterm_ends_the_command(desk: Desk, run: Runner) -> None:
    desk.set_up("a", lanes=1)
    process = run.start("--grace", "600", "--", "sh", "-c", WAIT)
    pid = int(run.wrote("started").read_text())
    process.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0
    assert not is_process(pid)
    assert not desk.out()["a"].leased


def test_ctrl_c_is_not_for_the_command(desk: Desk, run: Runner) -> None:
    """A terminal sends SIGINT to the whole group."""
    desk.set_up("a", lanes=1)
    process = run.start("--", "sh", "-c", WAIT)
    pid = int(run.wrote("started").read_text())
    assert os.getpgid(pid) != os.getpgid(process.pid)
    process.send_signal(signal.SIGINT)
    (run.folder / "go").touch()
    assert process.wait(PATIENCE) == 0
    assert desk.out() == {}


def test_it_waits_for_messages(desk: Desk, run: Runner) -> None:
    session = desk.set_up()
    process = run.start("--", "sh", "-c", 'echo "$PGSLUICE_UPSTREAM_ID" > "got-$PGSLUICE_UPSTREAM_ID"')
    for upstream_id in ("a", "b"):
        desk.until_waiting()
        session.push(upstream_id)
        run.wrote(f"got-{upstream_id}")
    desk.until_out()
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0


def test_a_killed_worker_loses_nothing(desk: Desk, run: Runner) -> None:
    desk.set_up("a", "b", lanes=1)
    process = run.start("--", "sh", "-c", WAIT)
    pid = int(run.wrote("started").read_text())
    process.kill()
    process.wait()
    assert {name: row.leased for name, row in desk.out().items()} == {"a": True, "b": True}
    (run.folder / "go").touch()
    until(lambda: not is_process(pid), "the end of the command")
    desk.look.age()
    assert run.sh("exit 0").returncode == 0
    desk.look.age()
    run.sh("exit 0")
    assert desk.out() == {}


def test_options_that_make_no_sense(run: Runner) -> None:
    for arguments in (("--",), ("--workers", "0", "--", "true"), ("--batch-size", "2000", "--", "true"), ("--timeout", "0", "--", "true")):
        assert run(*arguments).returncode == 2


def test_a_long_command_keeps_its_message_until_somebody_else_has_it(desk: Desk, run: Runner) -> None:
    session = desk.set_up("a", lanes=1, ack_wait="1.5 seconds")
    process = run.start("--json", "--", "sh", "-c", WAIT)
    pid = int(run.wrote("started").read_text())
    due = desk.out()["a"].due_at
    until(lambda: desk.look.value("select clock_timestamp() > %s::timestamptz + interval '1 second'", due), "a lease's length")
    assert desk.out()["a"].leased
    assert session.next() == []

    def taken() -> bool:
        session.age()
        return session.ids() == ["a"]

    until(taken, "somebody else has it")
    until(lambda: not is_process(pid), "the end of the command")
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=PATIENCE)
    assert [line["event"] for line in lines(err)] == ["lost a message", "lost", "ended"]
    assert desk.out()["a"].leased
