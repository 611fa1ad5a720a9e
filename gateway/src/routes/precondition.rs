//! What a change may expect of its object (RFC 9110 §13).
//!
//! Invariant: every change of an object comes through here. What is checked here is written with
//! the version that was seen, so an object that comes, goes or changes in between is met by the
//! log's own check. A replay is never refused for what its own first try has made.

use commands::{AccountError, Ask, CommandError, Receipt, UniqueError};
use domain::{
    Aggregate,
    api_key::ApiKey,
    job::{Job, JobStatus},
    resource::Resource,
    resource_type::ResourceType,
    settings::Settings,
    task::Task,
    tenant::Tenant,
    user::User,
};
use schemas::{Version, api::Code, catalogue::Recorded};

use crate::{
    answer::etag,
    app::App,
    extract::{Precondition, Writing},
    problem::{Error, Explain, Result},
};

/// A version that no object reaches.
const NEVER: Version = Version(u64::MAX);

/// An object that clients can change.
pub(super) trait Changed:
    Aggregate<Command: 'static, Event: Recorded, Rejection: Explain>
{
    /// Whether it is there before anything was written of it.
    const ALWAYS: bool = false;

    /// Whether it is there, rather than deleted.
    fn lives(&self) -> bool;
}

impl Changed for ApiKey {
    fn lives(&self) -> bool {
        self.revoked_at.is_none()
    }
}

impl Changed for Job {
    fn lives(&self) -> bool {
        self.status != JobStatus::Deleted
    }
}

impl Changed for Resource {
    fn lives(&self) -> bool {
        !self.deleted
    }
}

impl Changed for ResourceType {
    fn lives(&self) -> bool {
        true
    }
}

impl Changed for Settings {
    const ALWAYS: bool = true;

    fn lives(&self) -> bool {
        true
    }
}

impl Changed for Task {
    fn lives(&self) -> bool {
        true
    }
}

impl Changed for Tenant {
    fn lives(&self) -> bool {
        true
    }
}

impl Changed for User {
    fn lives(&self) -> bool {
        true
    }
}

/// Runs `command` on the terms of the request.
pub(super) async fn execute<A: Changed>(
    app: &App,
    writing: &Writing,
    mut ask: Ask,
    command: A::Command,
) -> Result<Receipt<A>> {
    let unmet = expect::<A>(app, writing, &mut ask).await?;
    run(app, ask, command, unmet).await
}

/// Has `ask` expect what the request expects; what is not so already.
pub(super) async fn expect<A: Changed>(
    app: &App,
    writing: &Writing,
    ask: &mut Ask,
) -> Result<Option<Error>> {
    Ok(match writing.precondition {
        // The version is in `ask` already, for the log's own check.
        Precondition::Any | Precondition::Version(_) => None,
        Precondition::Absent | Precondition::Present => {
            let current = app.commands.state::<A>(ask.tenant, ask.id).await?;
            let version = current.as_ref().map_or(Version(0), |found| found.version);
            let lives = current.map_or(A::ALWAYS, |found| found.state.lives());
            ask.expected = Some(version);
            unmet(writing, version, lives)
        }
    })
}

/// What is not as the request expects it, of an object at `version`.
pub(super) fn unmet(writing: &Writing, version: Version, lives: bool) -> Option<Error> {
    let detail = match writing.precondition {
        Precondition::Absent if lives => "the object exists already",
        Precondition::Present if !lives => "there is no such object",
        Precondition::Version(expected) if expected != version => {
            return Some(Error::version_mismatch(expected, version));
        }
        _ => return None,
    };
    Some(Error::new(Code::VersionMismatch, detail).with_etag(etag(version)))
}

/// Runs `command` unless something is `unmet`; then only an earlier try of it is answered.
pub(super) async fn run<A: Changed>(
    app: &App,
    ask: Ask,
    command: A::Command,
    unmet: Option<Error>,
) -> Result<Receipt<A>> {
    run_by(ask, unmet, async |ask| {
        app.commands.execute::<A>(ask, command).await
    })
    .await
}

/// The same of what is not one command alone: a password, an address.
pub(super) async fn run_by<A, E: Mismatch>(
    mut ask: Ask,
    unmet: Option<Error>,
    act: impl AsyncFnOnce(Ask) -> std::result::Result<Receipt<A>, E>,
) -> Result<Receipt<A>> {
    let Some(error) = unmet else {
        return act(ask).await.map_err(Into::into);
    };
    if ask.fingerprint.is_none() {
        return Err(error);
    }
    ask.expected = Some(NEVER);
    match act(ask).await {
        Err(other) if other.is_mismatch() => Err(error),
        other => other.map_err(Into::into),
    }
}

/// An error that may say that an object is not at the version expected.
pub(super) trait Mismatch: Into<Error> {
    /// Whether it says so.
    fn is_mismatch(&self) -> bool;
}

impl<R: std::error::Error + Explain> Mismatch for CommandError<R> {
    fn is_mismatch(&self) -> bool {
        matches!(self, Self::VersionMismatch { .. })
    }
}

impl Mismatch for UniqueError {
    fn is_mismatch(&self) -> bool {
        matches!(self, Self::Command(error) if error.is_mismatch())
    }
}

impl Mismatch for AccountError {
    fn is_mismatch(&self) -> bool {
        matches!(self, Self::Command(error) if error.is_mismatch())
    }
}
