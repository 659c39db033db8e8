"""Stripe: customers, products, prices, plans, subscriptions, invoices. https://docs.stripe.com/api

A sync lists each collection once, to its end (`stripe_lists`), and follows the events from before that first list on (`stripe_events`).
What no list of Stripe shows is found by its events alone: prices made inline, and in test mode the objects of a test clock.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from urllib.parse import quote

from pgsluice.providers import stripe_events, stripe_lists, stripe_writes
from pgsluice.providers.base import (
    Change,
    Collection,
    Credential,
    Cursor,
    Feed,
    Hint,
    Page,
    Plain,
    Refused,
    Request,
    Response,
    SecretField,
    Write,
    Written,
)
from pgsluice.providers.errors import Malformed, ProviderError, UnknownCollection
from pgsluice.providers.stripe_errors import KEYS_PAGE, missing_object

BASE_URL: Final = "https://api.stripe.com"
# The shape of every object depends on it, so it changes only with a release of ours. https://docs.stripe.com/changelog
API_VERSION: Final = "2026-10-28.endive"
KIND: Final = "stripe_key"
OAUTH_KIND: Final = "stripe_oauth2"
EVENTS: Final = "events"
Parameters = tuple[tuple[str, str], ...]


class _Source(NamedTuple):
    path: str
    description: str
    lists: tuple[Parameters, ...] = ((),)  # the queries that together bring every object


_SOURCES: Final[Mapping[str, _Source]] = {
    # https://docs.stripe.com/api/customers/list
    "stripe:customer": _Source("customers", "who buys"),
    # https://docs.stripe.com/api/products/list: active and archived unless `active` is given
    "stripe:product": _Source("products", "what is sold"),
    # https://docs.stripe.com/api/prices/list: "a list of your active prices … For the list of inactive prices, set active to false"
    "stripe:price": _Source("prices", "what a product costs", ((("active", "true"),), (("active", "false"),))),
    # https://docs.stripe.com/api/plans/list: active and inactive unless `active` is given
    "stripe:plan": _Source("plans", "recurring prices in their older form"),
    # https://docs.stripe.com/api/subscriptions/list: without `status`, cancelled ones are left out
    "stripe:subscription": _Source("subscriptions", "who pays for what, how often", ((("status", "all"),),)),
    # https://docs.stripe.com/api/invoices/list
    "stripe:invoice": _Source("invoices", "what was billed"),
}
# https://docs.stripe.com/keys: secret and restricted keys, for test and live mode.
_KEY = re.compile(r"[sr]k_(?:test|live)_[A-Za-z0-9_]+", re.ASCII)
# https://docs.stripe.com/connect/oauth-reference: no form of an access token is promised; it must only be fit for a header.
_TOKEN = re.compile(r"[!-~]{8,1000}", re.ASCII)
_PREFIX = re.compile(r"(?:[a-z]{2,5}_(?:test|live)_|whsec_|acct_|pk_|sk_|rk_)", re.ASCII)


class Stripe(Plain):
    """Lists by id cursor, changes by events, single objects by id."""

    name: Final = "stripe"
    collections: Mapping[str, Collection] = {
        collection_id: Collection(collection_id, source.description, stripe_writes.KINDS[collection_id])
        for collection_id, source in _SOURCES.items()
    }
    free_form: Final = False
    credential_kinds: Mapping[str, tuple[SecretField, ...]] = {
        KIND: (SecretField("secret", f"a secret (sk_…) or restricted (rk_…) key from {KEYS_PAGE}"),),
        OAUTH_KIND: (SecretField("access_token", "the access_token that Stripe's OAuth answered for the account"),),
    }
    key_window: Final = stripe_writes.KEY_WINDOW

    def feeds(self, collection_ids: Sequence[str] | None, since: datetime | None = None) -> tuple[Feed, ...]:
        chosen = tuple(_SOURCES) if collection_ids is None else tuple(dict.fromkeys(collection_ids))
        for collection_id in chosen:
            _source(collection_id)
        changes = Feed(EVENTS, "changes", chosen, since=since)
        return (changes, *(Feed(collection_id, "backfill", (collection_id,), after=(EVENTS,), since=since) for collection_id in chosen))

    def request(self, feed: Feed, cursor: Cursor | None, credential: Credential) -> Request:
        if feed.name == EVENTS:
            return _get(credential, "events", stripe_events.parameters(cursor))
        source = _source(feed.name)
        place = stripe_lists.backfill_place(cursor, len(source.lists))
        after = (("starting_after", place.walk.after),) if place.walk.after else ()
        limit = ("limit", str(stripe_lists.PAGE_SIZE))
        return _get(credential, source.path, (limit, *source.lists[place.part], *after))

    def read(self, feed: Feed, cursor: Cursor | None, response: Response) -> Page:
        if feed.name == EVENTS:
            return stripe_events.read_page(feed, cursor, response)
        return stripe_lists.backfill_page(feed, cursor, response, parts=len(_source(feed.name).lists))

    def fetch(self, hint: Hint, credential: Credential) -> Request:
        # Plans have ids of the user's choice: any character may be in them.
        return _get(credential, f"{_source(hint.collection_id).path}/{quote(hint.upstream_id, safe='')}")

    def read_fetched(self, hint: Hint, response: Response) -> Change | Refused:
        if missing_object(response):
            return Change(hint.collection_id, hint.upstream_id, raw=None, deleted=True)
        return stripe_lists.fetched_record(hint, response)

    def write(self, writes: Sequence[Write], credential: Credential) -> Request:
        (write,) = writes
        said = stripe_writes.said(write, _source(write.collection_id).path)
        return _request(said.method, credential, said.path, headers=said.headers, body=said.body)

    def read_written(self, writes: Sequence[Write], response: Response) -> tuple[Written | ProviderError, ...]:
        (write,) = writes
        return (stripe_writes.read_written(write, response),)

    def seal_check(self, kind: str, secret: Mapping[str, str]) -> None:
        if kind not in self.credential_kinds:
            raise Malformed(f"Stripe has no credential of kind {kind!r}", hint=f"the kinds are {', '.join(self.credential_kinds)}")
        _bearer(kind, secret)


def _source(collection_id: str) -> _Source:
    try:
        return _SOURCES[collection_id]
    except KeyError:
        known = ", ".join(_SOURCES)
        raise UnknownCollection(f"Stripe has no collection {collection_id!r} here", hint=f"the collections are: {known}") from None


def _bearer(kind: str, secret: Mapping[str, str]) -> str:
    """What goes behind "Bearer", once it is certain that it carries no line break into the header. Raises Malformed."""
    return _token(secret) if kind == OAUTH_KIND else _key(secret)


def _token(secret: Mapping[str, str]) -> str:
    token = secret.get("access_token", "")
    if not _TOKEN.fullmatch(token):
        raise Malformed("this is no access token", details=_shape(token), hint="give access_token as Stripe's OAuth answered it")
    return token


def _key(secret: Mapping[str, str]) -> str:
    key = secret.get("secret", "")
    if not _KEY.fullmatch(key):
        raise Malformed("this is no secret key of Stripe", details=_shape(key), hint=_advice(key))
    return key


def _get(credential: Credential, path: str, params: Parameters = ()) -> Request:
    return _request("GET", credential, path, params)


def _request(
    method: str,
    credential: Credential,
    path: str,
    params: Parameters = (),
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> Request:
    base = (credential.base_url or BASE_URL).rstrip("/")
    always = {
        "Authorization": f"Bearer {_bearer(credential.kind, credential.secret)}",  # https://docs.stripe.com/api/authentication
        "Stripe-Version": API_VERSION,  # https://docs.stripe.com/api/versioning
        "Accept": "application/json",
    }
    return Request(method, f"{base}/v1/{path}", params, {**always, **(headers or {})}, body)


def _shape(key: str) -> str:
    """What can be said of a key without repeating it."""
    prefix = _PREFIX.match(key)
    return f"{len(key)} characters, beginning with {prefix[0]}" if prefix else f"{len(key)} characters, with no beginning that Stripe uses"


def _advice(key: str) -> str:
    if not key:
        return f"give a key from {KEYS_PAGE}"
    if key != "".join(key.split()):
        return "it contains spaces or a line break: copy it again, without them"
    if "*" in key or "…" in key or "..." in key:
        return "this is the masked form that is shown for recognition: the full key is shown once, when it is made"
    if key.startswith("pk_"):
        return f"this is a publishable key, which may not read: take the secret or a restricted key from {KEYS_PAGE}"
    if key.startswith("whsec_"):
        return f"this is the secret of a webhook: take a secret or restricted key from {KEYS_PAGE}"
    return f"a key begins with sk_test_, sk_live_, rk_test_ or rk_live_ and has only letters and digits: {KEYS_PAGE}"
