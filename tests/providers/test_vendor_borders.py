"""Borders and orders that no run at a fake need notice: what is asked for, and what is kept, of a single reply."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from pgsluice.providers import registry
from pgsluice.providers.base import Client, Credential, Cursor, Feed, Response
from pgsluice.providers.errors import RateLimited

AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
SESSION = Credential("salesforce_oauth2", {"access_token": "00Dx!abcdef", "instance_url": "https://x.my.salesforce.com"})
SHOP = Credential("shopify_key", {"shop": "example.myshopify.com", "access_token": "shpat_0123456789"})
SHAPE: dict[str, Any] = {"name": "Contact", "fields": "Id,SystemModstamp:t", "stamp": "SystemModstamp"}


def answer(body: Any, at: datetime = AT, **headers: str) -> Response:
    return Response(200, headers, json.dumps(body).encode(), "https://x/services/data/query", at)


def changes(provider: str, collection_id: str) -> Feed:
    return next(feed for feed in registry.get(provider).feeds([collection_id]) if feed.name == f"{collection_id}.changes")


def asked(cursor: Cursor) -> str:
    return dict(registry.get("salesforce").request(changes("salesforce", "salesforce:contact"), cursor, SESSION).params)["q"]


def test_hubspots_refresh_token_stays_where_the_answer_brings_none() -> None:
    held = Credential("hubspot_oauth2", {"access_token": "old-token-1", "refresh_token": "refresh-1"}, client=Client("c", "s"))
    request = registry.get("hubspot").renew(held)
    assert request is not None
    assert request.url == "https://api.hubapi.com/oauth/2026-03/token"
    renewed = registry.get("hubspot").read_renewed(held, answer({"access_token": "new-token-1", "expires_in": 1800}))
    assert renewed.secret == {"access_token": "new-token-1", "refresh_token": "refresh-1"}


def test_salesforces_changes_are_in_the_order_of_stamp_and_id() -> None:
    start: dict[str, Any] = {"shape": SHAPE, "described": int(AT.timestamp()), "since": "2026-01-01T10:00:00.000Z"}
    assert asked(start).endswith("ORDER BY SystemModstamp, Id LIMIT 2000")
    records = [{"Id": "003000000000001AAA", "SystemModstamp": "2026-01-01T11:00:00.000+0000"}]
    page = registry.get("salesforce").read(
        changes("salesforce", "salesforce:contact"), start, answer({"done": False, "records": records, "nextRecordsUrl": "/x"})
    )
    assert page.more
    assert page.cursor["at"] == "2026-01-01T11:00:00.000Z"
    assert "SystemModstamp = 2026-01-01T11:00:00.000Z AND Id > '003000000000001AAA'" in asked(page.cursor)


def test_salesforces_first_reading_begins_before_now() -> None:
    described = {"name": "Contact", "fields": [{"name": "Id", "type": "id"}, {"name": "SystemModstamp", "type": "datetime"}]}
    feed = changes("salesforce", "salesforce:contact")
    # Within its second a change could hide behind the same Last-Modified.
    lately = registry.get("salesforce").read(feed, None, answer(described, **{"last-modified": "Thu, 01 Jan 2026 11:59:59 GMT"}))
    assert lately.cursor["since"] == "2026-01-01T11:55:00.000Z"
    assert "modified" not in lately.cursor
    settled = registry.get("salesforce").read(feed, None, answer(described, **{"last-modified": "Thu, 01 Jan 2026 11:00:00 GMT"}))
    assert settled.cursor["modified"] == "Thu, 01 Jan 2026 11:00:00 GMT"


def test_shopifys_first_window_begins_before_now() -> None:
    feed = changes("shopify", "shopify:product")
    first = registry.get("shopify").read(feed, None, answer({"data": {"shop": {"id": "gid://shopify/Shop/1"}}}))
    assert first.cursor["window"] == "2026-01-01T11:55:00Z"
    body = json.loads(registry.get("shopify").request(feed, first.cursor, SHOP).body or b"")
    assert "sortKey: UPDATED_AT" in body["query"]
    assert body["variables"]["query"] == "updated_at:>='2026-01-01T11:55:00Z'"


# ---------------------------------------------------------------- Salesforce: the ends of pages, CSV, jobs, limits, times


@pytest.mark.parametrize(
    ("kind", "cursor"),
    [
        ("backfill", {"step": "list", "shape": SHAPE}),
        ("changes", {"shape": SHAPE, "described": int(AT.timestamp()), "since": "2026-01-01T10:00:00.000Z"}),
    ],
)
def test_salesforces_done_speaks_of_the_limit_and_not_of_the_list(kind: str, cursor: dict[str, Any]) -> None:
    """Of a query with LIMIT 2000 a full page is `done`, and the list goes on; a shorter one that is not `done` has wide records."""
    salesforce = registry.get("salesforce")
    feed = next(one for one in salesforce.feeds(["salesforce:contact"]) if one.kind == kind)
    records = [{"Id": f"003{number:012}AAA", "SystemModstamp": "2026-01-01T11:00:00.000+0000"} for number in range(2000)]
    for found, done, more in ((records, True, True), (records[:5], False, True), (records[:1999], True, False)):
        page = salesforce.read(feed, cursor, answer({"totalSize": len(found), "done": done, "records": found}))
        assert page.more is more
        assert page.done is (kind == "backfill" and not more)
        if more:
            assert f"Id > '{found[-1]['Id']}'" in dict(salesforce.request(feed, page.cursor, SESSION).params)["q"]


def test_numbers_of_salesforces_csv_keep_their_digits() -> None:
    """18 digits are more than a double holds, and 1.10 is a price."""
    shape = {"name": "Contact", "fields": "Id,Much__c:n,Price__c:n,Tiny__c:n,Code__c"}
    feed = next(one for one in registry.get("salesforce").feeds(["salesforce:contact"]) if one.kind == "backfill")
    text = b"Id,Much__c,Price__c,Tiny__c,Code__c\n003000000000001AAA,123456789012345.678,1.10,1E-21,007\n"
    reply = Response(200, {"sforce-locator": "null", "content-type": "text/csv"}, text, "https://x/results", AT)
    (change,) = registry.get("salesforce").read(feed, {"step": "results", "shape": shape, "job": "750"}, reply).changes
    assert b'"Much__c":123456789012345.678,"Price__c":1.10,"Tiny__c":1E-21,"Code__c":"007"' in (change.raw or b"")


@pytest.mark.parametrize("state", ["Failed", "Aborted"])
def test_a_job_that_failed_is_not_waited_for_and_a_person_is_told(state: str) -> None:
    salesforce = registry.get("salesforce")
    feed = next(one for one in salesforce.feeds(["salesforce:contact"]) if one.kind == "backfill")
    looked = {"step": "looked", "job": "750", "shape": SHAPE | {"bulk": True}, "after": "003000000000001AAA"}
    page = salesforce.read(feed, looked, answer({"id": "750", "state": state, "errorMessage": "FeatureNotEnabled"}))
    assert (page.done, page.more, page.wait) == (False, True, None)
    assert state in str(page.notice)
    assert "FeatureNotEnabled" in str(page.notice)
    # From where queries had come to, and by queries to the end.
    assert "Id > '003000000000001AAA'" in dict(salesforce.request(feed, page.cursor, SESSION).params)["q"]
    assert not page.cursor["shape"].get("bulk")


@pytest.mark.parametrize(
    ("message", "pause", "words"),
    [
        ("ConcurrentPerOrgLongTxn Limit exceeded.", None, "at once"),
        ("ConcurrentRequests (Concurrent API Requests) Limit exceeded.", None, "at once"),
        ("TotalRequests Limit exceeded.", 600.0, "24 hours"),
    ],
)
def test_too_many_long_calls_at_once_are_over_soon_and_a_days_requests_are_not(message: str, pause: float | None, words: str) -> None:
    """Both are 403 REQUEST_LIMIT_EXCEEDED."""
    body = json.dumps([{"message": message, "errorCode": "REQUEST_LIMIT_EXCEEDED"}]).encode()
    start = {"shape": SHAPE, "described": int(AT.timestamp()), "since": "2026-01-01T10:00:00.000Z"}
    with pytest.raises(RateLimited, match=words) as caught:
        registry.get("salesforce").read(changes("salesforce", "salesforce:contact"), start, Response(403, {}, body, "https://x/query", AT))
    assert caught.value.retry_after == pause


@pytest.mark.parametrize(
    ("times", "stamp", "version"),
    [
        (("SystemModstamp", "LastModifiedDate", "CreatedDate"), "SystemModstamp", 11),
        (("LastModifiedDate", "CreatedDate"), "LastModifiedDate", 10),
        (("CreatedDate",), "CreatedDate", None),
    ],
)
def test_salesforces_objects_without_system_modstamp(times: tuple[str, ...], stamp: str, version: int | None) -> None:
    """They are followed by what they have; a creation says nothing of the version."""
    salesforce, feed = registry.get("salesforce"), changes("salesforce", "salesforce:contact")
    fields = [{"name": "Id", "type": "id"}, *({"name": name, "type": "datetime"} for name in times)]
    hidden = {"name": "SystemModstamp", "type": "datetime", "filterable": False}
    begun = salesforce.read(feed, None, answer({"name": "Contact", "fields": fields if stamp == "SystemModstamp" else [*fields, hidden]}))
    assert begun.notice is None
    asks = asked(begun.cursor)
    assert f"WHERE {stamp} >= 2026-01-01T11:55:00.000Z" in asks
    assert asks.endswith(f"ORDER BY {stamp}, Id LIMIT 2000")
    hours = {"SystemModstamp": 11, "LastModifiedDate": 10, "CreatedDate": 9}
    record = {"Id": "003000000000001AAA", **{name: f"2026-01-01T{hours[name]:02}:00:00.000+0000" for name in times}}
    page = salesforce.read(feed, begun.cursor, answer({"done": False, "records": [record]}))
    assert page.cursor["at"] == f"2026-01-01T{hours[stamp]:02}:00:00.000Z"
    assert page.changes[0].upstream_updated_at == (None if version is None else AT.replace(hour=version))


# ---------------------------------------------------------------- Shopify: renewals, the lag of its index, filters


def test_shopifys_renewed_token_ends_when_it_says() -> None:
    held = {"shop": "example.myshopify.com", "access_token": "shpat_old", "refresh_token": "shprt_old"}
    given = {"access_token": "shpat_new", "expires_in": 3599, "refresh_token": "shprt_new", "refresh_token_expires_in": 7776000}
    renewed = registry.get("shopify").read_renewed(Credential("shopify_oauth2", held, client=Client("c", "s")), answer(given))
    assert renewed.expires_in == 3599.0
    assert renewed.secret == held | {"access_token": "shpat_new", "refresh_token": "shprt_new"}


@pytest.mark.parametrize(("newest", "window"), [("2026-01-01T11:59:59Z", "2026-01-01T11:55:00Z"), ("2026-01-01T11:30:00Z",) * 2])
def test_shopifys_next_window_waits_for_what_the_index_shows_late(newest: str, window: str) -> None:
    """It begins at the youngest change, unless that is so young that older ones may still appear."""
    feed = changes("shopify", "shopify:product")
    product = {"id": "gid://shopify/Product/1", "createdAt": "2026-01-01T08:00:00Z", "updatedAt": newest}
    found = {"nodes": [product], "pageInfo": {"hasNextPage": False, "endCursor": None}}
    page = registry.get("shopify").read(feed, {"window": "2026-01-01T11:00:00Z"}, answer({"data": {"products": found}}))
    assert (page.more, page.cursor["window"]) == (False, window)


@pytest.mark.parametrize("collection_id", ["shopify:product", "shopify:customer", "shopify:inventory_level"])
@pytest.mark.parametrize("kind", ["backfill", "sweep"])
def test_shopify_never_hears_an_empty_filter(collection_id: str, kind: str) -> None:
    """It is an internal error; null is a list without a filter."""
    feed = next(
        one for one in registry.get("shopify").feeds([collection_id]) if one.kind == kind and one.collection_ids == (collection_id,)
    )
    body = json.loads(registry.get("shopify").request(feed, {"counted": True, "scoped": True}, SHOP).body or b"")
    filters = {name: value for name, value in body["variables"].items() if name in {"query", "inner"}}
    assert filters
    assert set(filters.values()) == {None}
