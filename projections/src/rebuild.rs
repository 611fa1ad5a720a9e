//! Fills a second copy of all read models from the first position on.
//!
//! Invariant: the live read models are never touched; the copy is folded by the same code as they
//! were.

use std::collections::BTreeSet;

use event_log::{LogError, SharedLog};
use futures::StreamExt as _;
use schemas::Position;

use crate::{
    Owner, Projector, RunError, StoreError, Writer,
    replay::Plan,
    runner::{Course, Filled, apply, fill, read},
};

/// A copy of the read models, to be made.
pub(crate) struct Rebuild<'a> {
    pub(crate) log: &'a SharedLog,
    pub(crate) owner: &'a Owner,
    /// Where.
    pub(crate) scratch: Writer,
    /// Whether nobody keeps it: then it takes the place of such a one only.
    pub(crate) is_scratch: bool,
    /// Up to which position of the log.
    pub(crate) to: Position,
    /// What becomes of the log, if it is not folded as it is.
    pub(crate) plan: Option<&'a Plan>,
}

/// Empties `schema`, a name of small letters, digits and underscores, and fills it with read models
/// up to where the log ends now; says where that is. Tells `progress` each position it reaches.
pub async fn rebuild_into(
    log: &SharedLog,
    owner: &Owner,
    writer: &Writer,
    schema: &str,
    progress: impl Fn(Position),
) -> Result<Position, RunError> {
    let rebuild = Rebuild {
        log,
        owner,
        scratch: beside(writer, schema)?,
        is_scratch: false,
        to: log.head().await?.position,
        plan: None,
    };
    rebuild.run(progress).await
}

/// The schema called so, if that can be the name of one that is not live.
pub(crate) fn beside(writer: &Writer, schema: &str) -> Result<Writer, RunError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if schema.is_empty() || !schema.chars().all(plain) || schema == writer.schema() {
        let reason = format!("{schema:?} cannot be the name of a scratch schema");
        return Err(RunError::Halted { reason });
    }
    Ok(writer.beside(schema))
}

impl Rebuild<'_> {
    /// Makes it; says up to where. Tells `progress` each position it reaches.
    pub(crate) async fn run(&self, progress: impl Fn(Position)) -> Result<Position, RunError> {
        let mut left_out = BTreeSet::new();
        loop {
            match self.at_once(&left_out, &progress).await? {
                Filled::LeavesOut(positions) => learn(&mut left_out, positions)?,
                Filled::UpTo(position) => return Ok(position),
                Filled::Refused(reason) if self.plan.is_some() => {
                    let reason = format!("Postgres refuses what a commit holds: {reason}");
                    return Err(RunError::Halted { reason });
                }
                Filled::Refused(reason) => {
                    tracing::warn!(reason, "Postgres refuses a commit; each is tried by itself");
                    break;
                }
            }
        }
        loop {
            match self.one_by_one(&left_out, &progress).await? {
                Filled::LeavesOut(positions) => learn(&mut left_out, positions)?,
                Filled::UpTo(position) => return Ok(position),
                Filled::Refused(reason) => return Err(StoreError::Corrupt(reason).into()),
            }
        }
    }

    /// Streams everything into tables without what only readers need.
    async fn at_once(
        &self,
        left_out: &BTreeSet<Position>,
        progress: impl Fn(Position),
    ) -> Result<Filled, RunError> {
        let schema = self.scratch.schema();
        self.empty().await?;
        self.owner.before_fill(schema).await?;
        let course = self.course().await?;
        let filled = fill(self.log, &self.scratch, course, left_out, progress).await?;
        if matches!(filled, Filled::UpTo(_)) {
            self.owner.after_fill(schema).await?;
        }
        Ok(filled)
    }

    /// As a projector does, which parks what Postgres refuses.
    async fn one_by_one(
        &self,
        left_out: &BTreeSet<Position>,
        progress: impl Fn(Position),
    ) -> Result<Filled, RunError> {
        self.empty().await?;
        let Some(mut projector) = Projector::open(self.log, &self.scratch).await? else {
            return Err(RunError::Fenced);
        };
        projector.without_waiting_for_the_disk().await?;
        projector.leave_out(left_out.clone());
        let entries = Course::of(self.log, self.to).await?.entries;
        let mut readings = std::pin::pin!(read(entries));
        while projector.position() < self.to {
            match readings.next().await {
                Some((reading, None)) => progress(apply(&mut projector, reading).await?),
                Some((_, Some(failure))) => return Err(failure.into()),
                None => return Err(StoreError::Unavailable("the log ended".to_owned()).into()),
            }
        }
        Ok(match projector.late() {
            late if late.is_empty() => Filled::UpTo(projector.position()),
            late => Filled::LeavesOut(late.clone()),
        })
    }

    /// Makes the tables, without a row.
    async fn empty(&self) -> Result<(), StoreError> {
        let schema = self.scratch.schema();
        if self.is_scratch {
            self.owner.migrate_scratch(schema).await
        } else {
            self.owner.migrate_beside(schema).await
        }
    }

    /// What they are filled with.
    async fn course(&self) -> Result<Course, LogError> {
        let course = Course::of(self.log, self.to).await?;
        Ok(match self.plan {
            Some(plan) => plan.clone().apply(course),
            None => course,
        })
    }
}

/// Takes in what is left out, of which some must be news: what is known is never applied.
fn learn(known: &mut BTreeSet<Position>, told: BTreeSet<Position>) -> Result<(), RunError> {
    if told.is_subset(known) {
        let reason = "what is left out was applied".to_owned();
        return Err(StoreError::Corrupt(reason).into());
    }
    known.extend(told);
    Ok(())
}
