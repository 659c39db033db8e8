"""How the HTTP API shows what is in the database: pieces of the statements that answer JSON."""

from __future__ import annotations

from typing import Final, LiteralString

PAGE: Final = 100


def time(column: LiteralString) -> LiteralString:
    return f"""to_char({column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


def seconds(column: LiteralString) -> LiteralString:
    return f"trim_scale(extract(epoch from {column}))"


def page(
    view: LiteralString, key: LiteralString, shape: LiteralString, conditions: LiteralString = "", kind: LiteralString = "text"
) -> LiteralString:
    """A page of a view as {data, next_cursor}, after %(cursor)s, by its id, which is of that `kind`."""
    first: LiteralString = "0" if kind == "bigint" else "''"
    collation: LiteralString = "" if kind == "bigint" else 'collate "C"'
    return f"""
        select json_build_object(
            'data', coalesce(json_agg(t.shape order by t.id) filter (where t.place <= %(limit)s), '[]'),
            'next_cursor', max(t.id::text) filter (where t.place = %(limit)s and t.rows > %(limit)s)
        )::text
        from (
            select x.{key} as id, {shape} as shape, row_number() over (order by x.{key}) as place, count(*) over () as rows
            from (
                select * from {view} as x
                where x.{key} > coalesce(%(cursor)s::{kind}, {first}) {collation} {conditions}
                order by x.{key}
                limit %(limit)s + 1
            ) as x
        ) as t"""


RECORD: Final[LiteralString] = f"""
    'sync_id', m.sync_id,
    'collection_id', m.collection_id,
    'upstream_id', m.upstream_id,
    'updated_idx', m.updated_idx,
    'upstream_created_at', {time("m.upstream_created_at")},
    'upstream_updated_at', {time("m.upstream_updated_at")},
    'data', m.data,
    'deleted', m.deleted"""
