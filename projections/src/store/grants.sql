-- Who may do what, whatever was granted before; idempotent, and run after every migration. Roles
-- belong to the whole cluster and have passwords, so whoever runs the cluster makes them.
do $$
declare
    reader text;
    found regclass;
    is_schedule boolean;
    here constant text := current_schema();
begin
    perform pg_advisory_xact_lock(hashtextextended('almanac schema', 0));
    foreach reader in array array[
        'almanac_gateway', 'almanac_projector', 'almanac_scheduler', 'analyst'
    ] loop
        if not exists (select from pg_roles where rolname = reader) then
            raise exception 'the role % is missing; make it with: create role % login password …',
                reader, reader;
        end if;
        execute format('grant connect on database %I to %I', current_database(), reader);
        execute format('revoke all on all tables in schema %I from %I', here, reader);
        execute format('grant usage on schema %I to %I', here, reader);
    end loop;
    -- No temporary tables, nor sessions of roles that are nobody here.
    execute format('revoke all on database %I from public', current_database());
    execute format('revoke all on schema %I from public', 'public');

    for found in
        select c.oid from pg_class c
        where c.relnamespace = here::regnamespace and c.relkind in ('r', 'p', 'v')
            and not c.relispartition and c.relname not like '\_sqlx%'
    loop
        execute format('grant select on %s to analyst', found);
    end loop;

    -- Those who see the rows of all tenants.
    for found, is_schedule in
        select c.oid, c.relname in ('jobs', 'tasks') from pg_class c
        where c.relnamespace = here::regnamespace and c.relrowsecurity and not c.relispartition
            and not exists (
                select from pg_policy p where p.polrelid = c.oid and p.polname = 'projector')
    loop
        execute format(
            'create policy projector on %s to almanac_projector using (true) with check (true)',
            found);
        execute format('create policy analyst on %s for select to analyst using (true)', found);
        if is_schedule then
            execute format(
                'create policy scheduler on %s for select to almanac_scheduler using (true)',
                found);
        end if;
    end loop;
end $$;

-- The gateway reads what the API shows or has shown, of the tenant it has named; of what is parked
-- only where.
grant select on
    api_keys, api_keys_history, audit, checkpoint, counts, event_log, jobs, jobs_history, moments,
    resource_types, resource_types_history, resources, resources_history, settings,
    settings_history, tasks, tasks_history, tenants, tenants_history, users, users_history
    to almanac_gateway;
grant select (position, tenant_id, kind, id) on parked to almanac_gateway;

-- The scheduler reads what is to happen.
grant select on checkpoint, jobs, tasks to almanac_scheduler;

-- The projector writes what the log says, and takes nothing of what has ended back.
grant select, insert, update on checkpoint, counts to almanac_projector;
grant select, insert, update, delete on
    api_keys, jobs, resource_types, resources, settings, tasks, tenants, users
    to almanac_projector;
grant select, insert, delete on moments to almanac_projector;
grant select, insert on
    api_keys_history, event_log, jobs_history, parked, resource_types_history, resources_history,
    settings_history, tasks_history, tenants_history, users_history
    to almanac_projector;

-- What the audit's stream no longer keeps has no row either.
grant select, insert, update on audit_checkpoint to almanac_projector;
grant select, insert, delete on audit to almanac_projector;
grant execute on function ensure_event_log_partitions(bigint, bigint) to almanac_projector;
