-- Who may do what, whatever was granted before; idempotent, and run after every migration. Roles
-- belong to the whole cluster and have passwords, so whoever runs the cluster makes them.
do $$
declare
    reader text;
    found regclass;
    reading text;
    here constant text := current_schema();
    -- What views show. Analysts have no right to any table, and who began their session is the one
    -- thing about them that they cannot change: `analyst` sees all tenants, and so does who keeps
    -- tables of figures (infra/dbt); `analyst_<slug>` sees one.
    everybody constant text := $of$(select session_user) in ('almanac_dbt', 'analyst')$of$;
    -- Reports and exports see the tenant that their transaction has said before (extracts), and of
    -- users only where it has said that as well.
    worker constant text := $of$(select session_user) = 'almanac_worker'$of$;
    extracted constant text := $of$(select e.tenant from extracts e
        where e.xact = pg_current_xact_id_if_assigned())$of$;
    of_people constant text := $of$(select e.of_people from extracts e
        where e.xact = pg_current_xact_id_if_assigned())$of$;
    slug constant text := $of$(select substr(session_user::text, length('analyst_') + 1)
        where starts_with(session_user::text, 'analyst_'))$of$;
begin
    perform pg_advisory_xact_lock(hashtextextended('almanac schema', 0));
    foreach reader in array array[
        'almanac_auditor', 'almanac_gateway', 'almanac_projector', 'almanac_scheduler',
        'almanac_worker', 'analyst'
    ] loop
        if not exists (select from pg_roles where rolname = reader) then
            raise exception 'the role % is missing; make it with: create role % login password …',
                reader, reader;
        end if;
        execute format('grant connect on database %I to %I', current_database(), reader);
        execute format('revoke all on all tables in schema %I from %I', here, reader);
        execute format('revoke all on schema %I from %I', here, reader);
        -- What analysts see is in a schema of its own.
        if reader <> 'analyst' then
            execute format('grant usage on schema %I to %I', here, reader);
        end if;
    end loop;
    -- No temporary tables, nor sessions of roles that are nobody here.
    execute format('revoke all on database %I from public', current_database());
    execute format('revoke all on schema %I from public', 'public');

    for found in
        select c.oid from pg_class c
        where c.relnamespace = here::regnamespace and c.relkind in ('r', 'p', 'v')
            and not c.relispartition and c.relname not like '\_sqlx%'
    loop
        execute format('grant select on %s to almanac_auditor', found);
    end loop;

    -- Whoever names a tenant sees it: that is for gateways alone, and must not hold for the owner,
    -- with whose rights views read.
    for found, reading in
        select c.oid, p.polname from pg_class c join pg_policy p on p.polrelid = c.oid
        where c.relnamespace = here::regnamespace and p.polroles = '{0}'
    loop
        execute format('alter policy %I on %s to almanac_gateway', reading, found);
    end loop;
    -- Analysts of before read the tables themselves.
    for found in
        select c.oid from pg_class c join pg_policy p on p.polrelid = c.oid
        where c.relnamespace = here::regnamespace and p.polname = 'analyst'
    loop
        execute format('drop policy analyst on %s', found);
    end loop;

    -- Those who see the rows of all tenants, and what views show.
    for found, reader, reading in
        select c.oid, w.policy, w.reading
        from pg_class c
        cross join lateral (values
            ('auditor', 'for select to almanac_auditor using (true)'),
            ('projector', 'to almanac_projector using (true) with check (true)'),
            ('scheduler', 'for select to almanac_scheduler using (true)'),
            ('views', format('for select to current_user using (%s or %s)', everybody,
                case c.relname
                    when 'tenants' then format('slug = %s', slug)
                    else format(
                        'tenant_id = (select t.id from tenants t where t.slug = %s)', slug)
                end)),
            ('extracts', format('for select to current_user using (%s and %s = %s and %s)', worker,
                case c.relname when 'tenants' then 'id' else 'tenant_id' end, extracted,
                case
                    when c.relname in (
                        'counts', 'jobs', 'parked', 'resource_types', 'resources', 'tasks',
                        'tenants') then 'true'
                    when c.relname = 'event_log' then format(
                        $of$(kind in ('job', 'resource', 'resource_type', 'task') or %s)$of$,
                        of_people)
                    else of_people
                end))
        ) as w (policy, reading)
        where c.relnamespace = here::regnamespace and c.relrowsecurity and not c.relispartition
            and (w.policy <> 'scheduler' or c.relname in (
                'jobs', 'operations', 'tasks', 'tasks_history'))
            and not exists (
                select from pg_policy p where p.polrelid = c.oid and p.polname = w.policy)
    loop
        execute format('create policy %I on %s %s', reader, found, reading);
    end loop;
end $$;

-- The gateway reads what the API shows or has shown, of the tenant it has named; of what is parked
-- only where.
grant select on
    api_keys, api_keys_history, audit, checkpoint, counts, event_log, jobs, jobs_history, moments,
    operations, operations_history, resource_types, resource_types_history, resources,
    resources_history, settings, settings_history, tasks, tasks_history, tenants,
    tenants_history, users, users_history
    to almanac_gateway;
grant select (position, tenant_id, kind, id) on parked to almanac_gateway;

-- Who makes reports and exports reads what views show and nothing else.
grant execute on function begin_extract(uuid, boolean) to almanac_worker;

-- The scheduler reads what is to happen.
grant select on checkpoint, jobs, operations, tasks, tasks_history to almanac_scheduler;

-- The projector writes what the log says, and takes nothing of what has ended back.
grant select, insert, update on checkpoint, counts to almanac_projector;
grant select, insert, update, delete on
    api_keys, jobs, operations, resource_types, resources, settings, tasks, tenants, users
    to almanac_projector;
grant select, insert, delete on moments to almanac_projector;
grant select, insert on
    api_keys_history, event_log, jobs_history, operations_history, resource_types_history,
    resources_history, settings_history, skipped_commits, tasks_history, tenants_history,
    users_history
    to almanac_projector;

-- What is parked is applied or left out one day, or parked for another reason.
grant select, insert, delete on parked to almanac_projector;
grant update (reason) on parked to almanac_projector;

-- What the audit's stream no longer keeps has no row either.
grant select, insert, update on audit_checkpoint to almanac_projector;
grant select, insert, delete on audit to almanac_projector;
grant execute on function ensure_event_log_partitions(bigint, bigint) to almanac_projector;
