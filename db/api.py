"""What the HTTP API asks of the database: each statement answers one JSON text, in the shapes of the API.

Times are UTC with six digits and Z; durations are seconds. `data` and `metadata` are as the vendor and the user gave them, digits and all.
A statement that finds nothing answers no row, which reads as null.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, LiteralString

from pgsluice.db.serving import Ask
from pgsluice.db.shapes import RECORD, page, seconds, time

# ---------------------------------------------------------------- streams

_STREAM: Final[LiteralString] = f"""json_build_object(
    'id', x.stream_id, 'name', x.stream_id, 'lanes', x.lanes, 'created_at', {time("x.created_at")}
)"""


def stream_create(values: Mapping[str, Any]) -> Ask:
    return Ask("manage", f"select {_STREAM}::text from sluice.stream_create(%(id)s, coalesce(%(lanes)s, 16)) as x", values)


def stream_info(stream_id: str) -> Ask:
    statement: LiteralString = f"""
        select json_build_object(
            'id', x.stream_id, 'name', x.stream_id, 'lanes', x.lanes, 'created_at', {time("x.created_at")},
            'syncs', x.syncs, 'consumers', x.consumers, 'last_idx', x.last_idx
        )::text
        from sluice.stream_info(%s) as x"""
    return Ask("read", statement, (stream_id,))


def stream_delete(stream_id: str) -> Ask:
    return Ask("manage", "select 'null' from sluice.stream_delete(%s) as d", (stream_id,))


def streams(values: Mapping[str, Any]) -> Ask:
    return Ask("read", page("sluice.streams", "stream_id", _STREAM), values)


def only_stream() -> Ask:
    """The ids of the first two streams."""
    statement: LiteralString = """
        select coalesce(json_agg(s.stream_id), '[]')::text from (select stream_id from sluice.streams order by stream_id limit 2) as s"""
    return Ask("read", statement)


# ---------------------------------------------------------------- syncs

_SYNC: Final[LiteralString] = f"""json_build_object(
    'id', x.sync_id,
    'provider', x.provider,
    'name', x.name,
    'collection_ids', x.collection_ids,
    'rate_limit', x.rate_limit,
    'credential_id', x.credential_id,
    'metadata', x.metadata,
    'stream_id', x.stream_id,
    'external_id', x.external_id,
    'sync_frequency', coalesce(to_json({seconds("x.sync_frequency")}), to_json('continuous'::text)),
    'status', case when x.paused then 'disabled' else x.status end,
    'health', json_build_object(
        'status', x.status, 'reason', x.error ->> 'message', 'hint', x.error ->> 'hint',
        'since', {time("x.error_since")}, 'next_attempt', {time("x.next_attempt_at")}
    ),
    'last_success_at', {time("x.last_success_at")},
    'initial_backfill_completed_at', {time("x.backfill_completed_at")},
    'created_at', {time("x.created_at")},
    'credential', (
        select json_build_object('id', k.credential_id, 'kind', k.kind, 'name', k.name, 'secret', '********')
        from sluice.credentials as k where k.credential_id = x.credential_id
    )
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
    return Ask("read", f"select {_SYNC}::text from sluice.sync_info(%s) as x", (sync_id,))


def sync_pause(sync_id: str) -> Ask:
    return Ask("manage", f"select {_SYNC}::text from sluice.sync_pause(%s) as x", (sync_id,))


def sync_resume(sync_id: str) -> Ask:
    return Ask("manage", f"select {_SYNC}::text from sluice.sync_resume(%s) as x", (sync_id,))


def syncs(values: Mapping[str, Any]) -> Ask:
    conditions: LiteralString = """
        and (%(stream_id)s::text is null or x.stream_id = %(stream_id)s)
        and (%(provider)s::text is null or x.provider = %(provider)s)
        and (%(name)s::text is null or x.name = %(name)s)
        and (%(health)s::text is null or x.status = %(health)s)
        and (%(metadata)s::jsonb is null or x.metadata @> %(metadata)s::jsonb)"""
    return Ask("read", page("sluice.syncs", "sync_id", _SYNC, conditions), values)


# ---------------------------------------------------------------- credentials, providers, tokens

_CREDENTIAL: Final[LiteralString] = f"""json_build_object(
    'id', x.credential_id,
    'provider', x.provider,
    'kind', x.kind,
    'name', x.name,
    'secret', '********',
    'base_url', x.base_url,
    'metadata', x.metadata,
    'created_at', {time("x.created_at")},
    'updated_at', {time("x.updated_at")}
)"""


def credential_put(values: Mapping[str, Any]) -> Ask:
    statement: LiteralString = f"""
        select {_CREDENTIAL}::text
        from sluice_internal._credential_put(
            %(id)s, %(provider)s, %(kind)s, %(name)s, %(sealed)s, %(key_version)s, %(base_url)s, coalesce(%(metadata)s::jsonb, '{{}}')
        ) as x"""
    return Ask("manage", statement, values)


def credential_info(credential_id: str) -> Ask:
    return Ask("read", f"select {_CREDENTIAL}::text from sluice.credentials as x where x.credential_id = %s", (credential_id,))


def credential_delete(credential_id: str) -> Ask:
    return Ask("manage", "select 'null' from sluice.credential_delete(%s) as d", (credential_id,))


def credentials(values: Mapping[str, Any]) -> Ask:
    condition: LiteralString = "and (%(provider)s::text is null or x.provider = %(provider)s)"
    return Ask("read", page("sluice.credentials", "credential_id", _CREDENTIAL, condition), values)


def providers() -> Ask:
    statement: LiteralString = """
        select json_build_object('data', json_agg(json_build_object(
            'id', p.provider,
            'collections', (
                select coalesce(json_agg(json_build_object('id', c.collection_id, 'mutations', c.mutations) order by c.collection_id), '[]')
                from sluice.provider_collections as c where c.provider = p.provider
            )
        ) order by p.provider), 'next_cursor', null)::text
        from sluice.providers as p"""
    return Ask("read", statement)


_TOKEN: Final[LiteralString] = f"""
    'id', x.token_id, 'name', x.name, 'scopes', x.scopes, 'created_at', {time("x.created_at")}, 'expires_at', {time("x.expires_at")}"""


def token_create(values: Mapping[str, Any]) -> Ask:
    statement: LiteralString = f"""
        select json_build_object({_TOKEN}, 'token', x.token)::text
        from sluice.token_create(
            %(name)s, coalesce(%(scopes)s::text[], '{{read,consume,mutate,manage}}'), %(id)s, %(expires_at)s::timestamptz
        ) as x"""
    return Ask("manage", statement, values)


def token_revoke(token_id: str) -> Ask:
    return Ask("manage", "select 'null' from sluice.token_revoke(%s) as d", (token_id,))


def tokens(values: Mapping[str, Any]) -> Ask:
    shape: LiteralString = f"json_build_object({_TOKEN}, 'prefix', x.prefix, 'revoked_at', {time('x.revoked_at')})"
    return Ask("manage", page("sluice.tokens", "token_id", shape), values)


# ---------------------------------------------------------------- records


def records(values: Mapping[str, Any]) -> Ask:
    statement: LiteralString = f"""
        select json_build_object(
            'records', coalesce(json_agg(json_build_object({RECORD}) order by m.updated_idx), '[]'),
            'cursor', coalesce(max(m.updated_idx), %(after_cursor)s)
        )::text
        from (
            select r.*
            from sluice.records as r
            where
                r.stream_id = (
                    select s.stream_id from sluice.streams as s
                    where s.stream_id = coalesce(%(stream_id)s, (select y.stream_id from sluice.syncs as y where y.sync_id = %(sync_id)s))
                )
                and r.updated_idx > coalesce(%(after_cursor)s, 0)
                and (%(sync_id)s::text is null or r.sync_id = %(sync_id)s)
                and (%(collection_id)s::text is null or r.collection_id = %(collection_id)s)
                and (%(upstream_id)s::text is null or r.upstream_id = %(upstream_id)s)
            order by r.updated_idx
            limit %(limit)s
        ) as m"""
    return Ask("read", statement, values)


# ---------------------------------------------------------------- mutations

# An item's record as it stands in the stream, in the order sent; an error for what failed or is not known.
_MUTATION: Final[LiteralString] = f"""
select json_build_object(
    'id', u.mutation_id,
    'status', u.status,
    'records', (
        select coalesce(json_agg(
            case
                when i.error is not null and i.status in ('failed', 'unknown') then json_build_object('status', i.status, 'error', i.error)
                when i.status <> 'succeeded' then json_build_object('status', i.status)
                when m.upstream_id is null then json_build_object(
                    'sync_id', i.sync_id, 'collection_id', i.collection_id, 'upstream_id', i.upstream_id, 'data', null
                )
                else json_build_object({RECORD})
            end order by i.item_no
        ), '[]')
        from sluice.mutation_items as i
        left join sluice.records as m
            on m.sync_id = i.sync_id and m.collection_id = i.collection_id and m.upstream_id = i.upstream_id
        where i.mutation_id = u.mutation_id
    ),
    'finished_at', {time("u.finished_at")}
)::text
from sluice.mutations as u
where u.mutation_id = %s"""


def mutation_run(values: Mapping[str, Any]) -> Ask:
    """The mutation's id and whether it is finished."""
    statement: LiteralString = """
        select json_build_object('id', x.mutation_id, 'finished', x.finished_at is not null)::text
        from sluice.mutation_run(
            %(kind)s, %(sync_id)s, %(collection_id)s, %(data)s::jsonb, %(match_on)s, %(idempotency_key)s, %(if_match)s
        ) as x"""
    return Ask("mutate", statement, values)


def mutation_state(mutation_id: str) -> Ask:
    """Whether it is finished, and if every item was refused the errors of the items."""
    statement: LiteralString = """
        select json_build_object(
            'finished', u.finished_at is not null,
            'refusals', case when u.status = 'failed' then (
                select json_agg(i.error order by i.item_no) from sluice.mutation_items as i where i.mutation_id = u.mutation_id
            ) end
        )::text
        from sluice.mutations as u
        where u.mutation_id = %s"""
    return Ask("read", statement, (mutation_id,))


def mutation(mutation_id: str) -> Ask:
    return Ask("read", _MUTATION, (mutation_id,))
