"""Consents of Stripe, without a network: https://docs.stripe.com/connect/oauth-reference, …/stripe-apps/api-authentication/oauth."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from pgsluice.providers.base import Client, Credential, Response
from pgsluice.providers.consent import Signin
from pgsluice.providers.errors import Malformed, ProviderError, RateLimited, Refused4xx, Unauthorized, Unavailable, Unreadable
from pgsluice.providers.stripe import Stripe

STRIPE = Stripe()
CLIENT = Client("ca_1", "sk_test_platform")
BACK = "https://us.example/v1/oauth/callback"


def signin(kind: str = "stripe_oauth2", base_url: str | None = None) -> Signin:
    return Signin(kind, CLIENT, BACK, "state-1", STRIPE.consents[kind].scopes, {}, None, base_url)


def reply(status: int, body: object) -> Response:
    return Response(status, {}, json.dumps(body).encode(), "https://connect.stripe.com/oauth/token", datetime.now(UTC))


@pytest.mark.parametrize(
    ("kind", "page", "scope"),
    [
        ("stripe_oauth2", "https://connect.stripe.com/oauth/authorize", ["read_write"]),
        ("stripe_app_oauth2", "https://marketplace.stripe.com/oauth/v2/authorize", None),
    ],
)
def test_the_page(kind: str, page: str, scope: list[str] | None) -> None:
    url = STRIPE.authorize(signin(kind))
    query = parse_qs(urlsplit(url).query)
    assert url.startswith(f"{page}?")
    assert (query["client_id"], query["redirect_uri"], query["state"], query.get("scope")) == (["ca_1"], [BACK], ["state-1"], scope)
    assert STRIPE.authorize(signin(kind, "http://127.0.0.1:9")).startswith(f"http://127.0.0.1:9{urlsplit(page).path}?")


def test_the_exchange_of_connect() -> None:
    request = STRIPE.exchange(signin(), {"code": "ac_1", "state": "state-1"})
    assert (request.method, request.url) == ("POST", "https://connect.stripe.com/oauth/token")
    assert parse_qs((request.body or b"").decode()) == {"grant_type": ["authorization_code"], "code": ["ac_1"]}
    assert base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")) == b"sk_test_platform:"
    assert "sk_test" not in repr(request)
    found = {
        "access_token": "sk_live_account",
        "refresh_token": "rt_1",
        "stripe_user_id": "acct_1",
        "scope": "read_write",
        "livemode": True,
    }
    granted = STRIPE.read_exchanged(signin(), {}, reply(200, found))
    assert (granted.account, granted.expires_in, granted.scopes) == ("acct_1", None, ("read_write",))
    assert granted.secret == {"access_token": "sk_live_account"}
    STRIPE.seal_check("stripe_oauth2", granted.secret)
    assert "sk_live" not in repr(granted)
    # The test data of an account is another account's.
    assert STRIPE.read_exchanged(signin(), {}, reply(200, {**found, "livemode": False})).account == "acct_1/test"
    assert STRIPE.renew(Credential("stripe_oauth2", granted.secret, None, CLIENT)) is None


def test_an_app_of_the_marketplace_is_renewed_with_the_whole_pair() -> None:
    request = STRIPE.exchange(signin("stripe_app_oauth2"), {"code": "ac_1"})
    assert request.url == "https://api.stripe.com/v1/oauth/token"
    found = {"access_token": "at_12345678", "refresh_token": "rt_12345678", "stripe_user_id": "acct_1", "scope": "stripe_apps"}
    granted = STRIPE.read_exchanged(signin("stripe_app_oauth2"), {}, reply(200, found))
    assert (granted.secret, granted.expires_in) == ({"access_token": "at_12345678", "refresh_token": "rt_12345678"}, 3600)
    credential = Credential("stripe_app_oauth2", granted.secret, None, CLIENT)
    asked = STRIPE.renew(credential)
    assert asked is not None
    assert parse_qs((asked.body or b"").decode()) == {"grant_type": ["refresh_token"], "refresh_token": ["rt_12345678"]}
    renewed = STRIPE.read_renewed(credential, reply(200, {**found, "access_token": "at_2", "refresh_token": "rt_2"}))
    assert (renewed.secret, renewed.expires_in) == ({"access_token": "at_2", "refresh_token": "rt_2"}, 3600)
    with pytest.raises(Malformed, match="names no OAuth app"):
        STRIPE.renew(Credential("stripe_app_oauth2", granted.secret))
    STRIPE.seal_check("stripe_app_oauth2", {"refresh_token": "rt_12345678"})
    with pytest.raises(Malformed):
        STRIPE.seal_check("stripe_app_oauth2", {"access_token": "at_12345678"})


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, {"error": "invalid_grant", "error_description": "This authorization code has already been used."}, Refused4xx),
        (400, {"error": "invalid_request", "error_description": "No grant type specified"}, Refused4xx),
        (401, {"error": {"message": "Invalid API Key provided: sk_test_***"}}, Refused4xx),
        (429, {"error": "rate_limit"}, RateLimited),
        (502, {}, Unavailable),
        (200, {"access_token": "at_12345678"}, Unreadable),
        (200, {"stripe_user_id": "acct_1"}, Unreadable),
        (404, "nothing", ProviderError),
    ],
)
def test_an_exchange_that_fails(status: int, body: object, error: type[ProviderError]) -> None:
    with pytest.raises(error) as caught:
        STRIPE.read_exchanged(signin(), {}, reply(status, body))
    assert "at_12345678" not in str(caught.value.as_dict())


def test_a_grant_that_is_gone() -> None:
    credential = Credential("stripe_app_oauth2", {"refresh_token": "rt_1"}, None, CLIENT)
    with pytest.raises(Unauthorized, match="no longer takes"):
        STRIPE.read_renewed(credential, reply(400, {"error": "invalid_grant"}))
    with pytest.raises(Unavailable):
        STRIPE.read_renewed(credential, reply(500, {}))
