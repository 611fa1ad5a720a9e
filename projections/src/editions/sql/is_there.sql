select to_regclass('checkpoint') is not null and to_regclass('_sqlx_migrations') is not null
        as is_there,
    to_regclass('to_restore') is not null as is_filling
