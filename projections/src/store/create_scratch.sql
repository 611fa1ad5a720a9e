do $$
declare
    here constant text := current_setting('search_path');
begin
    execute format('create schema %I', here);
    execute format('comment on schema %I is %L', here, 'almanac scratch');
end $$;
