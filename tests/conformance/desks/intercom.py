"""Intercom: lists by starting_after, a search that compares days, a scroll of companies; parts inside of conversations."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from fakes.faults import Fault, Onward, answers
from fakes.intercom import IntercomFake
from fakes.serving import Answer, Asked

from conformance.desks.base import Doc
from conformance.desks.document import DocumentDesk, fields

_TEXT = {"conversation": "title", "ticket": "category", "article": "title", "data_attribute": "label", "conversation_part": "body"}
_KINDS = ("contact", "company", "conversation", "conversation_part", "ticket", "admin", "team", "tag", "segment", "article", "help_center_collection",
          "ticket_type", "data_attribute")  # fmt: skip


class IntercomDesk(DocumentDesk):
    provider = "intercom"
    made_by = IntercomFake
    kinds: ClassVar = {f"intercom:{name}": (name, _TEXT.get(name, "name")) for name in _KINDS}
    collections = tuple(kinds)
    dear = ("intercom:contact",)
    place = ("data",)
    incremental = frozenset(("intercom:contact", "intercom:conversation", "intercom:conversation_part", "intercom:ticket"))
    deletable = ()
    swept = ("intercom:contact", "intercom:company", "intercom:article")
    fixed = frozenset(("intercom:conversation_part",))
    believes_empty_pages = True
    written = "intercom:contact"
    refused: ClassVar[Doc] = {"name": "without an address"}
    words = "must provide either email or external_id"

    def within(self, kind: str) -> Doc:
        return {"conversation": self.base("conversation")} if kind == "conversation_part" else {}

    def new(self, text: str) -> Doc:
        return {"role": "user", "email": f"{len(text)}@example.com", "name": text}

    def changed(self, text: str) -> Doc:
        return {"name": text}

    def path(self, collection_id: str) -> str:
        return "/contacts"

    def second(self, collection_id: str) -> int:
        return 1

    def changes_path(self, collection_id: str) -> str:
        return "/contacts/search"

    def sent(self, asked: Asked) -> str | None:
        found = asked.params.get("starting_after") or fields(asked).get("pagination", {}).get("starting_after")
        return None if found is None else str(found)

    def cursor(self, page: Any, given: str | None) -> None:
        page["pages"] = {"type": "pages", "next": {"page": 2, "starting_after": given}}

    def limited(self, retry_after: str | None = None) -> Fault:
        """https://developers.intercom.com/docs/references/rest-api/errors/rate-limiting: X-RateLimit-Reset says when"""
        if retry_after is not None:
            return answers(429, _error("rate_limit_exceeded", "Exceeded rate limit"), Retry_After=retry_after)
        return self.limited_by_quota(0)

    def limited_by_quota(self, seconds: int) -> Fault:
        def fault(asked: Asked, onward: Onward) -> Answer:
            # The fake's Date may be a second older than its clock.
            reset = str(int(self.fake.clock.now()) + seconds)
            body = _error("rate_limit_exceeded", "Exceeded rate limit")
            return answers(429, body, X_RateLimit_Remaining="0", X_RateLimit_Reset=reset, Date=_date(self.fake.clock.now()))(asked, onward)

        return fault

    def forbidden(self) -> Fault:
        return answers(403, _error("api_plan_restricted", "Active subscription needed."))

    def bad_parameter(self) -> Fault:
        return answers(400, _error("parameter_invalid", "per_page is invalid"))


def _error(code: str, message: str) -> str:
    return json.dumps({"type": "error.list", "request_id": "r", "errors": [{"code": code, "message": message}]})


def _date(seconds: float) -> str:
    from email.utils import formatdate  # noqa: PLC0415

    return formatdate(seconds, usegmt=True)
