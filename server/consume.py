"""`/v1/http-consumers/{id}/next`, `/ack`, `/nack`: taking messages, and settling them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from starlette.requests import Request
from starlette.responses import Response

from pgsluice.db import api
from pgsluice.db.serving import Ask, Token
from pgsluice.server import bodies
from pgsluice.server.answers import raw
from pgsluice.server.errors import BadFields
from pgsluice.server.waiting import first

if TYPE_CHECKING:
    from pgsluice.server.app import App

MOST: Final = 1000
# Milliseconds.
LONGEST_WAIT: Final = 600_000
EMPTY: Final = b"[]"
# Seconds until a waiting request looks again: for what nothing announces (an acknowledgement that frees a newer version), and while
# nothing can be announced.
LOOK_AGAIN: Final = 2.0
UNTOLD: Final = 0.25
# A message that is due now may be with somebody who is just acknowledging it.
SOON: Final = 0.05


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
    try:
        while True:
            async with app.hub.stream(consumer_id) as told:
                while True:
                    found = await _look(app, token, ask)
                    left = end - time.monotonic()
                    if found != EMPTY or left <= 0:
                        return found
                    pause = min(await _pause(app, consumer_id, told), left)
                    await first(pause, gone, app.stopping, *([] if told is None else [told]))
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


async def consumer_ack(app: App, request: Request, token: Token) -> Response:
    given = bodies.fields(await bodies.json_object(request, app.settings.max_body), ack_tokens=bodies.texts)
    return raw(await app.store.run(token, api.consumer_ack(request.path_params["id"], _tokens(given))))


async def consumer_nack(app: App, request: Request, token: Token) -> Response:
    given = bodies.fields(await bodies.json_object(request, app.settings.max_body), ack_tokens=bodies.texts, delay=bodies.seconds)
    tokens = _tokens(given)
    return raw(await app.store.run(token, api.consumer_nack(request.path_params["id"], tokens, given.get("delay", timedelta()))))


def _tokens(given: Mapping[str, list[str]]) -> list[str]:
    if "ack_tokens" not in given:
        raise BadFields({"ack_tokens": "is missing"})
    return given["ack_tokens"]
