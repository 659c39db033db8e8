"""What the desks of declared vendors share: a fake with shelves, tokens that are replaced, ids as the vendor shows them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from fakes.faults import Fault, Onward, edited
from fakes.serving import Answer, Asked
from fakes.shelves import Shelves

from conformance.desks.base import Desk, Doc

DAY = 86_400.0


class DocumentDesk(Desk):
    """`kinds`: collection -> kind at the fake, and the member that holds the text ("": none). Each page has three records."""

    made_by: ClassVar[type[Shelves]]
    kinds: ClassVar[Mapping[str, tuple[str, str]]]
    place: ClassVar[tuple[str, ...]] = ("results",)  # of the records in a page
    pages: ClassVar[Mapping[str, int]] = {}
    light: ClassVar[bool] = True

    def __init__(self) -> None:
        self.fake = self.made_by()
        self.fake.page_cap = 3
        self.number = 1
        self.fake.add_token(self.token())
        self.around: dict[str, str] = {}

    def start(self) -> None:
        self.fake.clock.advance(-30 * DAY)
        self.fake.start()

    def stop(self) -> None:
        self.fake.stop()

    @property
    def url(self) -> str:
        return self.fake.url

    def token(self) -> str:
        return f"{self.made_by.token[:-6]}{self.number:06}"

    def credential(self) -> tuple[str, dict[str, str]]:
        return f"{self.provider}_key", {"secret": self.token()}

    def expire(self) -> None:
        self.fake.revoke(self.token())
        self.number += 1
        self.fake.add_token(self.token())

    # -- objects

    def base(self, kind: str, **fields: Any) -> str:
        """What others are in: one of each kind."""
        if kind not in self.around:
            self.around[kind] = str(self.fake.create(kind, **fields)["id"])
        return self.around[kind]

    def within(self, kind: str) -> Doc:
        """What a new object has to be given besides its text."""
        return {}

    def text(self, kind: str, member: str, text: str) -> Doc:
        return {member: text} if member else {}

    def create(self, collection_id: str, text: str) -> str:
        kind, member = self.kinds[collection_id]
        return str(self.fake.identity(kind, self.fake.create(kind, **self.within(kind), **self.text(kind, member, text))))

    def seed(self, collections: Sequence[str], count: int = 7) -> dict[str, list[str]]:
        """So long ago that no overlap of windows reaches back to it."""
        made = super().seed(collections, count)
        self.advance(3 * DAY)
        return made

    def change(self, collection_id: str, upstream_id: str, text: str) -> None:
        kind, member = self.kinds[collection_id]
        if collection_id not in self.fixed:
            self.fake.change(kind, upstream_id, **self.text(kind, member, text))

    def delete(self, collection_id: str, upstream_id: str) -> None:
        self.fake.delete(self.kinds[collection_id][0], upstream_id)

    def state(self, collection_id: str) -> dict[str, Doc]:
        return self.fake.objects(self.kinds[collection_id][0])

    def advance(self, seconds: float) -> None:
        self.fake.clock.advance(seconds)

    def freeze(self) -> None:
        self.fake.clock.freeze()

    # -- requests

    def second(self, collection_id: str) -> int:
        # What changes is asked for its clock first, at the same address.
        return 2

    def cursor(self, page: Any, given: str | None) -> None:
        """Sets the place of the next page in a page; None: it must be left as it is."""

    def sent(self, asked: Asked) -> str | None:
        """The place that a request goes on from."""
        raise NotImplementedError

    def stuck(self, collection_id: str) -> Fault:
        def fault(asked: Asked, onward: Onward) -> Answer:
            reply, place = onward(asked), self.sent(asked)
            if place is None:
                return reply  # the first page leads to the second
            page = json.loads(reply.body)
            self.cursor(page, place)
            return replace(reply, body=json.dumps(page).encode())

        return fault

    def edited(self, collection_id: str, change: Any) -> Fault:
        def edit(body: bytes) -> bytes:
            whole = inner = json.loads(body)
            *above, last = self.place
            for step in above:
                inner = inner.get(step, {})
            if last in inner:  # a reply about something else passes as it is
                inner[last] = change(inner[last])
            return json.dumps(whole).encode()

        return edited(edit)


def fields(asked: Asked) -> Any:
    return json.loads(asked.body) if asked.body else {}
