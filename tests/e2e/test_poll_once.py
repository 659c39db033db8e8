"""One pass over an account: everything arrives, changes and deletions too, and what is wrong with the vendor never looks like success."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import partialmethod

import psycopg
import pytest
from e2e.polling import KEY, KINDS, NEWEST, assert_complete, connect, failing, positions, read_once, stored, sync
from fakes.stripe import StripeFake, faults

from pgsluice.db.client import Client
from pgsluice.poller.page import Batch


@pytest.fixture
def fake(stripe_fake: StripeFake) -> StripeFake:
    return stripe_fake


def seed(fake: StripeFake) -> dict[str, list[str]]:
    return fake.seed(customers=230, products=8, prices=12, plans=6, subscriptions=15)


def test_the_first_pass_equals_the_vendor(db: str, fake: StripeFake) -> None:
    seed(fake)
    connect(db, fake)
    tally = read_once(db)["acme"]
    assert (tally.outcome, tally.error) == ("caught_up", None)
    assert_complete(db, fake)
    assert tally.new == sum(len(objects) for objects in stored(db).values())
    row = sync(db)
    assert (row["status"], row["error"]) == ("active", None)
    assert row["backfill_completed_at"] is not None
    assert row["last_success_at"] is not None


def test_a_second_pass_is_silent(db: str, fake: StripeFake) -> None:
    seed(fake)
    connect(db, fake)
    read_once(db)
    before = positions(db)
    tally = read_once(db)["acme"]
    assert (tally.outcome, tally.new, tally.changed) == ("caught_up", 0, 0)
    assert positions(db) == before


def test_changes_and_deletions(db: str, fake: StripeFake) -> None:
    ids = seed(fake)
    connect(db, fake)
    read_once(db)
    changed, deleted = ids["customer"][3], ids["customer"][4]
    last_known = stored(db)["customer"][deleted]
    fake.update("customer", changed, name="Someone else")
    fake.delete("customer", deleted)
    fake.create("product", name="New one")
    tally = read_once(db)["acme"]
    assert tally.outcome == "caught_up"
    assert_complete(db, fake)
    assert stored(db, deleted=True)["customer"] == {deleted: last_known}
    assert tally.new == 1


@NEWEST
def test_more_changes_than_a_page_of_events(db: str, fake: StripeFake) -> None:
    ids = seed(fake)
    connect(db, fake)
    read_once(db)
    for number, customer in enumerate(ids["customer"]):
        fake.update("customer", customer, description=f"number {number}")
    fake.set(shuffle_events=True, duplicate_events=True)
    assert read_once(db)["acme"].outcome == "caught_up"
    assert_complete(db, fake)


@NEWEST
def test_an_object_with_volatile_neighbours_is_fetched_once_for_many_events(db: str, fake: StripeFake) -> None:
    customer = fake.create("customer", name="a")["id"]
    connect(db, fake)
    read_once(db)
    for name in "bcdefgh":
        fake.update("customer", customer, name=name)
    fake.forget_requests()
    read_once(db)
    assert sum(request.path == f"/v1/customers/{customer}" for request in fake.requests) == 1
    assert stored(db)["customer"][customer]["name"] == "h"


BROKEN = {
    "html 200": (faults.html(200), "SL204"),
    "html 502": (faults.html(502), "SL205"),
    "empty": (faults.empty(), "SL204"),
    "no json": (faults.Body("{"), "SL204"),
    "another object": (faults.Body('{"object":"account","id":"x"}'), "SL204"),
    "truncated": (faults.Truncated(0.5), "SL204"),
    "reset": (faults.Reset(), "SL205"),
    "500": (faults.ServerError(500), "SL205"),
    "400": (faults.BadParameter("limit"), "SL203"),
    "endless": (faults.endless_empty(), "SL207"),
}


@pytest.mark.parametrize("path", ["/v1/customers", "/v1/events"])
@pytest.mark.parametrize("name", BROKEN)
@NEWEST
def test_a_broken_reply_is_never_success(db: str, fake: StripeFake, monkeypatch: pytest.MonkeyPatch, name: str, path: str) -> None:
    monkeypatch.setattr("pgsluice.poller.asking.PAGE_TRIES", 0)
    fault, code = BROKEN[name]
    seed(fake)
    connect(db, fake)
    fake.fail(fault, path=path, times=None)
    tally = read_once(db)["acme"]
    row = sync(db)
    if path == "/v1/events":
        # No collection can be followed without them.
        assert (tally.outcome, row["status"]) == ("error", "error")
        error = row["error"]
        # Of the first page of events only the clock is needed: that it is empty breaks the next one.
        assert row["backfill_completed_at"] is None or name == "endless"
    else:
        assert (tally.outcome, row["status"]) == ("partial", "backfilling")
        (feed, error) = failing(db)
        assert feed == "stripe:customer" in row["health"]["reason"]
        assert error["message"] in row["health"]["reason"]
        assert row["backfill_completed_at"] is None
        assert_complete(db, fake, kinds=[kind for kind in KINDS if kind != "customer"])
    assert row["last_success_at"] is None
    assert error["code"] == code
    assert error["hint"]
    assert fake.key not in json.dumps(error)
    assert row["next_attempt_at"] > datetime.now(UTC) - timedelta(seconds=1)
    fake.heal()
    assert read_once(db)["acme"].outcome == "caught_up"
    assert_complete(db, fake)
    row = sync(db)
    assert (row["status"], row["health"]["reason"]) == ("active", None)


@NEWEST
@pytest.mark.parametrize("fault", [faults.html(502), faults.Truncated(0.3), faults.Reset(), faults.RateLimited(), faults.lock_timeout()])
def test_a_hiccup_is_nobodys_business(db: str, fake: StripeFake, fault: faults.Fault) -> None:
    seed(fake)
    connect(db, fake)
    fake.fail(fault, path="/v1/customers", skip=1)
    assert read_once(db)["acme"].outcome == "caught_up"
    assert_complete(db, fake)
    with Client.connect(db) as client:
        assert client.notices() == []


@NEWEST
@pytest.mark.parametrize("fault", [faults.RepeatPage(), faults.ignore_cursor()], ids=["same page", "first page again"])
def test_a_list_that_repeats_itself_is_an_error_and_read_anew(db: str, fake: StripeFake, fault: faults.Fault) -> None:
    seed(fake)
    connect(db, fake)
    fake.fail(fault, path="/v1/customers", times=None, skip=1)
    tally = read_once(db)["acme"]
    assert (tally.outcome, tally.error["code"]) == ("partial", "SL207")
    assert "stripe:customer" in sync(db)["health"]["reason"]
    assert len(fake.requests) < 100
    fake.heal()
    assert read_once(db)["acme"].outcome == "caught_up"
    assert_complete(db, fake)


@NEWEST
def test_a_key_that_dies_in_the_middle(db: str, fake: StripeFake) -> None:
    seed(fake)
    connect(db, fake)
    fake.fail(faults.Revoke(), path="/v1/customers", skip=1)
    assert read_once(db)["acme"].outcome == "error"
    row = sync(db)
    assert row["error"]["code"] == "SL201"
    assert "pgsluice credential update acme" in row["error"]["hint"]
    assert len(stored(db)["customer"]) == 100
    with Client.connect(db) as client:
        assert [notice["kind"] for notice in client.notices()] == ["broken"]
    fake.add_key("sk_test_another0key")
    with Client.connect(db, master_key=KEY) as client:
        client.credential_update("acme", "stripe_key", secret={"secret": "sk_test_another0key"}, base_url=fake.url)
    fake.forget_requests()
    assert read_once(db)["acme"].outcome == "caught_up"
    assert_complete(db, fake)
    with Client.connect(db) as client:
        assert [notice["kind"] for notice in client.notices()] == ["broken", "recovered"]
    # It went on from where it was.
    assert sum(request.path == "/v1/customers" for request in fake.requests) == 2


@NEWEST
def test_a_long_pause_is_obeyed_by_giving_the_sync_back(db: str, fake: StripeFake) -> None:
    seed(fake)
    connect(db, fake)
    fake.fail(faults.RateLimited(retry_after=120), path="/v1/customers", times=None, skip=1)
    tally = read_once(db)["acme"]
    assert tally.outcome == "rate_limited"
    row = sync(db)
    assert (row["status"], row["error"]["code"]) == ("rate_limited", "SL206")
    assert timedelta(seconds=110) < row["next_attempt_at"] - datetime.now(UTC) < timedelta(seconds=200)
    assert sum(request.path == "/v1/customers" for request in fake.requests) == 2
    with Client.connect(db) as client:
        assert client.notices() == []


@NEWEST
def test_a_short_pause_is_waited_for(db: str, fake: StripeFake) -> None:
    seed(fake)
    connect(db, fake)
    fake.fail(faults.RateLimited(retry_after=1), path="/v1/customers", skip=1)
    tally = read_once(db)["acme"]
    assert tally.outcome == "caught_up"
    assert tally.seconds > 1
    assert_complete(db, fake)


@NEWEST
def test_limits_on_the_objects_behind_events(db: str, fake: StripeFake) -> None:
    """A page of many hints gets through although the vendor refuses most of the first requests."""
    ids = seed(fake)
    connect(db, fake)
    read_once(db)
    for customer in ids["customer"][:50]:
        fake.update("customer", customer, name="x")
    fake.fail(faults.RateLimited(), path="/v1/customers/*", times=15)
    assert read_once(db)["acme"].outcome == "caught_up"
    assert_complete(db, fake)


@NEWEST
def test_an_object_that_cannot_be_read_leaves_its_event_for_the_next_time(db: str, fake: StripeFake) -> None:
    ids = seed(fake)
    connect(db, fake)
    read_once(db)
    customer = ids["customer"][0]
    fake.update("customer", customer, name="later")
    fake.fail(faults.BadParameter("expand"), path=f"/v1/customers/{customer}")
    assert read_once(db)["acme"].outcome == "error"
    assert stored(db)["customer"][customer]["name"] != "later"
    fake.heal()
    assert read_once(db)["acme"].outcome == "caught_up"
    assert_complete(db, fake)


UNSTORABLE = {
    "a NUL": r'{"id":"cus_bad","object":"customer","created":1,"name":"a\u0000b"}',
    "half a character": r'{"id":"cus_bad","object":"customer","created":1,"name":"\ud800"}',
    "a number beyond numeric": '{"id":"cus_bad","object":"customer","created":1,"balance":1e200000}',
    "too deep": '{"id":"cus_bad","object":"customer","created":1,"deep":' + "[" * 100_000 + "]" * 100_000 + "}",
}


@pytest.mark.parametrize("name", UNSTORABLE)
def test_what_cannot_be_stored_is_kept_aside_and_the_page_arrives(db: str, fake: StripeFake, name: str) -> None:
    fake.seed(customers=99)
    fake.plant("customer", UNSTORABLE[name], "cus_bad")
    connect(db, fake)
    tally = read_once(db)["acme"]
    assert (tally.outcome, tally.quarantined) == ("caught_up", 1)
    assert stored(db)["customer"].keys() == fake.objects("customer").keys() - {"cus_bad"}
    with psycopg.connect(db) as conn:
        (row,) = conn.execute("select sync_id, collection_id, upstream_id, raw, reason from sluice.quarantine").fetchall()
    assert row[:4] == ("acme", "stripe:customer", "cus_bad", UNSTORABLE[name].encode())
    assert row[4]


def test_digits_are_kept(db: str, fake: StripeFake) -> None:
    digits = "[12345678901234567890123,0.12345678901234567890123,1e400,-0,1.00]"
    fake.plant("customer", f'{{"id":"cus_1","object":"customer","created":1,"n":{digits}}}')
    connect(db, fake, collections=["stripe:customer"])
    assert read_once(db)["acme"].outcome == "caught_up"
    with psycopg.connect(db) as conn:
        (text,) = conn.execute("select data ->> 'n' from sluice.records").fetchone()
    assert text == f"[12345678901234567890123, 0.12345678901234567890123, 1{'0' * 400}, 0, 1.00]"


def test_one_broken_sync_disturbs_no_other(db: str, fake: StripeFake) -> None:
    seed(fake)
    fake.add_key("sk_test_dying")
    fake.revoke("sk_test_dying")
    connect(db, fake, "broken", secret="sk_test_dying")
    connect(db, fake, "whole")
    tallies = read_once(db, workers=1)
    assert {sync_id: tally.outcome for sync_id, tally in tallies.items()} == {"broken": "error", "whole": "caught_up"}
    assert_complete(db, fake, "whole")


@NEWEST
def test_one_forbidden_collection_disturbs_no_other(db: str, fake: StripeFake) -> None:
    seed(fake)
    allowed = ["event", "product", "price", "plan", "subscription", "invoice"]
    fake.add_key("rk_test_some", [f"rak_{kind}_read" for kind in allowed])
    connect(db, fake, secret="rk_test_some")
    tally = read_once(db)["acme"]
    assert (tally.outcome, tally.error["code"]) == ("partial", "SL202")
    row = sync(db)
    assert (row["status"], row["error"]) == ("backfilling", None)
    assert "stripe:customer" in row["health"]["reason"]
    assert_complete(db, fake, kinds=allowed[1:])
    assert stored(db)["customer"] == {}
    # Changes of the others arrive all the same, and once it is allowed, it is read.
    fake.create("product", name="meanwhile")
    fake.create("customer", name="not for us")
    read_once(db)
    assert_complete(db, fake, kinds=allowed[1:])
    fake.add_key("rk_test_some", [f"rak_{kind}_read" for kind in ("customer", *allowed)])
    assert read_once(db)["acme"].outcome == "caught_up"
    assert_complete(db, fake)
    row = sync(db)
    assert (row["status"], row["health"]["reason"]) == ("active", None)
    with psycopg.connect(db) as conn:
        assert conn.execute("select count(*) from sluice.quarantine").fetchone() == (0,)


@NEWEST
def test_a_collection_that_is_forbidden_for_a_while_is_read_anew(db: str, fake: StripeFake) -> None:
    """What changed in that time is not lost, although its events are behind the cursor by then."""
    ids = seed(fake)
    kinds = ["event", *KINDS]
    fake.add_key("rk_test_some", [f"rak_{kind}_read" for kind in kinds])
    connect(db, fake, secret="rk_test_some")
    assert read_once(db)["acme"].outcome == "caught_up"
    fake.add_key("rk_test_some", [f"rak_{kind}_read" for kind in kinds if kind != "customer"])
    fake.update("customer", ids["customer"][5], name="changed in the dark")
    fake.update("product", ids["product"][1], name="changed in the light")
    tally = read_once(db)["acme"]
    assert (tally.outcome, tally.error["code"]) == ("partial", "SL202")
    assert_complete(db, fake, kinds=[kind for kind in KINDS if kind != "customer"])
    assert sync(db)["status"] == "active"
    fake.add_key("rk_test_some", [f"rak_{kind}_read" for kind in kinds])
    assert read_once(db)["acme"].outcome == "caught_up"
    assert_complete(db, fake)


@NEWEST
def test_a_private_address_is_refused(db: str, fake: StripeFake) -> None:
    connect(db, fake)
    assert read_once(db, allow_private_addresses=False)["acme"].outcome == "error"
    assert sync(db)["error"]["code"] == "SL209"
    assert fake.requests == []


@NEWEST
def test_another_master_key_is_an_error_of_the_sync(db: str, fake: StripeFake, monkeypatch: pytest.MonkeyPatch) -> None:
    connect(db, fake)
    monkeypatch.setattr("e2e.polling.KEY", None)
    assert read_once(db)["acme"].error["code"] == "SL301"
    monkeypatch.undo()
    with psycopg.connect(db) as conn:
        conn.execute("update sluice_internal.credentials set sealed = sealed || '\\x00'")
    assert read_once(db)["acme"].error["code"] == "SL302"
    assert sync(db)["status"] == "error"


@NEWEST
def test_a_bug_in_a_provider_stops_one_sync_and_tells_no_values(db: str, fake: StripeFake, monkeypatch: pytest.MonkeyPatch) -> None:
    connect(db, fake)

    def broken(*_: object) -> None:
        raise KeyError("secret of a customer")

    monkeypatch.setattr("pgsluice.providers.stripe.Stripe.read", broken)
    error = read_once(db)["acme"].error
    assert error["code"] == "XX000"
    assert "secret" not in json.dumps(error)
    assert "KeyError" in error["message"]


def test_an_unwritable_record_is_told_apart_from_its_page(db: str, fake: StripeFake) -> None:
    """A user's own index or trigger refuses one record as data; the others arrive."""
    ids = fake.seed(customers=20)["customer"]
    with psycopg.connect(db) as conn:
        conn.execute(
            "create function refuse() returns trigger language plpgsql as $$ begin perform 1 / (new.upstream_id <> $1)::int; "
            "return new; end $$".replace("$1", f"'{ids[7]}'")
        )
        conn.execute("create trigger mine before insert on sluice.records for each row execute function refuse()")
    connect(db, fake)
    tally = read_once(db)["acme"]
    assert (tally.outcome, tally.quarantined) == ("caught_up", 1)
    assert stored(db)["customer"].keys() == set(ids) - {ids[7]}


def test_a_large_page_is_written_in_parts(db: str, fake: StripeFake, monkeypatch: pytest.MonkeyPatch) -> None:
    seed(fake)
    connect(db, fake)
    monkeypatch.setattr(Batch, "parts", partialmethod(Batch.parts, 3000))
    tally = read_once(db)["acme"]
    assert tally.outcome == "caught_up"
    assert_complete(db, fake)


def test_nothing_to_do(db: str) -> None:
    assert read_once(db) == {}
