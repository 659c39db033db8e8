"""The guide to webhooks, from an empty installation: its snippets as printed, in its order."""

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
from api.serving import BOOTSTRAP
from e2e.polling import KEY_TEXT, stored, until
from e2e.test_webhooks import doorway, is_subscribed, working
from fakes.stripe import StripeFake

from pgsluice.db.client import Client
from pgsluice.db.sources import ROOT

PAGE = ROOT / "docs/how-to/webhooks.md"


@pytest.mark.timeout(1000)  # a dozen commands, one after the other
@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
def test_the_guide_leads_to_changes_that_arrive_at_once(
    db: str, conn: psycopg.Connection[Any], stripe_fake: StripeFake, tmp_path: Path
) -> None:
    customer = stripe_fake.seed(customers=2)["customer"][0]
    snippets = re.findall(r"```(sql|sh)\n(.*?)```", PAGE.read_text(), re.DOTALL)
    with doorway(db) as door, working(db, door.url, poll_interval=600.0):
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PGSLUICE_DATABASE_URL": db,
            "PGSLUICE_MASTER_KEY": KEY_TEXT,
            "STRIPE_KEY": stripe_fake.key,
            "STRIPE_URL": stripe_fake.url,
            "SECRET": "whsec_by_hand_12345",
            "API": door.url,
            "TOKEN": BOOTSTRAP,
        }
        for kind, text in snippets:
            if kind == "sql":
                conn.execute(text)
                continue
            if "webhook delete" in text:
                with Client.connect(db) as client:
                    assert client.sync_webhook_info("my-sync")["secrets"] == 2
            script = text.replace("curl -s ", "curl -sS --fail-with-body --noproxy '*' ")
            done = subprocess.run(
                ["bash", "-euc", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
            )
            assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"
            if "webhook subscribe" in text:
                until(lambda: is_subscribed(db, sync_id="my-sync"))
                stripe_fake.update("customer", customer, name="heard of")
                until(lambda: stored(db, "my-sync")["customer"][customer].get("name") == "heard of")
    with Client.connect(db) as client:
        row = client.sync_webhook_info("my-sync")
    assert (row["enabled"], row["secrets"], row["deliveries"] >= 1) == (False, 0, True)
