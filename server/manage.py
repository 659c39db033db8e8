"""Streams, syncs, credentials, records, providers and tokens."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request
from starlette.responses import Response

from pgsluice.db import api, secrets
from pgsluice.db.errors import SluiceError, make
from pgsluice.db.serving import Token
from pgsluice.db.shapes import PAGE
from pgsluice.providers import registry
from pgsluice.providers.base import BASE_URL, is_base_url
from pgsluice.providers.errors import ProviderError
from pgsluice.server import bodies
from pgsluice.server.answers import nothing, raw
from pgsluice.server.bodies import any_value, json_text, optional, seconds, text, whole, whole_text
from pgsluice.server.errors import BadFields

if TYPE_CHECKING:
    from pgsluice.server.app import App

_TEXT: Final = optional(text)
_OBJECT: Final = optional(json_text(dict))


async def _body(app: App, request: Request) -> dict[str, Any]:
    return await bodies.json_object(request, app.settings.max_body)


# ---------------------------------------------------------------- streams


async def stream_create(app: App, request: Request, token: Token) -> Response:
    given = bodies.fields(await _body(app, request), id=_TEXT, name=_TEXT, slug=_TEXT, lanes=optional(whole(1)))
    values = {"id": bodies.named(given, "id", "name", "slug"), "lanes": given.get("lanes")}
    return raw(await app.store.run(token, api.stream_create(values)), 201)


async def stream_list(app: App, request: Request, token: Token) -> Response:
    return raw(await app.store.run(token, api.streams(bodies.page(request))))


async def stream_info(app: App, request: Request, token: Token) -> Response:
    return raw(await app.store.run(token, api.stream_info(request.path_params["id"])))


async def stream_delete(app: App, request: Request, token: Token) -> Response:
    await app.store.run(token, api.stream_delete(request.path_params["id"]))
    return nothing()


async def the_stream(app: App, token: Token, stream_id: str | None) -> str:
    """The stream that was named, or the only one there is. SL001."""
    if stream_id is not None:
        return stream_id
    found = json.loads(await app.store.run(token, api.only_stream()))
    if len(found) == 1:
        return str(found[0])
    raise BadFields({"stream_id": "is missing, and there is more than one stream" if found else "is missing, and there is no stream yet"})


# ---------------------------------------------------------------- syncs


def _frequency(value: Any) -> timedelta | None:
    return None if value is None or value == "continuous" else seconds(value)


async def sync_create(app: App, request: Request, token: Token) -> Response:
    given = bodies.fields(
        await _body(app, request),
        provider=text,
        id=_TEXT,
        name=_TEXT,
        stream_id=_TEXT,
        collection_ids=optional(bodies.texts),
        rate_limit=_OBJECT,
        credential_id=_TEXT,
        credential=optional(any_value),
        metadata=_OBJECT,
        external_id=_TEXT,
        max_age_days=optional(whole(1)),
        sync_frequency=_frequency,
    )
    if "provider" not in given:
        raise BadFields({"provider": f"is missing; there are: {', '.join(registry.names())}"})
    inline = given.pop("credential", None)
    if inline is not None and given.get("credential_id") is not None:
        raise BadFields({"credential": "excludes credential_id"})
    names = ("id", "name", "collection_ids", "rate_limit", "credential_id", "metadata", "external_id", "max_age_days", "sync_frequency")
    values = {**dict.fromkeys(names), **given, "stream_id": await the_stream(app, token, given.get("stream_id"))}
    if values["collection_ids"] is None:
        values["collection_ids"] = _all_collections(values["provider"])
    if inline is not None:
        # One after the other: a credential that no sync uses yet does no harm, and the sync's error says what is wrong.
        sealed = _sealed(app, _credential(inline, "credential"))
        await app.store.run(token, api.credential_put(sealed))
        values["credential_id"] = sealed["id"]
    return raw(await app.store.run(token, api.sync_create(values)), 201)


def _all_collections(provider: str) -> list[str]:
    try:
        return list(registry.get(provider).collections)
    except ProviderError as exc:
        raise _from_provider(exc) from None


async def sync_list(app: App, request: Request, token: Token) -> Response:
    given = dict(request.query_params)
    values = bodies.page(
        request, stream_id=text, stream=text, provider=text, name=text, status=text, metadata=_query_object, **{"health.status": text}
    )
    values["stream_id"] = bodies.named(values, "stream_id", "stream")
    values["health"] = {"disabled": "paused"}.get(given.get("status", ""), bodies.named(values, "status", "health.status"))
    return raw(await app.store.run(token, api.syncs(values)))


def _query_object(value: str) -> str:
    try:
        found = bodies.parsed(value)
    except ValueError:
        raise ValueError('must be a JSON object, for example {"a":1}') from None
    checked: str = json_text(dict)(found)
    return checked


async def sync_info(app: App, request: Request, token: Token) -> Response:
    return raw(await app.store.run(token, api.sync_info(request.path_params["id"])))


async def sync_update(app: App, request: Request, token: Token) -> Response:
    given = bodies.fields(await _body(app, request), status=bodies.one_of("active", "disabled"))
    if "status" not in given:
        raise BadFields({"status": "is missing: active or disabled"})
    change = api.sync_resume if given["status"] == "active" else api.sync_pause
    return raw(await app.store.run(token, change(request.path_params["id"])))


# ---------------------------------------------------------------- credentials


async def credential_create(app: App, request: Request, token: Token) -> Response:
    values = _sealed(app, _credential(await _body(app, request), ""))
    return raw(await app.store.run(token, api.credential_put(values)), 201)


def _credential(given: Any, place: str) -> dict[str, Any]:
    """Kind, secret and the rest, of the flat form and of the one with `properties`. BadFields, SL105, SL208."""
    if not isinstance(given, dict):
        raise BadFields({place: "must be an object"})
    common = {"id": _TEXT, "name": _TEXT, "metadata": _OBJECT, "oauth_app_id": _TEXT, "base_url": _TEXT, "provider": _TEXT}
    inner = given.get("properties")
    if "properties" in given and not isinstance(inner, dict):
        raise BadFields({"properties": "must be an object"})
    outside = {name: value for name, value in given.items() if name in common or (inner is not None and name != "properties")}
    found = {**dict.fromkeys(common), **bodies.fields(outside, **common)}
    properties = dict(inner) if inner is not None else {name: value for name, value in given.items() if name not in common}
    kind = properties.pop("kind", None)
    if not isinstance(kind, str):
        raise BadFields({"kind": "is missing, for example stripe_key" if kind is None else "must be a string"})
    if found["oauth_app_id"] is not None:
        raise BadFields({"oauth_app_id": "names no OAuth app: there is none in this installation; leave it out"})
    provider = found["provider"] or kind.partition("_")[0]
    found["provider"], found["kind"], found["secret"] = provider, kind, _secret(provider, kind, properties)
    if found["base_url"] is not None and not is_base_url(found["base_url"]):
        raise BadFields({"base_url": f"must be {BASE_URL}"})
    return found


def _secret(provider: str, kind: str, properties: dict[str, Any]) -> dict[str, str]:
    try:
        known = registry.get(provider)
        kinds = known.credential_kinds
        if kind not in kinds:
            raise BadFields({"kind": f"{provider} has no such kind; it has: {', '.join(kinds) or 'none'}"})
        names = {field.name: text for field in kinds[kind]}
        secret = bodies.fields(properties, **names)
        missing = {name: "is missing" for name in names if name not in secret}
        if missing:
            raise BadFields(missing)
        known.seal_check(kind, secret)
    except ProviderError as exc:
        raise _from_provider(exc) from None
    return secret


def _from_provider(exc: ProviderError) -> SluiceError:
    return make(exc.message, code=exc.code, details=exc.details, hint=exc.hint)


def _sealed(app: App, found: dict[str, Any]) -> dict[str, Any]:
    """What is stored: the secret sealed. SL301."""
    key = app.settings.master_key
    if key is None:
        raise make(
            "the server has no master key to seal a credential with",
            code="SL301",
            hint="set PGSLUICE_MASTER_KEY or PGSLUICE_MASTER_KEY_FILE for the server",
        )
    credential_id = found["id"] if found["id"] is not None else str(uuid.uuid4())
    if not 1 <= len(credential_id.encode()) <= 200:
        raise BadFields({"id": "must have 1 to 200 bytes"})
    secret = found.pop("secret")
    return {**found, "id": credential_id, "sealed": secrets.seal(secret, credential_id, key), "key_version": key.version}


async def credential_list(app: App, request: Request, token: Token) -> Response:
    return raw(await app.store.run(token, api.credentials(bodies.page(request, provider=text))))


async def credential_info(app: App, request: Request, token: Token) -> Response:
    found = await app.store.run(token, api.credential_info(request.path_params["id"]))
    if found == b"null":
        hint = "list them: GET /v1/credentials"
        raise make(f'credential "{request.path_params["id"][:200]}" does not exist', code="SL104", hint=hint)
    return raw(found)


async def credential_delete(app: App, request: Request, token: Token) -> Response:
    await app.store.run(token, api.credential_delete(request.path_params["id"]))
    return nothing()


# ---------------------------------------------------------------- records, providers, tokens


async def record_list(app: App, request: Request, token: Token) -> Response:
    given = bodies.query(
        request.query_params,
        stream_id=text,
        sync_id=text,
        collection_id=text,
        upstream_id=text,
        after_cursor=whole_text(0, 2**63 - 1),
        limit=whole_text(1, 1000),
    )
    names = ("sync_id", "collection_id", "upstream_id", "after_cursor")
    values = {**dict.fromkeys(names), "limit": PAGE, **given, "stream_id": given.get("stream_id")}
    if values["stream_id"] is None and values["sync_id"] is None:
        values["stream_id"] = await the_stream(app, token, None)
    return raw(await app.store.run(token, api.records(values)))


async def provider_list(app: App, request: Request, token: Token) -> Response:
    bodies.query(request.query_params)
    return raw(await app.store.run(token, api.providers()))


async def token_create(app: App, request: Request, token: Token) -> Response:
    given = bodies.fields(await _body(app, request), id=_TEXT, name=_TEXT, scopes=optional(bodies.texts), expires_at=_TEXT)
    values = {**dict.fromkeys(("id", "name", "scopes", "expires_at")), **given}
    return raw(await app.store.run(token, api.token_create(values)), 201)


async def token_list(app: App, request: Request, token: Token) -> Response:
    return raw(await app.store.run(token, api.tokens(bodies.page(request))))


async def token_revoke(app: App, request: Request, token: Token) -> Response:
    await app.store.run(token, api.token_revoke(request.path_params["id"]))
    return nothing()
