"""Processes that use an embedded server, for the tests that kill them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pgsluice
from pgsluice.db.embedded_programs import Account

# Answers one line of JSON, then holds the server until its input ends.
HOLD = """
import json, sys
from pathlib import Path
from pgsluice.db import embedded
data_dir, bin_dir = sys.argv[1:]
try:
    server = embedded.start(Path(data_dir), bin_dir=Path(bin_dir) if bin_dir else None, durable=False)
    print(json.dumps({"pid": server.pid, "conninfo": server.conninfo}), flush=True)
except embedded.EmbeddedError as exc:
    print(json.dumps(exc.as_dict()), flush=True)
    sys.exit(1)
sys.stdin.read()
"""


@contextmanager
def holder(data_dir: Path, bin_dir: Path | str = "", code: str = HOLD, **options) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the server of `data_dir`; killed at the end if it is still there."""
    command = [options.pop("python", sys.executable), "-c", code, str(data_dir), str(bin_dir)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            with suppress(BrokenPipeError):
                stream.close()


def answer(process: subprocess.Popen[str]) -> dict:
    return json.loads(process.stdout.readline())


def eventually(condition: Callable[[], object], timeout_s: float = 20) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.01)


def is_process(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def python_for(account: Account) -> dict | None:
    """Arguments for `holder` that run it as another user; None where that user can read no Python of our version, or not this package."""
    link = Path(pgsluice.__file__).parent / ".link"
    path = [str(link), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    for python in filter(None, (sys.executable, shutil.which(version, path="/usr/local/bin:/usr/bin"))):
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(path), "HOME": "/nonexistent"}
        options = {"env": environment, "cwd": "/", **account.drop}
        try:
            done = subprocess.run([python, "-c", "import pgsluice.db.embedded"], check=False, capture_output=True, **options)
        except OSError:
            continue
        if done.returncode == 0:
            return {"python": python, **options}
    return None
