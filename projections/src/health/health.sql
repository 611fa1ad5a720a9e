with latest as materialized (
    select t.status, t.created_at,
        (t.state -> 'origin' ->> 'run')::bigint as run,
        extract(epoch from (t.state #>> '{attempt,ended_at}')::timestamptz
            - (t.state #>> '{attempt,started_at}')::timestamptz) * 1000 as took_ms,
        extract(epoch from (t.state #>> '{attempt,started_at}')::timestamptz
            - coalesce(t.slot, t.created_at)) * 1000 as waited_ms
    from tasks t
    where t.tenant_id = $1 and t.job_id = $2 and t.skipped is null
    order by t.created_at desc, t.id desc
    limit 1000
), success as (
    select max(created_at) as at from latest where status = 'succeeded'
)
select c.position as reached,
    (select min(p.position) from parked p
        where p.tenant_id = $1 and p.kind = 'job' and p.id = $2) as stale_since,
    j.tenant_id, j.id, j.version, j.position, j.state,
    f.*, d.slot as last_decided, r.slot as last_fired
from checkpoint c
left join jobs j on j.tenant_id = $1 and j.id = $2
left join lateral (
    select count(*) as runs,
        count(*) filter (where l.status = 'succeeded') as succeeded,
        count(*) filter (where l.status in ('dead', 'failed')) as failed,
        count(*) filter (where l.status = 'cancelled') as cancelled,
        count(*) filter (
            where l.status in ('dead', 'failed')
                and l.created_at > coalesce(s.at, '-infinity')) as failures_in_a_row,
        max(l.run) as run,
        count(l.took_ms) filter (where l.status = 'succeeded') as took_sampled,
        (percentile_disc(array[0.5, 0.95, 0.99]) within group (order by l.took_ms)
            filter (where l.status = 'succeeded'))::bigint[] as took_ms,
        count(l.waited_ms) as waited_sampled,
        (percentile_disc(array[0.5, 0.95, 0.99]) within group (order by l.waited_ms)
            filter (where l.waited_ms is not null))::bigint[] as waited_ms
    from latest l
    cross join success s
) f on true
left join lateral (
    select t.slot
    from tasks t
    where t.tenant_id = $1 and t.job_id = $2 and t.slot is not null
    order by t.slot desc
    limit 1
) d on true
left join lateral (
    select t.slot
    from tasks t
    where t.tenant_id = $1 and t.job_id = $2 and t.slot is not null and t.skipped is null
    order by t.slot desc
    limit 1
) r on true
