"""`/v1/http-consumers/{id}/next`, `/peek`, `/ack`, `/nack`, `/extend`, `/term`: taking messages, and settling them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request
from starlette.responses import Response

from pgsluice.db import api_consumers as api
from pgsluice.db.serving import Ask, Token
from pgsluice.db.waiting import first
from pgsluice.server import bodies
from pgsluice.server.answers import raw
from pgsluice.server.errors import BadFields

if TYPE_CHECKING:
    from pgsluice.server.app import App

MOST: Final = 1000
# Milliseconds.
LONGEST_WAIT: Final = 600_000
# Bytes.
LONGEST_REASON: Final = 1000
EMPTY: Final = b"[]"
# Seconds until a waiting request looks again: for what nothing announces (an acknowledgement that frees a newer version), and while
# nothing can be announced.
LOOK_AGAIN: Final = 2.0
UNTOLD: Final = 0.25
# A message that is due now may be with somebody who is just acknowledging it.
SOON: Final = 0.05
# Something lies there, but the last look did not get that far, or others hold the lanes. From the first pause to the longest: one look
# steps over 10,000 entries, so that a waiting request goes past 100,000 a second and more; an open transaction may hold a lane for long.
AT_ONCE: Final = (0.005, 0.1)


async def consumer_next(app: App, request: Request, token: Token) -> Response:
    given = bodies.fields(
        await bodies.json_object(request, app.settings.max_body),
        batch_size=bodies.whole(1, MOST),
        wait_for=bodies.whole(0, LONGEST_WAIT),
        ack_tokens=bodies.optional(bodies.texts),
    )
    envelope = bodies.query(request.query_params, envelope=bodies.flag_text).get("envelope", False)
    consumer_id: str = request.path_params["id"]
    size = given.get("batch_size", 10)
    ask = api.consumer_next(consumer_id, size, given.get("ack_tokens"))
    found = await (_look(app, token, ask) if given.get("wait_for") else app.store.run(token, ask))
    if found == EMPTY and given.get("wait_for"):
        found = await _wait(app, request, token, consumer_id, size, given["wait_for"] / 1000)
    if not envelope:
        return raw(found)
    numbers = await app.store.run(token, api.consumer_numbers(consumer_id))
    return raw(b'{"data":' + found + b',"info":' + numbers + b"}", headers=_headers(json.loads(numbers)))


def _headers(numbers: Mapping[str, int]) -> dict[str, str]:
    return {name.replace("_", "-").title(): str(value) for name, value in numbers.items()}


async def _look(app: App, token: Token, ask: Ask) -> bytes:
    async with app.looking:
        return await app.store.run(token, ask)


async def _wait(  # noqa: PLR0917
    app: App, request: Request, token: Token, consumer_id: str, size: int, seconds: float
) -> bytes:
    """Messages as soon as there are some; none when the time is over, the client is gone or the server ends."""
    ask = api.consumer_next(consumer_id, size, None)
    gone = asyncio.Event()
    watching = asyncio.ensure_future(_watch(request, gone))
    end = time.monotonic() + seconds
    soon = AT_ONCE[0]
    try:
        while True:
            async with app.hub.stream(consumer_id) as told:
                while True:
                    found = await _look(app, token, ask)
                    left = end - time.monotonic()
                    if found != EMPTY or left <= 0:
                        return found
                    ready = told is not None and await app.hub.ready(consumer_id)
                    pause = soon if ready else await _pause(app, consumer_id, told)
                    soon = min(2 * soon, AT_ONCE[1]) if ready else AT_ONCE[0]
                    await first(min(pause, left), gone, app.stopping, *([] if told is None else [told]))
                    if gone.is_set() or app.stopping.is_set():
                        return EMPTY
                    if told is None:
                        break
                    told.clear()
    finally:
        watching.cancel()


async def _pause(app: App, consumer_id: str, told: asyncio.Event | None) -> float:
    if told is None:
        return UNTOLD
    due = await app.hub.due(consumer_id)
    return LOOK_AGAIN if due is None or due <= 0 else min(LOOK_AGAIN, due + SOON)


async def _watch(request: Request, gone: asyncio.Event) -> None:
    """Sets `gone` when the client has closed its connection."""
    with suppress(RuntimeError):
        while (await request.receive())["type"] != "http.disconnect":
            continue
    gone.set()


async def consumer_peek(app: App, request: Request, token: Token) -> Response:
    given = bodies.query(request.query_params, batch_size=bodies.whole_text(1, MOST))
    return raw(await app.store.run(token, api.consumer_peek(request.path_params["id"], given.get("batch_size", 10))))


async def consumer_ack(app: App, request: Request, token: Token) -> Response:
    tokens, _ = await _tokens(app, request)
    return raw(await app.store.run(token, api.consumer_ack(request.path_params["id"], tokens)))


async def consumer_nack(app: App, request: Request, token: Token) -> Response:
    tokens, given = await _tokens(app, request, delay=bodies.seconds)
    return raw(await app.store.run(token, api.consumer_nack(request.path_params["id"], tokens, given.get("delay", timedelta()))))


async def consumer_extend(app: App, request: Request, token: Token) -> Response:
    tokens, given = await _tokens(app, request, ack_wait=bodies.optional(bodies.seconds))
    return raw(await app.store.run(token, api.consumer_extend(request.path_params["id"], tokens, given.get("ack_wait"))))


async def consumer_term(app: App, request: Request, token: Token) -> Response:
    tokens, given = await _tokens(app, request, reason=bodies.optional(bodies.words(LONGEST_REASON)))
    return raw(await app.store.run(token, api.consumer_term(request.path_params["id"], tokens, given.get("reason"))))


async def _tokens(app: App, request: Request, **checks: bodies.Check) -> tuple[list[str], dict[str, Any]]:
    """The tokens, which must be there, and what else was given."""
    given = await bodies.asked(request, app.settings.max_body, ack_tokens=bodies.texts, **checks)
    if "ack_tokens" not in given:
        raise BadFields({"ack_tokens": "is missing"})
    return given["ack_tokens"], given
