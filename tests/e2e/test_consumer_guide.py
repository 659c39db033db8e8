"""The snippets of the guide to consumers, as printed, in its order: SQL, requests and commands."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
from api.serving import BOOTSTRAP, push, served

from pgsluice.db.sources import ROOT

PAGE = ROOT / "docs/how-to/consumers.md"


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
def test_the_snippets_do_what_the_page_says(db: str, conn: psycopg.Connection[Any], tmp_path: Path) -> None:
    conn.execute("select stream_create('dev')")
    conn.execute("select sync_create('dev', 'push', 'my-sync')")
    conn.execute("select consumer_create('billing', 'dev')")
    push(conn, "o1", "o2", data='{"total": 200}')
    snippets = re.findall(r"```(sql|sh)\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(snippets) % 3 == 0, "each in SQL, over HTTP and as a command"
    with served(db) as running:
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PGSLUICE_DATABASE_URL": db,
            "API": running.url,
            "TOKEN": BOOTSTRAP,
        }
        for kind, text in snippets:
            if kind == "sql":
                conn.execute(text)
                continue
            script = text.replace("curl -s ", "curl -sS --fail-with-body --noproxy '*' ")
            done = subprocess.run(
                ["bash", "-euc", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
            )
            assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"
    row = conn.execute("select paused, max_ack_pending, filter ->> 'where', num_pending from consumer_info('billing')").fetchone()
    assert row == (False, 50, "$.total > 100", 2)
