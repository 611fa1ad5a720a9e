-- Who is in the way for longer is not waited for, as others wait behind.
set local lock_timeout = '2s';
-- Whoever stops in the middle holds nobody for ever.
set local idle_in_transaction_session_timeout = '60s';
