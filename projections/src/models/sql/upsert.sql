insert into {table} (tenant_id, id, version, position, state)
select * from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::jsonb[])
on conflict (tenant_id, id) do update
set version = excluded.version, position = excluded.position, state = excluded.state
where {table}.version < excluded.version
