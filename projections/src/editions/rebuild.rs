//! Builds the next edition.
//!
//! Invariant: the live edition is only read, and held for a moment to be compared; what ends before
//! its end is begun anew.

use event_log::SharedLog;
use schemas::Position;
use sqlx::Connection as _;

use super::{
    Edition, ExchangeError,
    catch_up::CatchUp,
    compare::would_change,
    standing::{check, claim},
};
use crate::{Differences, Overview, Owner, Writer, rebuild_into};

/// An edition that was built.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Built {
    /// Where it is.
    pub position: Position,
    /// How it differs from the live one, at one position of both.
    pub would_change: Differences,
}

/// Fills the next edition from the first commit on, whatever there was of one, catches up with what
/// happened meanwhile, and compares it with the live one: of each kind of difference, each table
/// gives at most so many `samples`. Tells `progress` each position it reaches.
pub async fn rebuild(
    log: &SharedLog,
    (owner, writer, overview): (&Owner, &Writer, &Overview),
    samples: usize,
    progress: impl Fn(Position),
) -> Result<Built, ExchangeError> {
    let mut claimed = owner.connection().await?;
    claim(&mut claimed).await?;
    let next = Edition::Next;
    rebuild_into(log, owner, writer, next.schema(), &progress).await?;
    let mut connection = owner.beside(next.schema()).connection().await?;
    sqlx::query("update checkpoint set filled_at = now()")
        .execute(&mut connection)
        .await?;
    connection.close().await?;
    check(log, owner, next).await?;
    let mut beside = CatchUp::open(log, writer, next).await?;
    let sources = (log, overview);
    let differing = would_change(sources, &mut claimed, &mut beside, samples, &progress);
    let would_change = differing.await?;
    let position = beside.position();
    beside.end().await;
    claimed.close().await?;
    Ok(Built {
        position,
        would_change,
    })
}
