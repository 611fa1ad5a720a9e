-- One at a time, as with everything that the owner makes.
select pg_advisory_xact_lock(hashtextextended('almanac schema', 0));
create schema if not exists analytics;
comment on schema analytics is
    'What analysts see; analytics.catalog lists every view and column with what it means';
