"""Collections that only an account has: taken by their form, written to before anybody described them, and shown with what was described."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

Connection = psycopg.Connection[Any]


@pytest.fixture
def account(conn: Connection) -> Connection:
    """A sync of a provider whose accounts have objects of their own."""
    conn.execute(
        "create or replace view sluice_internal._open_providers as select 'stripe'::text as provider, 'stripe:[a-z0-9_]+'::text as form"
    )
    conn.execute(
        "create or replace view sluice_internal._builtin_providers as select 'stripe' as provider, false as free_form, true as describes"
    )
    conn.execute("select stream_create('dev')")
    conn.execute("select sluice_internal._credential_put('k', 'stripe', 'stripe_key', null, '\\x00', 1, null, '{}')")
    return conn


def connect(conn: Connection, *collections: str) -> None:
    conn.execute("select sync_create('dev', 'stripe', 's', collection_ids => %s, credential_id => 'k')", (list(collections),))


def describe(conn: Connection, collection_id: str, **facts: Any) -> None:
    conn.execute("select sluice_internal._poller_heartbeat('p', 'h', 1)")
    row = conn.execute("select credential_id, epoch from sluice_internal._description_claim('p')").fetchone()
    assert row
    found = json.dumps([{"collection_id": collection_id, "description": "", **facts}])
    conn.execute("select sluice_internal._description_end(%s, 'p', %s, %s::jsonb, null, '1 hour')", (*row, found))


def run(conn: Connection, kind: str, collection_id: str, item: dict[str, Any], **more: str) -> None:
    named = "".join(f", {name} => '{value}'" for name, value in more.items())
    conn.execute(f"select mutation_run(%s, 's', %s, %s::jsonb{named})", (kind, collection_id, json.dumps([item])))


def refused(conn: Connection, sqlstate: str, words: str, call: Any) -> None:
    with pytest.raises(psycopg.Error) as caught, conn.transaction():
        call()
    assert caught.value.sqlstate == sqlstate
    assert words in str(caught.value)


def test_a_sync_takes_what_has_the_form(account: Connection) -> None:
    connect(account, "stripe:customer", "stripe:invoice__c")
    account.execute("select sync_update('s', collection_ids => array['stripe:other__c'])")
    assert account.execute("select collection_ids from syncs").fetchone() == (["stripe:other__c"],)


@pytest.mark.parametrize(
    "name", ["stripe:Invoice__c", "stripe:", "stripe:a b", "zendesk:a", "stripe:a\nb", "xstripe:a", "stripe:" + "a" * 200]
)
def test_what_has_another_form_is_refused(account: Connection, name: str) -> None:
    refused(account, "SL106", "has no collection", lambda: connect(account, name))


def test_other_providers_stay_closed(conn: Connection) -> None:
    conn.execute("select stream_create('dev')")
    conn.execute("select sluice_internal._credential_put('k', 'stripe', 'stripe_key', null, '\\x00', 1, null, '{}')")
    refused(conn, "SL106", "has no collection", lambda: connect(conn, "stripe:invoice__c"))


def test_before_it_is_described_everything_can_be_asked_of_the_vendor(account: Connection) -> None:
    connect(account, "stripe:invoice__c", "stripe:customer")
    run(account, "create", "stripe:invoice__c", {"a": 1})
    run(account, "upsert", "stripe:invoice__c", {"key__c": "1"}, match_on="key__c")
    run(account, "delete", "stripe:invoice__c", {"upstream_id": "1"}, if_match="2026-01-01")
    # A collection that everybody has may have fields of the account's own.
    refused(account, "SL004", "does not support upsert", lambda: run(account, "upsert", "stripe:customer", {"k": 1}, match_on="k"))
    refused(account, "SL106", "has no collection", lambda: run(account, "create", "stripe:other__c", {"a": 1}))


def test_what_was_described_counts(account: Connection) -> None:
    connect(account, "stripe:invoice__c", "stripe:customer")
    describe(account, "stripe:invoice__c", mutations=["create", "update", "upsert"], match_on=["key__c"])
    run(account, "upsert", "stripe:invoice__c", {"key__c": "1"}, match_on="key__c")
    refused(account, "SL001", "cannot match on", lambda: run(account, "upsert", "stripe:invoice__c", {"o": 1}, match_on="o"))
    refused(account, "SL004", "does not support delete", lambda: run(account, "delete", "stripe:invoice__c", {"upstream_id": "1"}))
    refused(
        account, "SL004", "support if_match",
        lambda: run(account, "update", "stripe:invoice__c", {"upstream_id": "1", "data": {}}, if_match="1"),
    )  # fmt: skip
    run(account, "create", "stripe:customer", {"name": "as before"})


def test_a_typed_view_has_the_described_fields(account: Connection) -> None:
    assert account.execute("select view_create('stripe:invoice__c')").fetchone() == ("sluice_views.stripe_invoice_c",)
    refused(account, "SL106", "there is no collection", lambda: account.execute("select view_create('zendesk:nothing')"))
    fields = [
        {"name": "Id", "type": "text", "primary_key": True},
        {"name": "Total__c", "type": "number"},
        {"name": "Due__c", "type": "date"},
    ]
    describe(account, "stripe:invoice__c", fields=fields)
    account.execute("select view_create('stripe:invoice__c')")
    rows = account.execute(
        "select attname, format_type(atttypid, null) from pg_attribute where attrelid = 'sluice_views.stripe_invoice_c'::regclass and attnum > 0"
    ).fetchall()
    assert {("Id", "text"), ("Total__c", "numeric"), ("Due__c", "date")} <= set(rows)
