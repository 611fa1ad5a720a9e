//! A database of one's own.
//!
//! Invariant: tests share nothing but the server.

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use projections::{Projector, Store};
use schemas::Position;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::world::World;

static SERVER: LazyLock<local::Scratch<local::Postgres>> =
    LazyLock::new(|| local::Postgres::scratch().expect("a Postgres server"));
static NEXT: AtomicU32 = AtomicU32::new(1);

/// A database with the read models in it, empty.
pub struct Database {
    pub store: Store,
    url: String,
}

impl Database {
    pub async fn new() -> Self {
        let superuser = tokio::task::spawn_blocking(|| SERVER.superuser_url());
        let superuser = superuser.await.expect("a server");
        let mut connection = PgConnection::connect(&superuser).await.expect("connected");
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let create = AssertSqlSafe(format!("create database {name}"));
        sqlx::raw_sql(create)
            .execute(&mut connection)
            .await
            .expect("created");
        Self::at(SERVER.url(&name)).await
    }

    /// The database at `url`, brought up to date.
    pub async fn at(url: String) -> Self {
        let store = connect(&url).await;
        store.migrate().await.expect("migrated");
        Self { store, url }
    }

    /// Another process on the same database.
    pub async fn again(&self) -> Store {
        connect(&self.url).await
    }

    /// A connection beside the store, to look and to spoil.
    pub async fn sql(&self) -> PgConnection {
        let mut connection = PgConnection::connect(&self.url).await.expect("connected");
        sqlx::raw_sql("set search_path = app")
            .execute(&mut connection)
            .await
            .expect("set");
        connection
    }

    /// Runs a statement that spoils something; it must hit.
    pub async fn spoil(&self, statement: &str) {
        let done = sqlx::query(sqlx::AssertSqlSafe(statement.to_owned()))
            .execute(&mut self.sql().await)
            .await
            .expect("done");
        assert!(done.rows_affected() > 0, "{statement} hit nothing");
    }

    /// Applies all that is in the log of `world`, in batches of `size`.
    pub async fn project(&self, world: &World, size: usize) -> Position {
        let mut projector = self.projector(world).await;
        let entries = world.entries(projector.position()).await;
        for batch in entries.chunks(size) {
            projector.apply(batch.to_vec()).await.expect("applied");
        }
        projector.position()
    }

    /// The projector; waits until the one before has let go.
    pub async fn projector(&self, world: &World) -> Projector {
        let log = world.shared();
        poll(async || Projector::open(&log, &self.store).await.expect("opened")).await
    }

    /// The bytes of every table of `schema`, as one digest for each.
    pub async fn digests(&self, schema: &str) -> Vec<(String, String)> {
        let mut connection = self.sql().await;
        let ask = "select table_name::text from information_schema.tables \
                   where table_schema = $1 and table_type = 'BASE TABLE' \
                   and table_name not like '\\_sqlx%' order by 1";
        let tables: Vec<String> = sqlx::query_scalar(ask)
            .bind(schema)
            .fetch_all(&mut connection)
            .await
            .expect("asked");
        let mut digests = Vec::new();
        for table in tables {
            let ask = format!(
                "select count(*) || ' rows, ' || coalesce(md5(string_agg(t::text, E'\\n' \
                 order by t::text collate \"C\")), '') from {schema}.{table} t"
            );
            let digest = sqlx::query_scalar(AssertSqlSafe(ask))
                .fetch_one(&mut connection)
                .await;
            digests.push((table, digest.expect("a digest")));
        }
        digests
    }
}

/// Asks until there is an answer.
pub async fn poll<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), asking)
        .await
        .expect("an answer in time")
}

pub async fn connect(url: &str) -> Store {
    let config = runtime::Postgres {
        connections: 4,
        url: url.to_owned().into(),
    };
    Store::connect(&config).await.expect("connected")
}
