"""What a provider is: a vendor's ways as pure functions from values to values.

A provider builds requests and reads responses. It opens no socket, asks no clock, rolls no dice and keeps no state between calls: whatever
it has to remember is in the cursor, which the caller stores beside the data of the page that gave it. So any HTTP client can drive it, and
recorded bytes are all that a test needs.

The caller's part, for one sync:

    for each feed of `provider.feeds(collection_ids)`, in that order, unless it is done or a feed named in its `after` has no cursor yet:
        request = provider.request(feed, cursor, credential)        # cursor is None at the start
        page    = provider.read(feed, cursor, response)             # raises ProviderError
        found   = [provider.read_fetched(hint, response to provider.fetch(hint, credential)) for each hint of the page]
        commit page.changes, page.refused, what the hints gave, and page.cursor, in ONE transaction

Hints are answered before the cursor behind them is stored: a cursor stored first would lose them in a crash.

Room for what other vendors need, without a new word here: a search window, a GraphQL end cursor and the state of a bulk job all live in
the feed's cursor; `Request.body` carries GraphQL; a window that must start again is `Page.restart`. What is not here yet (a pause before
the next request, a token to be renewed) becomes a field with a default, so that no existing provider changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, Literal, Protocol
from urllib.parse import urlsplit

# A feed's position: any JSON object. Only the provider that wrote it looks inside; keep it small, it is stored with every page.
Cursor = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Collection:
    """One object type of a vendor."""

    collection_id: str  # provider:object, as `stripe:customer`
    description: str


@dataclass(frozen=True, slots=True)
class SecretField:
    """One value that a kind of credential consists of."""

    name: str  # the key in Credential.secret
    description: str  # what to paste, and where the vendor shows it


@dataclass(frozen=True, slots=True)
class Credential:
    """What opens one account. `secret` never shows in a repr."""

    kind: str  # one of Provider.credential_kinds
    secret: Mapping[str, str] = field(repr=False)
    base_url: str | None = None  # in place of the vendor's own address


@dataclass(frozen=True, slots=True)
class Request:
    """One request to be sent. Headers and body stay out of the repr: they hold the secret."""

    method: str
    url: str  # absolute, without a query
    params: tuple[tuple[str, str], ...] = ()  # the query, in order, not yet encoded
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """One complete reply, its body already decoded from gzip and the like."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes = field(repr=False)
    url: str  # that was asked for
    received_at: datetime  # the caller's clock, aware; used only where the vendor's Date header is missing


@dataclass(frozen=True, slots=True)
class Feed:
    """One sequence of pages with a cursor of its own.

    A backfill lists what exists and ends: once a page of it is done, it is not asked again. A feed of changes never ends: it is asked at
    every poll until a page says `more=False`.
    """

    name: str  # unique in a sync and stable between releases: cursors are stored under it
    kind: Literal["backfill", "changes"]
    collection_ids: tuple[str, ...]  # that its pages may speak of
    after: tuple[str, ...] = ()  # feeds that must have a committed cursor before the first request of this one


@dataclass(frozen=True, slots=True)
class Change:
    """The state of one object as the vendor gave it, or (`deleted`) that it is gone."""

    collection_id: str
    upstream_id: str
    raw: bytes | None  # the vendor's bytes of that object, unparsed: valid UTF-8 and valid JSON. None: gone, keep the last known data
    upstream_created_at: datetime | None = None  # aware
    upstream_updated_at: datetime | None = None  # aware; None where the vendor keeps no such time
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Hint:
    """Word that this object may have changed: fetch it."""

    collection_id: str
    upstream_id: str


@dataclass(frozen=True, slots=True)
class Write:
    """One object to be written at the vendor."""

    kind: str  # create, update, delete
    collection_id: str
    upstream_id: str | None  # None for a create
    data: bytes | None = field(repr=False)  # JSON text: the object of a create, what an update changes; None for a delete
    key: str  # what the vendor is told to recognise a repetition by; unique, the same for every attempt


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a write. `change`: the object as it is now, None where the answer lacks it: fetch it then."""

    upstream_id: str
    change: Change | None


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that is no sound JSON object with an id: for the quarantine."""

    collection_id: str
    upstream_id: str | None  # None where none could be read
    raw: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Page:
    """What one reply said, and where its feed goes on."""

    cursor: Cursor
    done: bool  # this feed is complete and is not asked again
    more: bool  # another request of this feed has something to bring now
    changes: tuple[Change, ...] = ()
    hints: tuple[Hint, ...] = ()  # distinct
    refused: tuple[Refused, ...] = ()
    # Feeds that must be read again from their start: cursor None, done False. The caller resets them BEFORE it commits this page's cursor,
    # or in the same transaction, so that a crash in between repeats the restart instead of losing it.
    restart: tuple[str, ...] = ()
    notice: str | None = None  # something that a person should know, in a sentence; not an error


class Provider(Protocol):
    """One kind of API: four facts, and functions that depend on nothing but their arguments."""

    @property
    def name(self) -> str: ...

    @property
    def collections(self) -> Mapping[str, Collection]: ...

    @property
    def free_form(self) -> bool:
        """Whether any collection_id will do: `collections` is empty, and the caller feeds the records."""
        ...

    @property
    def credential_kinds(self) -> Mapping[str, tuple[SecretField, ...]]:
        """The kinds of credential and the values each consists of. Empty: none is needed."""
        ...

    def feeds(self, collection_ids: Sequence[str] | None) -> tuple[Feed, ...]:
        """The feeds of a sync with these collections (None: all), in the order to start them. Raises UnknownCollection."""
        ...

    def request(self, feed: Feed, cursor: Cursor | None, credential: Credential) -> Request:
        """The next request of a feed. `cursor` is what its last page gave, None at the start or after a restart."""
        ...

    def read(self, feed: Feed, cursor: Cursor | None, response: Response) -> Page:
        """What the reply to `request(feed, cursor, …)` says. Raises ProviderError; then nothing of the reply counts."""
        ...

    def fetch(self, hint: Hint, credential: Credential) -> Request:
        """The request for one object."""
        ...

    def read_fetched(self, hint: Hint, response: Response) -> Change | Refused:
        """What the reply to `fetch(hint, …)` says; a Change with `deleted` where the object is gone. Raises ProviderError."""
        ...

    @property
    def key_window(self) -> timedelta | None:
        """How long after the first attempt a write may be repeated with the same key and not be done twice. None: not at all."""
        ...

    def write(self, write: Write, credential: Credential) -> Request:
        """The request for a write. Raises NotPolled, UnknownCollection, and Refused4xx for what cannot be said to the vendor."""
        ...

    def read_written(self, write: Write, response: Response) -> Written:
        """What the reply to `write(write, …)` says. Raises ProviderError: Refused4xx, with the vendor's own error in `details`, if the
        vendor will not do it; Missing if there is no such object; RateLimited if it was not done for now. After any other one it may
        have been done."""
        ...

    def seal_check(self, kind: str, secret: Mapping[str, str]) -> None:
        """Raise Malformed if this cannot be a secret of that kind, before it is sealed. Never repeats the secret."""
        ...


BASE_URL: Final = "an address like https://api.example.com, without a login or a query"


def is_base_url(value: str) -> bool:
    """Whether it is one (`BASE_URL` in words) that a credential may lead to in place of the vendor's own."""
    try:
        parts = urlsplit(value)
        return bool(
            parts.scheme in {"http", "https"}
            and parts.hostname
            and parts.port != 0
            and not (parts.username or parts.query or parts.fragment)
        )
    except ValueError:
        return False


class ProviderError(Exception):
    """A vendor's answer that cannot be used, in the one error shape.

    `retryable`: asking again soon, with backoff, may help. Otherwise a person has to do something first (or the vendor has): ask rarely.
    `sent`: the vendor may have acted on the request; False where it certainly got none.
    """

    code: ClassVar[str]
    retryable: bool = False
    sent: bool = True

    def __init__(self, message: str, *, details: str | None = None, hint: str | None = None, retryable: bool | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = details
        self.hint = hint
        if retryable is not None:
            self.retryable = retryable

    def as_dict(self) -> dict[str, str | None]:
        return {"code": self.code, "message": self.message, "details": self.details, "hint": self.hint}


class UnknownProvider(ProviderError):
    """No provider of that name."""

    code = "SL105"


class UnknownCollection(ProviderError):
    """The provider has no such collection."""

    code = "SL106"


class NotPolled(ProviderError):
    """The provider has no vendor to ask: its records come from the caller."""

    code = "SL004"


class Unauthorized(ProviderError):
    """The vendor refused the credential."""

    code = "SL201"


class Forbidden(ProviderError):
    """The credential is valid but lacks the right."""

    code = "SL202"


class Refused4xx(ProviderError):
    """The vendor refused the request itself."""

    code = "SL203"


class Missing(Refused4xx):
    """The vendor has no object of that id."""


class Unreadable(ProviderError):
    """Something else came than the promised shape: HTML, an empty or cut body, an error under status 200."""

    code = "SL204"
    retryable = True


class Unavailable(ProviderError):
    """The vendor is down or failing."""

    code = "SL205"
    retryable = True


class RateLimited(ProviderError):
    """The vendor asks for a pause. `retry_after` in seconds, None where it named none."""

    code = "SL206"
    retryable = True

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        details: str | None = None,
        hint: str | None = None,
        retryable: bool | None = None,
    ) -> None:
        super().__init__(message, details=details, hint=hint, retryable=retryable)
        self.retry_after = retry_after


class ListBroken(ProviderError):
    """The vendor's list does not get on: a page came twice, or says there is more and brings nothing.

    The stored cursor leads into the same trap again. `cursor`, where given, is the feed's position at the start of that list: the caller
    commits it (with no records) before it reports the error, so that the next attempt reads the list anew.
    """

    code = "SL207"

    def __init__(
        self,
        message: str,
        *,
        cursor: Cursor | None = None,
        details: str | None = None,
        hint: str | None = None,
        retryable: bool | None = None,
    ) -> None:
        super().__init__(message, details=details, hint=hint, retryable=retryable)
        self.cursor = cursor


class Malformed(ProviderError):
    """The credential cannot be one of its kind."""

    code = "SL208"
