"""`/v1/collections` and `/v1/views`: what an account has, and its collections as tables with columns."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request
from starlette.responses import Response

from pgsluice.db import api_views, rows
from pgsluice.db.errors import make
from pgsluice.db.serving import Token
from pgsluice.server import bodies
from pgsluice.server.answers import nothing, raw
from pgsluice.server.bodies import optional, text, whole_text
from pgsluice.server.errors import BadFields

if TYPE_CHECKING:
    from pgsluice.server.app import App

# Milliseconds.
WAIT: Final = 10_000
LONGEST_WAIT: Final = 60_000
# Seconds between two looks for what a poller has found out.
LOOK_AGAIN: Final = 0.3


async def collection_list(app: App, request: Request, token: Token) -> Response:
    """What the account has: 200; 202 while a poller has not asked it yet. Raises what the account answered if it is not known at all."""
    given = bodies.query(request.query_params, wait_for=whole_text(0, LONGEST_WAIT))
    credential_id: str = request.path_params["credential_id"]
    state = await _settled(app, token, credential_id, given.get("wait_for", WAIT) / 1000)
    body = await app.store.run(token, api_views.collections(credential_id))
    return raw(body, 202 if state["status"] == "pending" else 200)


async def collection_info(app: App, request: Request, token: Token) -> Response:
    given = bodies.query(request.query_params, wait_for=whole_text(0, LONGEST_WAIT))
    credential_id, collection_id = request.path_params["credential_id"], request.path_params["collection_id"]
    await _settled(app, token, credential_id, given.get("wait_for", WAIT) / 1000)
    found = await app.store.run(token, api_views.collection_info(credential_id, collection_id))
    if found == b"null":
        raise make(
            f'credential "{credential_id[:200]}" has no collection "{collection_id[:200]}"',
            code="SL173",
            hint="list them: GET /v1/collections/{credential_id}",
        )
    return raw(found)


async def collection_refresh(app: App, request: Request, token: Token) -> Response:
    """As `collection_list`, once the account was asked again."""
    await bodies.json_object(request, app.settings.max_body)
    await app.store.run(token, api_views.collection_refresh(request.path_params["credential_id"]))
    return await collection_list(app, request, token)


async def _settled(app: App, token: Token, credential_id: str, seconds: float) -> dict[str, Any]:
    """Where the description stands once it is no longer pending, or after so many seconds. SL104."""
    end = time.monotonic() + seconds
    while True:
        state: dict[str, Any] | None = rows.decode(await app.store.run(token, api_views.description(credential_id)))
        if state is None:
            raise make(f'credential "{credential_id[:200]}" does not exist', code="SL104", hint="list them: GET /v1/credentials")
        if state["status"] != "pending" or time.monotonic() >= end or app.stopping.is_set():
            return state
        await asyncio.sleep(min(LOOK_AGAIN, max(0.0, end - time.monotonic())))


async def view_create(app: App, request: Request, token: Token) -> Response:
    given = await bodies.asked(request, app.settings.max_body, collection_id=text, stream_id=optional(text), sync_id=optional(text))
    if "collection_id" not in given:
        raise BadFields({"collection_id": "is missing"})
    values = {"stream_id": None, "sync_id": None, **given}
    return raw(await app.store.run(token, *api_views.view_create(values)), 201)


async def view_list(app: App, request: Request, token: Token) -> Response:
    return raw(await app.store.run(token, api_views.views(bodies.page(request, collection_id=text))))


async def view_info(app: App, request: Request, token: Token) -> Response:
    bodies.query(request.query_params)
    return raw(await app.store.run(token, api_views.view_info(request.path_params["id"])))


async def view_delete(app: App, request: Request, token: Token) -> Response:
    bodies.query(request.query_params)
    await app.store.run(token, api_views.view_delete(request.path_params["id"]))
    return nothing()
