//! Builds the next edition.
//!
//! Invariant: the live edition is only read for its name; what ends before its end is begun anew.

use event_log::SharedLog;
use schemas::Position;
use sqlx::Connection as _;

use super::{
    Edition, ExchangeError,
    catch_up::CatchUp,
    standing::{check, claim},
};
use crate::{Owner, Writer, rebuild_into};

/// Fills the next edition from the first commit on, whatever there was of one, and catches up with
/// what happened meanwhile; says where it is then. Tells `progress` each position it reaches.
pub async fn rebuild(
    log: &SharedLog,
    owner: &Owner,
    writer: &Writer,
    progress: impl Fn(Position),
) -> Result<Position, ExchangeError> {
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
    beside.come_close(log, &progress).await?;
    let position = beside.position();
    beside.end().await;
    claimed.close().await?;
    Ok(position)
}
