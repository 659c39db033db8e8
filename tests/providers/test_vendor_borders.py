"""Borders and orders that no run at a fake need notice: what is asked for, and what is kept, of a single reply."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from pgsluice.providers import registry
from pgsluice.providers.base import Client, Credential, Cursor, Feed, Response

AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
SESSION = Credential("salesforce_oauth2", {"access_token": "00Dx!abcdef", "instance_url": "https://x.my.salesforce.com"})
SHAPE = {"name": "Contact", "fields": "Id,SystemModstamp:t", "stamp": "SystemModstamp"}


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
    shop = Credential("shopify_key", {"shop": "example.myshopify.com", "access_token": "shpat_0123456789"})
    feed = changes("shopify", "shopify:product")
    first = registry.get("shopify").read(feed, None, answer({"data": {"shop": {"id": "gid://shopify/Shop/1"}}}))
    assert first.cursor["window"] == "2026-01-01T11:55:00Z"
    body = json.loads(registry.get("shopify").request(feed, first.cursor, shop).body or b"")
    assert "sortKey: UPDATED_AT" in body["query"]
    assert body["variables"]["query"] == "updated_at:>='2026-01-01T11:55:00Z'"
