with mine as (
    select status, priority, kind, updated_at, due_at
    from tasks
    where tenant_id = $1 and id = $2
), ranks (priority, rank) as (
    values ('critical', 0), ('high', 1), ('normal', 2), ('low', 3)
), open as (
    select t.status, t.kind, r.rank, coalesce(t.due_at, t.updated_at) as since
    from tasks t
    join ranks r on r.priority = t.priority
    where t.tenant_id = $1 and t.id <> $2 and t.status in ('queued', 'running')
)
select c.position as reached, null::bigint as stale_since,
    count(*) filter (where o.status = 'queued' and o.rank < r.rank) as more_urgent,
    count(*) filter (
        where o.status = 'queued' and o.rank = r.rank
            and o.since < coalesce(m.due_at, m.updated_at)) as longer,
    count(*) filter (where o.status = 'running') as running,
    count(*) filter (where o.status = 'running' and o.kind = m.kind) as running_of_kind
from checkpoint c
left join mine m on true
left join ranks r on r.priority = m.priority
left join open o on true
group by c.position
