"""What the HTTP API asks of the database about collections of accounts and about typed views: see `api`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, LiteralString

from pgsluice.db.serving import Ask
from pgsluice.db.shapes import page, time

# ---------------------------------------------------------------- collections of an account

_COLLECTION: Final[LiteralString] = """json_build_object(
    'id', c.collection_id,
    'name', substr(c.collection_id, strpos(c.collection_id, ':') + 1),
    'description', c.description,
    'mutations', c.mutations,
    'match_on', c.match_on,
    'if_match', c.if_match,
    'fields', (
        select coalesce(json_agg(json_build_object(
            'id', f.name, 'name', f.name, 'accessor', '$.' || to_json(f.name), 'type', f.type, 'primary_key', f.primary_key,
            'description', f.description
        ) order by f.place), '[]')
        from sluice.credential_fields as f
        where f.credential_id = c.credential_id and f.collection_id = c.collection_id
    )
)"""


def description(credential_id: str) -> Ask:
    """Where the description of an account stands: {status, error}; nothing for an unknown credential."""
    statement: LiteralString = """
        select json_build_object('status', d.status, 'error', d.error)::text from sluice.descriptions as d where d.credential_id = %s"""
    return Ask("read", statement, (credential_id,))


def collections(credential_id: str) -> Ask:
    statement: LiteralString = f"""
        select json_build_object(
            'data', (
                select coalesce(json_agg({_COLLECTION} order by c.collection_id), '[]')
                from sluice.credential_collections as c where c.credential_id = d.credential_id
            ),
            'next_cursor', null,
            'status', d.status,
            'described_at', {time("d.described_at")},
            'error', d.error
        )::text
        from sluice.descriptions as d
        where d.credential_id = %s"""
    return Ask("read", statement, (credential_id,))


def collection_info(credential_id: str, collection_id: str) -> Ask:
    statement: LiteralString = f"""
        select {_COLLECTION}::text
        from sluice.credential_collections as c
        where c.credential_id = %s and c.collection_id = %s"""
    return Ask("read", statement, (credential_id, collection_id))


def collection_refresh(credential_id: str) -> Ask:
    return Ask("manage", "select 'null' from sluice.collection_refresh(%s) as d", (credential_id,))


# ---------------------------------------------------------------- typed views

_VIEW: Final[LiteralString] = f"""json_build_object(
    'id', x.view_name,
    'name', x.view_name,
    'collection_id', x.collection_id,
    'stream_id', x.stream_id,
    'sync_id', x.sync_id,
    'fields', (
        select coalesce(json_agg(json_build_object('column', f.column_name, 'field', f.field, 'type', f.type) order by f.place), '[]')
        from sluice.view_fields as f where f.view_name = x.view_name
    ),
    'fields_left_out', x.fields_left_out,
    'created_at', {time("x.created_at")},
    'refreshed_at', {time("x.refreshed_at")}
)"""


def view_create(values: Mapping[str, Any]) -> tuple[Ask, Ask]:
    """Two asks, for one transaction: the second one sees what the first one made."""
    shown: LiteralString = f"""
        select {_VIEW}::text
        from sluice.views as x
        where
            x.collection_id = %(collection_id)s and x.stream_id is not distinct from %(stream_id)s::text
            and x.sync_id is not distinct from %(sync_id)s::text"""
    made = Ask("manage", "select sluice.view_create(%(collection_id)s, %(stream_id)s, %(sync_id)s)", values)
    return made, Ask("manage", shown, values)


def view_info(view_name: str) -> Ask:
    return Ask("read", f"select {_VIEW}::text from sluice.view_info(%s) as x", (view_name,))


def view_delete(view_name: str) -> Ask:
    return Ask("manage", "select 'null' from sluice.view_delete(%s) as d", (view_name,))


def views(values: Mapping[str, Any]) -> Ask:
    condition: LiteralString = "and (%(collection_id)s::text is null or x.collection_id = %(collection_id)s)"
    return Ask("read", page("sluice.views", "view_name", _VIEW, condition), values)
