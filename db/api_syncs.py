"""What the HTTP API asks of the database about syncs and what hangs on them; as `api`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, LiteralString

from pgsluice.db.serving import Ask
from pgsluice.db.shapes import page, seconds, time

_FIELDS: Final[LiteralString] = f"""
    'id', x.sync_id,
    'provider', x.provider,
    'name', x.name,
    'collection_ids', x.collection_ids,
    'rate_limit', x.rate_limit,
    'credential_id', x.credential_id,
    'metadata', x.metadata,
    'stream_id', x.stream_id,
    'external_id', x.external_id,
    'max_age_days', x.max_age_days,
    'sync_frequency', coalesce(to_json({seconds("x.sync_frequency")}), to_json('continuous'::text)),
    'status', case when x.status = 'paused' then 'disabled' else x.status end,
    'health', json_build_object(
        'status', x.status, 'reason', x.health ->> 'reason', 'hint', x.health ->> 'hint',
        'since', {time("(x.health ->> 'since')::timestamptz")},
        'next_attempt', {time("(x.health ->> 'next_attempt')::timestamptz")}
    ),
    'work', x.work,
    'webhooks', json_build_object(
        'enabled', coalesce((x.webhooks ->> 'enabled')::boolean, false),
        'subscribed_at', {time("(x.webhooks ->> 'subscribed_at')::timestamptz")},
        'last_delivery_at', {time("(x.webhooks ->> 'last_delivery_at')::timestamptz")},
        'deliveries', coalesce((x.webhooks ->> 'deliveries')::bigint, 0), 'refused', coalesce((x.webhooks ->> 'refused')::bigint, 0),
        'error', nullif(x.webhooks -> 'error', 'null')
    ),
    'last_success_at', {time("x.last_success_at")},
    'initial_backfill_completed_at', {time("x.backfill_completed_at")},
    'created_at', {time("x.created_at")},
    'credential', (
        select json_build_object('id', k.credential_id, 'kind', k.kind, 'name', k.name, 'secret', '********')
        from sluice.credentials as k where k.credential_id = x.credential_id
    )"""
_SYNC: Final[LiteralString] = f"json_build_object({_FIELDS})"
_COLLECTIONS: Final[LiteralString] = f"""(
    select coalesce(json_agg(json_build_object(
        'id', c.collection_id, 'state', c.state, 'records', c.records, 'changes', c.changes,
        'backfilled', c.backfilled, 'progress', c.progress, 'total', c.total, 'rate', c.rate, 'remaining', {seconds("c.remaining")},
        'last_success_at', {time("c.last_success_at")}, 'last_error', c.last_error, 'last_error_since', {time("c.last_error_since")}
    ) order by c.collection_id), '[]')
    from sluice.collections as c where c.sync_id = x.sync_id
)"""


def sync_create(values: Mapping[str, Any]) -> Ask:
    statement: LiteralString = f"""
        select {_SYNC}::text
        from sluice.sync_create(
            %(stream_id)s, %(provider)s, %(id)s, %(name)s, %(collection_ids)s::text[], %(credential_id)s, %(rate_limit)s::jsonb,
            coalesce(%(metadata)s::jsonb, '{{}}'), %(external_id)s, %(max_age_days)s, %(sync_frequency)s
        ) as x"""
    return Ask("manage", statement, values)


def sync_info(sync_id: str) -> Ask:
    """The sync with its collections."""
    statement: LiteralString = f"select json_build_object({_FIELDS}, 'collections', {_COLLECTIONS})::text from sluice.sync_info(%s) as x"
    return Ask("read", statement, (sync_id,))


_CHANGED: Final[LiteralString] = """sluice.sync_update(
    %(sync_id)s, %(name)s, %(collection_ids)s::text[], %(rate_limit)s::jsonb, %(metadata)s::jsonb, %(external_id)s,
    %(max_age_days)s, %(sync_frequency)s, %(credential_id)s, %(drop_records)s
)"""
# Settings first, then paused or not, in one transaction. sync_info would not see yet what was changed.
_UPDATES: Final[Mapping[str | None, LiteralString]] = {
    None: f"{_CHANGED} as x",
    "active": f"{_CHANGED} as u cross join lateral sluice.sync_resume(u.sync_id) as x",
    "disabled": f"{_CHANGED} as u cross join lateral sluice.sync_pause(u.sync_id) as x",
}


def sync_update(sync_id: str, values: Mapping[str, Any], status: str | None) -> Ask:
    statement: LiteralString = f"select {_SYNC}::text from {_UPDATES[status]}"
    names = (
        "name", "collection_ids", "rate_limit", "metadata", "external_id", "max_age_days", "sync_frequency", "credential_id",
        "drop_records",
    )  # fmt: skip
    return Ask("manage", statement, {**dict.fromkeys(names), **values, "sync_id": sync_id})


def sync_restart(sync_id: str, collection_ids: list[str] | None) -> Ask:
    return Ask("manage", f"select {_SYNC}::text from sluice.sync_restart(%s, %s::text[]) as x", (sync_id, collection_ids))


def sync_move(sync_id: str, stream_id: str) -> Ask:
    return Ask("manage", f"select {_SYNC}::text from sluice.sync_move(%s, %s) as x", (sync_id, stream_id))


def sync_delete(sync_id: str, emit: bool) -> Ask:
    return Ask("manage", f"select {_SYNC}::text from sluice.sync_delete(%s, %s) as x", (sync_id, emit))


def sync_tidy(sync_id: str) -> Ask:
    """How far the work on the sync is; null if there is none."""
    statement: LiteralString = """
        select json_build_object(
            'kind', t.kind, 'records', t.records, 'finished', t.finished, 'waits_for', t.waits_for
        )::text
        from sluice.sync_tidy(%s) as t"""
    return Ask("manage", statement, (sync_id,))


def sync_work(sync_id: str) -> Ask:
    """What is still done to the sync's records; null if nothing is, or the sync is gone."""
    return Ask("manage", "select (select x.work from sluice.syncs as x where x.sync_id = %s)::text", (sync_id,))


_WEBHOOK: Final[LiteralString] = f"""json_build_object(
    'sync_id', x.sync_id, 'enabled', x.enabled, 'secrets', x.secrets, 'address', x.address,
    'subscribed_at', {time("x.subscribed_at")}, 'next_attempt_at', {time("x.next_attempt_at")},
    'error', x.error, 'error_since', {time("x.error_since")}, 'last_delivery_at', {time("x.last_delivery_at")},
    'deliveries', x.deliveries, 'repeated', x.repeated, 'hints', x.hints, 'changes', x.changes, 'dropped', x.dropped,
    'unreadable', x.unreadable, 'refused', x.refused, 'wanted', x.wanted
)"""


def sync_webhook_info(sync_id: str) -> Ask:
    return Ask("read", f"select {_WEBHOOK}::text from sluice.sync_webhook_info(%s) as x", (sync_id,))


def sync_webhook_set(sync_id: str, sealed: bytes, key_version: int) -> Ask:
    return Ask("manage", f"select {_WEBHOOK}::text from sluice_internal._webhook_put(%s, %s, %s) as x", (sync_id, sealed, key_version))


def sync_webhook_subscribe(sync_id: str) -> Ask:
    return Ask("manage", f"select {_WEBHOOK}::text from sluice.sync_webhook_subscribe(%s) as x", (sync_id,))


def sync_webhook_delete(sync_id: str) -> Ask:
    return Ask("manage", f"select {_WEBHOOK}::text from sluice.sync_webhook_delete(%s) as x", (sync_id,))


# Only what is asked for: a condition that may be void would keep the planner from the index.
_FILTERS: Final[Mapping[str, LiteralString]] = {
    "stream_id": " and x.stream_id = %(stream_id)s",
    "provider": " and x.provider = %(provider)s",
    "name": " and x.name = %(name)s",
    "external_id": " and x.external_id = %(external_id)s",
    "health": " and x.status = %(health)s",
    "metadata": " and x.metadata @> %(metadata)s::jsonb",
}


def _conditions(filters: Mapping[str, LiteralString], values: Mapping[str, Any]) -> LiteralString:
    used: LiteralString = ""
    for name, condition in filters.items():
        if values.get(name) is not None:
            used += condition
    return used


def syncs(values: Mapping[str, Any]) -> Ask:
    return Ask("read", page("sluice.syncs", "sync_id", _SYNC, _conditions(_FILTERS, values)), values)


# ---------------------------------------------------------------- ends of streams and records


def stream_prune(stream_id: str, values: Mapping[str, Any]) -> Ask:
    statement: LiteralString = """
        select json_build_object('removed', p.removed, 'held', p.held, 'held_by', p.held_by, 'more', p.more)::text
        from sluice.stream_prune(%(stream_id)s, %(older_than)s, coalesce(%(force)s, false)) as p"""
    return Ask("manage", statement, {"force": None, **values, "stream_id": stream_id})


def record_erase(values: Mapping[str, Any]) -> Ask:
    statement: LiteralString = """
        select json_build_object('records', e.records, 'quarantined', e.quarantined, 'mutation_items', e.mutation_items)::text
        from sluice.record_erase(%(sync_id)s, %(collection_id)s, %(upstream_id)s) as e"""
    return Ask("manage", statement, values)


# ---------------------------------------------------------------- quarantine and notices

_ENTRY: Final[LiteralString] = f"""
    'id', x.quarantine_id,
    'stream_id', x.stream_id,
    'sync_id', x.sync_id,
    'collection_id', x.collection_id,
    'upstream_id', x.upstream_id,
    'reason', x.reason,
    'bytes', octet_length(x.raw),
    'created_at', {time("x.created_at")}"""
_OF_SYNC: Final[Mapping[str, LiteralString]] = {
    "stream_id": " and x.stream_id = %(stream_id)s",
    "sync_id": " and x.sync_id = %(sync_id)s",
    "collection_id": " and x.collection_id = %(collection_id)s",
    "upstream_id": " and x.upstream_id = %(upstream_id)s",
    "kind": " and x.kind = %(kind)s",
}


def quarantine(values: Mapping[str, Any]) -> Ask:
    shape: LiteralString = f"json_build_object({_ENTRY})"
    return Ask("read", page("sluice.quarantine", "quarantine_id", shape, _conditions(_OF_SYNC, values), "bigint"), values)


def quarantine_info(quarantine_id: int) -> Ask:
    """The entry with its bytes, in base64."""
    statement: LiteralString = f"""
        select json_build_object({_ENTRY}, 'raw', translate(encode(x.raw, 'base64'), E'\\n', ''))::text
        from sluice.quarantine as x where x.quarantine_id = %s"""
    return Ask("read", statement, (quarantine_id,))


def quarantine_retry(values: Mapping[str, Any]) -> Ask:
    statement: LiteralString = """
        select json_build_object('stored', q.stored, 'refused', q.refused, 'wanted', q.wanted)::text
        from sluice.quarantine_retry(%(sync_id)s, %(collection_id)s, %(upstream_id)s, %(id)s) as q"""
    return Ask("manage", statement, values)


def quarantine_purge(values: Mapping[str, Any]) -> Ask:
    statement: LiteralString = """
        select json_build_object('removed', q)::text
        from sluice.quarantine_purge(%(sync_id)s, %(collection_id)s, %(upstream_id)s, %(id)s) as q"""
    return Ask("manage", statement, values)


_NOTICE: Final[LiteralString] = f"""json_build_object(
    'id', x.notice_id, 'stream_id', x.stream_id, 'sync_id', x.sync_id, 'collection_id', x.collection_id, 'kind', x.kind,
    'error', x.error, 'created_at', {time("x.created_at")}
)"""


def notices(values: Mapping[str, Any]) -> Ask:
    return Ask("read", page("sluice.notices", "notice_id", _NOTICE, _conditions(_OF_SYNC, values), "bigint"), values)
