"""Airtable: bases, tables, records; an offset that ends; what changed by a formula, without a time in the record."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from fakes.airtable import AirtableFake
from fakes.faults import Fault, answers
from fakes.serving import Asked

from conformance.desks.base import Doc
from conformance.desks.document import DocumentDesk


class AirtableDesk(DocumentDesk):
    provider = "airtable"
    made_by = AirtableFake
    kinds: ClassVar = {"airtable:base": ("base", "name"), "airtable:table": ("table", "name"), "airtable:record": ("record", "fields")}
    collections = tuple(kinds)
    dear = ("airtable:record",)
    place = ("records",)
    incremental = frozenset(("airtable:record",))
    deletable = ()
    swept = ("airtable:record",)
    ordered = False
    believes_empty_pages = True
    written = "airtable:record"
    words = "UNKNOWN_FIELD_NAME"

    @property
    def base_url(self) -> str:
        return f"{self.proxy.url}/v0"

    def table(self) -> str:
        return self.base("table", base=self.base("base"))

    def within(self, kind: str) -> Doc:
        return {
            "base": {},
            "table": {"base": self.base("base")} if kind == "table" else {},
            "record": {"table": self.table()} if kind == "record" else {},
        }[kind]

    def text(self, kind: str, member: str, text: str) -> Doc:
        return {"fields": {"Name": text}} if kind == "record" else {"name": text}

    def new(self, text: str) -> Doc:
        return {"base_id": self.base("base"), "table_id": self.table(), "fields": {"Name": text}}

    def changed(self, text: str) -> Doc:
        return {"fields": {"Name": text}}

    @property
    def refused(self) -> Doc:  # type: ignore[override]  # it has to name a table that is there
        return {**self.new("x"), "fields": {"Nobody": 1}}

    @property
    def unknown_id(self) -> str:  # type: ignore[override]  # in a table that is there
        return self.named("airtable:record", "rec00000000000000")

    def named(self, collection_id: str, text: str) -> str:
        return f"{self.base('base')}/{self.table()}/{text}"

    def id_members(self, collection_id: str, upstream_id: str) -> list[bytes]:
        return [f'"id": {json.dumps(upstream_id.rpartition("/")[2])}'.encode()]

    def path(self, collection_id: str) -> str:
        return "/v0/app*/tbl*"

    def second(self, collection_id: str) -> int:
        return 1

    def sent(self, asked: Asked) -> str | None:
        return asked.params.get("offset")

    def cursor(self, page: Any, given: str | None) -> None:
        page["offset"] = given

    def limited(self, retry_after: str | None = None) -> Fault:
        """https://airtable.com/developers/web/api/rate-limits: 30 seconds, which nobody has time for here"""
        words = {"errors": [{"error": "RATE_LIMIT_REACHED", "message": "Rate limit exceeded. Please try again later"}]}
        return answers(429, json.dumps(words), Retry_After=retry_after if retry_after is not None else "0")

    def forbidden(self) -> Fault:
        return answers(
            403, json.dumps({"error": {"type": "INVALID_PERMISSIONS", "message": "You are not permitted to perform this operation"}})
        )

    def bad_parameter(self) -> Fault:
        return answers(
            422, json.dumps({"error": {"type": "INVALID_REQUEST_UNKNOWN", "message": "Invalid request: parameter validation failed."}})
        )
