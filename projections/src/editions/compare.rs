//! Compares the edition that was built with the live one.
//!
//! Invariant: both are seen at one position, for which the live projector is held until both are
//! seen and no longer; only if it stands still before that are they seen at two, and told so.

use std::time::Duration;

use event_log::SharedLog;
use schemas::Position;
use sqlx::{Connection as _, PgConnection};
use tokio::time::{Instant, sleep};

use super::{Edition, ExchangeError, Refusal, catch_up::CatchUp};
use crate::{
    Differences, Overview,
    difference::{Snapshot, between},
};

/// How often it is tried while others hold the checkpoint, or the rest takes too long.
const ATTEMPTS: u32 = 10;
/// How long the live projector may be held for what is missing.
const HELD_MAX: Duration = Duration::from_secs(5);
/// How often to look how far the live edition is.
const LOOK: Duration = Duration::from_millis(20);
/// How long the live edition may stand still before nobody waits for it.
const STILL_MAX: Duration = Duration::from_secs(5);

/// What a swap of the next edition, which is `beside`, would change, as it is now. The projector is
/// held by `owner`.
pub(super) async fn would_change(
    (log, overview): (&SharedLog, &Overview),
    owner: &mut PgConnection,
    beside: &mut CatchUp,
    samples: usize,
    progress: impl Fn(Position),
) -> Result<Differences, ExchangeError> {
    let next = overview.beside(Edition::Next.schema());
    let (mut one, mut other) = (overview.connection().await?, next.connection().await?);
    let mut attempt = 1;
    loop {
        beside.come_close(log, &progress).await?;
        wait_for_live(&mut one, beside.position()).await?;
        match together(owner, beside, (&mut one, &mut other), &progress).await {
            Ok((mut one, mut other)) => {
                return Ok(between((&mut one, &mut other), samples).await?);
            }
            Err(ExchangeError::Refused(refusal)) if attempt < ATTEMPTS => {
                tracing::info!(attempt, %refusal, "the editions are not compared yet");
                attempt += 1;
            }
            Err(failure) => return Err(failure),
        }
    }
}

/// Waits until the live edition is at `position`, for as long as it moves.
async fn wait_for_live(live: &mut PgConnection, position: Position) -> Result<(), sqlx::Error> {
    let (mut last, mut since) = (reached(live).await?, Instant::now());
    while last < position && since.elapsed() < STILL_MAX {
        sleep(LOOK).await;
        let now = reached(live).await?;
        if now > last {
            (last, since) = (now, Instant::now());
        }
    }
    Ok(())
}

async fn reached(live: &mut PgConnection) -> Result<Position, sqlx::Error> {
    let ask = "select position from checkpoint";
    let position: Option<i64> = sqlx::query_scalar(ask).fetch_optional(live).await?;
    Ok(Position(position.unwrap_or_default() as u64))
}

/// Both editions as they are at one moment, at which the live projector is held.
async fn together<'a>(
    owner: &mut PgConnection,
    beside: &mut CatchUp,
    editions: (&'a mut PgConnection, &'a mut PgConnection),
    progress: impl Fn(Position),
) -> Result<(Snapshot<'a>, Snapshot<'a>), ExchangeError> {
    let mut held = owner.begin().await?;
    let seen = within(&mut held, beside, editions, progress).await;
    // What is held is let go of now, not when the connection is used next.
    held.rollback().await?;
    seen
}

async fn within<'a>(
    held: &mut PgConnection,
    beside: &mut CatchUp,
    (one, other): (&'a mut PgConnection, &'a mut PgConnection),
    progress: impl Fn(Position),
) -> Result<(Snapshot<'a>, Snapshot<'a>), ExchangeError> {
    let limits = include_str!("sql/hold_to_compare.sql");
    sqlx::raw_sql(limits).execute(&mut *held).await?;
    let holding = sqlx::raw_sql(include_str!("sql/hold.sql"));
    if let Err(failure) = holding.execute(&mut *held).await {
        if is_locked(&failure) {
            return Err(Refusal::Busy.into());
        }
        return Err(failure.into());
    }
    let wanted = reached(held).await?;
    if !beside.reach_within(wanted, HELD_MAX, progress).await? {
        let (edition, reached) = (Edition::Next, beside.position());
        let refusal = Refusal::TooSlow {
            edition,
            reached,
            wanted,
        };
        return Err(refusal.into());
    }
    Ok((Snapshot::of(one).await?, Snapshot::of(other).await?))
}

/// Whether a lock was not to be had in time.
fn is_locked(failure: &sqlx::Error) -> bool {
    let failure = failure.as_database_error();
    failure
        .and_then(sqlx::error::DatabaseError::code)
        .as_deref()
        == Some("55P03")
}
