"""`make demo` and `make up`, as they are run, and the lines that the demo prints."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pgsluice.db import embedded
from pgsluice.db.sources import ROOT

PATIENCE = 100.0


def start(script: str, data_dir: Path, out: Path) -> subprocess.Popen[bytes]:
    with out.open("w") as file:
        return subprocess.Popen([sys.executable, ROOT / "demo" / script], env=environment(data_dir), stdout=file, stderr=file, cwd=ROOT)


def environment(data_dir: Path) -> dict[str, str]:
    return {**os.environ, "PGSLUICE_DATA_DIR": str(data_dir), "PGSLUICE_LISTEN": "127.0.0.1:0"}


@pytest.mark.timeout(300)
def test_the_demo_and_what_it_says_to_try(data_dir: Path) -> None:
    out = data_dir.with_suffix(".demo")
    try:
        demo = start("run.py", data_dir, out)
        assert demo.wait(PATIENCE) == 0, out.read_text()
        said = out.read_text()
        assert "Traceback" not in said
        assert '"ack_token"' in said
        assert "name: Paul Atreides" in said
        assert "name: Chani Kynes" in said
        assert "300 customers there, the same 300 here" in said
        _, _, after = said.partition("in another terminal:")
        lines = [line.strip() for line in after.splitlines() if line.strip()]
        assert len(lines) == 7
        _keeps_running(data_dir, lines)
    finally:
        embedded.wait_until_stopped(data_dir / "demo", timeout_s=30)


def _keeps_running(data_dir: Path, lines: list[str]) -> None:
    out = data_dir.with_suffix(".up")
    up = start("up.py", data_dir, out)
    try:
        end = time.monotonic() + PATIENCE
        while "poller ready" not in out.read_text():
            assert up.poll() is None, out.read_text()
            assert time.monotonic() < end, out.read_text()
            time.sleep(0.05)
        for line in lines:
            done = subprocess.run(["sh", "-c", line], cwd=ROOT, env=environment(data_dir), capture_output=True, text=True, check=False)
            assert (done.returncode, done.stderr) == (0, ""), line
            assert done.stdout.strip(), line
        vendor = re.search(r"process (\d+)", out.read_text())
        assert vendor is not None
    finally:
        up.send_signal(signal.SIGTERM)
        assert up.wait(30) == 0, out.read_text()
    assert "sync failed" not in out.read_text()
    assert not Path("/proc", vendor[1]).exists()
