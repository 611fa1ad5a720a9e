with tables as (
    select c.oid, c.relname, c.relowner, c.relrowsecurity,
        has_schema_privilege(c.relnamespace, 'usage') and has_table_privilege(c.oid, 'select')
            as is_readable,
        has_table_privilege(c.oid, 'insert, update, delete, truncate') as is_writable,
        exists (
            select from pg_policy p
            where p.polrelid = c.oid and p.polname not in ('list_of_tenants', 'one_tenant')
                and exists (
                    select from unnest(p.polroles) as who
                    where who = 0 or pg_has_role(who, 'member'))
        ) as is_open
    from pg_class c
    where c.relnamespace = to_regnamespace(current_setting('search_path'))
        and c.relkind in ('r', 'p') and not c.relispartition
)
select r.rolname::text as name,
    r.rolsuper or r.rolbypassrls as passes_by,
    exists (select from tables where pg_has_role(relowner, 'member')) as owns,
    exists (select from tables where relname = 'checkpoint' and is_readable) as reads,
    exists (select from tables where is_writable) as writes,
    exists (
        select from pg_proc p
        where p.pronamespace = to_regnamespace(current_setting('search_path'))
            and p.proname = 'begin_extract' and has_function_privilege(p.oid, 'execute')
            and has_schema_privilege(p.pronamespace, 'usage')
    ) as extracts,
    array(
        select relname::text from tables where relrowsecurity and is_open order by relname
    ) as open,
    array(select relname::text from tables where relrowsecurity order by relname) as closed
from pg_roles r
where r.rolname = current_user
