-- Takes away what rows are looked up and kept apart by, so that many can be put in, and lets nobody
-- but the projector come near meanwhile, and who sees all rows in any case; `after_fill.sql` gives
-- it back. Keys of current rows stay: they are changed while the tables are filled.
do $$
declare
    part record;
    here constant text := current_schema();
begin
    execute format(
        'revoke usage on schema %I from almanac_gateway, almanac_scheduler, almanac_worker', here);
    create table to_restore (statement text not null);
    for part in
        select c.conrelid::regclass as "table", c.conname as name,
            pg_get_constraintdef(c.oid) as definition
        from pg_constraint c join pg_class t on t.oid = c.conrelid
        where t.relnamespace = here::regnamespace and c.contype = 'p'
            and t.relname like '%\_history'
    loop
        insert into to_restore
        values (format('alter table %s add constraint %I %s',
            part."table", part.name, part.definition));
        execute format('alter table %s drop constraint %I', part."table", part.name);
    end loop;
    for part in
        select i.indexrelid::regclass as name, pg_get_indexdef(i.indexrelid) as definition
        from pg_index i join pg_class t on t.oid = i.indrelid
        where t.relnamespace = here::regnamespace and not t.relispartition
            and not exists (select from pg_constraint c where c.conindid = i.indexrelid)
            and t.relname not like '\_sqlx%'
    loop
        -- That of a partitioned table is for its partitions as well.
        insert into to_restore values (replace(part.definition, ' ON ONLY ', ' ON '));
        execute format('drop index %s', part.name);
    end loop;
    -- Postgres takes no stream of rows where it would have to look at each.
    for part in
        select c.oid::regclass as "table" from pg_class c
        where c.relnamespace = here::regnamespace and c.relrowsecurity
    loop
        insert into to_restore
        values (format('alter table %s enable row level security', part."table"));
        execute format('alter table %s disable row level security', part."table");
    end loop;
end $$;
