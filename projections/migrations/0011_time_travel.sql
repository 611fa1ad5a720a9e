-- What any past is read by: the times of the log, and the orders of lists over versions that have
-- ended.

-- When commits were: a row for each after which none bears an earlier or the same time. So the last
-- row at or before a time is the last commit at or before it, also where clocks disagree. It
-- belongs to no tenant.
create table moments (
    position bigint primary key,
    -- The time of that commit.
    at timestamptz not null unique,
    -- The latest time of any commit up to it.
    latest timestamptz not null
);

-- What is there already. The owner is shown no rows but for the length of this.
alter table event_log no force row level security;
alter table parked no force row level security;
insert into moments (position, at, latest)
select position, at, latest
from (
    select position, at, max(at) over up_to as latest, min(at) over after as earliest
    from (
        select position, occurred_at as at from event_log where index = 0
        union all
        select position, parked_at from parked where parked_at is not null
    ) as commits
    window up_to as (order by position),
        after as (order by position rows between 1 following and unbounded following)
) as known
where earliest is null or at < earliest;
alter table event_log force row level security;
alter table parked force row level security;

-- Lists go through ended versions in the orders of the current rows. Whether a version held at a
-- position is told by the entry of the index, without its row; also of the current ones.
do $$
declare
    model text;
    key text;
    word text;
begin
    for model, key, word in
        values ('api_keys', 'created_at', 'created'), ('api_keys', 'expires_at', 'expiry'),
            ('jobs', 'created_at', 'created'), ('jobs', 'name', 'name'),
            ('jobs', 'updated_at', 'updated'),
            ('resource_types', 'name', 'name'),
            ('resources', 'created_at', 'created'), ('resources', 'name', 'name'),
            ('resources', 'updated_at', 'updated'),
            ('tasks', 'created_at', 'created'), ('tasks', 'updated_at', 'updated'),
            ('users', 'created_at', 'created')
    loop
        execute format('drop index %I', model || '_by_' || word);
        execute format(
            'create index %I on %I (tenant_id, %I, id, position)',
            model || '_by_' || word, model, key);
        execute format(
            'create index %I on %I (tenant_id, %I, id, valid_from, valid_to)',
            model || '_history_by_' || word, model || '_history', key);
    end loop;
    -- For a moment of not long ago, when few versions had not ended that have now.
    foreach model in array array[
        'api_keys', 'jobs', 'resource_types', 'resources', 'tasks', 'users'
    ] loop
        execute format(
            'create index %I on %I (tenant_id, valid_to)',
            model || '_history_by_end', model || '_history');
    end loop;
    -- For a moment of long ago, where no time bounds the order.
    foreach model in array array['jobs', 'resource_types', 'resources'] loop
        execute format(
            'create index %I on %I (tenant_id, valid_from)',
            model || '_history_by_begin', model || '_history');
    end loop;
end $$;

-- Platform administrators list the tenants of any moment, as they do those of now.
create policy list_of_tenants on tenants_history for select using (
    (select current_setting('almanac.list', true)) = 'tenants');
