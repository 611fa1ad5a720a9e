-- What may be exchanged for other tables, and what may not.

-- When a rebuild had filled these tables; null where a projector wrote them from the first commit
-- on.
alter table checkpoint add column filled_at timestamptz;

-- The audit is no read model of the log: when other tables take the place of these it moves along.
-- So it has a function of its own, lest it stand on one of tables that are dropped some day. An
-- index that holds the column goes with it.
create function audit_instant(text) returns timestamptz
    language plpgsql immutable strict parallel safe
    as $$ begin return $1::timestamptz; end $$;

alter table audit drop column at;
alter table audit add column at timestamptz not null
    generated always as (audit_instant(record ->> 'at')) stored;
create index audit_by_time on audit (tenant_id, at, id);
create index audit_by_actor on audit (tenant_id, actor, at, id);
create index audit_by_target on audit (tenant_id, target_id, at, id) where target_id is not null;
create index audit_by_address on audit (tenant_id, address_digest, at, id)
    where address_digest is not null;
create index audit_by_result on audit (tenant_id, result, at, id) where result <> 'allowed';
