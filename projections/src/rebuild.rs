//! Fills a second copy of all read models from the first position on.
//!
//! Invariant: the live read models are never touched; the copy is folded by the same code as they
//! were.

use event_log::SharedLog;
use futures::StreamExt as _;
use schemas::Position;

use crate::{
    Owner, Projector, RunError, StoreError, Writer,
    runner::{Course, Filled, apply, fill, read},
};

/// Empties `schema`, a name of small letters, digits and underscores, and fills it with read models
/// up to where the log ends now; says where that is. Tells `progress` each position it reaches.
pub async fn rebuild_into(
    log: &SharedLog,
    owner: &Owner,
    writer: &Writer,
    schema: &str,
    progress: impl Fn(Position),
) -> Result<Position, RunError> {
    let scratch = beside(writer, schema)?;
    let head = log.head().await?.position;
    owner.migrate_beside(schema).await?;
    match fill_beside(
        log,
        owner,
        &scratch,
        Course::of(log, head).await?,
        &progress,
    )
    .await?
    {
        Filled::UpTo(position) => Ok(position),
        Filled::Refused(_) => {
            owner.migrate_beside(schema).await?;
            one_by_one(log, &scratch, head, &progress).await
        }
    }
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

/// Fills the empty tables of `scratch`. If Postgres refuses what a commit holds, they are left as
/// they are, to be made anew.
pub(crate) async fn fill_beside(
    log: &SharedLog,
    owner: &Owner,
    scratch: &Writer,
    course: Course,
    progress: impl Fn(Position),
) -> Result<Filled, RunError> {
    owner.before_fill(scratch.schema()).await?;
    let filled = fill(log, scratch, course, progress).await?;
    match &filled {
        Filled::UpTo(_) => owner.after_fill(scratch.schema()).await?,
        Filled::Refused(reason) => {
            tracing::warn!(reason, "Postgres refuses a commit; each is tried by itself");
        }
    }
    Ok(filled)
}

/// As a projector does, which parks what Postgres refuses.
pub(crate) async fn one_by_one(
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
