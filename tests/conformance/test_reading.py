"""Whatever happens between two pages, what is here at the end is what the vendor has."""

from __future__ import annotations

import signal
import threading

import pytest
from e2e.polling import NEWEST, process, until
from fakes.faults import first, held, same_page

from conformance.account import Account, until_caught_up
from conformance.desks import Desk

pytestmark = NEWEST


def test_every_page_of_every_collection_arrives(account: Account, desk: Desk) -> None:
    desk.seed(desk.collections)
    account.connect()
    tally = account.read_well()
    account.assert_complete()
    assert tally.new == sum(len(desk.state(name)) for name in desk.collections)
    row = account.sync()
    assert (row["status"], row["error"]) == ("active", None)
    assert row["backfill_completed_at"] is not None


def test_an_empty_account(account: Account, desk: Desk) -> None:
    account.connect()
    account.read_well()
    account.assert_complete()


def test_a_second_pass_is_silent_and_no_dearer(account: Account, desk: Desk) -> None:
    desk.seed(desk.collections)
    account.connect()
    account.read_well()
    before, asked = account.positions(), len(desk.proxy.requests)
    tally = account.read_well()
    assert (tally.new, tally.changed) == (0, 0)
    assert account.positions() == before
    assert len(desk.proxy.requests) - asked <= asked


def test_what_has_a_feed_of_changes_is_not_listed_again(account: Account, desk: Desk) -> None:
    wanted = [name for name in desk.collections if name in desk.incremental]
    desk.seed(wanted)
    account.connect(*wanted)
    account.read_well()
    first_pass = {name: desk.asked(name) for name in wanted}
    account.read_well()
    for name in wanted:
        assert desk.asked(name) - first_pass[name] < max(first_pass[name], 2), name


def test_changes_after_the_backfill(account: Account, desk: Desk) -> None:
    made = desk.seed(desk.collections)
    account.connect()
    account.read_well()
    for name, ids in made.items():
        desk.change(name, ids[2], "changed")
        desk.create(name, "new")
    desk.settle()
    account.read_well()
    account.assert_complete(*desk.incremental)
    account.sweep()
    account.assert_complete()


def test_more_changes_than_a_page(account: Account, desk: Desk, dear: str) -> None:
    ids = desk.seed([dear])[dear]
    account.connect(dear)
    account.read_well()
    for number, upstream_id in enumerate(ids):
        desk.change(dear, upstream_id, f"changed {number}")
    desk.settle()
    account.read_well()
    account.assert_complete(dear)


def test_equal_timestamps_at_the_border_of_a_page(account: Account, desk: Desk, dear: str) -> None:
    desk.freeze()
    ids = desk.seed([dear])[dear]
    account.connect(dear)
    account.read_well()
    account.assert_complete(dear)
    # All of them once more in one second, in another order than they were made.
    for upstream_id in [*ids[3:], *ids[:3]]:
        desk.change(dear, upstream_id, "all at once")
    desk.settle()
    account.read_well()
    account.assert_complete(dear)


def test_a_change_in_the_second_that_was_read_last(account: Account, desk: Desk, dear: str) -> None:
    desk.freeze()
    ids = desk.seed([dear])[dear]
    account.connect(dear)
    account.read_well()
    desk.change(dear, ids[0], "in the same second")
    desk.create(dear, "new, in the same second")
    desk.settle()
    account.read_well()
    account.assert_complete(dear)


def test_stopped_after_each_page_and_started_again(account: Account, desk: Desk, dear: str) -> None:
    desk.seed([dear])
    account.connect(dear)
    tallies = until_caught_up(account.read_one_page, 12)
    assert len(tallies) > 2
    account.assert_complete(dear)
    # Nothing was begun anew: what was committed is behind us.
    assert sum(tally.new for tally in tallies) == len(desk.state(dear))
    assert desk.asked(dear) <= 6 + 2 * len(tallies)


def test_killed_in_the_middle_of_a_page(account: Account, desk: Desk) -> None:
    dear = desk.dear[0]
    desk.seed([dear])
    account.connect(dear)
    gate = threading.Event()
    page = desk.proxy.fail(held(gate), desk.path(dear), skip=desk.second(dear))
    with process(account.db) as poller:
        assert page.wait(timeout=100)
        # The page before is committed while this one is asked for.
        until(lambda: account.records(dear), 60)
        poller.send(signal.SIGKILL)
        poller.wait()
    gate.set()
    here = account.records(dear)
    assert 0 < len(here) < len(desk.state(dear))
    account.query("update sluice_internal.pollers set heartbeat_at = heartbeat_at - interval '1 minute'")
    before = account.positions()
    account.read_well()
    account.assert_complete(dear)
    # What was committed before stayed as it was.
    assert set(before) <= set(account.positions())


def test_an_object_that_changes_while_the_list_is_read(account: Account, desk: Desk, dear: str) -> None:
    ids = desk.seed([dear])[dear]
    account.connect(dear)

    def act() -> None:
        for upstream_id in (ids[0], ids[3], ids[-1]):
            desk.change(dear, upstream_id, "while it was read")
        desk.create(dear, "made while it was read")

    desk.proxy.fail(first(act), desk.path(dear), skip=desk.second(dear))
    account.read_well()
    desk.settle()
    account.read_well()
    account.assert_complete(dear)


def test_an_object_that_changes_while_changes_are_read(account: Account, desk: Desk, dear: str) -> None:
    """What moves to the end of a list by that takes no other's place away."""
    ids = desk.seed([dear])[dear]
    account.connect(dear)
    account.read_well()
    for upstream_id in ids:
        desk.change(dear, upstream_id, "changed")
        desk.advance(1)
    desk.advance(3600)

    def act() -> None:
        desk.change(dear, ids[0], "while it was read")
        desk.change(dear, ids[-1], "while it was read")

    desk.proxy.fail(first(act), desk.changes_path(dear), skip=1)
    account.read_well()
    desk.settle()
    account.read_well()
    account.assert_complete(dear)


def test_a_record_that_vanishes_between_two_pages(account: Account, desk: Desk) -> None:
    """Of those on the page before and of those to come: no other one is passed over."""
    name = (*desk.deletable, *desk.swept)[0]
    desk.seed([name])
    account.connect(name)
    ids = list(desk.state(name))

    def act() -> None:
        for place in (0, 2, -1, -3):
            desk.delete(name, ids[place])

    desk.proxy.fail(first(act), desk.path(name), skip=desk.second(name))
    account.read_well()
    desk.settle()
    account.sweep()
    account.assert_complete(name)


def test_deletions(account: Account, desk: Desk) -> None:
    made = desk.seed((*desk.deletable, *desk.swept))
    account.connect(*made)
    account.read_well()
    last_known = {name: desk.state(name)[ids[2]] for name, ids in made.items()}
    for name, ids in made.items():
        desk.delete(name, ids[2])
    desk.settle()
    account.read_well()
    for name in desk.deletable:
        account.assert_complete(name)
    account.sweep()
    account.assert_complete(*made)
    for name, ids in made.items():
        gone = account.records(name, deleted=True)
        assert gone.keys() == {ids[2]}, name
        assert gone[ids[2]].keys() >= last_known[name].keys(), name
    before = account.positions()
    account.read_well()
    assert account.positions() == before


def test_an_older_version_never_overwrites_a_newer_one(account: Account, desk: Desk, dear: str) -> None:
    if not desk.ordered:
        pytest.skip("no time of change: the last read is the newest, and what events name is fetched")
    ids = desk.seed([dear], 3)[dear]
    account.connect(dear)
    account.read_well()
    stale = desk.state(dear)
    desk.advance(5)
    desk.change(dear, ids[1], "the newer one")
    desk.settle()
    account.read_well()
    # A replica of the vendor's that lags gives the old state, and then both on one page, in the wrong order.
    old = stale[ids[1]]
    for wrong in (lambda page: [old], lambda page: [*page, old], lambda page: [old, *page, old]):
        desk.proxy.fail(desk.edited(dear, wrong), desk.changes_path(dear))
        account.read()
        account.assert_complete(dear)
        desk.proxy.heal()


def test_the_same_object_twice(account: Account, desk: Desk, dear: str) -> None:
    desk.seed([dear])
    account.connect(dear)
    desk.proxy.fail(desk.edited(dear, lambda page: [*page, *page[::-1]]), desk.path(dear), times=None)
    account.read()
    account.assert_recovers(dear)


def test_a_page_that_came_before(account: Account, desk: Desk, dear: str) -> None:
    """Whether that looks like a circle or like a hiccup: nothing is passed over."""
    desk.seed([dear], 10)
    account.connect(dear)
    desk.proxy.fail(same_page(desk.proxy), desk.path(dear), skip=desk.second(dear))
    tally = account.read()
    if tally.outcome == "caught_up":
        account.assert_complete(dear)
    else:
        account.assert_error("SL207")
    account.assert_recovers(dear)
