"""Writes that reach the vendor, with a real database, the fake over HTTP, and pollers as processes that are killed."""

from __future__ import annotations

import json
import signal
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner
from e2e.polling import KEY_TEXT, NEWEST, connect, positions, process, read_once, stored, until
from fakes.stripe import StripeFake, faults
from psycopg.types.json import Jsonb

from pgsluice.cli import main
from pgsluice.providers import registry

RUN = "select mutation_id from sluice.mutation_run(%s, 'acme', %s, %s)"


@pytest.fixture
def account(db: str, stripe_fake: StripeFake) -> StripeFake:
    connect(db, stripe_fake)
    return stripe_fake


def ask(db: str, kind: str, *data: dict[str, Any], collection_id: str = "stripe:customer") -> str:
    with psycopg.connect(db) as conn:
        row = conn.execute(RUN, [kind, collection_id, Jsonb(list(data))]).fetchone()
        assert row is not None
        return str(row[0])


def items(db: str, mutation_id: str) -> list[Any]:
    with psycopg.connect(db) as conn:
        query = "select status, upstream_id, error from sluice.mutation_result(%s) order by item_no"
        return conn.execute(query, [mutation_id]).fetchall()


def states(db: str, mutation_id: str) -> list[str]:
    return [status for status, *_ in items(db, mutation_id)]


def test_the_database_and_the_provider_name_the_same_kinds(shared_db: str) -> None:
    with psycopg.connect(shared_db) as conn:
        query = "select collection_id, mutations from sluice.provider_collections where provider = 'stripe'"
        known = registry.get("stripe").collections
        assert {name: tuple(kinds) for name, kinds in conn.execute(query)} == {name: tuple(known[name].mutations) for name in known}


@NEWEST
def test_create_update_delete_come_back_as_records(db: str, account: StripeFake) -> None:
    made = ask(db, "create", {"name": "Ann", "metadata": {"a": 1}})
    read_once(db)
    ((status, upstream_id, error),) = items(db, made)
    assert (status, error) == ("succeeded", None)
    assert stored(db)["customer"][upstream_id]["metadata"] == {"a": "1"}
    before = positions(db)
    read_once(db)
    assert positions(db) == before
    ask(db, "update", {"upstream_id": upstream_id, "data": {"name": "Bea"}})
    last = ask(db, "update", {"upstream_id": upstream_id, "data": {"name": "Cid"}})
    read_once(db)
    assert states(db, last) == ["succeeded"]
    assert stored(db)["customer"][upstream_id]["name"] == account.objects("customer")[upstream_id]["name"] == "Cid"
    gone = ask(db, "delete", {"upstream_id": upstream_id})
    read_once(db)
    assert states(db, gone) == ["succeeded"]
    assert upstream_id in stored(db, deleted=True)["customer"]


@NEWEST
def test_each_item_has_the_vendors_own_error(db: str, account: StripeFake) -> None:
    made = ask(db, "create", {"name": "Ann"}, {"nonsense": 1})
    read_once(db)
    (_, (status, _, error)) = items(db, made)
    assert states(db, made) == ["succeeded", "failed"]
    assert status == "failed"
    assert error["details"]["error"]["code"] == "parameter_unknown"
    assert len(account.objects("customer")) == 1


@NEWEST
def test_past_the_vendors_window_nothing_is_repeated(db: str, account: StripeFake) -> None:
    made = ask(db, "create", {"name": "Ann"})
    with psycopg.connect(db) as conn:
        conn.execute("update sluice_internal.mutation_items set first_sent_at = clock_timestamp() - interval '24 hours'")
    read_once(db)
    ((status, _, error),) = items(db, made)
    assert (status, error["code"]) == ("unknown", "SL205")
    assert account.objects("customer") == {}


@NEWEST
def test_killed_while_sending_nothing_is_created_twice(db: str, account: StripeFake) -> None:
    made = ask(db, "create", *({"name": f"c{number}"} for number in range(200)))
    for _ in range(4):
        account.heal()
        answer = account.fail(faults.Hold(executed=True), method="POST", path="/v1/customers", skip=30)
        with process(db) as poller:
            assert answer.wait()
            poller.send(signal.SIGKILL)
            poller.wait()
        answer.release()
        with psycopg.connect(db) as conn:
            conn.execute("update sluice_internal.pollers set heartbeat_at = heartbeat_at - interval '1 minute'")
    account.heal()
    with process(db) as poller:
        until(lambda: set(states(db, made)) == {"succeeded"}, 60)
        poller.send(signal.SIGTERM)
        assert poller.wait() == 0, poller.output
    assert len(account.objects("customer")) == 200
    assert {customer["name"] for customer in account.objects("customer").values()} == {f"c{number}" for number in range(200)}
    assert len({upstream_id for _, upstream_id, _ in items(db, made)}) == 200


@NEWEST
def test_poll_once_says_what_became_of_the_writes(db: str, account: StripeFake) -> None:
    """One is done, one refused, and one has to wait for longer than anybody waits here."""
    account.fail(faults.RateLimited(retry_after=60), method="POST", path="/v1/customers", params={"name": "later"}, times=None)
    ask(db, "create", {"name": "Ann"})
    ask(db, "update", {"upstream_id": "cus_nobody", "data": {"name": "x"}})
    environment = {"PGSLUICE_DATABASE_URL": db, "PGSLUICE_MASTER_KEY": KEY_TEXT, "PGSLUICE_ALLOW_PRIVATE_ADDRESSES": "1"}

    def once(*more: str, status: int = 0) -> str:
        done = CliRunner().invoke(main, ["poll", "--once", *more], env=environment)
        assert done.exit_code == status, done.output
        return done.stdout

    assert once().splitlines()[-1] == "Writes: 1 succeeded, 1 failed. `pgsluice mutation list` has them."
    assert "Writes" not in once()
    ask(db, "create", {"name": "later"})
    # the vendor's pause is the account's, so it is not read either
    assert once(status=1).splitlines()[-1] == "Writes: 1 to be tried again. `pgsluice mutation list` has them."
    assert [tally["sync_id"] for tally in json.loads(once("--json", status=1))] == ["acme"]


@NEWEST
def test_a_vendor_that_does_not_answer_one_sync_holds_up_no_other(db: str, account: StripeFake) -> None:
    """Each of its requests stands for half a minute. What is written for others does not stand behind them."""
    connect(db, account, "other")
    held = account.fail(faults.Hold(), method="POST", path="/v1/customers", params={"description": "held"}, times=None)
    try:
        slow = ask(db, "create", *({"name": f"c{number}", "description": "held"} for number in range(40)))
        with process(db) as poller:
            assert held.wait(8)
            with psycopg.connect(db) as conn:
                ran = "select mutation_id from sluice.mutation_run('create', 'other', 'stripe:customer', %s)"
                (quick,) = conn.execute(ran, [Jsonb([{"name": f"o{number}"} for number in range(20)])]).fetchone() or (None,)
            until(lambda: set(states(db, str(quick))) == {"succeeded"}, 20)
            assert states(db, slow).count("sending") == held.hits == 8
            held.release()
            until(lambda: set(states(db, slow)) == {"succeeded"}, 60)
            poller.send(signal.SIGTERM)
            assert poller.wait() == 0, poller.output
    finally:
        held.release()
    assert len(account.objects("customer")) == 60
