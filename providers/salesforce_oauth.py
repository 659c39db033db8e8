"""Tokens of Salesforce: consent, renewal, and the grant of an app by itself.

https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_web_server_flow.htm: the reply names the instance, which may be
another one after each renewal, and says nothing of when the token ends: the 401 INVALID_SESSION_ID of a request does.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import msgspec

from pgsluice.providers import replies
from pgsluice.providers.base import BASE_URL, Credential, Renewed, Request, Response, SecretField, is_base_url
from pgsluice.providers.consent import Consent, Granted, Signin
from pgsluice.providers.errors import Malformed, ProviderError, RateLimited, Refused4xx, Unauthorized, Unavailable
from pgsluice.providers.limits import retry_after
from pgsluice.providers.salesforce_errors import VENDOR
from pgsluice.providers.salesforce_objects import long_id

OAUTH: Final = "salesforce_oauth2"
CLIENT: Final = "salesforce_client_credentials"
LOGIN: Final = "https://login.salesforce.com"
_DOMAIN: Final = SecretField(
    "instance_url", "the address of the organization, as https://example.my.salesforce.com (Setup, My Domain)", address=True
)
KINDS: Final[Mapping[str, tuple[SecretField, ...]]] = {
    OAUTH: (
        _DOMAIN,
        SecretField("refresh_token", "the refresh_token that Salesforce answered to an OAuth app; oauth_app_id names that app"),
    ),
    CLIENT: (
        _DOMAIN,
        SecretField("client_id", "the consumer key of an app with the client credentials flow (Setup, App Manager)"),
        SecretField("client_secret", "its consumer secret"),
    ),
}
CONSENTS: Final[Mapping[str, Consent]] = {
    OAUTH: Consent(
        ("api", "refresh_token"),
        values=(
            SecretField(
                "login_url", "login.salesforce.com (if left out), test.salesforce.com for a sandbox, or its My Domain host", optional=True
            ),
        ),
    )
}
# Who may get the client's secret: https://help.salesforce.com/s/articleView?id=sf.faq_domain_name_what.htm
_HOSTS: Final = (".salesforce.com", ".salesforce.mil", ".sfcrmproducts.cn")
_WORD: Final = re.compile(r"[!-~]{5,4000}", re.ASCII)  # fit for a header and for a form
_ORGANIZATION: Final = re.compile(r"/id/(00D[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?)/", re.ASCII)
_LATER: Final = frozenset({"unknown_error", "server_error", "temporarily_unavailable"})


def authorize(signin: Signin) -> str:
    query = {
        "response_type": "code",
        "client_id": signin.client.client_id,
        "redirect_uri": signin.redirect_uri,
        "scope": " ".join(signin.scopes or CONSENTS[OAUTH].scopes),
        "state": signin.state,
    }
    if signin.verifier is not None:
        digest = urlsafe_b64encode(sha256(signin.verifier.encode()).digest()).rstrip(b"=").decode()
        query |= {"code_challenge": digest, "code_challenge_method": "S256"}
    return f"{_login(signin)}/services/oauth2/authorize?{urlencode(query)}"


def exchange(signin: Signin, answer: Mapping[str, str]) -> Request:
    if "code" not in answer:
        word = replies.plain(answer.get("error_description") or answer.get("error", "no code came back"), 200)
        raise Refused4xx(f"{VENDOR} gave no access: {word}", hint="begin the sign-in anew, and allow the access")
    form = {
        "grant_type": "authorization_code",
        "code": answer["code"],
        "client_id": signin.client.client_id,
        "client_secret": signin.client.client_secret,
        "redirect_uri": signin.redirect_uri,
    }
    return _post(_login(signin), form if signin.verifier is None else {**form, "code_verifier": signin.verifier})


def read_exchanged(signin: Signin, response: Response) -> Granted:
    given = _json(response)
    if response.status in {400, 401}:
        raise Refused4xx(
            f"{VENDOR} took the code no more: {_said(given)}", hint="a code is good once and for minutes: begin the sign-in anew"
        )
    token, instance = _token(response, given)
    refresh = given.get("refresh_token")
    if not isinstance(refresh, str) or not refresh:
        raise Refused4xx(
            f"{VENDOR} gave no refresh token, so the access would end within hours",
            hint="let the app in Salesforce have the scope refresh_token (Perform requests at any time), and sign in again",
        )
    secret = {"access_token": token, "refresh_token": refresh, "instance_url": instance, "login_url": _login(signin)}
    scopes = tuple(str(given.get("scope", "")).split())
    return Granted(secret, account=_organization(given.get("id")), base_url=instance, scopes=scopes)


def renew(credential: Credential) -> Request | None:
    secret = credential.secret
    if credential.kind == CLIENT:
        form = {"grant_type": "client_credentials", **{name: secret.get(name, "") for name in ("client_id", "client_secret")}}
        return _post(secret.get("instance_url", ""), form)
    if not secret.get("refresh_token") or credential.client is None:
        return None
    form = {
        "grant_type": "refresh_token",
        "refresh_token": secret["refresh_token"],
        "client_id": credential.client.client_id,
        "client_secret": credential.client.client_secret,
    }
    return _post(secret.get("login_url") or _typed(credential), form)


def read_renewed(credential: Credential, response: Response) -> Renewed:
    given = _json(response)
    if response.status in {400, 401, 403} and given.get("error") not in _LATER:
        raise Unauthorized(
            f"{VENDOR} renews the token no more: {_said(given)}",
            hint="the access was revoked or has ended: sign in again, or correct the app's key and secret; the sync then goes on",
        )
    token, instance = _token(response, given)
    kept = {"access_token": token}
    if credential.kind == OAUTH:
        kept["instance_url"] = instance
    if isinstance(given.get("refresh_token"), str) and given["refresh_token"]:
        kept["refresh_token"] = given["refresh_token"]
    # Without expires_in: the session lasts for as long as the organization's settings say, from its last use on.
    return Renewed({**credential.secret, **kept}, None, instance)


def identify(root: str, headers: Mapping[str, str]) -> Request:
    """https://help.salesforce.com/s/articleView?id=sf.remoteaccess_using_userinfo_endpoint.htm"""
    return Request("GET", f"{root}/services/oauth2/userinfo", (), headers)


def read_identified(response: Response) -> str:
    found = _json(response).get("organization_id") if response.status == 200 else None
    if not isinstance(found, str) or not found:
        raise replies.unreadable(response, VENDOR, "it names no organization")
    return long_id(found)


def base_url(credential: Credential) -> str:
    """Where the account lives now."""
    return (credential.base_url or credential.secret.get("instance_url") or LOGIN).rstrip("/")


def seal_check(kind: str, secret: Mapping[str, str]) -> None:
    if kind not in KINDS:
        raise Malformed(f"{VENDOR} has no credential of kind {kind!r}", hint=f"the kinds are {', '.join(KINDS)}")
    for name in [field.name for field in KINDS[kind]]:
        if name == "instance_url":
            if not is_base_url(secret.get(name, "")):
                raise Malformed(f"{name} is no address", hint=f"give {BASE_URL}: {_DOMAIN.description}")
        elif not _WORD.fullmatch(secret.get(name, "")):
            raise Malformed(f"this is no {name}", details=f"{len(secret.get(name, ''))} characters", hint="copy it whole, without spaces")


def _login(signin: Signin) -> str:
    """Where the person signs in. It gets the client's secret, so it must be Salesforce's, or what the operator set."""
    if signin.base_url is not None:
        return signin.base_url.rstrip("/")
    given = signin.values.get("login_url", "").strip() or LOGIN
    url = given if "://" in given else f"https://{given}"
    host = (urlsplit(url).hostname or "").lower() if is_base_url(url) else ""
    if not url.startswith("https://") or not host.endswith(_HOSTS) or urlsplit(url).port is not None:
        raise Malformed(
            "login_url is no host of Salesforce's", hint="login.salesforce.com, test.salesforce.com or example.my.salesforce.com"
        )
    return f"https://{host}"


def _typed(credential: Credential) -> str:
    """Where an imported refresh token is renewed. It gets the client's secret: a host of Salesforce's, or the address that the app has."""
    root = credential.secret.get("instance_url") or credential.base_url or LOGIN
    parts = urlsplit(root)
    own = parts.scheme == "https" and (parts.hostname or "").lower().endswith(_HOSTS) and parts.port is None
    if not own and root.rstrip("/") != (credential.base_url or "").rstrip("/"):
        raise Malformed(
            "instance_url is no host of Salesforce's, and the secret of the OAuth app is sent there",
            hint="correct instance_url, or give the app and the credential that base_url",
        )
    return root


def _post(root: str, form: Mapping[str, str]) -> Request:
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    return Request("POST", f"{root.rstrip('/')}/services/oauth2/token", (), headers, urlencode(form).encode())


def _token(response: Response, given: Mapping[str, Any]) -> tuple[str, str]:
    """The token and the instance. Raises ProviderError."""
    if response.status != 200:
        raise _trouble(response)
    token, instance = given.get("access_token"), given.get("instance_url")
    if not isinstance(token, str) or not _WORD.fullmatch(token) or not isinstance(instance, str) or not is_base_url(instance):
        raise replies.unreadable(response, VENDOR, "it has no access_token with an instance_url")
    return token, instance.rstrip("/")


def _trouble(response: Response) -> ProviderError:
    if response.status == 429:
        return RateLimited(f"{VENDOR} asks to slow down", retry_after=retry_after(response), hint="it is tried again by itself")
    if response.status >= 500 or _json(response).get("error") in _LATER:
        return Unavailable(f"{VENDOR} gave no token (status {response.status})", hint="it is tried again by itself")
    return replies.unreadable(response, VENDOR, f"status {response.status} in place of a token")


def _organization(identity: object) -> str | None:
    """`id` of the reply: https://login.salesforce.com/id/00D…/005…"""
    found = _ORGANIZATION.search(identity) if isinstance(identity, str) else None
    return long_id(found[1]) if found else None


def _json(response: Response) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(response.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _said(given: Mapping[str, Any]) -> str:
    words = ": ".join(str(given[name]) for name in ("error", "error_description") if given.get(name))
    return replies.plain(words, 200) or "it says no reason"
