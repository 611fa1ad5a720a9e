-- Gives back what `before_fill.sql` took away, and learns what the tables hold. Who may come near
-- again is said afterwards, by `grants.sql`.
do $$
declare
    part record;
begin
    set local maintenance_work_mem = '256MB';
    for part in select statement from to_restore loop
        execute part.statement;
    end loop;
    drop table to_restore;
    for part in
        select c.oid::regclass as "table" from pg_class c
        where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p')
            and not c.relispartition and c.relname not like '\_sqlx%'
    loop
        execute format('analyze %s', part."table");
    end loop;
end $$;
