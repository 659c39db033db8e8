"""What a provider is: a vendor's ways as pure functions from values to values.

A provider builds requests and reads responses. It opens no socket, asks no clock, rolls no dice and keeps no state between calls: whatever
it has to remember is in the cursor, which the caller stores beside the data of the page that gave it. So any HTTP client can drive it, and
recorded bytes are all that a test needs.

The caller's part, for one sync:

    for each feed of `provider.feeds(collection_ids)`, in that order, unless it is done or a feed named in its `after` has no cursor yet:
        request = provider.request(feed, cursor, credential)        # cursor is None at the start
        page    = provider.read(feed, cursor, response)             # raises ProviderError
        found   = [provider.read_fetched(hint, response to provider.fetch(hint, credential)) for each hint of the page]
                  # a Partial among them: its changes, and its own hint in the same way
        commit page.changes, page.refused, what the hints gave, and page.cursor, in ONE transaction

Hints are answered before the cursor behind them is stored: a cursor stored first would lose them in a crash.

Where the ways of vendors have their place: a search window, a GraphQL end cursor and the state of a bulk job live in the feed's cursor,
and `Page.wait` is the pause until a job is asked about again; `Request.body` carries GraphQL; a window that must start again is
`Page.restart`; a list that can be read in several pieces at once is `Page.parts`; what only a complete pass finds is a feed of kind
`sweep`; throttles are `budget`, and `Request.limit` where one endpoint has its own; what a reply says of them is `signals`; a token that
ends is renewed by `renew`; one request for many writes is `batch_size`; collections that differ between accounts are found by `describe`.
How a person's consent becomes a credential is in `consent`, what a vendor sends by itself in `webhooks`, and the functions together are
the protocol in `protocol`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from urllib.parse import urlsplit

# A feed's position: any JSON object. Only the provider that wrote it looks inside; keep it small, it is stored with every page.
Cursor = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a collection's objects."""

    name: str  # the key in the object
    type: Literal["text", "integer", "number", "boolean", "time", "date", "object", "array", "any"]
    primary_key: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True)
class Collection:
    """One object type of a vendor."""

    collection_id: str  # provider:object, as `stripe:customer`
    description: str
    mutations: tuple[str, ...] = ()  # of create, update, upsert, delete: what the vendor takes
    fields: tuple[Field, ...] = ()  # as far as they are known without asking the account
    match_on: tuple[str, ...] = ()  # unique fields that an upsert may name
    if_match: bool = False  # whether the vendor can be told which version a write is meant for


@dataclass(frozen=True, slots=True)
class SecretField:
    """One value that a kind of credential consists of."""

    name: str  # the key in Credential.secret
    description: str  # what to paste, and where the vendor shows it
    optional: bool = False  # may be left out, as the refresh token of an app whose tokens do not end
    address: bool = False  # says where the others are sent


@dataclass(frozen=True, slots=True)
class Client:
    """An OAuth app at a vendor. `client_secret` never shows in a repr."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Renewed:
    """What a vendor answered to a renewal: the whole secret to be stored in place of the old one, in one step."""

    secret: Mapping[str, str] = field(repr=False)
    expires_in: float | None = None  # seconds; None where the vendor says nothing
    base_url: str | None = None  # where the account lives now; None: unchanged


@dataclass(frozen=True, slots=True)
class Credential:
    """What opens one account. `secret` never shows in a repr."""

    kind: str  # one of Provider.credential_kinds
    secret: Mapping[str, str] = field(repr=False)
    base_url: str | None = None  # in place of the vendor's own address
    client: Client | None = None  # of the OAuth app that it was obtained through
    expires_at: datetime | None = None  # aware; None: not known, or never
    now: datetime | None = None  # of a renewal: when it is asked for, which some vendors want signed. Aware, the database's clock


@dataclass(frozen=True, slots=True)
class Request:
    """One request to be sent. Headers and body stay out of the repr: they hold the secret."""

    method: str
    url: str  # absolute, without a query; of a file elsewhere as the vendor gave it
    params: tuple[tuple[str, str], ...] = ()  # the query, in order, not yet encoded
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    cost: float = 1.0  # in the unit of the vendor's budget; requests, unless it counts points
    # A file that the vendor's reply led to, wherever it is: it carries no secret of the account, and draws from no budget.
    elsewhere: bool = False
    # What the vendor counts by itself beside the budget of the account, as the requests to one endpoint.
    limit: Limit | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """A budget of a vendor: so many requests (or points) in any `seconds`, counted for the credential's account."""

    name: str  # distinct in a provider: requests name it no more than once
    allowed: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Signals:
    """What a reply says of the vendor's budget. None: nothing."""

    wait: float | None = None  # seconds in which nothing should be asked
    remaining: float | None = None  # what is left of the budget …
    resets_in: float | None = None  # … until so many seconds from now
    restore_rate: float | None = None  # … or what comes back each second, where the budget refills steadily


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
    every poll until a page says `more=False`. A sweep lists everything that exists, again and again: what was there before a complete pass
    and did not come up in it is gone. A pass begins with cursor None, ends with a page that is `done`, and begins anew after `every`.
    """

    name: str  # unique in a sync and stable between releases: cursors are stored under it. No "/": parts are stored under name/part
    kind: Literal["backfill", "changes", "sweep"]
    collection_ids: tuple[str, ...]  # that its pages may speak of
    after: tuple[str, ...] = ()  # feeds that must have a committed cursor before the first request of this one
    every: timedelta | None = None  # of a sweep: the least time from the beginning of one pass to the beginning of the next
    since: datetime | None = (
        None  # objects that were created earlier are not wanted (max_age_days); the caller drops what comes all the same
    )


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
    held: bytes | None = field(default=None, repr=False)  # the provider's own note of what earlier replies brought, where one is not enough


@dataclass(frozen=True, slots=True)
class Partial:
    """A reply to `fetch` that is not the whole answer: `changes` count already, and `hint` is to be fetched next, until it is None."""

    hint: Hint | None
    changes: tuple[Change | Refused, ...] = ()


@dataclass(frozen=True, slots=True)
class Write:
    """One object to be written at the vendor."""

    kind: str  # create, update, upsert, delete
    collection_id: str
    upstream_id: str | None  # None for a create
    data: bytes | None = field(repr=False)  # JSON text: the object of a create, what an update changes; None for a delete
    key: str  # what the vendor is told to recognise a repetition by; unique, the same for every attempt
    match_on: str | None = None  # of an upsert: the unique field to find the object by
    if_match: str | None = None  # the vendor's own version (time or tag) that the object must still have; Conflict if it has another


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
class Part:
    """A piece of a backfill that can be read beside its other pieces."""

    name: str  # unique in its feed and stable: its cursor is stored under feed/name
    cursor: Cursor


@dataclass(frozen=True, slots=True)
class Described:
    """Collections that this account has, from one reply. `cursor`: where to go on, None at the end."""

    collections: tuple[Collection, ...]
    cursor: Cursor | None = None


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
    wait: float | None = None  # seconds until this feed is to be asked again (a job that is not ready yet)
    # The rest of a backfill, in pieces that are read side by side, each like a feed of its own (`request(feed, part's cursor, …)`) to a
    # page that is `done`. Stored with this page, which is not `done`; the feed is once all its parts are.
    parts: tuple[Part, ...] = ()
    total: int | None = None  # how many objects this feed has in all, where the vendor says so


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
