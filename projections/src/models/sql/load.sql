select m.tenant_id, m.id, m.version, m.position, m.state, pg_column_size(m.state) as size
from unnest($1::uuid[], $2::uuid[]) as wanted (tenant_id, id)
join {table} m on m.tenant_id = wanted.tenant_id and m.id = wanted.id
