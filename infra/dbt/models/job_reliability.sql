-- How well each job does: runs, successes, lateness and duration over the last thirty days.
select
    j.tenant_id,
    j.job_id,
    j.name,
    count(r.task_id) as runs,
    count(*) filter (where r.status = 'succeeded') as succeeded,
    count(*) filter (where r.status in ('failed', 'dead')) as failed,
    count(*) filter (where r.status = 'skipped') as skipped,
    percentile_disc(0.95) within group (order by r.lateness_ms) as p95_lateness_ms,
    percentile_disc(0.95) within group (order by r.duration_ms) as p95_duration_ms,
    max(r.finished_at) as last_finished_at
from {{ source('almanac', 'jobs') }} as j
left join {{ source('almanac', 'job_runs') }} as r
    on r.tenant_id = j.tenant_id and r.job_id = j.job_id
    and r.created_at >= now() - interval '30 days'
group by j.tenant_id, j.job_id, j.name
