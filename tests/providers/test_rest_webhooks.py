"""What vendors send by themselves, by their documents: genuine or not, of now or not, and the objects it names."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from providers.declared import provider

from pgsluice.providers import registry
from pgsluice.providers.errors import Forged, Unreadable
from pgsluice.providers.webhooks import Delivery

NOW = datetime(2026, 6, 1, 12, 0, 0, tzinfo=UTC)
SECRET = "the-signing-secret"
REPO = {"owner": {"login": "acme"}, "name": "shop"}
# Provider -> the header of the signature, how it is made of the body, other headers, bodies and the objects they name.
Case = tuple[str, dict[str, str], Any, list[tuple[str, str]]]
CASES: dict[str, list[Case]] = {
    "github": [
        ("X-Hub-Signature-256", {"X-GitHub-Event": "issues", "X-GitHub-Delivery": "d-1"}, {"repository": REPO, "issue": {"number": 7}},
         [("github:issue", "acme/shop#7")]),
        ("X-Hub-Signature-256", {"X-GitHub-Event": "label", "X-GitHub-Delivery": "d-2"}, {"repository": REPO, "label": {"name": "bug"}},
         [("github:label", "acme/shop#bug")]),
        ("X-Hub-Signature-256", {"X-GitHub-Event": "ping", "X-GitHub-Delivery": "d-3"}, {"repository": REPO, "zen": "…"}, []),
    ],
    "linear": [
        ("Linear-Signature", {"Linear-Delivery": "d-1"}, {"type": "Issue", "action": "update", "data": {"id": "i-1"},
         "webhookTimestamp": int(NOW.timestamp() * 1000)}, [("linear:issue", "i-1")]),
        ("Linear-Signature", {"Linear-Delivery": "d-1"}, {"type": "Comment", "action": "remove", "data": {"id": "c-1"},
         "webhookTimestamp": int(NOW.timestamp() * 1000)}, [("linear:comment", "c-1")]),
    ],
    "notion": [("X-Notion-Signature", {}, {"id": "d-1", "type": "page.content_updated", "entity": {"id": "p-1", "type": "page"}}, [("notion:page", "p-1")])],
    "intercom": [("X-Hub-Signature", {}, {"id": "d-1", "topic": "contact.user.updated", "data": {"item": {"type": "contact", "id": "c-1"}}},
                  [("intercom:contact", "c-1")])],
    "jira": [
        ("X-Hub-Signature", {"X-Atlassian-Webhook-Identifier": "d-1"}, {"webhookEvent": "comment_created", "issue": {"id": "10"}, "comment": {"id": "20"}},
         [("jira:comment", "10#20")]),
        ("X-Hub-Signature", {"X-Atlassian-Webhook-Identifier": "d-1"}, {"webhookEvent": "jira:issue_updated", "issue": {"id": "10"}}, [("jira:issue", "10")]),
    ],
    "zendesk": [("X-Zendesk-Webhook-Signature", {"X-Zendesk-Webhook-Signature-Timestamp": "2026-06-01T12:00:00Z", "X-Zendesk-Webhook-Invocation-Id": "d-1"},
                 {"type": "zen:event-type:ticket.created", "subject": "zen:ticket:5", "detail": {"id": "5"}}, [("zendesk:ticket", "5")])],
}  # fmt: skip
EACH = [(name, case) for name, cases in CASES.items() for case in cases]


def signature(name: str, body: bytes, headers: dict[str, str], secret: str = SECRET) -> str:
    """As the vendor's documentation says."""
    if name == "zendesk":
        stamp = headers["X-Zendesk-Webhook-Signature-Timestamp"].encode()
        return b64encode(hmac.digest(secret.encode(), stamp + body, "sha256")).decode()
    if name == "intercom":
        return "sha1=" + hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()
    return ("" if name == "linear" else "sha256=") + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def delivery(headers: dict[str, str], body: bytes, at: datetime = NOW) -> Delivery:
    return Delivery("POST", "https://us.test/webhooks/s", {key.lower(): value for key, value in headers.items()}, body, at)


@pytest.mark.parametrize(("name", "case"), EACH)
def test_a_genuine_delivery_names_its_object(name: str, case: Case) -> None:
    header, headers, given, expected = case
    body = json.dumps(given).encode()
    known = registry.get(name)
    signed = {**headers, header: signature(name, body, headers)}
    found = known.receive(delivery(signed, body), ["an-older-secret", SECRET])
    assert [(hint.collection_id, hint.upstream_id) for hint in found.hints] == expected
    assert found.changes == ()
    assert found.delivery_id in {headers.get("X-GitHub-Delivery"), "d-1"}
    assert all(hint.collection_id in known.collections for hint in found.hints)


@pytest.mark.parametrize("name", CASES)
def test_what_is_not_genuine(name: str) -> None:
    header, headers, given, _ = CASES[name][0]
    body = json.dumps(given).encode()
    known = registry.get(name)
    right = signature(name, body, headers)
    for secrets, wrong, sent in (
        ([SECRET], right, body + b" "),
        ([SECRET], right[:-2], body),
        ([SECRET], right.upper(), body),
        ([SECRET], "", body),
        ([SECRET], "é" * 64, body),
        ([SECRET], signature(name, body, headers, "another"), body),
        (["another"], right, body),
        ([], right, body),
    ):
        with pytest.raises(Forged) as caught:
            known.receive(delivery({**headers, header: wrong}, sent), secrets)
        assert SECRET not in str(caught.value.as_dict())
    with pytest.raises(Forged):
        known.receive(delivery(headers, body), [SECRET])


@pytest.mark.parametrize("name", ["linear", "zendesk"])
@pytest.mark.parametrize("away", [timedelta(minutes=-6), timedelta(minutes=6)])
def test_what_was_signed_at_another_time(name: str, away: timedelta) -> None:
    """Kept and sent again, or from the future."""
    header, headers, given, _ = CASES[name][0]
    body = json.dumps(given).encode()
    signed = {**headers, header: signature(name, body, headers)}
    with pytest.raises(Forged, match="another time"):
        registry.get(name).receive(delivery(signed, body, NOW + away), [SECRET])
    assert registry.get(name).receive(delivery(signed, body, NOW + away / 10), [SECRET]).hints
    if name == "zendesk":
        moved = {**signed, "X-Zendesk-Webhook-Signature-Timestamp": "2026-06-01T12:06:00Z"}
        with pytest.raises(Forged):
            registry.get(name).receive(delivery(moved, body, NOW + timedelta(minutes=6)), [SECRET])


def test_a_genuine_delivery_that_is_no_json() -> None:
    body = b"payload=%7B%7D"
    signed = {"X-GitHub-Event": "issues", "X-Hub-Signature-256": signature("github", body, {})}
    with pytest.raises(Unreadable):
        registry.get("github").receive(delivery(signed, body), [SECRET])


def test_several_events_in_one_delivery_and_the_end_of_access() -> None:
    text = "thing:\n  list: {path: /things, paging: {style: none}}\n  fetch: {path: '/things/{id}'}\n"
    hooks = {
        "description": "there", "secret": "client", "each": "events",
        "signature": {"header": "X-Sign", "encoding": "base64", "key": "base64", "message": "{method}{url}{body}{header.x-at}"},
        "ended": [{"path": "event", "equals": ["uninstalled", "revoked"]}],
        "events": [{"collection": "thing", "id": "{body.kind}-{body.id}", "when": [{"path": "live", "equals": True}]}],
    }  # fmt: skip
    acme = provider(text, webhooks=hooks)
    assert acme.webhooks is not None
    assert (acme.webhooks.secret, acme.webhooks.registers) == ("client", False)
    key = b"\x00\x01\xff"
    given = {"event": "revoked", "events": [{"kind": "a", "id": 1, "live": True}, {"kind": "b", "id": 2, "live": False},
                                            {"kind": "a", "id": 1, "live": True}, {"id": 3, "live": True}]}  # fmt: skip
    body = json.dumps(given).encode()
    sign = b64encode(hmac.digest(key, b"POSThttps://us.test/webhooks/s" + body + b"now", "sha256")).decode()
    found = acme.receive(delivery({"X-Sign": sign, "X-At": "now"}, body), ["no base64!", b64encode(key).decode()])
    assert [hint.upstream_id for hint in found.hints] == ["a-1"]
    assert found.ended is not None
    with pytest.raises(Forged):
        acme.receive(delivery({"X-Sign": sign}, body), [b64encode(key).decode()])
