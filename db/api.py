"""What the HTTP API asks of the database: each statement answers one JSON text, in the shapes of the API.

Times are UTC with six digits and Z; durations are seconds. `data` and `metadata` are as the vendor and the user gave them, digits and all.
A statement that finds nothing answers no row, which reads as null.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, LiteralString

from pgsluice.db.serving import Ask
from pgsluice.db.shapes import RECORD, page, time

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


def stream_known(stream_id: str) -> Ask:
    return Ask("read", "select 'true' from sluice.streams where stream_id = %s", (stream_id,))


def only_stream() -> Ask:
    """The ids of the first two streams."""
    statement: LiteralString = """
        select coalesce(json_agg(s.stream_id), '[]')::text from (select stream_id from sluice.streams order by stream_id limit 2) as s"""
    return Ask("read", statement)


# ---------------------------------------------------------------- credentials, providers, tokens

_CREDENTIAL: Final[LiteralString] = f"""json_build_object(
    'id', x.credential_id,
    'provider', x.provider,
    'kind', x.kind,
    'name', x.name,
    'secret', '********',
    'base_url', x.base_url,
    'account', x.account,
    'expires_at', {time("x.expires_at")},
    'oauth_app_id', x.oauth_app_id,
    'scopes', x.scopes,
    'metadata', x.metadata,
    'created_at', {time("x.created_at")},
    'updated_at', {time("x.updated_at")}
)"""


def credential_put(values: Mapping[str, Any]) -> Ask:
    statement: LiteralString = f"""
        select {_CREDENTIAL}::text
        from sluice_internal._credential_put(
            %(id)s, %(provider)s, %(kind)s, %(name)s, %(sealed)s, %(key_version)s, %(base_url)s, coalesce(%(metadata)s::jsonb, '{{}}'),
            %(account)s, %(expires_at)s::timestamptz, %(oauth_app_id)s, %(scopes)s::text[]
        ) as x"""
    return Ask("manage", statement, values)


def credential_replace(values: Mapping[str, Any]) -> Ask:
    statement: LiteralString = f"""
        select {_CREDENTIAL}::text
        from sluice_internal._credential_replace(
            %(id)s, %(kind)s, %(sealed)s, %(key_version)s, %(base_url)s, %(account)s, %(expires_at)s::timestamptz,
            %(name)s, %(metadata)s::jsonb, %(oauth_app_id)s, %(scopes)s::text[], %(held_version)s
        ) as x"""
    return Ask("manage", statement, {"held_version": None, **values})


def credential_change(values: Mapping[str, Any]) -> Ask:
    """Everything but the secret."""
    statement: LiteralString = f"""
        select {_CREDENTIAL}::text
        from sluice_internal._credential_change(
            %(id)s, %(name)s, %(base_url)s, %(metadata)s::jsonb, %(account)s, %(oauth_app_id)s, %(scopes)s::text[]
        ) as x"""
    return Ask("manage", statement, values)


def credential_sealed(credential_id: str) -> Ask:
    """The sealed secret in base64, its version and its key's; nothing for an unknown credential."""
    statement: LiteralString = """
        select json_build_object(
            'sealed', encode(x.sealed, 'base64'), 'key_version', x.key_version, 'version', x.version, 'kind', x.kind
        )::text
        from sluice_internal._credential_sealed(%s) as x"""
    return Ask("manage", statement, (credential_id,))


def credential_known(provider: str, account: str) -> Ask:
    """The id of that account's credential."""
    return Ask("manage", "select coalesce(to_json(sluice_internal._credential_known(%s, %s))::text, 'null')", (provider, account))


def credential_info(credential_id: str) -> Ask:
    return Ask("read", f"select {_CREDENTIAL}::text from sluice.credentials as x where x.credential_id = %s", (credential_id,))


def credential_delete(credential_id: str) -> Ask:
    return Ask("manage", "select 'null' from sluice.credential_delete(%s) as d", (credential_id,))


def credentials(values: Mapping[str, Any]) -> Ask:
    condition: LiteralString = "and (%(provider)s::text is null or x.provider = %(provider)s)"
    return Ask("read", page("sluice.credentials", "credential_id", _CREDENTIAL, condition), values)


def provider_documents() -> Ask:
    """Name and JSON text of each provider of the users' own."""
    return Ask("read", "select coalesce(json_object_agg(d.provider, d.document::text), '{}')::text from sluice.provider_documents as d")


_PROVIDER: Final[LiteralString] = f"""json_build_object(
    'id', x.provider,
    'title', x.title,
    'built_in', x.built_in,
    'updated_at', {time("x.updated_at")},
    'collections', (
        select coalesce(
            json_agg(
                json_build_object(
                    'id', c.collection_id, 'description', c.description, 'mutations', c.mutations,
                    'match_on', c.match_on, 'if_match', c.if_match
                )
                order by c.collection_id
            ),
            '[]'
        )
        from sluice.provider_collections as c
        where c.provider = x.provider
    )
)"""


def provider_create(values: Mapping[str, Any]) -> Ask:
    statement: LiteralString = f"""
        select {_PROVIDER}::text
        from sluice.provider_create(%(provider)s, %(document)s::jsonb, %(source)s, %(replace)s) as x"""
    return Ask("manage", statement, values)


def provider_info(provider: str) -> Ask:
    statement: LiteralString = f"""
        select (
            {_PROVIDER}::jsonb || jsonb_build_object(
                'document', (select d.document from sluice.provider_documents as d where d.provider = x.provider),
                'source', (select d.source from sluice.provider_documents as d where d.provider = x.provider)
            )
        )::text
        from sluice.provider_info(%s) as x"""
    return Ask("read", statement, (provider,))


def provider_delete(provider: str) -> Ask:
    return Ask("manage", "select 'null' from sluice.provider_delete(%s) as d", (provider,))


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


def mutation_seen(mutation_id: str, consumer_ids: Sequence[str]) -> Ask:
    """Whether these consumers have acknowledged what it wrote. SL103."""
    return Ask("mutate", "select to_json(sluice_internal._mutation_seen(%s, %s))::text", (mutation_id, list(consumer_ids)))


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
