"""Real processes on embedded servers: `up`, a second `up`, SIGTERM, SIGKILL, `sql`, data folders that cannot be used."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pgsluice.db import embedded
from pgsluice.db.sources import ROOT

PATIENCE = 60.0


def pgsluice(*arguments: str, **options) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pgsluice.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False, **options)


class Up:
    """`pgsluice up` on a data folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.printed = folder.with_suffix(".out")
        with self.printed.open("w") as out:
            command = [sys.executable, "-m", "pgsluice.cli", "--data-dir", str(folder), "--listen", "127.0.0.1:0", "up"]
            self.process = subprocess.Popen(command, stdout=out, stderr=out)

    def wait(self, words: str) -> str:
        """Waits until it has said so."""
        self.until(lambda: words in self.printed.read_text(), words)
        return self.printed.read_text()

    def until(self, true: Callable[[], object], what: str) -> None:
        end = time.monotonic() + PATIENCE
        while not true():
            assert self.process.poll() is None, self.printed.read_text()
            assert time.monotonic() < end, f"{what}: {self.printed.read_text()}"
            time.sleep(0.02)

    def server_pid(self) -> int:
        return int((self.folder / "postgres/cluster/postmaster.pid").read_text().split()[0])


@pytest.fixture
def up(made_dir: Path) -> Iterator[Up]:
    running = Up(made_dir)
    yield running
    if running.process.poll() is None:
        running.process.kill()
        running.process.wait()


def test_up_runs_once_for_each_folder_and_ends_on_sigterm(up: Up) -> None:
    said = up.wait("poller ready")
    assert f"process {up.process.pid}" in said
    second = pgsluice("--data-dir", str(up.folder), "--listen", "127.0.0.1:0", "up")
    assert second.returncode == 3
    assert second.stderr.startswith("error SL402: ")
    assert f"process {up.process.pid}, database at host=" in second.stderr
    assert pgsluice("--data-dir", str(up.folder), "stream", "create", "dev").returncode == 0
    assert "dev" in pgsluice("--data-dir", str(up.folder), "sql", "-Atc", "select stream_id from streams").stdout
    server = up.server_pid()
    begun = time.monotonic()
    up.process.send_signal(signal.SIGTERM)
    assert up.process.wait(PATIENCE) == 0
    assert time.monotonic() - begun < 10
    assert not Path(f"/proc/{server}").exists()


def test_up_brings_a_killed_server_back(up: Up) -> None:
    up.wait("poller ready")
    killed = up.server_pid()
    os.kill(killed, signal.SIGKILL)
    up.wait("runs again")
    assert up.server_pid() != killed
    assert pgsluice("--data-dir", str(up.folder), "stream", "list").returncode == 0


def test_killed_up_leaves_nothing_behind(up: Up) -> None:
    up.wait("poller ready")
    up.process.kill()
    up.process.wait()
    assert embedded.wait_until_stopped(up.folder, timeout_s=30)


def test_a_first_command_makes_everything(data_dir: Path) -> None:
    done = pgsluice("--data-dir", str(data_dir), "stream", "create", "dev", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    created = pgsluice(
        "--data-dir", str(data_dir), "credential", "create", "a", "--provider", "stripe", "--secret-stdin", input="sk_test_abc123"
    )
    assert created.returncode == 0
    assert (data_dir / "master.key").stat().st_mode & 0o777 == 0o600


def test_sql_has_psqls_exit_status_and_its_arguments(db: str) -> None:
    environment = {**os.environ, "PGSLUICE_DATABASE_URL": db}
    done = pgsluice("sql", "-At", "-c", "show search_path", env=environment)
    assert (done.returncode, done.stdout) == (0, '"$user",public,sluice\n')
    assert pgsluice("sql", "-v", "ON_ERROR_STOP=1", "-c", "select 1/0", env=environment).returncode == 1
    assert pgsluice("sql", "-f", "/nonexistent", env=environment).returncode == 1


def test_a_data_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = pgsluice("--data-dir", str(tmp_path / "file"), "stream", "list")
    assert done.returncode == 1
    assert done.stderr.startswith("error SL404: ")
    assert "Traceback" not in done.stderr


def test_poll_ends_with_75_when_the_database_stays_away() -> None:
    done = pgsluice("--database-url", "postgresql://127.0.0.1:1/x", "poll", "--once", "--database-patience", "0.2")
    assert done.returncode == 75
    assert "error SL401: " in done.stderr
    assert "Traceback" not in done.stderr


def test_a_closed_pipe_is_no_error(db: str) -> None:
    command = [sys.executable, "-m", "pgsluice.cli", "schema", "dump"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    process.wait()


def test_ctrl_c_ends_up(up: Up) -> None:
    up.wait("poller ready")
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(PATIENCE) == 0


@pytest.mark.parametrize("closed", [1, 2])
def test_a_closed_stream_is_no_error(db: str, closed: int) -> None:
    shell = f'exec {sys.executable} -m pgsluice.cli --database-url "$0" stream list {closed}>&-'
    done = subprocess.run(["sh", "-c", shell, db], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


INTERRUPTED = """
import os, signal, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "pgsluice.cli":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
from pgsluice.starting import main
main()
"""


def test_ctrl_c_while_the_modules_are_read_prints_no_traceback() -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


def test_the_command_begins_where_ctrl_c_is_quiet() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert settings["project"]["scripts"] == {"pgsluice": "pgsluice.starting:main"}
    done = subprocess.run(
        [sys.executable, "-c", "from pgsluice.starting import main; main()", "--version"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "version" in done.stdout
