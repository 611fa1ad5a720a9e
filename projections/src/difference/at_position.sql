-- The events of a position, with a digest of what each says.
select position, index, type, md5(row(data, schema_version, type)::text)::uuid as digest
from event_log
where position = $1
order by position, index
