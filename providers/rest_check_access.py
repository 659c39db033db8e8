"""What a schema cannot say of a provider document's words about access, and the helpers of that check."""

from __future__ import annotations

import difflib
import re
from collections.abc import Hashable, Iterator, Mapping
from typing import Any, Final

from pgsluice.providers import rest_jwt, rest_template
from pgsluice.providers.rest_access import Auth
from pgsluice.providers.rest_document import Document, Subscribe, Webhooks
from pgsluice.providers.rest_text import Path, Problem, Text

# The fields that a renewal needs, at the least as ones that may be left out where an OAuth app has them.
_NEEDED: Final = {
    "refresh_token": ("refresh_token",),
    "client_credentials": ("client_id", "client_secret"),
    "jwt": (rest_jwt.CLIENT_ID, rest_jwt.PRIVATE_KEY),
}
_CLIENT: Final = {"client.id", "client.secret"}
_AUTHORITY: Final = re.compile(r"[^/{}]*://([^/?#\\]*)")


def problems(text: Text, given: Document) -> Iterator[Problem]:
    for suffix, auth in given.auth.items():
        yield from _auth(text, given, suffix, auth)
    secrets = {f"credential.{field}" for auth in given.auth.values() for field in auth.fields}
    if given.identify is not None:
        asked = {key: value for key, value in text.data["identify"].items() if key != "graphql"}
        yield from unknown(text, ("identify",), asked, secrets)
        if not given.identify.path or not given.identify.record:
            yield problem(text, ("identify",), "identify needs a path, and record: where the account's id is", "add them")
    yield from _webhooks(text, given)


def _auth(text: Text, given: Document, suffix: str, auth: Auth) -> Iterator[Problem]:
    at: Path = ("auth", suffix)
    raw = text.data["auth"][suffix]
    if not (auth.bearer or auth.headers or auth.params or auth.basic):
        yield problem(text, at, "the credential is not sent anywhere", "give bearer, headers, params or basic")
    known = {f"credential.{name}" for name in auth.fields} | ({"credential.access_token"} if auth.renew else set())
    for key in ("bearer", "headers", "params", "basic"):
        yield from unknown(text, (*at, key), raw.get(key), known)
    if auth.base_url:
        yield from unknown(text, (*at, "base_url"), auth.base_url, known)
    else:
        yield from unknown(text, ("base_url",), given.base_url, known)
    if auth.renew is not None:
        yield from unknown(text, (*at, "renew", "url"), auth.renew.url, known)
        needed = set(_NEEDED[auth.renew.grant])
        if missing := sorted(needed - set(auth.fields)):
            words = f"the grant {auth.renew.grant} needs {' and '.join(missing)}"
            yield problem(text, (*at, "fields"), words, "add the fields")
    if auth.consent is not None:
        yield from _consent(text, at, auth)
        yield from _led(text, (*at, "consent", "token"), auth, auth.consent.token)
    # An app has the secret where the credential need not.
    if auth.renew is not None and auth.renew.grant != "jwt" and getattr(auth.fields.get("client_secret"), "optional", True):
        yield from _led(text, (*at, "renew", "url"), auth, auth.renew.url)


def _led(text: Text, at: Path, auth: Auth, address: str) -> Iterator[Problem]:
    """Where the client secret of an OAuth app would be sent to any host that whoever signs in, or gives a credential, likes."""
    host = _AUTHORITY.match(address)
    names = list(rest_template.placeholders(host[1])) if host else []
    if host is None or not names:
        return
    end = host[1].rpartition("}")[2].partition(":")[0]
    if end.count(".") > 1:  # at least .example.com
        return
    field = auth.fields.get(names[-1].removeprefix("credential."))
    if field is not None and field.pattern and not re.fullmatch(field.pattern, "elsewhere" if "." in end else "elsewhere.example"):
        return
    words = "whoever gives the credential says to which host the client secret of an OAuth app is sent"
    hint = (
        "end the host with the vendor's, as in https://{credential.site}.example.com, or give a path only: the app's base_url has the host"
    )
    yield problem(text, at, words, hint)


def _consent(text: Text, at: Path, auth: Auth) -> Iterator[Problem]:
    spec = auth.consent
    assert spec is not None
    for place, name in enumerate(spec.values):
        if name not in auth.fields:
            yield problem(text, (*at, "consent", "values", place), f"there is no field {name!r}", instead(name, list(auth.fields)))
    known = {f"credential.{name}" for name in spec.values}
    for key, more in (("authorize", set()), ("token", set()), ("params", _CLIENT), ("headers", _CLIENT), ("account", set())):
        yield from unknown(text, (*at, "consent", key), getattr(spec, key), known | more)
    for name in spec.keep:
        if name not in auth.fields:
            yield problem(text, (*at, "consent", "keep", name), f"there is no field {name!r}", instead(name, list(auth.fields)))


def _webhooks(text: Text, given: Document) -> Iterator[Problem]:
    hooks = given.webhooks
    if hooks is None:
        return
    known = {"body", "method", "url"} | ({"timestamp"} if hooks.timestamp is not None else set())
    yield from unknown(text, ("webhooks", "signature", "message"), hooks.signature.message, known, ("header.",))
    if "{body}" not in hooks.signature.message:
        yield problem(text, ("webhooks", "signature", "message"), "the signature does not cover the body", "put {body} into it")
    for place, event in enumerate(hooks.events):
        at: Path = ("webhooks", "events", place)
        collection = given.collections.get(event.collection)
        if collection is None:
            words = f"there is no collection {event.collection!r}"
            yield problem(text, (*at, "collection"), words, instead(event.collection, list(given.collections)))
        elif collection.fetch is None and event.id:
            yield problem(text, (*at, "collection"), f"{event.collection} has no fetch, so nothing can come of it", "give it a fetch")
        yield from unknown(text, (*at, "id"), event.id, set(), ("body.",))
        for number, condition in enumerate(event.when):
            if bool(condition.header) == bool(condition.path):
                yield problem(text, (*at, "when", number), "a condition is on a header or on a place in the body", "give one of them")
    if hooks.subscribe is not None:
        yield from _subscribe(text, given, hooks, hooks.subscribe)


def _subscribe(text: Text, given: Document, hooks: Webhooks, spec: Subscribe) -> Iterator[Problem]:
    at: Path = ("webhooks", "subscribe")
    raw = text.data["webhooks"]["subscribe"]
    for place, suffix in enumerate(spec.credentials):
        if suffix not in given.auth:
            yield problem(text, (*at, "credentials", place), f"there is no {suffix!r} under auth", instead(suffix, list(given.auth)))
    if spec.parent is not None and spec.parent not in given.collections:
        yield problem(text, (*at, "parent"), f"there is no collection {spec.parent!r}", instead(spec.parent, list(given.collections)))
    yield from _subscribe_requests(text, at, raw, spec, {f"credential.{field}" for auth in given.auth.values() for field in auth.fields})
    said = set(rest_template.placeholders([part for _, part in leaves(raw["create"], ())]))
    if "address" not in said:
        yield problem(text, (*at, "create"), "the vendor does not hear where to send", 'put "{address}" into params or body')
    if hooks.secret != "client" and not spec.secret and "secret" not in said:  # noqa: S105  no password
        hint = 'put "{secret}" into it, or say with secret where its answer has one'
        yield problem(text, (*at, "create"), "the vendor does not hear what to sign with", hint)
    if spec.topics and not any(event.topics for event in hooks.events):
        yield problem(text, (*at, "topics"), "no event has topics", "give the events topics: what the vendor calls them")
    if spec.renew is not None and spec.expires is None:
        yield problem(text, (*at, "renew"), "nothing says when a subscription ends", "add expires: where it says so")


def _subscribe_requests(text: Text, at: Path, raw: Any, spec: Subscribe, secrets: set[str]) -> Iterator[Problem]:
    free = ("parent.",) if spec.parent is not None else ()
    paging = {"limit", "cursor", "offset", "page"}
    known = {"list": paging, "create": {"address", "secret", "topics"}} | {
        name: {"id", "address", "secret", "topics"} for name in ("update", "renew", "delete")
    }
    for name, own in known.items():
        asked = {key: value for key, value in raw.get(name, {}).items() if key in {"path", "params", "headers", "body"}}
        yield from unknown(text, (*at, name), asked, own | secrets, free)
        variables = raw.get(name, {}).get("graphql", {}).get("variables", {})
        yield from unknown(text, (*at, name, "graphql", "variables"), variables, own | secrets, free)


# ---------------------------------------------------------------- helpers


def unknown(text: Text, path: Path, template: Any, known: set[str], free: tuple[str, ...] = ()) -> Iterator[Problem]:
    """Placeholders that stand for nothing here, each at its own place."""
    for place, part in leaves(template, path):
        for name in rest_template.placeholders(part):
            if name not in known and not name.startswith(free or ("\0",)):
                yield problem(text, place, f"{{{name}}} stands for nothing here", instead(name, sorted(known)))


def leaves(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from leaves(inner, (*path, name))
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            yield from leaves(inner, (*path, place))


def instead(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]}?" if near else f"possible here: {', '.join(known)}"


def problem(text: Text, path: tuple[Hashable, ...], message: str, hint: str) -> Problem:
    line, column = text.at(path)
    return Problem(line, column, ".".join(map(str, path)), message, hint)
