insert into {table}_history (tenant_id, id, version, valid_from, valid_to, state)
select * from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::jsonb[])
