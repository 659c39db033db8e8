-- What the specs stand on: a stream `s` fed by `y` and read by `c`, made afresh for each permutation.
create table public.held (
    no int generated always as identity,
    consumer text,
    upstream_id text,
    ack_token text
);
create table public.seen (idx bigint);

create function public.world(lanes int default 4, max_deliver int default -1, max_ack_pending int default null) returns void language plpgsql as $$
begin
    perform sluice.stream_create('s', lanes);
    perform sluice.sync_create('s', 'push', 'y');
    perform sluice.consumer_create(
        'c', 's', ack_wait => '1 day', max_deliver => world.max_deliver, max_ack_pending => world.max_ack_pending
    );
    insert into public.seen values (0);
end $$;

-- This release has no way to delete a sync, so the tables are emptied.
create function public.end_world() returns void language plpgsql as $$
declare
    v_table regclass;
begin
    perform sluice.consumer_delete(consumer_id) from sluice.consumers;
    for v_table in
        select c.oid::regclass from pg_class as c
        where c.relnamespace = 'sluice_internal'::regnamespace and c.relkind = 'r' and c.relname not in ('migrations', 'installs', 'streams')
    loop
        execute format('truncate %s cascade', v_table);
    end loop;
    truncate sluice.records, public.held, public.seen;
    perform sluice.stream_delete(stream_id) from sluice.streams;
end $$;

-- Pushes one object, or several alike.
create function public.push(ids text, data jsonb, at text default null, sync text default 'y')
returns table (new int, changed int, unchanged int, refused int) language sql as $$
    select i.new, i.changed, i.unchanged, i.refused
    from sluice.record_ingest(sync, 'push:o', (
        select jsonb_agg(jsonb_build_object('upstream_id', u.id, 'data', data, 'upstream_updated_at', at) order by u.n)
        from unnest(string_to_array(ids, ' ')) with ordinality as u (id, n)
    )) as i
$$;

create function public.gone(id text) returns table (new int, changed int, unchanged int, refused int) language sql as $$
    select * from sluice.record_ingest('y', 'push:o', jsonb_build_array(jsonb_build_object('upstream_id', id, 'deleted', true)))
$$;

-- Takes messages and notes their tokens.
create function public.take(size int default 10, consumer text default 'c')
returns table (id text, data jsonb, deleted boolean, count int) language plpgsql as $$
begin
    return query
    with m as (select * from sluice.consumer_next(take.consumer, take.size)),
    kept as (insert into public.held (consumer, upstream_id, ack_token) select take.consumer, m.upstream_id, m.ack_token from m)
    select m.upstream_id, m.data, m.deleted, m.deliver_count from m order by m.upstream_id;
end $$;

-- The tokens under which some records were last taken, or before that.
create function public.tokens(ids text, back int default 0, consumer text default 'c') returns text[] language sql as $$
    select array_agg((
        select h.ack_token from public.held as h where h.upstream_id = u.id and h.consumer = tokens.consumer order by h.no desc offset back limit 1
    ) order by u.n)
    from unnest(string_to_array(ids, ' ')) with ordinality as u (id, n)
$$;

create function public.ack(ids text, back int default 0, strict boolean default false) returns table (accepted int, rejected int)
language sql as $$
    select a.accepted, cardinality(a.rejected) from sluice.consumer_ack('c', public.tokens(ids, back), strict) as a
$$;

create function public.nack(ids text, delay interval default '0') returns table (accepted int, rejected int) language sql as $$
    select a.accepted, cardinality(a.rejected) from sluice.consumer_nack('c', public.tokens(ids), delay) as a
$$;

create function public.extend(ids text, by interval default null, back int default 0) returns table (accepted int, rejected int)
language sql as $$
    select e.accepted, cardinality(e.rejected) from sluice.consumer_extend('c', public.tokens(ids, back), by) as e
$$;

create function public.term(ids text) returns table (accepted int, rejected int) language sql as $$
    select t.accepted, cardinality(t.rejected) from sluice.consumer_term('c', public.tokens(ids)) as t
$$;

create function public.seek(target text) returns table (pending bigint, in_flight bigint) language sql as $$
    select s.num_pending, s.num_ack_pending from sluice.consumer_seek('c', target) as s
$$;

-- A reader that remembers how far it has read, and reads on from there.
create function public.read_on() returns table (id text, data jsonb) language plpgsql as $$
declare
    v_from bigint := (select max(seen.idx) from public.seen);
begin
    insert into public.seen select max(r.updated_idx) from sluice.records as r having max(r.updated_idx) > v_from;
    return query select r.upstream_id, r.data from sluice.records as r
    where r.updated_idx > v_from and r.updated_idx <= (select max(seen.idx) from public.seen) order by r.updated_idx;
end $$;

-- Lets every lease and delay of the consumer run out.
create function public.age(by interval default '2 days') returns void language sql as $$
    update sluice_internal.consumer_steps set leased_until = leased_until - by, next_due = next_due - by;
    update sluice_internal.consumer_settlements set due_at = due_at - by;
$$;

create function public.flight() returns table (id text, leased boolean, count int) language sql as $$
    select m.upstream_id, m.leased, m.deliver_count from sluice.messages_in_flight as m order by m.upstream_id, m.deliver_count
$$;

create function public.dead() returns table (id text, count int, superseded boolean) language sql as $$
    select d.upstream_id, d.deliver_count, d.superseded from sluice.dead_letters as d order by d.upstream_id
$$;
