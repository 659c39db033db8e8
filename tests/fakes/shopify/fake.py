"""ShopifyFake: the server with everything that a test may do to it. The package's docstring lists it."""

from __future__ import annotations

import base64
import hmac
import itertools
import json
import re
import time
from hashlib import sha256
from typing import Any, Self
from urllib.parse import urlencode

import graphql

from fakes.serving import Answer, Asked, Serving
from fakes.shopify.bulk import Bulk, Files
from fakes.shopify.engine import MOST, ROOTS, Engine, cost_of, objects_in, prepared
from fakes.shopify.hooks import Hooks
from fakes.shopify.store import Doc, Store, moment
from fakes.shopify.writing import Mutations

TOKEN = "shpat_fake00000000000000000000000001"
SCOPES = {scope for _, scope, _ in ROOTS.values()} | {"read_all_orders", "read_fulfillments"}
_PATH = re.compile(r"/admin/api/(\d{4}-\d{2}|unstable)/graphql\.json")
_NAME = re.compile(r"\s*(query|mutation)\s+(\w+)")


class ShopifyFake(Serving):
    shop = "example.myshopify.com"
    token = TOKEN
    client_id = "client-1"
    client_secret = "shpss_fakeclientsecret"

    def __init__(self) -> None:
        super().__init__()
        self.store = Store(self.clock.now)
        self.scopes = set(SCOPES)
        self.engine = Engine(self.store, self.scopes)
        self.files = Files()
        self.bulk = Bulk(self.engine, self.files, self.store.create)
        self.engine.roots = {
            **Mutations(self.store).fields(), **self.bulk.fields(), "shop": self._shop, "currentAppInstallation": self._app,
            "webhookSubscriptions": self._subscribed, "webhookSubscriptionCreate": self._subscribe,
            "webhookSubscriptionDelete": self._unsubscribe,
        }  # fmt: skip
        self.tokens: dict[str, float | None] = {TOKEN: None}  # until when each is good
        self.refresh_tokens: dict[str, bool] = {}  # whether each is still good
        self.codes: set[str] = set()
        self.grants = 0
        self.names: list[str] = []
        self.subscriptions: list[Doc] = []
        self._subscription_numbers = itertools.count(1)
        self.hooks = Hooks(self.subscriptions, lambda topic, body, number: self.delivery(topic, body, number=number))
        self.store.told = self.hooks.tell
        self.redirect_uris: list[str] = []  # of the app; none: any
        self.closed: int | None = None
        self.answers_in = ""
        self.restore_rate, self.maximum = 100.0, 2000.0
        self.most = MOST  # points of one query
        self._spent, self._refilled = 0.0, time.monotonic()  # points, of `maximum`

    def start(self) -> Self:
        self.files.start()
        super().start()
        return self

    def stop(self) -> None:
        self.hooks.sender.stop()
        super().stop()
        self.files.stop()

    # -- objects

    def create(self, kind: str, /, **fields: Any) -> Doc:
        with self.lock:
            return self.store.create(kind, **fields)

    def change(self, kind: str, id_: str, /, **fields: Any) -> Doc:
        with self.lock:
            return self.store.change(kind, id_, **fields)

    def delete(self, kind: str, id_: str) -> None:
        with self.lock:
            self.store.delete(kind, id_)

    def objects(self, kind: str, selection: str) -> dict[str, Doc]:
        """What is there now, as a query with this selection shows it, with its connections whole."""
        with self.lock:
            whole = re.sub(r"first: \d+", "first: 100000", selection)
            document, errors = prepared(f"query ($id: ID!) {{ {self._one(kind)}(id: $id) {{ ... on {kind} {{ {whole} }} }} }}")
            assert document is not None
            assert not errors, errors
            deepest, self.store.deepest = self.store.deepest, 10**9
            scopes, self.engine.scopes = self.engine.scopes, {*SCOPES}
            found = {id_: self._shown(document, kind, id_) for id_ in self.store.kept.get(kind, {})}
            self.store.deepest, self.engine.scopes = deepest, scopes
            return found

    def _shown(self, document: graphql.DocumentNode, kind: str, id_: str) -> Doc:
        result = self.engine.run(document, {"id": id_})
        assert not result.errors, result.errors
        return _without_page_info((result.data or {})[self._one(kind)])

    def _one(self, kind: str) -> str:
        return "discountNode" if kind == "DiscountNode" else "node"

    # -- tokens

    def add_token(self, token: str) -> None:
        self.tokens[token] = None

    def revoke(self, token: str = TOKEN) -> None:
        self.tokens.pop(token, None)

    def end_access(self) -> None:
        """Every token that was granted ends now; refresh tokens live."""
        self.tokens = {TOKEN: None}

    def uninstall(self) -> None:
        """The merchant throws the app out: its subscriptions go with it."""
        self.tokens.clear()
        self.refresh_tokens.clear()
        self.hooks.say("app/uninstalled", {"id": 1, "myshopify_domain": self.shop})
        self.subscriptions.clear()

    def _good(self, token: str) -> bool:
        until = self.tokens.get(token, 0.0)
        return until is None or until > self.clock.now()

    # -- requests

    def answer(self, asked: Asked) -> Answer:
        version = _PATH.fullmatch(asked.path)
        if version is not None and asked.method == "POST":
            return self._graphql(asked, version[1])
        if asked.path == "/admin/oauth/access_token" and asked.method == "POST":
            return self._token(json.loads(asked.body))
        if asked.path == "/admin/oauth/authorize":
            return self._authorize(asked.params)
        return Answer(404, b'{"errors":"Not Found"}')

    def _graphql(self, asked: Asked, version: str) -> Answer:
        if not self._good(asked.headers.get("x-shopify-access-token", "")):
            words = "[API] Invalid API key or access token (unrecognized login or wrong password)"
            return Answer(401, json.dumps({"errors": words}).encode())
        if self.closed is not None:
            words = {402: "Unavailable Shop", 423: "Locked"}[self.closed]
            return Answer(self.closed, json.dumps({"errors": words}).encode())
        headers: dict[str, str | None] = {"X-Shopify-API-Version": self.answers_in or version, "X-Request-Id": "fake"}
        given = json.loads(asked.body)
        named = _NAME.match(given["query"])
        self.names.append(named[2] if named else "")
        return Answer(200, json.dumps(self._answered(given["query"], given.get("variables") or {})).encode(), headers)

    def _answered(self, text: str, variables: Doc) -> Doc:
        document, errors = prepared(text)
        if errors or document is None:
            return {"errors": [{"message": error.message, "extensions": {"code": "undefinedField"}} for error in errors]}
        requested = cost_of(document, variables)
        if requested > self.most:
            words = f"Query cost is {requested}, which exceeds the single query max cost limit ({self.most})."
            return {"errors": [{"message": words, "extensions": {"code": "MAX_COST_EXCEEDED", "cost": requested, "maxCost": self.most}}]}
        if requested > self._left():
            return {"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}], "extensions": self._cost(requested, None)}
        result = self.engine.run(document, variables)
        actual = min(requested, objects_in(result.data))
        self._spent += actual
        said: Doc = {} if result.data is None and not result.errors else {"data": result.data}
        if result.errors:
            said["errors"] = [_error(error) for error in result.errors]
        return {**said, "extensions": self._cost(requested, actual)}

    def _left(self) -> float:
        now = time.monotonic()
        self._spent = max(self._spent - (now - self._refilled) * self.restore_rate, 0.0)
        self._refilled = now
        return self.maximum - self._spent

    def spend(self, points: float) -> None:
        """Another process of the app has used so many."""
        with self.lock:
            self._spent += points

    def _cost(self, requested: int, actual: int | None) -> Doc:
        status = {"maximumAvailable": self.maximum, "currentlyAvailable": int(max(self._left(), 0)), "restoreRate": self.restore_rate}
        return {"cost": {"requestedQueryCost": requested, "actualQueryCost": actual, "throttleStatus": status}}

    def _shop(self, _info: object) -> Doc:
        return {"__typename": "Shop", "id": "gid://shopify/Shop/1", "myshopifyDomain": self.shop}

    def _app(self, _info: object) -> Doc:
        scopes = [{"handle": handle} for handle in sorted(self.engine.scopes)]
        return {"__typename": "AppInstallation", "id": "gid://shopify/AppInstallation/1", "accessScopes": scopes}

    # -- consent

    def _authorize(self, params: dict[str, str]) -> Answer:
        """The merchant agrees at once."""
        if params.get("client_id") != self.client_id or (self.redirect_uris and params["redirect_uri"] not in self.redirect_uris):
            return Answer(400, b"Oauth error invalid_request: The redirect_uri is not whitelisted", {"Content-Type": "text/html"})
        code = f"code-{len(self.codes) + 1}-{self.grants}"
        self.codes.add(code)
        answer = {"code": code, "shop": self.shop, "state": params["state"], "timestamp": str(int(self.clock.now())), "host": "YWRtaW4"}
        answer["hmac"] = self.sign(answer)
        return Answer(302, b"", {"Location": f"{params['redirect_uri']}?{urlencode(answer)}"})

    def sign(self, answer: dict[str, str]) -> str:
        message = "&".join(f"{name}={value}" for name, value in sorted(answer.items()) if name != "hmac")
        return hmac.new(self.client_secret.encode(), message.encode(), sha256).hexdigest()

    def _token(self, given: Doc) -> Answer:
        if (given.get("client_id"), given.get("client_secret")) != (self.client_id, self.client_secret):
            return Answer(401, b'{"error":"invalid_client"}')
        if given.get("grant_type") == "refresh_token":
            if not self.refresh_tokens.get(given.get("refresh_token", "")):
                return Answer(400, b'{"error":"invalid_grant"}')
            self.refresh_tokens[given["refresh_token"]] = False
            return self._granted(expiring=True)
        if given.get("code") not in self.codes:
            return Answer(400, b'{"error":"invalid_request"}')
        self.codes.discard(given["code"])
        return self._granted(expiring=given.get("expiring") == "1")

    def _granted(self, *, expiring: bool) -> Answer:
        self.grants += 1
        token = f"shpat_granted{self.grants:020}"
        said: Doc = {"access_token": token, "scope": ",".join(sorted(self.engine.scopes))}
        self.tokens[token] = None
        if expiring:
            self.tokens[token] = self.clock.now() + 3600
            said |= {"expires_in": 3600, "refresh_token": f"shprt_granted{self.grants:020}", "refresh_token_expires_in": 7776000}
            self.refresh_tokens[said["refresh_token"]] = True
        return Answer(200, json.dumps(said).encode())

    # -- webhooks

    def _subscribed(self, _info: object, **args: Any) -> Doc:
        topics, uri = args.get("topics"), args.get("uri")
        found = [one for one in self.subscriptions if (not topics or one["topic"] in topics) and uri in {None, one["uri"]}]
        return self.store.page(found, args.get("first"), args.get("after"), "subscriptions")

    def _subscribe(self, _info: object, topic: str, webhookSubscription: Doc) -> Doc:  # noqa: N803 (the vendor's)
        number = next(self._subscription_numbers)
        one = {"__typename": "WebhookSubscription", "id": f"gid://shopify/WebhookSubscription/{number}", "topic": topic,
               "uri": webhookSubscription["uri"], "createdAt": moment(self.clock.now()), "updatedAt": moment(self.clock.now())}  # fmt: skip
        if any((have["topic"], have["uri"]) == (topic, one["uri"]) for have in self.subscriptions):
            words = "Address for this topic has already been taken"
            return {"webhookSubscription": None, "userErrors": [{"field": ["webhookSubscription", "uri"], "message": words}]}
        self.subscriptions.append(one)
        return {"webhookSubscription": one, "userErrors": []}

    def _unsubscribe(self, _info: object, id: str) -> Doc:  # noqa: A002 (the vendor's)
        if all(one["id"] != id for one in self.subscriptions):
            words = "Webhook subscription does not exist"
            return {"deletedWebhookSubscriptionId": None, "userErrors": [{"field": ["id"], "message": words}]}
        self.subscriptions[:] = [one for one in self.subscriptions if one["id"] != id]
        return {"deletedWebhookSubscriptionId": id, "userErrors": []}

    def delivery(self, topic: str, body: Any, secret: str | None = None, number: int = 1) -> tuple[dict[str, str], bytes]:
        """Headers and body of a delivery, signed."""
        raw = json.dumps(body).encode()
        made = hmac.new((secret or self.client_secret).encode(), raw, sha256).digest()
        return {
            "x-shopify-hmac-sha256": base64.b64encode(made).decode(), "x-shopify-topic": topic, "x-shopify-shop-domain": self.shop,
            "x-shopify-webhook-id": f"delivery-{number}", "x-shopify-api-version": "2026-10",
            "x-shopify-triggered-at": moment(self.clock.now()), "content-type": "application/json",
        }, raw  # fmt: skip


def _error(error: graphql.GraphQLError) -> Doc:
    said: Doc = {"message": error.message, "path": error.path}
    return {**said, "extensions": dict(error.extensions or {"code": "INTERNAL_SERVER_ERROR"})}


def _without_page_info(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_page_info(inner) for name, inner in value.items() if not (name == "pageInfo" and "nodes" in value)}
    return [_without_page_info(inner) for inner in value] if isinstance(value, list) else value
