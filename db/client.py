"""The functions and views of the schema `sluice`, one thin method each: same names, same parameters, same answers as in SQL.

A parameter that is left out is not sent, so the defaults are those of SQL. Every method raises `SluiceError`. A client in the caller's own
transaction takes part in it; nothing here commits on its own, except that a connection in autocommit mode commits each call.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Self

import psycopg

from pgsluice.db import secrets
from pgsluice.db.calls import UNSET, Unset, call_statement, given
from pgsluice.db.connect import connect
from pgsluice.db.consume import Consuming
from pgsluice.db.errors import make
from pgsluice.db.rows import Row
from pgsluice.db.views import Views

Interval = str | timedelta


class Client(Consuming, Views):
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

        `commits_at_once`: no call is ever part of a longer transaction, so `consumer_next` may take from every lane.
        """
        client = cls(connect(conninfo), master_key=master_key, raw_json=raw_json)
        if commits_at_once:
            client._fetch(b"select set_config('pgsluice.autocommit', 'on', false)", ())
        return client

    def close(self) -> None:
        self.conn.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ------------------------------------------------------------ streams

    def stream_create(self, stream_id: str | Unset | None = UNSET, lanes: int | Unset = UNSET) -> Row:
        """The new stream. SL001, SL110."""
        return self._one("stream_create", stream_id=stream_id, lanes=lanes)

    def stream_info(self, stream_id: str) -> Row:
        """The stream with its numbers. SL101."""
        return self._one("stream_info", stream_id=stream_id)

    def stream_delete(self, stream_id: str) -> None:
        """Deletes an empty stream. SL101, SL111."""
        self._call("stream_delete", stream_id=stream_id)

    # ------------------------------------------------------------ credentials and syncs

    def credential_create(
        self,
        provider: str,
        credential_id: str | None = None,
        kind: str | None = None,
        *,
        secret: Mapping[str, str],
        name: str | None = None,
        base_url: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Row:
        """The new credential, without its secret: `secret` is sealed here, before it reaches SQL. SL001, SL105, SL110, SL301.

        Whether the secret looks like one of that provider is the provider's to say (`seal_check`), before this is called.
        """
        credential_id = credential_id if credential_id is not None else str(uuid.uuid4())
        arguments = {
            "credential_id": credential_id,
            "provider": provider,
            "kind": kind if kind is not None else "api_key",
            "name": name,
            **self._sealed(credential_id, secret),
            "base_url": base_url,
            "metadata": metadata if metadata is not None else {},
        }
        return self._fetch(*call_statement("_credential_put", arguments, schema="sluice_internal"))[0]

    def credential_update(self, credential_id: str, kind: str, *, secret: Mapping[str, str], base_url: str | None = None) -> Row:
        """The credential, with a new secret; its syncs are tried again at once and go on from where they are. SL104, SL301."""
        arguments = {"credential_id": credential_id, "kind": kind, **self._sealed(credential_id, secret), "base_url": base_url}
        return self._fetch(*call_statement("_credential_replace", arguments, schema="sluice_internal"))[0]

    def credential_info(self, credential_id: str) -> Row:
        """The credential, without its secret. SL104."""
        found = self._list("credentials", {"credential_id": credential_id}, 1)
        if not found:
            raise make(f'credential "{credential_id}" does not exist', code="SL104", hint="list them with: pgsluice credential list")
        return found[0]

    def _sealed(self, credential_id: str, secret: Mapping[str, str]) -> dict[str, Any]:
        if self.master_key is None:
            raise make(
                "there is no master key to seal the credential with",
                code="SL301",
                hint="set PGSLUICE_MASTER_KEY or PGSLUICE_MASTER_KEY_FILE",
            )
        return {"sealed": secrets.seal(secret, credential_id, self.master_key), "key_version": self.master_key.version}

    def credential_delete(self, credential_id: str) -> None:
        """Deletes a credential that no sync uses. SL104, SL111."""
        self._call("credential_delete", credential_id=credential_id)

    def sync_create(  # noqa: PLR0917  all of SQL's can be given by position
        self,
        stream_id: str,
        provider: str,
        sync_id: str | Unset | None = UNSET,
        name: str | Unset | None = UNSET,
        collection_ids: Sequence[str] | Unset | None = UNSET,
        credential_id: str | Unset | None = UNSET,
        rate_limit: Mapping[str, Any] | Unset | None = UNSET,
        metadata: Mapping[str, Any] | Unset = UNSET,
        external_id: str | Unset | None = UNSET,
        max_age_days: int | Unset | None = UNSET,
        sync_frequency: Interval | Unset | None = UNSET,
    ) -> Row:
        """The new sync. SL001, SL004, SL101, SL104, SL105, SL106, SL110."""
        return self._one("sync_create", **given(locals()))

    def sync_info(self, sync_id: str) -> Row:
        """The sync with its state. SL102."""
        return self._one("sync_info", sync_id=sync_id)

    def sync_pause(self, sync_id: str) -> Row:
        """The sync, now paused. SL102."""
        return self._one("sync_pause", sync_id=sync_id)

    def sync_resume(self, sync_id: str) -> Row:
        """The sync, now at work again. SL102."""
        return self._one("sync_resume", sync_id=sync_id)

    # ------------------------------------------------------------ records

    def record_ingest(self, sync_id: str, collection_id: str, records: Iterable[Mapping[str, Any]] | str | bytes) -> Row:
        """How many were `new`, `changed`, `unchanged`, `refused` (older than what is stored). SL001, SL102, SL106.

        `records`: `{upstream_id, data, upstream_created_at?, upstream_updated_at?, deleted?}` each, or the JSON text of an array of them.
        Use `Decimal` rather than `float` for numbers whose digits matter.
        """
        listed = records if isinstance(records, str | bytes) else list(records)
        return self._one("record_ingest", sync_id=sync_id, collection_id=collection_id, records=listed)

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

    # ------------------------------------------------------------ how

    def _one(self, function: str, **arguments: Any) -> Row:
        return self._call(function, **arguments)[0]

    def _call(self, function: str, **arguments: Any) -> list[Row]:
        return self._fetch(*call_statement(function, given(arguments)))
