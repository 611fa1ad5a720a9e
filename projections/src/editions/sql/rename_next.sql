do $$
begin
    if to_regnamespace('app_previous') is not null then
        alter schema app_previous rename to app_discarded;
    end if;
end $$;
alter schema app rename to app_previous;
alter schema app_next rename to app;
