-- Tenants have a slug, and may be suspended. The first one was created before there were slugs, and
-- is `main`; states are as the domain folds them, so what is not there says just that.

alter table tenants
    add column slug text collate "C"
        generated always as (coalesce(state ->> 'slug', 'main')) stored,
    add column suspended boolean
        generated always as (coalesce((state -> 'suspended')::boolean, false)) stored;
create index tenants_by_slug on tenants (slug, id);

alter table tenants_history
    add column slug text collate "C"
        generated always as (coalesce(state ->> 'slug', 'main')) stored,
    add column suspended boolean
        generated always as (coalesce((state -> 'suspended')::boolean, false)) stored;

-- Platform administrators are shown all tenants: their own rows in this one table, and nothing of
-- what belongs to them. Like the tenant, the setting holds for one transaction, and names a list
-- instead of a tenant; whoever names none sees no more than before.
create policy list_of_tenants on tenants for select using (
    (select current_setting('almanac.list', true)) = 'tenants');
