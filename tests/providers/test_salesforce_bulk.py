"""Jobs of Bulk API 2.0: what they bring equals what queries bring, and where they come to nothing, queries do it."""

from __future__ import annotations

from typing import Any

import pytest
from fakes.salesforce import SalesforceFake
from providers.organization import INVOICE, Make, asked, assert_equal, contacts, credential, fake, feed_of, reader

from pgsluice.providers import salesforce_lists
from pgsluice.providers.base import Response
from pgsluice.providers.errors import (
    ProviderError,
)

__all__ = ["credential", "fake", "reader"]


@pytest.fixture
def large(fake: SalesforceFake) -> SalesforceFake:
    """An object that counts as large."""
    fake.counts["Invoice__c"] = 60_000
    fake.jobs.page = 4
    values: list[dict[str, Any]] = [
        {"Name": 'he said "no"', "Note__c": "two\nlines, and a comma", "Total__c": 12345678901234.56, "Paid__c": True},
        {"Name": "ünïcode 😀", "Due__c": "2026-02-28", "Sent__c": "2026-02-28T10:00:00.000+0000", "Place__Latitude__s": 1.25},
        {"Name": "nothing"},
        {"Note__c": '"', "Total__c": 0.1},
        {"Name": "true", "Note__c": "null"},
        {"Name": "2026-01-01T00:00:00.000Z", "Note__c": "\r\n"},
    ]
    for number, one in enumerate(values * 2):
        fake.create("Invoice__c", Key__c=f"k{number}", **one)
    fake.clock.advance(60)
    return fake


def test_a_large_object_comes_by_a_job_and_equals_what_queries_give(large: SalesforceFake, reader: Make) -> None:
    one = reader(INVOICE)
    one.begin()
    assert_equal(large, one, "Invoice__c")
    assert asked(one, "/results") == 3
    assert asked(one, "/query'") == 0
    by_queries = reader(INVOICE)
    large.counts.clear()
    by_queries.begin()
    assert by_queries.records == one.records


@pytest.mark.parametrize("mode", ["fails", "vanishes", "refused"])
def test_a_job_that_comes_to_nothing(large: SalesforceFake, reader: Make, mode: str) -> None:
    large.jobs.mode = mode
    one = reader(INVOICE)
    one.begin()
    assert_equal(large, one, "Invoice__c")


def test_results_that_are_gone_after_the_first_page(large: SalesforceFake, reader: Make) -> None:
    one = reader(INVOICE)
    one.between = lambda feed, cursor: large.jobs.jobs.clear() if cursor and cursor.get("locator") else None
    one.begin()
    assert_equal(large, one, "Invoice__c")


def test_what_a_job_saw_never_overwrites_what_came_in_the_same_second(large: SalesforceFake, reader: Make) -> None:
    """The results are fetched long after the job looked; a stamp of whole seconds cannot tell."""
    one = reader(INVOICE)
    one.poll()
    large.clock.freeze()
    key = large.create("Invoice__c", Name="as the job saw it")["Id"]
    feed, cursor = feed_of(one, INVOICE), None
    while not cursor or cursor["step"] != "results":
        cursor = one._page(feed, cursor).cursor
    large.change("Invoice__c", key, Name="a moment later")
    one.poll()
    one.pass_through(feed, cursor)
    assert one.records[INVOICE][key]["Name"] == "a moment later"
    assert_equal(large, one, "Invoice__c")


def test_a_job_is_asked_about_with_pauses(large: SalesforceFake, reader: Make) -> None:
    large.jobs.looks = 6
    one = reader(INVOICE)
    feed, cursor, waits = feed_of(one, INVOICE), None, []
    while not cursor or cursor["step"] != "results":
        page = one._page(feed, cursor)
        cursor = page.cursor
        waits.append(page.wait)
    assert [wait for wait in waits if wait] == [2.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert page.total == 12


def test_a_page_of_results_that_lacks_rows(large: SalesforceFake, reader: Make) -> None:
    one = reader(INVOICE)
    feed, cursor = feed_of(one, INVOICE), None
    while not cursor or cursor["step"] != "results":
        cursor = one._page(feed, cursor).cursor
    reply = one.send(one.provider.request(feed, cursor, one.credential))
    cut = Response(200, reply.headers, reply.body[: reply.body.rindex(b'"k')].rpartition(b"\n")[0], reply.url, reply.received_at)
    with pytest.raises(ProviderError, match="says that there are"):
        one.provider.read(feed, cursor, cut)
    bad = Response(200, reply.headers, reply.body.replace("ünïcode".encode(), b"\xff\xfe"), reply.url, reply.received_at)
    page = one.provider.read(feed, cursor, bad)
    assert [kept.reason for kept in page.refused] == ["not UTF-8"]
    assert len(page.changes) == 3


def test_more_rows_than_the_count_said(fake: SalesforceFake, reader: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(salesforce_lists, "BULK_FROM", 6)
    fake.counts["Contact"] = 2
    contacts(fake, 12)
    fake.clock.advance(400)  # what has the stamp of the job's second is the changes' to bring
    one = reader()
    one.begin()
    assert_equal(fake, one)
    assert asked(one, "/jobs/query") > 1
