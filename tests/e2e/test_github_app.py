"""An installation of a GitHub App: read with tokens that its private key brings, an hour each, from the real HTTP to the records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from e2e.polling import KEY, NEWEST, read_once
from fakes.github import GitHubFake

from pgsluice.db.client import Client

pytestmark = NEWEST
APP = rsa.generate_private_key(65537, 2048)
OTHER = rsa.generate_private_key(65537, 2048)
CLIENT_ID = "Iv23liAbCdEf"


def pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


@pytest.fixture
def github() -> Iterator[GitHubFake]:
    fake = GitHubFake()
    fake.start()
    fake.install("4711", CLIENT_ID, APP.public_key())
    for number in range(3):
        fake.create("repo", name=f"r{number}")
        fake.create("issue", title=f"Issue {number}")
    yield fake
    fake.stop()


def connect(db: str, fake: GitHubFake, secret: dict[str, str], **more: Any) -> None:
    with Client.connect(db, master_key=KEY) as client:
        client.stream_create("dev")
        client.credential_create("github", "app", "github_app", secret={"installation_id": "4711", **secret}, base_url=fake.url, **more)
        client.sync_create("dev", "github", "s", collection_ids=["github:repository", "github:issue"], credential_id="app")


def ids(db: str) -> set[str]:
    with psycopg.connect(db) as conn:
        return {row[0] for row in conn.execute("select upstream_id from sluice.records where not deleted").fetchall()}


def asked_for_tokens(fake: GitHubFake) -> int:
    return sum(seen.path.endswith("/access_tokens") for seen in fake.requests)


def test_an_installation_is_read_and_its_token_renewed(db: str, github: GitHubFake) -> None:
    connect(db, github, {"client_id": CLIENT_ID, "private_key": pem(APP)})
    assert read_once(db)["s"].error is None
    wanted = {f"{github.owner}/{name}" for name in (github.repo, "r0", "r1", "r2")}
    assert {found for found in ids(db) if "#" not in found} == wanted
    assert len(ids(db)) == len(wanted) + 3
    assert asked_for_tokens(github) == 1, "before anything else, and once for all lists"
    assert not [seen for seen in github.requests if seen.status in {401, 403}]
    with psycopg.connect(db, autocommit=True) as conn:
        left = conn.execute("select extract(epoch from expires_at - now()) from sluice.credentials").fetchone()
        assert left is not None
        assert 3000 < left[0] <= 3600
        conn.execute("update sluice_internal.credentials set renew_at = now()")
        conn.execute("update sluice_internal.sync_feeds set next_attempt_at = null")
    github.create("repo", name="late")
    github.create("issue", title="late")
    assert read_once(db)["s"].error is None
    assert f"{github.owner}/late" in ids(db)
    assert asked_for_tokens(github) == 2


def test_the_key_may_be_an_oauth_apps_and_a_token_that_ends_early_is_renewed(db: str, github: GitHubFake) -> None:
    with Client.connect(db, master_key=KEY) as client:
        client.oauth_app_create("github", CLIENT_ID, client_secret=pem(APP), oauth_app_id="my-app", base_url=github.url)
    connect(db, github, {"account_login": github.owner}, oauth_app_id="my-app")
    assert read_once(db)["s"].error is None
    github.lent.clear()
    with psycopg.connect(db, autocommit=True) as conn:
        conn.execute("update sluice_internal.sync_feeds set next_attempt_at = null")
    github.create("issue", title="after")
    assert read_once(db)["s"].error is None
    assert len([found for found in ids(db) if "#" in found]) == 4


@pytest.mark.parametrize("cause", ["uninstalled", "another key"])
def test_an_app_that_gets_no_token_says_what_to_look_at(db: str, github: GitHubFake, cause: str) -> None:
    if cause == "uninstalled":
        github.apps["1"] = github.apps.pop("4711")
    connect(db, github, {"client_id": CLIENT_ID, "private_key": pem(APP if cause == "uninstalled" else OTHER)})
    error = read_once(db)["s"].error
    assert error is not None
    assert error["code"] == "SL201"
    assert "gives the app no token" in error["message"]
    assert "pgsluice credential update app" in str(error["hint"])
    assert "PRIVATE KEY" not in str(error)
    assert ids(db) == set()


def test_an_app_that_nobody_knows_is_named_as_missing(db: str, github: GitHubFake) -> None:
    connect(db, github, {})
    error = read_once(db)["s"].error
    assert error is not None
    assert "names no app" in error["message"]
    assert "private_key" in str(error["hint"])
