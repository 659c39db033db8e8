"""Tokens, mutations, `--as-curl`, `serve` and `up` with HTTP."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import httpx
import psycopg
import pytest
from click.testing import CliRunner

from pgsluice import curl
from pgsluice.cli import main
from pgsluice.running import settings_of_address
from pgsluice.server.app import ROUTES

BOOTSTRAP = "bootstrap-token-for-tests"


@pytest.fixture
def account(ok) -> None:
    ok("stream", "create", "dev")
    ok("credential", "create", "k", "--provider", "stripe", "--key", "sk_test_1")
    ok("sync", "create", "st", "--provider", "stripe", "--credential", "k", "--rate-limit", "100/60", "--collection", "stripe:customer")
    ok("consumer", "create", "billing")


def test_token_create_list_revoke(ok, run) -> None:
    done = run("token", "create", "ci", "--scope", "read")
    token = re.search(r"pgsl_\w{36}", done.stdout)
    assert token is not None
    assert f"export PGSLUICE_TOKEN={token[0]}" in done.stderr
    (listed,) = ok("token", "list")
    assert (listed["name"], listed["prefix"], listed["scopes"]) == ("ci", token[0][:10], ["read"])
    assert "revoked token" in run("token", "revoke", listed["token_id"]).stdout
    assert run("token", "revoke", "nothing").exit_code == 1


def test_mutation_run_list_result_cancel(account, ok, run) -> None:
    made = ok("mutation", "run", "create", "st", "stripe:customer", input='[{"name": "Paul", "balance": 1.10}]')
    assert (made["status"], made["items"]) == ("queued", 1)
    assert [row["mutation_id"] for row in ok("mutation", "list", "--sync", "st")] == [made["mutation_id"]]
    assert [row["status"] for row in ok("mutation", "result", made["mutation_id"])] == ["queued"]
    waited = run("mutation", "run", "create", "st", "stripe:customer", "--wait", "0.1", input="[{}]")
    assert waited.exit_code == 1
    assert "not finished" in waited.stderr
    assert ok("mutation", "cancel", made["mutation_id"])["status"] == "cancelled"
    assert run("mutation", "resolve", made["mutation_id"], "1", "failed").exit_code == 1
    assert run("mutation", "run", "create", "st", "stripe:customer", input="nonsense").exit_code == 1


def test_a_rate_limit(account, ok, run) -> None:
    assert ok("sync", "info", "st")["rate_limit"] == {"allowed_requests": 100, "interval": 60, "max_concurrent_requests": 0}
    assert run("sync", "create", "--provider", "push", "--rate-limit", "fast").exit_code == 2


def test_consumer_update(account, ok) -> None:
    assert ok("consumer", "update", "billing", "--ack-wait", "3")["ack_wait"] == 3


COMMANDS = [
    (["stream", "create", "dev 1"], "POST", "/v1/streams", {"id": "dev 1"}),
    (["credential", "create", "k", "--provider", "stripe", "--key", "sk_test_1", "--metadata", '{"a": 1.10}'], "POST", "/v1/credentials",
     {"id": "k", "kind": "stripe_key", "secret": "…", "metadata": {"a": 1.10}}),
    (["stream", "info", "a/b"], "GET", "/v1/streams/a%2Fb", None),
    (["sync", "pause", "st"], "PATCH", "/v1/syncs/st", {"status": "disabled"}),
    (["consumer", "create", "c", "--stream", "dev", "--ack-wait", "2.5"], "POST", "/v1/http-consumers", {"id": "c", "stream_id": "dev", "ack_wait": 2.5}),
    (["consumer", "next", "c", "--batch-size", "3", "--ack", "t'1"], "POST", "/v1/http-consumers/c/next", {"batch_size": 3, "ack_tokens": ["t'1"]}),
    (["consumer", "nack", "c", "t", "--delay", "5"], "POST", "/v1/http-consumers/c/nack", {"ack_tokens": ["t"], "delay": 5}),
    (["record", "list", "--sync", "my sync", "--limit", "5"], "GET", "/v1/records?sync_id=my+sync&limit=5", None),
    (["token", "revoke", "t"], "DELETE", "/v1/tokens/t", None),
]  # fmt: skip


@pytest.mark.parametrize(("command", "method", "path", "body"), COMMANDS)
def test_as_curl(run, command: list[str], method: str, path: str, body: Any) -> None:
    shown = run(*command, "--as-curl")
    assert shown.exit_code == 0, shown.stderr
    words = subprocess.run(
        ["sh", "-c", f"curl() {{ printf '%s\\n' \"$@\"; }}; {shown.stdout}"], env={"PGSLUICE_TOKEN": "pgsl_x"}, capture_output=True, text=True, check=True
    ).stdout.splitlines()  # fmt: skip
    assert words[:3] == ["-X", method, f"http://127.0.0.1:7420{path}"]
    assert "Authorization: Bearer pgsl_x" in words
    assert (json.loads(words[-1]) if body is not None else None) == body


def test_as_curl_keeps_the_digits_of_a_mutation(run) -> None:
    shown = run("mutation", "run", "create", "st", "stripe:customer", "--as-curl", input='[{"n": 1.10}]').stdout
    assert '"data": [{"n": 1.10}]' in shown


def test_every_command_that_calls_has_as_curl_and_every_route_is_served() -> None:
    served = {re.sub(r"\{\w+\}", "{id}", path): methods for path, methods in ROUTES.items()}
    for route in curl.ROUTES.values():
        path = re.sub(r"\{\w+\}", "{id}", route.path)
        assert route.method in served[path], route
    nouns = [command for command in main.commands.values() if isinstance(command, click.Group)]
    with_sql = [leaf for noun in nouns for leaf in noun.commands.values() if any(option.name == "as_sql" for option in leaf.params)]
    assert len(with_sql) > 25
    assert all(any(option.name == "as_curl" for option in leaf.params) for leaf in with_sql)


def test_both_at_once_is_wrong(run) -> None:
    assert run("stream", "list", "--as-sql", "--as-curl").exit_code == 2


@pytest.mark.parametrize(
    ("address", "found"),
    [("127.0.0.1:7420", ("127.0.0.1", 7420)), ("[::1]:80", ("::1", 80)), (":80", ("0.0.0.0", 80)), ("localhost:0", ("localhost", 0))],
)
def test_addresses(address: str, found: tuple[str, int]) -> None:
    assert settings_of_address(address) == found


@pytest.mark.parametrize("address", ["", "localhost", "127.0.0.1:99999", "a:b", "http://x:1"])
def test_addresses_that_are_none(run, address: str) -> None:
    done = run("--listen", address, "serve")
    assert done.exit_code == 1
    assert "--listen" in done.stderr


def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    program = Path(sys.executable).with_name("pgsluice")
    variables = {**os.environ, "PGSLUICE_BOOTSTRAP_TOKEN": BOOTSTRAP, **environment}
    return subprocess.Popen([program, *arguments], env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def address_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        found = re.search(r"http://[^/\s]+", line)
        if found:
            return found[0]
    pytest.fail("it did not start")


def test_serve_until_sigterm(db: str, conn: psycopg.Connection[Any]) -> None:
    process = start("--listen", "127.0.0.1:0", "serve", PGSLUICE_DATABASE_URL=db, PGSLUICE_MASTER_KEY="0" * 64)
    try:
        url = address_of(process)
        made = httpx.post(f"{url}/v1/streams", headers={"Authorization": f"Bearer {BOOTSTRAP}"}, json={"id": "dev"}, trust_env=False)
        assert made.status_code == 201
        other = CliRunner().invoke(
            main, ["--database-url", db, "--listen", url.removeprefix("http://"), "serve"], env={"PGSLUICE_MASTER_KEY": "0" * 64}
        )
        assert (other.exit_code, "SL403" in other.stderr) == (1, True), other.stderr
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
        assert process.returncode == 0
        assert BOOTSTRAP not in out + err
    finally:
        process.kill()
        process.wait()


def test_up_serves_with_a_login_that_owns_nothing(data_dir: Path, unused_port: int) -> None:
    process = start("--data-dir", str(data_dir), "--listen", f"127.0.0.1:{unused_port}", "up")
    try:
        url = address_of(process)
        with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {BOOTSTRAP}"}, trust_env=False, timeout=20) as client:
            wait_for(client)
            assert client.post("/v1/streams", json={"id": "dev"}).status_code == 201
            assert client.post("/v1/syncs", json={"provider": "push", "id": "my-sync"}).status_code == 201
            program = Path(sys.executable).with_name("pgsluice")
            users = "select distinct usename from pg_stat_activity where application_name = 'pgsluice-server'"
            shown = subprocess.run([program, "--data-dir", str(data_dir), "sql", "-Atc", users], capture_output=True, text=True, check=True)
            assert shown.stdout == "pgsluice_server\n"
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
        assert process.returncode == 0
    finally:
        process.kill()
        process.wait()


def wait_for(client: httpx.Client) -> None:
    for _ in range(600):
        try:
            if client.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            signal.sigtimedwait([], 0.05)
    pytest.fail("it is not ready")


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
