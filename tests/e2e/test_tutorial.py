"""The snippets of the HTTP tutorial, as printed, one after the other, against the fake vendor."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.stripe import StripeFake

from pgsluice.db.sources import ROOT

PAGE = ROOT / "docs/tutorial/over-http.md"
UP = "pgsluice up &\n"


@pytest.fixture
def port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
def folder(tmp_path: Path, data_dir: Path, port: int) -> Iterator[tuple[Path, dict[str, str]]]:
    """A working folder and the environment; what `up` started there is ended by its process id."""
    words = {"PGSLUICE_DATA_DIR": str(data_dir), "PGSLUICE_LISTEN": f"127.0.0.1:{port}", "PGSLUICE_ALLOW_PRIVATE_ADDRESSES": "1"}
    yield tmp_path, {**os.environ, **words, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    noted = tmp_path / "up.pid"
    if noted.exists():
        process = int(noted.read_text())
        try:
            os.kill(process, signal.SIGTERM)
        except ProcessLookupError:
            return


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
def test_the_snippets_do_what_the_page_says(folder: tuple[Path, dict[str, str]], port: int, stripe_fake: StripeFake) -> None:
    stripe_fake.seed(customers=25, products=3)
    place, environment = folder
    script = "".join(re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL))
    assert script.count(UP) == 1
    script = script.replace(UP, "pgsluice up > up.txt 2>&1 &\necho $! > up.pid\n").replace("127.0.0.1:7420", f"127.0.0.1:{port}")
    assert '"sk_test_…"' in script
    script = script.replace('"sk_test_…"', f'"{stripe_fake.key}", "base_url": "{stripe_fake.url}"')
    done = subprocess.run(["bash", "-euc", script], cwd=place, env=environment, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    batch = json.loads((place / "batch.json").read_text())
    assert len(batch) == 10
    assert '{"accepted" : 10, "rejected" : []}' in done.stdout
    written = json.loads((place / "written.json").read_text())
    assert (written["status"], written["records"][0]["data"]["name"]) == ("succeeded", "Paul Atreides")
    ids = [message["record"]["upstream_id"] for message in json.loads((place / "change.json").read_text())]
    assert written["records"][0]["upstream_id"] in ids
    assert len(stripe_fake.objects("customer")) == 26
    assert stripe_fake.key not in done.stdout
