//! Postgres alone: rows of the same size as those of the read models, in the fastest plain
//! statements.
//!
//! Invariant: a table here has a primary key, a `jsonb` of a task's size and no other index, so it
//! is cheaper than any read model can be.

use std::time::Instant;

use anyhow::{Context as _, Result};
use serde_json::Value;
use tokio_postgres::{Client, NoTls, Row};
use uuid::Uuid;

use crate::{fixture, latency::Latencies, load::Measured};

const TABLES: &str = "
    create table if not exists public.bare_rows (
        tenant uuid, id uuid, version bigint, kind text, status text, position bigint, state jsonb,
        primary key (tenant, id)
    );
    create table if not exists public.bare_checkpoint (position bigint);
    truncate public.bare_rows, public.bare_checkpoint;
    insert into public.bare_checkpoint values (0);
";
const INSERT: &str = "
    insert into public.bare_rows
    select * from unnest(
        $1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::jsonb[]
    )
    on conflict (tenant, id) do update set version = excluded.version, state = excluded.state
";
const CHECKPOINT: &str = "update public.bare_checkpoint set position = $1";
const ONE: &str = "select state from public.bare_rows where tenant = $1 and id = $2";
const FIFTY: &str = "
    select state from public.bare_rows where tenant = $1 and id > $2 order by id limit 50
";
const TENANT: Uuid = Uuid::from_u128(1);
/// Rows of one statement; see the measured rates of the read models.
pub const BATCH: usize = 500;

/// A connection with its statements prepared.
pub struct Bare {
    client: Client,
    checkpoint: tokio_postgres::Statement,
    fifty: tokio_postgres::Statement,
    insert: tokio_postgres::Statement,
    one: tokio_postgres::Statement,
}

/// Makes the tables, empty.
pub async fn prepare(url: &str) -> Result<()> {
    connect(url)
        .await?
        .batch_execute(TABLES)
        .await
        .context("the bare tables")
}

impl Bare {
    /// Connects; the tables exist.
    pub async fn connect(url: &str) -> Result<Self> {
        let client = connect(url).await?;
        let checkpoint = client.prepare(CHECKPOINT).await?;
        let fifty = client.prepare(FIFTY).await?;
        let insert = client.prepare(INSERT).await?;
        let one = client.prepare(ONE).await?;
        Ok(Self {
            client,
            checkpoint,
            fifty,
            insert,
            one,
        })
    }

    /// Writes these rows and the checkpoint in one transaction.
    pub async fn write(&mut self, ids: &[Uuid], position: i64) -> Result<()> {
        let count = ids.len();
        let state = fixture::payload();
        let states: Vec<&Value> = vec![&state; count];
        let transaction = self.client.transaction().await?;
        transaction
            .execute(
                &self.insert,
                &[
                    &vec![TENANT; count],
                    &ids,
                    &vec![1_i64; count],
                    &vec!["echo"; count],
                    &vec!["queued"; count],
                    &vec![position; count],
                    &states,
                ],
            )
            .await?;
        transaction.execute(&self.checkpoint, &[&position]).await?;
        Ok(transaction.commit().await?)
    }

    /// Fills the table in batches of [`BATCH`]; the rate is that of rows.
    pub async fn fill(&mut self, ids: &[Uuid]) -> Result<Measured> {
        let begin = Instant::now();
        let mut latencies = Latencies::new();
        for (position, batch) in (1..).zip(ids.chunks(BATCH)) {
            let started = Instant::now();
            self.write(batch, position).await?;
            latencies.record(started.elapsed());
        }
        let rate = ids.len() as f64 / begin.elapsed().as_secs_f64();
        Ok(Measured { latencies, rate })
    }

    /// The row of `id`.
    pub async fn one(&self, id: Uuid) -> Result<Value> {
        let row = self.client.query_one(&self.one, &[&TENANT, &id]).await?;
        Ok(row.try_get(0)?)
    }

    /// Fifty rows after `id`.
    pub async fn fifty(&self, id: Uuid) -> Result<Vec<Value>> {
        let rows = self.client.query(&self.fifty, &[&TENANT, &id]).await?;
        let state = |row: &Row| Ok(row.try_get(0)?);
        rows.iter().map(state).collect()
    }
}

async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .context("Postgres")?;
    // Its failure is seen by the next statement.
    tokio::spawn(connection);
    Ok(client)
}
