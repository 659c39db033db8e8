"""A provider of one's own, from its document to records: the guide's snippets as printed, and what follows, over real HTTP."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
from e2e.polling import KEY, KEY_TEXT, NEWEST, read_once
from fakes import crm as fake

from pgsluice.db.client import Client
from pgsluice.db.errors import SluiceError
from pgsluice.db.sources import ROOT
from pgsluice.providers.rest_check import checked

PAGE = ROOT / "docs/how-to/rest.md"
DOCUMENT = re.search(r"<<'END'\n(.*?)END\n", PAGE.read_text(), re.DOTALL)
pytestmark = NEWEST


def records(db: str) -> dict[str, dict[str, Any]]:
    with psycopg.connect(db) as conn:
        rows = conn.execute("select collection_id, upstream_id, data from sluice.records where not deleted").fetchall()
    found: dict[str, dict[str, Any]] = {}
    for collection_id, upstream_id, data in rows:
        found.setdefault(collection_id, {})[upstream_id] = data
    return found


def seed(crm: fake.Crm) -> None:
    for number in range(1, 6):
        crm.put(f"c{number:03}", name=f"Company {number}")
        crm.notes[f"c{number:03}"] = [{"id": f"n{number}{letter}", "text": letter} for letter in "ab"]


@pytest.mark.timeout(600)  # twelve commands, one after the other
def test_the_guide_does_what_it_says(db: str, tmp_path: Path) -> None:
    with fake.running() as crm:
        seed(crm)
        script = "".join(re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)).replace("https://api.crm.example/v1", crm.url)
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PGSLUICE_DATABASE_URL": db,
            "PGSLUICE_MASTER_KEY": KEY_TEXT,
            "PGSLUICE_ALLOW_PRIVATE_ADDRESSES": "1",
            "CRM_KEY": fake.KEY,
        }
        done = subprocess.run(
            ["bash", "-euc", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=580, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert (
            "crm:company: 4 records in 4 requests, there is more, updated_at in 4, order asc, one by its id, 97 requests left"
            in done.stdout
        )
        found = records(db)
        assert found["crm:company"] == crm.companies
        assert "Made here" in {one["name"] for one in crm.companies.values()}
        assert set(found["crm:note"]) == {f"n{number}{letter}" for number in range(1, 6) for letter in "ab"}
        assert fake.KEY not in done.stdout + done.stderr


def connect(db: str, crm: fake.Crm) -> None:
    assert DOCUMENT is not None
    text = DOCUMENT[1].replace("https://api.crm.example/v1", crm.url)
    with Client.connect(db, master_key=KEY) as client:
        client.provider_create("crm", checked(text)[0], text)
        client.stream_create("dev")
        client.credential_create("crm", "my-crm", "crm_key", secret={"secret": fake.KEY})
        client.sync_create("dev", "crm", "s", collection_ids=["crm:company", "crm:note"], credential_id="my-crm")


def test_changes_come_and_writes_go(db: str) -> None:
    with fake.running() as crm, Client.connect(db, master_key=KEY) as client:
        seed(crm)
        connect(db, crm)
        assert read_once(db)["s"].error is None
        crm.put("c002", name="Renamed")
        crm.put("c009", name="New", size=12345678901234567890)
        assert read_once(db)["s"].error is None
        assert records(db)["crm:company"] == crm.companies
        client.mutation_run("create", "s", "crm:company", [{"name": "Made here"}])
        client.mutation_run("update", "s", "crm:company", [{"upstream_id": "c001", "data": {"name": "Changed here"}}])
        client.mutation_run("delete", "s", "crm:company", [{"upstream_id": "c003"}])
        read_once(db)
        assert {row["status"] for row in client.mutation_items()} == {"succeeded"}
        assert crm.companies["c001"]["name"] == "Changed here"
        assert any(one["name"] == "Made here" for one in crm.companies.values())
        assert records(db)["crm:company"] == crm.companies


def test_a_changed_document_counts_from_the_next_turn_on(db: str) -> None:
    with fake.running() as crm, Client.connect(db, master_key=KEY) as client:
        seed(crm)
        connect(db, crm)
        assert DOCUMENT is not None
        broken = DOCUMENT[1].replace("https://api.crm.example/v1", crm.url).replace("records: data\n", "records: things\n")
        client.provider_create("crm", checked(broken)[0], broken, replace=True)
        tally = read_once(db)["s"]
        assert tally.error is not None
        assert "things" in str(tally.error["message"])
        whole = broken.replace("records: things\n", "records: data\n")
        client.provider_create("crm", checked(whole)[0], whole, replace=True)
        with psycopg.connect(db, autocommit=True) as conn:
            conn.execute("update sluice_internal.sync_feeds set next_attempt_at = null")
        assert read_once(db)["s"].error is None
        assert records(db)["crm:company"] == crm.companies
        less = {**checked(whole)[0]}
        less["collections"] = {"company": less["collections"]["company"]}
        with pytest.raises(SluiceError, match="lacks a collection") as caught:
            client.provider_create("crm", less, replace=True)
        assert caught.value.code == "SL111"
        with pytest.raises(SluiceError, match="is used by sync"):
            client.provider_delete("crm")


def test_an_object_that_comes_twice_in_lists_alone_has_its_last_state(db: str) -> None:
    """On one page, on two pages of one reading, and in the sweep that follows: a note cannot be asked for by itself."""
    with fake.running() as crm:
        seed(crm)
        crm.notes["c001"] = [{"id": "twice", "text": "first"}, {"id": "twice", "text": "second"}]
        crm.notes["c002"].append({"id": "moved", "text": "old"})
        crm.notes["c003"].append({"id": "moved", "text": "new"})
        connect(db, crm)
        tally = read_once(db)["s"]
        assert (tally.error, tally.outcome) == (None, "caught_up")
        notes = records(db)["crm:note"]
        assert (notes["twice"]["text"], notes["moved"]["text"]) == ("second", "new")
        with psycopg.connect(db, autocommit=True) as conn:
            assert conn.execute("select health ->> 'status' from sluice.syncs").fetchone() == ("active",)
