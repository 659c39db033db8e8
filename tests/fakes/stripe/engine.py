"""From a request to a reply: faults, keys, routes, idempotency, state. Knows no socket; called from many threads at once."""

from __future__ import annotations

import base64
import binascii
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fakes.stripe import errors, items, lists, objects, render, routes
from fakes.stripe.clock import Clock
from fakes.stripe.faults import Rule
from fakes.stripe.forms import decode, flat, typed
from fakes.stripe.hooks import Hooks
from fakes.stripe.idempotency import Keys, Saved
from fakes.stripe.routes import Route
from fakes.stripe.store import ID_LETTERS, World, plan_of, pretty
from fakes.stripe.wire import Logged, Reply, Request
from fakes.stripe.writing import Settings, Writer

FORM = "application/x-www-form-urlencoded"
Params = dict[str, Any]


@dataclass
class ApiKey:
    """`permissions`: None for a secret key, else what a restricted one was given: rak_customer_read, rak_event_read …"""

    key: str
    live: bool
    permissions: frozenset[str] | None = None
    revoked: bool = False

    def may(self, permission: str) -> bool:
        if self.permissions is None:
            return True
        return permission in self.permissions or permission.replace("_read", "_write") in self.permissions


class Engine:
    """State and behaviour. `lock` is held around every use of the worlds; faults that wait do so outside of it."""

    def __init__(self, seed: int = 0) -> None:
        self.lock = threading.RLock()
        self.seed = seed
        self.clock = Clock()
        self.settings = Settings()
        self.account = "acct_1FakeAccount0000"
        self.keys: dict[str, ApiKey] = {}
        self.rules: list[Rule] = []
        self.log: list[Logged] = []
        self.last_lists: dict[str, bytes] = {}
        self.stopping = threading.Event()
        self.hooks = Hooks(self.clock, self.settings, self.stopping)
        self._random = random.Random(seed)  # apart from the worlds': reading does not change which ids come next
        self.born = self.clock.now() - 86400 * 365
        self.clear()

    def clear(self) -> None:
        """No objects, events, faults, stored results, log; keys and settings stay."""
        with self.lock:
            self.acting = self.account  # the account that a test is in; requests say for themselves
            self.accounts: dict[str, dict[bool, World]] = {}
            self.idempotency = Keys()
            self.rules.clear()
            self.log.clear()
            self.last_lists.clear()

    @property
    def worlds(self) -> dict[bool, World]:
        return self.of(self.acting)

    def of(self, account: str) -> dict[bool, World]:
        """An account's objects, in both modes."""
        if account not in self.accounts:
            seed = self.seed if account == self.account else f"{self.seed}{account}"
            self.accounts[account] = {live: World(live=live, seed=seed) for live in (False, True)}
        return self.accounts[account]

    def _of(self, request: Request | None) -> dict[bool, World]:
        """Those of the account that a request names: https://docs.stripe.com/connect/authentication."""
        return self.worlds if request is None else self.of(request.headers.get("stripe-account") or self.account)

    def handle(self, request: Request) -> Reply:
        entry, rules = self._arrived(request)
        self.stopping.wait(self.settings.latency)
        reply = self._struck(request, rules) or self._served(request, rules)
        reply.headers = {**self._headers(request), **reply.headers}
        entry.status = 0 if reply.reset else reply.status
        return reply

    def _arrived(self, request: Request) -> tuple[Logged, list[Rule]]:
        with self.lock:
            request.id = "req_" + "".join(self._random.choices(ID_LETTERS, k=14))
            request.params = self._decoded(request)
            headers = {name: self._masked(name, value) for name, value in request.headers.items()}
            params = dict(request.params)
            rules = [rule for rule in self.rules if rule.strikes(request)]
            fault = ", ".join(rule.name for rule in rules) or None
            entry = Logged(len(self.log), request.method, request.path, params, headers, request.id, fault=fault)
            self.log.append(entry)
            return entry, rules

    def _decoded(self, request: Request) -> Params:
        """What cannot be read is left out here; _checked refuses it."""
        try:
            return {**decode(request.query), **(decode(request.body.decode()) if _is_form(request) else {})}
        except (UnicodeDecodeError, errors.ApiError):
            return {}

    def _masked(self, name: str, value: str) -> str:
        if name != "authorization":
            return value
        scheme, _, secret = value.partition(" ")
        return f"{scheme} {errors.mask(secret)}" if scheme == "Bearer" else f"{scheme} ****"

    def _struck(self, request: Request, rules: list[Rule]) -> Reply | None:
        for rule in rules:
            reply = rule.fault.arrive(self, request)
            if reply is not None:
                return reply
        return None

    def _served(self, request: Request, rules: list[Rule]) -> Reply:
        try:
            reply = self._answer(request, rules)
        except errors.ApiError as error:
            reply = self.failed(error, request)
        for rule in rules:
            reply = rule.fault.reply(self, request, reply)
        return reply

    def failed(self, error: errors.ApiError, request: Request) -> Reply:
        return Reply(error.status, pretty(error.body(request.id, live=self._is_live(request))) + b"\n", dict(error.headers))

    def _headers(self, request: Request) -> dict[str, str]:
        version = request.headers.get("stripe-version") or self.settings.api_version
        return {"Request-Id": request.id, "Stripe-Version": version, "Cache-Control": "no-cache, no-store", "Server": "nginx"}

    def _answer(self, request: Request, rules: list[Rule]) -> Reply:
        key = self._authenticated(request)
        route = routes.find(request.method, request.path)
        if not key.may(route.permission):
            raise errors.no_permission(key.key, self.account, route.permission)
        self._checked(request, key)
        idempotency_key = request.headers.get("idempotency-key")
        if request.method == "POST" and idempotency_key:
            return self._once(request, rules, route, key, idempotency_key)
        return Reply(200, self._run(request, rules, route, key))

    def _checked(self, request: Request, key: ApiKey) -> None:
        account = request.headers.get("stripe-account")
        if account and account != self.account and not self.of(self.account)[key.live].collection("account").get(account):
            raise errors.unknown_account(key.key, account)
        render.check_version(request.headers.get("stripe-version") or self.settings.api_version)
        if request.body and not _is_form(request):
            message = f"Invalid request (check that your POST content type is {FORM})."
            raise errors.ApiError(400, f"{message} If you have any questions, we can help at {errors.SUPPORT}.")
        try:
            decode(request.query)
            decode(request.body.decode())
        except UnicodeDecodeError:
            raise errors.ApiError(400, "Invalid UTF-8 in request") from None

    def _once(self, request: Request, rules: list[Rule], route: Route, key: ApiKey, name: str) -> Reply:
        """One execution for each idempotency key; later ones get its result."""
        account = request.headers.get("stripe-account", "")
        name, said = f"{account}/{name}" if account else name, name
        saved = self.idempotency.claim(key.key, name, Saved(request.path, flat(request.params), self.clock.time(), request.id))
        if saved is not None:
            replayed = {"Idempotent-Replayed": "true", "Original-Request": saved.request, "Idempotency-Key": said}
            return Reply(saved.status, saved.body, replayed)
        try:
            reply = Reply(200, self._run(request, rules, route, key), {"Idempotency-Key": said})
        except errors.ApiError as error:
            reply = self.failed(error, request)
            if error.saved:
                self.idempotency.save(key.key, name, reply.status, reply.body)
            else:
                self.idempotency.forget(key.key, name)
            return reply
        except BaseException:
            self.idempotency.forget(key.key, name)
            raise
        self.idempotency.save(key.key, name, reply.status, reply.body)
        return reply

    def _run(self, request: Request, rules: list[Rule], route: Route, key: ApiKey) -> bytes:
        for rule in rules:
            rule.fault.execute()
        version = request.headers.get("stripe-version") or self.settings.api_version
        with self.lock:
            world = self._of(request)[key.live]
            if route.change is not None:
                return self._write(request, route, key, version)
            reader: dict[str, Callable[[], bytes]] = {
                "account": lambda: self._account(request),
                "list": lambda: self._list(request, route, world, version),
                "get": lambda: self._get(request, route, key, version),
                "lines": lambda: self._lines(request, route, world),
                "items": lambda: self._items(request, world),
                "item": lambda: self._item(request, route, world),
                "nested": lambda: self._nested(request, route, world),
                "tax_ids": lambda: self._tax_ids(request, route, world),
            }
            return reader[route.verb]()

    def _account(self, request: Request) -> bytes:
        typed(request.params, routes.EXPAND)
        return pretty(objects.account(self.account, self.born))

    def _list(self, request: Request, route: Route, world: World, version: str) -> bytes:
        params = lists.read(route.kindred.kind, request.params)
        if route.parent:
            of, member, id_ = route.parent
            Writer(world, self.settings, self.clock.now()).need(of, id_, of)
            params[member] = id_
        kind, now = route.kindred.kind, self.clock.time()
        body = lists.page(kind, request.path, params, world=world, settings=self.settings, now=now, version=version)
        self.last_lists[request.path] = body
        return body

    def _get(self, request: Request, route: Route, key: ApiKey, version: str) -> bytes:
        kind = route.kindred.kind
        world = self._of(request)[key.live]
        paths = typed(request.params, routes.EXPAND).get("expand", [])
        if kind == "event":
            world.collection(kind).prune(self.clock.now() - lists.RETENTION)
        record = world.collection(kind).get(route.id)
        if route.parent and (record is None or record.doc.get(route.parent[1]) != route.parent[2]):
            raise errors.missing(kind, route.id, kind)
        if record is None and kind in render.STUBS and route.id in world.collection(kind).deleted:
            return pretty(render.stub(kind, route.id))
        if record is not None and (record.planted or (not paths and world.find(kind, route.id))):
            return render.text(kind, record, version)
        if kind == "account" and route.id in world.collection(kind).deleted:
            raise errors.unknown_account(key.key, route.id)
        doc = self.writer(key.live, request).need(kind, route.id, route.kindred.param)
        return pretty(render.expanded(world, render.shape(kind, doc, version), paths, version))

    def _write(self, request: Request, route: Route, key: ApiKey, version: str) -> bytes:
        assert route.change is not None
        params = typed(request.params, {**route.change.kinds, **routes.EXPAND}, route.change.required)
        paths = params.pop("expand", [])
        doc = routes.run(route, self.writer(key.live, request), params)
        if doc.get("deleted"):
            return pretty(doc)
        kind = route.kindred.kind
        shown = plan_of(doc) if kind == "plan" else render.shape(kind, doc, version)
        if kind == "webhook_endpoint" and route.verb == "create":
            # shown only when the endpoint is made
            shown = {**shown, "secret": self.hooks.secrets(doc["id"])[0]}
        return pretty(render.expanded(self._of(request)[key.live], shown, paths, version))

    def _lines(self, request: Request, route: Route, world: World) -> bytes:
        params = lists.read("line_item", request.params)
        doc = Writer(world, self.settings, self.clock.now()).need("invoice", route.id, "invoice")
        return lists.nested(request.path, doc["lines"]["data"], params)

    def _items(self, request: Request, world: World) -> bytes:
        params = lists.read("subscription_item", request.params, ("subscription",))
        doc = Writer(world, self.settings, self.clock.now()).need("subscription", params["subscription"], "subscription", status=400)
        return lists.nested(request.path, doc["items"]["data"], params)

    def _item(self, request: Request, route: Route, world: World) -> bytes:
        typed(request.params, routes.EXPAND)
        return pretty(items.find(world, route.id)[0])

    def _nested(self, request: Request, route: Route, world: World) -> bytes:
        params = lists.read("line_item", request.params)
        doc = Writer(world, self.settings, self.clock.now()).need(route.kindred.kind, route.id, route.kindred.param)
        return lists.nested(request.path, doc[route.member]["data"], params)

    def _tax_ids(self, request: Request, route: Route, world: World) -> bytes:
        params = lists.read("line_item", request.params)
        Writer(world, self.settings, self.clock.now()).need("customer", route.id, "customer")
        return lists.nested(request.path, render.tax_ids(world, route.id), params)

    def writer(self, live: bool, request: Request | None = None) -> Writer:
        """For one request, or for a change that no request made."""
        idempotency_key = request.headers.get("idempotency-key") if request else None
        id_ = request.id if request else None
        worlds = self._of(request)
        return Writer(worlds[live], self.settings, self.clock.now(), id_, idempotency_key, worlds[not live], self.hooks.tell)

    def _authenticated(self, request: Request) -> ApiKey:
        given = self.key_of(request)
        if not given:
            raise errors.missing_key()
        if given.startswith("pk_"):
            raise errors.publishable_key()
        key = self.keys.get(given)
        if key is None:
            raise errors.unknown_key(given)
        if key.revoked:
            raise errors.expired_key(given)
        return key

    def key_of(self, request: Request) -> str:
        """From `Bearer KEY`, or Basic with the key as user name; empty if there is none."""
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return value.strip()
        if scheme.lower() != "basic":
            return ""
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""

    def _is_live(self, request: Request) -> bool:
        return "_live_" in self.key_of(request)

    def revoke(self, key: str) -> None:
        with self.lock:
            if key in self.keys:
                self.keys[key].revoked = True

    def step_back(self, params: Params, request: Request, entries: int) -> None:
        """Sets the cursor of a list so many entries back, towards its beginning."""
        cursor, parts = params.get("starting_after"), request.path.split("/")
        if cursor is None or parts[-1] not in routes.RESOURCES:
            return
        with self.lock:
            live = self._is_live(request)
            collection = self._of(request)[live].collection(routes.RESOURCES[parts[-1]].kind)
            place = collection.place_of(cursor, deleted=False)
            before = collection.walk(place, cursor, newer=not self.settings.oldest_first)
            for number, record in enumerate(before, start=1):
                if number == entries:
                    params["starting_after"] = record.id
                    return
        del params["starting_after"]


def _is_form(request: Request) -> bool:
    return request.headers.get("content-type", FORM).partition(";")[0].strip().lower() == FORM
