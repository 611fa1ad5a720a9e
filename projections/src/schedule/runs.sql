select j.tenant_id, j.id, r.runs
from jobs j
cross join lateral (
    select max((t.state -> 'origin' ->> 'run')::bigint) as runs
    from tasks t
    where t.tenant_id = j.tenant_id and t.job_id = j.id and t.slot > j.created_at
        and t.skipped is null
) r
where j.state -> 'policy' -> 'max_runs' is not null and r.runs is not null
