"""Salesforce: lists by id, changes and deletions by (SystemModstamp, Id), single records by id; whole seconds; no idempotency."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from fakes.faults import Fault, FaultProxy, Onward, answers
from fakes.salesforce import SalesforceFake
from fakes.serving import Answer, Asked

from conformance.desks.base import Desk, Doc

# Object -> its name, the field that holds the text, and what else a new one needs.
_KINDS: Mapping[str, tuple[str, str, Doc]] = {
    "account": ("Account", "Name", {}),
    "contact": ("Contact", "FirstName", {"LastName": "Atreides"}),
    "lead": ("Lead", "LastName", {"Company": "Choam", "Street": "1 Palace Square"}),
    "invoice__c": ("Invoice__c", "Note__c", {"Total__c": 12.5, "Place__Latitude__s": 1.5, "Place__Longitude__s": 2.5}),
    "attachment": ("Attachment", "Name", {}),
}


class QueryProxy(FaultProxy):
    """Tells the lists apart, which all have one address: that of contacts is …/query/~contact here."""

    def serve(self, asked: Asked) -> Answer:
        found = re.search(r"\bFROM (\w+)", asked.params.get("q", ""))
        return super().serve(replace(asked, path=f"{asked.path}/~{found[1].lower()}") if found else asked)

    def _exchange(self, asked: Asked) -> Answer:
        return super()._exchange(replace(asked, path=asked.path.partition("/~")[0]))


class SalesforceDesk(Desk):
    provider = "salesforce"
    collections = tuple(f"salesforce:{kind}" for kind in _KINDS)
    dear = ("salesforce:contact", "salesforce:invoice__c")
    pages: ClassVar[Mapping[str, int]] = {}
    incremental = frozenset(collections)
    deletable = collections
    written = "salesforce:contact"
    refused: ClassVar[Doc] = {"FirstName": "alone"}
    words = "Required fields are missing"
    unknown_id = "003RO0000000000YAA"

    def __init__(self) -> None:
        self.fake = SalesforceFake()
        self.fake.page_cap = 3

    def start(self) -> None:
        self.fake.start()

    def stop(self) -> None:
        self.fake.stop()

    @property
    def url(self) -> str:
        return self.fake.url

    def proxied(self) -> FaultProxy:
        return QueryProxy(self.url)

    def credential(self) -> tuple[str, dict[str, str]]:
        return "salesforce_oauth2", {"access_token": self.fake.tokens.token, "instance_url": self.proxy.url}

    def expire(self) -> None:
        self.fake.tokens.expire()
        self.fake.tokens.token = self.fake.tokens.new()

    # -- objects

    def create(self, collection_id: str, text: str) -> str:
        name, field, more = _KINDS[_kind(collection_id)]
        return str(self.fake.create(name, **{**more, field: text})["Id"])

    def seed(self, collections: Sequence[str], count: int = 7) -> dict[str, list[str]]:
        """So long ago that no overlap reaches back to it."""
        made = super().seed(collections, count)
        self.advance(3600)
        return made

    def change(self, collection_id: str, upstream_id: str, text: str) -> None:
        name, field, _ = _KINDS[_kind(collection_id)]
        self.fake.change(name, upstream_id, **{field: text})

    def delete(self, collection_id: str, upstream_id: str) -> None:
        self.fake.delete(_KINDS[_kind(collection_id)][0], upstream_id)

    def state(self, collection_id: str) -> dict[str, Doc]:
        return self.fake.objects(_KINDS[_kind(collection_id)][0])

    def new(self, text: str) -> Doc:
        return {"FirstName": text, "LastName": "Atreides"}

    def advance(self, seconds: float) -> None:
        self.fake.clock.advance(seconds)

    def freeze(self) -> None:
        self.fake.clock.freeze()

    def id_members(self, collection_id: str, upstream_id: str) -> list[bytes]:
        return [f'"Id": {json.dumps(upstream_id)}'.encode()]

    # -- requests

    def path(self, collection_id: str) -> str:
        return f"*/query/~{_kind(collection_id)}"

    def changes_path(self, collection_id: str) -> str:
        return f"*/queryAll/~{_kind(collection_id)}"

    def records_key(self, collection_id: str) -> str | None:
        return "records"

    def stuck(self, collection_id: str) -> Fault:
        def fault(asked: Asked, onward: Onward) -> Answer:
            return onward(replace(asked, query=re.sub(r"WHERE\+Id\+%3E\+%27\w+%27\+", "", asked.query)))

        return fault

    # -- how it says no

    def limited(self, retry_after: str | None = None) -> Fault:
        headers: dict[str, Any] = {} if retry_after is None else {"Retry_After": retry_after}
        return answers(403, _error("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded."), **headers)

    def forbidden(self) -> Fault:
        return answers(403, _error("INSUFFICIENT_ACCESS", "insufficient access rights on cross-reference id"))

    def bad_parameter(self) -> Fault:
        return answers(400, _error("MALFORMED_QUERY", "unexpected token: LIMIT"))

    def failing(self, status: int = 503) -> Fault:
        return answers(status, _error("SERVER_UNAVAILABLE", "Server unavailable"))


def _kind(collection_id: str) -> str:
    return collection_id.removeprefix("salesforce:")


def _error(code: str, message: str) -> str:
    return json.dumps([{"message": message, "errorCode": code}])
