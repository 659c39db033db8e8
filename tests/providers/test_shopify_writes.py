"""Writing to Shopify, consent and webhooks: the provider with the fake of the vendor, over real HTTP where there is any."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from fakes.shopify import ShopifyFake
from providers.reading import Reader

from pgsluice.providers.base import Client, Credential, Hint, Response, Write, Written
from pgsluice.providers.consent import Signin
from pgsluice.providers.errors import Forged, Malformed, Missing, Refused4xx, Unauthorized
from pgsluice.providers.shopify import Shopify
from pgsluice.providers.webhooks import Delivery, Subscription

SHOPIFY = Shopify()


@pytest.fixture
def fake() -> Iterator[ShopifyFake]:
    with ShopifyFake() as one:
        one.restore_rate, one.maximum = 10_000.0, 100_000.0
        yield one


@pytest.fixture
def reader(fake: ShopifyFake) -> Iterator[Reader]:
    secret = {"shop": fake.shop, "access_token": fake.token}
    one = Reader(SHOPIFY, Credential("shopify_key", secret, fake.url), ["shopify:product"])
    yield one
    one.close()


def write(reader: Reader, kind: str, collection_id: str, data: Any = None, upstream_id: str | None = None, **more: Any) -> Any:
    raw = None if data is None else json.dumps(data).encode()
    writes = [Write(kind, collection_id, upstream_id, raw, more.pop("key", "key-1"), **more)]
    (answer,) = SHOPIFY.read_written(writes, reader.send(SHOPIFY.write(writes, reader.credential)))
    return answer


# ---------------------------------------------------------------- writes


def test_create_update_upsert_delete(fake: ShopifyFake, reader: Reader) -> None:
    made = write(reader, "create", "shopify:product", {"title": "Shirt", "handle": "shirt"})
    assert isinstance(made, Written)
    assert made.change is not None
    assert json.loads(made.change.raw or b"")["title"] == "Shirt"
    id_ = made.upstream_id
    assert write(reader, "update", "shopify:product", {"title": "Red shirt"}, id_).upstream_id == id_
    assert write(reader, "upsert", "shopify:product", {"handle": "shirt", "title": "Blue shirt"}, match_on="handle").upstream_id == id_
    assert fake.store.kept["Product"][id_]["title"] == "Blue shirt"
    gone = write(reader, "delete", "shopify:product", None, id_)
    assert gone.change.deleted
    assert fake.store.kept["Product"] == {}


def test_user_errors_are_the_items_and_stop_no_other(fake: ShopifyFake, reader: Reader) -> None:
    writes = [
        Write("create", "shopify:product", None, json.dumps(data).encode(), f"key-{number}")
        for number, data in enumerate([{"title": "A"}, {"vendor": "without a title"}, {"title": "C"}])
    ]
    one, two, three = SHOPIFY.read_written(writes, reader.send(SHOPIFY.write(writes, reader.credential)))
    assert isinstance(one, Written)
    assert isinstance(three, Written)
    assert isinstance(two, Refused4xx)
    assert json.loads(two.details or "")["userErrors"] == [{"field": ["title"], "message": "Title can't be blank"}]
    assert [doc["title"] for doc in fake.store.kept["Product"].values()] == ["A", "C"]


def test_an_object_that_is_gone(reader: Reader) -> None:
    assert isinstance(write(reader, "update", "shopify:product", {"title": "x"}, "gid://shopify/Product/4711"), Missing)


def test_inventory_is_set_once_for_each_key(fake: ShopifyFake, reader: Reader) -> None:
    """Demanded when it runs; a repetition with the same key does nothing more, and the provider says for how long that holds."""
    item, place = fake.create("InventoryItem")["id"], fake.create("Location", name="Shop")["id"]
    level = fake.create("InventoryLevel", item={"id": item}, location={"id": place}, quantities=[{"name": "available", "quantity": 5}])[
        "id"
    ]
    for _ in range(2):
        answer = write(reader, "update", "shopify:inventory_level", {"locationId": place, "delta": -2}, level, key="once")
        assert answer == Written(level, None)
    assert fake.store.kept["InventoryLevel"][level]["quantities"] == [{"name": "available", "quantity": 3}]
    write(reader, "update", "shopify:inventory_level", {"locationId": place, "quantity": 9}, level, key="another")
    assert fake.store.kept["InventoryLevel"][level]["quantities"] == [{"name": "available", "quantity": 9}]
    assert SHOPIFY.key_window_of("update", "shopify:inventory_level") is not None
    assert SHOPIFY.key_window_of("create", "shopify:product") is None


def test_a_variant_names_its_product(fake: ShopifyFake, reader: Reader) -> None:
    product = fake.create("Product", title="Shirt")["id"]
    made = write(reader, "create", "shopify:variant", {"productId": product, "price": "12.50"})
    assert json.loads(made.change.raw)["price"] == "12.50"
    with pytest.raises(Refused4xx, match="productId"):
        write(reader, "update", "shopify:variant", {"price": "1.00"}, made.upstream_id)


def test_metafields_are_set_by_owner_and_key(fake: ShopifyFake, reader: Reader) -> None:
    data = {"ownerId": fake.create("Product", title="Shirt")["id"], "namespace": "n", "key": "k", "type": "single_line_text_field"}
    one = write(reader, "upsert", "shopify:metafield", {**data, "value": "1"}, match_on="key")
    two = write(reader, "upsert", "shopify:metafield", {**data, "value": "2"}, match_on="key")
    assert one.upstream_id == two.upstream_id
    assert json.loads(two.change.raw)["value"] == "2"


def test_digits_reach_the_vendor_as_they_are(reader: Reader) -> None:
    given = [Write("update", "shopify:inventory_item", "gid://shopify/InventoryItem/1", b'{"cost": 1.00000000000000000001}', "k")]
    assert b"1.00000000000000000001" in (SHOPIFY.write(given, reader.credential).body or b"")


# ---------------------------------------------------------------- consent

SIGNIN = Signin(
    "shopify_oauth2", Client(ShopifyFake.client_id, ShopifyFake.client_secret), "https://us.example/callback", "state-1",
    values={"shop": ShopifyFake.shop},
)  # fmt: skip


def _agreed(fake: ShopifyFake, reader: Reader) -> dict[str, str]:
    """The merchant agrees: the query of the callback."""
    parts = urlsplit(SHOPIFY.authorize(replace(SIGNIN, base_url=fake.url)))
    assert parts.path == "/admin/oauth/authorize"
    reply = reader._client.get(f"{fake.url}{parts.path}", params=parts.query)
    return dict(parse_qsl(urlsplit(reply.headers["location"]).query))


def test_a_consent_becomes_a_pair_that_is_replaced_at_each_use(fake: ShopifyFake, reader: Reader) -> None:
    signin = replace(SIGNIN, base_url=fake.url)
    answer = _agreed(fake, reader)
    granted = SHOPIFY.read_exchanged(signin, answer, reader.send(SHOPIFY.exchange(signin, answer)))
    assert (granted.account, granted.expires_in) == (fake.shop, 3600)
    assert granted.secret.keys() == {"shop", "access_token", "refresh_token"}
    credential = Credential("shopify_oauth2", granted.secret, fake.url, SIGNIN.client)
    request = SHOPIFY.renew(credential)
    assert request is not None
    renewed = SHOPIFY.read_renewed(credential, reader.send(request))
    assert renewed.secret["refresh_token"] != granted.secret["refresh_token"]
    assert renewed.secret["access_token"] != granted.secret["access_token"]
    with pytest.raises(Unauthorized):  # used up
        SHOPIFY.read_renewed(credential, reader.send(request))
    with pytest.raises(Refused4xx):  # a code is good once
        SHOPIFY.read_exchanged(signin, answer, reader.send(SHOPIFY.exchange(signin, answer)))
    for shown in (repr(granted), repr(renewed), repr(request)):
        assert granted.secret["access_token"] not in shown


@pytest.mark.parametrize("change", [{"code": "other"}, {"shop": "evil.myshopify.com"}, {"hmac": ""}, {"hmac": "0" * 64}, {"extra": "1"}])
def test_an_answer_that_shopify_did_not_sign(fake: ShopifyFake, reader: Reader, change: dict[str, str]) -> None:
    with pytest.raises(Forged):
        SHOPIFY.exchange(SIGNIN, {**_agreed(fake, reader), **change})


@pytest.mark.parametrize("shop", ["evil.example", "other.myshopify.com", "example.myshopify.com.evil.example", "a.b.myshopify.com"])
def test_a_signed_answer_of_another_shop(fake: ShopifyFake, shop: str) -> None:
    """The client secret goes to no host that is not the shop's."""
    answer = {"code": "c", "shop": shop, "state": "state-1", "timestamp": "1"}
    with pytest.raises(Forged):
        SHOPIFY.exchange(SIGNIN, {**answer, "hmac": fake.sign(answer)})


@pytest.mark.parametrize("shop", ["", "https://example.myshopify.com", "example.com", "x.myshopify.com/path", "-x.myshopify.com"])
def test_what_is_no_shop(shop: str) -> None:
    with pytest.raises(Malformed):
        SHOPIFY.seal_check("shopify_key", {"shop": shop, "access_token": "shpat_fake0001"})
    with pytest.raises(Malformed):
        SHOPIFY.authorize(replace(SIGNIN, values={"shop": shop}))


def test_which_shop_it_is(fake: ShopifyFake, reader: Reader) -> None:
    request = SHOPIFY.identify(reader.credential)
    assert request is not None
    assert SHOPIFY.read_identified(reader.send(request)) == fake.shop


# ---------------------------------------------------------------- webhooks


def _delivery(fake: ShopifyFake, topic: str, body: Any, **more: Any) -> Delivery:
    headers, raw = fake.delivery(topic, body, **more)
    return Delivery("POST", "https://us.example/webhooks/1", headers, raw, datetime.now(UTC))


@pytest.mark.parametrize(
    ("topic", "body", "hints"),
    [
        ("products/update", {"id": 1, "admin_graphql_api_id": "gid://shopify/Product/1",
                             "variants": [{"id": 2, "admin_graphql_api_id": "gid://shopify/ProductVariant/2"}]},
         [("shopify:product", "gid://shopify/Product/1"), ("shopify:variant", "gid://shopify/ProductVariant/2")]),
        ("products/delete", {"id": 788032119674292922}, [("shopify:product", "gid://shopify/Product/788032119674292922")]),
        ("orders/updated", {"id": 3}, [("shopify:order", "gid://shopify/Order/3")]),
        ("refunds/create", {"id": 9, "order_id": 3}, [("shopify:order", "gid://shopify/Order/3")]),
        ("fulfillments/create", {"id": 9, "order_id": 3},
         [("shopify:fulfillment", "gid://shopify/Fulfillment/9"), ("shopify:order", "gid://shopify/Order/3")]),
        ("fulfillment_orders/moved", {"fulfillment_order": {"id": "gid://shopify/FulfillmentOrder/1"}},
         [("shopify:fulfillment_order", "gid://shopify/FulfillmentOrder/1")]),
        ("inventory_levels/update", {"inventory_item_id": 1, "admin_graphql_api_id": "gid://shopify/InventoryLevel/5?inventory_item_id=1"},
         [("shopify:inventory_level", "gid://shopify/InventoryLevel/5?inventory_item_id=1")]),
        ("themes/publish", {"id": 1}, []),
        ("products/update", [], []),
        ("products/update", {"id": "1; drop"}, []),
    ],
)  # fmt: skip
def test_a_delivery_is_a_hint(fake: ShopifyFake, topic: str, body: Any, hints: list[tuple[str, str]]) -> None:
    received = SHOPIFY.receive(_delivery(fake, topic, body), ["another", fake.client_secret])
    assert received.delivery_id == "delivery-1"
    assert received.hints == tuple(Hint(*hint) for hint in hints)
    assert received.changes == ()


def test_the_app_was_uninstalled(fake: ShopifyFake) -> None:
    assert "uninstalled" in str(SHOPIFY.receive(_delivery(fake, "app/uninstalled", {}), [fake.client_secret]).ended)


def test_a_forged_delivery(fake: ShopifyFake) -> None:
    given = _delivery(fake, "products/update", {"id": 1})
    for wrong in (
        replace(given, body=given.body + b" "),
        replace(given, headers={**given.headers, "x-shopify-hmac-sha256": ""}),
        replace(given, headers={**given.headers, "x-shopify-shop-domain": "evil.example"}),
        _delivery(fake, "products/update", {"id": 1}, secret="another"),
    ):
        with pytest.raises(Forged):
            SHOPIFY.receive(wrong, [fake.client_secret])
    with pytest.raises(Forged):
        SHOPIFY.receive(given, [])


def _subscribed(reader: Reader, address: str, names: Sequence[str] = ("shopify:product", "shopify:order")) -> list[Any]:
    steps, cursor = [], None
    for _ in range(5):
        request = SHOPIFY.subscribe(cursor, address, names, reader.credential)
        assert request is not None
        step = SHOPIFY.read_subscribed(cursor, reader.send(request), Subscription(address, names))
        steps.append(step)
        cursor = step.cursor
        if cursor is None:
            return steps
    raise AssertionError("no end")


def test_subscriptions_are_made_once_and_again_where_the_vendor_dropped_them(fake: ShopifyFake, reader: Reader) -> None:
    address = "https://us.example/webhooks/1"
    assert [step.notice for step in _subscribed(reader, address)] == [None, None]
    topics = {one["topic"] for one in fake.subscriptions}
    assert {"PRODUCTS_DELETE", "ORDERS_UPDATED", "APP_UNINSTALLED"} <= topics
    assert len(_subscribed(reader, address)) == 1  # all is as it should be
    fake.subscriptions.pop()
    last = _subscribed(reader, address)[-1]
    assert "dropped" in str(last.notice)
    assert {one["topic"] for one in fake.subscriptions} == topics


def test_subscriptions_are_removed_of_that_address_alone(fake: ShopifyFake, reader: Reader) -> None:
    _subscribed(reader, "https://us.example/webhooks/1")
    _subscribed(reader, "https://us.example/webhooks/2", ["shopify:customer"])
    _subscribed(reader, "https://us.example/webhooks/1", ())
    assert {one["uri"] for one in fake.subscriptions} == {"https://us.example/webhooks/2"}
    assert len(_subscribed(reader, "https://us.example/webhooks/1", ())) == 1  # there is nothing to do
    # Removed by somebody else, between the look and the request.
    cursor = {"ids": ["gid://shopify/WebhookSubscription/999"]}
    request = SHOPIFY.subscribe(cursor, "https://us.example/webhooks/1", (), reader.credential)
    assert request is not None
    assert SHOPIFY.read_subscribed(cursor, reader.send(request), Subscription("https://us.example/webhooks/1", ())).cursor == {"ids": []}


def test_a_response_without_data_is_no_answer() -> None:
    given = [Write("create", "shopify:product", None, b'{"title": "x"}', "k")]
    body = b'{"data": {"w0": null}, "errors": [{"message": "no", "path": ["w0"], "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]}'
    with pytest.raises(Exception, match="failed to answer"):
        SHOPIFY.read_written(given, Response(200, {}, body, "https://x.example", datetime.now(UTC)))
