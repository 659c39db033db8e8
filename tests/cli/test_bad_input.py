"""Bad input gets one error in the one shape, the right exit status, and never a traceback."""

from __future__ import annotations

import json

import psycopg
import pytest

STRIPE_KEY = "sk_test_4eC39HqLyjWDarjtT1zdp7dc"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("stream", "info", "nope"), "SL101"),
        (("sync", "info", "nope"), "SL102"),
        (("consumer", "next", "nope"), "SL103"),
        (("credential", "info", "nope"), "SL104"),
        (("credential", "delete", "nope"), "SL104"),
        (("sync", "create", "--stream", "dev", "--provider", "nope"), "SL105"),
        (("credential", "create", "--provider", "nope", "--key", "x"), "SL105"),
        (("sync", "create", "--stream", "dev", "--provider", "push", "--collection", "nope"), "SL106"),
        (("stream", "create", "dev"), "SL110"),
        (("stream", "create", "x" * 201), "SL001"),
        (("stream", "create", "a\0b"), "SL001"),
        (("credential", "create", "--provider", "stripe", "--key", "pk_test_4eC39HqLyjWDarjtT1zdp7dc"), "SL208"),
        (("credential", "create", "--provider", "stripe", "--key", "sk_test_\n"), "SL208"),
        (("credential", "create", "--provider", "stripe"), "SL001"),
        (("credential", "create", "--provider", "push", "--key", "x"), "SL001"),
        (("consumer", "create", "c", "--stream", "dev", "--deliver-policy", "last"), "SL001"),
        (("consumer", "create", "c", "--stream", "nope"), "SL101"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else value,
)
def test_each_has_its_code(run, ok, arguments, code) -> None:
    ok("stream", "create", "dev")
    done = run(*arguments)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error {code}: ")
    assert "Traceback" not in done.stderr
    as_json = run(*arguments, "--json")
    error = json.loads(as_json.stderr)
    assert list(error) == ["code", "message", "details", "hint"]
    assert (as_json.exit_code, error["code"]) == (1, code)


def test_a_refused_key_is_not_stored_and_not_repeated(run, ok) -> None:
    done = run("credential", "create", "--provider", "stripe", "--key", "pk_test_4eC39HqLyjWDarjtT1zdp7dc")
    assert "4eC39" not in done.stderr
    assert ok("credential", "list") == []


@pytest.mark.parametrize(
    "text",
    [b"", b"[", b"{}", b'[{"data": {}}]', b'[{"upstream_id": "a", "data": {"x": "\\u0000"}}]', b"\xff", b'[{"upstream_id": "a\0"}]'],
)
def test_bad_records_write_nothing(run, ok, text) -> None:
    ok("stream", "create", "dev")
    ok("sync", "create", "shop", "--provider", "push")
    done = run("record", "ingest", "shop", "push:order", "-", input=text)
    assert done.exit_code == 1
    assert done.stderr.startswith("error SL001: ")
    assert ok("record", "list") == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("stream", "craete"),
        ("stream", "create", "--lanes", "many"),
        ("stream", "create", "--lanes", "99999999999999999999"),
        ("stream", "info"),
        ("consumer", "ack", "billing"),
        ("consumer", "create", "c", "--ack-wait", "nan"),
        ("consumer", "create", "c", "--ack-wait", "0"),
        ("consumer", "create", "c", "--metadata", "[1]"),
        ("sync", "create", "x"),
        ("credential", "create", "--provider", "stripe", "--key", "x", "--secret-stdin"),
        ("credential", "create", "--provider", "stripe", "--key", "x", "--base-url", "ftp://x"),
        ("record", "ingest", "shop", "push:order", "no-such-file"),
        ("poll", "--nonsense"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_2(run, arguments) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert done.stderr.startswith("error SL001: ")
    assert json.loads(run(*arguments, "--json").stderr)["code"] == "SL001"


def test_a_message_that_is_a_list_stands_in_one_line(run) -> None:
    assert run("completion").stderr.startswith("error SL001: Missing argument '{bash|zsh|fish}'. Choose from: bash, zsh, fish\n")


def test_a_database_that_is_down_is_75(run) -> None:
    done = run("stream", "list", env={"PGSLUICE_DATABASE_URL": "postgresql://127.0.0.1:1/x"})
    assert done.exit_code == 75
    assert done.stderr.startswith("error SL401: ")


@pytest.mark.parametrize("url", ["postgresql://u:hunter2@[bad/x", "host=", "nonsense"])
def test_a_url_that_cannot_be_read(run, url) -> None:
    done = run("stream", "list", env={"PGSLUICE_DATABASE_URL": url})
    assert done.exit_code in {1, 75}
    assert done.stderr.startswith("error SL40")
    assert "hunter2" not in done.stderr


def test_a_database_that_is_not_migrated(run, server, db) -> None:
    with psycopg.connect(db, autocommit=True) as conn:
        conn.execute("create database bare")
    try:
        done = run("stream", "list", env={"PGSLUICE_DATABASE_URL": psycopg.conninfo.make_conninfo(db, dbname="bare")})
        assert done.exit_code == 1
        assert done.stderr.startswith("error SL407: ")
        assert "pgsluice migrate" in done.stderr
    finally:
        with psycopg.connect(db, autocommit=True) as conn:
            conn.execute("drop database bare")


def test_no_master_key_on_a_database_of_the_users_own(run) -> None:
    done = run("credential", "create", "--provider", "stripe", "--key", STRIPE_KEY, env={"PGSLUICE_MASTER_KEY": ""})
    assert done.exit_code == 1
    assert done.stderr.startswith("error SL301: ")
    assert "PGSLUICE_MASTER_KEY" in done.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("\ndatabse_url = 'x'", "line 2: there is no setting 'databse_url'"),
        ("poll_interval = 'often'", "line 1: poll_interval"),
        ("# ours\n\nlog_format = 'yaml'", "line 3: log_format"),
        ("[stream]\nx = 1", "line 1: there is no setting 'stream'"),
        ("database_url = \nx = 1", "(at line 1"),
    ],
)
def test_a_mistake_in_the_settings_file(run, tmp_path, text, words) -> None:
    (tmp_path / "pgsluice.toml").write_text(text)
    done = run("stream", "list")
    assert done.exit_code == 1
    assert done.stderr.startswith("error SL406: pgsluice.toml")
    assert words in done.stderr


def test_a_settings_file_gives_defaults(run, db, tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("PGSLUICE_DATABASE_URL")
    (tmp_path / "other.toml").write_text(f'database_url = "{db}"\n')
    assert run("--config", "other.toml", "stream", "list").exit_code == 0
    assert run("--config", "missing.toml", "stream", "list").exit_code == 1


def test_a_key_in_an_open_settings_file(run, tmp_path) -> None:
    path = tmp_path / "pgsluice.toml"
    path.write_text(f'master_key = "{"cd" * 32}"\n')
    path.chmod(0o644)
    assert "chmod 600" in run("stream", "list").stderr
    path.chmod(0o600)
    assert run("stream", "list").exit_code == 0


def test_a_mistake_of_ours_shows_no_values(run, monkeypatch) -> None:
    def broken(*_arguments: object, **_options: object) -> None:
        raise KeyError("a secret")

    monkeypatch.setattr("pgsluice.installation.Installation.client", broken)
    done = run("stream", "list")
    assert done.exit_code == 1
    assert done.stderr.startswith("error XX000: unexpected KeyError in ")
    assert "a secret" not in done.stderr


def test_numbers_are_asked_for_in_words(run) -> None:
    for arguments in (("consumer", "next", "c", "--batch-size", "x"), ("record", "list", "--limit", "x"), ("poll", "--workers", "x")):
        done = run(*arguments)
        assert (done.exit_code, "'x' is not a valid number." in done.stderr) == (2, True)
    done = run("poll", "--database-patience", "x")
    assert (done.exit_code, "'x' is no number of seconds" in done.stderr) == (2, True)
