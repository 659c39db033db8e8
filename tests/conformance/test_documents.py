"""The shipped documents whose desks only `make conformance` has in the suite of all promises: what each of them must do, once."""

from __future__ import annotations

from typing import Any

import pytest
from e2e.polling import NEWEST

from conformance.account import SYNC, Account
from conformance.desks.airtable import AirtableDesk
from conformance.desks.declared import ALL
from conformance.desks.document import DocumentDesk
from pgsluice.db.client import Client
from pgsluice.providers.rest import Rest

pytestmark = NEWEST


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Rest, "budget", lambda _self, _credential: ())


def write(account: Account, kind: str, *data: dict[str, Any]) -> list[dict[str, Any]]:
    with Client.connect(account.db) as client:
        mutation_id = client.mutation_run(kind, SYNC, account.desk.written, list(data))["mutation_id"]
        account.read()
        return client.mutation_result(mutation_id)


@pytest.mark.parametrize("desk_of", ALL, ids=[desk.provider for desk in ALL])
def test_it_is_read_followed_and_written(db: str, desk_of: type[DocumentDesk]) -> None:
    with desk_of() as desk:
        account = Account(db, desk)
        names = list(dict.fromkeys([*desk.dear, desk.written]))
        # Two pages each, the last one not full.
        made = desk.seed(names, 5)
        account.connect(*names)
        account.read_well()
        account.assert_complete(*names)
        for name in names:
            desk.change(name, made[name][1], "changed there")
            desk.create(name, "created there")
            desk.delete(name, made[name][0])
        desk.settle()
        account.read_well()
        for name in names:
            if name in desk.incremental:
                gone = () if name in desk.deletable else made[name][:1]
                account.assert_complete(name, but=gone)
        account.sweep()
        account.assert_complete(*(name for name in names if name in {*desk.deletable, *desk.swept, *desk.incremental}))
        (created,) = write(account, "create", desk.new("written by us"))
        assert (created["status"], created["error"]) == ("succeeded", None)
        (changed,) = write(account, "update", {"upstream_id": created["upstream_id"], "data": desk.changed("changed by us")})
        assert (changed["status"], changed["error"]) == ("succeeded", None)
        assert "changed by us" in str(account.records(desk.written)[created["upstream_id"]])
        if desk.written in {*desk.deletable, *desk.swept}:
            (gone_here,) = write(account, "delete", {"upstream_id": created["upstream_id"]})
            assert gone_here["status"] == "succeeded"
            assert created["upstream_id"] not in account.records(desk.written)


def test_ten_records_go_in_a_request_and_one_that_is_refused_leaves_the_others(db: str) -> None:
    with AirtableDesk() as desk:
        account = Account(db, desk)
        account.connect(desk.written)
        elsewhere = str(desk.fake.create("table", base=desk.base("base"), name="another")["id"])
        items = [desk.new(f"record {number}") for number in range(20)]
        items += [{**desk.new("elsewhere"), "table_id": elsewhere}, {"base_id": desk.base("base"), "fields": {"Name": "nowhere"}}]
        results = write(account, "create", *items[:7], desk.refused, *items[7:])
        assert [result["status"] for result in results] == [*["succeeded"] * 7, "failed", *["succeeded"] * 14, "failed"]
        assert desk.words in str(results[7]["error"]["details"])
        assert "table_id" in results[-1]["error"]["message"]
        assert len(desk.state(desk.written)) == 21
        # Each item has the object that was made of it.
        texts = {id_: doc["fields"]["Name"] for id_, doc in desk.state(desk.written).items()}
        assert [texts[result["upstream_id"]] for result in results[:7]] == [f"record {number}" for number in range(7)]
        posted = [seen for seen in desk.proxy.requests if seen.method == "POST"]
        assert len(posted) < 14
        account.assert_complete(desk.written)
        before = len(desk.proxy.requests)
        changed = write(
            account, "update", *({"upstream_id": result["upstream_id"], "data": desk.changed("all")} for result in results[8:18])
        )
        assert {result["status"] for result in changed} == {"succeeded"}
        assert len([seen for seen in desk.proxy.requests[before:] if seen.method == "PATCH"]) == 1
        gone = write(account, "delete", *({"upstream_id": result["upstream_id"]} for result in results[8:18]))
        assert {result["status"] for result in gone} == {"succeeded"}
        assert len([seen for seen in desk.proxy.requests if seen.method == "DELETE"]) == 1
        account.assert_complete(desk.written)
