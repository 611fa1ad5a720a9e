select
    coalesce((select position from moments where at <= $1 order by at desc limit 1), 0) as position,
    exists (select from moments where at >= $1) as is_past
