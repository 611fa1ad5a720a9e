select c.position as reached, m.tenant_id, m.id, m.version, m.position, m.state
from checkpoint c
left join {table} m on m.tenant_id = $1 and m.id = $2
