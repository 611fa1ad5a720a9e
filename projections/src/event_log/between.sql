select *
from event_log
where position > $1 and position <= $2 and tenant_id = any ($3::uuid[])
order by position, index
