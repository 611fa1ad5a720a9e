select c.position as reached, null::bigint as stale_since, p.position, p.reason
from checkpoint c
left join parked p on p.position = any ($1)
order by p.position
