select wanted.tenant_id, wanted.kind, wanted.id, last.version, last.hash
from unnest($1::uuid[], $2::text[], $3::uuid[]) as wanted (tenant_id, kind, id)
join lateral (
    select e.version, e.hash
    from event_log e
    where e.tenant_id = wanted.tenant_id and e.kind = wanted.kind and e.id = wanted.id
    order by e.version desc
    limit 1
) last on true
