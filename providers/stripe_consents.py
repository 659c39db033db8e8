"""How an account is opened to us at Stripe: through Connect, or by installing an app of Stripe's marketplace.

https://docs.stripe.com/connect/oauth-reference: tokens of Connect do not end. https://docs.stripe.com/stripe-apps/api-authentication/oauth:
those of an app end after an hour, and each renewal brings a new refresh token, good for a year. Stripe takes no code challenge.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from pgsluice.providers import replies
from pgsluice.providers.base import Client, Credential, Renewed, Request, Response
from pgsluice.providers.consent import Consent, Granted, Signin
from pgsluice.providers.errors import Malformed, ProviderError, RateLimited, Refused4xx, Unauthorized, Unavailable, Unreadable
from pgsluice.providers.limits import retry_after

CONNECT: Final = "stripe_oauth2"
APP: Final = "stripe_app_oauth2"
CONSENTS: Final[Mapping[str, Consent]] = {CONNECT: Consent(("read_write",), pkce=False), APP: Consent((), pkce=False)}
APP_LASTS: Final = 3600.0  # the reply does not say it
_PAGES: Final = {
    CONNECT: ("https://connect.stripe.com", "/oauth/authorize"),
    APP: ("https://marketplace.stripe.com", "/oauth/v2/authorize"),
}
_TOKENS: Final = {CONNECT: ("https://connect.stripe.com", "/oauth/token"), APP: ("https://api.stripe.com", "/v1/oauth/token")}
_REDIRECTS: Final = "https://dashboard.stripe.com/settings/connect/onboarding-options/oauth"


def authorize(signin: Signin) -> str:
    host, path = _PAGES[signin.kind]
    query = {"response_type": "code", "client_id": signin.client.client_id, "redirect_uri": signin.redirect_uri, "state": signin.state}
    if signin.kind == CONNECT:
        query["scope"] = " ".join(signin.scopes)
    return f"{(signin.base_url or host).rstrip('/')}{path}?{urlencode(query)}"


def exchange(signin: Signin, answer: Mapping[str, str]) -> Request:
    return _asked(signin.kind, signin.client, signin.base_url, {"grant_type": "authorization_code", "code": answer["code"]})


def read_exchanged(signin: Signin, response: Response) -> Granted:
    found = _reply(response)
    if found is None:
        raise Refused4xx(
            "Stripe does not take the code: it was used before, is too old, or is not meant for this app",
            details=_said(response),
            hint=f"sign in again; if this stays, compare the app's client id, its secret key and their mode: {_REDIRECTS}",
        )
    account = found.get("stripe_user_id")
    if not isinstance(account, str):
        raise Unreadable("the reply of Stripe does not say which account was opened", hint="look whether the address is that of Stripe")
    # One account has two sets of data, and a token opens one of them.
    account = f"{account}/test" if found.get("livemode") is False else account
    scope = found.get("scope")
    scopes = tuple(scope.split()) if isinstance(scope, str) else ()
    return Granted(_secret(signin.kind, found), account, None, APP_LASTS if signin.kind == APP else None, scopes)


def renew(credential: Credential) -> Request | None:
    if credential.kind != APP or not credential.secret.get("refresh_token"):
        return None
    if credential.client is None:
        raise Malformed("the credential names no OAuth app to renew its token with", hint="store it again with its oauth_app_id")
    form = {"grant_type": "refresh_token", "refresh_token": credential.secret["refresh_token"]}
    return _asked(APP, credential.client, credential.base_url, form)


def read_renewed(response: Response) -> Renewed:
    found = _reply(response)
    if found is None:
        raise Unauthorized(
            "Stripe no longer takes the refresh token", details=_said(response), hint="the account has to be connected again"
        )
    return Renewed(_secret(APP, found), APP_LASTS)


def _asked(kind: str, client: Client, base_url: str | None, form: Mapping[str, str]) -> Request:
    """Stripe knows the app by its platform's secret key, as the user of basic authentication."""
    host, path = _TOKENS[kind]
    key = base64.b64encode(f"{client.client_secret}:".encode()).decode()
    headers = {"Authorization": f"Basic {key}", "Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    return Request("POST", f"{(base_url or host).rstrip('/')}{path}", (), headers, urlencode(form).encode())


def _reply(response: Response) -> dict[str, Any] | None:
    """The tokens; None where Stripe says that the grant is none (invalid_grant)."""
    found = _object(response)
    if response.status == 200 and found is not None:
        return found
    if response.status == 400 and found is not None and found.get("error") == "invalid_grant":
        return None
    raise _error(response)


def _error(response: Response) -> ProviderError:
    details = _said(response)
    if response.status == 429:
        return RateLimited("Stripe asks to slow down (status 429)", retry_after=retry_after(response), details=details)
    if response.status >= 500 or response.status == 408:
        return Unavailable(f"Stripe failed to answer (status {response.status})", details=details, hint="https://status.stripe.com")
    if _object(response) is None:
        return replies.unreadable(response, "Stripe", "it is no answer about tokens")
    if response.status == 401:
        hint = "give the OAuth app the secret key of the platform that it belongs to: pgsluice oauth-app update"
        return Refused4xx("Stripe does not know the OAuth app by its secret key", details=details, hint=hint)
    hint = "the message is Stripe's own; look at the OAuth app there"
    return Refused4xx(f"Stripe refused the exchange (status {response.status})", details=details, hint=hint)


def _secret(kind: str, found: Mapping[str, Any]) -> dict[str, str]:
    names = ("access_token", "refresh_token") if kind == APP else ("access_token",)
    missing = [name for name in names if not isinstance(found.get(name), str)]
    if missing:
        # Not the reply: it holds the rest of the secret.
        raise Unreadable(f"the reply of Stripe lacks {', '.join(missing)}", hint="look whether the address is that of Stripe")
    return {name: found[name] for name in names}


def _object(response: Response) -> dict[str, Any] | None:
    try:
        found = msgspec.json.decode(response.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _said(response: Response) -> str:
    """Stripe's own words. The reply itself may hold tokens, and is not shown."""
    found = _object(response) or {}
    words = [found[name] for name in ("error", "error_description") if isinstance(found.get(name), str)]
    inner = found.get("error")
    if isinstance(inner, dict) and isinstance(inner.get("message"), str):
        words.append(inner["message"])
    return replies.plain(": ".join(words) or f"status {response.status}", 300)
