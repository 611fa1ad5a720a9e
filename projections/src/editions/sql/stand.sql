-- Reads wait from here on, and whoever keeps the audit; nobody for long, or it is tried again.
set local lock_timeout = '100ms';
lock table app.checkpoint in access exclusive mode;
-- In the order in which they are written, lest one wait for the other.
lock table app.audit_checkpoint in access exclusive mode;
lock table app.audit in access exclusive mode;
