select 'index ' || pg_get_indexdef(i.indexrelid) as line
from pg_index i join pg_class t on t.oid = i.indrelid
where t.relnamespace = $1::regnamespace and i.indisvalid
union all
select 'key ' || t.relname || ' ' || c.conname || ' ' || pg_get_constraintdef(c.oid)
from pg_constraint c join pg_class t on t.oid = c.conrelid
where t.relnamespace = $1::regnamespace
union all
select format('table %s %s %s %s', t.relname, t.relrowsecurity, t.relforcerowsecurity,
    (select string_agg(acl::text, ' ' order by acl::text)
        from unnest(coalesce(t.relacl, acldefault('r', t.relowner))) as acl))
from pg_class t
where t.relnamespace = $1::regnamespace and t.relkind in ('r', 'p', 'v')
union all
select format('policy %s %s %s %s', p.tablename, p.policyname, p.roles, p.qual)
from pg_policies p
where p.schemaname = $1
union all
select 'schema ' || acl from pg_namespace n, unnest(n.nspacl) as acl where n.nspname = $1
order by line
