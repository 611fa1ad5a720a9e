select c.position as reached,
    (select min(p.position) from parked p
        where p.tenant_id = $1 and p.kind = 'job' and p.id = $2) as stale_since,
    f.*
from checkpoint c
left join lateral (
    (
        select 'event' as part, e.version as ordinal, e.index as nth,
            e.occurred_at as at, null::timestamptz as slot, null::text as skipped,
            null::bigint as run,
            jsonb_build_object('type', e.type, 'v', e.schema_version, 'data', e.data) as event
        from event_log e
        where e.tenant_id = $1 and e.kind = 'job' and e.id = $2
    )
    union all
    (
        select 'slot', 0, 0, t.created_at, t.slot, t.skipped,
            (t.state -> 'origin' ->> 'run')::bigint, null
        from tasks t
        where t.tenant_id = $1 and t.job_id = $2 and t.slot > $3 and t.slot <= $4
        order by t.slot
        limit $5
    )
    union all
    -- Where a job had run as often as it might at any time.
    (
        select 'run', 0, 0, t.created_at, t.slot, null,
            (t.state -> 'origin' ->> 'run')::bigint, null
        from tasks t
        where t.tenant_id = $1 and t.job_id = $2 and t.slot is not null and t.skipped is null
            and (t.state -> 'origin' ->> 'run')::bigint in (
                select (e.data -> 'policy' ->> 'max_runs')::bigint
                from event_log e
                where e.tenant_id = $1 and e.kind = 'job' and e.id = $2
            )
    )
) f on true
order by f.part, f.ordinal, f.nth, f.slot
