"""`/v1/syncs`, and what hangs on syncs: quarantine and notices."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request
from starlette.responses import Response

from pgsluice.db import api_syncs
from pgsluice.db.errors import make
from pgsluice.db.sealing_webhooks import sealed_webhook
from pgsluice.db.serving import Ask, Token
from pgsluice.providers import registry
from pgsluice.providers.errors import ProviderError
from pgsluice.server import bodies
from pgsluice.server.answers import nothing, raw
from pgsluice.server.bodies import any_value, json_text, optional, seconds, text, whole, whole_text
from pgsluice.server.errors import BadFields
from pgsluice.server.manage import from_provider, imported, the_stream
from pgsluice.server.masks import INSTEAD, is_masked

if TYPE_CHECKING:
    from pgsluice.server.app import App

_TEXT: Final = optional(text)
_OBJECT: Final = optional(json_text(dict))
# Steps that a request makes of what it ordered: a small sync is gone, or moved, when it is answered.
_STEPS: Final = 4
_LAST: Final = 2**63 - 1


def _frequency(value: Any) -> timedelta | None:
    return None if value is None or value == "continuous" else seconds(value)


async def sync_create(app: App, request: Request, token: Token) -> Response:
    given = bodies.fields(
        await bodies.json_object(request, app.settings.max_body),
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
    if inline is None:
        return raw(await app.store.run(token, api_syncs.sync_create(values)), 201)

    def creating(credential_id: str) -> list[Ask]:
        return [api_syncs.sync_create({**values, "credential_id": credential_id})]

    # In one transaction: a sync that is refused leaves no credential behind.
    made, _ = await imported(app, token, inline, "credential", creating)
    return raw(made, 201)


def _all_collections(provider: str) -> list[str]:
    try:
        return registry.whole(provider)
    except ProviderError as exc:
        raise from_provider(exc) from None


async def sync_list(app: App, request: Request, token: Token) -> Response:
    given = dict(request.query_params)
    values = bodies.page(
        request,
        stream_id=text,
        stream=text,
        provider=text,
        name=text,
        external_id=text,
        status=text,
        metadata=_query_object,
        **{"health.status": text},
    )
    values["stream_id"] = bodies.named(values, "stream_id", "stream")
    values["health"] = {"disabled": "paused"}.get(given.get("status", ""), bodies.named(values, "status", "health.status"))
    return raw(await app.store.run(token, api_syncs.syncs(values)))


def _query_object(value: str) -> str:
    try:
        found = bodies.parsed(value)
    except ValueError:
        raise ValueError('must be a JSON object, for example {"a":1}') from None
    checked: str = json_text(dict)(found)
    return checked


async def sync_info(app: App, request: Request, token: Token) -> Response:
    bodies.query(request.query_params)
    return raw(await app.store.run(token, api_syncs.sync_info(request.path_params["id"])))


def _or(check: bodies.Check, nothing_at_all: Any) -> bodies.Check:
    """Null takes a setting away, for which SQL has a word of its own; its null means "as it was"."""
    return lambda value: nothing_at_all if value is None else check(value)


def _new_frequency(value: Any) -> timedelta:
    return timedelta(0) if value is None or value == "continuous" else seconds(value)


async def sync_update(app: App, request: Request, token: Token) -> Response:
    given = await bodies.asked(
        request,
        app.settings.max_body,
        name=_or(text, ""),
        collection_ids=bodies.texts,
        rate_limit=_or(json_text(dict), "{}"),
        metadata=_or(json_text(dict), "{}"),
        external_id=_or(text, ""),
        max_age_days=_or(whole(0), 0),
        sync_frequency=_new_frequency,
        credential_id=text,
        drop_records=bodies.flag,
        status=bodies.one_of("active", "disabled"),
    )
    if not given:
        raise BadFields({"status": "is missing, and so is any other field to be changed"})
    status = given.pop("status", None)
    return raw(await app.store.run(token, api_syncs.sync_update(request.path_params["id"], given, status)))


async def sync_restart(app: App, request: Request, token: Token) -> Response:
    given = await bodies.asked(request, app.settings.max_body, collection_ids=optional(bodies.texts))
    return raw(await app.store.run(token, api_syncs.sync_restart(request.path_params["id"], given.get("collection_ids"))))


async def sync_move(app: App, request: Request, token: Token) -> Response:
    given = await bodies.asked(request, app.settings.max_body, stream_id=text)
    if "stream_id" not in given:
        raise BadFields({"stream_id": "is missing: the stream to which the sync is to go"})
    sync_id = request.path_params["id"]
    await app.store.run(token, api_syncs.sync_move(sync_id, given["stream_id"]))
    done = await _finished(app, token, sync_id)
    return raw(await app.store.run(token, api_syncs.sync_info(sync_id)), 200 if done else 202)


async def sync_delete(app: App, request: Request, token: Token) -> Response:
    given = bodies.query(request.query_params, emit=bodies.flag_text)
    sync_id = request.path_params["id"]
    deleting = await app.store.run(token, api_syncs.sync_delete(sync_id, given.get("emit", False)))
    return nothing() if await _finished(app, token, sync_id) else raw(deleting, 202)


async def sync_tidy(app: App, request: Request, token: Token) -> Response:
    await bodies.asked(request, app.settings.max_body)
    return raw(await app.store.run(token, api_syncs.sync_tidy(request.path_params["id"])))


async def _finished(app: App, token: Token, sync_id: str) -> bool:
    """A few steps of the work on a sync's records; whether it is done. The pollers go on with it otherwise."""
    for _ in range(_STEPS):
        step = json.loads(await app.store.run(token, api_syncs.sync_tidy(sync_id)))
        if step is None or step["finished"]:
            # None: a poller came first, and is at it or has done it
            return step is not None or await _is_idle(app, token, sync_id)
        if step["waits_for"] is not None:
            return False
    return False


async def _is_idle(app: App, token: Token, sync_id: str) -> bool:
    found = json.loads(await app.store.run(token, api_syncs.sync_work(sync_id)))
    return found is None


# ---------------------------------------------------------------- webhooks


async def sync_webhook_info(app: App, request: Request, token: Token) -> Response:
    bodies.query(request.query_params)
    return raw(await app.store.run(token, api_syncs.sync_webhook_info(request.path_params["id"])))


async def sync_webhook_set(app: App, request: Request, token: Token) -> Response:
    """`secret`: what the vendor signs with. It is sealed here, and never shown again."""
    given = await bodies.asked(request, app.settings.max_body, secret=text)
    if "secret" not in given:
        raise BadFields({"secret": "is missing: what the vendor signs its webhooks with"})
    if is_masked(given["secret"]):
        raise BadFields({"secret": INSTEAD})
    sync_id, key = request.path_params["id"], app.settings.key_to_seal("a secret")
    sealed = sealed_webhook(sync_id, given["secret"], key)
    return raw(await app.store.run(token, api_syncs.sync_webhook_set(sync_id, sealed, key.version)))


async def sync_webhook_subscribe(app: App, request: Request, token: Token) -> Response:
    await bodies.asked(request, app.settings.max_body)
    return raw(await app.store.run(token, api_syncs.sync_webhook_subscribe(request.path_params["id"])), 202)


async def sync_webhook_delete(app: App, request: Request, token: Token) -> Response:
    bodies.query(request.query_params)
    return raw(await app.store.run(token, api_syncs.sync_webhook_delete(request.path_params["id"])))


# ---------------------------------------------------------------- quarantine and notices


async def quarantine_list(app: App, request: Request, token: Token) -> Response:
    values = bodies.page(request, stream_id=text, sync_id=text, collection_id=text, upstream_id=text)
    return raw(await app.store.run(token, api_syncs.quarantine(values)))


async def quarantine_info(app: App, request: Request, token: Token) -> Response:
    shown = request.path_params["id"]
    number = int(shown) if shown.isascii() and shown.isdecimal() and len(shown) < 19 else 0
    found = await app.store.run(token, api_syncs.quarantine_info(number))
    if found == b"null":
        raise make(f"quarantine {shown[:200]} does not exist", code="SL167", hint="list it: GET /v1/quarantine")
    return raw(found)


async def _chosen(app: App, request: Request) -> dict[str, Any]:
    given = await bodies.asked(
        request, app.settings.max_body, sync_id=_TEXT, collection_id=_TEXT, upstream_id=_TEXT, id=optional(whole(1, _LAST))
    )
    return {**dict.fromkeys(("sync_id", "collection_id", "upstream_id", "id")), **given}


async def quarantine_retry(app: App, request: Request, token: Token) -> Response:
    return raw(await app.store.run(token, api_syncs.quarantine_retry(await _chosen(app, request))))


async def quarantine_purge(app: App, request: Request, token: Token) -> Response:
    return raw(await app.store.run(token, api_syncs.quarantine_purge(await _chosen(app, request))))


async def notice_list(app: App, request: Request, token: Token) -> Response:
    values = bodies.page(request, stream_id=text, sync_id=text, kind=text, cursor=_cursor)
    return raw(await app.store.run(token, api_syncs.notices(values)))


def _cursor(value: Any) -> str:
    return str(whole_text(0, _LAST)(value))
