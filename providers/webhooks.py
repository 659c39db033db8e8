"""What a vendor sends by itself: never believed beyond "this object may have changed" or "this is a newer version of it"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from pgsluice.providers.base import Change, Cursor, Hint


@dataclass(frozen=True, slots=True)
class Webhooks:
    """How a vendor signs what it sends."""

    # Whose secret it is: of the subscription (given once, when it is made), or the client secret of the OAuth app.
    secret: Literal["subscription", "client"]
    description: str  # where a person sets it up and finds the secret
    registers: bool = False  # whether `subscribe` does that
    chosen: bool = False  # a secret of the subscription is one that we choose; `subscribe` tells it to the vendor


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request that came to `POST /webhooks/{sync_id}`, from whomever."""

    method: str
    url: str  # as the sender wrote it: the public address with its query
    headers: Mapping[str, str] = field(repr=False)  # names in lower case
    body: bytes = field(repr=False)  # as it came
    received_at: datetime  # aware
    account: str | None = None  # the sync's account at the vendor, where it is known


@dataclass(frozen=True, slots=True)
class Received:
    """What a genuine delivery says."""

    delivery_id: str | None = None  # the vendor's own, the same when it is sent again; None: the digest of the body stands for it
    changes: tuple[Change, ...] = ()  # stored only as newer versions: each with upstream_updated_at
    hints: tuple[Hint, ...] = ()
    answer: bytes | None = None  # what the vendor wants to hear back, in a handshake
    look: bool = False  # something changed, and it is not said what: the sync is due
    ended: str | None = None  # a sentence: the vendor says that the access has ended (the app was uninstalled)


@dataclass(frozen=True, slots=True)
class Subscription:
    """What the vendor is to do: to send word of these collections (None: all; empty: of nothing any more) to `address`. `secret`: the one
    that is stored."""

    address: str
    collection_ids: Sequence[str] | None = None
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Subscribed:
    """One step of setting up subscriptions. `cursor`: where `subscribe` goes on; None: all is as it should be."""

    cursor: Cursor | None = None
    # To be stored at once in place of the one that was handed in: the signing secret, where the vendor shows it only now.
    secret: str | None = field(default=None, repr=False)
    anew: bool = False  # the vendor had no subscription; if there was one before, it was dropped
    notice: str | None = None  # what a person should know, as that the vendor had dropped a subscription
