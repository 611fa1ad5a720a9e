//! Applies entries of the log to all read models, a batch at a time.
//!
//! Invariant: the tables depend on the log alone, not on where batches are cut or where the
//! projector was started anew.

use std::{collections::BTreeSet, time::Duration};

use event_log::{Entry, LogError, SharedLog};
use schemas::Position;
use sqlx::{Connection as _, PgConnection};
use tokio::time::timeout;

use super::{
    RunError,
    chain::Chain,
    checkpoint::Checkpoint,
    decode::{Events, Reading},
    folds::Folds,
    mend::Mending,
    mirror::{self, Mirror},
    moments::Moments,
    park::Park,
    remedy::{parts, remedies},
};
use crate::{Writer, store};

/// How long to wait for a connection to end in good order.
const END_MAX: Duration = Duration::from_secs(1);

/// The one that writes the read models of a store.
pub struct Projector {
    chain: Chain,
    checkpoint: Checkpoint,
    connection: PgConnection,
    folds: Folds,
    log: SharedLog,
    moments: Moments,
    park: Park,
    /// Up to where the mirror has partitions.
    room: u64,
    writer: Writer,
}

/// Why a batch was not applied.
pub(super) enum Failure {
    /// Postgres refuses it for what it holds.
    Refused(String),
    Run(RunError),
}

impl Projector {
    /// Takes the lead, checks that the log is the one that the read models come from, and learns
    /// where they are; none if another projector is at work.
    pub async fn open(log: &SharedLog, writer: &Writer) -> Result<Option<Self>, RunError> {
        let mut connection = writer.connection().await?;
        if !Checkpoint::lock(&mut connection, writer).await? {
            connection.close().await?;
            return Ok(None);
        }
        let checkpoint = Checkpoint::open(&mut connection, log).await?;
        let moments = Moments::open(&mut connection).await?;
        let park = Park::open(&mut connection).await?;
        Ok(Some(Self {
            chain: Chain::default(),
            checkpoint,
            connection,
            folds: Folds::default(),
            log: log.clone(),
            moments,
            park,
            room: 0,
            writer: writer.clone(),
        }))
    }

    /// Where the read models are.
    pub fn position(&self) -> Position {
        self.checkpoint.position
    }

    /// Applies what comes next in the log, and says where the read models are then.
    pub async fn apply(&mut self, entries: Vec<Entry>) -> Result<Position, RunError> {
        self.apply_read(entries.into_iter().map(Reading::of).collect())
            .await
    }

    /// Does not wait for the disk: for a rebuild, which is begun anew if it does not end.
    pub(crate) async fn without_waiting_for_the_disk(&mut self) -> Result<(), RunError> {
        sqlx::query("set synchronous_commit = off")
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    /// Leaves these out, as events later in the log say.
    pub(crate) fn leave_out(&mut self, positions: BTreeSet<Position>) {
        self.park.leave_out(positions);
    }

    /// What it has applied although an event left it out later.
    pub(crate) fn late(&self) -> &BTreeSet<Position> {
        self.park.late()
    }

    /// Lets go of the lead, if Postgres answers.
    pub(crate) async fn end(self) {
        // The lock ends with the connection in any case.
        let _ended = timeout(END_MAX, self.connection.close()).await;
    }

    pub(super) async fn apply_read(&mut self, batch: Vec<Reading>) -> Result<Position, RunError> {
        let after = self.position();
        match batch.first().map(|reading| reading.entry.position()) {
            None => return Ok(after),
            Some(found) if found != after.next() => {
                return Err(LogError::Gap { after, found }.into());
            }
            Some(_) => {}
        }
        for part in parts(batch) {
            // Kept in case Postgres refuses the part; then its entries are needed once more.
            let entries: Vec<Entry> = part.iter().map(|reading| reading.entry.clone()).collect();
            match self.try_apply(part).await {
                Ok(()) => {}
                Err(Failure::Run(failure)) => return Err(failure),
                Err(Failure::Refused(_)) => self.apply_singly(entries).await?,
            }
        }
        Ok(self.position())
    }

    /// Applies each entry by itself, and parks those that Postgres refuses.
    async fn apply_singly(&mut self, entries: Vec<Entry>) -> Result<(), RunError> {
        for entry in entries {
            let refusal = match self.try_apply(vec![Reading::of(entry.clone())]).await {
                Ok(()) => continue,
                Err(Failure::Refused(reason)) => reason,
                Err(Failure::Run(failure)) => return Err(failure),
            };
            let reason = format!("Postgres refuses it: {refusal}");
            match self
                .try_apply(vec![Reading {
                    entry,
                    events: Err(reason),
                }])
                .await
            {
                Ok(()) => {}
                Err(Failure::Refused(reason)) => {
                    return Err(crate::StoreError::Corrupt(reason).into());
                }
                Err(Failure::Run(failure)) => return Err(failure),
            }
        }
        Ok(())
    }

    /// Applies a batch in one transaction, or nothing of it.
    async fn try_apply(&mut self, batch: Vec<Reading>) -> Result<(), Failure> {
        let Some(last) = batch.last() else {
            return Ok(());
        };
        let (mut to, old) = (self.checkpoint.after(last), self.position());
        let written = match self.load(&batch, to.position).await {
            Ok(()) => self.write(batch, &mut to, old).await,
            Err(failure) => Err(failure.into()),
        };
        if written.is_err() {
            self.chain.clear();
            self.folds.clear();
            self.moments.clear();
            self.park.clear();
            return written;
        }
        self.chain.settle();
        self.folds.settle();
        self.moments.settle();
        self.park.settle();
        self.checkpoint = to;
        Ok(())
    }

    /// Learns what the batch needs to know.
    async fn load(&mut self, batch: &[Reading], to: Position) -> Result<(), sqlx::Error> {
        if to.0 > self.room || self.room == 0 {
            let low = self.position().0;
            self.room = mirror::make_room(&mut self.connection, low, to.0).await?;
        }
        let streams = batch.iter().filter_map(Reading::stream);
        let existing = self.chain.load(&mut self.connection, streams).await?;
        self.folds.load(&mut self.connection, &existing).await
    }

    async fn write(
        &mut self,
        batch: Vec<Reading>,
        to: &mut Checkpoint,
        old: Position,
    ) -> Result<(), Failure> {
        let mut transaction = self.connection.begin().await?;
        // First of all, so that of two projectors the later one waits here and then finds itself
        // late.
        if let Some(last) = batch.last()
            && !to
                .advance(&mut transaction, &self.writer, old, last)
                .await?
        {
            return Err(Failure::Run(RunError::Fenced));
        }
        let mut mirror = Mirror::default();
        for reading in batch {
            self.moments.add(&reading.entry);
            judge(
                reading,
                &mut self.chain,
                &mut self.folds,
                &mut self.park,
                &mut mirror,
            );
        }
        self.folds.take().write(&mut transaction).await?;
        mirror.write(&mut transaction).await?;
        self.moments.write(&mut transaction).await?;
        while let Some(remedy) = self.park.next_asked() {
            let mut mending = Mending {
                chain: &mut self.chain,
                folds: &mut self.folds,
                park: &mut self.park,
            };
            mending.mend(&mut transaction, &self.log, remedy).await?;
        }
        let changes = self.park.changes();
        changes.write(&mut transaction).await?;
        if changes.mend() {
            to.changed(&mut transaction, &self.writer).await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

/// Folds a commit in, or parks it.
pub(super) fn judge(
    reading: Reading,
    chain: &mut Chain,
    folds: &mut Folds,
    park: &mut Park,
    mirror: &mut Mirror,
) {
    let Entry::Commit(commit) = &reading.entry else {
        let reason = reading.events.err().unwrap_or_default();
        return park.add(reading.entry, &reason);
    };
    let follows = match park.stuck_at(commit.stream) {
        Some(position) => Err(format!("behind position {position}")),
        None if park.leaves_out(commit.position) => {
            Err("it is left out later in the log".to_owned())
        }
        None => Ok(()),
    };
    let decoded = follows.and(reading.events).and_then(|decoded| {
        chain.check(commit)?;
        Ok(decoded)
    });
    match decoded {
        Ok(decoded) => {
            chain.extend(commit);
            folds.apply(commit, &decoded.events);
            if let Events::ParkedCommit(events) = &decoded.events {
                park.ask(remedies(commit, events));
            }
            mirror.add(commit, decoded.records);
        }
        Err(reason) => park.add(reading.entry, &reason),
    }
}

impl From<sqlx::Error> for Failure {
    /// Data that cannot be stored: out of range (22), too large (54). What is against a constraint
    /// (23) contradicts rows that are there: no fault of the commit.
    fn from(failure: sqlx::Error) -> Self {
        match store::class(&failure).as_deref() {
            Some("22" | "54") => Self::Refused(failure.to_string()),
            Some("23") => Self::Run(RunError::Halted {
                reason: format!(
                    "the read models contradict the log ({failure}); `projections verify` says \
                     where, a rebuild in an empty database mends it"
                ),
            }),
            _ => Self::Run(failure.into()),
        }
    }
}
