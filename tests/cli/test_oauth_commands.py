"""OAuth apps and consents on the command line."""

from __future__ import annotations

import json
from typing import Any

import pytest


@pytest.fixture
def app(ok: Any) -> Any:
    return ok(
        "oauth-app", "create", "app", "--provider", "stripe", "--client-id", "ca_1", "--client-secret", "sk_test_1",
        "--redirect-url", "https://app.example/done",
    )  # fmt: skip


def test_oauth_app_create_update_list_info_delete(ok: Any, run: Any, app: Any) -> None:
    assert (app["oauth_app_id"], app["redirect_urls"]) == ("app", ["https://app.example/done"])
    assert "sk_test_1" not in json.dumps(app)
    assert ok("oauth-app", "update", "app", "--name", "Ours", "--client-secret", "sk_test_2")["name"] == "Ours"
    assert [row["name"] for row in ok("oauth-app", "list")] == ["Ours"]
    shown = run("--public-url", "https://sync.example", "oauth-app", "info", "app")
    assert "https://sync.example/v1/oauth/callback" in shown.stderr
    assert "deleted OAuth app app" in run("oauth-app", "delete", "app").stdout
    assert run("oauth-app", "info", "app").exit_code == 1


def test_credential_start_auth(ok: Any, run: Any, app: Any) -> None:
    arguments = ("credential", "start-auth", "--oauth-app", "app", "--kind", "stripe_oauth2")
    made = ok("--public-url", "https://sync.example", *arguments, "--redirect-url", "https://app.example/done")
    assert made["start_url"].startswith("https://sync.example/v1/oauth/start/")
    refused = run(*arguments, "--redirect-url", "https://evil.example/")
    assert (refused.exit_code, "SL176" in refused.stderr) == (1, True)
    lacking = run("credential", "start-auth", "--oauth-app", "app", "--redirect-url", "https://app.example/done")
    assert "stripe_app_oauth2" in lacking.stderr
    shown = run(*arguments, "--redirect-url", "https://app.example/done", "--as-curl").stdout
    assert "/v1/credentials/start-auth" in shown
    assert '"credential_kind": "stripe_oauth2"' in shown


def test_doctor_misses_the_public_url_once_there_is_an_app(run: Any, ok: Any, app: Any) -> None:
    found = {row["check"]: row for row in json.loads(run("doctor", "--json").stdout)}["public URL"]
    assert (found["good"], "PGSLUICE_PUBLIC_URL" in found["advice"]) == (False, True)
    found = {row["check"]: row for row in json.loads(run("--public-url", "https://s.example", "doctor", "--json").stdout)}["public URL"]
    assert (found["good"], "https://s.example/v1/oauth/callback" in found["found"]) == (True, True)
