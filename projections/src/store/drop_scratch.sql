-- Only what says of itself that it is scratch: a name may be mistyped, and what goes does not come
-- back.
do $$
declare
    here constant text := current_setting('search_path');
begin
    if to_regnamespace(quote_ident(here)) is null then
        return;
    end if;
    if obj_description(to_regnamespace(quote_ident(here)), 'pg_namespace')
        is distinct from 'almanac scratch'
    then
        raise exception 'the schema % is not scratch: it was not made by almanac replay', here;
    end if;
    execute format('drop schema %I cascade', here);
end $$;
