"""Webhooks that a document registers: at the vendors' fakes over real HTTP, step by step as a poller takes them, and in a document's own words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from conformance.desks.airtable import AirtableDesk
from conformance.desks.base import Desk
from conformance.desks.github import GitHubDesk
from conformance.desks.jira import JiraDesk
from conformance.desks.linear import LinearDesk
from fakes.test_document_vendors import send
from providers.declared import CREDENTIAL, provider, reply

from pgsluice.providers import registry
from pgsluice.providers.base import Credential, Cursor
from pgsluice.providers.errors import NotPolled, ProviderError, Refused4xx
from pgsluice.providers.rest_check import checked
from pgsluice.providers.rest_text import BadDocument
from pgsluice.providers.webhooks import Subscription

ADDRESS = "https://us.example/webhooks/s?tag=0001"
DAY = 86_400


class Pollers:
    """What pollers remember of one sync: the secret."""

    def __init__(self, desk: Desk, collections: list[str] | None = None) -> None:
        self.desk, self.known, self.collections = desk, registry.get(desk.provider), collections
        kind, secret = desk.credential()
        self.credential = Credential(kind, secret, desk.base_url)
        assert self.known.webhooks is not None
        self.secret: str | None = "a secret of ours" if self.known.webhooks.chosen else None
        self.notices: list[str] = []

    def look(self, address: str = ADDRESS) -> list[str]:
        """One look at the vendor's side; the requests that changed something there."""
        cursor: Cursor | None = None
        done: list[str] = []
        for _ in range(100):
            request = self.known.subscribe(cursor, address, self.collections, self.credential, self.secret)
            if request is None:
                return done
            wanted = Subscription(address, self.collections, self.secret)
            said = self.known.read_subscribed(cursor, send(request), wanted)
            if b"query(" not in (request.body or b"") and request.method != "GET":
                done.append(request.method if b"mutation" not in (request.body or b"") else str(request.body).partition("{webhook")[2][:6])
            self.secret = said.secret or self.secret
            self.notices += [said.notice] if said.notice else []
            cursor = json.loads(json.dumps(said.cursor))
            if cursor is None:
                return done
        raise AssertionError("no end")


@pytest.mark.parametrize("desk_of", [LinearDesk, JiraDesk, GitHubDesk])
def test_one_is_made_kept_and_made_again(desk_of: type[Desk]) -> None:
    with desk_of() as desk:
        fake: Any = desk.fake  # type: ignore[attr-defined]
        name = desk.provider
        issues = Pollers(desk, [f"{name}:issue"])
        issues.look()
        (hook,) = fake.hooks
        assert (hook.url, hook.secret, hook.active) == (ADDRESS, "a secret of ours", True)
        issue_topics = list(hook.topics)
        assert issue_topics
        # What is as it should be stays as it is.
        assert issues.look() == []
        # All collections: it says more.
        everything = Pollers(desk)
        assert len(everything.look()) in {1, 2}
        (hook,) = fake.hooks
        assert set(hook.topics) > set(issue_topics)
        # It was dropped.
        if name == "linear":
            fake.delete("Webhook", hook.id)
        else:
            fake.hooks.clear()
        everything.look()
        assert len(fake.hooks) == 1
        # A secret was lost, and with it the address.
        everything.look(ADDRESS.replace("0001", "0002"))
        assert [each.url for each in fake.hooks] == [ADDRESS.replace("0001", "0002")]
        # Wanted no more; another sync's stays.
        Pollers(desk).look(ADDRESS.replace("/s?", "/other?"))
        Pollers(desk, []).look()
        assert [each.url for each in fake.hooks] == [ADDRESS.replace("/s?", "/other?")]
        assert Pollers(desk, []).look() == []


def test_one_that_was_switched_off_is_switched_on() -> None:
    with GitHubDesk() as desk:
        pollers = Pollers(desk)
        pollers.look()
        desk.fake.hooks[0].active = False
        assert pollers.look() == ["PATCH"]
        assert desk.fake.hooks[0].active
        assert "switched the webhook off" in pollers.notices[0]


def test_each_repository_that_lets_us_has_one() -> None:
    with GitHubDesk() as desk:
        desk.fake.create("repo", name="second")
        desk.fake.create("repo", name="third")
        desk.fake.reads_only.add("second")
        pollers = Pollers(desk)
        pollers.look()
        assert {hook.parent for hook in desk.fake.hooks} == {"hello-world", "third"}
        desk.fake.reads_only |= {"hello-world", "third"}
        desk.fake.hooks.clear()
        with pytest.raises(ProviderError, match="Not Found"):
            pollers.look()


def test_secrets_of_several_bases_and_what_ends_in_a_week() -> None:
    with AirtableDesk() as desk:
        one, two = (desk.fake.create("base", name=name)["id"] for name in ("one", "two"))
        pollers = Pollers(desk)
        assert pollers.look() == ["POST", "POST"]
        assert {hook.parent for hook in desk.fake.hooks} == {one, two}
        assert set((pollers.secret or "").split("\n")) == {f"{hook.id} {hook.secret}" for hook in desk.fake.hooks}
        assert pollers.look() == []
        desk.advance(3 * DAY)
        assert pollers.look() == ["POST", "POST"]
        assert all(hook.ends > desk.fake.clock.now() + 6 * DAY for hook in desk.fake.hooks)
        # Nobody looked for two weeks: they ended.
        desk.advance(14 * DAY)
        before = pollers.secret
        assert pollers.look() == ["POST", "POST"]
        assert not set((before or "").split("\n")) & set((pollers.secret or "").split("\n"))
        # The secret of one was lost between the vendor's answer and our commit.
        pollers.secret = (pollers.secret or "").partition("\n")[0]
        assert pollers.look() == ["DELETE", "POST"]
        assert len(desk.fake.hooks) == 2
        assert set((pollers.secret or "").split("\n")) == {f"{hook.id} {hook.secret}" for hook in desk.fake.hooks}
        assert Pollers(desk, []).look() == ["DELETE", "DELETE"]
        assert desk.fake.hooks == []


def test_a_credential_that_may_not() -> None:
    with pytest.raises(NotPolled, match="webhooks cannot be registered") as caught:
        registry.get("jira").subscribe(None, ADDRESS, None, Credential("jira_oauth2", {"access_token": "x", "cloud_id": "c"}))
    assert "by hand" in str(caught.value.hint)


SUBSCRIBE = {
    "list": {"path": "/hooks", "records": "hooks", "paging": {"style": "none"}},
    "address": "url",
    "expires": "ends",
    "create": {"path": "/hooks", "body": {"url": "{address}", "key": "{secret}"}},
}


def hooks(**subscribe: Any) -> dict[str, Any]:
    spec = {**SUBSCRIBE, **subscribe}
    return {
        "description": "there",
        "signature": {"header": "X-Sign"},
        "events": [{"collection": "thing", "id": "id", "topics": ["thing.changed"]}],
        "subscribe": {name: value for name, value in spec.items() if value is not None},
    }


THINGS = "thing: {list: {path: /things, paging: {style: none}}, fetch: {path: '/things/{id}'}}"


def test_what_ends_soon_and_cannot_be_renewed_is_replaced() -> None:
    acme = provider(THINGS, webhooks=hooks(delete={"method": "DELETE", "path": "/hooks/{id}"}))
    listed = reply({"hooks": [{"id": 1, "url": ADDRESS, "ends": "2024-07-04T00:00:00Z"}, {"id": 2, "url": "https://other.example/"}]})
    said = acme.read_subscribed(None, listed)
    request = acme.subscribe(said.cursor, ADDRESS, None, CREDENTIAL, "k")
    assert request is not None
    assert (request.method, request.url) == ("DELETE", "https://api.acme.test/v1/hooks/1")
    wanted = Subscription(ADDRESS, None, "k")
    said = acme.read_subscribed(said.cursor, reply({}), wanted)
    request = acme.subscribe(said.cursor, ADDRESS, None, CREDENTIAL, "k")
    assert request is not None
    assert json.loads(request.body or b"") == {"url": ADDRESS, "key": "k"}
    with pytest.raises(Refused4xx):
        acme.read_subscribed(said.cursor, reply({"message": "no more than ten"}, 422), wanted)
    said = acme.read_subscribed(said.cursor, reply({"id": 3}, 201), wanted)
    assert (said.anew, said.secret) == (True, None)
    assert acme.subscribe(said.cursor, ADDRESS, None, CREDENTIAL, "k") is None


def test_what_a_document_does_not_say_how_to_delete_stays() -> None:
    acme = provider(THINGS, webhooks=hooks())
    said = acme.read_subscribed(None, reply({"hooks": [{"id": 1, "url": ADDRESS, "ends": "2029-07-04T00:00:00Z"}]}))
    with pytest.raises(NotPolled, match="does not say how"):
        acme.subscribe(said.cursor, ADDRESS, (), CREDENTIAL)


@pytest.mark.parametrize(
    ("subscribe", "line", "words"),
    [
        ({"create": {"path": "/hooks", "body": {"key": "{secret}"}}}, "create", "does not hear where to send"),
        ({"create": {"path": "/hooks", "body": {"url": "{address}"}}}, "create", "does not hear what to sign with"),
        ({"create": {"path": "/hooks", "body": {"url": "{adress}", "key": "{secret}"}}}, "url", "{adress} stands for nothing here"),
        ({"renew": {"path": "/hooks/{id}/renew"}, "expires": None}, "renew", "nothing says when"),
        ({"parent": "base"}, "parent", "no collection 'base'"),
        ({"credentials": ["oauth2"]}, "oauth2", "no 'oauth2' under auth"),
        ({"address": None}, "subscribe", "lacks address"),
        ({"delete": {"path": "/hooks/{parent.id}/{id}"}}, "path", "{parent.id} stands for nothing here"),
    ],
)
def test_mistakes_are_named_where_they_are(subscribe: dict[str, Any], line: str, words: str) -> None:
    data = {
        "name": "acme", "base_url": "https://api.acme.test", "webhooks": hooks(**subscribe),
        "auth": {"key": {"fields": {"secret": {"description": "a key"}}, "bearer": "{credential.secret}"}},
        "collections": {"thing": {"list": {"path": "/things", "paging": {"style": "none"}}, "fetch": {"path": "/things/{id}"}}},
    }  # fmt: skip
    text = json.dumps(data, indent=1)
    with pytest.raises(BadDocument) as caught:
        checked(text)
    problem = next(each for each in caught.value.problems if words in each.message)
    assert line in text.splitlines()[problem.line - 1]
