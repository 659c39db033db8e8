"""Who may ask HubSpot: tokens of private apps, and OAuth 2.

https://developers.hubspot.com/docs/api-reference/latest/authentication/oauth-tokens: parameters stand in the body only, `expires_in` is
to be obeyed (1,800 s today), and the refresh token stays the same, though an answer may bring another one. HubSpot takes no PKCE challenge.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from pgsluice.providers import rawjson, replies
from pgsluice.providers.base import Client, Credential, Limit, Renewed, Request, Response, SecretField
from pgsluice.providers.consent import Consent, Granted, Signin
from pgsluice.providers.errors import Malformed, ProviderError, Refused4xx, Unauthorized
from pgsluice.providers.hubspot_errors import APPS_PAGE, error_of, fault
from pgsluice.providers.hubspot_types import API

BASE_URL: Final = "https://api.hubapi.com"
# https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/oauth/working-with-oauth
AUTHORIZE_URL: Final = "https://app.hubspot.com"
KEY: Final = "hubspot_key"
OAUTH: Final = "hubspot_oauth2"
KINDS: Final[Mapping[str, tuple[SecretField, ...]]] = {
    KEY: (
        SecretField("secret", f"the access token (pat-…) of a private app, from {APPS_PAGE}"),
        SecretField(
            "plan",
            "how much HubSpot allows the account: free or starter (100 requests in 10 s, if left out), professional or enterprise (190), "
            "increased (250: with the API Limit Increase)",
            optional=True,
        ),
    ),
    OAUTH: (
        SecretField(
            "access_token",
            "the access_token that HubSpot's OAuth answered; without it, it is asked for with the refresh token",
            optional=True,
        ),
        SecretField("refresh_token", "the refresh_token that HubSpot's OAuth answered"),
    ),
}
_TYPES: Final = ("contacts", "companies", "deals", "line_items", "quotes", "products")
_READS: Final = (*(f"crm.objects.{name}.read" for name in _TYPES), "crm.objects.owners.read", "crm.objects.custom.read", "tickets")
_WRITES: Final = (*(f"crm.objects.{name}.write" for name in _TYPES), "crm.objects.custom.write")
_SCHEMAS: Final = ("crm.schemas.custom.read", "crm.schemas.contacts.read", "crm.schemas.companies.read", "crm.schemas.deals.read")
# Every account has these. The others are asked for as optional: an account whose plan lacks one of them could not consent at all.
REQUIRED: Final = ("oauth", "crm.objects.contacts.read")
CONSENT: Final = Consent(scopes=tuple(dict.fromkeys((*REQUIRED, *_READS, *_WRITES, *_SCHEMAS))), pkce=False)

# No form of a token is promised (up to 300 characters were announced once); it must only be fit for a header.
_TOKEN: Final = re.compile(r"[!-~]{8,2000}", re.ASCII)
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}

# https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines: 110 requests in 10 s for an OAuth app in each account;
# for private apps 100 in free and starter accounts, 190 in professional and enterprise ones, 250 where more was bought. The plan is not to
# be seen in a token: where nobody says it, the lowest one is kept to. As so many a second, which keeps to both and spreads them.
RATES: Mapping[str, float] = {KEY: 10.0, OAUTH: 11.0}
PLANS: Final[Mapping[str, float]] = {"free": 10.0, "starter": 10.0, "professional": 19.0, "enterprise": 19.0, "increased": 25.0}
# Searches: 4 a second for each account. Since each request draws from one number, a search draws more of it.
SEARCHES: Final = 4.0


def budget(credential: Credential) -> tuple[Limit, ...]:
    return (Limit("requests", _rate(credential), 1.0),)


def search_cost(credential: Credential) -> float:
    return _rate(credential) / SEARCHES


def _rate(credential: Credential) -> float:
    """Requests a second. What an OAuth app may ask is the same in every account."""
    plan = credential.secret.get("plan", "") if credential.kind == KEY else ""
    return PLANS.get(plan, RATES[credential.kind])


def seal_check(kind: str, secret: Mapping[str, str]) -> None:
    if kind not in KINDS:
        raise Malformed(f"HubSpot has no credential of kind {kind!r}", hint=f"the kinds are {', '.join(KINDS)}")
    if kind == OAUTH:
        _fit(secret.get("refresh_token", ""), "refresh token", "give refresh_token as HubSpot's OAuth answered it")
        if not secret.get("access_token"):
            return
    if secret.get("plan") and secret["plan"] not in PLANS:
        raise Malformed("HubSpot has no such plan", hint=f"the plans are {', '.join(PLANS)}; left out, it is the lowest")
    _bearer(kind, secret)


def headers(credential: Credential) -> dict[str, str]:
    return {"Authorization": f"Bearer {_bearer(credential.kind, credential.secret)}", "Accept": "application/json"}


def _bearer(kind: str, secret: Mapping[str, str]) -> str:
    if kind == OAUTH:
        # An imported refresh token: the refusal of this one leads to the renewal.
        given = secret.get("access_token") or "not-yet-asked-for"
        return _fit(given, "access token", "give access_token as HubSpot's OAuth answered it")
    return _fit(secret.get("secret", ""), "access token of a private app", f"it begins with pat-: {APPS_PAGE}")


def _fit(token: str, what: str, hint: str) -> str:
    """The token, once it is certain that it carries no line break into a header. Raises Malformed."""
    if not _TOKEN.fullmatch(token) or "*" in token:
        raise Malformed(f"this is no {what}", details=f"{len(token)} characters", hint=hint)
    return token


# ---------------------------------------------------------------- tokens


def _form(base_url: str | None, path: str, fields: Mapping[str, str]) -> Request:
    return Request("POST", f"{(base_url or BASE_URL).rstrip('/')}/{path}", (), _FORM, urlencode(fields).encode())


def _client(client: Client) -> dict[str, str]:
    return {"client_id": client.client_id, "client_secret": client.client_secret}


def renew(credential: Credential) -> Request | None:
    refresh_token = credential.secret.get("refresh_token")
    if credential.kind != OAUTH or credential.client is None or not refresh_token:
        return None
    fields = {"grant_type": "refresh_token", **_client(credential.client), "refresh_token": refresh_token}
    return _form(credential.base_url, API.token, fields)


def read_renewed(credential: Credential, response: Response) -> Renewed:
    answer = _tokens(response)
    brought: dict[str, str] = {name: answer[name] for name in ("access_token", "refresh_token") if name in answer}
    secret = {**credential.secret, **brought}
    return Renewed(secret, _seconds(answer))


def authorize(signin: Signin) -> str:
    scopes = signin.scopes or CONSENT.scopes
    # The caller's own choice is asked for as it is.
    asked = tuple(scope for scope in scopes if scope in REQUIRED) if scopes == CONSENT.scopes else scopes
    optional = [scope for scope in scopes if scope not in asked]
    query = {
        "client_id": signin.client.client_id,
        "redirect_uri": signin.redirect_uri,
        "scope": " ".join(asked),
        **({"optional_scope": " ".join(optional)} if optional else {}),
        "state": signin.state,
    }
    return f"{(signin.base_url or AUTHORIZE_URL).rstrip('/')}/oauth/authorize?{urlencode(query)}"


def exchange(signin: Signin, answer: Mapping[str, str]) -> Request:
    code = answer.get("code")
    if not code:
        said = replies.plain(answer.get("error_description") or answer.get("error") or "it brought no code", 200)
        raise Refused4xx(f"HubSpot did not give access: {said}", hint="begin anew, and let the person agree")
    fields = {"grant_type": "authorization_code", **_client(signin.client), "redirect_uri": signin.redirect_uri, "code": code}
    return _form(signin.base_url, API.token, fields)


def read_exchanged(response: Response) -> Granted:
    try:
        answer = _tokens(response)
    except Unauthorized as exc:
        raise Refused4xx(
            exc.message.replace("the renewal", "the code"), details=exc.details, hint="a code is good once and for a short time: begin anew"
        ) from exc
    if "refresh_token" not in answer:
        raise replies.unreadable(response, "HubSpot", "it holds no refresh token")
    hub_id = answer.get("hub_id")
    scopes = answer.get("scopes")
    return Granted(
        secret={name: answer[name] for name in ("access_token", "refresh_token")},
        account=str(hub_id) if isinstance(hub_id, int | str) else None,
        expires_in=_seconds(answer),
        scopes=tuple(scopes) if isinstance(scopes, list) else tuple(str(answer.get("scope", "")).split()),
    )


def _tokens(response: Response) -> dict[str, Any]:
    """The reply of the token endpoint. Raises ProviderError: Unauthorized where the grant is refused."""
    try:
        answer = msgspec.json.decode(response.body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        answer = {}
    if response.status in {400, 401, 403} and (fault(response.body) is not None or "error" in answer):
        said = replies.plain(str(answer.get("message") or answer.get("error_description") or answer.get("error")), 300)
        raise Unauthorized(
            f"HubSpot refused the renewal: {said}",
            details=f"status {response.status}, {replies.plain(str(answer.get('status') or answer.get('error')), 100)}",
            hint="the app was uninstalled, or its client secret changed: let the person consent again",
        )
    if response.status != 200:
        raise error_of(response)
    token = answer.get("access_token")
    if not isinstance(token, str) or not isinstance(answer.get("refresh_token", ""), str):
        raise replies.unreadable(response, "HubSpot", "it holds no access token")
    _fit(token, "access token", "HubSpot answered it; look whether the address is HubSpot's")
    return answer


def _seconds(answer: Mapping[str, Any]) -> float | None:
    given = answer.get("expires_in")
    return float(given) if isinstance(given, int | float) and not isinstance(given, bool) and given > 0 else None


# ---------------------------------------------------------------- which account


def identify(credential: Credential) -> Request | None:
    base = (credential.base_url or BASE_URL).rstrip("/")
    if credential.kind == OAUTH and credential.client is not None:
        token = _bearer(credential.kind, credential.secret)
        return _form(credential.base_url, API.introspect, {**_client(credential.client), "token": token, "token_type_hint": "access_token"})
    # https://developers.hubspot.com/docs/api-reference/latest/account/account-information: for any token
    return Request("GET", f"{base}/{API.account}", (), headers(credential))


def read_identified(response: Response) -> str:
    if response.status != 200:
        raise error_of(response)
    try:
        members = rawjson.object_members(response.body)
    except rawjson.NotJson as exc:
        raise replies.unreadable(response, "HubSpot", str(exc)) from exc
    if members.get("active") == b"false":
        error: ProviderError = Unauthorized("HubSpot says that the token is not valid any more", expired=True, hint="sign in again")
        raise error
    hub_id = rawjson.identity(members.get("hub_id", members.get("portalId", b"")))
    if hub_id is None:
        raise replies.unreadable(response, "HubSpot", "it names no account")
    return hub_id
