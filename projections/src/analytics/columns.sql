select c.relname::text as view, a.attname::text as column
from pg_class c
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relnamespace = $1::regnamespace and c.relkind = 'v'
order by c.relname, a.attnum
