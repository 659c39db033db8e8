"""The commands of consumers beside taking and acknowledging, and those of dead letters."""

from __future__ import annotations

import json
import os
import pty
import select
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from api.serving import BOOTSTRAP, served
from click.testing import CliRunner, Result

from pgsluice import terminal
from pgsluice.cli import main

LETTERS = '[{"upstream_id": "a", "data": {"n": 1}}, {"upstream_id": "b", "data": {"n": 2}}, {"upstream_id": "c", "data": {"n": 3}}]'


@pytest.fixture
def shop(ok) -> None:
    ok("stream", "create", "dev")
    ok("sync", "create", "shop", "--provider", "push")
    ok("consumer", "create", "billing")
    ok("record", "ingest", "shop", "push:order", "-", input=LETTERS)


def taken(ok: Callable[..., Any], *options: str) -> list[str]:
    return sorted(message["record"]["upstream_id"] for message in ok("consumer", "next", "billing", *options))


@pytest.fixture
def dead(shop, ok) -> None:
    """Three dead letters of `billing`."""
    tokens = [message["ack_token"] for message in ok("consumer", "next", "billing")]
    ok("consumer", "term", "billing", "-", "--reason", "poison", input="\n".join(tokens))


def test_consumer_create_and_update_with_filter_and_bound(shop, ok, run) -> None:
    chosen = '{"where": "$.n == 2.0", "collection_id": ["push:*"]}'
    made = ok("consumer", "create", "c", "--max-ack-pending", "3", "--filter", chosen, "--deliver-policy", "1h")
    assert (made["max_ack_pending"], made["filter"]) == (3, json.loads(chosen))
    assert [message["record"]["upstream_id"] for message in ok("consumer", "next", "c")] == ["b"]
    assert ok("consumer", "update", "c", "--max-ack-pending", "0")["max_ack_pending"] is None
    changed = ok("consumer", "update", "c", "--filter", "{}")
    assert (changed["filter"], changed["max_ack_pending"]) == (None, None)
    assert run("consumer", "create", "d", "--filter", "[]").exit_code == 2
    assert run("consumer", "create", "d", "--max-ack-pending", "many").exit_code == 2
    refused = run("consumer", "create", "d", "--filter", '{"nonsense": 1}')
    assert (refused.exit_code, refused.stderr.startswith("error SL001: ")) == (1, True)


def test_consumer_peek(shop, ok, run) -> None:
    seen = ok("consumer", "peek", "billing", "--batch-size", "2")
    assert [(message["ack_token"], message["record"]["upstream_id"]) for message in seen] == [(None, "a"), (None, "b")]
    heading, *rows = run("consumer", "peek", "billing").stdout.splitlines()
    assert (heading.split()[0], len(rows)) == ("collection_id", 3)
    assert taken(ok) == ["a", "b", "c"], "nothing was leased"
    assert run("consumer", "peek", "billing").stdout == "No message now.\n"
    assert run("consumer", "peek", "billing", "--batch-size", "0").exit_code == 1


def test_consumer_extend(shop, ok) -> None:
    one, *_ = (message["ack_token"] for message in ok("consumer", "next", "billing"))
    assert ok("consumer", "extend", "billing", one, "x", "--ack-wait", "0.5") == {"accepted": 1, "rejected": ["x"]}
    assert ok("consumer", "extend", "billing", "-", input=one)["accepted"] == 1


def test_consumer_term(dead, ok, run) -> None:
    assert [letter["reason"] for letter in ok("dead-letter", "list")] == ["poison"] * 3
    assert taken(ok) == []
    assert run("consumer", "term", "billing", "x", "--reason", "x" * 1001).exit_code == 1


def test_consumer_seek(shop, ok, run) -> None:
    tokens = [message["ack_token"] for message in ok("consumer", "next", "billing")]
    ok("consumer", "ack", "billing", *tokens)
    assert ok("consumer", "seek", "billing", "start")["num_pending"] == 3
    assert taken(ok) == ["a", "b", "c"]
    assert ok("consumer", "seek", "billing", "end")["num_pending"] == 0
    assert run("consumer", "seek", "billing", "nonsense").stderr.startswith("error SL001: ")
    assert run("consumer", "seek", "billing").exit_code == 2


def test_consumer_pause_and_resume(shop, ok) -> None:
    assert ok("consumer", "pause", "billing")["paused"] is True
    assert taken(ok) == []
    assert ok("consumer", "resume", "billing")["paused"] is False
    assert len(taken(ok)) == 3


def test_the_list_and_the_single_consumer_have_the_numbers(shop, ok, run) -> None:
    taken(ok, "--batch-size", "1")
    (listed,) = ok("consumer", "list", "--stream", "dev")
    assert listed.keys() == ok("consumer", "info", "billing").keys()
    assert (listed["num_pending"], listed["num_ack_pending"], listed["paused"]) == (2, 1, False)
    assert ok("consumer", "list", "--stream", "other") == []
    heading, row = run("consumer", "list").stdout.splitlines()
    assert heading.split()[2:7] == ["paused", "num_pending", "num_ack_pending", "num_dead_letters", "lag"]
    assert row.split()[2:6] == ["no", "2", "1", "0"]
    shown = {line.split()[0] for line in run("consumer", "info", "billing").stdout.splitlines()}
    assert {"paused", "num_filtered", "lag", "oldest_unacked_age"} <= shown


def test_dead_letter_list_chooses(dead, ok, run) -> None:
    assert [
        letter["upstream_id"] for letter in ok("dead-letter", "list", "--consumer", "billing", "--sync", "shop", "--upstream-id", "b")
    ] == ["b"]
    assert ok("dead-letter", "list", "--collection", "other") == []
    assert "poison" in run("dead-letter", "list").stdout


def test_dead_letter_retry(dead, ok, run) -> None:
    assert ok("dead-letter", "retry", "billing", "--upstream-id", "b") == {"count": 1}
    assert taken(ok) == ["b"]
    assert (
        run("dead-letter", "retry", "billing", "--sync", "shop", "--collection", "push:order").stdout
        == "2 dead letters to be delivered again\n"
    )
    assert run("dead-letter", "retry", "nobody").stderr.startswith("error SL103: ")


def test_dead_letter_retry_says_that_more_are_left(dead, run, conn) -> None:
    many = "select jsonb_agg(jsonb_build_object('upstream_id', 'x' || n, 'data', '{}'::jsonb)) from generate_series(1, 10001) as n"
    conn.execute(f"select record_ingest('shop', 'push:bulk', ({many}))")
    conn.execute("""
        insert into sluice_internal.dead_letters (consumer_no, record_no, updated_idx, deliver_count, reason, ack_token)
        select c.consumer_no, r.record_no, r.updated_idx, 1, 'poison', ''
        from sluice_internal.consumers as c, records as r where r.collection_id = 'push:bulk'
    """)
    first, second = (run("dead-letter", "retry", "billing", "--collection", "push:bulk") for _ in range(2))
    assert (first.stdout, first.stderr) == ("10000 dead letters to be delivered again\n", "more are left: do it once more\n")
    assert (second.stdout, second.stderr) == ("1 dead letter to be delivered again\n", "")


def test_dead_letter_purge_asks(dead, ok, run, monkeypatch) -> None:
    nobody = run("dead-letter", "purge", "billing", input="y\n")
    assert (nobody.exit_code, "--yes" in nobody.stderr) == (2, True)
    questions: list[str] = []

    def asked(answer: bool) -> Result:
        monkeypatch.setattr(terminal, "agreed", lambda question: questions.append(question) or answer)
        return run("dead-letter", "purge", "billing", "--upstream-id", "b")

    refused = asked(answer=False)
    assert (refused.exit_code, refused.stdout, refused.stderr) == (1, "", "nothing was removed\n")
    assert len(ok("dead-letter", "list")) == 3
    assert asked(answer=True).stdout == "1 dead letter removed\n"
    assert questions == ["Remove the upstream_id b dead letters of billing for good?"] * 2
    assert ok("dead-letter", "purge", "billing", "--yes") == {"count": 2}
    assert ok("dead-letter", "list") == []


COMMANDS = [
    'consumer create c --filter \'{"where": "$.n > 1.50"}\' --max-ack-pending 4 --deliver-policy 1h --stream dev',
    "consumer update billing --filter {} --max-ack-pending 0 --ack-wait 2.5",
    "consumer list --stream dev",
    "consumer info billing",
    "consumer peek billing --batch-size 2",
    "consumer extend billing 1.1.1.0000000000000000 --ack-wait 5",
    'consumer term billing 1.1.1.0000000000000000 --reason "it\'s bad"',
    "consumer seek billing start",
    "consumer pause billing",
    "consumer resume billing",
    "dead-letter list --consumer billing --sync shop --collection push:order --upstream-id 'a b'",
    'dead-letter retry billing --sync shop --collection push:order --upstream-id "it\'s"',
    "dead-letter purge billing --upstream-id x",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_as_sql_prints_what_runs(shop, run, conn, command: str) -> None:
    done = run(*shlex.split(command), "--as-sql")
    assert done.exit_code == 0, done.stderr
    conn.execute(done.stdout)


@pytest.mark.parametrize("command", COMMANDS)
def test_as_curl_is_taken_by_the_server(shop, run, ok, db: str, command: str) -> None:
    with served(db) as running:
        shown = run("--listen", running.server.address, *shlex.split(command), "--as-curl")
        assert shown.exit_code == 0, shown.stderr
        program = f"curl() {{ printf '%s\\0' \"$@\"; }}; {shown.stdout}"
        words = subprocess.run(
            ["sh", "-c", program], env={"PGSLUICE_TOKEN": BOOTSTRAP}, capture_output=True, text=True, check=True
        ).stdout.split("\0")
        assert words[0] == "-X"
        headers = dict(word.split(": ", 1) for word in words if word.startswith(("Authorization", "Content-Type")))
        content = words[words.index("-d") + 1] if "-d" in words else None
        reply = httpx.request(words[1], words[2], headers=headers, content=content, trust_env=False)
    assert reply.status_code in {200, 201}, reply.text
    if "create" in command:
        assert ok("consumer", "info", "c")["filter"] == {"where": "$.n > 1.50"}
    if "pause" in command:
        assert ok("consumer", "info", "billing")["paused"] is True


def test_dead_letters_of_all_consumers_have_no_route(run) -> None:
    done = run("dead-letter", "list", "--as-curl")
    assert (done.exit_code, done.stderr.startswith("error SL004: ")) == (1, True)
    assert "--consumer" in done.stderr


@pytest.mark.parametrize(
    ("words", "found"),
    [("consumer p", {"pause", "peek"}), ("dead-letter ", {"list", "retry", "purge"}), ("consumer update --max-a", {"--max-ack-pending"})],
)
def test_completion_knows_them(words: str, found: set[str]) -> None:
    environment = {"_PGSLUICE_COMPLETE": "zsh_complete", "COMP_WORDS": f"pgsluice {words}", "COMP_CWORD": str(len(words.split(" ")))}
    done = CliRunner().invoke(main, [], prog_name="pgsluice", env=environment)
    assert found <= set(done.stdout.splitlines())


# ---------------------------------------------------------------- --watch


@pytest.mark.parametrize("command", ["consumer info billing", "consumer list", "dead-letter list", "stream list", "mutation list"])
def test_watch_is_for_a_terminal(run, command: str) -> None:
    for options in (["--watch"], ["--watch", "--json"], ["--watch", "--as-sql"], ["--watch", "--as-curl"]):
        done = run(*command.split(), *options)
        assert (done.exit_code, "--watch" in done.stderr) == (2, True)


class Screen:
    """A command at a terminal of its own."""

    def __init__(self, *arguments: str) -> None:
        self._end, other = pty.openpty()
        program = Path(sys.executable).with_name("pgsluice")
        self.process = subprocess.Popen(
            [program, *arguments], stdin=other, stdout=other, stderr=other, env={**os.environ, "TERM": "xterm", "COLUMNS": "200"}
        )
        os.close(other)

    def until(self, words: str) -> str:
        seen, end = "", time.monotonic() + 20
        while words not in seen:
            assert time.monotonic() < end, seen
            if select.select([self._end], [], [], 0.2)[0]:
                seen += os.read(self._end, 65536).decode()
        return seen

    def type(self, words: str) -> None:
        os.write(self._end, words.encode())

    def close(self) -> int:
        try:
            return self.process.wait(20)
        finally:
            self.process.kill()
            os.close(self._end)


@pytest.mark.parametrize("command", ["consumer info billing", "consumer list"])
def test_watch_shows_it_again_until_ctrl_c(shop, ok, command: str) -> None:
    screen = Screen(*command.split(), "--watch")
    screen.until(" no")
    ok("consumer", "pause", "billing")
    screen.until("yes")
    screen.process.send_signal(signal.SIGINT)
    assert screen.close() == 0


def test_watch_ends_with_the_error_that_stops_it(shop, ok) -> None:
    screen = Screen("consumer", "info", "billing", "--watch")
    screen.until("num_pending")
    ok("consumer", "delete", "billing")
    screen.until("error SL103")
    assert screen.close() == 1


def test_dead_letter_purge_at_a_terminal(dead, ok) -> None:
    screen = Screen("dead-letter", "purge", "billing")
    screen.until("Remove all dead letters of billing for good? [y/N]")
    screen.type("n\n")
    screen.until("nothing was removed")
    assert screen.close() == 1
    screen = Screen("dead-letter", "purge", "billing")
    screen.until("[y/N]")
    screen.type("y\n")
    screen.until("3 dead letters removed")
    assert screen.close() == 0
    assert ok("dead-letter", "list") == []
