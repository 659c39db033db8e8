"""Subscriptions at a declared vendor: what there is, what is missing, dropped or about to end, and the requests that mend it.

First all that is there is listed, for each parent where subscriptions belong to one (a repository, a base). Then one request after another
brings it into order: what is ours and cannot be used any more is taken away, what was switched off is switched on, what ends soon is
renewed, what is missing is made. What to do next follows from what is known to be there, so that nothing has to be remembered but that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

import msgspec

from pgsluice.providers import rawjson, replies, rest_errors, rest_feeds, rest_paths, rest_records
from pgsluice.providers.base import Change, Cursor, Feed, Response
from pgsluice.providers.errors import Forbidden, Missing, NotPolled, ProviderError, Refused4xx
from pgsluice.providers.rest_document import Ask, Collection, Document, Subscribe
from pgsluice.providers.rest_source import Source
from pgsluice.providers.rest_template import Json, Value, placeholders
from pgsluice.providers.webhooks import Subscribed, Subscription

# No collection of a document has such a name.
_NAME: Final = ":subscription"
# Between the values that name a parent: no address part has it.
_BETWEEN: Final = "\n"

Doing = Literal["create", "update", "renew", "delete"]


class Seen(msgspec.Struct, frozen=True, omit_defaults=True):
    """A subscription that is there, as far as it concerns us."""

    id: str
    address: str
    parent: dict[str, str] = {}
    topics: tuple[str, ...] | None = None
    active: bool = True
    ending: bool = False


class Known(msgspec.Struct, frozen=True, omit_defaults=True):
    """The cursor: what is known so far. `walk`: where in a list; `listed`: the subscriptions are known, `counted`: the parents too."""

    walk: dict[str, Any] | None = None
    listed: bool = False
    counted: bool = False
    seen: tuple[Seen, ...] = ()
    parents: tuple[dict[str, str], ...] = ()
    refused: tuple[dict[str, str], ...] = ()  # parents that let us have none


class Next(NamedTuple):
    """What to do now: with a subscription, or for a parent that has none."""

    doing: Doing
    ask: Ask
    values: dict[str, Value]
    parent: dict[str, str]
    of: Seen | None = None


class Subscribing:
    """The document's words about subscriptions, at work."""

    def __init__(self, document: Document, spec: Subscribe) -> None:
        self._document = document
        self._spec = spec
        self._vendor = document.title or document.name
        self._names = tuple(sorted(name for name in set(_asked(spec)) if name.startswith("parent.")))
        # In a first reading each list is gone through from its beginning to its end.
        plain = {name: _plain(collection) for name, collection in document.collections.items()}
        parts = [f"{{{name}}}" for name in self._names] + [f"{{record.{spec.id}}}"]
        own = Collection(list=spec.list, id=_BETWEEN.join(parts) if spec.parent else spec.id, parent=spec.parent)
        self._listed = msgspec.structs.replace(document, collections={**plain, _NAME: own})

    def list(self, cursor: Cursor | None) -> tuple[Source, Feed, Cursor | None] | None:
        """What is still to be read; None once everything is known."""
        known = _known(cursor)
        if not known.listed:
            return self._source(_NAME, known)
        if self._spec.parent is not None and not known.counted:
            return self._source(self._spec.parent, known)
        return None

    def next(self, cursor: Cursor | None, wanted: Subscription) -> Next | None:
        """What is to be done next; None: all is as it should be."""
        return next(self._todo(_known(cursor), wanted), None)

    def read_list(self, cursor: Cursor | None, response: Response) -> Subscribed:
        found = self.list(cursor)
        assert found is not None
        source, feed, place = found
        known = _known(cursor)
        page = rest_feeds.page(source, feed, place, response)
        walk = None if page.done else dict(page.cursor)
        changes = [change for change in page.changes if change.raw is not None]
        if known.listed:
            parents = (*known.parents, *(self._parent_of(change) for change in changes))
            return _behind(msgspec.structs.replace(known, walk=walk, counted=page.done, parents=parents))
        seen = (*known.seen, *(each for change in changes if (each := self._seen(change, response)) is not None))
        return _behind(msgspec.structs.replace(known, walk=walk, listed=page.done, seen=seen))

    def read_done(self, cursor: Cursor | None, response: Response, wanted: Subscription) -> Subscribed:
        """What became of what was to be done. Raises ProviderError."""
        known, step = _known(cursor), self.next(cursor, wanted)
        assert step is not None
        try:
            body = self._answer(step, response)
        except (Forbidden, Refused4xx) as exc:
            return self._refused(known, step, exc)
        others = tuple(each for each in known.seen if each != step.of)
        if step.doing == "delete":
            return _behind(msgspec.structs.replace(known, seen=others))
        if step.of is not None:
            mended = msgspec.structs.replace(step.of, active=True, ending=False, topics=None)
            notice = None
            if step.doing == "update" and not step.of.active:
                notice = f"{self._vendor} had switched the webhook off, as after deliveries that failed; it is on again"
            found = _behind(msgspec.structs.replace(known, seen=(*others, mended)))
            return Subscribed(found.cursor, notice=notice)
        made = Seen(self._id(rest_paths.at(body, self._spec.created_id)) or "", wanted.address, step.parent)
        state = msgspec.structs.replace(known, seen=(*known.seen, made))
        return Subscribed(_behind(state).cursor, self._given(state, made, body, wanted, response), anew=self._spec.parent is None)

    # ------------------------------------------------------------ what is there

    def _source(self, name: str, known: Known) -> tuple[Source, Feed, Cursor | None]:
        collection_id = self._listed.collection_id(name)
        return Source(self._listed, name, "backfill", None), Feed(collection_id, "backfill", (collection_id,)), known.walk

    def _seen(self, change: Change, response: Response) -> Seen | None:
        members = rawjson.object_members(change.raw or b"")
        spec = self._spec
        own, parent = change.upstream_id, {}
        if spec.parent is not None:
            *values, own = change.upstream_id.split(_BETWEEN)
            parent = dict(zip(self._names, values, strict=True))
        address = rest_paths.text(rest_paths.among(members, spec.address))
        if address is None:
            return None
        topics = None
        if spec.topics:
            listed = rest_paths.among(members, spec.topics)
            topics = tuple(sorted(rest_paths.text(each) or "" for each in rawjson.elements(listed or b"[]", spec.topics)))
        ends = None if spec.expires is None else rest_paths.moment(rest_paths.among(members, spec.expires.path), spec.expires.format)
        ending = ends is not None and ends - replies.vendor_clock(response) < rest_paths.duration(spec.renew_before)
        active = spec.active is None or rest_records.marked(members, spec.active)
        return Seen(self._behind_text(own), address, parent, topics, active, ending)

    def _parent_of(self, change: Change) -> dict[str, str]:
        assert self._spec.parent is not None
        members = rawjson.object_members(change.raw or b"")
        around = rest_records.values_of_id(self._listed.collections[self._spec.parent].id, change.upstream_id)
        found = {name: self._value(members, around, change, name.removeprefix("parent.")) for name in self._names}
        return {name: value for name, value in found.items() if value is not None}

    @staticmethod
    def _value(members: dict[str, bytes], around: Mapping[str, Value], change: Change, path: str) -> str | None:
        if path == "upstream_id":
            return change.upstream_id
        return str(around[path]) if path in around and path.startswith("parent.") else rest_paths.text(rest_paths.among(members, path))

    # ------------------------------------------------------------ what is to be done

    def _todo(self, known: Known, wanted: Subscription) -> Iterator[Next]:
        ours = [each for each in known.seen if _is_ours(each, wanted.address)]
        if is_removal(wanted.collection_ids):
            yield from (self._with("delete", self._removal(), wanted, each) for each in ours)
            return
        used: list[Seen] = []
        for each in ours:
            twin = any(other.parent == each.parent for other in used)
            if self._usable(each, wanted) and not twin:
                used.append(each)
            elif self._spec.delete is not None:
                yield self._with("delete", self._spec.delete, wanted, each)
        topics = self._topics(wanted.collection_ids)
        for each in used:
            if self._spec.update is not None and (not each.active or _differs(each, topics)):
                yield self._with("update", self._spec.update, wanted, each)
            if each.ending and self._spec.renew is not None:
                yield self._with("renew", self._spec.renew, wanted, each)
        for parent in known.parents if self._spec.parent is not None else ({},):
            if parent not in known.refused and not any(each.parent == parent for each in used):
                yield Next("create", self._spec.create, self._values(wanted, parent), parent)

    def _removal(self) -> Ask:
        if self._spec.delete is None:
            raise NotPolled(f"the document does not say how {self._vendor} deletes a webhook", hint="delete it by hand")
        return self._spec.delete

    def _usable(self, each: Seen, wanted: Subscription) -> bool:
        """Whether its deliveries reach us, and are known to be genuine; what cannot be mended is made anew."""
        spec = self._spec
        if each.address != wanted.address or (self._grows and each.id not in _lines(wanted.secret)):
            return False
        mendable = spec.update is not None or spec.delete is None
        return (mendable or (each.active and not _differs(each, self._topics(wanted.collection_ids)))) and (
            not each.ending or spec.renew is not None or spec.delete is None
        )

    def _with(self, doing: Doing, ask: Ask, wanted: Subscription, each: Seen) -> Next:
        return Next(doing, ask, {**self._values(wanted, each.parent), "id": each.id}, each.parent, each)

    def _values(self, wanted: Subscription, parent: Mapping[str, str]) -> dict[str, Value]:
        topics = self._topics(wanted.collection_ids)
        found: dict[str, Value] = {**parent, "address": wanted.address, "topics": Json(msgspec.json.encode(topics).decode())}
        return found if wanted.secret is None or self._spec.secret else {**found, "secret": wanted.secret}

    def _topics(self, collection_ids: Sequence[str] | None) -> tuple[str, ...]:
        hooks = self._document.webhooks
        assert hooks is not None
        chosen = None if collection_ids is None else set(collection_ids)
        events = [event for event in hooks.events if chosen is None or self._document.collection_id(event.collection) in chosen]
        return tuple(sorted({topic for event in events for topic in event.topics}))

    # ------------------------------------------------------------ what came of it

    def _answer(self, step: Next, response: Response) -> bytes:
        verdict = rest_errors.verdict(self._document, response, graphql=step.ask.graphql is not None, writing=True)
        if verdict == "missing" and step.doing != "delete":
            raise rest_errors.error(self._document, response, "missing")
        return response.body.removeprefix(rawjson.BOM).strip()

    def _refused(self, known: Known, step: Next, exc: ProviderError) -> Subscribed:
        if isinstance(exc, Missing) and step.of is not None:
            # It went away in between, and is missing now.
            return _behind(msgspec.structs.replace(known, seen=tuple(each for each in known.seen if each != step.of)))
        refused = (*known.refused, step.parent)
        if step.doing != "create" or self._spec.parent is None or len(refused) >= len(known.parents):
            raise exc
        return _behind(msgspec.structs.replace(known, refused=refused))

    def _given(self, known: Known, made: Seen, body: bytes, wanted: Subscription, response: Response) -> str | None:
        """The secret to be stored: the one that the vendor gave, beside those of other parents."""
        if not self._spec.secret:
            return None
        secret = rest_paths.text(rest_paths.at(body, self._spec.secret))
        if secret is None or (self._grows and not made.id):
            raise replies.unreadable(response, self._vendor, "it has no secret for the new webhook")
        if not self._grows:
            return secret
        there = {each.id for each in known.seen}
        kept = {number: text for number, text in _lines(wanted.secret).items() if number in there}
        return "\n".join(f"{number} {text}" for number, text in {**kept, made.id: secret}.items())

    @property
    def _grows(self) -> bool:
        """Whether each parent's subscription has a secret of its own."""
        return bool(self._spec.secret) and self._spec.parent is not None

    def _id(self, raw: bytes | None) -> str | None:
        found = rest_paths.text(raw)
        return None if found is None else self._behind_text(found)

    def _behind_text(self, found: str) -> str:
        return found.rpartition(self._spec.id_behind)[2] if self._spec.id_behind else found


def is_removal(collection_ids: Sequence[str] | None) -> bool:
    """Nothing is wanted any more, and not everything."""
    return collection_ids is not None and not collection_ids


def _known(cursor: Cursor | None) -> Known:
    return Known() if cursor is None else msgspec.convert(cursor, Known)


def _behind(known: Known) -> Subscribed:
    return Subscribed(msgspec.to_builtins(known))


def _is_ours(each: Seen, address: str) -> bool:
    """At our address, or at one that we had before a secret was lost."""
    return each.address == address or each.address.startswith(address.partition("?")[0] + "?tag=")


def _differs(each: Seen, topics: Sequence[str]) -> bool:
    return each.topics is not None and each.topics != tuple(topics)


def _lines(secret: str | None) -> dict[str, str]:
    """The secrets of several subscriptions by their ids."""
    pairs = [line.partition(" ") for line in (secret or "").split("\n")]
    return {number: text for number, _, text in pairs if text}


def _plain(collection: Collection) -> Collection:
    return msgspec.structs.replace(collection, incremental=None, deletions=None, parts=None, nested=None)


def _asked(spec: Subscribe) -> Iterator[str]:
    for ask in (spec.list, spec.create, spec.update, spec.renew, spec.delete):
        if ask is not None:
            yield from placeholders([ask.path, ask.params, ask.headers, ask.body or "", ask.graphql.variables if ask.graphql else {}])
