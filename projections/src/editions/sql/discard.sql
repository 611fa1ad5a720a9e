set lock_timeout = '5s';
drop schema if exists app_discarded cascade;
reset lock_timeout;
