select least(c.position, $4) as reached,
    (select min(p.position) from parked p
        where p.tenant_id = $1 and p.kind = $3 and p.id = $2 and p.position <= $4) as stale_since,
    m.tenant_id, m.id, m.version, m.position, m.state
from checkpoint c
left join lateral (
    select tenant_id, id, version, position, state
    from {table}
    where tenant_id = $1 and id = $2 and position <= $4
    union all
    select tenant_id, id, version, valid_from, state
    from (
        select * from {table}_history
        where tenant_id = $1 and id = $2 and valid_from <= $4
        order by valid_from desc
        limit 1
    ) as last
    where last.valid_to > $4
) m on true
