//! Puts another edition in the place of the live one.
//!
//! Invariant: all of it is one transaction of the owner, which renames only when the other edition
//! is as far as the live one, whose projector is held until it ends. Whoever reads sees the one
//! edition or the other for the length of a transaction, as every statement and every transaction
//! here reads the checkpoint before other tables: that is locked last and for the renaming alone.

use std::time::Duration;

use event_log::SharedLog;
use schemas::Position;
use sqlx::{Connection as _, PgConnection};
use tokio::time::{Instant, sleep, timeout};

use super::{
    Edition, ExchangeError, Refusal,
    catch_up::CatchUp,
    standing::{check, claim},
};
use crate::{Owner, Writer, analytics, runner::Checkpoint};

/// How often it is tried while others hold what has to be locked: for longer than any statement of
/// an analyst may take.
const ATTEMPTS: u32 = 60;
/// How long the live projector may be held for what is missing.
const HELD_MAX: Duration = Duration::from_secs(5);
/// How long to wait after others were in the way.
const PAUSE: Duration = Duration::from_millis(1_500);

/// What became of an exchange.
#[derive(Clone, Copy, Debug, Eq, PartialEq, serde::Serialize)]
pub struct Exchanged {
    /// How often what is live was changed by now.
    pub generation: u64,
    /// Where the live edition is.
    pub position: Position,
    /// How long nothing was applied.
    pub held_ms: u64,
    /// How long reads waited.
    pub waited_ms: u64,
}

/// Why one attempt came to nothing.
enum Failure {
    /// Others hold what has to be locked.
    Busy,
    Failed(ExchangeError),
}

/// Lets the next edition be the live one, and keeps that as the previous one. One that was kept
/// before is dropped. Tells `progress` each position that the next one reaches.
pub async fn swap(
    log: &SharedLog,
    owner: &Owner,
    writer: &Writer,
    progress: impl Fn(Position),
) -> Result<Exchanged, ExchangeError> {
    exchange(log, (owner, writer), Edition::Next, progress).await
}

/// Lets the previous edition be the live one again, and keeps that as the previous one.
/// Tells `progress` each position that the edition reaches.
pub async fn rollback(
    log: &SharedLog,
    owner: &Owner,
    writer: &Writer,
    progress: impl Fn(Position),
) -> Result<Exchanged, ExchangeError> {
    exchange(log, (owner, writer), Edition::Previous, progress).await
}

async fn exchange(
    log: &SharedLog,
    (owner, writer): (&Owner, &Writer),
    with: Edition,
    progress: impl Fn(Position),
) -> Result<Exchanged, ExchangeError> {
    let mut connection = owner.connection().await?;
    claim(&mut connection).await?;
    check(log, owner, with).await?;
    discard(&mut connection).await?;
    let mut beside = CatchUp::open(log, writer, with).await?;
    for attempt in 1..=ATTEMPTS {
        beside.come_close(log, &progress).await?;
        let sources = (log, writer);
        match try_once(&mut connection, sources, &mut beside, with, &progress).await {
            Ok(exchanged) => {
                beside.end().await;
                if let Err(failure) = discard(&mut connection).await {
                    tracing::warn!(%failure, "app_discarded stays until the next swap");
                }
                return Ok(exchanged);
            }
            Err(Failure::Busy) => {
                tracing::info!(attempt, "statements that take long are in the way");
                sleep(PAUSE).await;
            }
            Err(Failure::Failed(failure)) => return Err(failure),
        }
    }
    Err(Refusal::Busy.into())
}

/// Drops the edition that was the previous one before the last swap.
async fn discard(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    run(connection, include_str!("sql/discard.sql")).await
}

async fn run(connection: &mut PgConnection, statements: &'static str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(statements).execute(connection).await?;
    Ok(())
}

async fn try_once(
    connection: &mut PgConnection,
    (log, writer): (&SharedLog, &Writer),
    beside: &mut CatchUp,
    with: Edition,
    progress: impl Fn(Position),
) -> Result<Exchanged, Failure> {
    let mut transaction = connection.begin().await?;
    let done = within(&mut transaction, (log, writer), beside, with, progress).await;
    let Ok((mut exchanged, held, stood)) = done else {
        // What is held is let go of now, not when the connection is used next.
        transaction.rollback().await?;
        return done.map(|(exchanged, ..)| exchanged);
    };
    transaction.commit().await?;
    exchanged.held_ms = held.elapsed().as_millis() as u64;
    exchanged.waited_ms = stood.elapsed().as_millis() as u64;
    Ok(exchanged)
}

/// Does it all within a transaction; says since when the projector is held, and reads wait.
async fn within(
    transaction: &mut PgConnection,
    (log, writer): (&SharedLog, &Writer),
    beside: &mut CatchUp,
    with: Edition,
    progress: impl Fn(Position),
) -> Result<(Exchanged, Instant, Instant), Failure> {
    let (bind, rename) = match with {
        Edition::Previous => (
            include_str!("sql/bind_previous.sql"),
            include_str!("sql/rename_previous.sql"),
        ),
        _ => (
            include_str!("sql/bind_next.sql"),
            include_str!("sql/rename_next.sql"),
        ),
    };
    run(transaction, bind).await?;
    analytics::publish(transaction).await?;
    beside.come_close(log, &progress).await?;
    run(transaction, include_str!("sql/hold.sql")).await?;
    let held = Instant::now();
    let ask = "select position from app.checkpoint";
    let live: Option<i64> = sqlx::query_scalar(ask)
        .fetch_optional(&mut *transaction)
        .await?;
    let wanted = Position(live.unwrap_or_default() as u64);
    let Ok(reached) = timeout(HELD_MAX, beside.reach(wanted, progress)).await else {
        let (edition, reached) = (with, beside.position());
        let refusal = Refusal::TooSlow {
            edition,
            reached,
            wanted,
        };
        return Err(Failure::Failed(refusal.into()));
    };
    reached?;
    run(transaction, include_str!("sql/stand.sql")).await?;
    let stood = Instant::now();
    run(transaction, rename).await?;
    run(transaction, include_str!("sql/settle.sql")).await?;
    run(transaction, include_str!("../store/grants.sql")).await?;
    run(transaction, include_str!("sql/generation.sql")).await?;
    let generation = Checkpoint::next_generation(transaction, &writer.channel()).await?;
    let exchanged = Exchanged {
        generation: generation as u64,
        position: beside.position(),
        held_ms: 0,
        waited_ms: 0,
    };
    Ok((exchanged, held, stood))
}

impl From<sqlx::Error> for Failure {
    /// A lock that was not to be had in time (55P03), or only by giving way (40P01).
    fn from(failure: sqlx::Error) -> Self {
        let code = failure
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code);
        match code.as_deref() {
            Some("40P01" | "55P03") => Self::Busy,
            _ => Self::Failed(failure.into()),
        }
    }
}

impl From<ExchangeError> for Failure {
    fn from(failure: ExchangeError) -> Self {
        Self::Failed(failure)
    }
}
