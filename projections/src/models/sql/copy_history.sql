copy {table}_history (tenant_id, id, version, valid_from, valid_to, state)
from stdin (format binary)
