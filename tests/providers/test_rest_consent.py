"""Signing in by a document's words, for every shipped document that has them, from the page to a renewed pair of tokens."""

from __future__ import annotations

import json
from base64 import b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from providers.declared import provider, reply

from pgsluice.providers import registry
from pgsluice.providers.base import Client, Credential, Request, Response
from pgsluice.providers.consent import Signin
from pgsluice.providers.errors import Malformed, RateLimited, Refused4xx, Unavailable, Unreadable
from pgsluice.providers.rest import Rest

CLIENT = Client("the-client", "the-client-secret")
VERIFIER = "v" * 43
CHALLENGE = urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
VALUES = {"zendesk": {"subdomain": "acme"}, "jira": {"cloud_id": "11-22"}}
PAGES = {
    "airtable": "https://airtable.com/oauth2/v1/authorize",
    "github": "https://github.com/login/oauth/authorize",
    "intercom": "https://app.intercom.com/oauth",
    "jira": "https://auth.atlassian.com/authorize",
    "linear": "https://linear.app/oauth/authorize",
    "notion": "https://api.notion.com/v1/oauth/authorize",
    "zendesk": "https://acme.zendesk.com/oauth/authorizations/new",
}
TOKENS = {
    "airtable": "https://airtable.com/oauth2/v1/token",
    "github": "https://github.com/login/oauth/access_token",
    "intercom": "https://api.intercom.io/auth/eagle/token",
    "jira": "https://auth.atlassian.com/oauth/token",
    "linear": "https://api.linear.app/oauth/token",
    "notion": "https://api.notion.com/v1/oauth/token",
    "zendesk": "https://acme.zendesk.com/oauth/tokens",
}
PKCE = {"airtable", "github", "linear", "zendesk"}
ANSWER = {
    "access_token": "at-1",
    "refresh_token": "rt-1",
    "expires_in": 3600,
    "scope": "read,write",
    "workspace_id": "w-7",
    "token_type": "bearer",
}


def signin(name: str, **more: Any) -> Signin:
    given = {"values": VALUES.get(name, {}), "verifier": VERIFIER, **more}
    return Signin(f"{name}_oauth2", CLIENT, "https://us.test/callback", "the-state", **given)


def fields(request: Request) -> dict[str, Any]:
    body = (request.body or b"").decode()
    return json.loads(body) if request.headers["Content-Type"] == "application/json" else dict(parse_qsl(body))


@pytest.mark.parametrize("name", PAGES)
def test_from_the_page_to_tokens_that_are_renewed(name: str) -> None:
    known = registry.get(name)
    assert isinstance(known, Rest)
    assert set(known.consents) == {f"{name}_oauth2"}
    page = urlsplit(known.authorize(signin(name)))
    assert f"{page.scheme}://{page.netloc}{page.path}" == PAGES[name]
    asked = {key: values[0] for key, values in parse_qs(page.query).items()}
    assert (asked["response_type"], asked["client_id"], asked["state"]) == ("code", "the-client", "the-state")
    assert asked["redirect_uri"] == "https://us.test/callback"
    assert asked.get("code_challenge") == (CHALLENGE if name in PKCE else None)
    separator = "," if name == "linear" else " "
    assert tuple(filter(None, asked.get("scope", "").split(separator))) == known.consents[f"{name}_oauth2"].scopes
    assert "the-client-secret" not in page.query
    request = known.exchange(signin(name), {"code": "c-1", "state": "the-state"})
    assert (request.method, request.url) == ("POST", TOKENS[name])
    sent = fields(request)
    assert (sent["grant_type"], sent["code"], sent["redirect_uri"]) == ("authorization_code", "c-1", "https://us.test/callback")
    assert sent.get("code_verifier") == (VERIFIER if name in PKCE else None)
    if name in {"airtable", "notion"}:
        assert b64decode(request.headers["Authorization"].removeprefix("Basic ")) == b"the-client:the-client-secret"
        assert "client_secret" not in sent
    else:
        assert (sent["client_id"], sent["client_secret"]) == ("the-client", "the-client-secret")
    granted = known.read_exchanged(signin(name), {}, reply(ANSWER))
    assert granted.secret["access_token"] == "at-1"
    assert granted.account == {"notion": "w-7", "zendesk": "acme", "jira": "11-22"}.get(name)
    assert (granted.expires_in, granted.scopes) == (3600, ("read", "write"))
    known.seal_check(f"{name}_oauth2", granted.secret)
    assert "at-1" not in repr(granted)
    credential = Credential(f"{name}_oauth2", granted.secret, client=CLIENT)
    if granted.account is None:
        who = known.identify(credential)
        assert who is not None
        assert who.headers["Authorization"] == "Bearer at-1"
    renewal = known.renew(credential)
    if name == "intercom":
        assert renewal is None
        return
    assert renewal is not None
    assert renewal.url == TOKENS[name]
    assert (fields(renewal)["grant_type"], fields(renewal)["refresh_token"]) == ("refresh_token", "rt-1")
    renewed = known.read_renewed(credential, reply({"access_token": "at-2", "refresh_token": "rt-2", "expires_in": 60}))
    assert (renewed.secret["access_token"], renewed.secret["refresh_token"]) == ("at-2", "rt-2")


def test_the_account_is_asked_for_by_the_documents_words() -> None:
    linear = registry.get("linear")
    assert linear.read_identified(reply({"data": {"organization": {"id": "org-1"}}})) == "org-1"
    with pytest.raises(Unreadable):
        linear.read_identified(reply({"data": {}}))
    assert registry.get("github").read_identified(reply({"id": 5, "login": "me"})) == "5"


def test_what_a_vendor_says_no_to() -> None:
    linear = registry.get("linear")
    with pytest.raises(Refused4xx, match="did not grant access: the user said no"):
        linear.exchange(signin("linear"), {"error": "access_denied", "error_description": "the user said no"})
    for status, body in ((400, {"error": "invalid_grant"}), (200, {"error": "bad_verification_code"}), (401, {})):
        with pytest.raises(Refused4xx, match="took the code no more"):
            linear.read_exchanged(signin("linear"), {}, reply(body, status))
    replies: list[tuple[Response, type[Exception]]] = [
        (reply({}, 429), RateLimited), (reply(b"<html>", 502), Unavailable), (reply({"token_type": "bearer"}), Unreadable), (reply(b"<html>"), Unreadable),
    ]  # fmt: skip
    for said, error in replies:
        with pytest.raises(error):
            linear.read_exchanged(signin("linear"), {}, said)


def test_a_value_that_has_to_be_known_before_is_checked() -> None:
    zendesk = registry.get("zendesk")
    assert [field.name for field in zendesk.consents["zendesk_oauth2"].values] == ["subdomain"]
    for value in ("", "evil.example/x?", "a@b", "a#"):
        with pytest.raises(Malformed):
            zendesk.authorize(signin("zendesk", values={"subdomain": value}))


def test_an_account_at_another_address_has_its_tokens_there() -> None:
    github = registry.get("github")
    own = signin("github", base_url="https://git.acme.test/api/v3")
    assert github.authorize(own).startswith("https://git.acme.test/login/oauth/authorize?")
    assert github.exchange(own, {"code": "c"}).url == "https://git.acme.test/login/oauth/access_token"
    granted = github.read_exchanged(own, {}, reply(ANSWER))
    assert granted.base_url == "https://git.acme.test/api/v3"
    renewal = github.renew(Credential("github_oauth2", granted.secret, granted.base_url, CLIENT))
    assert renewal is not None
    assert renewal.url == "https://git.acme.test/login/oauth/access_token"


THINGS = "thing:\n  list: {path: /things, paging: {style: none}}\n"


def test_what_the_answer_holds_besides_tokens() -> None:
    """An address, and fields of the credential; tokens are renewed at the vendor's own address all the same."""
    auth = {"oauth2": {
        "fields": {name: {"description": name} for name in ("access_token", "refresh_token", "realm")},
        "headers": {"X-Token": "{credential.access_token}"},
        "renew": {"grant": "refresh_token", "url": "https://login.acme.test/token", "base_url": "https://{reply.api_domain}"},
        "consent": {"authorize": "https://login.acme.test/authorize", "keep": {"realm": "user.realm"}, "account": "user.id"},
    }}  # fmt: skip
    acme = provider(THINGS, auth=auth)
    answer = {**ANSWER, "api_domain": "eu.acme.test", "user": {"realm": "r-1", "id": 9}}
    granted = acme.read_exchanged(signin("acme"), {}, reply(answer))
    assert granted.secret == {"access_token": "at-1", "refresh_token": "rt-1", "realm": "r-1"}
    assert (granted.base_url, granted.account) == ("https://eu.acme.test", "9")
    renewal = acme.renew(Credential("acme_oauth2", granted.secret, granted.base_url, CLIENT))
    assert renewal is not None
    assert renewal.url == "https://login.acme.test/token"
    with pytest.raises(Unreadable, match="no realm"):
        acme.read_exchanged(signin("acme"), {}, reply(ANSWER))


def test_a_kind_of_credential_may_have_an_address_of_its_own() -> None:
    jira = registry.get("jira")
    feed = jira.feeds(["jira:project"])[0]
    key = Credential("jira_key", {"site": "acme", "email": "a@b.c", "token": "t" * 20})
    assert jira.request(feed, None, key).url == "https://acme.atlassian.net/rest/api/3/project/search"
    token = Credential("jira_oauth2", {"cloud_id": "11-22", "access_token": "at"})
    assert jira.request(feed, None, token).url == "https://api.atlassian.com/ex/jira/11-22/rest/api/3/project/search"
