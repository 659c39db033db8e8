"""The functions that make up a provider (`base` has the values they speak in), and the answers of a vendor without peculiarities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from pgsluice.providers.base import (
    Change,
    Collection,
    Credential,
    Cursor,
    Described,
    Feed,
    Hint,
    Limit,
    Page,
    Partial,
    Refused,
    Renewed,
    Request,
    Response,
    SecretField,
    Signals,
    Write,
    Written,
)
from pgsluice.providers.consent import Consent, Granted, Signin
from pgsluice.providers.errors import NotPolled, ProviderError
from pgsluice.providers.webhooks import Delivery, Received, Subscribed, Subscription, Webhooks


class Plain:
    """The answers of a vendor with one object a request, tokens that do not end, and the same collections for everybody."""

    @property
    def open_form(self) -> str | None:
        return None

    @property
    def key_window(self) -> timedelta | None:
        return None

    def key_window_of(self, kind: str, collection_id: str) -> timedelta | None:  # noqa: ARG002 (the protocol's)
        return self.key_window

    def batch_size(self, kind: str, collection_id: str) -> int:  # noqa: ARG002
        return 1

    def together(self, write: Write) -> str:  # noqa: ARG002
        return ""

    def budget(self, credential: Credential) -> tuple[Limit, ...]:  # noqa: ARG002
        return ()

    def signals(self, response: Response) -> Signals | None:  # noqa: ARG002
        return None

    def renew(self, credential: Credential) -> Request | None:  # noqa: ARG002
        return None

    def read_renewed(self, credential: Credential, response: Response) -> Renewed:  # noqa: ARG002
        raise NotPolled("this credential has nothing to renew")

    def describe(self, cursor: Cursor | None, credential: Credential) -> Request | None:  # noqa: ARG002
        return None

    def read_described(self, cursor: Cursor | None, response: Response) -> Described:  # noqa: ARG002
        raise NotPolled("this provider has the same collections for every account")

    @property
    def consents(self) -> Mapping[str, Consent]:
        return {}

    def authorize(self, signin: Signin) -> str:  # noqa: ARG002
        raise NotPolled("this provider's credentials are not obtained by signing in")

    def exchange(self, signin: Signin, answer: Mapping[str, str]) -> Request:  # noqa: ARG002
        raise NotPolled("this provider's credentials are not obtained by signing in")

    def read_exchanged(self, signin: Signin, answer: Mapping[str, str], response: Response) -> Granted:  # noqa: ARG002
        raise NotPolled("this provider's credentials are not obtained by signing in")

    def identify(self, credential: Credential) -> Request | None:  # noqa: ARG002
        return None

    def read_identified(self, response: Response) -> str:  # noqa: ARG002
        raise NotPolled("this provider does not ask which account a credential opens")

    @property
    def webhooks(self) -> Webhooks | None:
        return None

    def receive(self, delivery: Delivery, secrets: Sequence[str]) -> Received:  # noqa: ARG002
        raise NotPolled("this vendor sends no webhooks")

    def subscribe(
        self,
        cursor: Cursor | None,  # noqa: ARG002
        address: str,  # noqa: ARG002
        collection_ids: Sequence[str] | None,  # noqa: ARG002
        credential: Credential,  # noqa: ARG002
        secret: str | None = None,  # noqa: ARG002
    ) -> Request | None:
        return None

    def read_subscribed(self, cursor: Cursor | None, response: Response, wanted: Subscription | None = None) -> Subscribed:  # noqa: ARG002
        raise NotPolled("this vendor's webhooks are set up by hand")


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
    def open_form(self) -> str | None:
        """Where accounts have collections of their own: the form of all ids, a regular expression that Python and Postgres read alike.

        `feeds`, `fetch` and `write` then take any id of that form, and what the account does not have the vendor refuses. None: there are
        only those of `collections`.
        """
        ...

    @property
    def credential_kinds(self) -> Mapping[str, tuple[SecretField, ...]]:
        """The kinds of credential and the values each consists of. Empty: none is needed."""
        ...

    def feeds(self, collection_ids: Sequence[str] | None, since: datetime | None = None) -> tuple[Feed, ...]:
        """The feeds of a sync with these collections (None: all), in the order to start them. `since`: as Feed.since.

        Raises UnknownCollection.
        """
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

    def read_fetched(self, hint: Hint, response: Response) -> Change | Refused | Partial:
        """What the reply to `fetch(hint, …)` says; a Change with `deleted` where the object is gone; Partial where it takes more replies.

        Raises ProviderError.
        """
        ...

    @property
    def key_window(self) -> timedelta | None:
        """How long after the first attempt a write may be repeated with the same key and not be done twice. None: not at all."""
        ...

    def key_window_of(self, kind: str, collection_id: str) -> timedelta | None:
        """The same of one kind of write to one collection, where the vendor's ways differ."""
        ...

    def batch_size(self, kind: str, collection_id: str) -> int:
        """How many writes of that kind one request may carry."""
        ...

    def together(self, write: Write) -> str:
        """What the writes of one request must have in common besides kind and collection, as the list that they belong to."""
        ...

    def write(self, writes: Sequence[Write], credential: Credential) -> Request:
        """The request for writes of one kind to one collection, at most `batch_size` of them, each to another object, all `together`.

        Raises NotPolled, UnknownCollection, and Refused4xx for what cannot be said to the vendor.
        """
        ...

    def read_written(self, writes: Sequence[Write], response: Response) -> tuple[Written | ProviderError, ...]:
        """What the reply to `write(writes, …)` says of each, in their order. Raises ProviderError if it speaks of all alike.

        Refused4xx, with the vendor's own error in `details`, if the vendor will not do it; Missing if there is no such object; Conflict if
        it is not the version that was wanted; RateLimited if it was not done for now. After any other one it may have been done.
        """
        ...

    def budget(self, credential: Credential) -> tuple[Limit, ...]:
        """What the vendor allows this credential; each request draws its `cost` from all of them. Empty: nothing is known."""
        ...

    def signals(self, response: Response) -> Signals | None:
        """What any reply, good or bad, says of the vendor's budget."""
        ...

    def renew(self, credential: Credential) -> Request | None:
        """The request that brings a new token for one that has ended or soon will; None where there is nothing to renew.

        `credential.now` is set.
        """
        ...

    def read_renewed(self, credential: Credential, response: Response) -> Renewed:
        """What the reply to `renew(credential)` says. Raises ProviderError: Unauthorized if the grant is gone, so that a person
        has to consent again."""
        ...

    def describe(self, cursor: Cursor | None, credential: Credential) -> Request | None:
        """The request for the collections and fields that this account has; None where `collections` is all there is to know."""
        ...

    def read_described(self, cursor: Cursor | None, response: Response) -> Described:
        """What the reply to `describe(cursor, …)` says. Raises ProviderError."""
        ...

    def seal_check(self, kind: str, secret: Mapping[str, str]) -> None:
        """Raise Malformed if this cannot be a secret of that kind, before it is sealed. Never repeats the secret."""
        ...

    # ------------------------------------------------------------ consent

    @property
    def consents(self) -> Mapping[str, Consent]:
        """The kinds of credential that a person's consent brings. Empty: none."""
        ...

    def authorize(self, signin: Signin) -> str:
        """The vendor's page to send the person to, with its query. Raises Malformed for `values` that cannot be."""
        ...

    def exchange(self, signin: Signin, answer: Mapping[str, str]) -> Request:
        """The request that turns the code in `answer` (the query of the callback, `state` already compared) into tokens.

        Raises Forged for an answer that the vendor did not sign, where it signs them.
        """
        ...

    def read_exchanged(self, signin: Signin, answer: Mapping[str, str], response: Response) -> Granted:
        """What the reply to `exchange(signin, answer)` says. Raises ProviderError: Refused4xx for a code that is used up or too old."""
        ...

    def identify(self, credential: Credential) -> Request | None:
        """The request that tells which account a new credential opens; None where `read_exchanged` knows it, or nobody does."""
        ...

    def read_identified(self, response: Response) -> str:
        """The account, as in `Granted.account`, that the reply to `identify(…)` names. Raises ProviderError."""
        ...

    # ------------------------------------------------------------ webhooks

    @property
    def webhooks(self) -> Webhooks | None:
        """How the vendor sends word by itself; None where it does not, or not signed."""
        ...

    def receive(self, delivery: Delivery, secrets: Sequence[str]) -> Received:
        """What a delivery says, once it is certain that it was made with one of `secrets`, and lately.

        Raises Forged if not, Unreadable if a genuine one is not what the vendor documents.
        """
        ...

    def subscribe(
        self,
        cursor: Cursor | None,
        address: str,
        collection_ids: Sequence[str] | None,
        credential: Credential,
        secret: str | None = None,
    ) -> Request | None:
        """The next request that sees to it that the vendor sends word of these collections (None: all) to `address`; of none, that it
        sends nothing there any more, and that no subscription is left.

        First it looks at what is there, so that to call it again is silent. None where the vendor's side is set up by hand, and where
        nothing is left to do. `secret`: the one that is stored (`Webhooks.chosen`: that the vendor is to sign with).
        """
        ...

    def read_subscribed(self, cursor: Cursor | None, response: Response, wanted: Subscription | None = None) -> Subscribed:
        """What the reply to `subscribe(cursor, …)` says; `wanted`: what that was asked for. Raises ProviderError."""
        ...
