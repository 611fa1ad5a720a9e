insert into parked (position, tenant_id, kind, id, subject, reason, payload, meta, parked_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
