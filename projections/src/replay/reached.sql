select
    coalesce((select position from moments where at <= $1 order by at desc limit 1), 0) as position,
    coalesce((select position from checkpoint), 0) as reached
