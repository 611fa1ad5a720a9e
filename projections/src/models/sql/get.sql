select c.position as reached,
    (select min(p.position) from parked p
        where p.tenant_id = $1 and p.kind = $3 and p.id = $2) as stale_since,
    m.tenant_id, m.id, m.version, m.position, m.state
from checkpoint c
left join {table} m on m.tenant_id = $1 and m.id = $2
