select position, id
from event_log
where tenant_id = $1 and kind = $2 and position > $3 and position <= $4
order by position, index
limit $5
