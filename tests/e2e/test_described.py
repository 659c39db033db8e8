"""An account with fields of its own, described by a user's own document: from `provider add` to a typed view, over real HTTP."""

from __future__ import annotations

import signal
from pathlib import Path

import psycopg
from click.testing import CliRunner
from e2e.polling import KEY, NEWEST, process, read_once, until
from e2e.test_rest import DOCUMENT
from fakes import crm as fake

from pgsluice.cli import main
from pgsluice.db.client import Client

pytestmark = NEWEST
DESCRIBE = """
    describe:
      path: /fields
      params: {start: "{offset}"}
      records: fields
      paging: {style: offset, more: more}
      page_size: 2
      name: key
      type: kind
      types: {string: text, money: number}
      label: title
    fields: {id: {type: text, key: true}}
"""


def described_by(crm: fake.Crm) -> str:
    """The document of the guide, for this vendor, with fields that an account has of its own."""
    assert DOCUMENT is not None
    return DOCUMENT[1].replace("https://api.crm.example/v1", crm.url).replace("  note:\n", DESCRIBE.lstrip("\n") + "\n  note:\n")


def test_an_accounts_own_fields_come_by_the_users_document(db: str, tmp_path: Path) -> None:
    with fake.running() as crm, Client.connect(db, master_key=KEY) as client:
        crm.fields = [{"key": "name", "kind": "string", "title": "Name"}, {"key": "size", "kind": "integer", "title": "People"},
                      {"key": "worth", "kind": "money", "title": "Worth"}, {"key": "id", "kind": "odd"}, {"key": "tags", "kind": "odd"}]  # fmt: skip
        crm.put("c001", name="Acme", size=12, worth=1.5)
        text = described_by(crm)
        path = tmp_path / "crm.yaml"
        path.write_text(text)
        environment = {"PGSLUICE_DATABASE_URL": db}

        def added(*more: str) -> None:
            done = CliRunner().invoke(main, ["provider", "add", str(path), *more], env=environment)
            assert done.exit_code == 0, done.output

        added()
        client.stream_create("dev")
        client.credential_create("crm", "my-crm", "crm_key", secret={"secret": fake.KEY})
        assert client.descriptions(credential_id="my-crm")[0]["status"] == "pending"
        client.sync_create("dev", "crm", "s", collection_ids=["crm:company"], credential_id="my-crm")
        assert read_once(db)["s"].error is None
        assert client.descriptions(credential_id="my-crm")[0]["status"] == "described"
        company = client.collection_info("my-crm", "crm:company")
        assert company["mutations"] == ["create", "update", "delete"]
        assert [(field["name"], field["type"], field["primary_key"], field["description"]) for field in company["fields"]] == [
            ("id", "text", True, ""), ("name", "text", False, "Name"), ("size", "integer", False, "People"), ("worth", "number", False, "Worth"),
            ("tags", "any", False, ""),
        ]  # fmt: skip
        name = client.view_create("crm:company").rpartition(".")[2]
        with psycopg.connect(db) as conn:
            rows = conn.execute("select column_name, data_type from information_schema.columns where table_name = %s", [name]).fetchall()
        assert {"worth": "numeric", "size": "bigint"}.items() <= dict(rows).items()
        # The account gets another field; nobody asks by himself.
        crm.fields.append({"key": "mood", "kind": "string"})
        client.collection_refresh("my-crm")
        read_once(db)
        assert "mood" in {field["name"] for field in client.collection_info("my-crm", "crm:company")["fields"]}
        # Another document: what was said of the old one counts no more, and it is asked anew.
        path.write_text(text.replace("label: title", "label: key"))
        added("--replace")
        assert client.descriptions(credential_id="my-crm")[0]["status"] == "pending"
        assert [field["name"] for field in client.collection_info("my-crm", "crm:company")["fields"]] == ["id"]
        read_once(db)
        worth = next(field for field in client.collection_info("my-crm", "crm:company")["fields"] if field["name"] == "worth")
        assert worth["description"] == "worth"
        # A document without the word has nothing to ask.
        path.write_text(text.replace(DESCRIBE.lstrip("\n"), ""))
        added("--replace")
        assert client.descriptions(credential_id="my-crm")[0]["status"] == "known"


def test_a_vendor_that_does_not_answer_delays_no_other_ones_accounts(db: str, tmp_path: Path) -> None:
    """Each of its requests stands for half a minute: no more than four at once, and places are left."""
    with fake.running() as silent, fake.running() as other, Client.connect(db, master_key=KEY) as client:
        silent.gate.clear()
        for name, crm in (("crm", silent), ("shop", other)):
            path = tmp_path / f"{name}.yaml"
            path.write_text(described_by(crm).replace("name: crm", f"name: {name}", 1))
            done = CliRunner().invoke(main, ["provider", "add", str(path)], env={"PGSLUICE_DATABASE_URL": db})
            assert done.exit_code == 0, done.output
        accounts = [f"a{number:02}" for number in range(12)]
        for account in accounts:
            client.credential_create("crm", account, "crm_key", secret={"secret": fake.KEY})

        def described(*accounts: str) -> bool:
            return all(client.descriptions(credential_id=account)[0]["status"] == "described" for account in accounts)

        with process(db) as poller:
            try:
                until(lambda: silent.waiting == 4)
                client.credential_create("shop", "quick", "shop_key", secret={"secret": fake.KEY})
                until(lambda: described("quick"), 15)
                assert silent.waiting == 4
                assert not any(described(account) for account in accounts)
            finally:
                silent.gate.set()
            until(lambda: described(*accounts), 20)
            poller.send(signal.SIGTERM)
            assert poller.wait() == 0, poller.output
