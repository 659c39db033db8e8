"""Zendesk: tickets and users by cursors of the export, which go on where they ended; organizations by its times; the rest by lists."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from fakes.faults import Fault, Onward, answers
from fakes.serving import Answer, Asked
from fakes.zendesk import ZendeskFake

from conformance.desks.base import Desk, Doc

DAY = 86_400.0
# The member that holds the text.
_TEXT: Mapping[str, str] = {
    "ticket": "subject", "ticket_comment": "body", "user": "name", "organization": "name", "group": "name", "group_membership": "",
    "organization_membership": "", "ticket_field": "title", "macro": "title",
}  # fmt: skip


class ZendeskDesk(Desk):
    provider = "zendesk"
    collections = tuple(f"zendesk:{kind}" for kind in _TEXT)
    dear = ("zendesk:ticket", "zendesk:organization")
    pages: ClassVar[Mapping[str, int]] = {"page[size]": 3, "per_page": 3}
    incremental = frozenset(("zendesk:ticket", "zendesk:user", "zendesk:organization"))
    deletable = ("zendesk:organization", "zendesk:ticket", "zendesk:user")
    swept = ("zendesk:group", "zendesk:macro")
    fixed = frozenset(("zendesk:ticket_comment", "zendesk:group_membership", "zendesk:organization_membership"))
    number_ids = True
    written = "zendesk:ticket"
    refused: ClassVar[Doc] = {"subject": "without a comment"}
    words = "cannot be blank"
    recognises = True  # new tickets, for two hours
    believes_empty_pages = True

    def __init__(self) -> None:
        self.fake = ZendeskFake()
        self._tokens = 1

    def start(self) -> None:
        self.fake.clock.advance(-30 * DAY)
        self.fake.start()

    def stop(self) -> None:
        self.fake.stop()

    @property
    def url(self) -> str:
        return self.fake.url

    @property
    def base_url(self) -> str:
        return f"{self.proxy.url}/api/v2"

    def _token(self) -> str:
        return f"fakeZendeskToken{self._tokens:025}"

    def credential(self) -> tuple[str, dict[str, str]]:
        return "zendesk_key", {"subdomain": "example", "email": self.fake.email, "token": self._token()}

    def expire(self) -> None:
        self.fake.revoke(self._token())
        self._tokens += 1
        self.fake.add_token(self._token())

    # -- objects

    def create(self, collection_id: str, text: str) -> str:
        kind = _kind(collection_id)
        fields: dict[str, Any] = {_TEXT[kind]: text} if _TEXT[kind] else {}
        if kind == "ticket_comment":
            tickets = self.fake.objects("ticket")
            # Two on each ticket: lists of them have one page only, tickets have several.
            fields["ticket_id"] = list(tickets.values())[-1]["id"] if tickets else self.fake.create("ticket", subject="with comments")["id"]
        return str(self.fake.create(kind, **fields)["id"])

    def seed(self, collections: Sequence[str], count: int = 7) -> dict[str, list[str]]:
        """So long ago that no overlap of windows reaches back to it."""
        made = super().seed(collections, count)
        self.advance(3 * DAY)
        return made

    def change(self, collection_id: str, upstream_id: str, text: str) -> None:
        if collection_id not in self.fixed:
            self.fake.change(_kind(collection_id), upstream_id, **{_TEXT[_kind(collection_id)]: text})

    def delete(self, collection_id: str, upstream_id: str) -> None:
        self.fake.delete(_kind(collection_id), upstream_id)

    def state(self, collection_id: str) -> dict[str, Doc]:
        return self.fake.objects(_kind(collection_id))

    def new(self, text: str) -> Doc:
        return {"subject": text, "comment": {"body": text}}

    def settle(self) -> None:
        """The exports leave the last minute out."""
        self.advance(61)

    def advance(self, seconds: float) -> None:
        self.fake.clock.advance(seconds)

    def freeze(self) -> None:
        self.fake.clock.freeze()

    # -- requests

    def path(self, collection_id: str) -> str:
        kind = _kind(collection_id)
        if kind == "ticket_comment":
            return "*/comments.json"
        return f"*/incremental/{kind}s/cursor.json" if kind in {"ticket", "user"} else f"/api/v2/{kind}s.json"

    def second(self, collection_id: str) -> int:
        # The export is asked for its clock first.
        return 2 if _kind(collection_id) in {"ticket", "user"} else 1

    def changes_path(self, collection_id: str) -> str:
        return "*/incremental/organizations.json" if _kind(collection_id) == "organization" else self.path(collection_id)

    def records_key(self, collection_id: str) -> str | None:
        return f"{_kind(collection_id)}s"

    def stuck(self, collection_id: str) -> Fault:
        def fault(asked: Asked, onward: Onward) -> Answer:
            reply = onward(asked)
            page = json.loads(reply.body)
            if not asked.params.keys() & {"cursor", "page[after]"}:
                return reply  # the first page leads to the second
            if "after_cursor" in page:
                page.update(after_cursor=asked.params["cursor"], after_url=asked.url, end_of_stream=False)
            else:
                page.update(meta={"has_more": True, "after_cursor": asked.params["page[after]"]}, links={"next": asked.url})
            return replace(reply, body=json.dumps(page).encode())

        return fault

    # -- how it says no

    def limited(self, retry_after: str | None = None) -> Fault:
        """https://developer.zendesk.com/api-reference/introduction/rate-limits/"""
        headers = {} if retry_after is None else {"Retry_After": retry_after}
        words = {"error": "APIRateLimitExceeded", "description": "Number of allowed API requests per minute exceeded"}
        return answers(429, json.dumps(words), **headers)

    def forbidden(self) -> Fault:
        message = "You do not have access to this page. Please contact the account owner of this help desk for further help."
        return answers(403, json.dumps({"error": {"title": "Forbidden", "message": message}}))

    def bad_parameter(self) -> Fault:
        words = {"error": {"title": "Invalid attribute", "message": "You passed an invalid value for the per_page attribute."}}
        return answers(400, json.dumps(words))


def _kind(collection_id: str) -> str:
    return collection_id.removeprefix("zendesk:")
