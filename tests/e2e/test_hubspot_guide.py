"""The guide to HubSpot as printed, from an empty database to consumed records and writes that come back, over real HTTP."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from e2e.polling import KEY_TEXT, NEWEST
from fakes.hubspot import TOKEN, HubSpotFake

from pgsluice.db.sources import ROOT

PAGE = ROOT / "docs/how-to/hubspot.md"
pytestmark = NEWEST


@pytest.mark.timeout(1000)  # a dozen commands, one after the other
def test_the_guide_does_what_it_says(db: str, tmp_path: Path) -> None:
    text = PAGE.read_text()
    with HubSpotFake() as hubspot:
        acme = hubspot.create("companies", name="Acme")
        anna = hubspot.create("contacts", email="anna@example.com")
        hubspot.associate("contacts", anna, "companies", acme)
        hubspot.create("deals", dealname="Large")
        hubspot.create("owners", firstName="Olga")
        script = "".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
        script = script.replace("--provider hubspot ", f"--provider hubspot --base-url {hubspot.url} ")
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PGSLUICE_DATABASE_URL": db,
            "PGSLUICE_MASTER_KEY": KEY_TEXT,
            "PGSLUICE_ALLOW_PRIVATE_ADDRESSES": "1",
            "HUBSPOT_TOKEN": TOKEN,
        }
        done = subprocess.run(
            ["bash", "-euc", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=900, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert TOKEN not in done.stdout + done.stderr
        there = hubspot.objects("contacts", ("companies",))
    (query,) = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    with psycopg.connect(db, autocommit=True) as conn:
        conn.execute("set search_path = public, sluice")
        assert sorted(conn.execute(query).fetchall()) == [("ada@example.com", None), ("anna@example.com", acme)]
        here = dict(conn.execute("select upstream_id, data from records where collection_id = 'hubspot:contact'").fetchall())
        assert {state for (state,) in conn.execute("select status from mutations").fetchall()} == {"succeeded"}
    assert here == there
    assert sorted(doc["properties"]["jobtitle"] or "" for doc in here.values()) == ["", "Analyst"]
    # What the second `next` brought is what was written.
    assert "ada@example.com" in done.stdout
