//! What an edition was made from, and whether it is whole.
//!
//! Invariant: only what was filled to its end, from this log and by the version that made the live
//! edition's tables, may become live.

use event_log::SharedLog;
use sqlx::{Connection as _, PgConnection, Row as _};

use super::{Edition, ExchangeError, Refusal};
use crate::Owner;

/// What an edition was made from.
#[derive(Debug)]
struct Standing {
    incarnation: String,
    /// The migrations that made its tables, with their digests.
    migrations: String,
}

/// Takes the one right to build or exchange editions; it ends with the connection.
pub(super) async fn claim(connection: &mut PgConnection) -> Result<(), ExchangeError> {
    let ask = "select pg_try_advisory_lock(hashtextextended('almanac editions', 0))";
    if sqlx::query_scalar(ask).fetch_one(connection).await? {
        return Ok(());
    }
    Err(Refusal::AtWork.into())
}

/// Refuses an edition that must not become live.
pub(super) async fn check(
    log: &SharedLog,
    owner: &Owner,
    edition: Edition,
) -> Result<(), ExchangeError> {
    let mut connection = owner.connection().await?;
    let live = standing(&mut connection, Edition::Live).await?;
    connection.close().await?;
    let mut connection = owner.beside(edition.schema()).connection().await?;
    let found = standing(&mut connection, edition).await?;
    connection.close().await?;
    let Some(found) = found else {
        return Err(Refusal::Incomplete(edition).into());
    };
    let head = log.head().await.map_err(crate::RunError::from)?;
    if found.incarnation != head.incarnation {
        let (found, log) = (found.incarnation, head.incarnation);
        return Err(Refusal::OtherLog {
            edition,
            found,
            log,
        }
        .into());
    }
    // A live edition that no projector has opened yet holds nothing that could be of another
    // version; its tables are told by the migrations all the same.
    if live.is_some_and(|live| live.migrations != found.migrations) {
        return Err(Refusal::OtherVersion(edition).into());
    }
    Ok(())
}

/// What the edition that `connection` stands in was made from; none if it was not filled.
async fn standing(
    connection: &mut PgConnection,
    edition: Edition,
) -> Result<Option<Standing>, ExchangeError> {
    let there = sqlx::query(include_str!("sql/is_there.sql"))
        .fetch_one(&mut *connection)
        .await?;
    if !there.try_get("is_there")? {
        return Err(Refusal::Missing(edition).into());
    }
    if there.try_get("is_filling")? {
        return Err(Refusal::Incomplete(edition).into());
    }
    let found = sqlx::query(include_str!("sql/standing.sql"))
        .fetch_optional(connection)
        .await?;
    let Some(found) = found else { return Ok(None) };
    Ok(Some(Standing {
        incarnation: found.try_get("incarnation")?,
        migrations: found.try_get("migrations")?,
    }))
}
