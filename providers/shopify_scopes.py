"""What the app may see: without the scope `read_all_orders` Shopify shows the orders of the last 60 days, and says nothing of the others.

https://shopify.dev/docs/api/usage/access-scopes#orders-permissions. So an order that grows older than that looks deleted. Nothing is
concluded from its absence then: no sweep of orders, and of what lies below them, is made, and an order that is not found is not gone.
"""

from __future__ import annotations

from typing import Final

from pgsluice.providers import rawjson
from pgsluice.providers.base import Credential, Page, Request, Response
from pgsluice.providers.shopify_graphql import answer, ask, member
from pgsluice.providers.shopify_place import Place, moved, stored

ALL_ORDERS: Final = "read_all_orders"
ORDERS: Final = frozenset({"read_orders", "write_orders"})
SCOPES: Final = "currentAppInstallation { accessScopes { handle } }"
AGAIN: Final = 86_400.0  # seconds


def request(name: str, credential: Credential) -> Request:
    return ask(credential, f"query {name} {{ {SCOPES} }}", cost=2.0)


def handles(data: dict[str, bytes], response: Response) -> frozenset[str]:
    """The scopes that a reply names."""
    scopes = rawjson.elements(member(data, "currentAppInstallation", response).get("accessScopes", b"[]"), "accessScopes")
    names = (rawjson.identity(rawjson.object_members(scope).get("handle", b"")) for scope in scopes)
    return frozenset(name for name in names if name is not None)


def sees_all(data: dict[str, bytes], response: Response) -> bool:
    return ALL_ORDERS in handles(data, response)


def read_before_sweep(place: Place, response: Response) -> Page:
    """Whether a pass can say what is gone. If not, it is looked again tomorrow."""
    if sees_all(answer(response), response):
        return Page(stored(moved(place, scoped=True)), done=False, more=True)
    return Page(stored(place), done=False, more=False, wait=AGAIN)
