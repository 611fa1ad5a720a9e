insert into skipped_commits (
    position, tenant_id, kind, id, subject, reason, payload, meta, parked_at,
    version, hash, skipped_at, skipped_by, skipped_reason, skipped_position
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
