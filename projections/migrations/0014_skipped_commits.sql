-- Parked commits that were left out for good, by an event that says why. They block nothing any
-- more, and are kept to be shown.
create table skipped_commits (
    position bigint primary key,
    tenant_id uuid,
    kind text,
    id uuid,
    -- Where it was published, when that is all that is known of it.
    subject text,
    -- Why it could not be applied.
    reason text not null,
    payload bytea not null,
    meta jsonb,
    -- The time of the commit itself.
    parked_at timestamptz,
    -- What the next commit of the aggregate follows.
    version bigint,
    hash bytea,
    -- When, by whom and why it was left out, and where in the log that stands.
    skipped_at timestamptz not null,
    skipped_by text not null,
    skipped_reason text not null,
    skipped_position bigint not null
);

create index skipped_commits_by_aggregate on skipped_commits (tenant_id, kind, id, version);

select separate_tenants('skipped_commits');
