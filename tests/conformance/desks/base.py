"""What the suite has to know about a vendor: a desk of his, at which it makes, changes and looks at objects.

A desk is all that a new provider adds to this suite: some facts, and how to start its fake, to make objects and to say no as that vendor does.
Every promise is then tried on it, by tests that know no vendor.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Self

from fakes.faults import Fault, FaultProxy, answers, edited

Doc = dict[str, Any]


class Desk(ABC):
    """One account at a running fake, and the fault proxy before it. `with`: starts and stops both."""

    provider: ClassVar[str]
    collections: ClassVar[tuple[str, ...]]  # all that the provider polls
    dear: ClassVar[tuple[str, ...]]  # those that the costly promises are tried on
    pages: ClassVar[Mapping[str, int]]  # parameter of the size of a page -> what the proxy makes of it
    incremental: ClassVar[frozenset[str]]  # collections whose changes come without reading all again
    deletable: ClassVar[tuple[str, ...]]  # collections whose deletions are found at the next poll
    swept: ClassVar[tuple[str, ...]] = ()  # those where a complete pass finds them
    fixed: ClassVar[frozenset[str]] = frozenset()  # collections whose objects never change
    number_ids: ClassVar[bool] = False  # ids are numbers
    ordered: ClassVar[bool] = True  # objects say when they were changed
    written: ClassVar[str]  # a collection that takes create and update
    refused: ClassVar[Doc]  # an object that the vendor will not create in it …
    words: ClassVar[str]  # … and what he says then
    unknown_id: ClassVar[str] = "4711"  # of no object in it
    believes_empty_pages: ClassVar[bool] = False  # an empty page with a cursor behind it says nothing of the end
    light: ClassVar[bool] = False  # shares its provider's code with other desks
    recognises: ClassVar[bool] = False  # a repeated create, by its key
    chained: ClassVar[bool] = False  # a page is complete, and committed, after further requests: the next one is asked for before that
    writes: ClassVar[str] = "*"  # pattern of the path that a create is posted to, where reading posts as well

    proxy: FaultProxy

    def __enter__(self) -> Self:
        self.start()
        self.proxy = self.proxied().start()
        self.proxy.cap(**self.pages)
        return self

    def __exit__(self, *_: object) -> None:
        self.proxy.stop()
        self.stop()

    # -- the fake

    def proxied(self) -> FaultProxy:
        """The proxy before it, not yet started."""
        return FaultProxy(self.url)

    @abstractmethod
    def start(self) -> None: ...

    @abstractmethod
    def stop(self) -> None: ...

    @property
    @abstractmethod
    def url(self) -> str:
        """Where the fake listens; the product is led to `proxy.url`."""

    @abstractmethod
    def credential(self) -> tuple[str, dict[str, str]]:
        """Kind and secret of a credential that works."""

    @abstractmethod
    def expire(self) -> None:
        """That credential works no more; the next one that `credential` answers will."""

    @property
    def base_url(self) -> str:
        """The address that a credential leads to."""
        return self.proxy.url

    # -- objects

    @abstractmethod
    def create(self, collection_id: str, text: str) -> str:
        """A new object with `text` in one of its fields; its upstream id."""

    @abstractmethod
    def change(self, collection_id: str, upstream_id: str, text: str) -> None:
        """Another text in that field."""

    @abstractmethod
    def delete(self, collection_id: str, upstream_id: str) -> None: ...

    @abstractmethod
    def state(self, collection_id: str) -> dict[str, Doc]:
        """What the vendor has now: upstream id -> the object as the provider reads it."""

    @abstractmethod
    def new(self, text: str) -> Doc:
        """What `create` of the collection `written` is given by a caller, and `change` too."""

    def settle(self) -> None:
        """Until the vendor shows what was just done, by his clock."""
        return

    @abstractmethod
    def advance(self, seconds: float) -> None:
        """His clock goes on."""

    def freeze(self) -> None:
        """His clock stands still: what follows has one timestamp."""
        return

    def id_members(self, collection_id: str, upstream_id: str) -> list[bytes]:
        """How the member that holds this id stands in replies, byte for byte, `"id": …`; each of the ways, if lists and others differ."""
        return [f'"id": {upstream_id if self.number_ids else json.dumps(upstream_id)}'.encode()]

    def named(self, collection_id: str, text: str) -> str:
        """The upstream id of an object whose id is `text` on the line."""
        return text

    def changed(self, text: str) -> Doc:
        """What an update of the collection `written` is given to put that text in."""
        return self.new(text)

    # -- requests

    @abstractmethod
    def path(self, collection_id: str) -> str:
        """Pattern of the paths that the collection is listed under."""

    def second(self, collection_id: str) -> int:
        """How many requests of `path` go before the one for the second page of the backfill."""
        return 1

    def changes_path(self, collection_id: str) -> str:
        """The same for what brings changes after the backfill."""
        return self.path(collection_id)

    def records_key(self, collection_id: str) -> str | None:
        """The member that holds the records of a list's page; None where the page is the list."""
        return "data"

    @abstractmethod
    def stuck(self, collection_id: str) -> Fault:
        """The list leads to the same page for ever: a next link to itself, or a cursor that is ignored."""

    # -- how this vendor says no

    @abstractmethod
    def limited(self, retry_after: str | None = None) -> Fault:
        """Too many requests, in the vendor's own style."""

    def limited_by_quota(self, seconds: int) -> Fault:
        """The account's budget is used up for so long, in the vendor's own style where that is another."""
        return self.limited(str(seconds))

    @abstractmethod
    def forbidden(self) -> Fault: ...

    @abstractmethod
    def bad_parameter(self) -> Fault: ...

    def failing(self, status: int = 503) -> Fault:
        return answers(status, json.dumps({"error": "the service is away"}))

    # -- for all

    def seed(self, collections: Sequence[str], count: int = 7) -> dict[str, list[str]]:
        """So many objects in each, settled; their ids."""
        made = {name: [self.create(name, f"{name} {number}") for number in range(count)] for name in collections}
        self.settle()
        return made

    def edited(self, collection_id: str, change: Callable[[list[Doc]], list[Doc]]) -> Fault:
        """The records of a page, changed as parsed JSON."""
        key = self.records_key(collection_id)

        def edit(body: bytes) -> bytes:
            page = json.loads(body)
            if key is None:
                return json.dumps(change(page)).encode()
            return json.dumps({**page, key: change(page[key])}).encode()

        return edited(edit)

    def asked(self, collection_id: str) -> int:
        """How often the list was asked for so far."""
        return sum(fnmatchcase(seen.path, self.path(collection_id)) for seen in self.proxy.requests)
