"""What is known of Acme: one list of changes page by page, tokens that end, batches of writes, a budget that the environment names."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from pgsluice.providers import registry
from pgsluice.providers.base import (
    Change,
    Collection,
    Credential,
    Cursor,
    Feed,
    Hint,
    Limit,
    Page,
    Renewed,
    Request,
    Response,
    SecretField,
    Signals,
    Write,
    Written,
)
from pgsluice.providers.errors import Conflict, ProviderError, RateLimited, Refused4xx, Unauthorized, Unavailable
from pgsluice.providers.limits import retry_after
from pgsluice.providers.protocol import Plain

THINGS: Final = "stripe:customer"


class Acme(Plain):
    name = "stripe"
    free_form = False
    collections: Mapping[str, Collection] = {THINGS: Collection(THINGS, "things", ("create", "update", "upsert", "delete"))}
    credential_kinds: Mapping[str, tuple[SecretField, ...]] = {"acme": (SecretField("access_token", ""), SecretField("refresh_token", ""))}
    key_window: timedelta | None = timedelta(hours=24)

    def seal_check(self, kind: str, secret: Mapping[str, str]) -> None:
        pass

    def budget(self, credential: Credential) -> tuple[Limit, ...]:
        allowed, _, seconds = os.environ.get("ACME_BUDGET", "").partition("/")
        return (Limit("all", float(allowed), float(seconds)),) if allowed else ()

    def signals(self, response: Response) -> Signals | None:
        left = response.headers.get("x-left")
        return None if left is None else Signals(remaining=float(left), resets_in=float(response.headers["x-resets"]))

    # ------------------------------------------------------------ reading

    def feeds(self, collection_ids: Sequence[str] | None, since: datetime | None = None) -> tuple[Feed, ...]:
        return (Feed(THINGS, "backfill", (THINGS,)),)

    def request(self, feed: Feed, cursor: Cursor | None, credential: Credential) -> Request:
        base = (cursor or {}).get("elsewhere") or credential.base_url
        return self._to(credential, "GET", f"{base}/things", params=(("page", str((cursor or {}).get("page", 0))),))

    def read(self, feed: Feed, cursor: Cursor | None, response: Response) -> Page:
        found = _json(response)
        changes = tuple(Change(THINGS, item["id"], json.dumps(item).encode()) for item in found["things"])
        then = {"page": found["page"] + 1} | ({"elsewhere": found["elsewhere"]} if "elsewhere" in found else {})
        return Page(then, done=not found["more"], more=found["more"], changes=changes)

    def fetch(self, hint: Hint, credential: Credential) -> Request:
        return self._to(credential, "GET", f"{credential.base_url}/things/{hint.upstream_id}")

    def read_fetched(self, hint: Hint, response: Response) -> Change:
        if response.status == 404:
            return Change(hint.collection_id, hint.upstream_id, None, deleted=True)
        return Change(THINGS, hint.upstream_id, json.dumps(_json(response)).encode())

    # ------------------------------------------------------------ writing

    def batch_size(self, kind: str, collection_id: str) -> int:
        return 10

    def write(self, writes: Sequence[Write], credential: Credential) -> Request:
        body = [
            {
                "kind": write.kind,
                "id": write.upstream_id,
                "key": write.key,
                "match_on": write.match_on,
                "if_match": write.if_match,
                "data": None if write.data is None else json.loads(write.data),
            }
            for write in writes
        ]
        return replace(self._to(credential, "POST", f"{credential.base_url}/batch"), body=json.dumps(body).encode())

    def read_written(self, writes: Sequence[Write], response: Response) -> tuple[Written | ProviderError, ...]:
        return tuple(_result(write, item) for write, item in zip(writes, _json(response)["results"], strict=True))

    # ------------------------------------------------------------ tokens

    def renew(self, credential: Credential) -> Request | None:
        if "refresh_token" not in credential.secret:
            return None
        body = json.dumps({"refresh": credential.secret["refresh_token"]}).encode()
        return Request("POST", f"{credential.base_url}/token", body=body)

    def read_renewed(self, credential: Credential, response: Response) -> Renewed:
        if response.status == 400:
            raise Unauthorized("invalid_grant")
        found = _json(response)
        return Renewed({"access_token": found["access"], "refresh_token": found["refresh"]}, found.get("expires_in"))

    def _to(self, credential: Credential, method: str, url: str, params: tuple[tuple[str, str], ...] = ()) -> Request:
        return Request(method, url, params, {"Authorization": f"Bearer {credential.secret['access_token']}"})


def _json(response: Response) -> Any:
    if response.status == 401:
        raise Unauthorized("the token has ended", expired=True)
    if response.status == 429:
        raise RateLimited("too fast", retry_after=retry_after(response))
    if response.status >= 500:
        raise Unavailable("down")
    if response.status >= 400:
        raise Refused4xx("refused", details=response.body.decode())
    return json.loads(response.body)


def _result(write: Write, item: Any) -> Written | ProviderError:
    if item.get("error") == "conflict":
        return Conflict("it is another version", details=json.dumps(item))
    if "error" in item:
        return Refused4xx(item["error"], details=json.dumps(item))
    if write.kind == "delete":
        return Written(item["id"], Change(THINGS, item["id"], None, deleted=True))
    return Written(item["id"], Change(THINGS, item["id"], json.dumps(item).encode()))


ACME: Final = Acme()


def install() -> None:
    """Acme stands in for Stripe from now on, in this process."""
    registry._PROVIDERS["stripe"] = ACME
