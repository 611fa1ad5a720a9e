select n.nspname::text as schema,
    has_schema_privilege(n.oid, 'usage') and exists (
        select from pg_class c
        where c.relnamespace = n.oid and c.relname = 'checkpoint'
            and has_table_privilege(c.oid, 'select')) as is_open,
    exists (select from pg_class c where c.relnamespace = n.oid and c.relname = 'to_restore')
        as is_filling,
    (select coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint from pg_class c
        where c.relnamespace = n.oid and c.relkind in ('r', 'p')) as bytes
from pg_namespace n
where n.nspname in ('app', 'app_next', 'app_previous')
