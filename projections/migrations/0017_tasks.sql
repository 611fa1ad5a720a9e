-- What was created together, and operations on many tasks, in the shape of every read model.

alter table tasks add column batch uuid generated always as ((state ->> 'batch')::uuid) stored;
alter table tasks_history
    add column batch uuid generated always as ((state ->> 'batch')::uuid) stored;
create index tasks_by_batch on tasks (tenant_id, batch, created_at, id) where batch is not null;

create table operations (
    tenant_id uuid not null,
    id uuid not null,
    version bigint not null,
    position bigint not null,
    state jsonb not null,
    started_at timestamptz generated always as (instant(state ->> 'started_at')) stored,
    finished_at timestamptz generated always as (instant(state ->> 'finished_at')) stored,
    primary key (tenant_id, id)
);
create index operations_open on operations (tenant_id, id) where finished_at is null;

create table operations_history (like operations including generated, valid_to bigint not null);
alter table operations_history rename position to valid_from;
alter table operations_history add primary key (tenant_id, id, valid_from);

select separate_tenants('operations'), separate_tenants('operations_history');
