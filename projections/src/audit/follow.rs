//! Follows the audit's stream into its table.
//!
//! Invariant: the checkpoint moves only from where it is believed to be, so of two followers at
//! most one writes; what the stream no longer holds is no longer a row.

use std::{convert::Infallible, time::Duration};

use event_log::{AuditBatch, AuditLog};
use schemas::{AuditRecord, Position};
use sqlx::{Connection as _, PgConnection, Row as _, types::Json};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{RunError, StoreError, Writer};

/// How often to look for news.
const LOOK: Duration = Duration::from_millis(200);
/// The most messages of one transaction.
const BATCH: usize = 50;
/// How long a transaction may take before Postgres is taken for lost.
const APPLY_TIMEOUT: Duration = Duration::from_mins(1);
/// How long to wait after the first failure; doubles up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_millis(100);
/// The longest wait after a failure.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// How often a standby looks whether it is needed.
const STANDBY: Duration = Duration::from_millis(500);
/// How often rows are taken out whose records have ended.
const TIDY: Duration = Duration::from_mins(10);

/// Keeps the rows of the audit up to date until shutdown. Waits as a standby while another does,
/// and out whatever passes by itself; returns an error only if a person has to look.
pub async fn run(
    log: AuditLog,
    writer: Writer,
    shutdown: CancellationToken,
) -> Result<(), RunError> {
    let mut pause = PAUSE;
    loop {
        let following = follow(&log, &writer, &mut pause);
        match shutdown.run_until_cancelled(following).await {
            None => return Ok(()),
            Some(Err(halted @ RunError::Halted { .. })) => return Err(halted),
            Some(Err(failure)) => {
                tracing::warn!(%failure, pause_ms = pause.as_millis(), "the audit waits");
            }
        }
        shutdown.run_until_cancelled(sleep(pause)).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// Follows until something fails.
async fn follow(
    log: &AuditLog,
    writer: &Writer,
    pause: &mut Duration,
) -> Result<Infallible, RunError> {
    let mut connection = lead(writer).await?;
    let mut position = open(&mut connection, log).await?;
    let mut tidied = None::<Instant>;
    loop {
        if tidied.is_none_or(|at| at.elapsed() >= TIDY) {
            forget(&mut connection, log.span().await?.first).await?;
            tidied = Some(Instant::now());
        }
        let mut batches = Vec::new();
        let mut last = position;
        while batches.len() < BATCH
            && let Some(batch) = log.next(last).await?
        {
            last = batch.position;
            batches.push(batch);
        }
        if batches.is_empty() {
            sleep(LOOK).await;
            continue;
        }
        let applying = apply(&mut connection, position, last, batches);
        let applied = timeout(APPLY_TIMEOUT, applying).await;
        applied.map_err(|_| StoreError::Unavailable("a transaction does not end".into()))??;
        position = last;
        *pause = PAUSE;
    }
}

/// Waits until no other is at work. The lock is let go of with the connection.
async fn lead(writer: &Writer) -> Result<PgConnection, RunError> {
    let ask = "select pg_try_advisory_lock(hashtextextended('almanac audit ' || $1, 0))";
    let mut connection = writer.connection().await?;
    loop {
        let asked = sqlx::query_scalar(ask).bind(writer.schema());
        if asked.fetch_one(&mut connection).await? {
            return Ok(connection);
        }
        sleep(STANDBY).await;
    }
}

/// Where the rows are, held against the stream.
async fn open(connection: &mut PgConnection, log: &AuditLog) -> Result<Position, RunError> {
    let span = log.span().await?;
    let stored = sqlx::query(include_str!("open.sql"))
        .bind(&span.incarnation)
        .fetch_one(connection)
        .await?;
    let incarnation: String = stored.try_get("incarnation")?;
    let position = Position(stored.try_get::<i64, _>("position")? as u64);
    if incarnation == span.incarnation && position <= span.last {
        return Ok(position);
    }
    let reason = format!(
        "the rows of the audit were made from stream {incarnation} up to position {position}, but \
         this is stream {} and it ends at {}; restore it from a backup",
        span.incarnation, span.last
    );
    Err(RunError::Halted { reason })
}

/// Writes the records of `batches`, in one transaction with the checkpoint.
async fn apply(
    connection: &mut PgConnection,
    from: Position,
    to: Position,
    batches: Vec<AuditBatch>,
) -> Result<(), RunError> {
    let (mut tenants, mut positions) = (Vec::<Uuid>::new(), Vec::<i64>::new());
    let (mut indices, mut records) = (Vec::<i32>::new(), Vec::<Json<AuditRecord>>::new());
    for batch in batches {
        let position = batch.position;
        let decoded = serde_json::from_slice::<Vec<AuditRecord>>(&batch.payload);
        let (Some(tenant), Ok(decoded)) = (batch.tenant, decoded) else {
            // Only a gateway may write there, so this is no gateway's; it stays in the stream.
            tracing::error!(
                position = position.0,
                "a message of the audit is no records"
            );
            continue;
        };
        for (index, record) in decoded.into_iter().enumerate() {
            tenants.push(tenant.uuid());
            positions.push(position.0 as i64);
            indices.push(index as i32);
            records.push(Json(record));
        }
    }
    let mut transaction = connection.begin().await?;
    let moved = sqlx::query("update audit_checkpoint set position = $1 where position = $2")
        .bind(to.0 as i64)
        .bind(from.0 as i64)
        .execute(&mut *transaction)
        .await?;
    if moved.rows_affected() != 1 {
        return Err(RunError::Fenced);
    }
    sqlx::query(include_str!("insert.sql"))
        .bind(tenants)
        .bind(positions)
        .bind(indices)
        .bind(records)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(())
}

/// Takes out the rows before `first`, some at a time.
async fn forget(connection: &mut PgConnection, first: Position) -> Result<(), RunError> {
    loop {
        let gone = sqlx::query(include_str!("forget.sql"))
            .bind(first.0 as i64)
            .execute(&mut *connection)
            .await?;
        if gone.rows_affected() == 0 {
            return Ok(());
        }
    }
}
