-- What is not derived from the log moves along.
alter table app_previous.audit_checkpoint set schema app;
alter table app_previous.audit set schema app;
alter function app_previous.audit_instant(text) set schema app;
-- They ask for what is in the other edition; `grants.sql` makes them anew.
drop policy extracts on app.audit;
drop policy views on app.audit;

-- Functions that find their tables whatever the caller's search_path says.
do $$
declare
    found record;
begin
    for found in
        select p.oid::regprocedure as function, n.nspname as here
        from pg_proc p
        join pg_namespace n on n.oid = p.pronamespace
        cross join unnest(p.proconfig) as setting
        where n.nspname in ('app', 'app_previous') and starts_with(setting, 'search_path=')
    loop
        execute format('alter function %s set search_path = %I, pg_temp',
            found.function, found.here);
    end loop;
end $$;

-- Nobody serves from what is kept.
revoke usage on schema app_previous
    from almanac_gateway, almanac_scheduler, almanac_worker;
set local search_path = app;
