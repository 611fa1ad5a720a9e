-- Whom dbt signs in as: it sees what analysts see, and writes into the schema `marts` alone. Run
-- by whoever runs the cluster, in the database of Almanac, after `almanac setup`; then it needs a
-- password:
--   alter role almanac_dbt password '…'
create role almanac_dbt login connection limit 4;
grant analyst to almanac_dbt;
alter role almanac_dbt set statement_timeout = '30min';
alter role almanac_dbt set idle_in_transaction_session_timeout = '5min';
alter role almanac_dbt set lock_timeout = '10s';
-- What is new of a table that is kept goes through a temporary one.
do $$ begin
    execute format('grant temporary on database %I to almanac_dbt', current_database());
end $$;
create schema marts authorization almanac_dbt;
-- Analysts read what comes of it.
grant usage on schema marts to analyst;
alter default privileges for role almanac_dbt in schema marts grant select on tables to analyst;
