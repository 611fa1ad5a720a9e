select c.position as reached, null::bigint as stale_since,
    s.position, s.tenant_id, s.kind, s.id, s.subject, s.reason, s.parked_at,
    s.skipped_at, s.skipped_by, s.skipped_reason, s.skipped_position
from checkpoint c
left join lateral (
    select * from skipped_commits order by position limit 1000
) s on true
order by s.position
