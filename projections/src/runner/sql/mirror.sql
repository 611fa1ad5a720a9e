insert into event_log (
    position, index, tenant_id, kind, id, version, type, schema_version, occurred_at, actor,
    command_id, correlation_id, causation_id, traceparent, hash, data
)
select * from unnest(
    $1::bigint[], $2::integer[], $3::uuid[], $4::text[], $5::uuid[], $6::bigint[], $7::text[],
    $8::integer[], $9::timestamptz[], $10::text[], $11::uuid[], $12::uuid[], $13::uuid[],
    $14::text[], $15::bytea[], $16::jsonb[]
)
