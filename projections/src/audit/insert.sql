insert into audit (tenant_id, position, index, record)
select * from unnest($1::uuid[], $2::bigint[], $3::integer[], $4::jsonb[])
on conflict (tenant_id, id) do nothing
