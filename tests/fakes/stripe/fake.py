"""StripeFake: the server with everything that a test may do to it. The package's docstring lists it."""

from __future__ import annotations

import copy
import dataclasses
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

from fakes.stripe import faults, generic, render, routes, seed, subscriptions, table
from fakes.stripe.clock import Clock
from fakes.stripe.engine import ApiKey, Engine
from fakes.stripe.errors import ApiError
from fakes.stripe.forms import typed
from fakes.stripe.hooks import Sent
from fakes.stripe.server import Server
from fakes.stripe.store import Record, indented, plan_of, pretty
from fakes.stripe.wire import Logged
from fakes.stripe.writing import Settings

Doc = dict[str, Any]
KEY = "sk_test_51FakeAccountFakeAccount0001"
LIVE_KEY = "sk_live_51FakeAccountFakeAccount0002"
RESTRICTED_KEY = "rk_test_51FakeAccountFakeAccount0003"
KINDS = ("customer", "product", "price", "plan", "subscription", "invoice", "event", *table.KINDS)
_ID = re.compile(rb'"id"\s*:\s*"([^"\\]+)"')


class StripeFake:
    key = KEY
    live_key = LIVE_KEY
    restricted_key = RESTRICTED_KEY  # may read everything, write nothing

    def __init__(self, port: int = 0, *, seed: int = 0, **settings: Any) -> None:
        self._engine = Engine(seed)
        self._port = port
        self._server: Server | None = None
        self._thread: threading.Thread | None = None
        self._rules: dict[int, faults.Rule] = {}
        self.set(**settings)
        self.add_key(KEY)
        self.add_key(LIVE_KEY)
        self.add_key(RESTRICTED_KEY, [f"rak_{kind}_read" for kind in (*KINDS, "subscription_item", "account")])

    # -- life

    def start(self) -> Self:
        self._engine.stopping.clear()
        self._server = Server(self._port, self._engine, self.control)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="stripe-fake", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Raises if the fake itself broke while it served: a test must not pass on that."""
        if self._server is None or self._thread is None:
            return
        for rule in self._engine.rules:
            rule.release()
        self._server.stop()
        self._thread.join(10)
        crashes, self._server = self._server.crashes, None
        if crashes:
            raise AssertionError("the fake broke:\n" + "\n".join(crashes))

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """http://127.0.0.1:PORT, without a slash at the end."""
        if self._server is None:
            raise RuntimeError("the fake is not running")
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    # -- behaviour

    @property
    def clock(self) -> Clock:
        return self._engine.clock

    @property
    def settings(self) -> Settings:
        return self._engine.settings

    @property
    def account(self) -> str:
        return self._engine.account

    def set(self, **settings: Any) -> None:
        """Fields of Settings, by name."""
        for name, value in settings.items():
            if name not in {field.name for field in dataclasses.fields(Settings)}:
                raise TypeError(f"no such setting: {name}")
            setattr(self._engine.settings, name, value)

    def add_key(self, key: str, permissions: list[str] | None = None) -> None:
        """Another key, or a revoked one again; its name says test or live. `permissions`: of a restricted key, rak_customer_read …"""
        given = None if permissions is None else frozenset(permissions)
        self._engine.keys[key] = ApiKey(key, "_live_" in key, given)

    def revoke(self, key: str = KEY) -> None:
        """401 from the next request on, with code api_key_expired."""
        self._engine.revoke(key)

    def fail(
        self,
        fault: faults.Fault | str,
        *,
        method: str | None = None,
        path: str | None = None,
        params: Mapping[str, Any] | None = None,
        times: int | None = 1,
        skip: int = 0,
        **arguments: Any,
    ) -> faults.Rule:
        """Strikes the next `times` (None: all) requests that match, after letting `skip` of them pass. `path` may have * in it; `params`
        are compared as strings with what was sent. A fault is one of faults.py, or its name with its arguments. Several may strike one
        request, in the order in which they were set."""
        made = faults.NAMES[fault](**arguments) if isinstance(fault, str) else fault
        name = fault if isinstance(fault, str) else type(fault).__name__
        rule = faults.Rule(name, made, method=method, path=path, params=params, times=times, skip=skip)
        with self._engine.lock:
            self._engine.rules.append(rule)
        return rule

    def heal(self) -> None:
        """No faults any more; what is held goes on."""
        with self._engine.lock:
            rules, self._engine.rules = self._engine.rules, []
        for rule in rules:
            rule.release()

    def clear(self) -> None:
        """An empty account: objects, events, faults, idempotency keys and the log are gone; keys, settings and clock stay."""
        self.heal()
        self._engine.clear()

    # -- objects

    def create(self, kind: str, *, live: bool = False, **params: Any) -> Doc:
        """As POST /v1/<kind>s, without HTTP: the same checks and events. Answers the object. Fields of what only the vendor makes."""
        if kind in table.KINDS:
            with self._engine.lock:
                return self._shown(kind, generic.create(kind, self._engine.writer(live), params))
        change = self._kindred(kind).create
        assert change is not None, f"nobody creates a {kind}"
        return self._run(routes.Route("create", self._kindred(kind), change=change), live, params)

    def update(self, kind: str, id_: str, *, live: bool = False, **params: Any) -> Doc:
        """As POST /v1/<kind>s/<id>."""
        kindred = self._kindred(kind)
        return self._run(routes.Route("change", kindred, id_, kindred.update), live, params)

    def delete(self, kind: str, id_: str, *, live: bool = False) -> Doc:
        """As DELETE /v1/<kind>s/<id>; for a subscription that is its cancellation."""
        kindred = self._kindred(kind)
        return self._run(routes.Route("change", kindred, id_, kindred.delete), live, {})

    def act(self, kind: str, id_: str, action: str, *, live: bool = False, **params: Any) -> Doc:
        """As POST /v1/<kind>s/<id>/<action>: finalize, pay, void, mark_uncollectible, add_lines of an invoice."""
        kindred = self._kindred(kind)
        return self._run(routes.Route("change", kindred, id_, (kindred.actions or {})[action]), live, params)

    def change(self, kind: str, id_: str, *, live: bool = False, **fields: Any) -> Doc:
        """Sets any fields, as the vendor itself may (delinquent, status past_due …), with the `updated` event."""
        with self._engine.lock:
            writer = self._engine.writer(live)
            return self._shown(kind, writer.change(kind, writer.need(kind, id_, "id"), **fields))

    def grow(self, kind: str, id_: str, member: str, count: int, *, live: bool = False) -> Doc:
        """So many more entries in a list inside an object."""
        with self._engine.lock:
            writer = self._engine.writer(live)
            return self._shown(kind, generic.grow(kind, writer, writer.need(kind, id_, "id"), member, count))

    @contextmanager
    def within(self, account: str) -> Iterator[Self]:
        """Everything that the test does is done in that connected account; what is asked over HTTP says for itself."""
        before, self._engine.acting = self._engine.acting, account
        try:
            yield self
        finally:
            self._engine.acting = before

    def plant(
        self,
        kind: str,
        raw: str | bytes,
        id_: str | None = None,
        *,
        created: int | None = None,
        event: str | None = None,
        live: bool = False,
    ) -> str:
        """A record shown byte for byte as given, in lists and by id: NUL escapes, lone surrogates, huge numbers, deep nesting, no id at
        all. `id_`: under which it answers and stands in the list; read from the text, else made up, when not given. `event`: a type
        ("customer.updated"), to announce it with the same bytes as data.object. Answers the id."""
        text = raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw
        with self._engine.lock:
            writer = self._engine.writer(live)
            world, when = writer.world, created if created is not None else writer.now
            found = _ID.search(text)
            own = id_ or (found[1].decode() if found else world.new_id(kind))
            if world.collection(kind).get(own):
                world.collection(kind).remove(own)
            world.collection(kind).add(Record(own, world.place(when), text=text, planted=True))
            if event:
                self._announce(kind, event, text, when, live)
            return own

    def _announce(self, kind: str, type_: str, text: bytes, when: int, live: bool) -> None:
        writer = self._engine.writer(live)
        id_ = writer.world.new_id("event")
        doc = {"id": id_, "object": "event", "api_version": self.settings.api_version, "created": when, "data": {"object": "\0"},
               "livemode": live, "pending_webhooks": 0, "request": {"id": None, "idempotency_key": None}, "type": type_}  # fmt: skip
        whole = pretty(doc).replace(b'"\\u0000"', indented(text, 4))
        record = Record(id_, writer.event_place(when), doc={**doc, "data": {}}, text=whole)
        writer.add_event(record)

    def seed(
        self,
        *,
        customers: int = 0,
        products: int = 0,
        prices: int = 0,
        plans: int = 0,
        subscriptions: int = 0,
        days: float = 90,
        live: bool = False,
    ) -> dict[str, list[str]]:
        """So many more objects, created evenly over the last `days`, without events; subscriptions (trials, each with its invoice) now,
        on what was seeded by the same call. Every fifth price and plan is inactive. Answers the new ids by kind, oldest first."""
        with self._engine.lock:
            writer = self._engine.writer(live)
            world, now = writer.world, writer.now
            found = {"customer": seed.customers(world, customers, now, days)}
            found["product"] = seed.products(world, max(products, min(1, prices + plans)), now, days)
            found["price"] = seed.prices(world, prices, now, days, found["product"], plans=False) if prices else []
            found["plan"] = seed.prices(world, plans, now, days, found["product"], plans=True) if plans else []
            active = [id_ for number, id_ in enumerate(found["plan"]) if number % 5 != 4]
            found["subscription"] = []
            if subscriptions:
                found["subscription"] = self._quietly(lambda: seed.subscriptions(
                    writer, subscriptions, found["customer"], active, _create_subscription))  # fmt: skip
            return found

    def _quietly(self, work: Callable[[], list[str]]) -> list[str]:
        """Without a trace in the events."""
        collections = [world.kinds["event"] for world in self._engine.worlds.values()]
        before = [{record.id for record in collection} for collection in collections]
        found = work()
        for collection, known in zip(collections, before, strict=True):
            for record in collection:
                if record.id not in known:
                    collection.remove(record.id)
        return found

    # -- webhooks

    def webhook_secrets(self, endpoint: str) -> list[str]:
        """What signs an endpoint's deliveries, the newest first."""
        return self._engine.hooks.secrets(endpoint)

    def roll(self, endpoint: str, *, both: bool = True) -> str:
        """A new secret for an endpoint; with `both` the former one goes on signing beside it."""
        return self._engine.hooks.roll(endpoint, both=both)

    def redeliver(self, endpoint: str, event_id: str, *, live: bool = False) -> None:
        """Sends an event once more, as the vendor may."""
        with self._engine.lock:
            world = self._engine.worlds[live]
            event, known = world.collection("event").get(event_id), world.collection("webhook_endpoint").get(endpoint)
            assert event is not None, "no such event"
            assert known is not None, "no such endpoint"
            self._engine.hooks.send(endpoint, known.doc["url"], event_id, event.text)

    @property
    def deliveries(self) -> list[Sent]:
        """Each attempt to send an event to an endpoint."""
        return list(self._engine.hooks.sent)

    # -- what there is

    def objects(self, kind: str, *, live: bool = False, version: str | None = None) -> dict[str, Doc]:
        """All objects of a kind by id, as a list in that version (the account's) shows them, cancelled subscriptions and inactive prices
        included, deleted ones not. Planted records are {}: nobody parsed them."""
        with self._engine.lock:
            if kind == "subscription_item":
                held = [record.doc["items"]["data"] for record in self._engine.worlds[live].collection("subscription")]
                return {item["id"]: copy.deepcopy(item) for found in held for item in found}
            records = self._engine.worlds[live].collection(kind)
            plans = kind == "plan"
            return {record.id: self._shown(kind, record.doc, version) for record in records if not plans or record.doc.get("recurring")}

    def deleted(self, kind: str, *, live: bool = False) -> frozenset[str]:
        with self._engine.lock:
            return frozenset(self._engine.worlds[live].collection(kind).deleted)

    def events(self, *, live: bool = False) -> list[Doc]:
        """Oldest first, those not yet shown included."""
        return list(self.objects("event", live=live).values())

    @property
    def requests(self) -> list[Logged]:
        """All requests so far, in order of arrival."""
        with self._engine.lock:
            return list(self._engine.log)

    def forget_requests(self) -> None:
        with self._engine.lock:
            self._engine.log.clear()

    # -- inside

    def _kindred(self, kind: str) -> routes.Kindred:
        return routes.RESOURCES[table.row(kind).path if kind in table.KINDS else f"{kind}s"]

    def _run(self, route: routes.Route, live: bool, params: Doc) -> Doc:
        assert route.change is not None, "that cannot be done with this kind"
        with self._engine.lock:
            read = typed(params, route.change.kinds, route.change.required)
            return self._shown(route.kindred.kind, routes.run(route, self._engine.writer(live), read))

    def _shown(self, kind: str, doc: Doc, version: str | None = None) -> Doc:
        if kind == "plan" and doc.get("object") == "price":
            doc = plan_of(doc)
        if not doc or doc.get("deleted"):
            return dict(doc)
        return render.shape(kind, doc, version or self.settings.api_version)

    def control(self, name: str, arguments: Doc) -> Any:
        """What a fake in a process of its own is told through POST /_fake/<name>: this object's methods, a rule by its number."""
        if name.startswith("rule_"):
            return getattr(self._rules[arguments.pop("rule")], name.removeprefix("rule_"))(**arguments)
        if name not in REMOTE:
            raise ApiError(404, f"no such control: {name}")
        return REMOTE[name](self, arguments)

    def _remember(self, rule: faults.Rule) -> int:
        self._rules[len(self._rules)] = rule
        return len(self._rules) - 1

    def _moved(self, arguments: Doc) -> int:
        """clock {advance | set | freeze | run}."""
        for name, value in arguments.items():
            getattr(self.clock, name)(*([] if value is None else [value]))
        return self.clock.now()


def _create_subscription(writer: Any, params: Doc) -> Doc:
    return subscriptions.create(writer, typed(params, subscriptions.CREATE))


def _method(name: str) -> Callable[[StripeFake, Doc], Any]:
    return lambda fake, arguments: getattr(fake, name)(*arguments.pop("args", ()), **arguments)


REMOTE: dict[str, Callable[[StripeFake, Doc], Any]] = {
    **{name: _method(name) for name in ("set", "add_key", "revoke", "heal", "clear", "create", "update", "delete", "act", "change",
                                        "plant", "grow", "seed", "roll", "redeliver", "webhook_secrets", "objects", "events", "forget_requests")},
    "deleted": lambda fake, arguments: sorted(_method("deleted")(fake, arguments)),
    "fail": lambda fake, arguments: fake._remember(_method("fail")(fake, arguments)),
    "clock": lambda fake, arguments: fake._moved(arguments),
    "requests": lambda fake, arguments: [dataclasses.asdict(entry) for entry in fake.requests[arguments.get("since", 0) :]],
    "ping": lambda fake, arguments: "pong",
}  # fmt: skip
