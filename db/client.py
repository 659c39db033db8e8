"""The functions and views of the schema `sluice`, one thin method each: same names, same parameters, same answers as in SQL.

A parameter that is left out is not sent, so the defaults are those of SQL. Every method raises `SluiceError`. A client in the caller's own
transaction takes part in it; nothing here commits on its own, except that a connection in autocommit mode commits each call.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Self

import psycopg

from pgsluice.db import secrets
from pgsluice.db.apps import Apps
from pgsluice.db.calls import UNSET, Unset, given
from pgsluice.db.connect import connect
from pgsluice.db.consume import Consuming
from pgsluice.db.errors import make
from pgsluice.db.managing import Managing
from pgsluice.db.rows import Row
from pgsluice.db.sealing import Sealing

Interval = str | timedelta


class Client(Consuming, Managing, Sealing, Apps):
    """`sluice` through one psycopg connection. For one thread at a time, like the transaction it works in."""

    def __init__(self, conn: psycopg.Connection[Any], *, master_key: secrets.MasterKey | None = None, raw_json: bool = False) -> None:
        """`master_key` seals credentials. With `raw_json`, JSON comes back as `rows.RawJSON`: the text as Postgres sent it."""
        super().__init__(conn, raw_json=raw_json)
        self.master_key = master_key

    @classmethod
    def connect(
        cls, conninfo: str, *, master_key: secrets.MasterKey | None = None, raw_json: bool = False, commits_at_once: bool = False
    ) -> Self:
        """A client on a connection of its own, in autocommit mode. SL401 or SL406 if there is no way in.

        `commits_at_once`: no call is ever part of a longer transaction, so `consumer_next` may take from every lane. Nothing is compiled.
        """
        client = cls(connect(conninfo), master_key=master_key, raw_json=raw_json)
        if commits_at_once:
            # Views of many collections take milliseconds to read, and seconds to compile.
            client._fetch(b"select set_config('pgsluice.autocommit', 'on', false), set_config('jit', 'off', false)", ())
        return client

    def close(self) -> None:
        self.conn.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ------------------------------------------------------------ streams

    def provider_create(
        self,
        provider: str,
        document: Any,
        source: str | Unset | None = UNSET,
        replace: bool | Unset = UNSET,
        readdress: bool | Unset = UNSET,
    ) -> Row:
        """The stored provider; `document`: its values. Whether it can be used is to be asked first (`rest_check`). SL110, SL111, SL150."""
        return self._one("provider_create", provider=provider, document=document, source=source, replace=replace, readdress=readdress)

    def provider_info(self, provider: str) -> Row:
        """A provider. SL105."""
        return self._one("provider_info", provider=provider)

    def provider_delete(self, provider: str) -> None:
        """Deletes a provider of the user's own. SL105, SL111."""
        self._call("provider_delete", provider=provider)

    def stream_create(self, stream_id: str | Unset | None = UNSET, lanes: int | Unset = UNSET) -> Row:
        """The new stream. SL001, SL110."""
        return self._one("stream_create", stream_id=stream_id, lanes=lanes)

    def stream_info(self, stream_id: str) -> Row:
        """The stream with its numbers. SL101."""
        return self._one("stream_info", stream_id=stream_id)

    def stream_delete(self, stream_id: str) -> None:
        """Deletes an empty stream. SL101, SL111."""
        self._call("stream_delete", stream_id=stream_id)

    # ------------------------------------------------------------ records

    def record_ingest(self, sync_id: str, collection_id: str, records: Iterable[Mapping[str, Any]] | str | bytes) -> Row:
        """How many were `new`, `changed`, `unchanged`, `refused` (older than what is stored). SL001, SL102, SL106.

        `records`: `{upstream_id, data, upstream_created_at?, upstream_updated_at?, deleted?}` each, or the JSON text of an array of them.
        Use `Decimal` rather than `float` for numbers whose digits matter.
        """
        listed = records if isinstance(records, str | bytes) else list(records)
        return self._one("record_ingest", sync_id=sync_id, collection_id=collection_id, records=listed)

    # ------------------------------------------------------------ collections and typed views

    def collection_refresh(self, credential_id: str) -> Row:
        """Where the account's description stands, after it was asked for anew. SL002, SL104."""
        return self._one("collection_refresh", credential_id=credential_id)

    def collection_info(self, credential_id: str, collection_id: str) -> Row:
        """A collection of an account with its `fields`. SL173."""
        found = self.credential_collections(credential_id=credential_id, collection_id=collection_id)
        if not found:
            raise make(
                f'credential "{credential_id}" has no collection "{collection_id}"',
                code="SL173",
                hint="list them with: pgsluice collection list",
            )
        keys = ("name", "type", "primary_key", "description")
        fields = sorted(self.credential_fields(credential_id=credential_id, collection_id=collection_id), key=lambda field: field["place"])
        return {**found[0], "fields": [{key: field[key] for key in keys} for field in fields]}

    def view_create(self, collection_id: str, stream_id: str | Unset | None = UNSET, sync_id: str | Unset | None = UNSET) -> str:
        """The name of the typed view, new or with new columns. SL002, SL101, SL102, SL106, SL171."""
        return str(self._one("view_create", **given(locals()))["view_create"])

    def view_info(self, view_name: str) -> Row:
        """The typed view, named with or without its schema. SL170."""
        return self._one("view_info", view_name=view_name)

    def view_delete(self, view_name: str) -> None:
        """Drops a typed view, never what stands on it. SL111, SL170."""
        self._call("view_delete", view_name=view_name)

    # ------------------------------------------------------------ consumers

    def consumer_create(  # noqa: PLR0917  as above
        self,
        consumer_id: str,
        stream_id: str,
        deliver_policy: str | Unset = UNSET,
        ack_wait: Interval | Unset = UNSET,
        max_deliver: int | Unset = UNSET,
        max_ack_pending: int | Unset | None = UNSET,
        filter: Mapping[str, Any] | Unset | None = UNSET,  # noqa: A002  the parameter's name in SQL
        metadata: Mapping[str, Any] | Unset = UNSET,
    ) -> Row:
        """The new consumer. SL001, SL004, SL101, SL110."""
        return self._one("consumer_create", **given(locals()))

    def consumer_info(self, consumer_id: str) -> Row:
        """The consumer with its numbers. SL103."""
        return self._one("consumer_info", consumer_id=consumer_id)

    def consumer_update(  # noqa: PLR0917  as above
        self,
        consumer_id: str,
        ack_wait: Interval | Unset | None = UNSET,
        max_deliver: int | Unset | None = UNSET,
        metadata: Mapping[str, Any] | Unset | None = UNSET,
        max_ack_pending: int | Unset | None = UNSET,
        filter: Mapping[str, Any] | Unset | None = UNSET,  # noqa: A002  as above
    ) -> Row:
        """The consumer, changed; what is left out stays. `max_ack_pending` 0: no bound; `filter` {}: none. SL001, SL103."""
        return self._one("consumer_update", **given(locals()))

    def consumer_seek(self, consumer_id: str, target: str | int) -> Row:
        """The consumer, at another place: `start`, `end`, an updated_idx, a time with its zone, or an age. SL001, SL103."""
        return self._one("consumer_seek", consumer_id=consumer_id, target=str(target))

    def consumer_pause(self, consumer_id: str) -> Row:
        """The consumer, which delivers nothing from now on; what is out can be settled. SL103."""
        return self._one("consumer_pause", consumer_id=consumer_id)

    def consumer_resume(self, consumer_id: str) -> Row:
        """The consumer, which delivers again. SL103."""
        return self._one("consumer_resume", consumer_id=consumer_id)

    def consumer_delete(self, consumer_id: str) -> None:
        """Deletes a consumer and what it holds. SL103."""
        self._call("consumer_delete", consumer_id=consumer_id)

    def consumer_next(
        self, consumer_id: str, batch_size: int | Unset = UNSET, ack_tokens: Sequence[str] | Unset | None = UNSET
    ) -> list[Row]:
        """Up to `batch_size` messages, leased to the caller; acks `ack_tokens` of earlier ones along with it. SL001, SL003, SL103."""
        return self._call("consumer_next", consumer_id=consumer_id, batch_size=batch_size, ack_tokens=ack_tokens)

    def consumer_peek(self, consumer_id: str, batch_size: int | Unset = UNSET) -> list[Row]:
        """What `consumer_next` would deliver, without a lease, so with no ack_token. SL001, SL103."""
        return self._call("consumer_peek", consumer_id=consumer_id, batch_size=batch_size)

    def consumer_ack(self, consumer_id: str, ack_tokens: Sequence[str], strict: bool | Unset = UNSET) -> Row:
        """`accepted` and the `rejected` tokens; with `strict`, SL120 instead of any rejected one. SL103."""
        return self._one("consumer_ack", consumer_id=consumer_id, ack_tokens=ack_tokens, strict=strict)

    def consumer_nack(self, consumer_id: str, ack_tokens: Sequence[str], delay: Interval | Unset = UNSET) -> Row:
        """Gives messages back, to be delivered again after `delay`: `accepted` and the `rejected` tokens. SL103."""
        return self._one("consumer_nack", consumer_id=consumer_id, ack_tokens=ack_tokens, delay=delay)

    def consumer_extend(self, consumer_id: str, ack_tokens: Sequence[str], ack_wait: Interval | Unset | None = UNSET) -> Row:
        """Leases run for `ack_wait` from now, or the consumer's: `accepted` and the `rejected` tokens. SL001, SL103."""
        return self._one("consumer_extend", consumer_id=consumer_id, ack_tokens=ack_tokens, ack_wait=ack_wait)

    def consumer_term(self, consumer_id: str, ack_tokens: Sequence[str], reason: str | Unset | None = UNSET) -> Row:
        """Gives messages up: they become dead letters. `accepted` and the `rejected` tokens. SL001, SL103."""
        return self._one("consumer_term", consumer_id=consumer_id, ack_tokens=ack_tokens, reason=reason)

    def dead_letter_retry(
        self,
        consumer_id: str,
        sync_id: str | Unset | None = UNSET,
        collection_id: str | Unset | None = UNSET,
        upstream_id: str | Unset | None = UNSET,
    ) -> int:
        """How many are delivered again; up to 10,000 a call. SL103."""
        return int(self._one("dead_letter_retry", **given(locals()))["dead_letter_retry"])

    def dead_letter_purge(
        self,
        consumer_id: str,
        sync_id: str | Unset | None = UNSET,
        collection_id: str | Unset | None = UNSET,
        upstream_id: str | Unset | None = UNSET,
    ) -> int:
        """How many were removed. SL103."""
        return int(self._one("dead_letter_purge", **given(locals()))["dead_letter_purge"])

    # ------------------------------------------------------------ mutations

    def mutation_run(  # noqa: PLR0917  as above
        self,
        kind: str,
        sync_id: str,
        collection_id: str,
        data: Sequence[Mapping[str, Any]] | str | bytes,
        match_on: str | Unset | None = UNSET,
        idempotency_key: str | Unset | None = UNSET,
        if_match: str | Unset | None = UNSET,
    ) -> Row:
        """The mutation, queued in this transaction; a poller sends it once that commits. SL001, SL004, SL102, SL106, SL112.

        `data`: a list of the vendor's objects (create), of `{upstream_id, data}` (update) or `{upstream_id}` (delete), or its JSON text.
        """
        return self._one("mutation_run", **given(locals()))

    def mutation_result(self, mutation_id: str) -> list[Row]:
        """What became of each item, in the order sent. SL108."""
        return self._call("mutation_result", mutation_id=mutation_id)

    def mutation_info(self, mutation_id: str) -> Row:
        """The mutation as it stands. SL108."""
        found = self._list("mutations", {"mutation_id": mutation_id}, 1)
        if not found:
            raise make(f'mutation "{mutation_id}" does not exist', code="SL108", hint="list them with: pgsluice mutation list")
        return found[0]

    def mutation_cancel(self, mutation_id: str) -> Row:
        """The mutation, without the items that were not sent yet. SL108."""
        return self._one("mutation_cancel", mutation_id=mutation_id)

    def mutation_resolve(self, mutation_id: str, item_no: int, status: str) -> Row:
        """Decides an item whose outcome is unknown: `succeeded`, `failed` or `queued`. SL001, SL108."""
        return self._one("mutation_resolve", mutation_id=mutation_id, item_no=item_no, status=status)

    # ------------------------------------------------------------ tokens

    def token_create(
        self,
        name: str | Unset | None = UNSET,
        scopes: Sequence[str] | Unset = UNSET,
        token_id: str | Unset | None = UNSET,
        expires_at: datetime | Unset | None = UNSET,
    ) -> Row:
        """The new token, the only time that it is shown. SL001, SL110."""
        return self._one("token_create", **given(locals()))

    def token_revoke(self, token_id: str) -> None:
        """Ends a token. SL107."""
        self._call("token_revoke", token_id=token_id)
