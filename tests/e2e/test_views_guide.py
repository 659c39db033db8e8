"""The snippets of the guide to typed views, as printed, in its order: SQL, requests and commands."""

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
from e2e.polling import NEWEST

from pgsluice.db.sources import ROOT

PAGE = ROOT / "docs/how-to/views.md"
ORDER = '{"total": 200, "placed": "2024-02-29T10:00:00Z", "customer": {"name": "Ada"}}'


@NEWEST
@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
def test_the_snippets_do_what_the_page_says(db: str, conn: psycopg.Connection[Any], tmp_path: Path) -> None:
    conn.execute("select stream_create('dev')")
    conn.execute("select sync_create('dev', 'push', 'my-sync')")
    conn.execute("select record_ingest('my-sync', 'push:order', %s::jsonb)", (f'[{{"upstream_id": "o1", "data": {ORDER}}}]',))
    conn.execute("select sluice_internal._credential_put('stripe-key', 'stripe', 'stripe_key', null, '\\x00', 1, null, '{}')")
    conn.execute("select sync_create('dev', 'stripe', 'stripe-sync', collection_ids => '{stripe:customer}', credential_id => 'stripe-key')")
    conn.execute("""select record_ingest('stripe-sync', 'stripe:customer', '[{"upstream_id": "cus_1", "data": {"name": "A"}}]')""")
    conn.execute("select view_create('stripe:customer')")
    with served(db) as running:
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PGSLUICE_DATABASE_URL": db,
            "API": running.url,
            "TOKEN": BOOTSTRAP,
        }
        answers: list[Any] = []
        for kind, text in re.findall(r"```(sql|sh)\n(.*?)```", PAGE.read_text(), re.DOTALL):
            if kind == "sql":
                for statement in filter(str.strip, text.split(";\n")):
                    cursor = conn.execute(statement)
                    answers.append(cursor.fetchall() if cursor.description else cursor.rowcount)
                continue
            script = text.replace("curl -s ", "curl -sS --fail-with-body --noproxy '*' ")
            done = subprocess.run(
                ["bash", "-euc", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
            )
            assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"
    assert answers[0] == [("sluice_views.push_order",)]
    assert [row[0] for row in answers[1]] == ["o1"]
    assert [tuple(map(str, row)) for row in answers[4]] == [("None", "99.5", "True")]
    assert [row[0] for row in answers[5]] == ["customer", "placed", "total", "gift", "total_numeric"]
    assert answers[7:10] == [1, 1, 1]
    kinds = conn.execute("select kind, data::text from mutations join mutation_items using (mutation_id) order by created_at").fetchall()
    assert kinds == [
        ("update", '{"name": "Ada"}'),
        ("create", '{"name": "Grace", "metadata": {"plan": "pro"}}'),
        ("delete", None),
    ]
    assert answers[-1] == [("known",)]
