"""Changes of state, each with its events: https://docs.stripe.com/api/events/types."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fakes.stripe import errors, forms, objects, render, table
from fakes.stripe.store import Record, World, plan_of

EVENT_PREFIX = {"subscription": "customer.subscription"}


@dataclass
class Settings:
    """How this vendor behaves; a test sets them at any time.

    api_version       the account's version: of events, and of replies to requests that name none
    oldest_first      lists run the wrong way (as localstripe's do)
    inactive_prices   the list of prices shows inactive ones too when `active` is not given; the vendor's reference says it does not
    deleted_cursors   `starting_after` may name an object that is gone; else 400 resource_missing, as for an unknown one
    shuffle_events    events of one second stand in any order (the vendor promises none)
    duplicate_events  each change makes two events with different ids (the vendor says it happens)
    event_lag         seconds (of the fake's clock) after which a new event shows up in the list
    latency           seconds that every reply takes
    webhook_pause     seconds before a webhook that nobody took is sent again, the first time; twice as long each time
    webhook_tries     how often it is sent in all
    """

    api_version: str = objects.VERSION
    oldest_first: bool = False
    inactive_prices: bool = False
    deleted_cursors: bool = False
    shuffle_events: bool = False
    duplicate_events: bool = False
    event_lag: float = 0.0
    latency: float = 0.0
    webhook_pause: float = 0.1
    webhook_tries: int = 12


@dataclass
class Writer:
    """One request's changes to one world."""

    world: World
    settings: Settings
    now: int
    request: str | None = None
    key: str | None = None
    other: World | None = None  # of the other mode, only to say that an object is there
    hooks: Callable[[World, Record], None] | None = None  # told of each event

    def need(self, kind: str, id_: str, param: str, *, status: int = 404) -> dict[str, Any]:
        """The stored object; 404 in a path, 400 in a parameter."""
        doc = self.world.find(kind, id_)
        if doc is None:
            elsewhere = self.other is not None and self.other.find(kind, id_) is not None
            raise errors.missing(kind, id_, param, status=status, other_mode=elsewhere, live=self.world.live)
        return doc

    def new(self, kind: str, make: Callable[..., dict[str, Any]], id_: str | None = None) -> dict[str, Any]:
        return make(id_ or self.world.new_id(kind), self.now, live=self.world.live)

    def store(self, kind: str, doc: dict[str, Any]) -> None:
        """A new object, without an event."""
        self.world.collection(kind).add(Record(doc["id"], self.world.place(doc.get("created", self.now)), doc=doc))

    def tell(self, kind: str, doc: dict[str, Any], *verbs: str) -> None:
        """The first of these events that the vendor has; none, if it has none. A connected account's come under itself only."""
        type_ = table.event_type(kind, *verbs)
        own = kind in {"account", "person"} or (kind == "tax_id" and not doc["customer"])
        if type_ is not None and not own:
            self._event(type_, kind, doc, None)

    def add(self, kind: str, doc: dict[str, Any]) -> dict[str, Any]:
        self.world.collection(kind).add(Record(doc["id"], self.world.place(doc["created"]), doc=doc))
        self.emit("created", kind, doc)
        return doc

    def change(self, kind: str, doc: dict[str, Any], **values: Any) -> dict[str, Any]:
        """The object with these fields set, stored; an event if anything became different."""
        record = self.world.collection(kind).get(doc["id"])
        assert record is not None
        before = record.doc
        after = {**copy.deepcopy(before), **values}
        previous = difference(before, after)
        if previous:
            record.replace(after)
            self.emit("updated", kind, after, previous, before)
        return after

    def put(self, kind: str, doc: dict[str, Any], **values: Any) -> dict[str, Any]:
        """As change, without the event: for steps that have one of their own."""
        record = self.world.collection(kind).get(doc["id"])
        assert record is not None
        record.replace({**copy.deepcopy(record.doc), **values})
        return record.doc

    def remove(self, kind: str, doc: dict[str, Any]) -> dict[str, Any]:
        self.world.collection(kind).remove(doc["id"])
        for child in table.KINDS:
            if table.row(child).below[1:2] == (kind,):  # what lies below it is gone with it, without a word
                records = self.world.collection(child)
                for id_ in [record.id for record in records if record.doc.get(kind) == doc["id"]]:
                    records.remove(id_)
        self.emit("deleted", kind, doc)
        return render.stub(doc["object"], doc["id"])

    def emit(
        self, verb: str, kind: str, doc: dict[str, Any], previous: dict[str, Any] | None = None, before: dict[str, Any] | None = None
    ) -> None:
        """`customer.created` and the like. A recurring price says everything twice, as a price and as a plan."""
        if kind in table.KINDS:
            self.tell(kind, doc, verb)
            return
        self._event(f"{EVENT_PREFIX.get(kind, kind)}.{verb}", kind, doc, previous)
        if kind == "price" and doc["recurring"]:
            changed = None if before is None else difference(plan_of(before), plan_of(doc))
            if changed or before is None:
                self._event(f"plan.{verb}", "plan", plan_of(doc), changed)

    def _event(self, type_: str, kind: str, doc: dict[str, Any], previous: dict[str, Any] | None) -> None:
        version = self.settings.api_version
        data: dict[str, Any] = {"object": render.shape(kind, doc, version)}
        if previous is not None:
            data["previous_attributes"] = previous
        for _ in range(2 if self.settings.duplicate_events else 1):
            id_ = self.world.new_id("event")
            event = objects.event(id_, self.now, type_, live=self.world.live, version=version, request=self.request, key=self.key)
            event["data"] = copy.deepcopy(data)
            self.add_event(Record(id_, self.event_place(self.now), doc=event))

    def event_place(self, created: int) -> Any:
        return self.world.place(created, self.world.random.random() if self.settings.shuffle_events else None)

    def add_event(self, record: Record) -> None:
        record.visible_at = self.now + self.settings.event_lag
        self.world.collection("event").add(record)
        if self.hooks is not None:
            self.hooks(self.world, record)


def difference(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """data.previous_attributes: the former values of what changed; inside hashes only the keys that did."""
    found: dict[str, Any] = {}
    for name in {**before, **after}:
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        found[name] = difference(old, new) if isinstance(old, dict) and isinstance(new, dict) else copy.deepcopy(old)
    return found


def with_fields(doc: dict[str, Any], params: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """The parameters that are set on the object as they are, and its merged metadata."""
    values = {name: params[name] for name in names if name in params}
    if "metadata" in params:
        values["metadata"] = forms.merged_metadata(doc.get("metadata") or {}, params["metadata"])
    return values
