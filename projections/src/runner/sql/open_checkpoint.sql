with made as (
    insert into checkpoint (incarnation, position) values ($1, 0)
    on conflict do nothing
    returning incarnation, position, hash
)
select incarnation, position, hash from made
union all
select incarnation, position, hash from checkpoint
