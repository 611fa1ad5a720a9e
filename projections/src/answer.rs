//! What every question is answered with.
//!
//! Invariant: an answer, its position and what is known to be missing from it come from one
//! snapshot of the database.

use schemas::{Position, Version, domain::TenantId};
use sqlx::{Row as _, postgres::PgRow};
use uuid::Uuid;

use crate::{Key, StoreError};

/// An answer, and the position of the log that it reflects.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct At<T> {
    /// Every commit up to here is in it, but for those that are parked, and none after.
    pub position: Position,
    /// The first parked commit of what was asked about: the answer is as of before it.
    pub stale_since: Option<Position>,
    /// The answer.
    pub value: T,
}

/// How often what the read models had already told was changed: by other tables in their place, or
/// by a commit that was mended. Answers of two generations need not fit together.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Generation(pub u64);

/// An aggregate as its read model holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Row<S> {
    /// Which one.
    pub id: Uuid,
    /// Whose.
    pub tenant: TenantId,
    /// How many commits led to it.
    pub version: Version,
    /// The position of the last of them.
    pub position: Position,
    /// What they led to.
    pub state: S,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed<T, K = Key> {
    /// In the order asked for.
    pub items: Vec<T>,
    /// Where the next part begins; none after the last.
    pub next: Option<K>,
}

impl Generation {
    /// That of the first row of an answer, which tells it as `generation`.
    pub(crate) fn told_by(first: Option<&PgRow>) -> Result<Self, StoreError> {
        let told = first.map(|row| row.try_get::<i64, _>("generation"));
        Ok(Self(told.transpose()?.unwrap_or_default() as u64))
    }
}

impl<T> At<T> {
    /// `value` with what the first row of the answer says of it: its `reached` and `stale_since`.
    pub(crate) fn told_by(first: Option<&PgRow>, value: T) -> Result<Self, StoreError> {
        let Some(row) = first else {
            return Ok(Self {
                position: Position(0),
                stale_since: None,
                value,
            });
        };
        let stale_since: Option<i64> = row.try_get("stale_since")?;
        Ok(Self {
            position: Position(row.try_get::<i64, _>("reached")? as u64),
            stale_since: stale_since.map(|position| Position(position as u64)),
            value,
        })
    }

    /// The same with what `f` makes of the answer.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> At<U> {
        At {
            position: self.position,
            stale_since: self.stale_since,
            value: f(self.value),
        }
    }
}

impl<T, K> Listed<T, K> {
    /// The first `limit` of `items`, of which one more was asked for to see whether there is more.
    pub(crate) fn cut(mut items: Vec<T>, limit: usize, key: impl FnOnce(&T) -> K) -> Self {
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(key);
        Self { items, next }
    }
}
