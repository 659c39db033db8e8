"""OAuth apps and consents on the command line."""

from __future__ import annotations

import json
import os
from typing import Any

import psycopg
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


def test_doctor_says_when_the_secret_of_a_webhook_needs_the_old_key(run: Any, ok: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who stopped rotate-key in the middle must not take the old key away."""
    old = os.environ["PGSLUICE_MASTER_KEY"]
    ok("stream", "create", "dev")
    ok("credential", "create", "k", "--provider", "stripe", "--secret-stdin", input="sk_test_4eC39HqLyjWDarjtT1zdp7dc")
    ok("sync", "create", "s", "--stream", "dev", "--credential", "k", "--collection", "stripe:customer")
    ok("sync", "webhook", "set", "s", "--secret-stdin", input="whsec_0123456789abcdef")

    def key() -> dict[str, Any]:
        (found,) = [row for row in json.loads(run("doctor", "--json").stdout) if row["check"] == "master key"]
        return dict(found)

    monkeypatch.setenv("PGSLUICE_MASTER_KEY", f"1:{old} 2:{'7b' * 32}")
    assert "2 secrets" in key()["found"]
    with psycopg.connect(os.environ["PGSLUICE_DATABASE_URL"]) as conn:
        (webhook,) = conn.execute("select to_jsonb(w) from sluice_internal.webhooks as w").fetchone() or ({},)
        ok("credential", "rotate-key")
        conn.execute("update sluice_internal.webhooks set sealed = (%s::jsonb ->> 'sealed')::bytea, key_version = 1", [json.dumps(webhook)])
    assert "1 secrets" in key()["found"]
    monkeypatch.setenv("PGSLUICE_MASTER_KEY", f"2:{'7b' * 32}")
    assert not key()["good"]
    monkeypatch.setenv("PGSLUICE_MASTER_KEY", f"1:{old} 2:{'7b' * 32}")
    ok("credential", "rotate-key")
    monkeypatch.setenv("PGSLUICE_MASTER_KEY", f"2:{'7b' * 32}")
    assert (key()["good"], key()["found"]) == (True, "version 2")
