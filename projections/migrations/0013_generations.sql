-- How often what was already written here was changed by anybody but the projector that goes on:
-- other tables took the place of these, or a commit was mended. Whoever does that counts it up in
-- the same transaction. A projector moves the checkpoint only while this is what it was when it
-- learnt what is in the tables, so none goes on with what it remembers of others.
alter table checkpoint add column generation bigint not null default 0 check (generation >= 0);
