"""The snippets of the guide to syncs, as printed, in its order: SQL, requests and commands."""

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
from api.serving import BOOTSTRAP, served

from pgsluice.db.sources import ROOT

PAGE = ROOT / "docs/how-to/syncs.md"


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
def test_the_snippets_do_what_the_page_says(db: str, conn: psycopg.Connection[Any], tmp_path: Path) -> None:
    for stream in ("dev", "archive"):
        conn.execute("select stream_create(%s)", [stream])
    conn.execute("select sluice_internal._credential_put('k', 'stripe', 'api_key', 'shown', '\\xc0ffee', 1, null, '{}')")
    conn.execute(
        "select sync_create('dev', 'stripe', 'shop', collection_ids => array['stripe:customer', 'stripe:plan'], credential_id => 'k')"
    )
    conn.execute("select sync_create('dev', 'push', 'acme', metadata => '{\"tenant\": 7}'), sync_create('dev', 'push', 'other')")
    people = ", ".join(f'{{"upstream_id": "{name}", "data": {{}}}}' for name in ("anna", "bert", "carla", "dora"))
    conn.execute("select record_ingest('acme', 'push:person', %s)", [f"[{people}]"])
    conn.execute(
        "insert into sluice_internal.quarantine (sync_id, collection_id, upstream_id, raw, reason) values ('acme', 'push:person', 'e', '{}', 'w')"
    )
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
            if "X DELETE" in text:
                row = conn.execute("select stream_id, name, external_id, metadata from syncs where sync_id = 'acme'").fetchone()
                assert row == ("archive", "Acme Inc.", "customer-7", {"tenant": 7, "plan": "gold"})
                left = conn.execute("select array_agg(upstream_id order by upstream_id) from records").fetchone()
                assert left == (["dora", "e"],)
            if kind == "sql":
                for statement in text.split(";\n"):
                    if statement.strip():
                        conn.execute(statement)
                continue
            script = text.replace("curl -s ", "curl -sS --fail-with-body --noproxy '*' ")
            done = subprocess.run(
                ["bash", "-euc", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
            )
            assert done.returncode == 0 or "sync delete acme" in text, f"{text}\n{done.stdout}{done.stderr}"
    assert conn.execute("select array_agg(sync_id) from syncs").fetchone() == (["shop"],)
