"""Credentials, consent, limits, refusals and webhooks of HubSpot."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fakes.hubspot import CLIENT, HUB_ID, HubSpotFake
from fakes.hubspot.refusals import expired, limited, scopes, unauthenticated
from providers.hubspot_driving import KEY, Driver

from pgsluice.providers.base import Client, Credential, Hint, Response, Signals
from pgsluice.providers.consent import Signin
from pgsluice.providers.errors import Forbidden, Forged, Malformed, ProviderError, RateLimited, Refused4xx, Unauthorized, Unreadable
from pgsluice.providers.hubspot import HubSpot
from pgsluice.providers.hubspot_errors import error_of
from pgsluice.providers.webhooks import Delivery

HUBSPOT = HubSpot()
APP = Client(*CLIENT)
NOON = datetime(2026, 11, 29, 12, 10, 0, tzinfo=UTC)


def oauth(**secret: str) -> Credential:
    return Credential("hubspot_oauth2", {"refresh_token": "refresh-1", **secret}, client=APP)


def reply(status: int, body: object, **headers: str) -> Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.lower().replace("_", "-"): value for name, value in headers.items()}
    return Response(status, {"date": format_datetime(NOON, usegmt=True), **named}, raw, "https://api.hubapi.com/crm/v3/x", NOON)


# ---------------------------------------------------------------- tokens


def test_an_imported_refresh_token_is_enough() -> None:
    fake = HubSpotFake()
    driver = Driver(fake)
    HUBSPOT.seal_check("hubspot_oauth2", {"refresh_token": "refresh-1"})
    feed = HUBSPOT.feeds(["hubspot:contact"])[0]
    with pytest.raises(Unauthorized):
        HUBSPOT.read(feed, None, driver.send(HUBSPOT.request(feed, None, oauth())))
    request = HUBSPOT.renew(oauth())
    assert request is not None
    assert (request.params, request.url) == ((), "https://api.hubapi.com/oauth/2026-03/token")
    renewed = HUBSPOT.read_renewed(oauth(), driver.send(request))
    assert renewed.expires_in == 1800
    again = oauth(**renewed.secret)
    HUBSPOT.read(feed, None, driver.send(HUBSPOT.request(feed, None, again)))
    identify = HUBSPOT.identify(again)
    assert identify is not None
    assert HUBSPOT.read_identified(driver.send(identify)) == str(HUB_ID)


def test_expires_in_is_obeyed() -> None:
    fake = HubSpotFake()
    fake.expires_in = 77
    request = HUBSPOT.renew(oauth())
    assert request is not None
    assert HUBSPOT.read_renewed(oauth(), Driver(fake).send(request)).expires_in == 77


def test_a_revoked_grant() -> None:
    fake = HubSpotFake()
    fake.refresh_tokens.clear()
    request = HUBSPOT.renew(oauth())
    assert request is not None
    with pytest.raises(Unauthorized, match="refused the renewal"):
        HUBSPOT.read_renewed(oauth(), Driver(fake).send(request))


def test_what_has_nothing_to_renew() -> None:
    assert HUBSPOT.renew(KEY) is None
    assert HUBSPOT.renew(Credential("hubspot_oauth2", {"refresh_token": "refresh-1"})) is None


def test_a_persons_consent() -> None:
    fake = HubSpotFake()
    signin = Signin("hubspot_oauth2", APP, "https://me.example/callback", "state-1", base_url=None)
    page = urlsplit(HUBSPOT.authorize(signin))
    asked = {name: values[0] for name, values in parse_qs(page.query).items()}
    assert (page.netloc, page.path) == ("app.hubspot.com", "/oauth/authorize")
    assert asked["state"] == "state-1"
    # What an account's plan may lack must not stand in the way of the consent.
    assert asked["scope"] == "oauth crm.objects.contacts.read"
    assert "tickets" in asked["optional_scope"].split()
    fake.codes["code-1"] = signin.redirect_uri
    request = HUBSPOT.exchange(signin, {"code": "code-1", "state": "state-1"})
    granted = HUBSPOT.read_exchanged(signin, {}, Driver(fake).send(request))
    assert (granted.account, granted.expires_in) == (str(HUB_ID), 1800)
    assert granted.secret.keys() == {"access_token", "refresh_token"}
    with pytest.raises(Refused4xx):
        HUBSPOT.read_exchanged(signin, {}, Driver(fake).send(request))
    with pytest.raises(Refused4xx, match="denied"):
        HUBSPOT.exchange(signin, {"error": "access_denied", "error_description": "denied"})


def test_scopes_and_address_of_ones_own() -> None:
    signin = Signin("hubspot_oauth2", APP, "https://me/cb", "s", scopes=("oauth", "tickets"), base_url="http://127.0.0.1:9/")
    page = HUBSPOT.authorize(signin)
    assert page.startswith("http://127.0.0.1:9/oauth/authorize?")
    assert parse_qs(urlsplit(page).query)["scope"] == ["oauth tickets"]
    assert "optional_scope" not in page
    assert HUBSPOT.exchange(signin, {"code": "c"}).url == "http://127.0.0.1:9/oauth/2026-03/token"


def test_the_account_of_a_private_app() -> None:
    request = HUBSPOT.identify(KEY)
    assert request is not None
    assert HUBSPOT.read_identified(Driver(HubSpotFake()).send(request)) == str(HUB_ID)


@pytest.mark.parametrize(
    ("kind", "secret"),
    [
        ("hubspot_key", {}), ("hubspot_key", {"secret": "pat-\r\nX: y"}), ("hubspot_key", {"secret": "pat-na1-****"}),
        ("hubspot_oauth2", {"access_token": "access-token"}), ("hubspot_oauth2", {"refresh_token": "r\n" * 9}), ("stripe_key", {}),
    ],
)  # fmt: skip
def test_what_cannot_be_a_secret(kind: str, secret: dict[str, str]) -> None:
    with pytest.raises(Malformed) as caught:
        HUBSPOT.seal_check(kind, secret)
    assert all(value not in str(caught.value.as_dict()) for value in secret.values())


# ---------------------------------------------------------------- limits


def test_budgets() -> None:
    (key,), (app,) = HUBSPOT.budget(KEY), HUBSPOT.budget(oauth())
    assert (key.allowed / key.seconds, app.allowed / app.seconds) == (10, 11)
    feed = HUBSPOT.feeds(["hubspot:contact"])[0]
    for credential, limit in ((KEY, key), (oauth(access_token="access-token"), app)):
        assert limit.allowed / HUBSPOT.request(feed, {"since": 1}, credential).cost == 4


@pytest.mark.parametrize(
    ("plan", "in_ten_seconds"), [("", 100), ("starter", 100), ("professional", 190), ("enterprise", 190), ("increased", 250)]
)
def test_budgets_by_plan(plan: str, in_ten_seconds: int) -> None:
    """Searches have four a second in any of them."""
    credential = Credential("hubspot_key", {**KEY.secret, **({"plan": plan} if plan else {})})
    HUBSPOT.seal_check("hubspot_key", credential.secret)
    (limit,) = HUBSPOT.budget(credential)
    assert limit.allowed / limit.seconds * 10 == in_ten_seconds
    assert limit.allowed / HUBSPOT.request(HUBSPOT.feeds(["hubspot:contact"])[0], {"since": 1}, credential).cost == pytest.approx(4)


def test_a_plan_that_there_is_not() -> None:
    with pytest.raises(Malformed, match="no such plan"):
        HUBSPOT.seal_check("hubspot_key", {**KEY.secret, "plan": "large"})
    # An app's limit is the same in every account.
    assert HUBSPOT.budget(oauth(plan="increased")) == HUBSPOT.budget(oauth())


def test_a_day_that_is_used_up() -> None:
    """Midnight of the account, wherever that is: every zone's is at a half hour. Not again and again until then."""
    refused = reply(429, limited("DAILY"))
    error = error_of(refused)
    assert isinstance(error, RateLimited)
    assert error.retry_after == 20 * 60 + 2
    assert HUBSPOT.signals(refused) == Signals(wait=20 * 60 + 2)
    assert HUBSPOT.signals(reply(200, {}, X_HubSpot_RateLimit_Daily_Remaining="0")) == Signals(wait=20 * 60 + 2)


def test_limits_of_moments() -> None:
    rolling, search = reply(429, limited("TEN_SECONDLY_ROLLING")), reply(429, limited("SECONDLY"))
    assert (HUBSPOT.signals(rolling), HUBSPOT.signals(search)) == (Signals(wait=1.0), None)
    assert HUBSPOT.signals(reply(429, limited("SECONDLY"), Retry_After="3")) == Signals(wait=3.0)
    assert HUBSPOT.signals(reply(429, b"<html>")) == Signals(wait=1.0)
    headers = {"X_HubSpot_RateLimit_Remaining": "12", "X_HubSpot_RateLimit_Interval_Milliseconds": "10000"}
    assert HUBSPOT.signals(reply(200, {}, **headers)) == Signals(remaining=12, resets_in=10)
    assert HUBSPOT.signals(reply(200, {})) is None


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (401, expired().body, Unauthorized, "expired"),
        (401, unauthenticated().body, Unauthorized, "rotated"),
        (403, scopes("crm.objects.deals.read").body, Forbidden, "scope"),
        (404, b"<html>not found</html>", Unreadable, "no proxy"),
        (302, b"", Unreadable, "address"),
    ],
)
def test_refusals(status: int, body: object, kind: type[ProviderError], words: str) -> None:
    error = error_of(reply(status, body))
    assert type(error) is kind
    assert words in str(error.hint)


def test_an_expired_token_is_told_from_a_wrong_one() -> None:
    one, other = error_of(reply(401, expired().body)), error_of(reply(401, unauthenticated().body))
    assert isinstance(one, Unauthorized)
    assert isinstance(other, Unauthorized)
    assert (one.expired, other.expired) == (True, False)


# ---------------------------------------------------------------- webhooks

SECRET = CLIENT[1]
URL = "https://hooks.example/webhooks/my-sync?x=a%40b%20c"


def signed(events: Any, *, url: str = URL, at: datetime = NOON, secret: str = SECRET, **headers: str) -> Delivery:
    body = events if isinstance(events, bytes) else json.dumps(events).encode()
    stamp = str(int(at.timestamp() * 1000))
    text = f"POST{url.replace('%40', '@')}".encode() + body + stamp.encode()
    signature = base64.b64encode(hmac.new(secret.encode(), text, sha256).digest()).decode()
    given = {"x-hubspot-signature-v3": signature, "x-hubspot-request-timestamp": stamp, **headers}
    return Delivery("POST", url, {name: value for name, value in given.items() if value}, body, NOON)


def event(kind: str, **more: Any) -> dict[str, Any]:
    return {
        "eventId": 1,
        "subscriptionId": 2,
        "portalId": HUB_ID,
        "appId": 3,
        "occurredAt": 4,
        "subscriptionType": kind,
        "attemptNumber": 0,
        **more,
    }


def hints(*events: dict[str, Any]) -> set[tuple[str, str]]:
    return {(hint.collection_id, hint.upstream_id) for hint in HUBSPOT.receive(signed(list(events)), [SECRET]).hints}


def test_events_are_hints() -> None:
    assert hints(event("contact.creation", objectId=1), event("deal.propertyChange", objectId=2, propertyName="amount")) == {
        ("hubspot:contact", "1"),
        ("hubspot:deal", "2"),
    }
    assert hints(event("contact.deletion", objectId=1), event("company.restore", objectId=3)) == {
        ("hubspot:contact", "1"),
        ("hubspot:company", "3"),
    }
    merged = event("contact.merge", objectId=7, primaryObjectId=7, mergedObjectIds=[8, 9], newObjectId=10)
    assert hints(merged) == {("hubspot:contact", one) for one in ("7", "8", "9", "10")}
    link = event("contact.associationChange", associationType="CONTACT_TO_COMPANY", fromObjectId=1, toObjectId=2, associationRemoved=True)
    assert hints(link) == {("hubspot:contact", "1"), ("hubspot:company", "2")}
    assert hints(
        event("object.propertyChange", objectTypeId="0-3", objectId=5), event("object.creation", objectTypeId="2-77", objectId=6)
    ) == {
        ("hubspot:deal", "5"),
        ("hubspot:2-77", "6"),
    }
    assert hints(event("conversation.creation", objectId=1), event("contact.creation", objectId=True), event("contact.creation")) == set()


def test_the_same_object_a_hundred_times_is_one_hint() -> None:
    said = HUBSPOT.receive(
        signed([event("contact.propertyChange", objectId=1, propertyName=f"p{number}") for number in range(100)]), [SECRET]
    )
    assert said.hints == (Hint("hubspot:contact", "1"),)


def test_a_secret_that_was_changed_counts_beside_the_old_one() -> None:
    HUBSPOT.receive(signed([]), ["another", SECRET])


@pytest.mark.parametrize(
    "delivery",
    [
        signed([], secret="another"),
        signed([], at=NOON - timedelta(seconds=301)),
        signed([], at=NOON + timedelta(seconds=31)),
        signed([], **{"x-hubspot-request-timestamp": str(int(NOON.timestamp() * 1000) + 1)}),
        signed([], **{"x-hubspot-request-timestamp": "soon"}),
        signed([], **{"x-hubspot-request-timestamp": ""}),
        signed([], **{"x-hubspot-signature-v3": ""}),
        signed([], **{"x-hubspot-signature-v3": "é"}),
        # What Unicode calls a digit, and int() does not.
        signed([], **{"x-hubspot-request-timestamp": "²"}),
    ],
    ids=["another secret", "too old", "from the future", "another time", "no number", "no time", "unsigned", "no ASCII", "strange digit"],
)
def test_what_is_not_from_hubspot(delivery: Delivery) -> None:
    with pytest.raises(Forged):
        HUBSPOT.receive(delivery, [SECRET])


def test_older_versions_of_the_signature_are_refused() -> None:
    """They sign no time: whoever saw a delivery could send it again for ever."""
    body = b"[]"
    older = sha256(SECRET.encode() + body).hexdigest()
    delivery = Delivery("POST", URL, {"x-hubspot-signature": older, "x-hubspot-signature-version": "v1"}, body, NOON)
    with pytest.raises(Forged) as caught:
        HUBSPOT.receive(delivery, [SECRET])
    assert "version 1 or 2" in (caught.value.details or "")


def test_another_body_or_address() -> None:
    good = signed([])
    for bad in (Delivery("POST", URL, good.headers, b"[ ]", NOON), Delivery("POST", f"{URL}1", good.headers, b"[]", NOON)):
        with pytest.raises(Forged):
            HUBSPOT.receive(bad, [SECRET])


def test_a_delivery_that_is_no_list() -> None:
    with pytest.raises(Unreadable):
        HUBSPOT.receive(signed(b"{}"), [SECRET])
