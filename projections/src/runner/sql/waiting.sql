-- What is parked or was left out at a position; with it, if it is parked, of its aggregate
-- everything that is parked, and what was left out after the first of it.
with wanted as (
    select * from parked where position = $1
)
select p.position, p.tenant_id, p.kind, p.id, p.reason, null::timestamptz as skipped_at,
    null::text as skipped_by, null::text as skipped_reason, null::bigint as skipped_position
from parked p, wanted w
where p.position = w.position
    or (p.tenant_id = w.tenant_id and p.kind = w.kind and p.id = w.id)
union all
select s.position, s.tenant_id, s.kind, s.id, s.reason, s.skipped_at,
    s.skipped_by, s.skipped_reason, s.skipped_position
from skipped_commits s
where s.position = $1
    or s.position > (
        select min(p.position)
        from wanted w
        join parked p on p.tenant_id = w.tenant_id and p.kind = w.kind and p.id = w.id
        where s.tenant_id = w.tenant_id and s.kind = w.kind and s.id = w.id)
order by position
