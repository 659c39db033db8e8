"""Stripe: customers, products, prices, plans, subscriptions, invoices. https://docs.stripe.com/api

A sync lists each collection once, to its end (`stripe_lists`), and follows the events from before that first list on (`stripe_events`).
What no list of Stripe shows is found by its events alone: prices made inline, and in test mode the objects of a test clock.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple
from urllib.parse import quote

from pgsluice.providers import stripe_events, stripe_lists
from pgsluice.providers.base import (
    Change,
    Collection,
    Credential,
    Cursor,
    Feed,
    Hint,
    Malformed,
    Page,
    Refused,
    Request,
    Response,
    SecretField,
    UnknownCollection,
)
from pgsluice.providers.stripe_errors import KEYS_PAGE, missing_object

BASE_URL: Final = "https://api.stripe.com"
# The shape of every object depends on it, so it changes only with a release of ours. https://docs.stripe.com/changelog
API_VERSION: Final = "2026-10-28.endive"
KIND: Final = "stripe_key"
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
_PREFIX = re.compile(r"(?:[a-z]{2,5}_(?:test|live)_|whsec_|acct_|pk_|sk_|rk_)", re.ASCII)


class Stripe:
    """Lists by id cursor, changes by events, single objects by id."""

    name: Final = "stripe"
    collections: Mapping[str, Collection] = {
        collection_id: Collection(collection_id, source.description) for collection_id, source in _SOURCES.items()
    }
    free_form: Final = False
    credential_kinds: Mapping[str, tuple[SecretField, ...]] = {
        KIND: (SecretField("secret", f"a secret (sk_…) or restricted (rk_…) key from {KEYS_PAGE}"),)
    }

    def feeds(self, collection_ids: Sequence[str] | None) -> tuple[Feed, ...]:
        chosen = tuple(_SOURCES) if collection_ids is None else tuple(dict.fromkeys(collection_ids))
        for collection_id in chosen:
            _source(collection_id)
        changes = Feed(EVENTS, "changes", chosen)
        return (changes, *(Feed(collection_id, "backfill", (collection_id,), after=(EVENTS,)) for collection_id in chosen))

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

    def seal_check(self, kind: str, secret: Mapping[str, str]) -> None:
        if kind != KIND:
            raise Malformed(f"Stripe has no credential of kind {kind!r}", hint=f"the kind is {KIND}")
        _key(secret)


def _source(collection_id: str) -> _Source:
    try:
        return _SOURCES[collection_id]
    except KeyError:
        known = ", ".join(_SOURCES)
        raise UnknownCollection(f"Stripe has no collection {collection_id!r} here", hint=f"the collections are: {known}") from None


def _key(secret: Mapping[str, str]) -> str:
    """The key, once it is certain that it is one: what goes into a header must not carry a line break. Raises Malformed."""
    key = secret.get("secret", "")
    if not _KEY.fullmatch(key):
        raise Malformed("this is no secret key of Stripe", details=_shape(key), hint=_advice(key))
    return key


def _get(credential: Credential, path: str, params: Parameters = ()) -> Request:
    base = (credential.base_url or BASE_URL).rstrip("/")
    headers = {
        "Authorization": f"Bearer {_key(credential.secret)}",  # https://docs.stripe.com/api/authentication
        "Stripe-Version": API_VERSION,  # https://docs.stripe.com/api/versioning
        "Accept": "application/json",
    }
    return Request("GET", f"{base}/v1/{path}", params, headers)


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
