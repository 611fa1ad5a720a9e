select c.position as reached,
    (select min(p.position) from parked p
        where p.tenant_id = $1 and p.kind = $2 and p.id = $3) as stale_since,
    e.*
from checkpoint c
left join lateral (
    select *
    from event_log
    where tenant_id = $1 and kind = $2 and id = $3 and (version, index) > ($4, $5)
    order by version, index
    limit $6
) e on true
order by e.version, e.index
