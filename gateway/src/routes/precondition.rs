//! Preconditions of a put, which may make the object or replace it.
//!
//! Invariant: what is checked here is written with the version that was seen, so an object that
//! comes, goes or changes in between is met by the log's own check. A replay is never refused for
//! what its own first try has made.

use commands::{Ask, CommandError, Receipt};
use domain::Aggregate;
use schemas::{Version, api::Code, catalogue::Recorded};

use crate::{
    answer::etag,
    app::App,
    extract::{Precondition, Writing},
    problem::{Error, Explain, Result},
};

/// A version that no object reaches.
const NEVER: Version = Version(u64::MAX);

/// Runs `command` on the terms of the request. `lives` tells an object that is there from one that
/// was deleted.
pub(super) async fn execute<A>(
    app: &App,
    writing: &Writing,
    mut ask: Ask,
    command: A::Command,
    lives: fn(&A) -> bool,
) -> Result<Receipt<A>>
where
    A: Aggregate,
    A::Event: Recorded + 'static,
    A::Command: 'static,
    A::Rejection: Explain,
{
    let unmet = hold(app, writing.precondition, &mut ask, lives).await?;
    if let Some(error) = unmet.as_ref().filter(|_| ask.fingerprint.is_none()) {
        return Err(error.clone());
    }
    match (app.commands.execute::<A>(ask, command).await, unmet) {
        (Err(CommandError::VersionMismatch { .. }), Some(error)) => Err(error),
        (result, _) => Ok(result?),
    }
}

/// What is not as the request expects it. `If-Match` with a version is in `ask` already.
async fn hold<A>(
    app: &App,
    precondition: Precondition,
    ask: &mut Ask,
    lives: fn(&A) -> bool,
) -> Result<Option<Error>>
where
    A: Aggregate,
    A::Event: Recorded,
{
    let wanted = match precondition {
        Precondition::Any | Precondition::Version(_) => return Ok(None),
        Precondition::Present => true,
        Precondition::Absent => false,
    };
    let current = app.commands.state::<A>(ask.tenant, ask.id).await?;
    let version = current.as_ref().map_or(Version(0), |found| found.version);
    let there = current.is_some_and(|found| lives(&found.state));
    if there == wanted {
        ask.expected = Some(version);
        return Ok(None);
    }
    ask.expected = Some(NEVER);
    let detail = if there {
        "the object exists already"
    } else {
        "there is no such object"
    };
    let error = Error::new(Code::VersionMismatch, detail);
    Ok(Some(error.with_etag(etag(version))))
}
