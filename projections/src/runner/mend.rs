//! Takes up again what was set aside, as an event asks.
//!
//! Invariant: what was parked is tried in the order of the log, as if it had just been read, and
//! what still cannot be applied is parked again; it makes no difference how many are tried at once.

use event_log::{Entry, SharedLog};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use schemas::Position;
use sqlx::{Acquire as _, PgConnection, Row as _};

use super::{
    BATCH, RunError,
    chain::Chain,
    decode::{self, Reading},
    folds::Folds,
    mirror::Mirror,
    park::{Held, Park},
    projector::{Failure, judge},
    remedy::Remedy,
};

/// How many entries are asked of the log at a time.
const ASKED: usize = 32;

/// What a remedy changes.
pub(super) struct Mending<'a> {
    pub(super) chain: &'a mut Chain,
    pub(super) folds: &'a mut Folds,
    pub(super) park: &'a mut Park,
}

/// Tries one again, or passes it by if it is left out.
pub(super) fn resume(
    held: Held,
    reading: Reading,
    Mending { chain, folds, park }: &mut Mending<'_>,
    mirror: &mut Mirror,
) {
    if held.skip.is_none() {
        return judge(reading, chain, folds, park, mirror);
    }
    if let Entry::Commit(commit) = &held.entry
        && park.stuck_at(commit.stream).is_none()
    {
        chain.pass(commit);
    }
    park.keep(held);
}

impl Mending<'_> {
    /// Does what is asked, within the transaction of the commit that asks it.
    pub(super) async fn mend(
        &mut self,
        transaction: &mut PgConnection,
        log: &SharedLog,
        remedy: Remedy,
    ) -> Result<(), Failure> {
        self.load(transaction, log, remedy.position).await?;
        let waiting = self.park.take_up(remedy);
        for part in waiting.chunks(BATCH) {
            match self.resume_all(transaction, part).await {
                Err(Failure::Refused(_)) => {}
                tried => {
                    tried?;
                    continue;
                }
            }
            for held in part {
                match self
                    .resume_all(transaction, std::slice::from_ref(held))
                    .await
                {
                    Err(Failure::Refused(refusal)) => {
                        let reason = format!("Postgres refuses it: {refusal}");
                        self.park.add(held.entry.clone(), &reason);
                    }
                    tried => tried?,
                }
            }
        }
        Ok(())
    }

    /// Tries all of `part`, which is of one aggregate, or none if Postgres refuses one.
    async fn resume_all(
        &mut self,
        transaction: &mut PgConnection,
        part: &[Held],
    ) -> Result<(), Failure> {
        let mark = self.park.mark();
        let stream = part.first().and_then(|held| decode::stream(&held.entry));
        let last = stream.map(|stream| self.chain.mark(stream));
        let mut nested = transaction.begin().await?;
        let resumed = self.resume_each(&mut nested, part).await;
        if resumed.is_ok() {
            nested.commit().await?;
            return Ok(());
        }
        nested.rollback().await?;
        if let Some(last) = last {
            self.chain.go_back(last);
        }
        self.folds.clear();
        self.park.go_back(mark, part);
        resumed
    }

    async fn resume_each(
        &mut self,
        nested: &mut PgConnection,
        part: &[Held],
    ) -> Result<(), Failure> {
        let read = |held: &Held| Reading::of(held.entry.clone());
        let readings: Vec<_> = part.iter().map(read).collect();
        let streams = readings.iter().filter_map(Reading::stream);
        let existing = self.chain.load(&mut *nested, streams).await?;
        self.folds.load(&mut *nested, &existing).await?;
        let mut mirror = Mirror::default();
        for (held, reading) in part.iter().zip(readings) {
            resume(held.clone(), reading, self, &mut mirror);
        }
        self.folds.take().write(&mut *nested).await?;
        mirror.write(nested).await?;
        Ok(())
    }

    /// Learns what is parked at `position`, and what waits with it.
    async fn load(
        &mut self,
        transaction: &mut PgConnection,
        log: &SharedLog,
        position: Position,
    ) -> Result<(), Failure> {
        if self.park.has(position) {
            return Ok(());
        }
        let rows = sqlx::query(include_str!("sql/waiting.sql"))
            .bind(position.0 as i64)
            .fetch_all(transaction)
            .await?;
        let mut positions = Vec::with_capacity(rows.len());
        for row in &rows {
            positions.push(Position(row.try_get::<i64, _>("position")? as u64));
        }
        // From the log, as it has them: another program may make more of them than is in the row.
        let entries: Vec<_> = stream::iter(positions)
            .map(|position| async move { (position, log.at(position).await) })
            .buffered(ASKED)
            .map(|(position, found)| match found {
                Ok(Some(entry)) => Ok(entry),
                Ok(None) => Err(RunError::Halted {
                    reason: format!(
                        "the commit at position {position} is gone from the log; restore it from \
                         a backup"
                    ),
                }),
                Err(failure) => Err(failure.into()),
            })
            .try_collect()
            .await
            .map_err(Failure::Run)?;
        for (row, entry) in rows.iter().zip(entries) {
            self.park.load(row, entry)?;
        }
        Ok(())
    }
}
