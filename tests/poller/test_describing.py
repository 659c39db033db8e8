"""A poller asks an account for its collections: over HTTP, page by page, under the account's credential; and stores what it heard."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import psycopg
import pytest
from e2e.polling import NEWEST, poller

from pgsluice.db.client import Client
from pgsluice.db.secrets import parse_key
from pgsluice.providers import registry
from pgsluice.providers.base import Collection, Credential, Cursor, Described, Field, Request, Response
from pgsluice.providers.errors import Unauthorized
from pgsluice.providers.stripe import Stripe

KEY = parse_key("5a" * 32)
TYPES: dict[str, Any] = {"string": "text", "int": "integer"}

pytestmark = NEWEST


class Differs(Stripe):
    """As Stripe, but each account is asked for what it has: a page of object types each."""

    def describe(self, cursor: Cursor | None, credential: Credential) -> Request | None:
        page = str(cursor["page"]) if cursor else "1"
        return Request("GET", f"{credential.base_url}/describe", (("page", page),), {"Authorization": credential.secret["secret"]})

    def read_described(self, cursor: Cursor | None, response: Response) -> Described:
        if response.status == 401:
            raise Unauthorized("the account refused")
        said = json.loads(response.body)
        fields = tuple(Field(name, TYPES[kind], primary_key=name == "id") for name, kind in said["fields"].items())
        found = Collection(f"stripe:{said['name']}", said["label"], ("create",), fields)
        return Described((found,), {"page": said["next"]} if said["next"] else None)


class Account(BaseHTTPRequestHandler):
    """A vendor that describes two object types to whoever has the key."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        allowed = self.headers["Authorization"] == "sk_test_good"
        first = self.path.endswith("page=1")
        pages = {
            True: {"name": "own", "label": "their own", "fields": {"id": "string", "n": "int"}, "next": 2},
            False: {"name": "other", "label": "another", "fields": {}, "next": None},
        }
        body = json.dumps(pages[first]).encode()
        self.send_response(200 if allowed else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Account)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    Account.asked = []
    get = registry.get
    monkeypatch.setattr(registry, "get", lambda name: Differs() if name == "stripe" else get(name))
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def client(db: str) -> Iterator[Client]:
    with psycopg.connect(db, autocommit=True) as admin:
        admin.execute(
            "create or replace view sluice_internal._builtin_providers as select 'stripe' as provider, false as free_form, true as describes"
        )
    with Client.connect(db, master_key=KEY) as made:
        yield made


async def drained(db: str) -> None:
    await poller(db).run_once()


@pytest.mark.anyio
async def test_a_new_credential_is_described(client: Client, vendor: str, db: str) -> None:
    client.credential_create("stripe", "k", "stripe_key", secret={"secret": "sk_test_good"}, base_url=vendor)
    assert client.descriptions(credential_id="k")[0]["status"] == "pending"
    await drained(db)
    assert client.descriptions(credential_id="k")[0]["status"] == "described"
    assert Account.asked == ["/describe?page=1", "/describe?page=2"]
    own = client.collection_info("k", "stripe:own")
    assert (own["description"], own["mutations"]) == ("their own", ["create"])
    assert [(field["name"], field["type"], field["primary_key"]) for field in own["fields"]] == [
        ("id", "text", True),
        ("n", "integer", False),
    ]
    assert client.collection_info("k", "stripe:other")["fields"] == []
    # nothing is asked again by itself
    await drained(db)
    assert len(Account.asked) == 2


@pytest.mark.anyio
async def test_an_account_that_refuses_and_its_new_secret(client: Client, vendor: str, db: str) -> None:
    client.credential_create("stripe", "k", "stripe_key", secret={"secret": "sk_test_bad"}, base_url=vendor)
    await drained(db)
    (row,) = client.descriptions(credential_id="k")
    assert (row["status"], row["error"]["code"]) == ("failed", "SL201")
    assert row["next_attempt_at"] > row["requested_at"]
    client.credential_update("k", "stripe_key", secret={"secret": "sk_test_good"})
    await drained(db)
    assert client.descriptions(credential_id="k")[0]["status"] == "described"
