"""Writes: what the vendor made of them comes back as a record at once, and none is done twice."""

from __future__ import annotations

from typing import Any

import pytest
from e2e.polling import NEWEST
from fakes import faults

from conformance.account import Account
from conformance.desks import Desk
from pgsluice.db.client import Client

pytestmark = NEWEST


def _run(account: Account, kind: str, data: dict[str, Any]) -> dict[str, Any]:
    """One write, sent by a poller that can read nothing: what comes of it comes by the write."""
    desk = account.desk
    closed = desk.proxy.fail(desk.failing(), desk.path(desk.written), method="GET", times=None)
    events = desk.proxy.fail(desk.failing(), desk.changes_path(desk.written), method="GET", times=None)
    with Client.connect(account.db) as client:
        mutation_id = client.mutation_run(kind, "acme", desk.written, [data])["mutation_id"]
        account.read()
        (result,) = client.mutation_result(mutation_id)
    desk.proxy.forget(closed, events)
    return dict(result)


def _texts(desk: Desk) -> list[str]:
    return [str(doc) for doc in desk.state(desk.written).values()]


def test_create_update_delete_come_back_before_the_next_poll(account: Account, desk: Desk) -> None:
    name = desk.written
    account.connect(name)
    account.read_well()
    made = _run(account, "create", desk.new("written by us"))
    assert (made["status"], made["error"]) == ("succeeded", None)
    upstream_id = made["upstream_id"]
    account.assert_complete(name)
    assert "written by us" in str(account.records(name)[upstream_id])
    changed = _run(account, "update", {"upstream_id": upstream_id, "data": desk.changed("changed by us")})
    assert (changed["status"], changed["error"]) == ("succeeded", None)
    account.assert_complete(name)
    assert "changed by us" in str(account.records(name)[upstream_id])
    # The next poll finds nothing new in it.
    desk.settle()
    before = account.positions()
    account.read_well()
    assert account.positions() == before
    if name in (*desk.deletable, *desk.swept):
        gone = _run(account, "delete", {"upstream_id": upstream_id})
        assert (gone["status"], gone["error"]) == ("succeeded", None)
        assert upstream_id not in desk.state(name)
        assert account.records(name) == {}
        assert account.records(name, deleted=True).keys() == {upstream_id}


def test_a_refused_write_carries_the_vendors_words(account: Account, desk: Desk) -> None:
    account.connect(desk.written)
    account.read_well()
    refused = _run(account, "create", desk.refused)
    assert refused["status"] == "failed"
    assert desk.words in str(refused["error"]["details"])
    assert refused["error"]["message"]
    assert desk.state(desk.written) == {}


def test_an_object_that_is_not_there(account: Account, desk: Desk) -> None:
    account.connect(desk.written)
    account.read_well()
    refused = _run(account, "update", {"upstream_id": desk.unknown_id, "data": desk.changed("x")})
    assert (refused["status"], refused["error"]["code"]) == ("failed", "SL203")


def test_a_lost_answer_is_no_second_object(account: Account, desk: Desk) -> None:
    account.connect(desk.written)
    account.read_well()
    desk.proxy.fail(faults.reset(executed=True), desk.writes, method="POST")
    made = _run(account, "create", desk.new("only once"))
    assert len(desk.state(desk.written)) == 1
    if desk.recognises:
        assert made["status"] == "succeeded"
    else:
        assert made["status"] == "unknown"
        assert "mutation_resolve" in made["error"]["hint"]
    desk.settle()
    account.sweep()
    account.assert_complete(desk.written)


@pytest.mark.parametrize("reply", ["HTML with 200", "HTML with 502", "cut"])
def test_an_answer_that_says_nothing_is_no_second_object(account: Account, desk: Desk, reply: str) -> None:
    account.connect(desk.written)
    account.read_well()

    def fault(asked: faults.Asked, onward: faults.Onward) -> faults.Answer:
        spoilt = {"HTML with 200": faults.html(200), "HTML with 502": faults.html(502)}.get(reply)
        return faults.cut()(asked, onward) if spoilt is None else (onward(asked), spoilt(asked, onward))[1]

    desk.proxy.fail(fault, desk.writes, method="POST")
    made = _run(account, "create", desk.new("only once"))
    assert len(desk.state(desk.written)) == 1
    assert made["status"] == ("succeeded" if desk.recognises else "unknown")


def test_limits_on_writes(account: Account, desk: Desk) -> None:
    """Refused for now is not done: it is sent again, whether the vendor recognises it or not."""
    account.connect(desk.written)
    account.read_well()
    desk.proxy.fail(desk.limited("0"), desk.writes, method="POST", times=2)
    assert _run(account, "create", desk.new("after a while"))["status"] == "succeeded"
    assert len(desk.state(desk.written)) == 1
    account.assert_complete(desk.written)


def test_a_write_that_may_not_be_done(account: Account, desk: Desk) -> None:
    account.connect(desk.written)
    account.read_well()
    desk.proxy.fail(desk.forbidden(), desk.writes, method="POST")
    refused = _run(account, "create", desk.new("forbidden"))
    assert (refused["status"], refused["error"]["code"]) == ("failed", "SL202")
    assert desk.state(desk.written) == {}


def test_a_dead_credential(account: Account, desk: Desk) -> None:
    account.connect(desk.written)
    account.read_well()
    desk.expire()
    refused = _run(account, "create", desk.new("too late"))
    assert refused["status"] == "failed"
    assert refused["error"]["code"] == "SL201"
    assert "pgsluice credential update acme" in refused["error"]["hint"]
    assert desk.state(desk.written) == {}
