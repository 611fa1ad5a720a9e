-- What is parked of the aggregate of what is parked at a position; of what is of no aggregate,
-- itself.
select c.position as reached, null::bigint as stale_since, p.position, p.reason
from checkpoint c
left join lateral (
    select w.position, w.reason
    from parked at
    join parked w on w.position = at.position
        or (w.tenant_id = at.tenant_id and w.kind = at.kind and w.id = at.id)
    where at.position = $1
) p on true
order by p.position
