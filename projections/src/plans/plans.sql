select c.position as reached, null::bigint as stale_since,
    j.tenant_id, j.id, j.version, j.position, j.state, d.duration_ms, r.runs
from checkpoint c
left join jobs j on true
left join lateral (
    select percentile_disc(0.5) within group (order by l.ms)::bigint as duration_ms
    from (
        select extract(epoch from (t.state #>> '{attempt,ended_at}')::timestamptz
            - (t.state #>> '{attempt,started_at}')::timestamptz) * 1000 as ms
        from tasks t
        where t.tenant_id = j.tenant_id and t.job_id = j.id and t.status = 'succeeded'
        order by t.slot desc nulls last
        limit 100
    ) l
) d on true
left join lateral (
    select max((t.state -> 'origin' ->> 'run')::bigint) as runs
    from tasks t
    where j.state -> 'policy' -> 'max_runs' is not null
        and t.tenant_id = j.tenant_id and t.job_id = j.id and t.slot > j.created_at
) r on true
order by j.tenant_id, j.id
