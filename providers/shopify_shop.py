"""The shop itself, asked about now and then: whether the version still lives, and whether the app may see all that it reads."""

from __future__ import annotations

from typing import Final

import msgspec

from pgsluice.providers import shopify_scopes
from pgsluice.providers.base import Credential, Cursor, Feed, Page, Request, Response
from pgsluice.providers.shopify_collections import API_VERSION, SOURCES
from pgsluice.providers.shopify_graphql import answer, ask, other_version

FEED: Final = "shop"
EVERY: Final = 3600.0
_NO_OLD_ORDERS: Final = (
    "orders older than 60 days are not read, since the app lacks the scope read_all_orders; what is gone among orders is not looked for "
    "either. Shopify grants that scope on request; give it to the app and install it again"
)


class Known(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a person was told already."""

    version: str | None = None
    no_old_orders: bool = False


def request(credential: Credential) -> Request:
    return ask(credential, f"query Shop {{ shop {{ id }} {shopify_scopes.SCOPES} }}", cost=3.0)


def read(feed: Feed, cursor: Cursor | None, response: Response) -> Page:
    """Each thing is said once, and again when it has changed. Raises ProviderError."""
    said = shopify_scopes.handles(answer(response), response)
    known = _known(cursor)
    orders = any(SOURCES[name].aged for name in feed.collection_ids)
    lacks = orders and bool(shopify_scopes.ORDERS & said) and shopify_scopes.ALL_ORDERS not in said
    now = Known(other_version(response), lacks)
    words = []
    if now.version and now.version != known.version:
        words.append(
            f"Shopify answers in version {now.version} of its API, though {API_VERSION} is asked for: that has expired, and fields may "
            "have changed or be missing; update pgsluice"
        )
    if now.no_old_orders and not known.no_old_orders:
        words.append(_NO_OLD_ORDERS)
    cursor_now = msgspec.json.decode(msgspec.json.encode(now), type=dict[str, object])
    return Page(cursor_now, done=False, more=False, notice="; ".join(words) or None, wait=EVERY)


def _known(cursor: Cursor | None) -> Known:
    try:
        return msgspec.convert(cursor or {}, Known)
    except msgspec.ValidationError:
        return Known()
