"""The views of the schema `sluice`, one method each. A filter that is None is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

from pgsluice.db import rows
from pgsluice.db.calls import RECORD_COLUMNS, list_statement
from pgsluice.db.connect import forget_plans, translated
from pgsluice.db.errors import from_database
from pgsluice.db.rows import Row


class Views:
    """The views through one psycopg connection."""

    def __init__(self, conn: psycopg.Connection[Any], *, raw_json: bool) -> None:
        self.conn = conn
        self.raw_json = raw_json

    def records(
        self,
        *,
        stream_id: str | None = None,
        sync_id: str | None = None,
        collection_id: str | None = None,
        upstream_id: str | None = None,
        after_idx: int | None = None,
        limit: int | None = 100,
    ) -> list[Row]:
        """Records in the order of their last change, after the position `after_idx`."""
        filters = {"stream_id": stream_id, "sync_id": sync_id, "collection_id": collection_id, "upstream_id": upstream_id}
        statement = list_statement("records", filters, columns=RECORD_COLUMNS, order_by="updated_idx", after=after_idx, limit=limit)
        return self._fetch(*statement)

    def mutations(self, *, sync_id: str | None = None, limit: int | None = 1000) -> list[Row]:
        return self._list("mutations", {"sync_id": sync_id}, limit)

    def mutation_items(self, *, mutation_id: str | None = None, limit: int | None = 1000) -> list[Row]:
        return self._list("mutation_items", {"mutation_id": mutation_id}, limit)

    def tokens(self, *, limit: int | None = None) -> list[Row]:
        return self._list("tokens", {}, limit)

    def streams(self, *, stream_id: str | None = None, limit: int | None = None) -> list[Row]:
        return self._list("streams", {"stream_id": stream_id}, limit)

    def providers(self) -> list[Row]:
        return self._list("providers", {}, None)

    def provider_documents(self, *, provider: str | None = None) -> list[Row]:
        return self._list("provider_documents", {"provider": provider}, None)

    def provider_collections(self, *, provider: str | None = None) -> list[Row]:
        return self._list("provider_collections", {"provider": provider}, None)

    def provider_fields(self, *, provider: str | None = None, collection_id: str | None = None) -> list[Row]:
        return self._list("provider_fields", {"provider": provider, "collection_id": collection_id}, None)

    def descriptions(self, *, credential_id: str | None = None, provider: str | None = None, limit: int | None = None) -> list[Row]:
        return self._list("descriptions", {"credential_id": credential_id, "provider": provider}, limit)

    def credential_collections(self, *, credential_id: str | None = None, collection_id: str | None = None) -> list[Row]:
        return self._list("credential_collections", {"credential_id": credential_id, "collection_id": collection_id}, None)

    def credential_fields(self, *, credential_id: str | None = None, collection_id: str | None = None) -> list[Row]:
        return self._list("credential_fields", {"credential_id": credential_id, "collection_id": collection_id}, None)

    def views(self, *, collection_id: str | None = None, limit: int | None = None) -> list[Row]:
        return self._list("views", {"collection_id": collection_id}, limit)

    def view_fields(self, *, view_name: str | None = None) -> list[Row]:
        return self._list("view_fields", {"view_name": view_name}, None)

    def credentials(self, *, provider: str | None = None, limit: int | None = None) -> list[Row]:
        return self._list("credentials", {"provider": provider}, limit)

    def oauth_apps(self, *, provider: str | None = None, limit: int | None = None) -> list[Row]:
        return self._list("oauth_apps", {"provider": provider}, limit)

    def syncs(
        self,
        *,
        stream_id: str | None = None,
        provider: str | None = None,
        name: str | None = None,
        status: str | None = None,
        external_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        limit: int | None = None,
    ) -> list[Row]:
        """`metadata`: those whose metadata contains it."""
        filters = {"stream_id": stream_id, "provider": provider, "name": name, "status": status, "external_id": external_id}
        return self._list("syncs", {**filters, "metadata": metadata}, limit)

    def sync_webhooks(self, *, stream_id: str | None = None, sync_id: str | None = None, limit: int | None = None) -> list[Row]:
        return self._list("sync_webhooks", {"stream_id": stream_id, "sync_id": sync_id}, limit)

    def collections(self, *, stream_id: str | None = None, sync_id: str | None = None) -> list[Row]:
        return self._list("collections", {"stream_id": stream_id, "sync_id": sync_id}, None)

    def consumers(self, *, stream_id: str | None = None, limit: int | None = None) -> list[Row]:
        return self._list("consumers", {"stream_id": stream_id}, limit)

    def consumer_details(self, *, stream_id: str | None = None, limit: int | None = None) -> list[Row]:
        """Every consumer as `consumer_info` answers it."""
        return self._list("consumer_details", {"stream_id": stream_id}, limit)

    def messages_in_flight(self, *, consumer_id: str | None = None, limit: int | None = 1000) -> list[Row]:
        return self._list("messages_in_flight", {"consumer_id": consumer_id}, limit)

    def dead_letters(
        self,
        *,
        consumer_id: str | None = None,
        sync_id: str | None = None,
        collection_id: str | None = None,
        upstream_id: str | None = None,
        limit: int | None = 1000,
    ) -> list[Row]:
        filters = {"consumer_id": consumer_id, "sync_id": sync_id, "collection_id": collection_id, "upstream_id": upstream_id}
        return self._list("dead_letters", filters, limit)

    def quarantine(
        self,
        *,
        sync_id: str | None = None,
        collection_id: str | None = None,
        upstream_id: str | None = None,
        limit: int | None = 1000,
    ) -> list[Row]:
        return self._list("quarantine", {"sync_id": sync_id, "collection_id": collection_id, "upstream_id": upstream_id}, limit)

    def notices(self, *, sync_id: str | None = None, kind: str | None = None, limit: int | None = 1000) -> list[Row]:
        return self._list("notices", {"sync_id": sync_id, "kind": kind}, limit)

    def errors(self) -> list[Row]:
        return self._list("errors", {}, None)

    def pollers_alive(self) -> int:
        """How many pollers were heard of in the last ten seconds."""
        statement = b"select count(*) as alive from sluice_internal.pollers where heartbeat_at > clock_timestamp() - interval '10 seconds'"
        return int(self._fetch(statement, ())[0]["alive"])

    # ------------------------------------------------------------ how

    def _list(self, view: str, filters: Mapping[str, Any], limit: int | None) -> list[Row]:
        return self._fetch(*list_statement(view, filters, limit=limit))

    def _fetch(self, statement: bytes, parameters: Sequence[Any]) -> list[Row]:
        try:
            return self._execute(statement, parameters)
        except psycopg.Error as exc:
            if not forget_plans(self.conn, exc):
                raise from_database(exc) from exc
        with translated():
            return self._execute(statement, parameters)

    def _execute(self, statement: bytes, parameters: Sequence[Any]) -> list[Row]:
        with self.conn.cursor(row_factory=rows.utc_rows) as cursor:
            rows.read_json(cursor, raw=self.raw_json)
            return cursor.execute(statement, parameters).fetchall()
