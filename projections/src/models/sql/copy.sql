copy {table} (tenant_id, id, version, position, state) from stdin (format binary)
