"""Shopify: fourteen collections (`shopify_collections`) of the GraphQL Admin API. https://shopify.dev/docs/api/admin-graphql

A sync lists each collection once, to its end, by a bulk operation where it is large (`shopify_lists`, `shopify_bulk`), and follows what was
updated from before that on. Shopify keeps nothing of what is deleted: complete passes find it, and webhooks give word of it sooner
(`shopify_webhooks`). Connections inside objects are completed (`shopify_nested`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from pgsluice.providers import (
    rawjson,
    shopify_auth,
    shopify_bulk,
    shopify_graphql,
    shopify_lists,
    shopify_nested,
    shopify_scopes,
    shopify_shop,
    shopify_webhooks,
    shopify_writes,
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
from pgsluice.providers.errors import ProviderError
from pgsluice.providers.protocol import Plain
from pgsluice.providers.replies import unreadable
from pgsluice.providers.shopify_collections import SOURCES, Source, source_of
from pgsluice.providers.shopify_fields import fields_of
from pgsluice.providers.shopify_graphql import answer, ask
from pgsluice.providers.shopify_place import place_of
from pgsluice.providers.shopify_records import read_node
from pgsluice.providers.webhooks import Delivery, Received, Subscribed, Subscription, Webhooks

CHANGES: Final = ".changes"  # behind the collection, in the name of a feed
SWEEP: Final = ".sweep"


class Shopify(Plain):
    """Connections by cursor, changes by `updated_at`, deletions by complete passes."""

    name: Final = "shopify"
    collections: Mapping[str, Collection] = {
        collection_id: Collection(collection_id, source.description, source.mutations, fields_of(source), source.match_on)
        for collection_id, source in SOURCES.items()
    }
    free_form: Final = False
    credential_kinds: Mapping[str, tuple[SecretField, ...]] = shopify_auth.KINDS
    key_window: Final = None

    # ------------------------------------------------------------ reading

    def feeds(self, collection_ids: Sequence[str] | None, since: datetime | None = None) -> tuple[Feed, ...]:
        chosen = tuple(SOURCES) if collection_ids is None else tuple(dict.fromkeys(collection_ids))
        changes, lists, sweeps = [], [], []
        for collection_id in chosen:
            source, own = source_of(collection_id), (collection_id,)
            after: tuple[str, ...] = ()
            if _has_changes(source):
                changes.append(Feed(f"{collection_id}{CHANGES}", "changes", own, since=since))
                after = (changes[-1].name,)
            lists.append(Feed(collection_id, "backfill", own, after=after, since=since))
            sweeps.append(Feed(f"{collection_id}{SWEEP}", "sweep", own, after=(collection_id,), every=source.sweep, since=since))
        return (Feed(shopify_shop.FEED, "changes", chosen, since=since), *changes, *lists, *sweeps)

    def request(self, feed: Feed, cursor: Cursor | None, credential: Credential) -> Request:
        if feed.name == shopify_shop.FEED:
            return shopify_shop.request(credential)
        source, place = source_of(feed.collection_ids[0]), place_of(cursor)
        if shopify_bulk.wants(source, feed, place):
            return shopify_bulk.request(source, place, credential)
        return shopify_lists.request(source, feed, place, credential)

    def read(self, feed: Feed, cursor: Cursor | None, response: Response) -> Page:
        if feed.name == shopify_shop.FEED:
            return shopify_shop.read(feed, cursor, response)
        source, place = source_of(feed.collection_ids[0]), place_of(cursor)
        if shopify_bulk.wants(source, feed, place):
            return shopify_bulk.read(source, feed, place, response)
        return shopify_lists.read(source, feed, place, response)

    def fetch(self, hint: Hint, credential: Credential) -> Request:
        source = source_of(hint.collection_id)
        if hint.held is not None:
            text, variables = shopify_nested.query(source, hint)
            return ask(credential, text, variables, 2.0 + shopify_nested.PIECE)
        # What may be hidden from the app is not gone because it does not come.
        scopes = f" {shopify_scopes.SCOPES}" if source.aged else ""
        one = f"discountNode(id: $id) {{ {source.fields} }}" if source.type == "DiscountNode" else _node(source)
        return ask(credential, f"query {source.type}One($id: ID!) {{ {one}{scopes} }}", {"id": hint.upstream_id})

    def read_fetched(self, hint: Hint, response: Response) -> Change | Refused | Partial:
        source = source_of(hint.collection_id)

        def record(raw: bytes) -> Change | Refused:
            return read_node(hint.collection_id, source, raw)

        if hint.held is not None:
            return shopify_nested.read_piece(source, hint, response, record)
        data = answer(response)
        node = data.get("discountNode" if source.type == "DiscountNode" else "node", b"")
        if node == b"null":
            if source.aged and not shopify_scopes.sees_all(data, response):
                return Partial(None)
            return Change(hint.collection_id, hint.upstream_id, None, deleted=True)
        if not node.startswith(b"{"):
            raise unreadable(response, "Shopify", "there is no object in it")
        found = record(node)
        if found.upstream_id not in {hint.upstream_id, None}:
            raise unreadable(response, "Shopify", "it is another object than the one asked for")
        return shopify_nested.whole(source, found)

    def budget(self, credential: Credential) -> tuple[Limit, ...]:  # noqa: ARG002
        # What a shop's plan allows is not known before it was asked, and every reply says it: `signals` holds the requests back.
        return ()

    def signals(self, response: Response) -> Signals | None:
        return shopify_graphql.signals(response)

    # ------------------------------------------------------------ writing

    def key_window_of(self, kind: str, collection_id: str) -> timedelta | None:
        return shopify_writes.key_window(kind, collection_id)

    def batch_size(self, kind: str, collection_id: str) -> int:
        return shopify_writes.batch_size(kind, collection_id)

    def write(self, writes: Sequence[Write], credential: Credential) -> Request:
        return shopify_writes.request(writes, credential)

    def read_written(self, writes: Sequence[Write], response: Response) -> tuple[Written | ProviderError, ...]:
        return shopify_writes.read(writes, response)

    # ------------------------------------------------------------ credentials and consent

    def seal_check(self, kind: str, secret: Mapping[str, str]) -> None:
        shopify_auth.check(kind, secret)

    def renew(self, credential: Credential) -> Request | None:
        return shopify_auth.renew(credential)

    def read_renewed(self, credential: Credential, response: Response) -> Renewed:
        return shopify_auth.read_renewed(credential, response)

    @property
    def consents(self) -> Mapping[str, Consent]:
        return shopify_auth.CONSENTS

    def authorize(self, signin: Signin) -> str:
        return shopify_auth.authorize(signin)

    def exchange(self, signin: Signin, answer: Mapping[str, str]) -> Request:
        return shopify_auth.exchange(signin, answer)

    def read_exchanged(self, signin: Signin, answer: Mapping[str, str], response: Response) -> Granted:  # noqa: ARG002
        return shopify_auth.read_exchanged(signin, response)

    def identify(self, credential: Credential) -> Request | None:
        return ask(credential, "query ShopIdentity { shop { myshopifyDomain } }", cost=1.0)

    def read_identified(self, response: Response) -> str:
        domain = rawjson.identity(shopify_graphql.member(answer(response), "shop", response).get("myshopifyDomain", b""))
        if domain is None:
            raise unreadable(response, "Shopify", "it does not name the shop")
        return domain

    # ------------------------------------------------------------ webhooks

    @property
    def webhooks(self) -> Webhooks | None:
        return shopify_webhooks.WEBHOOKS

    def receive(self, delivery: Delivery, secrets: Sequence[str]) -> Received:
        return shopify_webhooks.receive(delivery, secrets)

    def subscribe(
        self,
        cursor: Cursor | None,
        address: str,
        collection_ids: Sequence[str] | None,
        credential: Credential,
        secret: str | None = None,  # noqa: ARG002
    ) -> Request | None:
        return shopify_webhooks.subscribe(cursor, address, collection_ids, credential)

    def read_subscribed(self, cursor: Cursor | None, response: Response, wanted: Subscription | None = None) -> Subscribed:
        return shopify_webhooks.read_subscribed(cursor, response, None if wanted is None else wanted.collection_ids)


def _has_changes(source: Source) -> bool:
    return any(listed.updated or listed.inner for listed in source.lists)


def _node(source: Source) -> str:
    return f"node(id: $id) {{ id ... on {source.type} {{ {source.fields} }} }}"
