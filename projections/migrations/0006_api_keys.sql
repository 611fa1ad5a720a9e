-- API keys, in the shape of every read model. What people call them stays sealed inside the state;
-- of the key itself nothing is here but what it begins with.

create table api_keys (
    tenant_id uuid not null,
    id uuid not null,
    version bigint not null,
    position bigint not null,
    state jsonb not null,
    owner uuid generated always as ((state ->> 'owner')::uuid) stored,
    prefix text collate "C" generated always as (state ->> 'prefix') stored,
    scopes jsonb generated always as (state -> 'scopes') stored,
    created_at timestamptz generated always as (instant(state ->> 'created_at')) stored,
    expires_at timestamptz generated always as (instant(state ->> 'expires_at')) stored,
    revoked_at timestamptz generated always as (instant(state ->> 'revoked_at')) stored,
    primary key (tenant_id, id)
);
create index api_keys_by_created on api_keys (tenant_id, created_at, id);
create index api_keys_by_expiry on api_keys (tenant_id, expires_at, id);
create index api_keys_by_owner on api_keys (tenant_id, owner, created_at, id);

create table api_keys_history (like api_keys including generated, valid_to bigint not null);
alter table api_keys_history rename position to valid_from;
alter table api_keys_history add primary key (tenant_id, id, valid_from);

select separate_tenants('api_keys'), separate_tenants('api_keys_history');
