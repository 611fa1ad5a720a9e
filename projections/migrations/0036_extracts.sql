-- Whose rows a transaction may extract, for reports and exports, whose SQL somebody else has
-- written: said once, before that SQL, and for good. No setting and no statement of theirs changes
-- it, since a transaction has one number, a number one row, and nobody but this function writes
-- here. The row goes with its transaction, which is never committed.
create table extracts (
    xact xid8 primary key,
    tenant uuid not null,
    of_people boolean not null
);

create function begin_extract(tenant uuid, of_people boolean) returns void
    language sql security definer as $$
    insert into extracts values (pg_current_xact_id(), tenant, of_people)
$$;

do $$
begin
    execute format(
        'alter function begin_extract(uuid, boolean) set search_path = %I, pg_temp',
        current_schema());
end $$;

revoke execute on function begin_extract(uuid, boolean) from public;
