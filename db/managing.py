"""The functions that manage syncs and what hangs on them: their settings, their ends, quarantine and erasure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from pgsluice.db.calls import UNSET, Unset, call_statement, given
from pgsluice.db.errors import make
from pgsluice.db.rows import Row
from pgsluice.db.views import Views

Interval = str | timedelta


class Managing(Views):
    """As `client.Client`, of which this is a part."""

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

    def sync_update(  # noqa: PLR0917  as above
        self,
        sync_id: str,
        name: str | Unset | None = UNSET,
        collection_ids: Sequence[str] | Unset | None = UNSET,
        rate_limit: Mapping[str, Any] | Unset | None = UNSET,
        metadata: Mapping[str, Any] | Unset | None = UNSET,
        external_id: str | Unset | None = UNSET,
        max_age_days: int | Unset | None = UNSET,
        sync_frequency: Interval | Unset | None = UNSET,
        credential_id: str | Unset | None = UNSET,
        drop_records: bool | Unset = UNSET,
    ) -> Row:
        """The sync, changed; what is left out stays, and `""`, `{}` or 0 takes a setting away.

        Records of a dropped collection stay, unless `drop_records`. SL001, SL102, SL104, SL106, SL165, SL166.
        """
        return self._one("sync_update", **given(locals()))

    def sync_pause(self, sync_id: str) -> Row:
        """The sync, now paused. SL102, SL165."""
        return self._one("sync_pause", sync_id=sync_id)

    def sync_resume(self, sync_id: str) -> Row:
        """The sync, now at work again. SL102, SL165."""
        return self._one("sync_resume", sync_id=sync_id)

    def sync_restart(self, sync_id: str, collection_ids: Sequence[str] | Unset | None = UNSET) -> Row:
        """The sync, which reads everything once more, or those collections. SL001, SL102, SL106, SL165."""
        return self._one("sync_restart", **given(locals()))

    def sync_move(self, sync_id: str, stream_id: str) -> Row:
        """The sync, in another stream; its records follow piece by piece (`sync_tidy`). SL101, SL102, SL165, SL166."""
        return self._one("sync_move", sync_id=sync_id, stream_id=stream_id)

    def sync_delete(self, sync_id: str, emit: bool | Unset = UNSET) -> Row:
        """The sync, which does nothing any more; its records go piece by piece (`sync_tidy`), with `emit` as tombstones first. SL102."""
        return self._one("sync_delete", sync_id=sync_id, emit=emit)

    def sync_tidy(self, sync_id: str | Unset | None = UNSET) -> list[Row]:
        """One step of what `sync_delete`, `sync_move` and dropped collections left to do; how far each is. SL003."""
        return self._call("sync_tidy", sync_id=sync_id)

    def finish(self, sync_id: str) -> Iterator[Row]:
        """`sync_tidy` until nothing is left to do, or it waits for somebody else: a row a step. On an autocommit connection."""
        while step := self.sync_tidy(sync_id):
            yield step[0]
            if step[0]["finished"] or step[0]["waits_for"] is not None:
                return

    def sync_webhook_info(self, sync_id: str) -> Row:
        """What the sync's vendor sends by itself. SL102."""
        return self._one("sync_webhook_info", sync_id=sync_id)

    def sync_webhook_subscribe(self, sync_id: str) -> Row:
        """The sync's webhooks, switched on: a poller subscribes at the vendor. SL102, SL165, SL180."""
        return self._one("sync_webhook_subscribe", sync_id=sync_id)

    def sync_webhook_delete(self, sync_id: str) -> Row:
        """The sync's webhooks, switched off, without their secrets. SL102, SL165."""
        return self._one("sync_webhook_delete", sync_id=sync_id)

    def record_erase(self, sync_id: str, collection_id: str, upstream_id: str) -> Row:
        """How many `records`, `quarantined` and `mutation_items` were wiped; the object does not come back. SL001, SL102, SL165."""
        return self._one("record_erase", sync_id=sync_id, collection_id=collection_id, upstream_id=upstream_id)

    def stream_prune(self, stream_id: str, older_than: Interval, force: bool | Unset = UNSET) -> Row:
        """How many tombstones were `removed`, how many `held` and by whom (`held_by`), whether there is `more` to do. SL001, SL101."""
        return self._one("stream_prune", stream_id=stream_id, older_than=older_than, force=force)

    def quarantine_info(self, quarantine_id: int) -> Row:
        """One entry of the quarantine, with its raw bytes. SL167."""
        found = self._list("quarantine", {"quarantine_id": quarantine_id}, 1)
        if not found:
            raise make(f"quarantine {quarantine_id} does not exist", code="SL167", hint="list it with: pgsluice quarantine list")
        return found[0]

    def quarantine_retry(
        self,
        sync_id: str | Unset | None = UNSET,
        collection_id: str | Unset | None = UNSET,
        upstream_id: str | Unset | None = UNSET,
        quarantine_id: int | Unset | None = UNSET,
    ) -> Row:
        """How many were `stored`, how many still `refused`, and how many are `wanted` from the vendor once more."""
        return self._one("quarantine_retry", **given(locals()))

    def quarantine_purge(
        self,
        sync_id: str | Unset | None = UNSET,
        collection_id: str | Unset | None = UNSET,
        upstream_id: str | Unset | None = UNSET,
        quarantine_id: int | Unset | None = UNSET,
    ) -> int:
        """How many were removed. SL001."""
        return int(self._one("quarantine_purge", **given(locals()))["quarantine_purge"])

    # ------------------------------------------------------------ how

    def _one(self, function: str, **arguments: Any) -> Row:
        return self._call(function, **arguments)[0]

    def _call(self, function: str, **arguments: Any) -> list[Row]:
        return self._fetch(*call_statement(function, given(arguments)))
