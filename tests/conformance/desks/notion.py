"""Notion: a search sorted by time, read from the newest on; rows by a filter that is exact to the minute; blocks below blocks."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from fakes.faults import Fault, answers
from fakes.notion import NotionFake
from fakes.serving import Asked

from conformance.desks.base import Doc
from conformance.desks.document import DocumentDesk, fields


class NotionDesk(DocumentDesk):
    provider = "notion"
    made_by = NotionFake
    kinds: ClassVar = {
        "notion:page": ("page", "properties"), "notion:data_source": ("data_source", "title"), "notion:database": ("database", "title"),
        "notion:row": ("page", "properties"), "notion:block": ("block", "paragraph"), "notion:comment": ("comment", "rich_text"),
        "notion:user": ("user", "name"),
    }  # fmt: skip
    collections = tuple(kinds)
    dear = ("notion:page",)
    incremental = frozenset(("notion:page", "notion:data_source", "notion:row", "notion:block"))
    deletable = ()
    swept = ("notion:page", "notion:block", "notion:comment")
    believes_empty_pages = True
    written = "notion:page"
    refused: ClassVar[Doc] = {"properties": {}}
    words = "body.parent should be defined"

    @property
    def base_url(self) -> str:
        return f"{self.proxy.url}/v1"

    def within(self, kind: str) -> Doc:
        if kind == "block":
            return {"parent": self.base("page")}
        return {"parent": {"type": "page_id", "page_id": self.base("page")}} if kind == "comment" else {}

    def create(self, collection_id: str, text: str) -> str:
        if collection_id == "notion:row":
            return str(
                self.fake.create("page", data_source=self.base("data_source"), properties=self.text("page", "", text)["properties"])["id"]
            )
        if collection_id == "notion:database":
            source = self.fake.create("data_source")
            self.fake.change("database", source["parent"]["database_id"], title=[_said(text)])
            return str(source["parent"]["database_id"])
        if collection_id == "notion:block" and "block" in self.around:
            # Two levels: the first block has the others below it.
            return str(self.fake.create("block", parent=self.around["block"], **self.text("block", "paragraph", text))["id"])
        made = super().create(collection_id, text)
        if collection_id == "notion:block":
            self.around["block"] = made
        return made

    def state(self, collection_id: str) -> dict[str, Doc]:
        found = super().state(collection_id)
        if collection_id == "notion:row":
            return {key: doc for key, doc in found.items() if doc["parent"]["type"] == "data_source_id"}
        return found

    def text(self, kind: str, member: str, text: str) -> Doc:
        match kind:
            case "page":
                return {"properties": {"Name": {"id": "title", "type": "title", "title": [_said(text)]}}}
            case "block":
                return {"paragraph": {"rich_text": [_said(text)]}}
            case "user":
                return {"name": text}
        return {member: [_said(text)]}

    def new(self, text: str) -> Doc:
        return {"parent": {"type": "workspace", "workspace": True}, **self.text("page", "", text)}

    def changed(self, text: str) -> Doc:
        return self.text("page", "", text)

    def settle(self) -> None:
        """What was changed is seen as of its minute."""
        self.advance(60)

    # -- requests

    def path(self, collection_id: str) -> str:
        return "/v1/search"

    def sent(self, asked: Asked) -> str | None:
        found = fields(asked).get("start_cursor")
        return None if found is None else str(found)

    def cursor(self, page: Any, given: str | None) -> None:
        page.update(next_cursor=given, has_more=True)

    def limited(self, retry_after: str | None = None) -> Fault:
        """https://developers.notion.com/reference/request-limits: always with Retry-After"""
        return answers(
            429, _error(429, "rate_limited", "You have been rate limited."), Retry_After=retry_after if retry_after is not None else "0"
        )

    def forbidden(self) -> Fault:
        return answers(403, _error(403, "restricted_resource", "Insufficient permissions for this endpoint."))

    def bad_parameter(self) -> Fault:
        return answers(400, _error(400, "validation_error", "body failed validation: body.page_size should be a number."))


def _said(text: str) -> Doc:
    return {"type": "text", "text": {"content": text, "link": None}, "plain_text": text}


def _error(status: int, code: str, message: str) -> str:
    return json.dumps({"object": "error", "status": status, "code": code, "message": message})
