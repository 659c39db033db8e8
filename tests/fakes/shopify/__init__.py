"""A stateful stand-in for Shopify's GraphQL Admin API over real HTTP, on two loopback ports: the shop's, and that of the files it writes.

    from fakes.shopify import ShopifyFake

    with ShopifyFake() as fake:
        httpx.post(f"{fake.url}/admin/api/2026-10/graphql.json", headers={"X-Shopify-Access-Token": fake.token}, json={"query": "{ shop { id } }"})

Written from https://shopify.dev/docs/api, never from our provider. Every query is checked against the vendor's own schema, cut to the types
that matter here (`schema.graphql`, made by `published.py`), and carried out by graphql-core.

What it takes from the vendor: cursors that belong to one filter and one order; `>` on a date that acts like `>=`; an empty filter value that
is an internal error; whole seconds; a bucket of points with THROTTLED and MAX_COST_EXCEEDED under status 200; userErrors; access scopes, and
orders of the last 60 days without `read_all_orders`; bulk operations whose result lies on another host, children grouped or anywhere, five at
once; `@idempotent` demanded for inventory; offline tokens that expire, with a refresh token that is replaced at each use; webhooks signed with
the client secret, and subscriptions that are removed without a word; the version header.

Objects       create(type, **fields) -> doc   change(type, id, **fields)   delete(type, id)      types as GraphQL names them
Compare       objects(type, selection) -> {id: object}, connections whole, as {"nodes": […]}
Settings      scopes, closed (402 or 423), answers_in (a version), lag (s), deepest, restore_rate, maximum, grouped, looks, bulk_ends
Requests      requests, names (of the operations asked for), files.requests, files.headers
Tokens        token, add_token(text), revoke(text), client_id, client_secret, grants
Webhooks      subscriptions, drop_subscriptions(), delivery(topic, body, secret=None) -> headers and body
Clock         clock.advance(seconds), clock.freeze(), clock.run()
"""

from fakes.shopify.fake import ShopifyFake
from fakes.shopify.proxy import GraphQLProxy

__all__ = ["GraphQLProxy", "ShopifyFake"]
