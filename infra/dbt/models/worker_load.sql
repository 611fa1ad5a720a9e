-- What each worker did on each of the last thirty days, and which part of it is of the outcomes of
-- that day.
select
    a.tenant_id,
    a.worker,
    (a.started_at at time zone 'UTC')::date as day,
    count(*) as attempts,
    count(*) filter (where a.outcome = 'succeeded') as succeeded,
    sum(a.duration_ms) as busy_ms,
    count(*) filter (where a.outcome = 'succeeded')::double precision
        / nullif(max(d.succeeded), 0) as share_of_day
from {{ source('almanac', 'task_attempts') }} as a
left join {{ ref('daily_task_outcomes') }} as d
    on d.tenant_id = a.tenant_id and d.day = (a.started_at at time zone 'UTC')::date
where a.started_at >= now() - interval '30 days'
group by a.tenant_id, a.worker, (a.started_at at time zone 'UTC')::date
