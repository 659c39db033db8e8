"""Writing to Shopify: several mutations in one request, each under a name of its own, each with its own errors.

https://shopify.dev/docs/api/admin-graphql#making_requests: the mutations of one request are carried out one after the other, and one that
fails stops none of the others. A failure is `userErrors` under status 200. Only inventory has a key by which a repetition is recognised
(https://shopify.dev/docs/api/usage/idempotent-requests); there it is demanded. No other write is ever repeated after it may have been done.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import msgspec

from pgsluice.providers import rawjson, replies, shopify_nested
from pgsluice.providers.base import Change, Credential, Request, Response, Write, Written
from pgsluice.providers.errors import Missing, ProviderError, Refused4xx, UnknownCollection
from pgsluice.providers.shopify_collections import source_of
from pgsluice.providers.shopify_graphql import Fault, ask, fault_error, faults_text, partly
from pgsluice.providers.shopify_mutations import ADJUST, MUTATIONS, Members, Mutation, members_of
from pgsluice.providers.shopify_records import read_node

# Mutations in one request; each costs 10 points, and what it answers about as much. metafieldsSet takes 25 of its own.
BATCH: Final = 10
COST: Final = 20.0
KEY_WINDOW: Final = timedelta(hours=23)  # kept for a day; an hour less: the clocks
_GONE = re.compile(
    r"(?i)\b(?:does not exist|doesn't exist|do(?:es)? not exist|not found|could not be found|couldn't be found|invalid id)\b"
)
_GONE_CODES: Final = frozenset({"NOT_FOUND", "RESOURCE_NOT_FOUND", "LOCATION_NOT_FOUND", "PRODUCT_DOES_NOT_EXIST"})
_LONGEST: Final = 4000  # characters of the vendor's errors that are kept


def key_window(kind: str, collection_id: str) -> timedelta | None:
    mutation = MUTATIONS.get(collection_id, {}).get(kind)
    return KEY_WINDOW if mutation is not None and mutation.idempotent else None


def batch_size(kind: str, collection_id: str) -> int:
    return BATCH if kind in MUTATIONS.get(collection_id, {}) else 1


def request(writes: Sequence[Write], credential: Credential) -> Request:
    """Raises UnknownCollection and Refused4xx, before anything is sent."""
    declared: list[str] = []
    said: list[str] = []
    variables: dict[str, bytes] = {}
    for number, write in enumerate(writes):
        data = members_of(write)
        mutation = _mutation(write, data)
        given = []
        for name, (kind, value) in mutation.arguments(write, data).items():
            variable = f"w{number}_{name}"
            declared.append(f"${variable}: {kind}")
            given.append(f"{name}: ${variable}")
            variables[variable] = value
        directive = ""
        if mutation.idempotent:
            declared.append(f"$w{number}_key: String!")
            variables[f"w{number}_key"] = msgspec.json.encode(write.key)
            directive = f" @idempotent(key: $w{number}_key)"
        said.append(f"w{number}: {mutation.field}({', '.join(given)}){directive} {{ {_answers(write, mutation)} }}")
    text = f"mutation {source_of(writes[0].collection_id).type}{writes[0].kind.title()}({', '.join(declared)}) {{ {' '.join(said)} }}"
    return ask(credential, text, shopify_nested.object_of(variables), COST * len(writes))


def read(writes: Sequence[Write], response: Response) -> tuple[Written | ProviderError, ...]:
    """What the vendor answered to each. Raises ProviderError if it speaks of all alike."""
    reply = partly(response)
    return tuple(_one(write, f"w{number}", reply.data, reply.faults, response) for number, write in enumerate(writes))


def _mutation(write: Write, data: Members) -> Mutation:
    source_of(write.collection_id)
    mutation = MUTATIONS.get(write.collection_id, {}).get(write.kind)
    if mutation is None:
        raise UnknownCollection(f"Shopify's {write.collection_id} does not support {write.kind}")
    if write.if_match is not None:
        raise Refused4xx(
            "Shopify does not compare versions: whether the object changed in between cannot be asked of it",
            hint="leave if_match out; a metafield takes compareDigest, an inventory level changeFromQuantity, in the data",
        )
    return ADJUST if mutation.field == "inventorySetQuantities" and "delta" in data else mutation


def _answers(write: Write, mutation: Mutation) -> str:
    """What is asked of the payload: the errors, and the object as a list would bring it."""
    errors = f"{mutation.errors} {{ field message{' code' if mutation.codes else ''} }}"
    if mutation.answers is None:
        return errors
    return f"{mutation.answers} {{ {source_of(write.collection_id).fields} }} {errors}"


def _one(write: Write, name: str, data: Members, faults: tuple[Fault, ...], response: Response) -> Written | ProviderError:
    payload = data.get(name, b"null")
    if not payload.startswith(b"{"):
        own = tuple(fault for fault in faults if fault.path[:1] == (name,)) or faults
        if not own:
            return replies.unreadable(response, "Shopify", "there is no answer to a write in it")
        return fault_error(own[0], faults_text(own))
    try:
        mutation = _mutation(write, members_of(write))
        members = rawjson.object_members(payload)
        errors = msgspec.json.decode(members.get(mutation.errors, b"[]"))
    except (rawjson.NotJson, msgspec.DecodeError, UnicodeDecodeError) as exc:
        return replies.unreadable(response, "Shopify", str(exc))
    if errors:
        return _refusal(write, errors, members[mutation.errors])
    if write.kind == "delete" and write.upstream_id is not None:
        return Written(write.upstream_id, Change(write.collection_id, write.upstream_id, None, deleted=True))
    return _written(write, mutation, members, response)


def _written(write: Write, mutation: Mutation, members: Members, response: Response) -> Written | ProviderError:
    raw = b"null" if mutation.answers is None else members.get(mutation.answers, b"null")
    if raw.startswith(b"["):
        raw = next(iter(rawjson.elements(raw, mutation.answers or "")), b"null")
    if not raw.startswith(b"{"):
        # Done, and the answer lacks it: it is fetched.
        if write.upstream_id is not None:
            return Written(write.upstream_id, None)
        return replies.unreadable(response, "Shopify", "the answer does not say what was created")
    source = source_of(write.collection_id)
    record = read_node(write.collection_id, source, raw)
    if record.upstream_id is None:
        return replies.unreadable(response, "Shopify", "it is no object with an id")
    whole = shopify_nested.whole(source, record)
    return Written(record.upstream_id, whole if isinstance(whole, Change) else None)


def _refusal(write: Write, errors: list[Any], raw: bytes) -> ProviderError:
    """`userErrors`, as an error of that item."""
    found = [error if isinstance(error, dict) else {} for error in errors]
    words = replies.plain("; ".join(str(error.get("message", "")) for error in found), 500)
    details = f'{{"status": 200, "userErrors": {replies.plain(raw.decode(), _LONGEST)}}}'
    gone = any(error.get("code") in _GONE_CODES or _GONE.search(str(error.get("message", ""))) for error in found)
    if gone and write.upstream_id is not None:
        return Missing(f"Shopify refused the write: {words}", details=details, hint="the object is gone, or was never there")
    return Refused4xx(
        f"Shopify refused the write: {words}", details=details, hint="the message is Shopify's own: correct the data and send it again"
    )
