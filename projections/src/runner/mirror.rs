//! The mirror of the log: a row for every event.
//!
//! Invariant: the rows of a batch are written by one statement, the data as it was written to the
//! log.

use schemas::{Commit, catalogue::EventRecord};
use serde_json::value::RawValue;
use sqlx::{
    PgConnection,
    types::{
        Json,
        chrono::{DateTime, Utc},
    },
};
use uuid::Uuid;

use super::copy::Rows;

/// How many positions a partition holds, as the migration has it.
const PARTITION: u64 = 5_000_000;

/// The events of a batch, by column.
#[derive(Debug, Default)]
pub(super) struct Mirror {
    actors: Vec<String>,
    causations: Vec<Option<Uuid>>,
    commands: Vec<Uuid>,
    correlations: Vec<Uuid>,
    data: Vec<Json<Box<RawValue>>>,
    hashes: Vec<Vec<u8>>,
    ids: Vec<Uuid>,
    indices: Vec<i32>,
    kinds: Vec<&'static str>,
    names: Vec<String>,
    positions: Vec<i64>,
    schema_versions: Vec<i32>,
    tenants: Vec<Uuid>,
    times: Vec<DateTime<Utc>>,
    traceparents: Vec<Option<String>>,
    versions: Vec<i64>,
}

impl Mirror {
    pub(super) fn add(&mut self, commit: &Commit, records: Vec<EventRecord>) {
        let meta = &commit.meta;
        for (index, record) in records.into_iter().enumerate() {
            self.actors.push(meta.actor.to_string());
            self.causations.push(meta.causation);
            self.commands.push(meta.command.uuid());
            self.correlations.push(meta.correlation);
            self.data.push(Json(record.data));
            self.hashes.push(meta.hash.0.to_vec());
            self.ids.push(commit.stream.id);
            self.indices.push(index as i32);
            self.kinds.push(commit.stream.kind.name());
            self.names.push(record.name.into_owned());
            self.positions.push(commit.position.0 as i64);
            self.schema_versions.push(i32::from(record.v));
            self.tenants.push(commit.stream.tenant.uuid());
            self.times.push(meta.time.to_chrono());
            self.traceparents.push(meta.traceparent.clone());
            self.versions.push(meta.version.0 as i64);
        }
    }

    pub(super) async fn write(self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        if self.positions.is_empty() {
            return Ok(());
        }
        sqlx::query(include_str!("sql/mirror.sql"))
            .bind(self.positions)
            .bind(self.indices)
            .bind(self.tenants)
            .bind(self.kinds)
            .bind(self.ids)
            .bind(self.versions)
            .bind(self.names)
            .bind(self.schema_versions)
            .bind(self.times)
            .bind(self.actors)
            .bind(self.commands)
            .bind(self.correlations)
            .bind(self.causations)
            .bind(self.traceparents)
            .bind(self.hashes)
            .bind(self.data)
            .execute(connection)
            .await?;
        Ok(())
    }
}

impl Mirror {
    /// The same into a table that nobody else writes.
    pub(super) async fn fill(self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let mut rows = Rows::of(16);
        for (n, position) in self.positions.iter().enumerate() {
            rows.row();
            rows.bigint(*position);
            rows.integer(self.indices[n]);
            rows.uuid(self.tenants[n]);
            rows.text(self.kinds[n]);
            rows.uuid(self.ids[n]);
            rows.bigint(self.versions[n]);
            rows.text(&self.names[n]);
            rows.integer(self.schema_versions[n]);
            rows.instant(self.times[n]);
            rows.text(&self.actors[n]);
            rows.uuid(self.commands[n]);
            rows.uuid(self.correlations[n]);
            match self.causations[n] {
                Some(causation) => rows.uuid(causation),
                None => rows.null(),
            }
            match &self.traceparents[n] {
                Some(traceparent) => rows.text(traceparent),
                None => rows.null(),
            }
            rows.bytea(&self.hashes[n]);
            rows.json(&self.data[n].0)?;
        }
        rows.copy(connection, include_str!("sql/copy_mirror.sql"))
            .await
    }
}

/// Makes the partitions for the positions from `low` to well after `high`; says up to where they
/// reach.
pub(super) async fn make_room(
    connection: &mut PgConnection,
    low: u64,
    high: u64,
) -> Result<u64, sqlx::Error> {
    let reach = (high / PARTITION + 1) * PARTITION;
    sqlx::query("select ensure_event_log_partitions($1, $2)")
        .bind(low as i64)
        .bind(reach as i64)
        .execute(connection)
        .await?;
    Ok(reach)
}
