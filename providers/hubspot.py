"""HubSpot: the CRM's objects, standard and custom. https://developers.hubspot.com/docs/api-reference/latest/overview

Each type is listed once, to its end (`hubspot_lists`), and its changes are searched for from before that first list on (`hubspot_search`);
what was archived is read from the list of archived objects, and what nothing announces is found by a daily sweep. Owners, of whom there is
no search, are listed again every hour. What a list or a search shows is completed before it is stored (`hubspot_objects`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from pgsluice.providers import (
    hubspot_auth,
    hubspot_describe,
    hubspot_errors,
    hubspot_hooks,
    hubspot_lists,
    hubspot_objects,
    hubspot_search,
    hubspot_writes,
)
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
from pgsluice.providers.errors import ProviderError
from pgsluice.providers.hubspot_types import COLLECTIONS, FORM, OWNER, source_of
from pgsluice.providers.protocol import Plain
from pgsluice.providers.webhooks import Delivery, Received, Webhooks

# Behind the collection, in the name of a feed.
SEARCH: Final = ".changes"
ARCHIVED: Final = ".archived"
SWEEP: Final = ".sweep"
SWEEP_EVERY: Final = timedelta(days=1)
OWNERS_EVERY: Final = timedelta(hours=1)
UPSERTS: Final = timedelta(days=1)


class HubSpot(Plain):
    """Lists by id, changes by search, several objects a request."""

    name: Final = "hubspot"
    collections: Mapping[str, Collection] = COLLECTIONS
    free_form: Final = False
    open_form: Final = FORM
    credential_kinds: Mapping[str, tuple[SecretField, ...]] = hubspot_auth.KINDS
    key_window: Final[timedelta | None] = None  # HubSpot recognises no repetition …

    # ------------------------------------------------------------ reading

    def feeds(self, collection_ids: Sequence[str] | None, since: datetime | None = None) -> tuple[Feed, ...]:
        chosen = tuple(COLLECTIONS) if collection_ids is None else tuple(dict.fromkeys(collection_ids))
        changes, lists, sweeps = [], [], []
        for collection_id in chosen:
            source_of(collection_id)
            own = (collection_id,)
            before: tuple[str, ...] = ()
            if collection_id != OWNER:
                before = (f"{collection_id}{SEARCH}", f"{collection_id}{ARCHIVED}")
                changes += [Feed(name, "changes", own, since=since) for name in before]
            every = OWNERS_EVERY if collection_id == OWNER else SWEEP_EVERY
            lists.append(Feed(collection_id, "backfill", own, after=before, since=since))
            sweeps.append(Feed(f"{collection_id}{SWEEP}", "sweep", own, after=(collection_id,), every=every, since=since))
        return (*changes, *lists, *sweeps)

    def request(self, feed: Feed, cursor: Cursor | None, credential: Credential) -> Request:
        if feed.kind != "changes":
            return _request(credential, hubspot_lists.call(feed, cursor))
        if feed.name.endswith(ARCHIVED):
            return _request(credential, hubspot_lists.archived_call(feed, cursor))
        return _request(credential, hubspot_search.call(feed, cursor), hubspot_auth.search_cost(credential))

    def read(self, feed: Feed, cursor: Cursor | None, response: Response) -> Page:
        if feed.kind != "changes":
            return hubspot_lists.read(feed, cursor, response)
        read = hubspot_lists.read_archived if feed.name.endswith(ARCHIVED) else hubspot_search.read
        return read(feed, cursor, response)

    def fetch(self, hint: Hint, credential: Credential) -> Request:
        return _request(credential, hubspot_objects.call(hint))

    def read_fetched(self, hint: Hint, response: Response) -> Change | Refused | Partial:
        return hubspot_objects.read(hint, response)

    # ------------------------------------------------------------ writing

    def key_window_of(self, kind: str, collection_id: str) -> timedelta | None:  # noqa: ARG002 (the protocol's)
        # … but what is found by a unique property is not made twice.
        return UPSERTS if kind == "upsert" else None

    def batch_size(self, kind: str, collection_id: str) -> int:  # noqa: ARG002
        return hubspot_writes.BATCH

    def write(self, writes: Sequence[Write], credential: Credential) -> Request:
        return _request(credential, hubspot_writes.call(writes))

    def read_written(self, writes: Sequence[Write], response: Response) -> tuple[Written | ProviderError, ...]:
        return hubspot_writes.read(writes, response)

    # ------------------------------------------------------------ the account

    def budget(self, credential: Credential) -> tuple[Limit, ...]:
        return hubspot_auth.budget(credential)

    def signals(self, response: Response) -> Signals | None:
        return hubspot_errors.signals(response)

    def describe(self, cursor: Cursor | None, credential: Credential) -> Request | None:
        return _request(credential, hubspot_describe.call(cursor))

    def read_described(self, cursor: Cursor | None, response: Response) -> Described:
        return hubspot_describe.read(cursor, response)

    def seal_check(self, kind: str, secret: Mapping[str, str]) -> None:
        hubspot_auth.seal_check(kind, secret)

    # ------------------------------------------------------------ consent

    @property
    def consents(self) -> Mapping[str, Consent]:
        return {hubspot_auth.OAUTH: hubspot_auth.CONSENT}

    def authorize(self, signin: Signin) -> str:
        return hubspot_auth.authorize(signin)

    def exchange(self, signin: Signin, answer: Mapping[str, str]) -> Request:
        return hubspot_auth.exchange(signin, answer)

    def read_exchanged(self, signin: Signin, answer: Mapping[str, str], response: Response) -> Granted:  # noqa: ARG002
        return hubspot_auth.read_exchanged(response)

    def identify(self, credential: Credential) -> Request | None:
        return hubspot_auth.identify(credential)

    def read_identified(self, response: Response) -> str:
        return hubspot_auth.read_identified(response)

    def renew(self, credential: Credential) -> Request | None:
        return hubspot_auth.renew(credential)

    def read_renewed(self, credential: Credential, response: Response) -> Renewed:
        return hubspot_auth.read_renewed(credential, response)

    # ------------------------------------------------------------ webhooks

    @property
    def webhooks(self) -> Webhooks | None:
        return hubspot_hooks.WEBHOOKS

    def receive(self, delivery: Delivery, secrets: Sequence[str]) -> Received:
        return hubspot_hooks.receive(delivery, secrets)


def _request(credential: Credential, call: hubspot_objects.Call, cost: float = 1.0) -> Request:
    base = (credential.base_url or hubspot_auth.BASE_URL).rstrip("/")
    headers = hubspot_auth.headers(credential)
    if call.body is not None:
        headers["Content-Type"] = "application/json"
    return Request(call.method, f"{base}/{call.path}", call.params, headers, call.body, cost)
