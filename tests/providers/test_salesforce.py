"""Reading Salesforce from the stand-in over real HTTP, without a database: each trap of the vendor's, with its cure."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from fakes.salesforce import Field, SalesforceFake
from providers.organization import CONTACT, INVOICE, Make, asked, assert_equal, contacts, credential, fake, feed_of, reader

from pgsluice.providers.base import Feed, Hint, Response
from pgsluice.providers.errors import (
    ListBroken,
    UnknownCollection,
)
from pgsluice.providers.salesforce import Salesforce
from pgsluice.providers.salesforce_objects import long_id

__all__ = ["credential", "fake", "reader"]


def test_thousands_in_one_second_are_read_behind_stamp_and_id(fake: SalesforceFake, reader: Make) -> None:
    fake.clock.freeze()
    ids = contacts(fake, 20)
    one = reader()
    one.begin()
    for key in reversed(ids):
        fake.change("Contact", key, FirstName="all at once")
    one.poll()
    assert_equal(fake, one)


def test_what_a_long_transaction_commits_late_is_not_passed_over(fake: SalesforceFake, reader: Make) -> None:
    (first, *_) = contacts(fake)
    one = reader()
    one.begin()
    fake.clock.advance(600)
    fake.store.lagging = True
    fake.change("Contact", first, FirstName="stamped before, seen after")
    fake.store.lagging, late = False, fake.store._late[:]  # others go on meanwhile
    fake.clock.advance(120)
    fake.create("Contact", LastName="meanwhile")
    one.poll()
    assert late
    fake.commit()
    fake.clock.advance(60)
    one.poll()
    assert_equal(fake, one)


def test_a_reading_ends_though_somebody_writes_all_the_time(fake: SalesforceFake, reader: Make) -> None:
    ids = contacts(fake)
    one = reader()
    one.begin()

    def busy(feed: Feed, cursor: Any) -> None:
        fake.clock.advance(1)
        for key in ids[:4]:
            fake.change("Contact", key, FirstName=f"{fake.clock.now()}")

    one.between = busy
    before = len(one.requests)
    one.poll()
    assert len(one.requests) - before < 10
    one.between = lambda feed, cursor: None
    one.poll()
    assert_equal(fake, one)


def test_cursors_of_the_vendor_are_not_leant_on(fake: SalesforceFake, reader: Make) -> None:
    """INVALID_QUERY_LOCATOR between any two pages: the key of the last record goes on."""
    contacts(fake, 12)
    one = reader()
    one.between = lambda feed, cursor: fake.kill_cursors()
    one.begin()
    assert_equal(fake, one)
    assert asked(one, "0r8") == 0


def test_deletions_and_merges(fake: SalesforceFake, reader: Make) -> None:
    ids = contacts(fake)
    one = reader()
    one.begin()
    fake.delete("Contact", ids[0])
    fake.merge("Contact", ids[1], ids[2])
    fake.page_cap = 100
    feed = feed_of(one, f"{CONTACT}.changes")
    page = one._page(feed, one.cursors[feed.name])
    gone = {change.upstream_id: change for change in page.changes if change.deleted}
    one.poll()
    assert_equal(fake, one)
    assert one.deleted == {(CONTACT, ids[0]), (CONTACT, ids[1])}
    assert gone[ids[0]].raw is None
    assert json.loads(gone[ids[1]].raw or b"")["MasterRecordId"] == ids[2]


def test_what_was_emptied_out_of_the_bin_is_found_by_a_sweep(fake: SalesforceFake, reader: Make) -> None:
    ids = contacts(fake)
    one = reader()
    one.begin()
    fake.erase("Contact", ids[3])
    one.poll()
    assert ids[3] in one.records[CONTACT]
    one.sweep()
    assert_equal(fake, one)


def test_formulas_change_without_a_stamp_and_come_with_a_sweep(fake: SalesforceFake, reader: Make) -> None:
    key = fake.create("Invoice__c", Note__c="pay")["Id"]
    one = reader(INVOICE)
    one.begin()
    assert one.records[INVOICE][key]["Loud__c"] == "PAY"
    fake.store.rows["Invoice__c"][key]["Loud__c"] = "PAY NOW"
    one.sweep()
    assert_equal(fake, one, "Invoice__c")


def test_a_new_field_is_noticed_and_the_object_read_again(fake: SalesforceFake, reader: Make) -> None:
    contacts(fake)
    one = reader()
    one.begin()
    one.poll()
    described = asked(one, "/describe")
    fake.add_field("Contact", Field("Rank__c"))
    fake.clock.advance(400)
    one.poll()
    one.poll()
    assert one.restarted == [CONTACT]
    assert asked(one, "/describe") == described + 1
    one.begin()
    assert_equal(fake, one)
    assert all("Rank__c" in doc for doc in one.records[CONTACT].values())


def test_an_unchanged_description_is_not_sent_again(fake: SalesforceFake, reader: Make) -> None:
    contacts(fake, 1)
    fake.clock.advance(120)  # what changed less than a minute ago may do so once more in that second
    one = reader()
    one.begin()
    fake.clock.advance(400)
    one.poll()
    fake.clock.advance(1)
    one.poll()
    assert [seen.status for seen in fake.requests if seen.path.endswith("/describe")] == [200, 200, 304]
    assert one.restarted == []


def test_a_field_that_is_hidden_between_description_and_query(fake: SalesforceFake, reader: Make) -> None:
    contacts(fake)
    one = reader()
    one.begin()
    hidden = iter([True])

    def hide(feed: Feed, cursor: Any) -> None:
        if cursor and cursor.get("step") == "list" and next(hidden, False):
            fake.hide("Contact", "Title")

    one.between = hide
    one.sweep()
    assert_equal(fake, one)
    fake.hide("Contact", "Email")
    one.poll()
    assert one.restarted == [CONTACT]


def test_an_object_without_system_modstamp(fake: SalesforceFake, reader: Make) -> None:
    fake.store.insert(fake.store.schema["setting__c"], {"Name": "a"})
    one = reader("salesforce:setting__c")
    one.begin()
    assert_equal(fake, one, "Setting__c")
    fake.store.insert(fake.store.schema["setting__c"], {"Name": "b"})
    one.poll()
    one.sweep()
    assert_equal(fake, one, "Setting__c")


def test_a_name_of_the_organizations_own_is_found_without_regard_to_case(fake: SalesforceFake, reader: Make) -> None:
    fake.create("Invoice__c", Name="one", Total__c=123456789012345678)
    one = reader(INVOICE)
    one.begin()
    assert_equal(fake, one, "Invoice__c")
    (doc,) = one.records[INVOICE].values()
    assert doc["attributes"]["type"] == "Invoice__c"
    assert one.feeds[0].name == "salesforce:invoice__c.changes"
    with pytest.raises(UnknownCollection):
        Salesforce().feeds(["salesforce:Invoice__c"])


def test_a_query_too_long_for_an_address_goes_in_a_body(fake: SalesforceFake, reader: Make) -> None:
    """500 fields: 414 or 431 as an address."""
    fake.add_object("Wide__c", [Field(f"A_rather_long_name_of_a_field_{number}__c") for number in range(500)])
    for number in range(4):
        fake.create("Wide__c", A_rather_long_name_of_a_field_7__c=str(number))
    one = reader("salesforce:wide__c")
    one.begin()
    assert_equal(fake, one, "Wide__c")
    key = next(iter(one.records["salesforce:wide__c"]))
    fake.change("Wide__c", key, A_rather_long_name_of_a_field_7__c="changed")
    one.poll()
    assert_equal(fake, one, "Wide__c")
    assert {seen.status for seen in fake.requests} == {200}
    assert asked(one, "/composite") >= 3


def test_compound_fields_are_left_out_wherever_a_record_comes_from(fake: SalesforceFake, reader: Make) -> None:
    key = fake.create("Contact", LastName="A", MailingCity="Arrakeen")["Id"]
    bare = fake.create("Contact", LastName="B")["Id"]
    place = fake.create("Invoice__c", Place__Latitude__s=1.5, Place__Longitude__s=2.5)["Id"]
    one = reader(CONTACT, INVOICE)
    one.begin()
    for collection, id_ in ((CONTACT, key), (CONTACT, bare), (INVOICE, place)):
        (fetched,) = one.whole(Hint(collection, id_))
        assert json.loads(fetched.raw or b"") == one.records[collection][id_]
    assert "MailingAddress" not in one.records[CONTACT][key]
    assert "Place__c" not in one.records[INVOICE][place]


def test_base64_comes_as_an_address_and_keeps_the_object_from_bulk(fake: SalesforceFake, reader: Make) -> None:
    fake.create("Attachment", Name="a.txt")
    fake.counts["Attachment"] = 1_000_000
    one = reader("salesforce:attachment")
    one.begin()
    assert_equal(fake, one, "Attachment")
    (doc,) = one.records["salesforce:attachment"].values()
    assert doc["Body"].endswith("/Body")
    assert asked(one, "/jobs/") == 0


def test_ids_of_15_characters_are_stored_with_18() -> None:
    assert long_id("003RO0000035WQg") == "003RO0000035WQgYAM"
    assert long_id("003RO0000035WQgYAM") == "003RO0000035WQgYAM"
    assert long_id("no id") == "no id"


def test_a_list_that_repeats_itself_or_brings_nothing() -> None:
    feed = Feed(CONTACT, "backfill", (CONTACT,))
    cursor = {"step": "list", "shape": {"name": "Contact", "fields": "Id"}, "after": "003000000000001AAA"}

    def reply(records: list[dict[str, str]]) -> Response:
        body = json.dumps({"totalSize": 9, "done": False, "records": records}).encode()
        return Response(200, {}, body, "https://x/services/data/v67.0/query", datetime.now(UTC))

    for records in ([{"Id": "003000000000001AAA"}], []):
        with pytest.raises(ListBroken) as caught:
            Salesforce().read(feed, cursor, reply(records))
        assert caught.value.cursor == {}
