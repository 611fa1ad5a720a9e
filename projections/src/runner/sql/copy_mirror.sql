copy event_log (
    position, index, tenant_id, kind, id, version, type, schema_version, occurred_at, actor,
    command_id, correlation_id, causation_id, traceparent, hash, data
) from stdin (format binary)
