-- Idempotent, and also right after the tables have changed. Roles belong to the whole cluster,
-- hence the condition. The password comes in as a setting, so that no statement spells it.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'analyst') THEN
        CREATE ROLE analyst;
    END IF;
    EXECUTE format('ALTER ROLE analyst PASSWORD %L', current_setting('almanac.password'));
END
$$;
ALTER ROLE analyst LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION CONNECTION LIMIT 10;
ALTER ROLE analyst SET default_transaction_read_only = on;
ALTER ROLE analyst SET statement_timeout = '30s';
ALTER ROLE analyst SET idle_in_transaction_session_timeout = '60s';
ALTER ROLE analyst SET search_path = app;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA app TO analyst;
GRANT SELECT ON ALL TABLES IN SCHEMA app TO analyst;
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO analyst;
