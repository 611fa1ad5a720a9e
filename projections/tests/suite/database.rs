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

use event_log::SharedLog;
use local::{Postgres, Role};
use projections::{Overview, Owner, Projector, Store, Writer, rebuild_into};
use schemas::Position;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::world::World;

static SERVER: LazyLock<local::Scratch<local::Postgres>> =
    LazyLock::new(|| local::Postgres::scratch().expect("a Postgres server"));
static NEXT: AtomicU32 = AtomicU32::new(1);

/// A database with the read models in it, empty; for each kind of process its own way in.
pub struct Database {
    pub overview: Overview,
    pub owner: Owner,
    pub scheduler: Overview,
    pub store: Store,
    pub writer: Writer,
    /// Where each role signs in.
    pub urls: Urls,
}

/// Where each role signs in to one database.
#[derive(Clone)]
pub struct Urls {
    pub analyst: String,
    pub auditor: String,
    pub gateway: String,
    pub owner: String,
    pub projector: String,
    pub scheduler: String,
    pub superuser: String,
    pub worker: String,
}

impl Urls {
    /// Those of the database `name` on `server`.
    pub fn of(server: &Postgres, name: &str) -> Self {
        let url = |role| server.url_of(role, name).expect("a password");
        Self {
            analyst: url(Role::Analyst),
            auditor: url(Role::Auditor),
            gateway: url(Role::Gateway),
            owner: url(Role::Owner),
            projector: url(Role::Projector),
            scheduler: url(Role::Scheduler),
            superuser: server.url(name),
            worker: url(Role::Worker),
        }
    }
}

impl Database {
    pub async fn new() -> Self {
        Self::at(empty().await).await
    }

    /// The database at `urls`, brought up to date.
    pub async fn at(urls: Urls) -> Self {
        let owner = Owner::connect(&config(&urls.owner))
            .await
            .expect("connected");
        owner.migrate().await.expect("migrated");
        let everything = config(&urls.auditor);
        let schedule = config(&urls.scheduler);
        let writer = Writer::connect(&config(&urls.projector)).await;
        Self {
            overview: Overview::of_everything(&everything)
                .await
                .expect("connected"),
            owner,
            scheduler: Overview::of_schedule(&schedule).await.expect("connected"),
            store: connect(&urls.gateway).await,
            writer: writer.expect("connected"),
            urls,
        }
    }

    /// Another gateway on the same database.
    pub async fn again(&self) -> Store {
        connect(&self.urls.gateway).await
    }

    /// A connection beside the store, to look and to spoil.
    pub async fn sql(&self) -> PgConnection {
        let mut connection = PgConnection::connect(&self.urls.superuser)
            .await
            .expect("connected");
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
        poll(async || Projector::open(&log, &self.writer).await.expect("opened")).await
    }

    /// The bytes of every table of `schema`, as one digest for each; how often and when it was
    /// made is none of the log's business.
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
            let row = match table.as_str() {
                "checkpoint" => "(to_jsonb(t) - 'generation' - 'filled_at')",
                _ => "t",
            };
            let ask = format!(
                "select count(*) || ' rows, ' || coalesce(md5(string_agg({row}::text, E'\\n' \
                 order by {row}::text collate \"C\")), '') from {schema}.{table} t"
            );
            let digest = sqlx::query_scalar(AssertSqlSafe(ask))
                .fetch_one(&mut connection)
                .await;
            digests.push((table, digest.expect("a digest")));
        }
        digests
    }
}

impl Database {
    /// Rebuilds everything beside and holds it against what is there.
    pub async fn is_rebuilt_alike(&self, log: &SharedLog) {
        let rebuilt = rebuild_into(log, &self.owner, &self.writer, "again", |_| {});
        rebuilt.await.expect("rebuilt");
        assert_eq!(self.digests("app").await, self.digests("again").await);
        let (live, again) = (self.shape("app").await, self.shape("again").await);
        assert!(live.len() > 60, "{live:#?}");
        let lacks: Vec<_> = live.iter().filter(|line| !again.contains(line)).collect();
        let added: Vec<_> = again.iter().filter(|line| !live.contains(line)).collect();
        assert!(
            lacks.is_empty() && added.is_empty(),
            "{lacks:#?} {added:#?}"
        );
    }

    /// Indexes, keys, walls and rights of a schema, without its name.
    pub async fn shape(&self, schema: &str) -> Vec<String> {
        let mut connection = self.sql().await;
        let rows: Vec<String> = sqlx::query_scalar(include_str!("shape.sql"))
            .bind(schema)
            .fetch_all(&mut connection)
            .await
            .expect("asked");
        let named = format!("{schema}.");
        rows.iter().map(|row| row.replace(&named, "")).collect()
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

/// An empty database of its own, without the tables.
pub async fn empty() -> Urls {
    let superuser = tokio::task::spawn_blocking(|| SERVER.superuser_url());
    let superuser = superuser.await.expect("a server");
    let mut connection = PgConnection::connect(&superuser).await.expect("connected");
    let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let create = AssertSqlSafe(format!("create database {name} owner almanac_owner"));
    sqlx::raw_sql(create)
        .execute(&mut connection)
        .await
        .expect("created");
    Urls::of(&SERVER, &name)
}

pub async fn connect(url: &str) -> Store {
    Store::connect(&config(url)).await.expect("connected")
}

pub fn config(url: &str) -> runtime::Postgres {
    runtime::Postgres {
        accept_plaintext: false,
        connections: 4,
        url: url.to_owned().into(),
    }
}
