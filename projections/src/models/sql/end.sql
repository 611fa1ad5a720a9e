delete from {table} m
using unnest($1::uuid[], $2::uuid[]) as ended (tenant_id, id)
where m.tenant_id = ended.tenant_id and m.id = ended.id
