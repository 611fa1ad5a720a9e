with made as (
    insert into checkpoint (incarnation, position) values ($1, 0)
    on conflict do nothing
    returning incarnation, position, hash, generation
)
select incarnation, position, hash, generation from made
union all
select incarnation, position, hash, generation from checkpoint
