with made as (
    insert into audit_checkpoint (incarnation, position) values ($1, 0)
    on conflict do nothing
    returning incarnation, position
)
select incarnation, position from made
union all
select incarnation, position from audit_checkpoint
