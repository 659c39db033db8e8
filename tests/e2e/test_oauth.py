"""A customer's account connected by signing in: from the platform's request to records, and what must not go through."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from e2e.oauth import DONE, Platform, one, platform, polling, sync_of, vendor
from e2e.polling import until
from fakes.oauth import Browser, OAuthFake
from fakes.stripe import StripeFake

from pgsluice.db.client import Client


@pytest.fixture
def stripe() -> Iterator[StripeFake]:
    with StripeFake() as fake:
        fake.seed(customers=12)
        yield fake


@pytest.fixture
def fake(stripe: StripeFake) -> Iterator[OAuthFake]:
    with vendor(stripe) as made:
        yield made


@pytest.fixture
def here(db: str, fake: OAuthFake) -> Iterator[Platform]:
    with platform(db, fake, master_key_text="5a" * 32) as made, polling(db):
        yield made


def test_from_a_click_to_records_and_a_second_consent_is_no_second_credential(db: str, here: Platform, stripe: StripeFake) -> None:
    page = here.connect(name="Acme", metadata={"tenant": 7})
    assert page.url.startswith(f"{DONE}?")
    assert set(page.query) == {"credential_id", "state"}
    assert page.query["state"] == "customer 7"
    found = here.http.get(f"/v1/credentials/{page.query['credential_id']}").json()
    assert (found["account"], found["kind"], found["oauth_app_id"], found["name"]) == ("acct_1", "stripe_oauth2", "app", "Acme")
    assert (found["metadata"], found["secret"], found["scopes"]) == ({"tenant": 7}, "********", ["read_write"])
    sync_of(db, found["id"])
    until(lambda: one(db, "select count(*) from sluice.records") == 12)
    again = here.connect()
    assert again.query["credential_id"] == found["id"]
    assert one(db, "select version from sluice.credentials") == 2
    here.fake.signed_in = "acct_2"
    other = here.connect(state=None)
    assert set(other.query) == {"credential_id"}
    assert other.query["credential_id"] != found["id"]
    secrets = [token for family in here.fake.families for token in (family.refresh,) if token]
    text = str([page.seen, again.seen, other.seen])
    assert not any(secret in text for secret in secrets)


def test_signing_in_again_repairs_the_sync_without_reading_it_anew(db: str, here: Platform, stripe: StripeFake) -> None:
    page = here.connect()
    sync_of(db, page.query["credential_id"])
    until(lambda: one(db, "select status from sluice.syncs") == "active")
    here.fake.revoke("acct_1")
    until(lambda: one(db, "select status from sluice.syncs") == "error")
    with Client.connect(db) as client:
        assert client.sync_info("y")["error"]["code"] == "SL201"
    listed = [seen.path for seen in here.fake.requests].count("/v1/customers")
    before = one(db, "select max(updated_idx) from sluice.records")
    stripe.create("customer", name="came meanwhile")
    assert here.connect().query["credential_id"] == page.query["credential_id"]
    until(lambda: one(db, "select count(*) from sluice.records") == 13)
    until(lambda: one(db, "select status from sluice.syncs") == "active")
    assert one(db, "select array_agg(kind order by created_at) from sluice.notices") == ["broken", "recovered"]
    assert one(db, "select count(*) from sluice.records where updated_idx <= %s", before) == 12
    assert [seen.path for seen in here.fake.requests].count("/v1/customers") == listed


def test_who_does_not_agree_comes_back_with_words(db: str, here: Platform) -> None:
    here.fake.deny = True
    page = here.connect()
    assert (page.query["error"], page.query["error_code"], page.query["state"]) == ("access_denied", "SL178", "customer 7")
    assert "denied" in page.query["error_description"]
    assert one(db, "select count(*) from sluice.credentials") == 0


def test_a_code_that_the_vendor_does_not_take_ends_in_words(db: str, here: Platform) -> None:
    asked = here.start().json()["start_url"]
    at_home = here.browser.follow(asked, stop=here.fake.redirect_uris[0])
    code = at_home.query["code"]
    spoilt = at_home.url.replace(code, "another-code")
    page = here.browser.follow(spoilt)
    assert (page.query["error"], page.query["error_code"]) == ("sign_in_failed", "SL203")
    assert "does not take the code" in page.query["error_description"]
    assert code not in page.url
    # The state has been used, with whatever code.
    assert here.browser.follow(at_home.url).status == 400
    assert one(db, "select count(*) from sluice.credentials") == 0


def test_an_answer_counts_once_in_the_browser_that_began(db: str, here: Platform) -> None:
    asked = here.start().json()["start_url"]
    at_home = here.browser.follow(asked, stop=here.fake.redirect_uris[0])
    stranger = Browser().follow(at_home.url)
    assert stranger.status == 400
    assert "begun in another browser" in stranger.body
    assert here.browser.follow(at_home.url).query["credential_id"]
    used = here.browser.follow(at_home.url)
    assert (used.status, "it was used before" in used.body) == (400, True)
    assert here.fake.exchanges == 1
    twice = here.browser.follow(asked)
    assert (twice.status, "used before" in twice.body) == (400, True)
    unknown = here.browser.follow(at_home.url.replace(at_home.query["state"], "x" * 43))
    assert (unknown.status, "not one that was given out" in unknown.body) == (400, True)


def test_what_is_too_old_does_not_count(db: str, here: Platform) -> None:
    late = here.start().json()["start_url"]
    asked = here.start().json()["start_url"]
    at_home = here.browser.follow(asked, stop=here.fake.redirect_uris[0])
    with psycopg.connect(db, autocommit=True) as conn:
        conn.execute("update sluice_internal.oauth_signins set created_at = created_at - interval '5 minutes' where begun_at is null")
        conn.execute("update sluice_internal.oauth_signins set begun_at = begun_at - interval '10 minutes' where begun_at is not null")
    assert "older than 5 minutes" in here.browser.follow(late).body
    assert "older than 10 minutes" in here.browser.follow(at_home.url).body
    assert here.fake.exchanges == 0


def test_without_a_redirect_address_the_browser_stays(db: str, here: Platform) -> None:
    with Client.connect(db) as client:
        row = client.credential_start_auth("app", "stripe_oauth2")
        page = here.browser.follow(str(here.http.base_url).rstrip("/") + f"/v1/oauth/start/{row['start_token']}")
        assert (page.status, "The account is connected" in page.body) == (200, True)
        found = client.signin_result(row["signin_id"])
        assert found is not None
        assert (found["finished"], found["error"]) == (True, None)
        assert client.credential_info(found["credential_id"])["account"] == "acct_1"


def test_no_secret_of_a_consent_stays_in_the_database(db: str, here: Platform) -> None:
    here.connect()
    assert one(db, "select num_nonnulls(verifier, answer) from sluice_internal.oauth_signins") == 0
