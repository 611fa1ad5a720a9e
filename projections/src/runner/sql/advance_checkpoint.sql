with moved as (
    update checkpoint set position = $1, hash = $2, reached_at = coalesce($3, reached_at)
    where position = $4 and generation = $6
    returning position
)
select pg_notify($5, position::text) from moved
