"""Any REST or GraphQL API, described by one document (`rest_document`): how its lists are read, how it is written to, how it fails.

A collection has a feed for its first reading, one for what changes where the document says how to ask for that, and a sweep that goes
through everything again and again: it finds what is gone, and, where there is no way to ask for changes, those too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from pgsluice.providers import (
    replies,
    rest_auth,
    rest_consent,
    rest_describe,
    rest_errors,
    rest_feeds,
    rest_paths,
    rest_records,
    rest_walk,
    rest_webhooks,
    rest_writes,
)
from pgsluice.providers.base import (
    Change,
    Collection,
    Credential,
    Cursor,
    Described,
    Feed,
    Field,
    Hint,
    Limit,
    Page,
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
from pgsluice.providers.errors import NotPolled, ProviderError, Refused4xx, UnknownCollection
from pgsluice.providers.protocol import Plain
from pgsluice.providers.rest_document import WRITES, Ask, Document, with_lists_of
from pgsluice.providers.rest_document import Collection as Spec
from pgsluice.providers.rest_source import Source
from pgsluice.providers.rest_template import Value, filled, json_text, parameters, placeholders
from pgsluice.providers.webhooks import Delivery, Received, Subscribed, Subscription, Webhooks

CHANGES: Final = ":changes"
SWEEP: Final = ":sweep"
DELETIONS: Final = ":deletions"
# Where changes can be asked for, a sweep only looks for what is gone; where they cannot, it is the only way to see them.
SWEEP_FOR_DELETIONS: Final = "1d"
SWEEP_FOR_CHANGES: Final = "1h"


class Rest(Plain):
    """The provider that a document describes."""

    free_form: Final = False

    def __init__(self, document: Document) -> None:
        self.document = document
        self.collections: Mapping[str, Collection] = {
            document.collection_id(name): _collection(document.collection_id(name), spec) for name, spec in document.collections.items()
        }
        self.credential_kinds: Mapping[str, tuple[SecretField, ...]] = {
            rest_auth.kind_of(document, suffix): tuple(
                SecretField(name, field.description, field.optional, name in rest_auth.in_addresses(document, auth))
                for name, field in auth.fields.items()
            )
            for suffix, auth in document.auth.items()
        }
        self._own: Mapping[str, Document] = {
            rest_auth.kind_of(document, suffix): own for suffix in document.auth if (own := with_lists_of(document, suffix)) is not document
        }

    @property
    def name(self) -> str:
        return self.document.name

    @property
    def key_window(self) -> timedelta | None:
        spec = self.document.idempotency
        return None if spec is None else rest_paths.duration(spec.window)

    def key_window_of(self, kind: str, collection_id: str) -> timedelta | None:
        spec = rest_writes.spec_of(self.document, self._name(collection_id), kind)[1].idempotency or self.document.idempotency
        return None if spec is None else rest_paths.duration(spec.window)

    def feeds(self, collection_ids: Sequence[str] | None, since: datetime | None = None) -> tuple[Feed, ...]:
        chosen = tuple(self.collections) if collection_ids is None else tuple(dict.fromkeys(collection_ids))
        specs = [(collection_id, self._spec(collection_id)) for collection_id in chosen]
        changes = [feed for collection_id, spec in specs for feed in _live_feeds(collection_id, spec, since)]
        first = [
            Feed(collection_id, "backfill", (collection_id,), _before(collection_id, spec), None, since) for collection_id, spec in specs
        ]
        sweeps = [
            Feed(collection_id + SWEEP, "sweep", (collection_id,), (collection_id,), rest_paths.duration(every), since)
            for collection_id, spec in specs
            if (every := _sweep_every(spec)) is not None
        ]
        return (*changes, *first, *sweeps)

    def request(self, feed: Feed, cursor: Cursor | None, credential: Credential) -> Request:
        return self._listed(self._source(feed, self._read_by(credential.kind)), cursor, credential)

    def _listed(self, source: Source, cursor: Cursor | None, credential: Credential) -> Request:
        step = source.step(cursor)
        following = rest_walk.address(step.level.place, step.listing)
        if following is not None:
            parts = urlsplit(rest_auth.base_url(self.document, credential))
            path, query = following
            return self._signed(step.listing, credential, f"{parts.scheme}://{parts.netloc}{path}", query, step.values)
        headers = {"If-None-Match": step.state.etag} if step.state.etag else {}
        return self._request(step.listing, credential, step.values, headers)

    def read(self, feed: Feed, cursor: Cursor | None, response: Response) -> Page:
        return rest_feeds.page(self._source(feed, self._asked_of(response)), feed, cursor, response)

    def fetch(self, hint: Hint, credential: Credential) -> Request:
        spec = self._spec(hint.collection_id)
        if spec.fetch is None:
            raise NotPolled(f"{hint.collection_id} has no way to ask for one object", hint="give its collection a fetch in the document")
        return self._request(spec.fetch, credential, rest_records.values_of_id(spec.id, hint.upstream_id))

    def read_fetched(self, hint: Hint, response: Response) -> Change | Refused:
        spec = self._spec(hint.collection_id)
        assert spec.fetch is not None
        vendor = self.document.title or self.document.name
        verdict = rest_errors.verdict(self.document, response, graphql=spec.fetch.graphql is not None)
        raw = b"null" if verdict != "fine" else _fetched(response, vendor, spec.fetch.record)
        if verdict == "missing" or (raw == b"null" and spec.fetch.record):
            return Change(hint.collection_id, hint.upstream_id, raw=None, deleted=True)
        if not raw.startswith(b"{"):
            raise replies.unreadable(response, vendor, f"there is no object at {spec.fetch.record!r}")
        record = rest_records.read(spec, raw, rest_records.values_of_id(spec.id, hint.upstream_id))
        if record.upstream_id != hint.upstream_id:
            raise replies.unreadable(response, vendor, "it is another object than the one asked for")
        return rest_records.change(hint.collection_id, spec, record)

    def batch_size(self, kind: str, collection_id: str) -> int:
        batch = rest_writes.spec_of(self.document, self._name(collection_id), kind)[1].batch
        return 1 if batch is None else batch.size

    def together(self, write: Write) -> str:
        collection, spec = rest_writes.spec_of(self.document, self._name(write.collection_id), write.kind)
        return rest_writes.together(collection, spec, write)

    def write(self, writes: Sequence[Write], credential: Credential) -> Request:
        first = writes[0]
        collection, spec = rest_writes.spec_of(self.document, self._name(first.collection_id), first.kind)
        given = rest_auth.values(credential) | rest_writes.values(collection, spec, writes)
        body, kind = rest_writes.body(spec, given, first.kind)
        url = rest_auth.base_url(self.document, credential) + rest_writes.path(spec, given)
        headers = {"Content-Type": kind} if body is not None else {}
        verb = spec.method or _VERBS[first.kind]
        return self._sent(verb, url, rest_writes.query(spec, given), spec, credential, given, headers, body)

    def read_written(self, writes: Sequence[Write], response: Response) -> tuple[Written | ProviderError, ...]:
        try:
            return rest_writes.read_written(self.document, self._name(writes[0].collection_id), writes, response)
        except Refused4xx as exc:
            raise rest_writes.with_own_words(exc, response) from None

    def budget(self, credential: Credential) -> tuple[Limit, ...]:  # noqa: ARG002 (the protocol's)
        budget = self.document.limits.budget
        return tuple(
            Limit(f"{each.requests:g} per {each.per}", each.requests, rest_paths.duration(each.per).total_seconds()) for each in budget
        )

    def signals(self, response: Response) -> Signals | None:
        return rest_errors.signals(self.document, response)

    def renew(self, credential: Credential) -> Request | None:
        return rest_auth.renew(self.document, credential)

    def read_renewed(self, credential: Credential, response: Response) -> Renewed:
        return rest_auth.read_renewed(self.document, credential, response)

    @property
    def describes(self) -> bool:
        """Whether accounts differ in their fields."""
        return any(spec.describe is not None for spec in self.document.collections.values())

    def describe(self, cursor: Cursor | None, credential: Credential) -> Request | None:
        found = rest_describe.Describing(self.document, self.collections).list(cursor)
        return None if found is None else self._listed(*found, credential)

    def read_described(self, cursor: Cursor | None, response: Response) -> Described:
        return rest_describe.Describing(self.document, self.collections).read(cursor, response)

    def seal_check(self, kind: str, secret: Mapping[str, str]) -> None:
        rest_auth.check(self.document, kind, secret)

    @property
    def consents(self) -> Mapping[str, Consent]:
        return rest_consent.consents(self.document)

    def authorize(self, signin: Signin) -> str:
        return rest_consent.authorize(self.document, signin)

    def exchange(self, signin: Signin, answer: Mapping[str, str]) -> Request:
        return rest_consent.exchange(self.document, signin, answer)

    def read_exchanged(self, signin: Signin, answer: Mapping[str, str], response: Response) -> Granted:  # noqa: ARG002
        return rest_consent.read_exchanged(self.document, signin, response)

    def identify(self, credential: Credential) -> Request | None:
        return None if self.document.identify is None else self._request(self.document.identify, credential, {})

    def read_identified(self, response: Response) -> str:
        return rest_consent.read_identified(self.document, response)

    @property
    def webhooks(self) -> Webhooks | None:
        return rest_webhooks.described(self.document)

    def subscribe(
        self,
        cursor: Cursor | None,
        address: str,
        collection_ids: Sequence[str] | None,
        credential: Credential,
        secret: str | None = None,
    ) -> Request | None:
        subscribing = rest_webhooks.subscribing(self.document, credential)
        if subscribing is None:
            return None
        listed = subscribing.list(cursor)
        if listed is not None:
            return self._listed(listed[0], listed[2], credential)
        step = subscribing.next(cursor, Subscription(address, collection_ids, secret))
        return None if step is None else self._request(step.ask, credential, step.values)

    def read_subscribed(self, cursor: Cursor | None, response: Response, wanted: Subscription | None = None) -> Subscribed:
        subscribing = rest_webhooks.subscribing(self.document)
        assert subscribing is not None, "something was asked"
        if subscribing.list(cursor) is not None:
            return subscribing.read_list(cursor, response)
        assert wanted is not None
        return subscribing.read_done(cursor, response, wanted)

    def receive(self, delivery: Delivery, secrets: Sequence[str]) -> Received:
        return rest_webhooks.receive(self.document, delivery, secrets)

    # ------------------------------------------------------------ how

    def _name(self, collection_id: str) -> str:
        name = collection_id.removeprefix(f"{self.name}:")
        if collection_id not in self.collections or name not in self.document.collections:
            known = ", ".join(self.collections)
            raise UnknownCollection(f"{self.name} has no collection {collection_id!r}", hint=f"the collections are: {known}")
        return name

    def _spec(self, collection_id: str) -> Spec:
        return self.document.collections[self._name(collection_id)]

    def _read_by(self, kind: str) -> Document:
        """The document, with the lists of that kind of credential."""
        return self._own.get(kind, self.document)

    def _asked_of(self, response: Response) -> Document:
        """The document by which was asked: each kind of credential has lists of its own at addresses of their own."""
        path = urlsplit(response.url).path
        for own in self._own.values():
            for name, spec in own.collections.items():
                if spec is not self.document.collections[name] and path.endswith(spec.list.path):
                    return own
        return self.document

    def _source(self, feed: Feed, document: Document) -> Source:
        kind = next((kind for kind in (CHANGES, SWEEP, DELETIONS) if feed.name.endswith(kind)), ":backfill")[1:]
        return Source(document, self._name(feed.collection_ids[0]), kind, feed.since)

    def _request(self, ask: Ask, credential: Credential, given: Mapping[str, Value], headers: Mapping[str, str] | None = None) -> Request:
        path = filled(ask.path, {**rest_auth.values(credential), **given}, rest_auth.quoted)
        if path is None:
            missing = ", ".join(name for name in placeholders(ask.path) if name not in given)
            raise NotPolled(f"the address {ask.path} needs {missing}, which is not known here", hint="correct the provider document")
        return self._signed(ask, credential, rest_auth.base_url(self.document, credential) + path, None, given, headers)

    def _signed(  # noqa: PLR0917  as below
        self,
        ask: Ask,
        credential: Credential,
        url: str,
        query: tuple[tuple[str, str], ...] | None,
        given: Mapping[str, Value],
        extra: Mapping[str, str] | None = None,
    ) -> Request:
        """A request for reading. `query`: in place of the templates', where the vendor gave the whole address."""
        everything = {**rest_auth.values(credential), **given}
        params = parameters(ask.params, everything) if query is None else query
        body = _body(ask, everything)
        headers = dict(extra or {}) | ({"Content-Type": rest_writes.JSON} if body is not None else {})
        return self._sent(ask.verb, url, params, ask, credential, everything, headers, body)

    def _sent(  # noqa: PLR0917  what a request consists of
        self,
        verb: str,
        url: str,
        params: tuple[tuple[str, str], ...],
        ask: Ask,
        credential: Credential,
        given: Mapping[str, Value],
        extra: Mapping[str, str],
        body: bytes | None,
    ) -> Request:
        templates = {**self.document.headers, **ask.headers}
        own = {name: text for name, template in templates.items() if (text := filled(template, given)) is not None}
        headers, signed = rest_auth.sign(self.document, credential)
        known = {name for name, _ in params}
        query = (*params, *(pair for pair in signed if pair[0] not in known))
        return Request(verb, url, query, {"Accept": rest_writes.JSON, **rest_auth.checked_headers(own), **extra, **headers}, body, ask.cost)


def _fetched(response: Response, vendor: str, place: str) -> bytes:
    """The object of an answer; null where it is looked for in a list that is empty."""
    inside, _, number = place.rpartition(".")
    if number.isdecimal() and rest_walk.readable(response, vendor, inside).replace(b" ", b"") == b"[]":
        return b"null"
    return rest_walk.readable(response, vendor, place)


_VERBS: Final = {"create": "POST", "update": "PATCH", "upsert": "PUT", "delete": "DELETE"}


def _body(ask: Ask, given: Mapping[str, Value]) -> bytes | None:
    if ask.graphql is not None:
        return (json_text({"query": "{query}", "variables": ask.graphql.variables}, {**given, "query": ask.graphql.query}) or "").encode()
    if ask.body is None:
        return None
    return (json_text(ask.body, given) or "{}").encode()


def _collection(collection_id: str, spec: Spec) -> Collection:
    mutations = tuple(kind for kind in WRITES if getattr(spec, kind) is not None)
    fields = tuple(Field(name, field.type, field.key, field.description) for name, field in spec.fields.items())
    match_on = spec.upsert.match_on if spec.upsert is not None else ()
    given = [write for kind in WRITES if (write := getattr(spec, kind)) is not None]
    asked: list[Any] = [part for write in given for part in (write.headers, write.params, write.body) if part is not None]
    return Collection(collection_id, spec.description, mutations, fields, match_on, "if_match" in set(placeholders(asked)))


def _live_feeds(collection_id: str, spec: Spec, since: datetime | None) -> list[Feed]:
    found = [Feed(collection_id + CHANGES, "changes", (collection_id,), since=since)] if spec.incremental is not None else []
    return [*found, *([Feed(collection_id + DELETIONS, "changes", (collection_id,))] if spec.deletions is not None else [])]


def _before(collection_id: str, spec: Spec) -> tuple[str, ...]:
    """What must have begun before a first reading, so that nothing falls between the two."""
    return tuple(feed.name for feed in _live_feeds(collection_id, spec, None))


def _sweep_every(spec: Spec) -> str | None:
    if spec.sweep is not None:
        return None if spec.sweep == "never" else spec.sweep
    if spec.incremental is None:
        return SWEEP_FOR_CHANGES
    return None if spec.deleted is not None or spec.deletions is not None else SWEEP_FOR_DELETIONS
