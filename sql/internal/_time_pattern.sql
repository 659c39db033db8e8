create or replace function sluice_internal._time_pattern(kind text)
returns text
language sql
immutable
parallel safe
return case kind
    when 'date' then '^'
    -- a year, and a day that its month has
    || '(?!0000)(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)'
    || '|02-(?:0[1-9]|1[0-9]|2[0-8]))|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)'
    || '$'
    when 'timestamptz' then '^'
    || '(?!0000)(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)'
    || '|02-(?:0[1-9]|1[0-9]|2[0-8]))|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)'
    || '[T ](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?(?:Z|[+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?)$'
end;

comment on function sluice_internal._time_pattern(text) is
'A pattern of texts that can be cast to date, or with their zone to timestamptz, without ever failing: the 31st of April is none. Inlined, so it pins no search path.';
