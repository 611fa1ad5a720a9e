insert into moments (position, at, latest)
select * from unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[])
