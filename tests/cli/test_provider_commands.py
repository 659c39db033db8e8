"""`provider check` with a stored credential and `provider init` from an address, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fakes import crm as fake
from fakes.github import GitHubFake
from fakes.serving import Answer, Asked, Serving

from pgsluice.db.sources import ROOT

DOCUMENT = (ROOT / "docs/how-to/rest.md").read_text().partition("<<'END'\n")[2].partition("END\n")[0]


@pytest.fixture
def crm(monkeypatch: pytest.MonkeyPatch, run: Any) -> Iterator[fake.Crm]:
    """A running CRM with three companies, and `crm.yaml` in the working directory."""
    monkeypatch.setenv("PGSLUICE_ALLOW_PRIVATE_ADDRESSES", "1")
    with fake.running() as found:
        for number in range(3):
            found.put(f"c{number}", name=f"Company {number}")
        Path("crm.yaml").write_text(DOCUMENT.replace("https://api.crm.example/v1", found.url))
        yield found


def test_provider_check_with_a_stored_credential(crm: fake.Crm, ok: Any, run: Any) -> None:
    ok("provider", "add", "crm.yaml")
    ok("credential", "create", "mine", "--provider", "crm", "--secret-stdin", input=fake.KEY)
    ok("credential", "create", "bad", "--provider", "crm", "--secret-stdin", input="wrong-key-4711")
    trials = {trial["collection_id"]: trial for trial in ok("provider", "check", "crm", "--credential", "mine")}
    company, note = trials["crm:company"], trials["crm:note"]
    assert (company["records"], company["ends"], company["fetched"]) == (3, True, True)
    assert (note["error"], note["findings"]) == (None, ["no record came: the account has none, or records leads elsewhere"])
    (one,) = ok("provider", "check", "crm.yaml", "--credential", "mine", "--collection", "company")
    assert one == company
    refused = run("provider", "check", "crm", "--credential", "bad", "--json")
    assert refused.exit_code == 1
    assert {trial["error"]["code"] for trial in json.loads(refused.stdout)} == {"SL201"}
    assert "wrong-key-4711" not in refused.output
    missing = run("provider", "check", "crm", "--credential", "nobody")
    assert (missing.exit_code, "nobody" in missing.stderr) == (1, True)
    # It was only tried: nothing is stored, and nothing was written there.
    assert {method for method, _ in crm.seen} == {"GET"}


def test_a_document_in_use_moves_by_a_word_of_its_own(crm: fake.Crm, ok: Any, run: Any) -> None:
    ok("provider", "add", "crm.yaml")
    ok("credential", "create", "mine", "--provider", "crm", "--secret-stdin", input=fake.KEY)
    Path("moved.yaml").write_text(DOCUMENT.replace("https://api.crm.example/v1", "https://moved.example"))
    refused = run("provider", "add", "moved.yaml", "--replace")
    assert (refused.exit_code, "base_url: https://moved.example" in refused.stderr, "--readdress" in refused.stderr) == (1, True, True)
    ok("provider", "add", "crm.yaml", "--replace")
    ok("provider", "add", "moved.yaml", "--replace", "--readdress")


def test_provider_check_gets_a_token_where_the_credential_gets_one_by_itself(monkeypatch: pytest.MonkeyPatch, ok: Any, run: Any) -> None:
    monkeypatch.setenv("PGSLUICE_ALLOW_PRIVATE_ADDRESSES", "1")
    key = generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    github = GitHubFake()
    github.start()
    try:
        github.install("4711", "Iv23", key.public_key())
        given = json.dumps({"installation_id": "4711", "client_id": "Iv23", "private_key": pem})
        ask = ("provider", "check", "github", "--base-url", github.url, "--collection", "repository")
        (typed,) = ok(*ask, "--kind", "github_app", "--secret-stdin", input=given)
        ok("oauth-app", "create", "app", "--provider", "github", "--client-id", "Iv23", "--secret-stdin", input=pem)
        ok("credential", "create", "c", "--provider", "github", "--kind", "github_app", "--oauth-app", "app", "--key", "4711")
        (stored,) = ok(*ask, "--credential", "c")
        assert typed["error"] is stored["error"] is None
        assert typed["records"] == stored["records"] == 1
        refused = run(*ask, "--kind", "github_app", "--secret-stdin", input=given.replace("4711", "4712"))
        assert (refused.exit_code, "gives the app no token" in refused.output) == (1, True)
        assert "PRIVATE KEY" not in refused.output
    finally:
        github.stop()


def test_a_value_that_may_be_left_out(ok: Any, run: Any) -> None:
    """The refresh token of an app whose tokens do not end: text is then the one value that is needed."""
    ok("credential", "create", "lasting", "--provider", "github", "--kind", "github_oauth2", "--secret-stdin", input="ghu_token")
    both = json.dumps({"access_token": "ghu_token", "refresh_token": "ghr_token"})
    ok("credential", "create", "ending", "--provider", "github", "--kind", "github_oauth2", "--secret-stdin", input=both)
    refused = run(
        "credential", "create", "--provider", "github", "--kind", "github_oauth2", "--secret-stdin", input='{"refresh_token": "ghr_token"}'
    )
    assert refused.exit_code == 1
    assert "access_token, refresh_token (may be left out)" in refused.stderr
    assert "ghr_token" not in refused.output


class _Described(Serving):
    def answer(self, asked: Asked) -> Answer:
        if asked.path != "/openapi.json":
            return Answer(404, b"{}")
        item = {"type": "object", "properties": {"id": {"type": "string"}}}
        listed = {"get": {"responses": {"200": {"schema": {"type": "array", "items": item}}}}}
        return Answer(
            200, json.dumps({"swagger": "2.0", "info": {"title": "Shop"}, "host": "shop.test", "paths": {"/carts": listed}}).encode()
        )


def test_provider_init_from_an_address(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with _Described() as server:
        refused = run("provider", "init", f"{server.url}/openapi.json")
        assert (refused.exit_code, "PGSLUICE_ALLOW_PRIVATE_ADDRESSES" in refused.stderr) == (1, True)
        assert server.requests == []
        monkeypatch.setenv("PGSLUICE_ALLOW_PRIVATE_ADDRESSES", "1")
        done = run("provider", "init", f"{server.url}/openapi.json", "-o", "shop.yaml")
        assert (done.exit_code, done.stderr) == (0, "")
        assert "name: shop" in Path("shop.yaml").read_text()
        assert run("provider", "check", "shop.yaml").exit_code == 0
        Path("shop.yaml").write_text("what a person has decided")
        again = run("provider", "init", f"{server.url}/openapi.json", "-o", "shop.yaml")
        assert (again.exit_code, "--replace" in again.stderr) == (1, True)
        assert Path("shop.yaml").read_text() == "what a person has decided"
        assert run("provider", "init", f"{server.url}/openapi.json", "-o", "shop.yaml", "--replace").exit_code == 0
        assert "name: shop" in Path("shop.yaml").read_text()
        elsewhere = run("provider", "init", f"{server.url}/other")
        assert (elsewhere.exit_code, "status 404" in elsewhere.stderr) == (1, True)
    gone = run("provider", "init", "no/such/file.json")
    assert (gone.exit_code, "no file" in gone.stderr) == (1, True)


def test_provider_info_lists_what_credentials_consist_of(run: Any, ok: Any) -> None:
    found = ok("provider", "info", "stripe")["credentials"]
    assert {(each["kind"], each["field"]) for each in found} >= {("stripe_key", "secret"), ("stripe_connect", "account")}
    assert "stripe_app_oauth2" in run("provider", "info", "stripe").stdout
    assert ok("provider", "info", "push")["credentials"] == []
