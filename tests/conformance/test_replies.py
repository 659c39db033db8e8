"""A reply that is not what was promised: never fewer records and success, always words, and nothing is left of it once it ends."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import pytest
from e2e.polling import NEWEST
from fakes import faults
from fakes.faults import Fault

from conformance.account import Account
from conformance.desks import Desk
from pgsluice.poller.transport import Transport

pytestmark = NEWEST

UNREADABLE, UNAVAILABLE, BROKEN, REFUSED = "SL204", "SL205", "SL207", "SL203"


def _latin(body: bytes) -> bytes:
    return body.replace(b'"', b"\xff", 1)


# What comes in place of a page, and the codes that the sync may then say.
REPLIES: dict[str, tuple[Callable[[Desk, str], Fault], tuple[str, ...]]] = {
    "HTML with 200": (lambda desk, name: faults.html(200), (UNREADABLE,)),
    "HTML with 502": (lambda desk, name: faults.html(502), (UNAVAILABLE,)),
    "HTML with 404": (lambda desk, name: faults.html(404), (REFUSED, UNREADABLE, UNAVAILABLE)),
    "nothing with 200": (lambda desk, name: faults.answers(200), (UNREADABLE,)),
    "nothing with 204": (lambda desk, name: faults.answers(204, Content_Type="text/plain"), (UNREADABLE,)),
    "null": (lambda desk, name: faults.answers(200, "null"), (UNREADABLE,)),
    "a string": (lambda desk, name: faults.answers(200, '"ok"'), (UNREADABLE,)),
    "another object": (lambda desk, name: faults.answers(200, '{"ok":true}'), (UNREADABLE,)),
    "an error with 200": (lambda desk, name: faults.answers(200, '{"error":{"message":"no"}}'), (UNREADABLE,)),
    "half of the JSON": (lambda desk, name: faults.edited(lambda body: body[: len(body) // 2]), (UNREADABLE,)),
    "JSON and more": (lambda desk, name: faults.edited(lambda body: body + b"]}"), (UNREADABLE,)),
    "a cut body": (lambda desk, name: faults.cut(0.5), (UNREADABLE, UNAVAILABLE)),
    "a body cut at its start": (lambda desk, name: faults.cut(0.0), (UNREADABLE, UNAVAILABLE)),
    "a length too large": (lambda desk, name: faults.wrong_length(10), (UNREADABLE, UNAVAILABLE)),
    "a length too small": (lambda desk, name: faults.wrong_length(-10), (UNREADABLE, UNAVAILABLE)),
    "a reset": (lambda desk, name: faults.reset(), (UNAVAILABLE, UNREADABLE)),
    "500": (lambda desk, name: desk.failing(500), (UNAVAILABLE,)),
    "503": (lambda desk, name: desk.failing(503), (UNAVAILABLE,)),
    "400 on a parameter": (lambda desk, name: desk.bad_parameter(), (REFUSED,)),
    "a redirect": (lambda desk, name: faults.answers(302, "", Location="http://127.0.0.1:9/elsewhere"), (REFUSED,)),
    "marked as gzip, and none": (lambda desk, name: faults.encoded("gzip"), (UNREADABLE,)),
    "gzip that breaks off": (lambda desk, name: faults.encoded("gzip", lambda body: gzip.compress(body)[:-20]), (UNREADABLE,)),
    "UTF-16": (lambda desk, name: faults.charset("utf-16"), (UNREADABLE,)),
    "no UTF-8 at its start": (lambda desk, name: faults.edited(_latin), (UNREADABLE,)),
}


@pytest.mark.parametrize("reply", REPLIES)
def test_a_broken_reply_is_never_success(account: Account, desk: Desk, reply: str) -> None:
    """On the second page of the backfill, as long as it lasts."""
    name = desk.dear[0]
    desk.seed([name])
    account.connect(name)
    make, codes = REPLIES[reply]
    desk.proxy.fail(make(desk, name), desk.path(name), times=None, skip=desk.second(name))
    tally = account.read()
    assert tally.outcome == "error"
    account.assert_error(*codes)
    assert account.sync()["last_success_at"] is None
    # What came before it is here, and is the vendor's.
    state = desk.state(name)
    here = account.records(name)
    assert 0 < len(here) < len(state)
    assert all(state[key] == doc for key, doc in here.items())
    account.assert_recovers(name)


@pytest.mark.parametrize("reply", ["HTML with 200", "a cut body", "nothing with 200", "503", "400 on a parameter"])
def test_a_broken_reply_to_the_question_for_changes(account: Account, desk: Desk, reply: str) -> None:
    """What was changed at the vendor is not lost by it."""
    name = desk.dear[0]
    ids = desk.seed([name])[name]
    account.connect(name)
    account.read_well()
    desk.change(name, ids[1], "meanwhile")
    desk.settle()
    make, codes = REPLIES[reply]
    desk.proxy.fail(make(desk, name), desk.changes_path(name), times=None)
    assert account.read().outcome == "error"
    account.assert_error(*codes)
    account.assert_recovers(name)


@pytest.mark.parametrize("reply", ["HTML with 502", "a cut body", "a reset", "503"])
def test_a_hiccup_is_nobodys_business(account: Account, desk: Desk, reply: str) -> None:
    name = desk.dear[0]
    desk.seed([name])
    account.connect(name)
    desk.proxy.fail(REPLIES[reply][0](desk, name), desk.path(name), skip=desk.second(name))
    account.read_well()
    account.assert_complete(name)
    assert account.query("select from sluice.notices") == []


def test_a_storm_of_errors(account: Account, desk: Desk) -> None:
    """Every request fails the first time, whatever it is for."""
    desk.seed(desk.dear)
    account.connect(*desk.dear)
    fault, seen = desk.failing(), set[str]()

    def storm(asked: faults.Asked, onward: faults.Onward) -> faults.Answer:
        first = asked.url not in seen
        seen.add(asked.url)
        return fault(asked, onward) if first else onward(asked)

    desk.proxy.fail(storm, times=None)
    account.read_well()
    account.assert_complete(*desk.dear)


def test_a_body_that_drips(account: Account, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never silent for long, and never at its end."""
    name = desk.dear[0]
    desk.seed([name])
    account.connect(name)
    monkeypatch.setitem(Transport.__init__.__kwdefaults__, "whole", 0.5)
    desk.proxy.fail(faults.drip(0.05), desk.path(name), times=None, skip=desk.second(name))
    assert account.read().outcome == "error"
    account.assert_error(UNAVAILABLE)
    monkeypatch.undo()
    account.assert_recovers(name)


def test_a_small_reply_that_unpacks_to_a_large_one(account: Account, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    name = desk.dear[0]
    desk.seed([name])
    account.connect(name)
    monkeypatch.setitem(Transport.__init__.__kwdefaults__, "max_body", 1 << 20)
    desk.proxy.fail(faults.bomb(32 << 20), desk.path(name), times=None, skip=desk.second(name))
    assert account.read().outcome == "error"
    assert "larger than" in account.assert_error(UNREADABLE)["message"]
    monkeypatch.undo()
    account.assert_recovers(name)


def test_what_is_only_unusual_is_read(account: Account, desk: Desk) -> None:
    name = desk.dear[0]
    desk.seed([name])
    account.connect(name)
    desk.proxy.fail(faults.edited(lambda body: b"\xef\xbb\xbf" + body), desk.path(name))
    desk.proxy.fail(faults.encoded("gzip", gzip.compress), desk.path(name), skip=desk.second(name))
    desk.proxy.fail(faults.charset("utf-8"), desk.path(name), skip=2)
    account.read_well()
    account.assert_complete(name)


# ---------------------------------------------------------------- lists that do not get on


def test_a_next_link_to_itself(account: Account, desk: Desk, dear: str) -> None:
    desk.seed([dear])
    account.connect(dear)
    desk.proxy.fail(desk.stuck(dear), desk.path(dear), times=None, skip=desk.second(dear))
    assert account.read().outcome == "error"
    account.assert_error(BROKEN)
    assert len(desk.proxy.requests) < 60
    account.assert_recovers(dear)


def test_the_same_page_for_ever(account: Account, desk: Desk, dear: str) -> None:
    desk.seed([dear])
    account.connect(dear)
    desk.proxy.fail(faults.same_page(desk.proxy), desk.path(dear), times=None, skip=desk.second(dear))
    assert account.read().outcome == "error"
    account.assert_error(BROKEN)
    assert len(desk.proxy.requests) < 60
    account.assert_recovers(dear)


def test_a_list_without_records_that_says_there_is_more(account: Account, desk: Desk, dear: str) -> None:
    desk.seed([dear])
    account.connect(dear)
    desk.proxy.fail(desk.edited(dear, lambda page: []), desk.path(dear), times=None, skip=desk.second(dear))
    tally = account.read()
    if tally.outcome == "caught_up":
        # It is believed where its cursor goes on and comes to an end; then there was an empty account, as far as anybody can know.
        assert desk.believes_empty_pages
        return
    account.assert_error(BROKEN)
    account.assert_recovers(dear)


def test_pages_in_an_unstable_order(account: Account, desk: Desk, dear: str) -> None:
    desk.seed([dear], 10)
    account.connect(dear)
    turn = iter(range(1_000_000))
    desk.proxy.fail(desk.edited(dear, lambda page: page[::-1] if next(turn) % 2 else page), desk.path(dear), times=None)
    tally = account.read()
    if tally.outcome == "caught_up":
        account.assert_complete(dear)
    else:
        account.assert_error(BROKEN)
    account.assert_recovers(dear)
