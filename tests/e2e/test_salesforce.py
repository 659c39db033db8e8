"""Salesforce with a real database and real pollers: the guide as printed, tokens, budgets, fields, lost answers."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from e2e.polling import KEY, NEWEST, read_once, sync, until
from e2e.test_tutorial import UP, folder, port
from fakes.faults import FaultProxy, reset
from fakes.salesforce import Field, SalesforceFake

from pgsluice.db.client import Client
from pgsluice.db.sources import ROOT

__all__ = ["folder", "port"]

PAGE = ROOT / "docs/how-to/salesforce.md"
COLLECTIONS = ["salesforce:account", "salesforce:contact", "salesforce:invoice__c"]


@pytest.fixture
def fake() -> Iterator[SalesforceFake]:
    with SalesforceFake() as fake:
        yield fake


def connect(db: str, fake: SalesforceFake, *collections: str, url: str | None = None) -> None:
    """An app by itself, which has no token yet."""
    secret = {"instance_url": url or fake.url, "client_id": fake.tokens.client_id, "client_secret": fake.tokens.client_secret}
    with Client.connect(db, master_key=KEY) as client:
        client.stream_create("dev")
        client.credential_create("salesforce", "acme", "salesforce_client_credentials", secret=secret)
        client.sync_create("dev", "salesforce", "acme", collection_ids=list(collections or COLLECTIONS), credential_id="acme")


def stored(db: str, name: str) -> dict[str, Any]:
    query = "select upstream_id, data from sluice.records where collection_id = %s and not deleted"
    with psycopg.connect(db) as conn:
        return dict(conn.execute(query, [f"salesforce:{name.lower()}"]).fetchall())


def equal(db: str, fake: SalesforceFake, *names: str) -> bool:
    return all(stored(db, name) == fake.objects(name) for name in names)


@pytest.mark.timeout(200)
@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
def test_the_guide_does_what_it_says(folder: tuple[Path, dict[str, str]], port: int, fake: SalesforceFake) -> None:
    for number in range(5):
        account = fake.create("Account", Name=f"Company {number}")["Id"]
        fake.create("Contact", LastName=f"Person {number}", AccountId=account)
    fake.create("Invoice__c", Key__c="2026-001", Name="Water", Total__c=3)
    place, environment = folder
    script = "".join(re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL))
    assert script.count(UP) == 1
    script = script.replace(UP, "pgsluice up > up.txt 2>&1 &\necho $! > up.pid\n").replace("127.0.0.1:7420", f"127.0.0.1:{port}")
    for printed, meant in (
        ("https://example.my.salesforce.com", fake.url),
        ('"3MVG9…"', f'"{fake.tokens.client_id}"'),
        ('"client_secret": "…"', f'"client_secret": "{fake.tokens.client_secret}"'),
    ):
        assert printed in script
        script = script.replace(printed, meant)
    done = subprocess.run(["bash", "-euc", script], cwd=place, env=environment, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout + done.stderr + (place / "up.txt").read_text()
    assert len(json.loads((place / "batch.json").read_text())) == 11
    written = json.loads((place / "written.json").read_text())
    assert written["status"] == "succeeded"
    (record,) = written["records"]
    assert record["data"] == fake.objects("Contact")[record["upstream_id"]]
    assert record["data"]["Email"] == "paul@arrakis.org"
    assert record["upstream_id"] in [message["record"]["upstream_id"] for message in json.loads((place / "change.json").read_text())]
    assert json.loads((place / "upserted.json").read_text())["status"] == "succeeded"
    assert [doc["Name"] for doc in fake.objects("Invoice__c").values()] == ["Spice"]
    assert fake.tokens.client_secret not in done.stdout + (place / "up.txt").read_text()


@NEWEST
def test_a_token_is_got_once_and_renewed_once(db: str, fake: SalesforceFake) -> None:
    for number in range(3):
        fake.create("Contact", LastName=f"{number}")
    connect(db, fake)
    assert read_once(db)["acme"].error is None
    assert equal(db, fake, "Contact")
    given = fake.tokens.given
    assert given == 1
    fake.tokens.expire()
    fake.create("Contact", LastName="after the session had ended")
    assert read_once(db)["acme"].error is None
    assert equal(db, fake, "Contact")
    assert fake.tokens.given == given + 1


@NEWEST
def test_a_used_up_budget_is_waited_for(db: str, fake: SalesforceFake) -> None:
    connect(db, fake)
    assert read_once(db)["acme"].error is None
    fake.exhausted = True
    assert read_once(db)["acme"].outcome == "rate_limited"
    assert sync(db)["status"] == "rate_limited"


@NEWEST
def test_a_new_field_comes_with_all_its_records(db: str, fake: SalesforceFake) -> None:
    for number in range(5):
        fake.create("Contact", LastName=f"{number}")
    fake.clock.advance(1000)
    connect(db, fake, "salesforce:contact")
    assert read_once(db)["acme"].error is None
    fake.add_field("Contact", Field("Rank__c"))
    for _ in range(3):
        fake.clock.advance(400)
        assert read_once(db)["acme"].error is None
    assert equal(db, fake, "Contact")


@NEWEST
def test_a_lost_answer_to_an_upsert_makes_no_second_record(db: str, fake: SalesforceFake) -> None:
    with FaultProxy(fake.url) as proxy, Client.connect(db, master_key=KEY) as client:
        connect(db, fake, "salesforce:invoice__c", url=proxy.url)
        read_once(db)
        proxy.fail(reset(executed=True), "*/composite/*", method="PATCH")
        made = client.mutation_run("upsert", "acme", "salesforce:invoice__c", [{"Key__c": "k", "Name": "once"}], match_on="Key__c")
        until(lambda: bool(read_once(db)) and client.mutation_result(made["mutation_id"])[0]["status"] == "succeeded", 60)
    assert len(fake.objects("Invoice__c")) == 1
    assert equal(db, fake, "Invoice__c")
