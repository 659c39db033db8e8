"""Which shop, and what opens it: an access token, pasted in or obtained by a merchant's consent.

https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant
https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/offline-access-tokens: an offline token that expires lasts an
hour; each renewal REPLACES the refresh token, so the pair is stored in one step, by whoever called `renew`.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from pgsluice.providers import replies
from pgsluice.providers.base import Credential, Renewed, Request, Response, SecretField
from pgsluice.providers.consent import Consent, Granted, Signin
from pgsluice.providers.errors import Forged, Malformed, NotPolled, ProviderError, RateLimited, Refused4xx, Unauthorized, Unavailable
from pgsluice.providers.limits import retry_after

KIND: Final = "shopify_key"
OAUTH_KIND: Final = "shopify_oauth2"
_SHOP_FIELD: Final = SecretField("shop", "the shop's own domain, as example.myshopify.com", address=True)
KINDS: Final[Mapping[str, tuple[SecretField, ...]]] = {
    KIND: (
        _SHOP_FIELD,
        SecretField(
            "access_token", "the Admin API access token (shpat_…) of a custom app: Settings, Apps and sales channels, Develop apps"
        ),
    ),
    OAUTH_KIND: (
        _SHOP_FIELD,
        SecretField(
            "access_token",
            "the access_token that Shopify's OAuth answered for the shop; without it, it is asked for with the refresh token",
            optional=True,
        ),
        SecretField("refresh_token", "the refresh_token beside it, if the token expires", optional=True),
    ),
}
# https://shopify.dev/docs/api/usage/access-scopes: what reading every collection takes. Writing is asked for by who writes.
SCOPES: Final = (
    "read_products", "read_inventory", "read_locations", "read_orders", "read_all_orders", "read_customers", "read_draft_orders",
    "read_fulfillments", "read_assigned_fulfillment_orders", "read_merchant_managed_fulfillment_orders",
    "read_third_party_fulfillment_orders", "read_discounts", "read_companies",
)  # fmt: skip
CONSENTS: Final[Mapping[str, Consent]] = {OAUTH_KIND: Consent(SCOPES, pkce=False, values=(_SHOP_FIELD,))}

# "Check that the shop parameter is a valid shop hostname, ends with myshopify.com": a domain that is not would get the client secret.
_SHOP = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\.myshopify\.com", re.ASCII)
_TOKEN = re.compile(r"[!-~]{8,1000}", re.ASCII)  # no form is promised; it must only be fit for a header


def shop_of(secret: Mapping[str, str]) -> str:
    """The shop's domain. Raises Malformed."""
    shop = secret.get("shop", "").strip().lower()
    if not _SHOP.fullmatch(shop):
        raise Malformed("this is no domain of a shop", hint="it has the form example.myshopify.com, without https:// and without a path")
    return shop


def is_shop(domain: str) -> bool:
    return _SHOP.fullmatch(domain) is not None


def token_of(kind: str, secret: Mapping[str, str]) -> str:
    """Raises Malformed, which does not repeat it."""
    token = secret.get("access_token", "")
    if not token and kind == OAUTH_KIND and secret.get("refresh_token"):
        raise Unauthorized("there is only a refresh token yet", expired=True, hint="it needs the OAuth app that it was made for")
    if not _TOKEN.fullmatch(token):
        given = f"{len(token)} characters" if token else "nothing"
        hint = (
            "give the Admin API access token (shpat_…) of the app" if kind == KIND else "give access_token as Shopify's OAuth answered it"
        )
        raise Malformed("this is no access token", details=given, hint=hint)
    return token


def base_of(credential: Credential) -> str:
    return (credential.base_url or f"https://{shop_of(credential.secret)}").rstrip("/")


def check(kind: str, secret: Mapping[str, str]) -> None:
    """Raises Malformed."""
    if kind not in KINDS:
        raise Malformed(f"Shopify has no credential of kind {kind!r}", hint=f"the kinds are {', '.join(KINDS)}")
    shop_of(secret)
    if kind == OAUTH_KIND and not secret.get("access_token") and _TOKEN.fullmatch(secret.get("refresh_token", "")):
        return  # an imported refresh token: the first request renews it
    token = token_of(kind, secret)
    if token.startswith("shpss_"):
        raise Malformed("this is the client secret of an app, no access token", hint="take the Admin API access token (shpat_…)")


# ---------------------------------------------------------------- consent


def authorize(signin: Signin) -> str:
    """The page at which the merchant agrees. Raises Malformed."""
    query = {
        "client_id": signin.client.client_id,
        "scope": ",".join(signin.scopes or SCOPES),
        "redirect_uri": signin.redirect_uri,
        "state": signin.state,
    }
    return f"{_base(signin)}/admin/oauth/authorize?{urlencode(query)}"


def exchange(signin: Signin, answer: Mapping[str, str]) -> Request:
    """The request that turns the code into tokens. Raises Forged for an answer that Shopify did not sign, or of another shop."""
    if not _signed(answer, signin.client.client_secret):
        raise Forged("the answer was not signed by Shopify", hint="begin the sign-in again; the client secret must be that of the app")
    shop = answer.get("shop", "")
    if not is_shop(shop) or shop != shop_of(signin.values):
        raise Forged("the answer is of another shop than the one that was signed in to", hint="begin the sign-in again")
    body = {
        "client_id": signin.client.client_id,
        "client_secret": signin.client.client_secret,
        "code": answer.get("code", ""),
        "expiring": "1",  # compulsory for public apps
    }
    return _token_request(_base(signin), body)


def read_exchanged(signin: Signin, response: Response) -> Granted:
    """Raises ProviderError: Refused4xx for a code that is used up or too old."""
    if response.status in {400, 401, 403, 404}:
        raise Refused4xx(
            "Shopify does not take the code: it is used up, too old, or of another app",
            details=replies.described(response),
            hint="begin the sign-in again",
        )
    given = _tokens(response)
    secret = {"shop": shop_of(signin.values), "access_token": given["access_token"]}
    if given.get("refresh_token"):
        secret["refresh_token"] = given["refresh_token"]
    scopes = tuple(name for name in str(given.get("scope", "")).split(",") if name)
    return Granted(secret, secret["shop"], signin.base_url, _seconds(given.get("expires_in")), scopes)


def renew(credential: Credential) -> Request | None:
    """None where the token does not end, or nobody knows the app that it belongs to."""
    refresh = credential.secret.get("refresh_token", "")
    if credential.kind != OAUTH_KIND or not refresh or credential.client is None:
        return None
    body = {
        "client_id": credential.client.client_id,
        "client_secret": credential.client.client_secret,
        "grant_type": "refresh_token",
        "refresh_token": refresh,
    }
    return _token_request(base_of(credential), body)


def read_renewed(credential: Credential, response: Response) -> Renewed:
    """The new pair: the old refresh token is worth nothing from here on. Raises Unauthorized if the grant is gone."""
    if credential.kind != OAUTH_KIND:
        raise NotPolled("the token of a custom app does not end")
    if response.status in {400, 401, 403, 404}:
        raise Unauthorized(
            "Shopify does not renew the token: the app was uninstalled, or the refresh token was used up",
            details=replies.described(response),
            hint="let the merchant sign in again",
        )
    given = _tokens(response)
    secret = {**credential.secret, "access_token": given["access_token"]}
    if given.get("refresh_token"):
        secret["refresh_token"] = given["refresh_token"]
    return Renewed(secret, _seconds(given.get("expires_in")))


def _signed(answer: Mapping[str, str], client_secret: str) -> bool:
    """https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant#step-1-verify-the-installation-request:
    all parameters but `hmac`, sorted, as a query."""
    given = answer.get("hmac", "")
    message = urlencode(sorted((name, value) for name, value in answer.items() if name not in {"hmac", "signature"}), safe=":/")
    made = hmac.new(client_secret.encode(), message.encode(), sha256).hexdigest()
    return hmac.compare_digest(made.encode(), given.encode())


def _base(signin: Signin) -> str:
    shop = shop_of(signin.values)
    return (signin.base_url or f"https://{shop}").rstrip("/")


def _token_request(base: str, body: Mapping[str, str]) -> Request:
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    return Request("POST", f"{base}/admin/oauth/access_token", headers=headers, body=msgspec.json.encode(body))


def _tokens(response: Response) -> Mapping[str, Any]:
    """What a token reply holds. Raises ProviderError."""
    if response.status != 200:
        raise _token_error(response)
    try:
        given = msgspec.json.decode(response.body, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as exc:
        raise _unreadable(response) from exc
    if not isinstance(given.get("access_token"), str) or not isinstance(given.get("refresh_token", ""), str):
        raise _unreadable(response)
    return given


def _unreadable(response: Response) -> ProviderError:
    # The reply may hold the tokens: nothing of it is shown.
    details = f"status {response.status}, {len(response.body):,} bytes"
    return Unavailable("Shopify's answer to the request for a token cannot be read", details=details, hint="it is asked again")


def _token_error(response: Response) -> ProviderError:
    details = f"status {response.status}"
    if response.status == 429:
        return RateLimited("Shopify asks to slow down", retry_after=retry_after(response), details=details, hint="it is asked again")
    if response.status >= 500 or response.status == 408:
        return Unavailable("Shopify failed to answer the request for a token", details=details, hint="it is asked again")
    return Refused4xx("Shopify refused the request for a token", details=details, hint="look at the app's client id and secret")


def _seconds(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else None
