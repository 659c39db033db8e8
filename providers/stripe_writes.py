"""Writing to Stripe: one object a request, form-encoded, with an idempotency key. https://docs.stripe.com/api"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

import msgspec

from pgsluice.providers import rawjson, replies, stripe_nested, stripe_places
from pgsluice.providers.base import Change, Hint, Refused, Response, Write, Written
from pgsluice.providers.errors import Forbidden, Missing, ProviderError, Refused4xx, UnknownCollection, Unreadable
from pgsluice.providers.stripe_collections import source_of
from pgsluice.providers.stripe_errors import KEYS_PAGE, error_of, fault, missing_object
from pgsluice.providers.stripe_lists import fetched_record, read_record

# https://docs.stripe.com/api/idempotent_requests: "You can remove keys … after they're at least 24 hours old". An hour less: the clocks.
KEY_WINDOW: Final = timedelta(hours=23)
FORM: Final = "application/x-www-form-urlencoded"
_LONGEST_ERROR: Final = 4000  # characters of the vendor's error that are kept


class Said(NamedTuple):
    """A write as the vendor hears it; `path` behind /v1/."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes | None


def said(write: Write) -> Said:
    """The request for a write. Raises UnknownCollection and Refused4xx, before anything is sent."""
    source = source_of(write.collection_id)
    if write.kind not in source.mutations:
        raise UnknownCollection(f"Stripe's {write.collection_id} does not support {write.kind}")
    if write.if_match is not None:
        raise Refused4xx(
            "Stripe does not compare versions: whether the object changed in between cannot be asked of it",
            hint="leave if_match out; an update changes only the fields that it names",
        )
    if write.kind == "delete" and not source.ending:
        # "Don't send idempotency keys in GET and DELETE requests because it has no effect."
        return Said("DELETE", stripe_places.path_of(write.collection_id, write.upstream_id), {}, None)
    data = write.data or b"{}"
    if write.kind == "create":
        place, data = stripe_places.made_at(write.collection_id, data)
    else:
        place = stripe_places.path_of(write.collection_id, write.upstream_id)
    if write.kind == "delete":
        place = f"{place}/{source.ending}"
    # Only so does the answer show the whole object. https://docs.stripe.com/api/expanding_objects
    expand = [("expand[]", name) for name in source.expand]
    headers = {"Idempotency-Key": write.key, "Content-Type": FORM}
    return Said("POST", place, headers, b"&".join(filter(None, (form(data), urlencode(expand).encode()))))


def form(data: bytes) -> bytes:
    """A JSON object as form fields: a[b]=c, items[0][price]=p; numbers with their digits, null, {} and [] empty, which unsets a field.

    Raises Refused4xx for what has no such form.
    """
    try:
        # Numbers as their text: a float would lose digits.
        given = json.loads(data, parse_int=str, parse_float=str)
        if not isinstance(given, dict):
            raise Refused4xx("what is sent to Stripe must be a JSON object")
        return urlencode([pair for name, value in given.items() for pair in _fields(_name(name), value)]).encode()
    except RecursionError:
        raise Refused4xx("the data is nested too deeply to be sent") from None


def _fields(name: str, value: Any) -> Iterator[tuple[str, str]]:
    match value:
        case dict() if value:
            for key, item in value.items():
                yield from _fields(f"{name}[{_name(key)}]", item)
        case list() if value:
            for place, item in enumerate(value):
                yield from _fields(f"{name}[{place}]", item)
        case bool():
            yield name, "true" if value else "false"
        case str():
            yield name, value
        case _:
            yield name, ""


def _name(name: str) -> str:
    """A field's name. One with brackets would say another field than it is."""
    if not name or "[" in name or "]" in name:
        raise Refused4xx(f"Stripe takes no field named {replies.plain(name, 100)!r}", hint="names are not empty and have no [ and no ]")
    return name


def read_written(write: Write, response: Response) -> Written:
    """What the vendor answered to a write. Raises ProviderError."""
    if response.status != 200:
        raise _refusal(write, response)
    if write.upstream_id is not None:
        return _written(write.upstream_id, fetched_record(Hint(write.collection_id, write.upstream_id), response))
    parent = stripe_places.parent_in(write.collection_id, write.data or b"")
    record = read_record(write.collection_id, response.body.removeprefix(rawjson.BOM).strip(), parent)
    if record.upstream_id is None:
        raise replies.unreadable(response, "Stripe", "it is no object with an id")
    if source_of(write.collection_id).secret:
        return Written(record.upstream_id, None)
    return _written(record.upstream_id, record)


def _written(upstream_id: str, record: Change | Refused) -> Written:
    """Without the object where a list in it is cut short: it is fetched whole."""
    whole = stripe_nested.whole(source_of(record.collection_id), record)
    return Written(upstream_id, whole if isinstance(whole, Change) else None)


def _refusal(write: Write, response: Response) -> ProviderError:
    error = error_of(response)
    if isinstance(error, Forbidden):
        error.hint = f"give the restricted key write permission for it at {KEYS_PAGE}"
    own = _own_error(response)
    if own is not None:
        error.details = own
    if _key_of_another(response):
        # The vendor has seen the key, with something else: what it did then cannot be told.
        return Unreadable(error.message, details=error.details, retryable=False)
    if isinstance(error, Refused4xx):
        given = fault(response.body)
        gone = missing_object(response) or (response.status == 404 and given is not None and given.code == "resource_missing")
        if gone and write.upstream_id is not None:
            return Missing(error.message, details=error.details, hint="the object is gone, or was never there")
        error.hint = "the message is Stripe's own: correct the data and send it again"
    return error


def _key_of_another(response: Response) -> bool:
    given = fault(response.body)
    return response.status == 400 and given is not None and given.type == "idempotency_error"


def _own_error(response: Response) -> str | None:
    """JSON text: the status and the vendor's `error` object, as sent; None if there is none."""
    try:
        found = msgspec.json.decode(response.body, type=dict[str, msgspec.Raw]).get("error")
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    return None if found is None else f'{{"status": {response.status}, "error": {replies.plain(bytes(found).decode(), _LONGEST_ERROR)}}}'
