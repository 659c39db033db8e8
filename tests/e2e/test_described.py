"""An account with fields of its own, described by a user's own document: from `provider add` to a typed view, over real HTTP."""

from __future__ import annotations

from pathlib import Path

import psycopg
from click.testing import CliRunner
from e2e.polling import KEY, NEWEST, read_once
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


def test_an_accounts_own_fields_come_by_the_users_document(db: str, tmp_path: Path) -> None:
    assert DOCUMENT is not None
    with fake.running() as crm, Client.connect(db, master_key=KEY) as client:
        crm.fields = [{"key": "name", "kind": "string", "title": "Name"}, {"key": "size", "kind": "integer", "title": "People"},
                      {"key": "worth", "kind": "money", "title": "Worth"}, {"key": "id", "kind": "odd"}, {"key": "tags", "kind": "odd"}]  # fmt: skip
        crm.put("c001", name="Acme", size=12, worth=1.5)
        text = DOCUMENT[1].replace("https://api.crm.example/v1", crm.url).replace("  note:\n", DESCRIBE.lstrip("\n") + "\n  note:\n")
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
