select c.position as reached,
    (select min(p.position) from parked p where p.tenant_id = $1) as stale_since,
    n.model, n.bucket, n.total
from checkpoint c
left join counts n on n.tenant_id = $1 and n.total > 0
order by n.total desc, n.bucket
