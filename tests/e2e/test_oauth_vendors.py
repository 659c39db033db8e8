"""Accounts of HubSpot, Salesforce and Shopify, connected by signing in: from the click to records, a renewal, a revoked grant, a second consent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from api.serving import connected, served
from e2e.oauth import DONE, one, polling
from e2e.polling import NEWEST, until
from e2e.vendors import ACCOUNTS, Account, HubSpotAccount, SalesforceAccount, ShopifyAccount
from fakes.hubspot import CLIENT, HUB_ID
from fakes.oauth import Browser, Page
from fakes.salesforce.tokens import ORGANIZATION

from pgsluice.db.client import Client

pytestmark = NEWEST


class Customer:
    """Whoever signs in at one vendor, and the app that he lets in."""

    def __init__(self, http: httpx.Client, account: Account) -> None:
        self.http, self.account, self.browser = http, account, Browser()
        self.fake: Any = account.fake.tokens if isinstance(account, SalesforceAccount) else account.fake
        body = {"id": "app", "provider": account.provider, "client_id": self.client[0], "client_secret": self.client[1],
                "base_url": account.fake.url, "redirect_urls": [DONE]}  # fmt: skip
        made = http.post("/v1/oauth-apps", json=body)
        assert made.status_code == 201, made.text
        self.fake.redirect_uris = [made.json()["redirect_uri"]]

    @property
    def client(self) -> tuple[str, str]:
        return CLIENT if isinstance(self.account, HubSpotAccount) else (self.fake.client_id, self.fake.client_secret)

    @property
    def values(self) -> Mapping[str, str]:
        """What the vendor has to be told before."""
        return {"shop": self.account.fake.shop} if isinstance(self.account, ShopifyAccount) else {}

    @property
    def name(self) -> str:
        """Of the account, at the vendor."""
        return {"hubspot": str(HUB_ID), "salesforce": ORGANIZATION, "shopify": "example.myshopify.com"}[self.account.provider]

    @property
    def grants(self) -> int:
        """How many tokens the vendor gave."""
        return int(getattr(self.fake, {"hubspot": "renewals", "salesforce": "given", "shopify": "grants"}[self.account.provider]))

    def connect(self, **more: Any) -> Page:
        body = {
            "oauth_app_id": "app",
            "credential_kind": f"{self.account.provider}_oauth2",
            "redirect_url": DONE,
            "state": "tenant 7",
            **more,
        }
        asked = self.http.post("/v1/credentials/start-auth", json={**body, **self.values})
        assert asked.status_code == 200, asked.text
        return self.browser.follow(asked.json()["start_url"])

    def end_access(self) -> None:
        """Every access token ends, as after its hour."""
        (self.fake.expire if isinstance(self.account, SalesforceAccount) else self.fake.end_access)()

    def revoke(self) -> None:
        (self.fake.revoke if isinstance(self.account, SalesforceAccount) else self.fake.uninstall)()


@pytest.mark.parametrize("vendor", [name for name in ACCOUNTS if name != "stripe"])
def test_from_a_click_to_records_and_back_after_a_revoked_grant(db: str, vendor: str) -> None:
    with ACCOUNTS[vendor]() as account, served(db, master_key_text="5a" * 32) as running, connected(running) as http, polling(db):
        account.fill(5)
        customer = Customer(http, account)
        page = customer.connect(name="Acme")
        assert page.url.startswith(f"{DONE}?"), page.body
        assert (set(page.query), page.query["state"]) == ({"credential_id", "state"}, "tenant 7")
        found = http.get(f"/v1/credentials/{page.query['credential_id']}").json()
        assert (found["account"], found["kind"], found["oauth_app_id"]) == (customer.name, f"{vendor}_oauth2", "app")
        assert found["secret"] == "********"
        with Client.connect(db) as client:
            client.stream_create("s")
            client.sync_create("s", vendor, "acme", collection_ids=list(account.collections), credential_id=found["id"])
        same_as_there(db, account)
        # The access token ends: it is renewed once, and nobody notices.
        before = customer.grants
        customer.end_access()
        account.make()
        same_as_there(db, account)
        assert customer.grants == before + 1
        assert one(db, "select count(*) from sluice.notices") == 0
        # The customer throws the app out: words that say what to do; then he lets it in again, and it goes on where it was.
        customer.revoke()
        until(lambda: one(db, "select status from sluice.syncs") == "error", 60)
        error = one(db, "select error from sluice.syncs")
        assert error["code"] == "SL201"
        assert error["hint"]
        last = one(db, "select max(updated_idx) from sluice.records")
        account.make()
        assert customer.connect().query["credential_id"] == found["id"]
        same_as_there(db, account)
        until(lambda: one(db, "select status from sluice.syncs") == "active", 60)
        assert one(db, "select count(*) from sluice.records where updated_idx > %s", last) == 1
        assert one(db, "select array_agg(kind order by created_at) from sluice.notices") == ["broken", "recovered"]
        assert one(db, "select num_nonnulls(verifier, answer) from sluice_internal.oauth_signins limit 1") == 0


@pytest.mark.parametrize("vendor", ["hubspot", "salesforce"])  # a merchant who does not agree stays at Shopify
def test_who_does_not_agree_comes_back_with_words(db: str, vendor: str) -> None:
    with ACCOUNTS[vendor]() as account, served(db, master_key_text="5a" * 32) as running, connected(running) as http, polling(db):
        customer = Customer(http, account)
        customer.fake.deny = True
        page = customer.connect()
        assert (page.query["error"], page.query["error_code"], page.query["state"]) == ("access_denied", "SL178", "tenant 7")
        assert "denied" in page.query["error_description"]
        assert one(db, "select count(*) from sluice.credentials") == 0


def test_an_answer_that_shopify_did_not_sign(db: str) -> None:
    """The client secret would go along with a code of somebody else's."""
    with ShopifyAccount() as account, served(db, master_key_text="5a" * 32) as running, connected(running) as http, polling(db):
        customer = Customer(http, account)
        asked = http.post(
            "/v1/credentials/start-auth", json={"oauth_app_id": "app", "redirect_url": DONE, "shop": account.fake.shop}
        ).json()
        at_home = customer.browser.follow(asked["start_url"], stop=account.fake.redirect_uris[0])
        page = customer.browser.follow(at_home.url.replace(f"hmac={at_home.query['hmac'][:4]}", "hmac=0000"))
        assert (page.query["error"], page.query["error_code"]) == ("signature_refused", "SL210")
        assert (account.fake.grants, one(db, "select count(*) from sluice.credentials")) == (0, 0)
        wrong = http.post("/v1/credentials/start-auth", json={"oauth_app_id": "app", "redirect_url": DONE, "shop": "evil.example"})
        assert wrong.status_code == 422, wrong.text


def same_as_there(db: str, account: Account) -> None:
    there = account.there()
    until(lambda: account.difference(db, there) is None, 60, pause=0.1)
