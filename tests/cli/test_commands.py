"""Every noun's commands on a database given by URL."""

from __future__ import annotations

import json

import psycopg
import pytest

from pgsluice.providers import registry

STRIPE_KEY = "sk_test_4eC39HqLyjWDarjtT1zdp7dc"


@pytest.fixture
def shop(ok) -> None:
    ok("stream", "create", "dev")
    ok("sync", "create", "shop", "--provider", "push")
    ok("consumer", "create", "billing", "--ack-wait", "2.5", "--metadata", '{"team": 1.10}')


def test_stream_create_list_info_delete(ok, run) -> None:
    assert ok("stream", "create", "dev", "--lanes", "4")["lanes"] == 4
    assert [row["stream_id"] for row in ok("stream", "list")] == ["dev"]
    assert ok("stream", "info", "dev")["syncs"] == 0
    assert run("stream", "delete", "dev").stdout == "deleted stream dev\n"
    assert "No stream yet" in run("stream", "list").stdout


def test_tables_are_for_people(shop, run) -> None:
    heading, row = run("consumer", "list").stdout.splitlines()
    assert heading.split()[:2] == ["consumer_id", "stream_id"]
    assert "2.5 s" in row
    assert ["ack_wait", "2.5", "s"] in [line.split() for line in run("consumer", "info", "billing").stdout.splitlines()]


def test_the_only_stream_need_not_be_named(shop, ok, run) -> None:
    ok("stream", "create", "other")
    done = run("consumer", "create", "second")
    assert done.exit_code == 1
    assert "more than one stream" in done.stderr


def test_record_ingest_keeps_every_digit(shop, run, ok) -> None:
    text = '[{"upstream_id": "o1", "data": {"total": 12345678901234567890.10, "small": 1e-30}}]'
    assert ok("record", "ingest", "shop", "push:order", "-", input=text) == {"new": 1, "changed": 0, "unchanged": 0, "refused": 0}
    printed = run("record", "list", "--json").stdout
    assert '"total": 12345678901234567890.10' in printed
    assert ok("record", "list", "--upstream-id", "o2") == []


def test_record_ingest_from_a_file(shop, ok, tmp_path) -> None:
    (tmp_path / "records.json").write_text('[{"upstream_id": "o1", "data": {}}]')
    assert ok("record", "ingest", "shop", "push:order", "records.json")["new"] == 1


@pytest.fixture
def two_messages(shop, ok) -> list[dict[str, object]]:
    ok("record", "ingest", "shop", "push:order", "-", input='[{"upstream_id": "a", "data": {"n": 1.0}}, {"upstream_id": "b", "data": {}}]')
    return ok("consumer", "next", "billing")


def test_consumer_next_answers_what_the_api_answers(two_messages, run) -> None:
    assert [list(message) for message in two_messages] == [["ack_token", "deliver_count", "record"]] * 2
    record = two_messages[0]["record"]
    assert list(record)[:4] == ["sync_id", "collection_id", "upstream_id", "updated_idx"]
    assert record["sync"] == {"external_id": None, "metadata": {}}
    assert "No message now." in run("consumer", "next", "billing").stdout


def test_consumer_ack(two_messages, ok) -> None:
    first, second = (message["ack_token"] for message in two_messages)
    assert ok("consumer", "ack", "billing", first) == {"accepted": 1, "rejected": []}
    assert ok("consumer", "next", "billing", "--ack", second) == []
    assert ok("consumer", "info", "billing")["num_ack_pending"] == 0


def test_consumer_ack_strict(two_messages, run) -> None:
    done = run("consumer", "ack", "billing", two_messages[0]["ack_token"], "1.1.1.0000000000000000", "--strict")
    assert (done.exit_code, done.stderr.split(":")[0]) == (1, "error SL120")


def test_consumer_nack(two_messages, ok) -> None:
    tokens = "\n".join(message["ack_token"] for message in two_messages)
    assert ok("consumer", "nack", "billing", "-", input=tokens)["accepted"] == 2
    assert {message["deliver_count"] for message in ok("consumer", "next", "billing")} == {2}


def test_a_vendors_text_cannot_reach_the_terminal(shop, ok, run) -> None:
    ok("record", "ingest", "shop", "push:order", "-", input=json.dumps([{"upstream_id": "\x1b[31mred", "data": {}}]))
    assert "\x1b" not in run("record", "list").stdout


def test_credential_create_seals_and_never_shows(ok, run, db) -> None:
    row = ok("credential", "create", "mine", "--provider", "stripe", "--secret-stdin", "--name", "Mine", input=f"{STRIPE_KEY}\n")
    assert (row["credential_id"], row["kind"]) == ("mine", "stripe_key")
    shown = run("credential", "list", "--json").stdout + run("credential", "info", "mine").stdout
    assert STRIPE_KEY not in shown
    with psycopg.connect(db) as conn:
        (sealed,) = conn.execute("select sealed from sluice_internal.credentials").fetchone()
    assert STRIPE_KEY.encode() not in sealed
    assert ok("credential", "update", "mine", "--key", STRIPE_KEY)["credential_id"] == "mine"
    assert ok("credential", "delete", "mine") == {"done": "deleted credential mine"}


def test_the_secret_may_come_from_the_environment_or_a_file(ok, tmp_path) -> None:
    ok("credential", "create", "a", "--provider", "stripe", env={"PGSLUICE_SECRET": STRIPE_KEY})
    (tmp_path / "key").write_text(STRIPE_KEY + "\r\n")
    ok("credential", "create", "b", "--provider", "stripe", "--secret-file", "key")


@pytest.fixture
def my_sync(ok) -> dict[str, object]:
    ok("stream", "create", "dev")
    ok("credential", "create", "mine", "--provider", "stripe", "--key", STRIPE_KEY)
    return ok("sync", "create", "my-sync", "--credential", "mine", "--external-id", "42", "--sync-frequency", "60")


def test_sync_create_takes_all_of_the_credentials_provider(my_sync) -> None:
    assert (my_sync["provider"], my_sync["status"]) == ("stripe", "pending")
    assert sorted(my_sync["collection_ids"]) == sorted(registry.whole("stripe"))


def test_sync_info_and_the_lists(my_sync, ok) -> None:
    assert ok("sync", "info", "my-sync")["sync_frequency"] == 60
    assert len(ok("sync", "collections", "my-sync")) == len(registry.whole("stripe"))
    assert [row["external_id"] for row in ok("sync", "list")] == ["42"]


def test_sync_pause(my_sync, ok) -> None:
    assert ok("sync", "pause", "my-sync")["status"] == "paused"
    assert ok("sync", "info", "my-sync")["next_attempt_at"] is None


def test_sync_resume(my_sync, ok) -> None:
    ok("sync", "pause", "my-sync")
    assert ok("sync", "resume", "my-sync")["status"] == "pending"


def test_the_error_of_a_sync_is_told_in_words(ok, run, db) -> None:
    ok("stream", "create", "dev")
    ok("credential", "create", "mine", "--provider", "stripe", "--key", STRIPE_KEY)
    ok("sync", "create", "my-sync", "--credential", "mine")
    with psycopg.connect(db) as conn:
        error = json.dumps({"code": "SL201", "message": "refused", "details": None, "hint": "pgsluice credential update mine"})
        conn.execute("update sluice_internal.sync_runs set status = 'error', error_since = now(), error = %s", [error])
    assert "SL201: refused\n" in run("sync", "list").stdout.replace("  ", "") + "\n"
    assert "SL201: refused; hint: pgsluice credential update mine" in run("sync", "info", "my-sync").stdout
    done = run("doctor")
    assert done.exit_code == 1
    assert "pgsluice sync info my-sync" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("stream", "create", "it's"),
        ("stream", "list"),
        ("stream", "info", "dev"),
        ("sync", "create", "second", "--stream", "dev", "--provider", "push", "--metadata", '{"a": "\'"}'),
        ("sync", "list", "--stream", "dev"),
        ("consumer", "create", "second", "--stream", "dev", "--ack-wait", "1.5"),
        ("consumer", "next", "billing", "--batch-size", "2", "--ack", "1.1.1.0000000000000000"),
        ("consumer", "ack", "billing", "1.1.1.0000000000000000"),
        ("record", "list", "--limit", "3", "--after-idx", "0"),
        ("provider", "list"),
        ("dead-letter", "list", "--consumer", "billing"),
    ],
    ids=" ".join,
)
def test_as_sql_prints_what_runs(shop, run, conn, arguments) -> None:
    done = run(*arguments, "--as-sql")
    assert done.exit_code == 0
    conn.execute(done.stdout)


def test_provider_and_dead_letter_list(ok, run) -> None:
    price = next(row for row in ok("provider", "list") if row["collection_id"] == "stripe:price")
    assert (price["provider"], price["mutations"]) == ("stripe", ["create", "update"])
    assert run("dead-letter", "list").stdout == "No dead letter.\n"


def test_migrate_twice(ok, run) -> None:
    assert ok("migrate")["applied"] == []
    assert "up to date" in run("migrate").stdout


def test_schema_dump_is_one_file(run) -> None:
    done = run("schema", "dump")
    assert done.stdout.startswith("-- pgsluice ")
    assert done.stdout.endswith("commit;\n")


def test_doctor_is_content(ok) -> None:
    found = {row["check"]: row["good"] for row in ok("doctor")}
    assert found == dict.fromkeys(("database", "schema", "pollers", "syncs", "master key", "public URL"), True)


def test_poll_once_with_nothing_to_read(run, ok) -> None:
    assert run("poll", "--once").stdout == "No sync to read.\n"
    assert ok("poll", "--once") == []


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_completion(run, shell) -> None:
    assert "_PGSLUICE_COMPLETE" in run("completion", shell).stdout
