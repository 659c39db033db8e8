"""Streams, credentials, records, providers and tokens."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request
from starlette.responses import Response

from pgsluice.db import api, api_syncs, rows, secrets
from pgsluice.db.errors import SluiceError, make
from pgsluice.db.serving import Ask, Token
from pgsluice.db.shapes import PAGE
from pgsluice.providers import accounts, registry
from pgsluice.providers.base import BASE_URL, SecretField, is_base_url
from pgsluice.providers.errors import ProviderError, UnknownProvider
from pgsluice.server import bodies
from pgsluice.server.answers import nothing, raw
from pgsluice.server.bodies import any_value, json_text, optional, seconds, text, whole, whole_text
from pgsluice.server.errors import BadFields
from pgsluice.server.masks import INSTEAD, is_masked

if TYPE_CHECKING:
    from pgsluice.server.app import App

_TEXT: Final = optional(text)
_NO_RECORDS: Final = b'{"records" : []'
_OBJECT: Final = optional(json_text(dict))
# The kind that may say beside its secret, which says so itself, whether it is for tests.
_WITH_MODE: Final = "stripe_key"
_MODE: Final = frozenset({"test"})


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


async def stream_prune(app: App, request: Request, token: Token) -> Response:
    given = await bodies.asked(request, app.settings.max_body, older_than=seconds, force=optional(bodies.flag))
    if "older_than" not in given:
        raise BadFields({"older_than": "is missing: an age in seconds, 0 for any"})
    return raw(await app.store.run(token, api_syncs.stream_prune(request.path_params["id"], given)))


async def the_stream(app: App, token: Token, stream_id: str | None) -> str:
    """The stream that was named, or the only one there is. SL001."""
    if stream_id is not None:
        return stream_id
    found = json.loads(await app.store.run(token, api.only_stream()))
    if len(found) == 1:
        return str(found[0])
    raise BadFields({"stream_id": "is missing, and there is more than one stream" if found else "is missing, and there is no stream yet"})


# ---------------------------------------------------------------- credentials


async def credential_create(app: App, request: Request, token: Token) -> Response:
    answer, status = await imported(app, token, await _body(app, request), "")
    return raw(answer, status)


async def imported(
    app: App, token: Token, given: Any, place: str, then: Callable[[str], Sequence[Ask]] = lambda _credential_id: ()
) -> tuple[bytes, int]:
    """Stores a credential, and does `then` with its id in the same transaction; the last answer, and the status of the credential."""
    for attempt in range(_IMPORT_TRIES):
        credential_id, storing, status = await _importing(app, token, credential_of(given, place))
        try:
            return await app.store.run(token, storing, *then(credential_id)), status
        except SluiceError as exc:
            # Since it was looked up, another request may have given the account its credential, or deleted it.
            if exc.code not in {"SL104", "SL110"} or attempt == _IMPORT_TRIES - 1:
                raise
    raise AssertionError


async def _importing(app: App, token: Token, found: dict[str, Any]) -> tuple[str, Ask, int]:
    """Id, statement and status of a credential to be stored: a new one, or that of the account where it has one."""
    known = None
    if found["account"] is not None:
        known = json.loads(await app.store.run(token, api.credential_known(found["provider"], found["account"])))
    if known is not None and found["id"] in {None, known}:
        values = sealed(app, {**found, "id": known})
        return known, api.credential_replace(values), 200
    values = sealed(app, found)
    return values["id"], api.credential_put(values), 201


# What an answer says of a credential, and nobody can set.
_ANSWERED: Final = ("created_at", "updated_at", "version")
_UPDATE_TRIES: Final = 5
_IMPORT_TRIES: Final = 2
# What null takes away: the word that SQL has for that, whose null means "as it was".
_TAKEN_AWAY: Final[Mapping[str, Any]] = {"name": "", "base_url": "", "oauth_app_id": "", "scopes": [], "metadata": "{}"}


async def credential_update(app: App, request: Request, token: Token) -> Response:
    """Another name, a new secret: its syncs go on at once, from where they are.

    What is masked or left out stays as it is; null takes a setting away.
    """
    credential_id = request.path_params["id"]
    given = await _body(app, request)
    known = json.loads(await app.store.run(token, api.credential_info(credential_id)))
    if known is None:
        raise make(f'credential "{credential_id[:200]}" does not exist', code="SL104", hint="list them: GET /v1/credentials")
    if not given:
        raise BadFields({"secret": "is missing, and so is any other field to be changed"})
    if given.pop("id", None) not in {None, credential_id} or given.pop("provider", known["provider"]) not in {None, known["provider"]}:
        raise BadFields({"id": "and provider cannot be changed"})
    for name in _ANSWERED:
        given.pop(name, None)
    inner = given.get("properties")
    place = inner if isinstance(inner, dict) else given
    masked = [name for name, value in place.items() if is_masked(value)]
    for name in masked:
        del place[name]
    place.setdefault("kind", known["kind"])
    given["provider"] = known["provider"]
    for attempt in range(_UPDATE_TRIES):
        try:
            return await _updated(app, token, known, given, masked)
        except SluiceError as exc:
            # A poller renewed the token in between: what is kept of the secret is read anew.
            if exc.code != "SL179" or attempt == _UPDATE_TRIES - 1:
                raise
    raise AssertionError


async def _updated(app: App, token: Token, known: Mapping[str, Any], given: dict[str, Any], masked: Sequence[str]) -> Response:
    credential_id, kind = known["id"], known["kind"]
    inner = given.get("properties")
    place = inner if isinstance(inner, dict) else given
    names = _secret_names(given["provider"], place["kind"])
    taken = {name: word for name, word in _TAKEN_AWAY.items() if name in given and given[name] is None}
    if place["kind"] == kind and not any(name in place for name in names):
        found = {**credential_of(given, "", secret=False), **taken}
        return raw(await app.store.run(token, api.credential_change({**found, "id": credential_id})))
    held: dict[str, Any] = {}
    if place["kind"] == kind and any(name not in place for name in names):
        stored = json.loads(await app.store.run(token, api.credential_sealed(credential_id)))
        opened = secrets.open_sealed(
            base64.b64decode(stored["sealed"]), credential_id, app.settings.key_to_seal("a credential"), stored["key_version"]
        )
        kept = {name: opened[name] for name in names if name in masked and name in opened}
        _stays_where_it_is(given["provider"], kind, kept, {name: place[name] for name in names if name in place}, opened)
        place = {**kept, **place}
        held = {"held_version": stored["version"]}
    whole_ = {**given, "properties": place} if inner is not None else place
    found = {**credential_of(whole_, ""), **taken}
    return raw(await app.store.run(token, api.credential_replace({**sealed(app, {**found, "id": credential_id}), **held})))


def _stays_where_it_is(provider: str, kind: str, kept: Mapping[str, str], new: Mapping[str, Any], opened: Mapping[str, str]) -> None:
    """BadFields where what is kept of a secret would be sent to another address than before."""
    if not kept:
        return
    for field in _secret_fields(provider, kind):
        if field.address and field.name in new and new[field.name] != opened.get(field.name):
            raise BadFields({field.name: f"is another address: give {' and '.join(kept)} along with it, since it would be sent there"})


def _secret_names(provider: str, kind: str) -> list[str]:
    return [field.name for field in _secret_fields(provider, kind)]


def _secret_fields(provider: str, kind: str) -> tuple[SecretField, ...]:
    with suppress(UnknownProvider):
        return registry.get(provider).credential_kinds.get(kind, ())
    return ()


def credential_of(given: Any, place: str, *, secret: bool = True) -> dict[str, Any]:
    """Kind, secret (unless it is not asked for) and the rest, of the flat form and of the one with `properties`. BadFields, SL105, SL208"""
    if not isinstance(given, dict):
        raise BadFields({place: "must be an object"})
    names = ("id", "name", "oauth_app_id", "base_url", "provider", "account", "expires_at")
    common = {**dict.fromkeys(names, _TEXT), "metadata": _OBJECT, "scopes": any_value}
    inner = given.get("properties")
    if "properties" in given and not isinstance(inner, dict):
        raise BadFields({"properties": "must be an object"})
    outside = {name: value for name, value in given.items() if name in common or (inner is not None and name != "properties")}
    found = {**dict.fromkeys(common), **bodies.fields(outside, **common)}
    properties = dict(inner) if inner is not None else {name: value for name, value in given.items() if name not in common}
    for name in accounts.NAMES & properties.keys():
        # Vendors' own answers have numbers there.
        properties[name] = str(properties[name]) if type(properties[name]) is int else properties[name]
    kind = properties.pop("kind", None)
    if not isinstance(kind, str):
        raise BadFields({"kind": "is missing, for example stripe_key" if kind is None else "must be a string"})
    scopes = properties.pop("scopes", found["scopes"])
    found["scopes"] = (
        scopes.split() if isinstance(scopes, str) else bodies.fields({"scopes": scopes}, scopes=optional(bodies.texts))["scopes"]
    )
    provider = found["provider"] or kind.partition("_")[0]
    if found["account"] is not None and "account" in _secret_names(provider, kind):
        properties["account"], found["account"] = found["account"], None
    found["account"] = found["account"] or _account(provider, kind, properties)
    found["provider"], found["kind"] = provider, kind
    if secret:
        found["secret"] = _secret(provider, kind, properties)
    elif properties:
        raise BadFields(dict.fromkeys(properties, "is unknown"))
    if found["base_url"] is not None and not is_base_url(found["base_url"]):
        raise BadFields({"base_url": f"must be {BASE_URL}"})
    return found


def _account(provider: str, kind: str, properties: dict[str, Any]) -> str | None:
    """The account that the properties name; what says so is taken out of them unless the secret needs it."""
    found = accounts.account_of(properties)
    if found is None:
        return None
    needed = _secret_names(provider, kind)
    for name in {found[0], accounts.LIVE} - set(needed):
        properties.pop(name, None)
    return found[1]


def _secret(provider: str, kind: str, properties: dict[str, Any]) -> dict[str, str]:
    try:
        known = registry.get(provider)
        kinds = known.credential_kinds
        if kind not in kinds:
            raise BadFields({"kind": f"{provider} has no such kind; it has: {', '.join(kinds) or 'none'}"})
        names = {field.name: text for field in kinds[kind]}
        mode = (
            bodies.fields({name: properties.pop(name) for name in _MODE & properties.keys()}, test=bodies.flag)
            if kind == _WITH_MODE
            else {}
        )
        secret = bodies.fields(properties, **names)
        missing = {field.name: "is missing" for field in kinds[kind] if field.name not in secret and not field.optional}
        if missing:
            raise BadFields(missing)
        masked = {name: INSTEAD for name, value in secret.items() if is_masked(value)}
        if masked:
            raise BadFields(masked)
        known.seal_check(kind, secret)
        if mode and mode["test"] != ("_test_" in secret["secret"]):
            raise BadFields({"test": f"is {json.dumps(mode['test'])}, and the secret is not of that mode"})
    except ProviderError as exc:
        raise from_provider(exc) from None
    return secret


def from_provider(exc: ProviderError) -> SluiceError:
    return make(exc.message, code=exc.code, details=exc.details, hint=exc.hint)


def sealed(app: App, found: dict[str, Any]) -> dict[str, Any]:
    """What is stored: the secret sealed. SL301."""
    key = app.settings.key_to_seal("a credential")
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
    found = await app.store.run(token, api.records(values))
    if found.startswith(_NO_RECORDS):
        await _known(app, token, values["stream_id"], values["sync_id"])
    return raw(found)


async def _known(app: App, token: Token, stream_id: str | None, sync_id: str | None) -> None:
    """Raises SL101 or SL102 for a stream or a sync that is not there: a misspelt id must not look like one without records."""
    if sync_id is not None:
        sync = rows.decode(await app.store.run(token, api_syncs.sync_info(sync_id)))
        if stream_id is not None and sync["stream_id"] != stream_id:
            hint = "a sync of another stream is not found in this one: leave stream_id out"
            raise make(f'sync "{sync_id[:200]}" does not exist in stream "{stream_id[:200]}"', code="SL102", hint=hint)
    elif stream_id is not None and await app.store.run(token, api.stream_known(stream_id)) == b"null":
        raise make(f'stream "{stream_id[:200]}" does not exist', code="SL101", hint="list them: GET /v1/streams")


async def record_erase(app: App, request: Request, token: Token) -> Response:
    names = ("sync_id", "collection_id", "upstream_id")
    given = await bodies.asked(request, app.settings.max_body, **dict.fromkeys(names, text))
    missing = {name: "is missing" for name in names if name not in given}
    if missing:
        raise BadFields(missing)
    return raw(await app.store.run(token, api_syncs.record_erase(given)))


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
