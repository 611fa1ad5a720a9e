select c.position as reached, null::bigint as stale_since,
    p.position, p.tenant_id, p.kind, p.id, p.subject, p.reason, p.parked_at
from checkpoint c
left join lateral (
    select * from parked where $1::uuid is null or tenant_id = $1 order by position limit 1000
) p on true
order by p.position
