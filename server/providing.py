"""Providers that users describe by a document of their own."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from pgsluice.db import api
from pgsluice.db.errors import make
from pgsluice.db.serving import Token
from pgsluice.providers import registry
from pgsluice.providers.errors import ProviderError
from pgsluice.server import bodies
from pgsluice.server.answers import nothing, raw
from pgsluice.server.bodies import optional, text
from pgsluice.server.errors import BadFields

if TYPE_CHECKING:
    from pgsluice.server.app import App

Handler = Callable[["App", Request, Token], Awaitable[Response]]


async def provider_create(app: App, request: Request, token: Token) -> Response:
    """`document`: an object, or (as `source`) the text of one, YAML or JSON. SL150 names line and column of each mistake."""
    given = bodies.fields(
        await bodies.json_object(request, app.settings.max_body),
        document=bodies.any_value,
        source=optional(text),
        replace=bodies.any_value,
    )
    if not isinstance(given.get("replace", False), bool):
        raise BadFields({"replace": "must be true or false"})
    source, document = given.get("source"), given.get("document")
    if (source is None) == (document is None):
        raise BadFields({"document": "is missing: give it as an object, or its text as source"})
    written = source if source is not None else json.dumps(document, default=float)
    values = await run_in_threadpool(_checked, written)
    asked = {
        "provider": values["name"],
        "document": json.dumps(values),
        "source": source,
        "replace": given.get("replace", False),
    }
    return raw(await app.store.run(token, api.provider_create(asked)), 201)


def _checked(written: str) -> dict[str, Any]:
    from pgsluice.providers.rest_check import checked  # noqa: PLC0415  jsonschema and YAML, only when a document comes

    try:
        return checked(written)[0]
    except ProviderError as exc:
        raise make(exc.message, code=exc.code, details=exc.details, hint=exc.hint) from None


async def provider_info(app: App, request: Request, token: Token) -> Response:
    return raw(await app.store.run(token, api.provider_info(request.path_params["id"])))


async def provider_delete(app: App, request: Request, token: Token) -> Response:
    await app.store.run(token, api.provider_delete(request.path_params["id"]))
    return nothing()


def knowing(handler: Handler) -> Handler:
    """`handler`, with `registry.get` answering what the database has of users' own providers now."""

    async def informed(app: App, request: Request, token: Token) -> Response:
        found = json.loads(await app.store.run(token, api.provider_documents()))
        for name, document in found.items():
            registry.learn(name, document)
        return await handler(app, request, token)

    return informed
