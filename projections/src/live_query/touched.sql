select c.generation, e.position, e.id
from checkpoint c
left join lateral (
    select position, index, id
    from event_log
    where tenant_id = $1 and kind = $2 and position > $3 and position <= $4
    order by position, index
    limit $5
) e on true
order by e.position, e.index
