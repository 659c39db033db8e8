"""What the HTTP API asks of the database about consumers: see `api`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, LiteralString

from pgsluice.db.serving import Ask
from pgsluice.db.shapes import RECORD, page, seconds, time

# ---------------------------------------------------------------- messages

_MESSAGES: Final[LiteralString] = f"""
select coalesce(json_agg(json_build_object(
    'ack_token', m.ack_token,
    'record', json_build_object({RECORD}, 'sync', json_build_object('external_id', m.external_id, 'metadata', m.sync_metadata)),
    'deliver_count', m.deliver_count
)), '[]')::text
from """
_NUMBERS: Final[LiteralString] = """
select json_build_object('num_pending', num_pending, 'num_ack_pending', num_ack_pending)::text from sluice.consumer_info(%s)"""
_SETTLED: Final[LiteralString] = "select json_build_object('accepted', s.accepted, 'rejected', s.rejected)::text from "


def consumer_next(consumer_id: str, batch_size: int, ack_tokens: Sequence[str] | None) -> Ask:
    return Ask("consume", _MESSAGES + "sluice.consumer_next(%s, %s, %s::text[]) as m", (consumer_id, batch_size, ack_tokens))


def consumer_peek(consumer_id: str, batch_size: int) -> Ask:
    return Ask("read", _MESSAGES + "sluice.consumer_peek(%s, %s) as m", (consumer_id, batch_size))


def consumer_numbers(consumer_id: str) -> Ask:
    return Ask("consume", _NUMBERS, (consumer_id,))


def consumer_ack(consumer_id: str, ack_tokens: Sequence[str]) -> Ask:
    return Ask("consume", _SETTLED + "sluice.consumer_ack(%s, %s::text[]) as s", (consumer_id, ack_tokens))


def consumer_nack(consumer_id: str, ack_tokens: Sequence[str], delay: timedelta) -> Ask:
    return Ask("consume", _SETTLED + "sluice.consumer_nack(%s, %s::text[], %s) as s", (consumer_id, ack_tokens, delay))


def consumer_extend(consumer_id: str, ack_tokens: Sequence[str], ack_wait: timedelta | None) -> Ask:
    return Ask("consume", _SETTLED + "sluice.consumer_extend(%s, %s::text[], %s) as s", (consumer_id, ack_tokens, ack_wait))


def consumer_term(consumer_id: str, ack_tokens: Sequence[str], reason: str | None) -> Ask:
    return Ask("consume", _SETTLED + "sluice.consumer_term(%s, %s::text[], %s) as s", (consumer_id, ack_tokens, reason))


# ---------------------------------------------------------------- consumers

# Of a row x of sluice.consumer_details.
_CONSUMER: Final[LiteralString] = f"""json_build_object(
    'id', x.consumer_id,
    'stream_id', x.stream_id,
    'name', x.consumer_id,
    'deliver_policy', x.deliver_policy,
    'ack_wait', {seconds("x.ack_wait")},
    'ack_wait_ms', trim_scale(extract(epoch from x.ack_wait) * 1000),
    'max_deliver', x.max_deliver,
    'max_ack_pending', x.max_ack_pending,
    'filter', x.filter,
    'metadata', x.metadata,
    'created_at', {time("x.created_at")},
    'num_pending', x.num_pending,
    'num_pending_estimated', x.num_pending_estimated,
    'num_ack_pending', x.num_ack_pending,
    'num_dead_letters', x.num_dead_letters,
    'paused', x.paused,
    'num_filtered', x.num_filtered,
    'lag', {seconds("x.lag")},
    'oldest_unacked_age', {seconds("x.oldest_unacked_age")}
)"""
_SHOWN: Final[LiteralString] = f"select {_CONSUMER}::text from "


def consumer_create(values: Mapping[str, Any]) -> Ask:
    """To be followed by `consumer_info`: a statement does not see what it makes."""
    statement: LiteralString = """
        select 'null'
        from sluice.consumer_create(
            %(id)s, %(stream_id)s, coalesce(%(deliver_policy)s, 'all'), coalesce(%(ack_wait)s, interval '60 seconds'),
            coalesce(%(max_deliver)s, -1), %(max_ack_pending)s, %(filter)s::jsonb, coalesce(%(metadata)s::jsonb, '{}')
        ) as c"""
    return Ask("manage", statement, values)


def consumer_update(values: Mapping[str, Any]) -> Ask:
    """To be followed by `consumer_info`, as above."""
    statement: LiteralString = """
        select 'null'
        from sluice.consumer_update(
            %(id)s, %(ack_wait)s, %(max_deliver)s, %(metadata)s::jsonb, %(max_ack_pending)s, %(filter)s::jsonb
        ) as c"""
    return Ask("manage", statement, values)


def consumer_info(consumer_id: str) -> Ask:
    return Ask("read", _SHOWN + "sluice.consumer_info(%s) as x", (consumer_id,))


def consumer_seek(consumer_id: str, target: str) -> Ask:
    return Ask("manage", _SHOWN + "sluice.consumer_seek(%s, %s) as x", (consumer_id, target))


def consumer_pause(consumer_id: str) -> Ask:
    return Ask("manage", _SHOWN + "sluice.consumer_pause(%s) as x", (consumer_id,))


def consumer_resume(consumer_id: str) -> Ask:
    return Ask("manage", _SHOWN + "sluice.consumer_resume(%s) as x", (consumer_id,))


def consumer_delete(consumer_id: str) -> Ask:
    return Ask("manage", "select 'null' from sluice.consumer_delete(%s) as d", (consumer_id,))


def consumers(values: Mapping[str, Any]) -> Ask:
    # The inner x hides the outer one, except from the function that it comes from.
    shape: LiteralString = f"(select {_CONSUMER} from sluice.consumer_info(x.consumer_id) as x)"
    condition: LiteralString = "and (%(stream_id)s::text is null or x.stream_id = %(stream_id)s)"
    return Ask("read", page("sluice.consumers", "consumer_id", shape, condition), values)


# ---------------------------------------------------------------- dead letters


def dead_letters(values: Mapping[str, Any]) -> Ask:
    """A page of {data, next_cursor} by updated_idx, of which a consumer has each once. No row for an unknown consumer."""
    statement: LiteralString = f"""
        select json_build_object(
            'data', coalesce(json_agg(t.shape order by t.updated_idx) filter (where t.place <= %(limit)s), '[]'),
            'next_cursor', (max(t.updated_idx) filter (where t.place = %(limit)s and t.rows > %(limit)s))::text
        )::text
        from sluice.consumers as c
        left join lateral (
            select
                x.updated_idx,
                row_number() over (order by x.updated_idx) as place,
                count(*) over () as rows,
                json_build_object(
                    'consumer_id', x.consumer_id, 'stream_id', x.stream_id, 'sync_id', x.sync_id, 'collection_id', x.collection_id,
                    'upstream_id', x.upstream_id, 'updated_idx', x.updated_idx, 'deliver_count', x.deliver_count, 'reason', x.reason,
                    'died_at', {time("x.died_at")}, 'superseded', x.superseded
                ) as shape
            from (
                select * from sluice.dead_letters as d
                where
                    d.consumer_id = c.consumer_id
                    and d.updated_idx > coalesce(%(cursor)s, 0)
                    and (%(sync_id)s::text is null or d.sync_id = %(sync_id)s)
                    and (%(collection_id)s::text is null or d.collection_id = %(collection_id)s)
                    and (%(upstream_id)s::text is null or d.upstream_id = %(upstream_id)s)
                order by d.updated_idx
                limit %(limit)s + 1
            ) as x
        ) as t on true
        where c.consumer_id = %(id)s
        group by c.consumer_id"""
    return Ask("read", statement, values)


_COUNT: Final[LiteralString] = "select json_build_object('count', n)::text from "
_WHICH: Final[LiteralString] = "(%(id)s, %(sync_id)s, %(collection_id)s, %(upstream_id)s) as n"


def dead_letter_retry(values: Mapping[str, Any]) -> Ask:
    return Ask("manage", _COUNT + "sluice.dead_letter_retry" + _WHICH, values)


def dead_letter_purge(values: Mapping[str, Any]) -> Ask:
    return Ask("manage", _COUNT + "sluice.dead_letter_purge" + _WHICH, values)
