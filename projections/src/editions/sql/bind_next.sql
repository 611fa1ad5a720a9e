-- What analysts see is bound to tables and not to names; they alone wait from here on. The audit is
-- found in the live edition, since the one beside has none.
set local lock_timeout = '500ms';
-- Whoever stops in the middle holds nobody for ever.
set local idle_in_transaction_session_timeout = '60s';
drop table if exists app_next.audit, app_next.audit_checkpoint;
drop function if exists app_next.audit_instant(text);
set local search_path = app_next, app;
