-- What keeps an analyst within limits; whoever runs the cluster says it once, for each analyst.
alter role analyst connection limit 20;
alter role analyst set default_transaction_read_only = on;
alter role analyst set statement_timeout = '60s';
alter role analyst set idle_in_transaction_session_timeout = '60s';
alter role analyst set lock_timeout = '2s';
alter role analyst set search_path = analytics;
