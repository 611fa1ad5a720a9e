//! When the commits of a batch were.
//!
//! Invariant: a row stands for a commit after which none bears an earlier or the same time; one
//! that a later commit takes this from is gone, wherever batches are cut.

use event_log::Entry;
use schemas::{Position, domain::Timestamp};
use sqlx::{
    PgConnection, Row as _,
    types::chrono::{DateTime, Utc},
};

/// The times of the log.
#[derive(Clone, Debug, Default)]
pub(super) struct Moments {
    /// Of the batch: times and positions both grow.
    batch: Vec<Moment>,
    /// The last row that is committed.
    last: Option<Moment>,
}

#[derive(Clone, Copy, Debug)]
struct Moment {
    at: Timestamp,
    /// The latest time of any commit so far.
    latest: Timestamp,
    position: Position,
}

impl Moments {
    /// Learns where the times of the log end.
    pub(super) async fn open(connection: &mut PgConnection) -> Result<Self, sqlx::Error> {
        let ask = "select position, at, latest from moments order by position desc limit 1";
        let row = sqlx::query(ask).fetch_optional(connection).await?;
        let read = |row: sqlx::postgres::PgRow| {
            Ok::<_, sqlx::Error>(Moment {
                at: row.try_get::<DateTime<Utc>, _>("at")?.into(),
                latest: row.try_get::<DateTime<Utc>, _>("latest")?.into(),
                position: Position(row.try_get::<i64, _>("position")? as u64),
            })
        };
        Ok(Self {
            batch: Vec::new(),
            last: row.map(read).transpose()?,
        })
    }

    /// Takes in a commit, also one that is parked: it was asked at its time all the same.
    pub(super) fn add(&mut self, entry: &Entry) {
        let Entry::Commit(commit) = entry else { return };
        let at = commit.meta.time;
        let before = self.batch.last().or(self.last.as_ref());
        let latest = before.map_or(at, |moment| moment.latest.max(at));
        while self.batch.last().is_some_and(|moment| moment.at >= at) {
            self.batch.pop();
        }
        self.batch.push(Moment {
            at,
            latest,
            position: commit.position,
        });
    }

    /// Writes what the batch changed.
    pub(super) async fn write(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let Some(first) = self.batch.first() else {
            return Ok(());
        };
        if self.last.is_some_and(|last| last.at >= first.at) {
            sqlx::query("delete from moments where at >= $1")
                .bind(first.at.to_chrono())
                .execute(&mut *connection)
                .await?;
        }
        let times = |of: fn(&Moment) -> Timestamp| -> Vec<DateTime<Utc>> {
            let moments = self.batch.iter();
            moments.map(|moment| of(moment).to_chrono()).collect()
        };
        let positions = self.batch.iter().map(|moment| moment.position.0 as i64);
        sqlx::query(include_str!("sql/moments.sql"))
            .bind(positions.collect::<Vec<_>>())
            .bind(times(|moment| moment.at))
            .bind(times(|moment| moment.latest))
            .execute(connection)
            .await?;
        Ok(())
    }

    /// Ends a batch that was committed.
    pub(super) fn settle(&mut self) {
        self.last = self.batch.pop().or(self.last);
        self.batch.clear();
    }

    /// Forgets the batch, since it was not committed.
    pub(super) fn clear(&mut self) {
        self.batch.clear();
    }
}
