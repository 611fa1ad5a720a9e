-- The columns that are not computed from others, table by table.
select c.relname::text as "table",
    string_agg(quote_ident(a.attname), ', ' order by a.attname) as columns
from pg_class c join pg_attribute a on a.attrelid = c.oid
where c.relnamespace = to_regnamespace(current_schema()) and c.relkind in ('r', 'p')
    and not c.relispartition and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
group by c.relname
