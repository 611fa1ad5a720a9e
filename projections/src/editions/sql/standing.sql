select c.incarnation,
    (select string_agg(m.version || ' ' || encode(m.checksum, 'hex'), ', ' order by m.version)
        from _sqlx_migrations m where m.success) as migrations
from checkpoint c
