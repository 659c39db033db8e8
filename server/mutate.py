"""`/v1/mutations`: writes to vendors, queued in the database, sent by a poller, waited for here."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from pgsluice.db import api, rows
from pgsluice.db.errors import NAMES, SluiceError, make
from pgsluice.db.serving import Token
from pgsluice.db.waiting import first
from pgsluice.server import bodies
from pgsluice.server.answers import raw
from pgsluice.server.bodies import any_value, optional, storable, text, whole
from pgsluice.server.errors import BadFields, answer

if TYPE_CHECKING:
    from pgsluice.server.app import App

# Milliseconds.
WAIT: Final = 30_000
LONGEST_WAIT: Final = 60_000
# Seconds: a notification may be lost with its connection.
LOOK_AGAIN: Final = 1.0
ACKED: Final = 0.1


async def mutation_run(app: App, request: Request, token: Token) -> Response:
    given = bodies.fields(
        await bodies.json_object(request, app.settings.max_body),
        kind=text,
        sync_id=text,
        collection_id=text,
        data=any_value,
        records=any_value,
        upstream_ids=bodies.texts,
        match_on=optional(text),
        idempotency_key=optional(_key),
        if_match=optional(text),
        wait_for=whole(0, LONGEST_WAIT),
        await_consumer_ids=optional(bodies.texts),
        await_consumers_timeout=whole(0, LONGEST_WAIT),
    )
    bodies.query(request.query_params)
    missing = {name: "is missing" for name in ("kind", "sync_id", "collection_id") if name not in given}
    if missing:
        raise BadFields(missing)
    values = {
        **{name: given.get(name) for name in ("kind", "sync_id", "collection_id", "match_on", "if_match")},
        "idempotency_key": given.get("idempotency_key") or request.headers.get("idempotency-key"),
        "data": _items(given),
    }
    made = json.loads(await app.store.run(token, api.mutation_run(values)))
    consumers = given.get("await_consumer_ids") or []
    if consumers:
        # Before anything is waited for: a consumer that there is none of. What was asked for is queued all the same.
        await app.store.run(token, api.mutation_seen(made["id"], consumers))
    answered = await _result(app, token, made["id"], given.get("wait_for", WAIT) / 1000)
    if not consumers or answered.status_code >= 400:
        return answered
    seconds = given.get("await_consumers_timeout", WAIT) / 1000
    awaited = answered.status_code == 200 and await _seen(app, token, made["id"], consumers, seconds)
    return _with_awaited(answered, awaited)


async def _seen(app: App, token: Token, mutation_id: str, consumers: list[str], seconds: float) -> bool:
    """Whether the consumers have acknowledged what was written, within so many seconds: the caller then reads its own write."""
    end = time.monotonic() + seconds
    while True:
        if json.loads(await app.store.run(token, api.mutation_seen(mutation_id, consumers))):
            return True
        if (left := end - time.monotonic()) <= 0 or app.stopping.is_set():
            return False
        # An acknowledgement wakes nobody: a NOTIFY for each would slow all of them down.
        await first(min(ACKED, left), app.stopping)


def _with_awaited(answered: Response, awaited: bool) -> Response:
    """The answer with one more key, its text untouched."""
    body = bytes(answered.body).rstrip()
    headers = {name: value for name, value in answered.headers.items() if name.lower() == "location"}
    return raw(body[:-1] + b', "awaited": ' + (b"true}" if awaited else b"false}"), answered.status_code, headers)


def _key(value: Any) -> str:
    if not text(value):
        raise ValueError("must not be empty: leave it out to send without one")
    return str(value)


def _items(given: Mapping[str, Any]) -> str:
    """The items as `mutation_run` takes them, from any of the three forms of the API."""
    forms = [name for name in ("data", "records", "upstream_ids") if name in given]
    if len(forms) != 1:
        raise BadFields({"data": "is needed: one of data, records, upstream_ids"})
    found = given[forms[0]]
    if not isinstance(found, list):
        raise BadFields({forms[0]: "must be a list"})
    kind = given["kind"]
    if forms == ["upstream_ids"]:
        if kind != "delete":
            raise BadFields({"upstream_ids": f"is for delete alone: {kind[:20]} needs data or records"})
        found = [{"upstream_id": item} for item in found]
    elif forms == ["records"]:
        found = [_of_record(kind, number, item) for number, item in enumerate(found)]
    elif kind == "update":
        found = [_of_object(number, item) for number, item in enumerate(found)]
    try:
        return storable(found)
    except ValueError as exc:
        raise BadFields({forms[0]: str(exc)}) from None


def _of_record(kind: str, number: int, item: Any) -> Any:
    if not isinstance(item, dict) or not item.keys() <= {"upstream_id", "data"}:
        raise BadFields({f"records[{number}]": "must be an object with upstream_id and data"})
    if kind in {"create", "upsert"}:
        if "upstream_id" in item:
            raise BadFields({f"records[{number}]": "must not have an upstream_id: the vendor gives it"})
        return item.get("data")
    return {"upstream_id": item.get("upstream_id")} if kind == "delete" else item


def _of_object(number: int, item: Any) -> Any:
    """An update as {upstream_id, data}, or as the vendor's object with its id."""
    if not isinstance(item, dict):
        raise BadFields({f"data[{number}]": "must be an object"})
    if "upstream_id" in item:
        return item
    name = next((name for name in ("id", "Id") if name in item), None)
    if name is None:
        raise BadFields({f"data[{number}]": "needs upstream_id and data, or the vendor's id beside the fields"})
    return {"upstream_id": item[name], "data": {key: value for key, value in item.items() if key != name}}


async def mutation_info(app: App, request: Request, token: Token) -> Response:
    given = bodies.query(request.query_params, wait_for=bodies.whole_text(0, LONGEST_WAIT))
    mutation_id: str = request.path_params["id"]
    return await _result(app, token, mutation_id, given.get("wait_for", 0) / 1000)


async def _result(app: App, token: Token, mutation_id: str, seconds: float) -> Response:
    """The mutation once it is finished, or as it stands when the time is over: 202."""
    end = time.monotonic() + seconds
    async with app.hub.mutation(mutation_id) as told:
        state = await _state(app, token, mutation_id)
        while not state["finished"] and time.monotonic() < end and not app.stopping.is_set():
            await first(min(LOOK_AGAIN, max(0.0, end - time.monotonic())), told, app.stopping)
            told.clear()
            state = await _state(app, token, mutation_id)
    if state["finished"] and state["refusals"] and len({error.get("code") for error in state["refusals"]}) == 1:
        return _all_refused(mutation_id, state["refusals"])
    body = await app.store.run(token, api.mutation(mutation_id))
    if state["finished"]:
        return raw(body)
    return raw(body, 202, {"Location": f"/v1/mutations/{quote(mutation_id, safe='')}"})


async def _state(app: App, token: Token, mutation_id: str) -> dict[str, Any]:
    found: dict[str, Any] | None = rows.decode(await app.store.run(token, api.mutation_state(mutation_id)))
    if found is None:
        raise make(f'mutation "{mutation_id[:200]}" does not exist', code="SL108", hint="the answer of /v1/mutations/run has its id")
    return found


def _all_refused(mutation_id: str, errors: list[dict[str, Any]]) -> Response:
    """Every item was refused alike: the first one's error, and all of them in details."""
    first = errors[0]
    status = NAMES.get(str(first.get("code")), ("", 422))[1]
    return answer(_Refused(first, {"id": mutation_id, "records": [{"error": error} for error in errors]}, 422 if status >= 500 else status))


class _Refused(SluiceError):
    def __init__(self, first: Mapping[str, Any], more: dict[str, Any], status: int) -> None:
        super().__init__(str(first.get("message")), code=str(first.get("code")), hint=first.get("hint"))
        self.more = more
        self.status = status

    @property
    def http_status(self) -> int:
        return self.status

    def as_body(self) -> dict[str, Any]:
        return {**self.as_dict(), "details": self.more}
