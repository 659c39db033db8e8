"""`/v1/http-consumers` beside taking and settling: settings, where a consumer stands, and its dead letters."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request
from starlette.responses import Response

from pgsluice.db import api_consumers as api
from pgsluice.db.errors import make
from pgsluice.db.serving import Token
from pgsluice.server import bodies
from pgsluice.server.answers import nothing, raw
from pgsluice.server.bodies import json_text, optional, seconds, text, whole, whole_text
from pgsluice.server.errors import BadFields
from pgsluice.server.manage import the_stream

if TYPE_CHECKING:
    from pgsluice.server.app import App

_TEXT: Final = optional(text)
_OBJECT: Final = optional(json_text(dict))
_MOST_PENDING: Final = 1_000_000
# The longest number of a stream.
_LAST: Final = 2**63 - 1


def _or(check: bodies.Check, nothing_at_all: Any) -> bodies.Check:
    """Null is SQL's word for "no such thing", where SQL's null means "as it was"."""
    return lambda value: nothing_at_all if value is None else check(value)


def _ack_wait(given: dict[str, Any]) -> timedelta | None:
    """Of `ack_wait` in seconds and `ack_wait_ms`, which say the same."""
    found = {given.pop(name) for name in ("ack_wait", "ack_wait_ms") if name in given} - {None}
    if len(found) > 1:
        raise BadFields({"ack_wait": "and ack_wait_ms say different things: give one"})
    return next(iter(found), None)


async def consumer_create(app: App, request: Request, token: Token) -> Response:
    given = await bodies.asked(
        request,
        app.settings.max_body,
        stream_id=_TEXT,
        id=_TEXT,
        name=_TEXT,
        deliver_policy=optional(bodies.place),
        ack_wait=optional(seconds),
        ack_wait_ms=optional(bodies.milliseconds),
        max_deliver=optional(whole(-1)),
        max_ack_pending=optional(whole(0, _MOST_PENDING)),
        filter=_OBJECT,
        filters=_OBJECT,
        metadata=_OBJECT,
    )
    names = ("deliver_policy", "max_deliver", "max_ack_pending", "metadata")
    values = {**dict.fromkeys(names), **given, "ack_wait": _ack_wait(given), "filter": bodies.named(given, "filter", "filters")}
    values["id"] = bodies.named(given, "id", "name")
    values["id"] = values["id"] if values["id"] is not None else str(uuid.uuid4())
    values["stream_id"] = await the_stream(app, token, given.get("stream_id"))
    return raw(await app.store.run(token, api.consumer_create(values), api.consumer_info(values["id"])), 201)


async def consumer_list(app: App, request: Request, token: Token) -> Response:
    return raw(await app.store.run(token, api.consumers(bodies.page(request, stream_id=text))))


async def consumer_info(app: App, request: Request, token: Token) -> Response:
    bodies.query(request.query_params)
    return raw(await app.store.run(token, api.consumer_info(request.path_params["id"])))


async def consumer_update(app: App, request: Request, token: Token) -> Response:
    given = await bodies.asked(
        request,
        app.settings.max_body,
        ack_wait=seconds,
        ack_wait_ms=bodies.milliseconds,
        max_deliver=whole(-1),
        max_ack_pending=_or(whole(0, _MOST_PENDING), 0),
        filter=_or(json_text(dict), "{}"),
        filters=_or(json_text(dict), "{}"),
        metadata=json_text(dict),
        paused=bodies.flag,
    )
    consumer_id = request.path_params["id"]
    names = ("max_deliver", "max_ack_pending", "metadata")
    values = {**dict.fromkeys(names), **given, "ack_wait": _ack_wait(given), "filter": bodies.named(given, "filter", "filters")}
    asks = [api.consumer_update({**values, "id": consumer_id})]
    if "paused" in given:
        asks.append((api.consumer_pause if given["paused"] else api.consumer_resume)(consumer_id))
    return raw(await app.store.run(token, *asks, api.consumer_info(consumer_id)))


async def consumer_delete(app: App, request: Request, token: Token) -> Response:
    bodies.query(request.query_params)
    await app.store.run(token, api.consumer_delete(request.path_params["id"]))
    return nothing()


async def consumer_seek(app: App, request: Request, token: Token) -> Response:
    given = await bodies.asked(request, app.settings.max_body, target=bodies.place)
    if "target" not in given:
        raise BadFields({"target": "is missing: start, end, an idx, a time or an age"})
    return raw(await app.store.run(token, api.consumer_seek(request.path_params["id"], given["target"])))


async def consumer_pause(app: App, request: Request, token: Token) -> Response:
    await bodies.asked(request, app.settings.max_body)
    return raw(await app.store.run(token, api.consumer_pause(request.path_params["id"])))


async def consumer_resume(app: App, request: Request, token: Token) -> Response:
    await bodies.asked(request, app.settings.max_body)
    return raw(await app.store.run(token, api.consumer_resume(request.path_params["id"])))


# ---------------------------------------------------------------- dead letters


async def dead_letter_list(app: App, request: Request, token: Token) -> Response:
    values = bodies.page(request, cursor=whole_text(0, _LAST), sync_id=text, collection_id=text, upstream_id=text)
    consumer_id = request.path_params["id"]
    found = await app.store.run(token, api.dead_letters({**values, "id": consumer_id}))
    if found == b"null":
        raise make(f'consumer "{consumer_id[:200]}" does not exist', code="SL103", hint="list them: GET /v1/http-consumers")
    return raw(found)


async def dead_letter_retry(app: App, request: Request, token: Token) -> Response:
    return raw(await app.store.run(token, api.dead_letter_retry(await _which(app, request))))


async def dead_letter_purge(app: App, request: Request, token: Token) -> Response:
    return raw(await app.store.run(token, api.dead_letter_purge(await _which(app, request))))


async def _which(app: App, request: Request) -> Mapping[str, str | None]:
    given = await bodies.asked(request, app.settings.max_body, sync_id=_TEXT, collection_id=_TEXT, upstream_id=_TEXT)
    return {**dict.fromkeys(("sync_id", "collection_id", "upstream_id")), **given, "id": request.path_params["id"]}
