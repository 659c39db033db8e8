"""Stripe: sixty-four collections (`stripe_collections`). https://docs.stripe.com/api

A sync lists each collection once, to its end (`stripe_backfill`), and follows the events from before that first list on (`stripe_events`).
What no event announces is looked for in the lists (`stripe_news`, and sweeps). What no list of Stripe shows is found by its events alone:
prices made inline, and in test mode the objects of a test clock. Lists inside objects are completed (`stripe_nested`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import quote

from pgsluice.providers import (
    stripe_backfill,
    stripe_consents,
    stripe_events,
    stripe_lists,
    stripe_nested,
    stripe_news,
    stripe_places,
    stripe_webhooks,
    stripe_writes,
)
from pgsluice.providers.base import (
    Change,
    Collection,
    Credential,
    Cursor,
    Feed,
    Hint,
    Limit,
    Page,
    Partial,
    Refused,
    Renewed,
    Request,
    Response,
    SecretField,
    Signals,
    Write,
    Written,
)
from pgsluice.providers.consent import Consent, Granted, Signin
from pgsluice.providers.errors import Malformed, ProviderError
from pgsluice.providers.protocol import Plain
from pgsluice.providers.stripe_collections import BELOW, SOURCES, WHOLE, Parameters, object_type, source_of
from pgsluice.providers.stripe_errors import KEYS_PAGE, missing_object, quiet_for
from pgsluice.providers.stripe_fields import fields_of
from pgsluice.providers.webhooks import Delivery, Received, Subscribed, Subscription, Webhooks

BASE_URL: Final = "https://api.stripe.com"
# The shape of every object depends on it, so it changes only with a release of ours. https://docs.stripe.com/changelog
API_VERSION: Final = "2026-10-28.endive"
KIND: Final = "stripe_key"
OAUTH_KIND: Final = stripe_consents.CONNECT
APP_KIND: Final = stripe_consents.APP
CONNECT_KIND: Final = "stripe_connect"
ACCOUNTS_PAGE: Final = "https://dashboard.stripe.com/connect/accounts/overview"
EVENTS: Final = "events"
NEWS: Final = ".new"  # behind the collection, in the name of a feed
SWEEP: Final = ".sweep"


# https://docs.stripe.com/keys: secret and restricted keys, for test and live mode.
_KEY = re.compile(r"[sr]k_(?:test|live)_[A-Za-z0-9_]+", re.ASCII)
# The value that is shown to Stripe, where it is not `secret`.
_NAMES: Final = {OAUTH_KIND: "access_token", APP_KIND: "access_token"}
_ACCOUNT = re.compile(r"acct_[A-Za-z0-9]{1,64}", re.ASCII)
# https://docs.stripe.com/connect/oauth-reference: no form of an access token is promised; it must only be fit for a header.
_TOKEN = re.compile(r"[!-~]{8,1000}", re.ASCII)
# The resource that a path begins with, as issuing/cards of issuing/cards/ic_1.
_RESOURCE = re.compile(r"(?:(?:billing|billing_portal|checkout|entitlements|issuing|product_catalog|radar|tax|treasury)/)?[a-z_]+")
_PREFIX = re.compile(r"(?:[a-z]{2,5}_(?:test|live)_|whsec_|acct_|pk_|sk_|rk_)", re.ASCII)


class Stripe(Plain):
    """Lists by id cursor, changes by events, single objects by id."""

    name: Final = "stripe"
    collections: Mapping[str, Collection] = {
        collection_id: Collection(collection_id, source.description, source.mutations, fields_of(object_type(collection_id)))
        for collection_id, source in SOURCES.items()
    }
    free_form: Final = False
    credential_kinds: Mapping[str, tuple[SecretField, ...]] = {
        KIND: (SecretField("secret", f"a secret (sk_…) or restricted (rk_…) key from {KEYS_PAGE}"),),
        OAUTH_KIND: (SecretField("access_token", "the access_token that Stripe's OAuth answered for the account"),),
        APP_KIND: (
            SecretField("access_token", "the access_token that Stripe's OAuth answered for the installed app", optional=True),
            SecretField("refresh_token", "the refresh_token that came with it"),
        ),
        CONNECT_KIND: (
            SecretField("secret", f"a secret (sk_…) or restricted (rk_…) key of the platform from {KEYS_PAGE}"),
            SecretField("account", f"the connected account (acct_…) to work in, from {ACCOUNTS_PAGE}"),
        ),
    }
    key_window: Final = stripe_writes.KEY_WINDOW

    def feeds(self, collection_ids: Sequence[str] | None, since: datetime | None = None) -> tuple[Feed, ...]:
        chosen = WHOLE if collection_ids is None else tuple(dict.fromkeys(collection_ids))
        news, lists, sweeps = [], [], []
        for collection_id in chosen:
            source, own = source_of(collection_id), (collection_id,)
            before = (EVENTS, f"{collection_id}{NEWS}") if source.news else (EVENTS,)
            if source.news:
                news.append(Feed(f"{collection_id}{NEWS}", "changes", own, since=since))
            lists.append(Feed(collection_id, "backfill", own, after=before, since=since))
            if source.sweep is not None:
                sweeps.append(Feed(f"{collection_id}{SWEEP}", "sweep", own, after=(collection_id,), every=source.sweep, since=since))
        return (Feed(EVENTS, "changes", chosen, since=since), *news, *lists, *sweeps)

    def request(self, feed: Feed, cursor: Cursor | None, credential: Credential) -> Request:
        if feed.name == EVENTS:
            return _get(credential, "events", stripe_events.parameters(cursor))
        source = source_of(feed.collection_ids[0])
        if feed.kind == "changes":
            return _get(credential, *stripe_news.query(source, cursor))
        return _get(credential, *stripe_backfill.query(source, feed, cursor))

    def read(self, feed: Feed, cursor: Cursor | None, response: Response) -> Page:
        if feed.name == EVENTS:
            return stripe_events.read_page(feed, cursor, response)
        source = source_of(feed.collection_ids[0])
        if feed.kind == "changes":
            return stripe_news.read_page(source, feed, cursor, response)
        return stripe_backfill.read_page(source, feed, cursor, response)

    def fetch(self, hint: Hint, credential: Credential) -> Request:
        source = source_of(hint.collection_id)
        of = BELOW.get(hint.collection_id)
        if hint.held is None:
            path = stripe_places.path_of(hint.collection_id, hint.upstream_id)
            return _get(credential, path, tuple(("expand[]", name) for name in source.expand))
        if of is not None:
            return _get(credential, *stripe_backfill.query_children(of, hint.upstream_id, hint.held.decode() or None))
        path, params = stripe_nested.query(source, hint)
        # Plans have ids of the user's choice: any character may be in them.
        return _get(credential, path.format(quote(hint.upstream_id, safe="")), params)

    def read_fetched(self, hint: Hint, response: Response) -> Change | Refused | Partial:
        source = source_of(hint.collection_id)
        of = BELOW.get(hint.collection_id)
        if hint.held is not None:
            return stripe_nested.read_piece(source, hint, response) if of is None else stripe_nested.read_children(hint, response, of.query)
        if missing_object(response):
            return Change(hint.collection_id, hint.upstream_id, raw=None, deleted=True)
        return stripe_nested.whole(source, stripe_lists.fetched_record(hint, response))

    def write(self, writes: Sequence[Write], credential: Credential) -> Request:
        (write,) = writes
        said = stripe_writes.said(write)
        return _request(said.method, credential, said.path, headers=said.headers, body=said.body)

    def read_written(self, writes: Sequence[Write], response: Response) -> tuple[Written | ProviderError, ...]:
        (write,) = writes
        return (stripe_writes.read_written(write, response),)

    def budget(self, credential: Credential) -> tuple[Limit, ...]:
        # https://docs.stripe.com/rate-limits: "Live mode: 100 requests per second. Sandbox: 25"
        return (Limit("requests", 100 if _is_live(credential) else 25, 1.0),)

    def signals(self, response: Response) -> Signals | None:
        if response.status != 429:
            return None
        return Signals(wait=quiet_for(response))

    @property
    def webhooks(self) -> Webhooks | None:
        return stripe_webhooks.WEBHOOKS

    def receive(self, delivery: Delivery, secrets: Sequence[str]) -> Received:
        return stripe_webhooks.receive(delivery, secrets)

    def subscribe(
        self,
        cursor: Cursor | None,
        address: str,
        collection_ids: Sequence[str] | None,
        credential: Credential,
        secret: str | None = None,  # noqa: ARG002
    ) -> Request | None:
        said = stripe_webhooks.request(cursor, address, collection_ids, API_VERSION)
        if said is None:
            return None
        method, path, params, body = said
        headers = None if body is None else {"Content-Type": stripe_writes.FORM}
        return _request(method, credential, path, params, headers=headers, body=body)

    def read_subscribed(self, cursor: Cursor | None, response: Response, wanted: Subscription | None = None) -> Subscribed:  # noqa: ARG002
        return stripe_webhooks.read(cursor, response)

    def seal_check(self, kind: str, secret: Mapping[str, str]) -> None:
        if kind not in self.credential_kinds:
            raise Malformed(f"Stripe has no credential of kind {kind!r}", hint=f"the kinds are {', '.join(self.credential_kinds)}")
        if kind == APP_KIND:
            _token(secret, "refresh_token")
        if kind != APP_KIND or "access_token" in secret:
            _bearer(kind, secret)
        if kind == CONNECT_KIND:
            _account(secret)

    def renew(self, credential: Credential) -> Request | None:
        return stripe_consents.renew(credential)

    def read_renewed(self, credential: Credential, response: Response) -> Renewed:  # noqa: ARG002 (the protocol's)
        return stripe_consents.read_renewed(response)

    @property
    def consents(self) -> Mapping[str, Consent]:
        return stripe_consents.CONSENTS

    def authorize(self, signin: Signin) -> str:
        return stripe_consents.authorize(signin)

    def exchange(self, signin: Signin, answer: Mapping[str, str]) -> Request:
        return stripe_consents.exchange(signin, answer)

    def read_exchanged(self, signin: Signin, answer: Mapping[str, str], response: Response) -> Granted:  # noqa: ARG002
        return stripe_consents.read_exchanged(signin, response)


def _bearer(kind: str, secret: Mapping[str, str]) -> str:
    """What goes behind "Bearer", once it is certain that it carries no line break into the header. Raises Malformed."""
    return _token(secret, "access_token") if kind in _NAMES else _key(secret)


def _account(secret: Mapping[str, str]) -> str:
    account = secret.get("account", "")
    if not _ACCOUNT.fullmatch(account):
        raise Malformed("this is no account of Stripe", details=_shape(account), hint=f"it begins with acct_: {ACCOUNTS_PAGE}")
    return account


def _token(secret: Mapping[str, str], name: str) -> str:
    token = secret.get(name, "")
    if not _TOKEN.fullmatch(token):
        raise Malformed(f"this is no {name.replace('_', ' ')}", details=_shape(token), hint=f"give {name} as Stripe's OAuth answered it")
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
    if credential.kind == CONNECT_KIND:
        always["Stripe-Account"] = _account(credential.secret)  # https://docs.stripe.com/connect/authentication
    return Request(method, f"{base}/v1/{path}", params, {**always, **(headers or {})}, body, limit=_limit(credential, path))


def _limit(credential: Credential, path: str) -> Limit | None:
    """What one endpoint allows; in a sandbox that is no less than all of them together.

    https://docs.stripe.com/rate-limits: "each individual API endpoint … 25 requests per second", "Files API … 20 read and 20 write". What
    is one endpoint, it does not say: here, all that begins with the same resource.
    """
    if not _is_live(credential):
        return None
    resource = _RESOURCE.match(path)
    name = resource[0] if resource else path
    return Limit(f"endpoint {name}", 20 if name == "files" else 25, 1.0)


def _is_live(credential: Credential) -> bool:
    return "_live_" in credential.secret.get(_NAMES.get(credential.kind, "secret"), "")


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
