//! When commits were: from a time to a position of the log.
//!
//! Invariant: the position of a time is that of the last commit at or before it, whoever's it is,
//! so a later time never has an earlier position, also where clocks disagree.

use schemas::{Position, domain::Timestamp};
use sqlx::Row as _;

use crate::{Store, StoreError};

/// The position of a time, as far as the read models know.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Moment {
    /// Whether they hold a commit of a later time, or of this very one: the log may have more
    /// otherwise.
    pub is_past: bool,
    /// The last commit at or before the time; 0 if there is none.
    pub position: Position,
}

/// The last commit at or before `time`.
pub async fn at(store: &Store, time: Timestamp) -> Result<Moment, StoreError> {
    let row = store
        .read_untenanted(|pool| async move {
            sqlx::query(include_str!("at.sql"))
                .bind(time.to_chrono())
                .fetch_one(&pool)
                .await
        })
        .await?;
    Ok(Moment {
        is_past: row.try_get("is_past")?,
        position: Position(row.try_get::<i64, _>("position")? as u64),
    })
}
