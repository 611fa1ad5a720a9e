with changed as (
    update checkpoint set generation = generation + 1
    returning generation, position
)
select generation, pg_notify($1, position || ' ' || generation) from changed
