select tenant_id, id
from operations
where finished_at is null
