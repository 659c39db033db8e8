"""Declared vendors at their fakes, over real HTTP and without a database: all collections read, followed, swept and written, and signing in.

The suite of all promises, with a poller and a database, is `make conformance`; this is what of it takes seconds.
"""

from __future__ import annotations

import http.client
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from conformance.desks.airtable import AirtableDesk
from conformance.desks.document import DocumentDesk
from conformance.desks.intercom import IntercomDesk
from conformance.desks.jira import JiraDesk
from conformance.desks.linear import LinearDesk
from conformance.desks.notion import NotionDesk

from fakes.shelves import CLIENT
from pgsluice.providers import registry
from pgsluice.providers.base import Change, Client, Credential, Cursor, Feed, Hint, Request, Response, Write, Written
from pgsluice.providers.consent import Signin
from pgsluice.providers.errors import Missing, Refused4xx, Unauthorized

ACCOUNTS = {"airtable": "usrFake0000000001", "intercom": "abc123", "jira": "c-1", "linear": "org-1", "notion": "w-1"}
KINDS = [AirtableDesk, IntercomDesk, JiraDesk, LinearDesk, NotionDesk]


def send(request: Request) -> Response:
    parts = urlsplit(request.url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    query = f"?{urlencode(request.params)}" if request.params else ""
    connection.request(request.method, parts.path + query, request.body, dict(request.headers))
    reply = connection.getresponse()
    body = reply.read()
    connection.close()
    return Response(reply.status, {name.lower(): text for name, text in reply.getheaders()}, body, request.url, datetime.now(UTC))


class Reader:
    """A sync of every collection of a desk, in memory: cursors go through JSON, as through the database."""

    def __init__(self, desk: DocumentDesk) -> None:
        self.desk, self.known = desk, registry.get(desk.provider)
        kind, secret = desk.credential()
        self.credential = Credential(kind, secret, desk.base_url)
        self.records: dict[str, dict[str, Any]] = {name: {} for name in desk.collections}
        self.feeds = [feed for name in desk.collections for feed in self.known.feeds([name])]
        self._cursors: dict[str, Cursor | None] = {}

    def read(self, *kinds: str) -> list[Change]:
        found: list[Change] = []
        for feed in self.feeds:
            if feed.kind in kinds:
                found += self._through(feed)
        return found

    def _through(self, feed: Feed) -> list[Change]:
        cursor = None if feed.kind == "sweep" else self._cursors.get(feed.name)
        found: list[Change] = []
        for _ in range(300):
            page = self.known.read(feed, cursor, send(self.known.request(feed, cursor, self.credential)))
            cursor = json.loads(json.dumps(page.cursor))
            assert not page.refused
            fetched = [self.fetched(hint) for hint in page.hints]
            found += [*page.changes, *fetched]
            if page.done or not page.more:
                break
        else:
            raise AssertionError(f"{feed.name} does not end")
        self._cursors[feed.name] = cursor
        if feed.kind == "sweep":
            self.records[feed.collection_ids[0]] = {}
        for change in found:
            self._store(change)
        return found

    def fetched(self, hint: Hint) -> Change:
        found = self.known.read_fetched(hint, send(self.known.fetch(hint, self.credential)))
        assert isinstance(found, Change)
        return found

    def _store(self, change: Change) -> None:
        here = self.records[change.collection_id]
        if change.deleted:
            here.pop(change.upstream_id, None)
        else:
            here[change.upstream_id] = json.loads(change.raw or b"")

    def write(self, kind: str, upstream_id: str | None, data: Any) -> Written:
        write = Write(kind, self.desk.written, upstream_id, None if data is None else json.dumps(data).encode(), "the-key")
        (found,) = self.known.read_written([write], send(self.known.write([write], self.credential)))
        assert isinstance(found, Written)
        return found

    def assert_complete(self, *collections: str) -> None:
        for name in collections or self.desk.collections:
            assert self.records[name] == self.desk.state(name), name


@pytest.mark.parametrize("kind", KINDS)
def test_every_collection_is_read_followed_and_swept(kind: type[DocumentDesk]) -> None:
    with kind() as desk:
        made = desk.seed(desk.collections)
        reader = Reader(desk)
        reader.read("changes", "backfill")
        reader.assert_complete()
        asked = len(desk.proxy.requests)
        reader.read("changes")
        reader.assert_complete()
        assert len(desk.proxy.requests) - asked < asked
        for name, ids in made.items():
            desk.change(name, ids[2], "changed")
            desk.create(name, "new")
        desk.settle()
        reader.read("changes")
        for name in desk.incremental:
            reader.assert_complete(name)
        for name in (*desk.deletable, *desk.swept):
            desk.delete(name, made[name][3])
        desk.settle()
        reader.read("changes")
        for name in desk.deletable:
            reader.assert_complete(name)
        reader.read("sweep")
        reader.assert_complete()


@pytest.mark.parametrize("kind", KINDS)
def test_writes_come_back_as_the_vendor_has_them(kind: type[DocumentDesk]) -> None:
    with kind() as desk:
        reader = Reader(desk)
        made = reader.write("create", None, desk.new("written by us"))
        for written, text in (
            (made, "written by us"),
            (reader.write("update", made.upstream_id, desk.changed("changed by us")), "changed by us"),
        ):
            # As an answer holds it, and as it is fetched: one form, or it would seem to change for ever.
            there = desk.state(desk.written)[made.upstream_id] if text == "changed by us" else None
            fetched = reader.fetched(Hint(desk.written, written.upstream_id))
            if there is not None:
                assert text in str(there)
                assert json.loads(fetched.raw or b"") == there
                assert written.change is None or json.loads(written.change.raw or b"") == there
        with pytest.raises(Refused4xx) as caught:
            reader.write("create", None, desk.refused)
        assert desk.words in str(caught.value.details)
        with pytest.raises(Missing):
            reader.write("update", desk.unknown_id, desk.changed("x"))
        assert len(desk.state(desk.written)) == 1
        reader.write("delete", made.upstream_id, None)
        assert desk.state(desk.written) == {}
        assert reader.fetched(Hint(desk.written, made.upstream_id)).deleted


@pytest.mark.parametrize(
    ("kind", "name", "made", "changed"),
    [
        (NotionDesk, "row", {"properties": {"Name": "a"}}, {"properties": {"Name": "b"}}),
        (IntercomDesk, "tag", {"name": "a"}, {"name": "b"}),
        (IntercomDesk, "data_attribute", {"name": "a", "model": "contact", "data_type": "string"}, None),
        (JiraDesk, "issue_type", {"name": "a", "type": "standard"}, {"name": "b"}),
        (JiraDesk, "field", {"name": "a", "type": "x"}, {"name": "b"}),
        (AirtableDesk, "base", {"name": "a", "workspaceId": "w", "tables": [{"name": "t"}]}, None),
    ],
)
def test_other_collections_are_written(kind: type[DocumentDesk], name: str, made: dict[str, Any], changed: dict[str, Any] | None) -> None:
    with kind() as desk:
        reader = Reader(desk)
        collection_id = f"{desk.provider}:{name}"
        around = {"data_source_id": desk.fake.create("data_source", title=[])["id"]} if name == "row" else {}

        def write(verb: str, upstream_id: str | None, data: Any) -> Written:
            one = Write(verb, collection_id, upstream_id, None if data is None else json.dumps(data).encode(), "the-key")
            (found,) = reader.known.read_written([one], send(reader.known.write([one], reader.credential)))
            assert isinstance(found, Written)
            return found

        upstream_id = write("create", None, {**made, **around}).upstream_id
        assert upstream_id in desk.state(collection_id)
        if changed is not None:
            write("update", upstream_id, changed)
            assert desk.state(collection_id)[upstream_id].items() >= changed.items()
        if "delete" in reader.known.collections[collection_id].mutations:
            write("delete", upstream_id, None)
            assert upstream_id not in desk.state(collection_id)


@pytest.mark.parametrize("kind", KINDS)
def test_a_person_signs_in_and_the_tokens_are_renewed_once_each(kind: type[DocumentDesk]) -> None:
    with kind() as desk:
        known = registry.get(desk.provider)
        client = Client(*CLIENT)
        values = {"cloud_id": "c-1"} if desk.provider == "jira" else {}
        begun = Signin(
            f"{desk.provider}_oauth2", client, "https://us.test/callback", "state", values=values, verifier="v" * 43, base_url=desk.base_url
        )
        code = desk.fake.consent("https://us.test/callback")
        granted = known.read_exchanged(begun, {}, send(known.exchange(begun, {"code": code})))
        with pytest.raises(Refused4xx):
            known.read_exchanged(begun, {}, send(known.exchange(begun, {"code": code})))
        credential = Credential(begun.kind, granted.secret, granted.base_url, client)
        who = known.identify(credential)
        account = granted.account if who is None else known.read_identified(send(who))
        assert account == ACCOUNTS[desk.provider]
        backfill = next(feed for feed in known.feeds([desk.collections[0]]) if feed.kind == "backfill")
        known.read(backfill, None, send(known.request(backfill, None, credential)))
        renewal = known.renew(credential)
        if renewal is None:
            assert desk.provider == "intercom"  # its tokens do not end
            return
        renewed = known.read_renewed(credential, send(renewal))
        assert renewed.expires_in == desk.fake.lasts
        assert renewed.secret["refresh_token"] != granted.secret["refresh_token"]
        with pytest.raises(Unauthorized):
            known.read_renewed(credential, send(renewal))
        again = Credential(begun.kind, renewed.secret, granted.base_url, client)
        known.read(backfill, None, send(known.request(backfill, None, again)))
