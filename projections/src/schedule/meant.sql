select c.position as reached, t.id
from checkpoint c
left join lateral (
    select id
    from (
        select id, status, kind, priority, job_id, batch
        from tasks
        where tenant_id = $1 and position <= $2
        union all
        select id, status, kind, priority, job_id, batch
        from tasks_history
        where tenant_id = $1 and valid_from <= $2 and valid_to > $2
    ) as meant
    where ($3::uuid is null or id > $3)
        and status = any($4)
        and (cardinality($5::text[]) = 0 or kind = any($5))
        and (cardinality($6::text[]) = 0 or priority = any($6))
        and ($7::uuid is null or job_id = $7)
        and ($8::uuid is null or batch = $8)
    order by id
    limit $9
) as t on true
order by t.id
