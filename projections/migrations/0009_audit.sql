-- Who did or tried what, as the stream AUDIT keeps it: no read model of the log, but rows with a
-- checkpoint of their own that end when their records do.
--
-- Ordered by time and not by position, since gateways write each by itself. Personal text is sealed
-- inside the record; an address is found by a digest that only gateways can make.

create table audit_checkpoint (
    -- One row.
    single boolean primary key default true check (single),
    -- Which stream.
    incarnation text not null,
    -- The last message whose records are rows; 0 is before the first.
    position bigint not null check (position >= 0)
);

create table audit (
    tenant_id uuid not null,
    -- The message of the stream, and the place in it.
    position bigint not null,
    index integer not null,
    record jsonb not null,
    id uuid not null generated always as ((record ->> 'id')::uuid) stored,
    at timestamptz not null generated always as (instant(record ->> 'at')) stored,
    count bigint generated always as ((record -> 'count')::bigint) stored,
    actor text collate "C" generated always as (record ->> 'actor') stored,
    on_behalf_of text collate "C" generated always as (record ->> 'on_behalf_of') stored,
    session_id uuid generated always as ((record ->> 'session_id')::uuid) stored,
    method text collate "C" generated always as (record ->> 'method') stored,
    route text collate "C" generated always as (record ->> 'route') stored,
    target_kind text collate "C" generated always as (record ->> 'target_kind') stored,
    target_id text collate "C" generated always as (record ->> 'target_id') stored,
    result text collate "C" generated always as (record ->> 'result') stored,
    status integer generated always as ((record -> 'status')::integer) stored,
    code text collate "C" generated always as (record ->> 'code') stored,
    command_id uuid generated always as ((record ->> 'command_id')::uuid) stored,
    address_digest text collate "C"
        generated always as (record -> 'origin' ->> 'digest') stored,
    primary key (position, index)
);
-- Also what makes a record that was stored twice one row.
create unique index audit_by_id on audit (tenant_id, id);
create index audit_by_time on audit (tenant_id, at, id);
create index audit_by_actor on audit (tenant_id, actor, at, id);
create index audit_by_target on audit (tenant_id, target_id, at, id) where target_id is not null;
create index audit_by_address on audit (tenant_id, address_digest, at, id)
    where address_digest is not null;
create index audit_by_command on audit (tenant_id, command_id) where command_id is not null;
create index audit_by_result on audit (tenant_id, result, at, id) where result <> 'allowed';

select separate_tenants('audit');

-- Commits of people that no record speaks of: what a gateway did that was killed before it could
-- say so, and all from before there was an audit or from longer ago than it is kept.
create view unaudited with (security_invoker = true) as
select e.tenant_id, e.position, e.occurred_at, e.actor, e.command_id, e.kind, e.id, e.type
from event_log e
where e.actor not like 'system:%'
    and not exists (
        select from audit a where a.tenant_id = e.tenant_id and a.command_id = e.command_id);

comment on view unaudited is
    'Events that people caused and that no record of the audit speaks of';
