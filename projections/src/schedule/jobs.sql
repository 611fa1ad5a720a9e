select c.position as reached, null::bigint as stale_since,
    j.tenant_id, j.id, j.version, j.position, j.state, s.last_slot
from checkpoint c
left join jobs j on j.status = 'active'
left join lateral (
    select max(t.slot) as last_slot
    from tasks t
    where t.tenant_id = j.tenant_id and t.job_id = j.id
) s on true
