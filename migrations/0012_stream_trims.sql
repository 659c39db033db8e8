-- What a stream has to be rid of: entries of its log that a later version of their record has replaced, or whose record is gone, and times that
-- nobody needs to the second any more.

create table sluice_internal.stream_trims (
    stream_no int primary key,
    kept bigint not null default 0,
    replaced bigint not null default 0,
    lane smallint,
    after_idx bigint,
    pass_kept bigint,
    times_until timestamptz,
    check ((lane is null) = (after_idx is null) and (lane is null) = (pass_kept is null))
) with (fillfactor = 50);
comment on table sluice_internal.stream_trims is
'How far each stream''s log of positions is due to be trimmed, how far a pass over it has come, and up to when its times are thinned out. No reference to streams: the log of one that is deleted goes by a pass of its own.';
comment on column sluice_internal.stream_trims.kept is 'About how many entries are current.';
comment on column sluice_internal.stream_trims.replaced is 'How many entries were replaced, or lost their record, since the last pass began.';
comment on column sluice_internal.stream_trims.lane is 'Of the pass under way, with after_idx: the last entry that was looked at. Null: there is none.';
comment on column sluice_internal.stream_trims.times_until is 'Before this, stream_times has one row a minute.';

-- What was written before this is due at once; streams that are deleted have left their log behind.
insert into sluice_internal.stream_trims (stream_no, replaced)
with recursive known as (
    (
        select p.stream_no
        from sluice_internal.positions as p
        order by p.stream_no
        limit 1
    )
    union all
    select (
        select p.stream_no
        from sluice_internal.positions as p
        where p.stream_no > k.stream_no
        order by p.stream_no
        limit 1
    )
    from known as k
    where k.stream_no is not null
)

select
    k.stream_no,
    10000 as replaced
from known as k
where k.stream_no is not null
union
select
    s.stream_no,
    10000 as replaced
from sluice_internal.streams as s;

alter table sluice_internal.count_deltas add column stream_no int;
comment on column sluice_internal.count_deltas.stream_no is 'Where entries of these records are left that nobody needs; null: nowhere.';
