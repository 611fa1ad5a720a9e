select c.position as reached, null::bigint as stale_since,
    p.position, p.tenant_id, p.kind, p.id, p.subject, p.reason, p.parked_at, p.behind
from checkpoint c
left join lateral (
    select f.*, (
        select count(*) from parked b
        where b.tenant_id = f.tenant_id and b.kind = f.kind and b.id = f.id
            and b.position > f.position
    ) as behind
    from parked f
    where not exists (
        select from parked b
        where b.tenant_id = f.tenant_id and b.kind = f.kind and b.id = f.id
            and b.position < f.position)
    order by f.position
    limit 1000
) p on true
order by p.position
