-- Every event, for SQL over the log and as its second copy.
--
-- Partitioned by position and not by month: positions only grow, so exactly one partition is
-- written; the same log gives the same partitions whenever it is replayed; the key can lead with
-- the position; and the projector, which has no clock, knows when the next one is due.

create table event_log (
    position bigint not null,
    index integer not null,
    event_id text generated always as (position::text || '.' || index::text) stored,
    tenant_id uuid not null,
    kind text not null,
    id uuid not null,
    version bigint not null,
    type text not null,
    schema_version integer not null,
    occurred_at timestamptz not null,
    actor text not null,
    command_id uuid not null,
    correlation_id uuid not null,
    causation_id uuid,
    traceparent text,
    -- The digest of the commit that holds it: what the next commit of the aggregate must follow.
    hash bytea not null,
    data jsonb not null,
    primary key (position, index)
) partition by range (position);

create index event_log_by_aggregate on event_log (tenant_id, kind, id, version);
create index event_log_by_time on event_log using brin (occurred_at);

-- The partitions from the one that holds `low` to the one that holds `high`, where they are
-- missing. 5,000,000 positions each: some gigabytes, so that one can be detached, kept elsewhere
-- and dropped.
create function ensure_event_log_partitions(low bigint, high bigint) returns void
    language plpgsql as $$
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
        end if;
    end loop;
end $$;
