-- Where the read models are, and what could not be applied to them.
--
-- No statement here or elsewhere names a schema: connections set search_path, so that a second copy
-- of everything can be filled in another schema and take the place of this one by renaming.

-- An instant as the log writes it: RFC 3339 in UTC with milliseconds. Reading such a text depends
-- on no setting of the session, which Postgres cannot know of the cast; hence a function that
-- promises it. In PL/pgSQL, since the same in SQL is not inlined and was measured to cost more.
create function instant(text) returns timestamptz
    language plpgsql immutable strict parallel safe
    as $$ begin return $1::timestamptz; end $$;

create table checkpoint (
    -- One row.
    single boolean primary key default true check (single),
    -- Which log.
    incarnation text not null,
    -- The last commit that all read models hold; 0 is before the first.
    position bigint not null check (position >= 0),
    -- The digest of the commit there; null where no commit stands.
    hash bytea,
    -- The time of that commit.
    reached_at timestamptz
);

-- Commits that cannot be applied, and those of the same aggregate that wait behind them.
create table parked (
    position bigint primary key,
    tenant_id uuid,
    kind text,
    id uuid,
    -- Where it was published, when that is all that is known of it.
    subject text,
    reason text not null,
    payload bytea not null,
    meta jsonb,
    -- The time of the commit itself: a projector has no clock.
    parked_at timestamptz
);

create index parked_by_aggregate on parked (tenant_id, kind, id, position);

-- How many living aggregates there are, by what people count them by: tasks and jobs by status,
-- resources by type. A row of zero says that there were some once.
create table counts (
    tenant_id uuid not null,
    model text not null,
    bucket text not null,
    total bigint not null check (total >= 0),
    primary key (tenant_id, model, bucket)
);
