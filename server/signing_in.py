"""What a customer's browser does without a token: it opens a start address, goes to the vendor, and comes back with an answer.

The start address is good once. It gives the browser a cookie, and the vendor a state of 256 bits; the database keeps digests of both, and
the verifier of PKCE sealed. The answer counts once, for ten minutes, in the browser that has the cookie. The code in it goes, sealed, to a
poller; the browser waits for what comes of it, and is sent to the address that the OAuth app allows, and to no other.
"""

from __future__ import annotations

import asyncio
import hashlib
import html
import json
import secrets as chance
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from starlette.requests import Request
from starlette.responses import Response

from pgsluice.db import api_oauth, secrets
from pgsluice.db.errors import SluiceError, make
from pgsluice.db.serving import Token
from pgsluice.providers import registry
from pgsluice.providers.base import Client
from pgsluice.providers.consent import Signin
from pgsluice.providers.errors import ProviderError
from pgsluice.providers.replies import plain
from pgsluice.server.answers import nothing
from pgsluice.server.oauth import redirect_uri

if TYPE_CHECKING:
    from pgsluice.server.app import App

# Seconds that a browser waits for a poller; a vendor has less (poller/exchanges.py).
WAIT: Final = 40.0
# Between two looks, where nobody tells.
LOOK: Final = 1.0
COOKIE_AGE: Final = 600
_NOBODY: Final = Token(None)
# Nothing of this is to be kept, or told to the next address.
_PRIVATE: Final = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
_WORDS: Final = {"SL178": "access_denied", "SL177": "sign_in_expired", "SL210": "signature_refused"}


def _digest(value: str) -> bytes:
    return hashlib.sha256(value.encode()).digest()


def _cookie(bound: bytes) -> str:
    """One name a consent, so that several may be under way in one browser."""
    return f"pgsluice_{bound.hex()[:16]}"


async def start(app: App, request: Request) -> Response:
    """Sends the browser to the vendor. SL177."""
    if request.method == "HEAD":
        return nothing()  # a look is not a visit: it must not use the address up
    key = app.settings.key_to_seal()
    state, browser, verifier = chance.token_urlsafe(32), chance.token_urlsafe(32), chance.token_urlsafe(48)
    bound, back = _digest(state), redirect_uri(app, request)
    asked = {
        "start_token": request.path_params["token"],
        "state_digest": bound,
        "browser_digest": _digest(browser),
        "redirect_uri": back,
        "verifier": secrets.seal({"verifier": verifier}, secrets.of_signin(bound.hex()), key),
        "key_version": key.version,
    }
    found = json.loads(await app.store.run(_NOBODY, api_oauth.signin_begin(asked)))
    to = _vendors_page(found, Client(found["client_id"], ""), back, state, verifier)
    parts = urlsplit(back)
    secure = "; Secure" if parts.scheme == "https" else ""
    # Lax: the vendor's page leads back by a link, and the cookie has to come along.
    cookie = f"{_cookie(bound)}={browser}; Path={parts.path}; Max-Age={COOKIE_AGE}; HttpOnly; SameSite=Lax{secure}"
    return Response(status_code=302, headers={"Location": to, "Set-Cookie": cookie, **_PRIVATE})


def _vendors_page(found: dict[str, Any], client: Client, back: str, state: str, verifier: str) -> str:
    try:
        provider = registry.resolve(found["provider"], found["document"])
        consent = provider.consents[found["kind"]]
        scopes = tuple(found["scopes"]) or consent.scopes
        proof = verifier if consent.pkce else None
        return provider.authorize(Signin(found["kind"], client, back, state, scopes, found["values"], proof, found["base_url"]))
    except (ProviderError, KeyError) as exc:
        details = exc.message if isinstance(exc, ProviderError) else f"{found['provider']} has no consent for {found['kind']}"
        hint = "Go back to where you came from, and begin again."
        raise make("the vendor cannot be asked", code="SL177", details=details, hint=hint) from None


async def callback(app: App, request: Request) -> Response:
    """Takes the vendor's answer, waits for what a poller makes of it, and sends the browser on. SL177."""
    if request.method == "HEAD":
        return nothing()
    try:
        pairs = parse_qsl(request.url.query, keep_blank_values=True, max_num_fields=100)
    except ValueError:
        raise _unusable("it has too many fields") from None
    query = dict(pairs)
    if len(query) < len(pairs) or not query.get("state"):
        raise _unusable("it has no state" if not query.get("state") else "a name stands in it twice")
    refusal = _refusal(query)
    if refusal is None and not query.get("code"):
        raise _unusable("it has no code")
    bound, key = _digest(query["state"]), app.settings.key_to_seal()
    asked = {
        "state_digest": bound,
        "browser_digest": _digest(request.cookies.get(_cookie(bound), "")),
        "answer": secrets.seal({"query": json.dumps(query)}, secrets.of_signin(bound.hex()), key),
        "key_version": key.version,
        "refusal": None if refusal is None else json.dumps(refusal.as_dict()),
    }
    signin_id = json.loads(await app.store.run(_NOBODY, api_oauth.signin_answer(asked)))
    response = _sent_on(await _concluded(app, signin_id))
    response.headers["Set-Cookie"] = f"{_cookie(bound)}=; Path={urlsplit(redirect_uri(app, request)).path}; Max-Age=0; HttpOnly"
    return response


def _unusable(why: str) -> SluiceError:
    hint = "Nothing was changed. Go back to where you came from, and begin again."
    return make(f"this answer to a sign-in does not count: {why}", code="SL177", hint=hint)


def _refusal(query: dict[str, str]) -> SluiceError | None:
    """What the vendor said in place of a code (RFC 6749, 4.1.2.1)."""
    error = query.get("error")
    if error is None:
        return None
    said = plain(query.get("error_description", ""), 200)
    if error == "access_denied":
        return make("the access was denied at the vendor", code="SL178", details=said or None, hint="Sign in again, and agree.")
    hint = "Look at the OAuth app at the vendor, and at its scopes and redirect URI; then sign in again."
    return make(f"the vendor refused to ask: {plain(error, 100)}", code="SL203", details=said or None, hint=hint)


async def _concluded(app: App, signin_id: str) -> dict[str, Any]:
    """What became of the consent; what is not finished in time is an error for now."""
    end = time.monotonic() + WAIT
    async with app.hub.signin(signin_id) as event:
        while True:
            event.clear()
            found: dict[str, Any] = json.loads(await app.store.run(_NOBODY, api_oauth.signin_result(signin_id)))
            if found is None:
                raise _unusable("its OAuth app was deleted")
            if found["finished"]:
                return found
            if time.monotonic() > end or app.stopping.is_set():
                hint = "See that a poller runs (pgsluice up, pgsluice poll); the account may be connected in a moment all the same."
                return {**found, "error": make("the sign-in is not finished yet", code="SL177", hint=hint).as_dict()}
            try:
                async with asyncio.timeout(LOOK):
                    await event.wait()
            except TimeoutError:
                continue


def _sent_on(found: dict[str, Any]) -> Response:
    """To the address that was named at the start, which the OAuth app allows; to a page of our own where none was named."""
    error = found["error"]
    if found["redirect_url"] is None:
        return _page("The account is connected." if error is None else error["message"], error)
    if error is None:
        answer = {"credential_id": found["credential_id"]}
    else:
        words = ". ".join(str(error[name]).rstrip(".") for name in ("message", "hint") if error.get(name))
        answer = {"error": _WORDS.get(error["code"], "sign_in_failed"), "error_description": words, "error_code": error["code"]}
    if found["state"] is not None:
        answer["state"] = found["state"]
    parts = urlsplit(found["redirect_url"])
    query = "&".join(part for part in (parts.query, urlencode(answer)) if part)
    return Response(status_code=302, headers={"Location": urlunsplit(parts._replace(query=query)), **_PRIVATE})


def _page(words: str, error: dict[str, Any] | None) -> Response:
    more = "You may close this window." if error is None else str(error.get("hint") or "")
    body = f"<!doctype html><meta charset=utf-8><title>pgsluice</title><p>{html.escape(words)}</p><p>{html.escape(more)}</p>"
    headers = {**_PRIVATE, "Content-Security-Policy": "default-src 'none'"}
    return Response(body, 200 if error is None else 400, headers, "text/html")
