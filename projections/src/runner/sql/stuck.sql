select tenant_id, kind, id, min(position) as position
from parked
where tenant_id is not null and kind is not null and id is not null
group by tenant_id, kind, id
