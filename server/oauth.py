"""OAuth apps, and consents that are asked for: what needs a token. What a browser does without one is in `signing_in`."""

from __future__ import annotations

import json
import re
import uuid
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request
from starlette.responses import Response

from pgsluice.db import api_oauth
from pgsluice.db.apps import sealed_app
from pgsluice.db.errors import make
from pgsluice.db.serving import Token
from pgsluice.providers import registry, signing
from pgsluice.providers.base import BASE_URL, is_base_url
from pgsluice.providers.errors import ProviderError
from pgsluice.server import bodies
from pgsluice.server.answers import nothing, raw
from pgsluice.server.bodies import json_text, optional, text
from pgsluice.server.errors import BadFields, malformed
from pgsluice.server.masks import INSTEAD, is_masked

if TYPE_CHECKING:
    from pgsluice.server.app import App

CALLBACK: Final = "/v1/oauth/callback"
START: Final = "/v1/oauth/start"
MAX_STATE: Final = 5120
_TEXT: Final = optional(text)
_TEXTS: Final = optional(bodies.texts)
_OBJECT: Final = optional(json_text(dict))
_HOST: Final = re.compile(r"[A-Za-z0-9.-]+(?::[0-9]+)?|\[[0-9A-Fa-f:.]+\](?::[0-9]+)?", re.ASCII)


def public_url(app: App, request: Request) -> str:
    """Where browsers reach this server: as it is set, else as this request did. SL005 for a host that is none."""
    if app.settings.public_url is not None:
        return app.settings.public_url
    if not _HOST.fullmatch(request.url.netloc):
        raise malformed("the Host header names no host", "send the host and port that you call")
    return f"{request.url.scheme}://{request.url.netloc}"


def redirect_uri(app: App, request: Request) -> str:
    """What is to be registered at the vendor."""
    return public_url(app, request) + CALLBACK


# ---------------------------------------------------------------- OAuth apps


def _base_url(value: Any) -> str:
    if not is_base_url(text(value)):
        raise ValueError(f"must be {BASE_URL}")
    return str(value)


async def oauth_app_create(app: App, request: Request, token: Token) -> Response:
    names = ("id", "provider", "client_id", "client_secret", "name", "base_url", "scopes", "redirect_urls", "metadata")
    given = await bodies.asked(
        request,
        app.settings.max_body,
        id=_TEXT,
        provider=text,
        client_id=text,
        client_secret=text,
        name=_TEXT,
        base_url=optional(_base_url),
        scopes=_TEXTS,
        redirect_urls=_TEXTS,
        metadata=_OBJECT,
    )
    missing = {name: "is missing" for name in ("provider", "client_id", "client_secret") if not given.get(name)}
    if missing:
        raise BadFields(missing)
    if is_masked(given["client_secret"]):
        raise BadFields({"client_secret": INSTEAD})
    values = {**dict.fromkeys(names), **given, "redirect_uri": redirect_uri(app, request)}
    values["id"] = values["id"] if values["id"] is not None else str(uuid.uuid4())
    sealing = _sealed(app, values["id"], values.pop("client_secret"))
    return raw(await app.store.run(token, api_oauth.oauth_app_put({**values, **sealing})), 201)


async def oauth_app_update(app: App, request: Request, token: Token) -> Response:
    given = await bodies.asked(
        request,
        app.settings.max_body,
        client_id=text,
        client_secret=text,
        name=_or(text, ""),
        base_url=_or(_base_url, ""),
        scopes=_or(bodies.texts, []),
        redirect_urls=_or(bodies.texts, []),
        metadata=_or(json_text(dict), "{}"),
    )
    if not given:
        raise BadFields({"client_secret": "is missing, and so is any other field to be changed"})
    oauth_app_id = request.path_params["id"]
    names = ("client_id", "name", "base_url", "scopes", "redirect_urls", "metadata")
    secret = given.pop("client_secret", None)
    if given.get("base_url") and (secret is None or is_masked(secret)):
        known = json.loads(await _app(app, request, token, oauth_app_id))
        if given["base_url"] != known["base_url"]:
            raise BadFields({"base_url": "is another one: give the client_secret along with it, since it would be sent there"})
    values = {**dict.fromkeys(names), **given, "id": oauth_app_id, "redirect_uri": redirect_uri(app, request)}
    asks = [api_oauth.oauth_app_update(values)]
    if secret is not None and not is_masked(secret):
        if not secret:
            raise BadFields({"client_secret": "must not be empty"})
        asks.insert(0, api_oauth.oauth_app_secret({"id": oauth_app_id, **_sealed(app, oauth_app_id, secret)}))
    return raw(await app.store.run(token, *asks))


def _or(check: bodies.Check, nothing_at_all: Any) -> bodies.Check:
    """Null takes a setting away, for which SQL has a word of its own."""
    return lambda value: nothing_at_all if value is None else check(value)


def _sealed(app: App, oauth_app_id: str, client_secret: str) -> dict[str, Any]:
    key = app.settings.key_to_seal()
    return {"sealed": sealed_app(oauth_app_id, client_secret, key), "key_version": key.version}


async def oauth_app_list(app: App, request: Request, token: Token) -> Response:
    values = {**bodies.page(request, provider=text), "redirect_uri": redirect_uri(app, request)}
    return raw(await app.store.run(token, api_oauth.oauth_apps(values)))


async def oauth_app_info(app: App, request: Request, token: Token) -> Response:
    bodies.query(request.query_params)
    return raw(await _app(app, request, token, request.path_params["id"]))


async def _app(app: App, request: Request, token: Token, oauth_app_id: str) -> bytes:
    found = await app.store.run(token, api_oauth.oauth_app_info({"id": oauth_app_id, "redirect_uri": redirect_uri(app, request)}))
    if found == b"null":
        raise make(f'OAuth app "{oauth_app_id[:200]}" does not exist', code="SL175", hint="list them: GET /v1/oauth-apps")
    return found


async def oauth_app_delete(app: App, request: Request, token: Token) -> Response:
    await app.store.run(token, api_oauth.oauth_app_delete(request.path_params["id"]))
    return nothing()


# ---------------------------------------------------------------- consents


def _strings(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise ValueError("must be an object of strings")
    return value


def _scopes(value: Any) -> list[str]:
    return text(value).replace(",", " ").split() if isinstance(value, str) else bodies.texts(value)


async def start_auth(app: App, request: Request, token: Token) -> Response:
    """The address to send a customer's browser to, good once within five minutes. SL175, SL176, SL208."""
    bodies.query(request.query_params)
    body = await bodies.json_object(request, app.settings.max_body)
    if not isinstance(body.get("oauth_app_id"), str):
        raise BadFields({"oauth_app_id": "is missing: the OAuth app to sign in through"})
    known = json.loads(await _app(app, request, token, body["oauth_app_id"]))
    try:
        provider = registry.get(known["provider"])
        kind, consent = signing.chosen(provider, body.get("credential_kind"))
        # What has to be known before may stand with the rest, as `shop`.
        beside = {value.name: body.pop(value.name) for value in consent.values if value.name in body}
        given = bodies.fields(
            body,
            oauth_app_id=text,
            credential_kind=_TEXT,
            redirect_url=text,
            state=optional(bodies.words(MAX_STATE)),
            scopes=optional(_scopes),
            values=_strings,
            name=_TEXT,
            metadata=_OBJECT,
        )
        if "redirect_url" not in given:
            raise BadFields({"redirect_url": "is missing: where the browser is to go afterwards"})
        values = {**_strings(beside), **given.get("values", {})}
        scopes = given.get("scopes") or known["scopes"]
        facts = {"client_id": known["client_id"], "redirect_uri": known["redirect_uri"], "base_url": known["base_url"]}
        signing.checked(provider, kind, scopes=scopes, values=values, **facts)
    except ProviderError as exc:
        raise make(exc.message, code=exc.code, details=exc.details, hint=exc.hint) from None
    except ValueError as exc:
        raise BadFields({"values": str(exc)}) from None
    names = ("redirect_url", "state", "scopes", "name", "metadata")
    asked = {**dict.fromkeys(names), **given, "kind": kind, "values": json.dumps(values)}
    opened = json.loads(await app.store.run(token, api_oauth.signin_open(asked)))
    answer = {"start_url": f"{public_url(app, request)}{START}/{opened['start_token']}", "expires_at": opened["expires_at"]}
    return raw(json.dumps({**answer, "redirect_uri": known["redirect_uri"]}).encode(), headers={"Cache-Control": "no-store"})
