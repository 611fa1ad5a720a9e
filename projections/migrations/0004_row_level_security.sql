-- Whose rows a session sees: those of the tenant it has named for its transaction, and none before
-- it has named one. Whoever is to see those of all tenants has a policy of its own (grants.sql).
-- `force` makes this hold for the owner of the tables as well, who has no such policy.

-- Closes a table with a `tenant_id`. A migration that makes one calls this.
create function separate_tenants(name regclass) returns void
    language plpgsql as $$
begin
    execute format('alter table %s enable row level security', name);
    execute format('alter table %s force row level security', name);
    -- After a transaction the setting is not null but empty. As a subquery it is read once for each
    -- statement, not for each row.
    execute format(
        'create policy one_tenant on %s for select using (
            tenant_id = (select nullif(current_setting(''almanac.tenant'', true), '''')::uuid))',
        name);
end $$;

select separate_tenants(name::regclass)
from unnest(array[
    'counts', 'jobs', 'jobs_history', 'parked', 'resource_types', 'resource_types_history',
    'resources', 'resources_history', 'tasks', 'tasks_history', 'tenants', 'tenants_history',
    'users', 'users_history'
]) as name;

-- Live feeds read what happened to everybody who listens at once: here, and only here, the setting
-- may name several tenants, with commas between them.
alter table event_log enable row level security;
alter table event_log force row level security;
create policy one_tenant on event_log for select using (
    tenant_id = any ((select string_to_array(
        nullif(current_setting('almanac.tenant', true), ''), ','))::uuid[]));

-- Partitions are read and written through their table, which has the policies. They have none, so
-- that by itself each is closed to everybody.
create function close_partition(name regclass) returns void
    language plpgsql as $$
begin
    execute format('alter table %s enable row level security', name);
    execute format('alter table %s force row level security', name);
end $$;

select close_partition(inhrelid::regclass) from pg_inherits where inhparent = 'event_log'::regclass;

-- The projector makes room as it goes, but owns no table: this runs as the owner, and finds its
-- tables here whatever the caller's search_path says.
create or replace function ensure_event_log_partitions(low bigint, high bigint) returns void
    language plpgsql security definer as $$
declare
    size constant bigint := 5000000;
    name text;
begin
    for n in low / size .. high / size loop
        name := 'event_log_' || n;
        if to_regclass(name) is null then
            execute format(
                'create table %I partition of event_log for values from (%s) to (%s)',
                name, n * size, (n + 1) * size);
            perform close_partition(name::regclass);
        end if;
    end loop;
end $$;

do $$
begin
    execute format(
        'alter function ensure_event_log_partitions(bigint, bigint) set search_path = %I, pg_temp',
        current_schema());
end $$;

revoke execute on function ensure_event_log_partitions(bigint, bigint) from public;
