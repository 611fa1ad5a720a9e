-- Several processes may start at once, and creating a schema is not safe against itself.
do $$
begin
    perform pg_advisory_xact_lock(hashtextextended('almanac schema', 0));
    execute format('create schema if not exists %I', current_setting('search_path'));
end $$;
