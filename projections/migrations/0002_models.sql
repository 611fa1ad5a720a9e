-- One shape for every read model.
--
-- The row holds the state that the domain folds from the aggregate's events; every column that is
-- filtered, sorted or shown to analysts is generated from it and cannot disagree with it.
-- `position` is where the version began. `<model>_history` holds the versions that have ended, from
-- `valid_from` up to but without `valid_to`. What has ended its life is in the history only.

create table jobs (
    tenant_id uuid not null,
    id uuid not null,
    version bigint not null,
    position bigint not null,
    state jsonb not null,
    name text collate "C" generated always as (state ->> 'name') stored,
    status text generated always as (state ->> 'status') stored,
    schedule_type text generated always as (state -> 'schedule' ->> 'type') stored,
    task_kind text generated always as (state -> 'task' ->> 'kind') stored,
    origin_source text generated always as (state -> 'origin' ->> 'source') stored,
    origin_reference text generated always as (state -> 'origin' ->> 'reference') stored,
    created_at timestamptz generated always as (instant(state ->> 'created_at')) stored,
    updated_at timestamptz generated always as (instant(state ->> 'updated_at')) stored,
    primary key (tenant_id, id)
);
create index jobs_by_name on jobs (tenant_id, name, id);
create index jobs_by_created on jobs (tenant_id, created_at, id);
create index jobs_by_updated on jobs (tenant_id, updated_at, id);

create table resource_types (
    tenant_id uuid not null,
    id uuid not null,
    version bigint not null,
    position bigint not null,
    state jsonb not null,
    name text collate "C" generated always as (state ->> 'name') stored,
    created_at timestamptz generated always as (instant(state ->> 'created_at')) stored,
    updated_at timestamptz generated always as (instant(state ->> 'updated_at')) stored,
    primary key (tenant_id, id)
);
create index resource_types_by_name on resource_types (tenant_id, name, id);

create table resources (
    tenant_id uuid not null,
    id uuid not null,
    version bigint not null,
    position bigint not null,
    state jsonb not null,
    type text collate "C" generated always as (state ->> 'type') stored,
    name text collate "C" generated always as (state ->> 'name') stored,
    labels jsonb generated always as (state -> 'labels') stored,
    origin_source text generated always as (state -> 'origin' ->> 'source') stored,
    origin_reference text generated always as (state -> 'origin' ->> 'reference') stored,
    created_at timestamptz generated always as (instant(state ->> 'created_at')) stored,
    updated_at timestamptz generated always as (instant(state ->> 'updated_at')) stored,
    primary key (tenant_id, id)
);
create index resources_by_name on resources (tenant_id, name, id);
create index resources_by_type on resources (tenant_id, type, name, id);
create index resources_by_created on resources (tenant_id, created_at, id);
create index resources_by_updated on resources (tenant_id, updated_at, id);
create index resources_by_label on resources using gin (labels jsonb_path_ops);

create table tasks (
    tenant_id uuid not null,
    id uuid not null,
    version bigint not null,
    position bigint not null,
    state jsonb not null,
    status text collate "C" generated always as (state ->> 'status') stored,
    kind text collate "C" generated always as (state -> 'spec' ->> 'kind') stored,
    priority text generated always as (state -> 'spec' ->> 'priority') stored,
    job_id uuid generated always as ((state -> 'origin' ->> 'job_id')::uuid) stored,
    slot timestamptz generated always as (instant(state -> 'origin' ->> 'slot')) stored,
    skipped text generated always as (state ->> 'skipped') stored,
    attempt integer generated always as ((state -> 'attempt' ->> 'number')::integer) stored,
    worker text generated always as (state -> 'attempt' ->> 'worker') stored,
    error_code text generated always as (state -> 'error' ->> 'code') stored,
    due_at timestamptz generated always as (instant(state ->> 'due_at')) stored,
    created_at timestamptz generated always as (instant(state ->> 'created_at')) stored,
    updated_at timestamptz generated always as (instant(state ->> 'updated_at')) stored,
    finished_at timestamptz generated always as (instant(state ->> 'finished_at')) stored,
    primary key (tenant_id, id)
);
create index tasks_by_created on tasks (tenant_id, created_at, id);
create index tasks_by_updated on tasks (tenant_id, updated_at, id);
create index tasks_by_status on tasks (tenant_id, status, created_at, id);
create index tasks_by_slot on tasks (tenant_id, job_id, slot) where job_id is not null;
create index tasks_open on tasks (tenant_id, id)
    where status in ('queued', 'retrying', 'running', 'scheduled');

create table tenants (
    tenant_id uuid not null,
    id uuid not null,
    version bigint not null,
    position bigint not null,
    state jsonb not null,
    name text collate "C" generated always as (state ->> 'name') stored,
    created_at timestamptz generated always as (instant(state ->> 'created_at')) stored,
    primary key (tenant_id, id)
);

-- Personal text stays sealed inside the state, so no column shows it.
create table users (
    tenant_id uuid not null,
    id uuid not null,
    version bigint not null,
    position bigint not null,
    state jsonb not null,
    role text generated always as (state ->> 'role') stored,
    disabled boolean generated always as ((state -> 'disabled')::boolean) stored,
    created_at timestamptz generated always as (instant(state ->> 'created_at')) stored,
    updated_at timestamptz generated always as (instant(state ->> 'updated_at')) stored,
    primary key (tenant_id, id)
);
create index users_by_created on users (tenant_id, created_at, id);

create table jobs_history (like jobs including generated, valid_to bigint not null);
create table resource_types_history
    (like resource_types including generated, valid_to bigint not null);
create table resources_history (like resources including generated, valid_to bigint not null);
create table tasks_history (like tasks including generated, valid_to bigint not null);
create table tenants_history (like tenants including generated, valid_to bigint not null);
create table users_history (like users including generated, valid_to bigint not null);

alter table jobs_history rename position to valid_from;
alter table resource_types_history rename position to valid_from;
alter table resources_history rename position to valid_from;
alter table tasks_history rename position to valid_from;
alter table tenants_history rename position to valid_from;
alter table users_history rename position to valid_from;

alter table jobs_history add primary key (tenant_id, id, valid_from);
alter table resource_types_history add primary key (tenant_id, id, valid_from);
alter table resources_history add primary key (tenant_id, id, valid_from);
alter table tasks_history add primary key (tenant_id, id, valid_from);
alter table tenants_history add primary key (tenant_id, id, valid_from);
alter table users_history add primary key (tenant_id, id, valid_from);
