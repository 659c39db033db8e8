create or replace function sluice_internal._check_idle(sync_id text)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_kind text;
begin
    select w.kind into v_kind from sluice_internal.sync_work as w where w.sync_id = _check_idle.sync_id;
    if found then
        raise exception using
            errcode = 'SL166',
            message = format(
                case v_kind
                    when 'move' then 'sync "%s" is still on its way to its stream'
                    else 'sync "%s" still loses the records of collections that were dropped'
                end,
                _check_idle.sync_id
            ),
            hint = format('Pollers carry that on, and so does: select * from sync_tidy(%L). Then try again.', _check_idle.sync_id);
    end if;
end
$$;

comment on function sluice_internal._check_idle(text) is
'Raises SL166 while records of the sync are being moved or removed.';
