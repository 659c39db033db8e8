"""Webhooks of fakes: what was registered, and deliveries signed with it, over real HTTP."""

from __future__ import annotations

import hmac
import json
import time
import urllib.request
from base64 import b64decode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


@dataclass
class Hook:
    """`parent`: what it belongs to. `ends`: by the vendor's clock."""

    id: str
    url: str
    secret: str
    parent: str = ""
    topics: list[str] = field(default_factory=list)
    active: bool = True
    ends: float = float("inf")


def hexed(key: bytes, body: bytes) -> str:
    return hmac.new(key, body, "sha256").hexdigest()


def post(url: str, body: bytes, headers: dict[str, str]) -> int:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, body, {"Content-Type": "application/json", **headers})
    with opener.open(request, timeout=30) as reply:
        return int(reply.status)


def airtable(hook: Hook) -> int:
    """https://airtable.com/developers/web/api/webhooks-overview: which base, and nothing of what"""
    said = {"base": {"id": hook.parent}, "webhook": {"id": hook.id}, "timestamp": datetime.now(UTC).isoformat()}
    body = json.dumps(said).encode()
    return post(hook.url, body, {"X-Airtable-Content-MAC": "hmac-sha256=" + hexed(b64decode(hook.secret), body)})


def linear(hook: Hook, id_: str, number: int = 1) -> int:
    """https://linear.app/developers/webhooks#securing-webhooks"""
    said: dict[str, Any] = {"action": "update", "type": "Issue", "data": {"id": id_}, "webhookTimestamp": int(time.time() * 1000)}
    body = json.dumps(said).encode()
    return post(hook.url, body, {"Linear-Signature": hexed(hook.secret.encode(), body), "Linear-Delivery": f"d-{number}"})


def jira(hook: Hook, id_: str, number: int = 1) -> int:
    """https://developer.atlassian.com/cloud/jira/platform/webhooks/#secure-admin-webhooks"""
    body = json.dumps({"webhookEvent": "jira:issue_updated", "issue": {"id": id_}}).encode()
    signed = {"X-Hub-Signature": "sha256=" + hexed(hook.secret.encode(), body), "X-Atlassian-Webhook-Identifier": f"d-{number}"}
    return post(hook.url, body, signed)


def github(hook: Hook, repository: dict[str, Any], issue: dict[str, Any], number: int = 1) -> int:
    """https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries"""
    body = json.dumps({"action": "edited", "repository": repository, "issue": issue}).encode()
    signed = {"X-Hub-Signature-256": "sha256=" + hexed(hook.secret.encode(), body)}
    return post(hook.url, body, {**signed, "X-GitHub-Event": "issues", "X-GitHub-Delivery": f"d-{number}"})
