create or replace function sluice_internal._authorized("right" text)
returns boolean
language sql
stable
return coalesce(
    -- Inside a security definer function current_user is the owner, so the login or its SET ROLE is asked.
    -- Where the roles were not installed, to_regrole is null, and EXECUTE alone decides.
    pg_has_role(
        case current_setting('role') when 'none' then session_user else current_setting('role')::name end,
        to_regrole('sluice_' || "right"),
        'member'
    ),
    true
);

comment on function sluice_internal._authorized(text) is
'Whether the caller holds the right. Inlined, so it pins no search path; _authorize raises what is to be said if not.';
