revoke all on schema analytics from public;
grant usage on schema analytics to analyst, almanac_worker;
grant select on all tables in schema analytics to analyst, almanac_worker;
