create or replace function sluice_internal._lock_key(
    kind int,
    number bigint,
    lane int
)
returns bigint
language sql
immutable
parallel safe
return (5321::bigint << 48) | (kind::bigint << 44) | (number << 9) | lane;

comment on function sluice_internal._lock_key(int, bigint, int) is
'The key of an advisory lock. Kind 1: a stream''s commit order (number: stream_no); 2: a consumer''s lane (consumer_no, lane); 3: the folding of counters and the trimming of streams; 4: a consumer''s existence (consumer_no); 5: a stream''s watchers (stream_no); 6: calls of a bounded consumer (consumer_no); 7: what a transaction took of one (consumer_no and how many); 8: changes of a sync (a hash of its id); 9: claims of mutations; 14: the folding of webhooks; 15: the compaction of leases. Inlined, so it pins no search path. Lock order: lanes, leases, records, then the streams of the transaction by number, at commit.';
