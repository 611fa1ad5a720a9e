-- What tenants have set, in the shape of every read model: one row of each that has ever changed
-- anything. What holds where nothing is set, the domain knows.

create table settings (
    tenant_id uuid not null,
    id uuid not null,
    version bigint not null,
    position bigint not null,
    state jsonb not null,
    changed_at timestamptz generated always as (instant(state ->> 'changed_at')) stored,
    "values" jsonb generated always as (state -> 'values') stored,
    primary key (tenant_id, id)
);

create table settings_history (like settings including generated, valid_to bigint not null);
alter table settings_history rename position to valid_from;
alter table settings_history add primary key (tenant_id, id, valid_from);

select separate_tenants('settings'), separate_tenants('settings_history');
