select string_agg(
    format('select %L, count(*) from %I', c.relname, c.relname), ' union all ' order by c.relname)
from pg_class c
where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p')
    and not c.relispartition and c.relname not like '\_sqlx%'
    and has_table_privilege(c.oid, 'select')
