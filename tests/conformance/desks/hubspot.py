"""HubSpot: lists by id, changes by a search whose index lags, archived objects by a list of their own, associations apart."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from email.utils import formatdate
from typing import Any, ClassVar

from fakes.faults import Fault, Onward, answers, without
from fakes.hubspot import TOKEN, HubSpotFake
from fakes.hubspot.refusals import invalid, limited, scopes
from fakes.serving import Answer, Asked

from conformance.desks.base import Desk, Doc
from pgsluice.providers import hubspot_auth
from pgsluice.providers.hubspot_types import OWNER, SOURCES

DAY = 86_400.0
# The property that holds the text.
_TEXT: Mapping[str, str] = {
    "contacts": "firstname", "companies": "name", "deals": "dealname", "tickets": "subject", "products": "name", "line_items": "name",
    "quotes": "hs_title", "owners": "firstName", "calls": "hs_call_title", "emails": "hs_email_subject", "meetings": "hs_meeting_title",
    "notes": "hs_note_body", "tasks": "hs_task_subject",
}  # fmt: skip


class HubSpotDesk(Desk):
    provider = "hubspot"
    chained = True
    # The others are read by the same feeds: tests/providers/test_hubspot_reading.py has all of them.
    collections = ("hubspot:contact", "hubspot:company", "hubspot:deal", "hubspot:line_item", OWNER)
    dear = ("hubspot:contact", "hubspot:company")
    pages: ClassVar[Mapping[str, int]] = {"limit": 3}
    incremental = frozenset(collections[:-1])
    deletable = collections[:-1]
    swept = (OWNER,)
    written = "hubspot:contact"
    refused: ClassVar[Doc] = {"properties": {"nonsense": "1"}}
    words = "nonsense"
    writes = "*/objects/contacts"

    def __init__(self) -> None:
        self.fake = HubSpotFake()
        self.fake.index_lag = 2.0
        self.fake.search_cap = 3
        self._tokens = 0
        self._rates = hubspot_auth.RATES, hubspot_auth.SEARCHES

    def start(self) -> None:
        # The vendor's own limits are tried elsewhere: kept to here, they would make this suite take minutes.
        hubspot_auth.RATES = dict.fromkeys(hubspot_auth.RATES, 1000.0)
        hubspot_auth.SEARCHES = 1000.0  # type: ignore[misc]
        self.fake.clock.advance(-30 * DAY)
        self.fake.start()

    def stop(self) -> None:
        hubspot_auth.RATES, hubspot_auth.SEARCHES = self._rates  # type: ignore[misc]
        self.fake.stop()

    @property
    def url(self) -> str:
        return self.fake.url

    def credential(self) -> tuple[str, dict[str, str]]:
        return "hubspot_key", {"secret": f"{TOKEN[:-1]}{self._tokens + 1}"}

    def expire(self) -> None:
        _, secret = self.credential()
        self.fake.revoke(secret["secret"])
        self._tokens += 1
        _, secret = self.credential()
        self.fake.add_token(secret["secret"])

    # -- objects

    def create(self, collection_id: str, text: str) -> str:
        path = SOURCES[collection_id].path
        upstream_id = self.fake.create(path, **{_TEXT[path]: text})
        for other in SOURCES[collection_id].links[:1]:
            if self.fake.things[other]:
                self.fake.associate(path, upstream_id, other, next(iter(self.fake.things[other])))
        return upstream_id

    def seed(self, collections: Sequence[str], count: int = 7) -> dict[str, list[str]]:
        """So long ago that no overlap of windows reaches back to it."""
        made = super().seed(collections, count)
        self.advance(DAY)
        return made

    def change(self, collection_id: str, upstream_id: str, text: str) -> None:
        path = SOURCES[collection_id].path
        self.fake.change(path, upstream_id, **{_TEXT[path]: text})

    def delete(self, collection_id: str, upstream_id: str) -> None:
        self.fake.archive(SOURCES[collection_id].path, upstream_id)

    def state(self, collection_id: str) -> dict[str, Doc]:
        source = SOURCES[collection_id]
        return self.fake.objects(source.path, source.links)

    def new(self, text: str) -> Doc:
        return {"properties": {"firstname": text, "jobtitle": None}}

    def settle(self) -> None:
        self.advance(self.fake.index_lag + 1)

    def advance(self, seconds: float) -> None:
        self.fake.clock.advance(seconds)

    def freeze(self) -> None:
        self.fake.clock.freeze()

    # -- requests

    def path(self, collection_id: str) -> str:
        return f"/crm/v3/{'owners' if collection_id == OWNER else f'objects/{SOURCES[collection_id].path}'}"

    def second(self, collection_id: str) -> int:
        """The look at the archived ones goes first."""
        return 1 if collection_id == OWNER else 2

    def changes_path(self, collection_id: str) -> str:
        return self.path(collection_id) if collection_id == OWNER else f"{self.path(collection_id)}/search"

    def records_key(self, collection_id: str) -> str | None:
        return "results"

    def asked(self, collection_id: str) -> int:
        """Without the archived ones."""
        path = self.path(collection_id)
        return sum(seen.path == path and "archived" not in seen.params for seen in self.proxy.requests)

    def stuck(self, collection_id: str) -> Fault:
        return without("after")

    # -- how it says no

    def limited(self, retry_after: str | None = None) -> Fault:
        headers = {} if retry_after is None else {"Retry_After": retry_after}
        return answers(429, json.dumps(limited("SECONDLY")), **headers)

    def limited_by_quota(self, seconds: int) -> Fault:
        """The requests of the day are used up, so long before midnight."""

        def fault(asked: Asked, onward: Onward) -> Answer:
            before = (self.fake.clock.now() // DAY + 1) * DAY - seconds
            reply = answers(429, json.dumps(limited("DAILY")))(asked, onward)
            return replace(reply, headers={"Date": formatdate(before, usegmt=True)})

        return fault

    def forbidden(self) -> Fault:
        return answers(403, _body(scopes("crm.objects.contacts.read").body))

    def bad_parameter(self) -> Fault:
        return answers(400, _body(invalid("limit must be between 1 and 100").body))

    def failing(self, status: int = 503) -> Fault:
        return answers(status, _body({"status": "error", "message": "internal error", "correlationId": "x"}))


def _body(body: Any) -> str:
    return json.dumps(body)
