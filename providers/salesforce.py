"""Salesforce: any object of an organization, its own ones too. https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest

A sync lists each object once, to its end (`salesforce_lists`; a large one by Bulk API 2.0), and asks from before that on what was changed
or deleted (`salesforce_changes`). Once a week the list is read again, for what left no trace: records that were deleted for good, and
formulas. There are no webhooks: Salesforce has none that are signed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote

from pgsluice.providers import (
    rawjson,
    replies,
    salesforce_changes,
    salesforce_describe,
    salesforce_lists,
    salesforce_oauth,
    salesforce_writes,
)
from pgsluice.providers.base import (
    Change,
    Collection,
    Credential,
    Cursor,
    Described,
    Feed,
    Hint,
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
from pgsluice.providers.protocol import Plain
from pgsluice.providers.salesforce_errors import VENDOR, code_of, error_of
from pgsluice.providers.salesforce_objects import COLLECTIONS, FORM, SWEEP, long_id, object_of
from pgsluice.providers.salesforce_records import read_record, without_compounds
from pgsluice.providers.salesforce_soql import ROOT, Ask, describe

CHANGES: Final = ".changes"  # behind the collection, in the name of a feed
SWEPT: Final = ".sweep"
DAY: Final = 86_400.0
REPEATED: Final = timedelta(hours=12)


class Salesforce(Plain):
    """Lists by id or by bulk jobs, changes by their stamp, single records by id."""

    name: Final = "salesforce"
    collections: Mapping[str, Collection] = COLLECTIONS
    free_form: Final = False
    credential_kinds: Mapping[str, tuple[SecretField, ...]] = salesforce_oauth.KINDS

    @property
    def open_form(self) -> str | None:
        return FORM

    # ------------------------------------------------------------ reading

    def feeds(self, collection_ids: Sequence[str] | None, since: datetime | None = None) -> tuple[Feed, ...]:
        chosen = tuple(COLLECTIONS) if collection_ids is None else tuple(dict.fromkeys(collection_ids))
        for collection_id in chosen:
            object_of(collection_id)
        changes = [Feed(f"{name}{CHANGES}", "changes", (name,), since=since) for name in chosen]
        lists = [Feed(name, "backfill", (name,), after=(f"{name}{CHANGES}",), since=since) for name in chosen]
        sweeps = [Feed(f"{name}{SWEPT}", "sweep", (name,), after=(name,), every=SWEEP, since=since) for name in chosen]
        return (*changes, *lists, *sweeps)

    def request(self, feed: Feed, cursor: Cursor | None, credential: Credential) -> Request:
        source = salesforce_changes if feed.kind == "changes" else salesforce_lists
        return _request(credential, source.ask(feed, cursor))

    def read(self, feed: Feed, cursor: Cursor | None, response: Response) -> Page:
        if feed.kind == "changes":
            return salesforce_changes.read(feed, cursor, response)
        return salesforce_lists.read(feed, cursor, response)

    def fetch(self, hint: Hint, credential: Credential) -> Request:
        # Whatever an id looks like, it is one step of the path: dots alone would lead elsewhere.
        step = quote(long_id(hint.upstream_id), safe="").replace(".", "%2E")
        return _request(credential, Ask("GET", f"{ROOT}/sobjects/{object_of(hint.collection_id)}/{step}"))

    def read_fetched(self, hint: Hint, response: Response) -> Change | Refused | Partial:
        if response.status == 404 and code_of(response) in {"NOT_FOUND", "ENTITY_IS_DELETED"}:
            return Change(hint.collection_id, hint.upstream_id, raw=None, deleted=True)
        if response.status != 200:
            raise error_of(response)
        record = read_record(hint.collection_id, without_compounds(response.body.removeprefix(rawjson.BOM).strip()))
        if record.upstream_id != long_id(hint.upstream_id):
            raise replies.unreadable(response, VENDOR, "it is another record than the one asked for")
        return record

    # ------------------------------------------------------------ writing

    def key_window_of(self, kind: str, collection_id: str) -> timedelta | None:  # noqa: ARG002 (the protocol's)
        """A repeated create is a second record. An upsert finds what it made, and a deletion finds nothing."""
        return REPEATED if kind in {"upsert", "delete"} else None

    def batch_size(self, kind: str, collection_id: str) -> int:  # noqa: ARG002 (the protocol's)
        return salesforce_writes.AT_ONCE

    def write(self, writes: Sequence[Write], credential: Credential) -> Request:
        return _request(credential, salesforce_writes.said(writes))

    def read_written(self, writes: Sequence[Write], response: Response) -> tuple[Written | ProviderError, ...]:
        return salesforce_writes.read_written(writes, response)

    # ------------------------------------------------------------ the account

    def signals(self, response: Response) -> Signals | None:
        """https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/headers_api_usage.htm: api-usage=18/5000 of 24 h."""
        usage = response.headers.get("sforce-limit-info", "").partition("api-usage=")[2].partition(";")[0].partition(",")[0]
        used, _, most = usage.strip().partition("/")
        if not (used.isdecimal() and most.isdecimal() and int(most) > 0):
            return None
        # What was used a day ago comes back all along.
        return Signals(remaining=float(max(int(most) - int(used), 0)), restore_rate=int(most) / DAY)

    def renew(self, credential: Credential) -> Request | None:
        return salesforce_oauth.renew(credential)

    def read_renewed(self, credential: Credential, response: Response) -> Renewed:
        return salesforce_oauth.read_renewed(credential, response)

    def describe(self, cursor: Cursor | None, credential: Credential) -> Request | None:
        return _request(credential, Ask("GET", f"{ROOT}/sobjects") if cursor is None else describe(cursor["names"][0]))

    def read_described(self, cursor: Cursor | None, response: Response) -> Described:
        return salesforce_describe.read_described(cursor, response)

    def seal_check(self, kind: str, secret: Mapping[str, str]) -> None:
        salesforce_oauth.seal_check(kind, secret)

    # ------------------------------------------------------------ consent

    @property
    def consents(self) -> Mapping[str, Consent]:
        return salesforce_oauth.CONSENTS

    def authorize(self, signin: Signin) -> str:
        return salesforce_oauth.authorize(signin)

    def exchange(self, signin: Signin, answer: Mapping[str, str]) -> Request:
        return salesforce_oauth.exchange(signin, answer)

    def read_exchanged(self, signin: Signin, answer: Mapping[str, str], response: Response) -> Granted:  # noqa: ARG002
        return salesforce_oauth.read_exchanged(signin, response)

    def identify(self, credential: Credential) -> Request | None:
        if not credential.secret.get("access_token"):
            return None
        return salesforce_oauth.identify(salesforce_oauth.base_url(credential), _headers(credential))

    def read_identified(self, response: Response) -> str:
        return salesforce_oauth.read_identified(response)


def _headers(credential: Credential) -> Mapping[str, str]:
    # Without a token yet (an imported refresh token, an app by itself) Salesforce refuses the session, and it is renewed.
    return {"Authorization": f"Bearer {credential.secret.get('access_token') or 'none'}", "Accept": "application/json"}


def _request(credential: Credential, ask: Ask) -> Request:
    headers = {**_headers(credential), **dict(ask.headers)}
    if ask.body is not None:
        headers["Content-Type"] = "application/json"
    if ask.path.endswith("/results"):
        headers["Accept"] = "text/csv"
    return Request(ask.method, f"{salesforce_oauth.base_url(credential)}{ask.path}", ask.params, headers, ask.body)
