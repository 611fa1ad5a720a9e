-- The events of an aggregate up to a version, with a digest of what each says.
select position, index, type, md5(row(data, schema_version, type)::text)::uuid as digest
from event_log
where tenant_id = $1 and kind = $2 and id = $3 and version <= $4
order by position, index
