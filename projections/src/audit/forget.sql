delete from audit
where (position, index) in (
    select position, index from audit where position < $1 order by position, index limit 10000)
