"""OAuth apps, the start of a consent and what must not pass the two doors without a token, over HTTP."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import psycopg
import pytest
from api.serving import Running, connected, served

from pgsluice.db import secrets

DONE = "https://app.example/done"
APP = {
    "id": "app",
    "provider": "stripe",
    "client_id": "ca_1",
    "client_secret": "sk_test_platform",
    "redirect_urls": [DONE],
    "metadata": {"a": 1},
}
TOKENS = {"kind": "stripe_app_oauth2", "access_token": "at_12345678", "refresh_token": "rt_12345678"}


@pytest.fixture
def app(http: httpx.Client) -> dict[str, Any]:
    made = http.post("/v1/oauth-apps", json=APP)
    assert made.status_code == 201, made.text
    return dict(made.json())


def start(http: httpx.Client, **more: Any) -> httpx.Response:
    body = {"oauth_app_id": "app", "credential_kind": "stripe_oauth2", "redirect_url": DONE, **more}
    return http.post("/v1/credentials/start-auth", json={name: value for name, value in body.items() if value is not None})


def test_apps_are_made_shown_changed_and_deleted(
    http: httpx.Client, running: Running, app: dict[str, Any], conn: psycopg.Connection[Any]
) -> None:
    assert app["redirect_uri"] == f"{running.url}/v1/oauth/callback"
    assert (app["client_secret"], app["scopes"], app["metadata"]) == ("********", [], {"a": 1})
    assert http.get("/v1/oauth-apps/app").json() == app
    assert http.get("/v1/oauth-apps").json() == {"data": [app], "next_cursor": None}
    assert http.get("/v1/oauth-apps?provider=github").json()["data"] == []
    before = conn.execute("select sealed, version from sluice_internal.oauth_apps").fetchone()
    changed = http.patch("/v1/oauth-apps/app", json={"name": "Ours", "scopes": ["read_only"], "client_secret": "********"}).json()
    assert (changed["name"], changed["scopes"], changed["redirect_urls"]) == ("Ours", ["read_only"], [DONE])
    assert conn.execute("select sealed, version from sluice_internal.oauth_apps").fetchone() == before
    assert http.patch("/v1/oauth-apps/app", json={"client_secret": "another", "name": None}).json()["name"] is None
    assert conn.execute("select version from sluice_internal.oauth_apps").fetchone() == (2,)
    assert http.post("/v1/oauth-apps", json=APP).status_code == 409
    assert http.delete("/v1/oauth-apps/app").status_code == 204
    gone = http.get("/v1/oauth-apps/app")
    assert (gone.status_code, gone.json()["code"]) == (404, "SL175")


def test_what_is_no_app(http: httpx.Client, app: dict[str, Any]) -> None:
    assert set(http.post("/v1/oauth-apps", json={}).json()["details"]["fields"]) == {"provider", "client_id", "client_secret"}
    for wrong in ({"redirect_urls": ["/done"]}, {"base_url": "ftp://x"}, {"metadata": 1}, {"scopes": "read"}):
        assert http.post("/v1/oauth-apps", json={**APP, "id": "b", **wrong}).status_code == 422, wrong
    assert http.patch("/v1/oauth-apps/app", json={"provider": "github"}).status_code == 422
    assert http.patch("/v1/oauth-apps/app", json={}).status_code == 422


def test_the_public_address_is_the_one_that_is_set(db: str, conn: psycopg.Connection[Any]) -> None:
    with served(db, public_url="https://sync.example/api") as running, connected(running) as http:
        assert http.post("/v1/oauth-apps", json=APP).json()["redirect_uri"] == "https://sync.example/api/v1/oauth/callback"
        url = start(http).json()["start_url"]
        assert url.startswith("https://sync.example/api/v1/oauth/start/")
        with httpx.Client(trust_env=False) as browser:
            sent = browser.get(f"{running.url}{urlsplit(url).path.removeprefix('/api')}")
        assert "; Secure" in sent.headers["set-cookie"]
        assert "Path=/api/v1/oauth/callback" in sent.headers["set-cookie"]


def test_start_auth_refuses_what_cannot_be(http: httpx.Client, app: dict[str, Any]) -> None:
    evil = start(http, redirect_url="https://evil.example/")
    assert (evil.status_code, evil.json()["code"]) == (422, "SL176")
    assert start(http, oauth_app_id="nobody").json()["code"] == "SL175"
    assert "stripe_app_oauth2" in start(http, credential_kind="stripe_key").json()["message"]
    assert start(http, redirect_url=None).json()["details"]["fields"].keys() == {"redirect_url"}
    assert start(http, state="x" * 5121).status_code == 422
    assert start(http, values={"shop": "acme"}).json()["code"] == "SL208"
    assert start(http, state="x" * 5000, scopes=["read_only"]).status_code == 200
    with httpx.Client(base_url=http.base_url, trust_env=False) as nobody:
        assert nobody.post("/v1/credentials/start-auth", json={}).status_code == 401


def test_the_way_to_the_vendor(http: httpx.Client, running: Running, app: dict[str, Any]) -> None:
    url = start(http, scopes="read_only").json()["start_url"]
    with httpx.Client(trust_env=False) as browser:
        assert browser.head(url).status_code == 204  # looks ahead, and uses nothing up
        sent = browser.get(url)
        page, query = urlsplit(sent.headers["location"]), parse_qs(urlsplit(sent.headers["location"]).query)
        assert (sent.status_code, page.netloc, page.path) == (302, "connect.stripe.com", "/oauth/authorize")
        assert query["redirect_uri"] == [f"{running.url}/v1/oauth/callback"]
        assert query["scope"] == ["read_only"]
        assert len(query["state"][0]) == 43  # 256 bits
        cookie = sent.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert (sent.headers["cache-control"], sent.headers["referrer-policy"]) == ("no-store", "no-referrer")
        assert browser.get(url).json()["code"] == "SL177"
        assert browser.post(url).status_code == 405


@pytest.mark.parametrize(
    "query", ["", "code=x", "state=x", "state=&code=x", "code=x&state=y", "state=a&state=b&code=x", "error=access_denied&state=z"]
)
def test_an_answer_that_nobody_asked_for(http: httpx.Client, app: dict[str, Any], query: str) -> None:
    with httpx.Client(base_url=http.base_url, trust_env=False) as browser:
        refused = browser.get(f"/v1/oauth/callback?{query}")
        assert (refused.status_code, refused.json()["code"]) == (400, "SL177"), refused.text
        assert browser.get("/v1/oauth/anything").status_code == 401


def test_a_credential_of_an_app(http: httpx.Client, app: dict[str, Any]) -> None:
    flat = http.post("/v1/credentials", json={"id": "k", "oauth_app_id": "app", **TOKENS, "scopes": "stripe_apps"})
    assert flat.status_code == 201, flat.text
    assert (flat.json()["oauth_app_id"], flat.json()["scopes"]) == ("app", ["stripe_apps"])
    nested = http.post("/v1/credentials", json={"name": "n", "oauth_app_id": "app", "properties": {**TOKENS, "scopes": ["a"]}})
    assert (nested.status_code, nested.json()["oauth_app_id"], nested.json()["scopes"]) == (201, "app", ["a"])
    only = http.post(
        "/v1/credentials", json={"oauth_app_id": "app", "properties": {"kind": "stripe_app_oauth2", "refresh_token": "rt_12345678"}}
    )
    assert only.status_code == 201, only.text
    wrong = http.post("/v1/credentials", json={"oauth_app_id": "none", **TOKENS})
    assert (wrong.status_code, wrong.json()["code"]) == (404, "SL175")
    used = http.delete("/v1/oauth-apps/app")
    assert (used.status_code, used.json()["code"]) == (409, "SL111")


def sealed(conn: psycopg.Connection[Any]) -> Any:
    return conn.execute("select sealed, version from sluice_internal.credentials where credential_id = 'k'").fetchone()


def test_a_masked_secret_sent_back_is_unchanged(http: httpx.Client, app: dict[str, Any], conn: psycopg.Connection[Any]) -> None:
    made = http.post("/v1/credentials", json={"id": "k", "kind": "stripe_key", "secret": "sk_test_1"}).json()
    before = sealed(conn)
    # What was answered, sent back with another name.
    changed = http.patch("/v1/credentials/k", json={**made, "name": "New", "metadata": {"b": 2}})
    assert changed.status_code == 200, changed.text
    assert (changed.json()["name"], changed.json()["metadata"]) == ("New", {"b": 2})
    assert sealed(conn) == before
    assert http.patch("/v1/credentials/k", json={"properties": {"kind": "stripe_key", "secret": "********"}}).status_code == 200
    assert sealed(conn) == before
    assert http.patch("/v1/credentials/k", json={"secret": "sk_test_2"}).status_code == 200
    assert sealed(conn)[1] == 2
    assert http.patch("/v1/credentials/k", json={"nonsense": 1}).status_code == 422
    assert http.patch("/v1/credentials/k", json={"id": "other"}).status_code == 422


@pytest.mark.parametrize("mask", ["***", "********", "•••••"], ids=["short", "ours", "dots"])
def test_no_mask_becomes_a_secret(http: httpx.Client, app: dict[str, Any], conn: psycopg.Connection[Any], mask: str) -> None:
    def stored() -> list[Any]:
        kept = "select sealed from sluice_internal.oauth_apps union all select sealed from sluice_internal.credentials"
        return conn.execute(f"{kept} union all select sealed from sluice_internal.webhooks").fetchall()

    http.post("/v1/credentials", json={"id": "k", **TOKENS})
    http.post("/v1/streams", json={"id": "dev"})
    http.post("/v1/syncs", json={"provider": "stripe", "id": "st", "credential_id": "k", "collection_ids": ["stripe:customer"]})
    before = stored()
    assert http.patch("/v1/oauth-apps/app", json={"client_secret": mask}).status_code == 200
    assert http.patch("/v1/credentials/k", json={"access_token": mask, "refresh_token": mask}).status_code == 200
    for method, path, body in (
        ("POST", "/v1/oauth-apps", {"provider": "stripe", "client_id": "x", "client_secret": mask}),
        ("POST", "/v1/credentials", {**TOKENS, "access_token": mask}),
        ("PUT", "/v1/syncs/st/webhook", {"secret": mask}),
    ):
        refused = http.request(method, path, json=body)
        assert (refused.status_code, "masked form" in refused.text) == (422, True), refused.text
    assert stored() == before


def test_null_takes_a_setting_of_a_credential_away(http: httpx.Client, app: dict[str, Any], conn: psycopg.Connection[Any]) -> None:
    full = {"name": "n", "base_url": "https://proxy.example", "metadata": {"a": 1}, "scopes": ["read_write"], "oauth_app_id": "app"}
    http.patch("/v1/oauth-apps/app", json={"base_url": "https://proxy.example", "client_secret": "sk_test_platform"})
    http.post("/v1/credentials", json={"id": "k", **TOKENS, **full})
    changes: dict[str, Any] = {"name": None, "base_url": None}
    found = http.patch("/v1/credentials/k", json=changes).json()
    assert {name: found[name] for name in full} == {**full, **changes}
    again = {**changes, "metadata": None, "scopes": None, "oauth_app_id": None}
    found = http.patch("/v1/credentials/k", json={**again, "refresh_token": "rt_new_one", "access_token": "********"}).json()
    assert {name: found[name] for name in full} == {**again, "metadata": {}}
    # What was answered, sent back, changes nothing.
    assert http.patch("/v1/credentials/k", json=found).json() == {**found, "updated_at": http.get("/v1/credentials/k").json()["updated_at"]}


def test_a_stored_secret_is_sent_nowhere_else(http: httpx.Client, app: dict[str, Any], conn: psycopg.Connection[Any]) -> None:
    """Who may manage credentials need not know them: an address of their own would tell them."""
    http.post("/v1/credentials", json={"id": "k", **TOKENS, "base_url": "https://api.example"})
    stored = "select base_url, version from sluice_internal.credentials where credential_id = 'k'"
    before = conn.execute(stored).fetchone()
    elsewhere = {"base_url": "https://elsewhere.example"}
    for body in (
        elsewhere,
        {**elsewhere, "access_token": "********"},
        {**elsewhere, "refresh_token": "rt_new_one", "access_token": "********"},
    ):
        refused = http.patch("/v1/credentials/k", json=body)
        assert (refused.status_code, "base_url" in refused.text) == (422, True), refused.text
    assert conn.execute(stored).fetchone() == before
    assert http.patch("/v1/credentials/k", json={"base_url": "https://api.example", "name": "n"}).status_code == 200
    assert http.patch("/v1/credentials/k", json={**elsewhere, **TOKENS}).json()["base_url"] == elsewhere["base_url"]
    for body in (elsewhere, {**elsewhere, "client_secret": "********"}):
        refused = http.patch("/v1/oauth-apps/app", json=body)
        assert (refused.status_code, "base_url" in refused.text) == (422, True), refused.text
    assert http.patch("/v1/oauth-apps/app", json={**elsewhere, "client_secret": "new"}).json()["base_url"] == elsewhere["base_url"]
    assert http.patch("/v1/oauth-apps/app", json={**elsewhere, "name": "n"}).status_code == 200


def test_the_secret_of_an_app_is_sent_nowhere_else(http: httpx.Client, app: dict[str, Any], conn: psycopg.Connection[Any]) -> None:
    """A token is renewed with the client secret, so that a credential with an address of its own would tell it there."""
    evil, ours = {"base_url": "https://evil.example"}, {"oauth_app_id": "app"}

    def refused(method: str, path: str, body: dict[str, Any]) -> None:
        answer = http.request(method, path, json=body)
        assert (answer.status_code, "client secret of OAuth app" in answer.text) == (422, True), answer.text

    refused("POST", "/v1/credentials", {"id": "k", **TOKENS, **evil, **ours})
    assert http.post("/v1/credentials", json={"id": "k", **TOKENS, **evil}).status_code == 201
    refused("PATCH", "/v1/credentials/k", ours)
    refused("PATCH", "/v1/credentials/k", {**ours, **TOKENS})
    assert http.post("/v1/credentials", json={"id": "l", **TOKENS, **ours}).status_code == 201
    refused("PATCH", "/v1/credentials/l", {**evil, **TOKENS})
    assert conn.execute("select from sluice.credentials where oauth_app_id is not null and base_url is not null").fetchall() == []
    # What a vendor answered stays, and where the app's own address is there is no question.
    conn.execute("update sluice_internal.credentials set base_url = 'https://eu.stripe.example' where credential_id = 'l'")
    assert http.patch("/v1/credentials/l", json={"name": "n", **TOKENS}).json()["base_url"] == "https://eu.stripe.example"
    assert http.patch("/v1/oauth-apps/app", json={**evil, "client_secret": "another"}).status_code == 200
    assert http.patch("/v1/credentials/k", json=ours).json()["base_url"] == "https://evil.example"


@pytest.mark.parametrize(
    ("kind", "secret", "address"),
    [
        (
            "salesforce_client_credentials",
            {"instance_url": "https://a.my.salesforce.com", "client_id": "3MVG9x", "client_secret": "hush-hush"},
            {"instance_url": "https://evil.example"},
        ),
        ("shopify_key", {"shop": "acme.myshopify.com", "access_token": "shpat_0123456789abcdef"}, {"shop": "evil.myshopify.com"}),
        ("zendesk_key", {"subdomain": "acme", "email": "a@b.example", "token": "hush-hush"}, {"subdomain": "evil"}),
    ],
)
def test_what_is_kept_of_a_secret_is_sent_nowhere_else(
    http: httpx.Client, conn: psycopg.Connection[Any], kind: str, secret: dict[str, str], address: dict[str, str]
) -> None:
    """Masked is unchanged: and so must be the parts of the secret that say where the rest is sent."""
    made = http.post("/v1/credentials", json={"id": "k", "kind": kind, **secret})
    assert made.status_code == 201, made.text
    stored = "select sealed, version from sluice_internal.credentials"
    before = conn.execute(stored).fetchone()
    rest = {name: "********" for name in secret if name not in address}
    for body in ({**rest, **address}, {"properties": {"kind": kind, **rest, **address}}):
        refused = http.patch("/v1/credentials/k", json=body)
        assert (refused.status_code, set(refused.json()["details"]["fields"])) == (422, set(address)), refused.text
        assert "hush" not in refused.text
    assert conn.execute(stored).fetchone() == before
    same = {name: secret[name] for name in address}
    assert http.patch("/v1/credentials/k", json={**rest, **same}).status_code == 200
    assert http.patch("/v1/credentials/k", json={**secret, **address}).status_code == 200


def test_an_account_that_is_imported_by_several_at_once(http: httpx.Client, app: dict[str, Any], conn: psycopg.Connection[Any]) -> None:
    token = {"kind": "hubspot_oauth2", "refresh_token": "abcdefgh-1234-5678-9abc-def012345678", "hub_id": "77"}
    with conn.transaction():
        # Nobody can store one, so all have looked before one does.
        conn.execute("lock table sluice_internal.credentials in share row exclusive mode")
        hands = ThreadPoolExecutor(4)
        work = [hands.submit(http.post, "/v1/credentials", json=token) for _ in range(4)]
        until_blocked(conn, 4)
    assert sorted(each.result(20).status_code for each in work) == [200, 200, 200, 201]
    assert len(http.get("/v1/credentials", params={"provider": "hubspot"}).json()["data"]) == 1


def until_blocked(conn: psycopg.Connection[Any], number: int) -> None:
    query = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    deadline = time.monotonic() + 60
    while conn.execute(query).fetchone() != (number,):
        assert time.monotonic() < deadline
        time.sleep(0.05)
        conn.execute("select pg_stat_clear_snapshot()")  # a transaction keeps what it saw


def test_half_of_a_secret_may_be_masked(http: httpx.Client, app: dict[str, Any], conn: psycopg.Connection[Any]) -> None:
    http.post("/v1/credentials", json={"id": "k", **TOKENS})
    changed = http.patch("/v1/credentials/k", json={"access_token": "********", "refresh_token": "rt_new_one"})
    assert changed.status_code == 200, changed.text
    assert sealed(conn)[1] == 2
    opened = secrets.open_sealed(sealed(conn)[0], "k", secrets.parse_key("0" * 64))
    assert dict(opened) == {"access_token": "at_12345678", "refresh_token": "rt_new_one"}
