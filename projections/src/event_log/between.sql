select *
from event_log
where position > $1 and position <= $2 and ($3::uuid is null or tenant_id = $3)
order by position, index
