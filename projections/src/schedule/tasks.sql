select tenant_id, id, version, position, state
from tasks
where status in ('queued', 'retrying', 'running', 'scheduled')
