-- What was left out counts as well, unless something before it in its aggregate is still parked.
-- The chain went on from it only if its version was beyond that of the last commit applied.
select wanted.tenant_id, wanted.kind, wanted.id, last.version, last.hash
from unnest($1::uuid[], $2::text[], $3::uuid[]) as wanted (tenant_id, kind, id)
join lateral (
    select either.version, either.hash
    from (
        (select e.version, e.hash, null::bigint as skipped
            from event_log e
            where e.tenant_id = wanted.tenant_id and e.kind = wanted.kind and e.id = wanted.id
            order by e.version desc
            limit 1)
        union all
        (select s.version, s.hash, s.position
            from skipped_commits s
            where s.tenant_id = wanted.tenant_id and s.kind = wanted.kind and s.id = wanted.id
                and not exists (
                    select from parked p
                    where p.tenant_id = s.tenant_id and p.kind = s.kind and p.id = s.id
                        and p.position < s.position)
            order by s.version desc, s.position
            limit 1)
    ) as either
    order by either.version desc, either.skipped nulls first
    limit 1
) last on true
