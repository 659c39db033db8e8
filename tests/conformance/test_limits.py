"""Limits, refused credentials and refused collections: the sync slows down, says what a person has to do, and goes on from where it was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from e2e.polling import NEWEST
from fakes import faults

from conformance.account import Account
from conformance.desks import Desk
from pgsluice.poller import asking

pytestmark = NEWEST


@pytest.mark.parametrize("asked", [None, "0", "1"])
def test_a_short_pause_is_waited_for(account: Account, desk: Desk, asked: str | None) -> None:
    name = desk.dear[0]
    desk.seed([name])
    account.connect(name)
    desk.proxy.fail(desk.limited(asked), desk.path(name), skip=desk.second(name))
    tally = account.read_well()
    assert tally.seconds >= float(asked or 0)
    account.assert_complete(name)
    assert account.query("select from sluice.notices") == []


@pytest.mark.parametrize("style", ["Retry-After", "the quota"])
def test_a_long_pause_gives_the_sync_back(account: Account, desk: Desk, style: str) -> None:
    name = desk.dear[0]
    desk.seed([name])
    account.connect(name)
    refusal = desk.limited("120") if style == "Retry-After" else desk.limited_by_quota(120)
    rule = desk.proxy.fail(refusal, desk.path(name), times=None, skip=desk.second(name) + desk.chained)
    assert account.read().outcome == "rate_limited"
    row = account.sync()
    account.assert_error("SL206")
    assert row["status"] == "rate_limited"
    assert timedelta(seconds=100) < row["next_attempt_at"] - datetime.now(UTC) < timedelta(seconds=240)
    assert rule.hits == 1
    assert account.records(name)
    desk.advance(120)
    account.assert_recovers(name)


ABSURD = ["999999999999", "-5", "soon", "1e400", "nan", "Fri, 31 Dec 9999 23:59:59 GMT", "Thu, 01 Jan 1970 00:00:00 GMT", "", "1;2"]


@pytest.mark.parametrize("asked", ABSURD)
def test_an_absurd_retry_after(account: Account, desk: Desk, asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most an hour, and never a failure of its own."""
    monkeypatch.setattr(asking, "PAGE_TRIES", 1)
    name = desk.dear[0]
    desk.seed([name])
    account.connect(name)
    desk.proxy.fail(desk.limited(asked), desk.path(name), times=None, skip=desk.second(name))
    assert account.read().outcome == "rate_limited"
    account.assert_error("SL206")
    assert account.sync()["next_attempt_at"] - datetime.now(UTC) < timedelta(seconds=3600 + 120)
    account.assert_recovers(name)


def test_limits_again_and_again(account: Account, desk: Desk) -> None:
    """Every third request is refused, none twice: the pass takes longer, that is all."""
    desk.seed(desk.dear)
    account.connect(*desk.dear)
    turn = iter(range(1_000_000))
    fault = desk.limited("0")
    refused: set[tuple[object, ...]] = set()

    def every_third(asked: faults.Asked, onward: faults.Onward) -> faults.Answer:
        same = (asked.method, asked.path, asked.query, asked.body)
        if next(turn) % 3 != 1 or same in refused:
            return onward(asked)
        refused.add(same)
        return fault(asked, onward)

    desk.proxy.fail(every_third, times=None)
    account.read_well()
    account.assert_complete(*desk.dear)


def test_a_credential_that_dies_in_the_middle(account: Account, desk: Desk, dear: str) -> None:
    desk.seed([dear])
    account.connect(dear)

    def dies(asked, onward):
        desk.expire()
        return onward(asked)

    desk.proxy.fail(dies, desk.path(dear), skip=desk.second(dear) + desk.chained)
    assert account.read().outcome == "error"
    error = account.assert_error("SL201")
    assert "pgsluice credential update acme" in error["hint"]
    here = account.positions()
    assert 0 < len(here) < len(desk.state(dear))
    asked = desk.asked(dear)
    account.new_secret()
    account.read_well()
    account.assert_complete(dear)
    # It went on from where it was; at the end a sweep may go through the list once.
    assert set(here) <= set(account.positions())
    pages = -(-len(desk.state(dear)) // 3)
    assert desk.asked(dear) - asked <= 2 * pages + 1
    assert [kind for (kind,) in account.query("select kind from sluice.notices order by notice_id")] == ["broken", "recovered"]


def test_a_credential_that_dies_after_the_backfill(account: Account, desk: Desk) -> None:
    name = desk.dear[0]
    ids = desk.seed([name])[name]
    account.connect(name)
    account.read_well()
    desk.expire()
    desk.change(name, ids[0], "while it was dead")
    desk.settle()
    assert account.read().outcome == "error"
    account.assert_error("SL201")
    account.new_secret()
    before = account.positions()
    account.read_well()
    account.assert_complete(name)
    assert len(set(before) - set(account.positions())) == 1


def test_one_collection_that_may_not_be_read(account: Account, desk: Desk) -> None:
    """The others are read all the same, and it too once it may be."""
    made = desk.seed(desk.dear)
    account.connect(*made)
    closed, *others = made
    desk.proxy.fail(desk.forbidden(), desk.path(closed), times=None)
    # Where all changes come by one feed, that one feed is what may not be read.
    assert account.read().outcome in {"partial", "error"}
    account.assert_refused(closed)
    assert account.records(closed) == {}
    if others:
        account.assert_complete(*others)
        for name in others:
            desk.change(name, made[name][0], "goes on")
        desk.settle()
        account.read()
        account.assert_complete(*others)
    account.assert_recovers(*made)


def test_one_collection_that_may_no_longer_be_read(account: Account, desk: Desk) -> None:
    """Nothing of it is taken for deleted."""
    made = desk.seed(desk.dear)
    account.connect(*made)
    account.read_well()
    closed = next(iter(made))
    before = account.records(closed)
    desk.proxy.fail(desk.forbidden(), desk.changes_path(closed), times=None)
    desk.change(closed, made[closed][0], "unseen")
    desk.settle()
    # Where all changes come by one feed, that one feed is what may not be read.
    assert account.read().outcome in {"partial", "error"}
    account.assert_refused(closed)
    assert account.records(closed) == before
    account.assert_recovers(*made)
