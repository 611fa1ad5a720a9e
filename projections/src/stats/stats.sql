-- Counts are kept as the projector goes. What is counted here is found in two indexes: what
-- happened since $2, or later if that would be too much; percentiles are of the latest.
with reached as materialized (
    -- Before any other table, as everywhere: it is what a swap of editions locks.
    select position, reached_at from checkpoint
),
bound as materialized (
    select greatest(
        $2,
        (select finished_at from tasks where tenant_id = $1 and finished_at >= $2
            order by finished_at desc offset 50000 limit 1),
        (select created_at from tasks where tenant_id = $1 and created_at >= $2
            order by created_at desc offset 50000 limit 1)
    ) as since
),
latest as materialized (
    select slot, attempt,
        (state #>> '{attempt,started_at}')::timestamptz as started_at,
        (state #>> '{attempt,ended_at}')::timestamptz as ended_at
    from tasks
    where tenant_id = $1 and finished_at >= $2
    order by finished_at desc
    limit 1000
),
sampled as (
    select 'duration_ms' as model, ended_at - started_at as elapsed from latest
    where ended_at is not null
    union all
    select 'lateness_ms', started_at - slot from latest
    where slot is not null and attempt = 1
)
select c.position as reached,
    (select min(p.position) from parked p where p.tenant_id = $1) as stale_since,
    c.reached_at, b.since, n.model, n.bucket, n.hour, n.total
from reached c
cross join bound b
left join (
    select model, bucket, null::timestamptz as hour, total
    from counts
    where tenant_id = $1 and total > 0
    union all
    select 'ended', status, date_trunc('hour', finished_at), count(*)
    from tasks
    where tenant_id = $1 and finished_at >= (select since from bound)
    group by 2, 3
    union all
    select 'created', 'created', date_trunc('hour', created_at), count(*)
    from tasks
    where tenant_id = $1 and created_at >= (select since from bound)
    group by 3
    union all
    select s.model, b.bucket, null,
        case b.bucket
            when 'sampled' then count(*)
            when 'p50' then percentile_disc(0.5) within group (order by ms)
            when 'p95' then percentile_disc(0.95) within group (order by ms)
            else percentile_disc(0.99) within group (order by ms)
        end
    from (
        select model, greatest(round(extract(epoch from elapsed) * 1000), 0)::bigint as ms
        from sampled
    ) s
    cross join unnest(array['sampled', 'p50', 'p95', 'p99']) as b (bucket)
    group by s.model, b.bucket
) n on true
order by n.total desc, n.bucket
