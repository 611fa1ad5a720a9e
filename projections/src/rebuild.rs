//! Fills a second copy of all read models from the first position on.
//!
//! Invariant: the live read models are never touched; the copy is folded by the same code as they
//! were.

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
        let schema = self.scratch.schema();
        self.empty().await?;
        self.owner.before_fill(schema).await?;
        match fill(self.log, &self.scratch, self.course().await?, &progress).await? {
            Filled::UpTo(position) => {
                self.owner.after_fill(schema).await?;
                Ok(position)
            }
            Filled::Refused(reason) if self.plan.is_some() => {
                let reason = format!("Postgres refuses what a commit holds: {reason}");
                Err(RunError::Halted { reason })
            }
            Filled::Refused(reason) => {
                tracing::warn!(reason, "Postgres refuses a commit; each is tried by itself");
                self.empty().await?;
                one_by_one(self.log, &self.scratch, self.to, &progress).await
            }
        }
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

/// As a projector does, which parks what Postgres refuses.
async fn one_by_one(
    log: &SharedLog,
    scratch: &Writer,
    head: Position,
    progress: impl Fn(Position),
) -> Result<Position, RunError> {
    let Some(mut projector) = Projector::open(log, scratch).await? else {
        return Err(RunError::Fenced);
    };
    projector.without_waiting_for_the_disk().await?;
    let mut readings = std::pin::pin!(read(Course::of(log, head).await?.entries));
    while projector.position() < head {
        match readings.next().await {
            Some((reading, None)) => progress(apply(&mut projector, reading).await?),
            Some((_, Some(failure))) => return Err(failure.into()),
            None => return Err(StoreError::Unavailable("the log ended".to_owned()).into()),
        }
    }
    Ok(projector.position())
}
