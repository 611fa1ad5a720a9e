//! Where the read models are, and whether the log is still the one they come from.
//!
//! Invariant: the checkpoint moves only from where its projector believes it to be, so of two
//! projectors at most one succeeds, whatever became of their lock; and only while what is already
//! written is what that projector has read or written.

use event_log::{Entry, SharedLog, seal};
use schemas::Position;
use sqlx::{PgConnection, Row as _};

use super::{RunError, decode::Reading};
use crate::Writer;

/// The last entry that the read models hold.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Checkpoint {
    pub(super) position: Position,
    /// How often what is already written was changed.
    generation: i64,
    hash: Option<Vec<u8>>,
}

impl Checkpoint {
    /// Takes the lock; false if another projector holds it. It is let go of with the connection.
    pub(super) async fn lock(
        connection: &mut PgConnection,
        writer: &Writer,
    ) -> Result<bool, RunError> {
        let ask = "select pg_try_advisory_lock(hashtextextended('almanac projector ' || $1, 0))";
        Ok(sqlx::query_scalar(ask)
            .bind(writer.schema())
            .fetch_one(connection)
            .await?)
    }

    /// Reads the checkpoint, or makes the first, and holds it against the log.
    pub(super) async fn open(
        connection: &mut PgConnection,
        log: &SharedLog,
    ) -> Result<Self, RunError> {
        let head = log.head().await?;
        let stored = sqlx::query(include_str!("sql/open_checkpoint.sql"))
            .bind(&head.incarnation)
            .fetch_one(&mut *connection)
            .await?;
        let incarnation: String = stored.try_get("incarnation")?;
        let position = Position(stored.try_get::<i64, _>("position")? as u64);
        let checkpoint = Self {
            position,
            generation: stored.try_get("generation")?,
            hash: stored.try_get("hash")?,
        };
        if incarnation != head.incarnation {
            return Err(halted(format!(
                "the read models were made from log {incarnation}, but this is log {}; connect to \
                 the log they come from, or rebuild them in an empty database",
                head.incarnation
            )));
        }
        if head.position < position {
            return Err(halted(format!(
                "the log ends at position {}, but the read models have reached {position}: commits \
                 were lost; restore the log from a backup",
                head.position
            )));
        }
        checkpoint.compare(log).await?;
        checkpoint.is_last(connection).await?;
        Ok(checkpoint)
    }

    /// The checkpoint after `last`.
    pub(super) fn after(&self, last: &Reading) -> Self {
        Self {
            position: last.entry.position(),
            generation: self.generation,
            hash: hash(&last.entry),
        }
    }

    /// Says, in the transaction of whoever changes what is already written, that it is changed:
    /// a projector that did not do so begins anew, and whoever follows a list does.
    pub(crate) async fn next_generation(
        connection: &mut PgConnection,
        channel: &str,
    ) -> Result<i64, sqlx::Error> {
        let counted = sqlx::query(include_str!("sql/next_generation.sql"))
            .bind(channel)
            .fetch_one(connection)
            .await?;
        counted.try_get("generation")
    }

    /// The same from the projector itself, which goes on.
    pub(super) async fn changed(
        &mut self,
        connection: &mut PgConnection,
        writer: &Writer,
    ) -> Result<(), sqlx::Error> {
        self.generation = Self::next_generation(connection, &writer.channel()).await?;
        Ok(())
    }

    /// Moves it from `old` and tells everyone who listens once the transaction is committed. False
    /// if it is not there any more, or what is written was changed.
    pub(super) async fn advance(
        &self,
        connection: &mut PgConnection,
        writer: &Writer,
        old: Position,
        last: &Reading,
    ) -> Result<bool, sqlx::Error> {
        let reached_at = match &last.entry {
            Entry::Commit(commit) => Some(commit.meta.time.to_chrono()),
            Entry::Unreadable(_) => None,
        };
        let moved = sqlx::query(include_str!("sql/advance_checkpoint.sql"))
            .bind(self.position.0 as i64)
            .bind(&self.hash)
            .bind(reached_at)
            .bind(old.0 as i64)
            .bind(writer.channel())
            .bind(self.generation)
            .fetch_all(connection)
            .await?;
        Ok(moved.len() == 1)
    }

    async fn compare(&self, log: &SharedLog) -> Result<(), RunError> {
        if self.position == Position(0) {
            return Ok(());
        }
        let position = self.position;
        match log.at(position).await? {
            Some(entry) if is_sealed(&entry) && hash(&entry) == self.hash => Ok(()),
            Some(_) => Err(halted(format!(
                "the commit at position {position} is not the one that the read models hold: the \
                 log was altered; restore it from a backup, or rebuild in an empty database"
            ))),
            None => Err(halted(format!(
                "the commit at position {position} is gone from the log; restore it from a \
                 backup"
            ))),
        }
    }

    /// Tables that are ahead, as after a restore of a part, would make good commits look wrong.
    async fn is_last(&self, connection: &mut PgConnection) -> Result<(), RunError> {
        let ask = "select coalesce(max(position), 0) from event_log";
        let last: i64 = sqlx::query_scalar(ask).fetch_one(connection).await?;
        if last as u64 <= self.position.0 {
            return Ok(());
        }
        Err(halted(format!(
            "the tables hold commits up to position {last}, but their checkpoint says {}: they are \
             not of one backup; restore all of them, or rebuild in an empty database",
            self.position
        )))
    }
}

/// Whether what it says it holds is what it holds.
fn is_sealed(entry: &Entry) -> bool {
    match entry {
        Entry::Commit(commit) => {
            seal(commit.stream, &commit.meta, &commit.payload) == commit.meta.hash
        }
        Entry::Unreadable(_) => true,
    }
}

fn hash(entry: &Entry) -> Option<Vec<u8>> {
    match entry {
        Entry::Commit(commit) => Some(commit.meta.hash.0.to_vec()),
        Entry::Unreadable(_) => None,
    }
}

fn halted(reason: String) -> RunError {
    RunError::Halted { reason }
}
