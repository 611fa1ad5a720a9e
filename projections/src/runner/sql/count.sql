-- Rows that exist are changed first: an insert would meet the check on a negative change before it
-- meets the row that it is to be added to.
with change as (
    select * from unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[])
        as change (tenant_id, model, bucket, by)
), changed as (
    update counts c set total = c.total + change.by
    from change
    where c.tenant_id = change.tenant_id and c.model = change.model and c.bucket = change.bucket
    returning c.tenant_id, c.model, c.bucket
)
insert into counts (tenant_id, model, bucket, total)
select tenant_id, model, bucket, by from change
where (tenant_id, model, bucket) not in (select tenant_id, model, bucket from changed)
