//! What tasks can do: one file for each kind.
//!
//! A handler may be run more than once for one task (a worker may die after the work and before it
//! could say so), so it should be harmless to repeat.
//!
//! Invariant: a handler that is asked to stop stops soon, and one that is dropped leaves nothing
//! running behind.
//!
//! To add a kind: write its file (payload, run, tests), list it in [`Handlers::get`], and name it in
//! [`BUILT_IN_KINDS`].

mod command;
mod echo;
mod http;
mod sleep;
pub(crate) mod text;

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    TaskId,
    task::{BUILT_IN_KINDS, TaskError},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::report::Report;

/// One kind of work.
#[async_trait]
pub trait Handler: Send + Sync {
    /// Does the work that `payload` describes. May be dropped at any await.
    async fn run(&self, payload: Value, context: &AttemptContext) -> Outcome;

    /// Whether this worker may do it and has what that takes. A kind of which that is not true
    /// everywhere belongs into [`event_log::APART`], so that its tasks wait for a worker that can.
    fn is_able(&self) -> bool {
        true
    }
}

/// What a handler may know of the attempt that it makes.
#[derive(Clone, Debug)]
pub struct AttemptContext {
    /// Which attempt, from 1.
    pub attempt: u32,
    /// Cancelled when the attempt is to stop: on request, at its deadline, or to hand it back.
    pub cancel: CancellationToken,
    /// When the attempt times out.
    pub deadline: Instant,
    /// Where to say what it does and how far it is. What is said can be read by whoever may see
    /// the task, and is kept: no secret and nobody's data belong there.
    pub report: Report,
    /// The task; a stable key for effects that must not be repeated.
    pub task: TaskId,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The work is done, with this output.
    Done(Value),
    /// It went wrong, and another attempt would not help.
    Fail(TaskError),
    /// It went wrong, and another attempt may help.
    Retry(TaskError),
}

/// The kinds that this worker knows.
#[derive(Clone)]
pub struct Handlers {
    command: Arc<command::Command>,
    echo: Arc<echo::Echo>,
    http: Arc<http::Http>,
    sleep: Arc<sleep::Sleep>,
}

impl Outcome {
    /// An end that no other attempt would change.
    pub fn fail(code: &str, message: impl std::fmt::Display) -> Self {
        Self::Fail(error(code, message, false))
    }

    /// An end that another attempt may change.
    pub fn retry(code: &str, message: impl std::fmt::Display) -> Self {
        Self::Retry(error(code, message, true))
    }

    /// The end of a handler that was asked to stop before its work was done.
    pub fn stopped() -> Self {
        Self::retry("stopped", "the attempt was asked to stop")
    }
}

impl Handlers {
    /// The handlers as `config` allows them.
    pub fn try_new(config: &runtime::Worker) -> Result<Self, reqwest::Error> {
        Ok(Self {
            command: Arc::new(command::Command::new(config.allow_commands)),
            echo: Arc::new(echo::Echo),
            http: Arc::new(http::Http::try_new(config.allow_private_addresses)?),
            sleep: Arc::new(sleep::Sleep),
        })
    }

    /// The kinds that this worker serves.
    pub fn kinds(&self) -> Vec<&'static str> {
        let serves = |kind: &&str| self.serves(kind);
        BUILT_IN_KINDS.iter().copied().filter(serves).collect()
    }

    /// Whether this worker knows `kind` and can do it.
    pub fn serves(&self, kind: &str) -> bool {
        self.get(kind).is_some_and(|handler| handler.is_able())
    }

    /// The handler of `kind`.
    pub fn get(&self, kind: &str) -> Option<Arc<dyn Handler>> {
        Some(match kind {
            "command" => self.command.clone(),
            "echo" => self.echo.clone(),
            "http" => self.http.clone(),
            "sleep" => self.sleep.clone(),
            _ => return None,
        })
    }
}

/// An error as the log keeps it.
pub(crate) fn error(code: &str, message: impl std::fmt::Display, retryable: bool) -> TaskError {
    TaskError {
        code: code.to_owned(),
        message: message.to_string(),
        retryable,
        retry_after_ms: None,
    }
}

/// Reads a payload; one that does not fit never will.
fn read<T: DeserializeOwned>(payload: Value) -> Result<T, Outcome> {
    serde_json::from_value(payload).map_err(|reason| Outcome::fail("invalid_payload", reason))
}

#[cfg(test)]
pub(crate) mod testing {
    //! An attempt to run handlers in.
    //!
    //! Invariant: nobody stops it but the test.

    use super::*;
    use std::time::Duration;

    /// A first attempt with a minute left.
    pub(crate) fn attempt() -> AttemptContext {
        AttemptContext {
            attempt: 1,
            cancel: CancellationToken::new(),
            deadline: Instant::now() + Duration::from_mins(1),
            report: crate::report::testing::report(),
            task: TaskId::new(uuid::Uuid::from_u128(1)),
        }
    }

    /// The code of an end that is not good.
    #[track_caller]
    pub(crate) fn code(outcome: &Outcome) -> (&str, bool) {
        match outcome {
            Outcome::Done(output) => panic!("done: {output}"),
            Outcome::Fail(error) => (&error.code, false),
            Outcome::Retry(error) => (&error.code, true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_known_by_name() {
        let handlers = Handlers::try_new(&runtime::Worker::default()).expect("a client");
        for kind in BUILT_IN_KINDS {
            assert!(handlers.get(kind).is_some(), "{kind}");
        }
        assert!(handlers.get("unheard_of").is_none());
        assert!(handlers.serves("echo") && !handlers.serves("unheard_of"));
        assert!(!handlers.serves("command"), "it may not run programs");
        let allowing = runtime::Worker {
            allow_commands: true,
            ..runtime::Worker::default()
        };
        let handlers = Handlers::try_new(&allowing).expect("a client");
        assert_eq!(handlers.kinds(), BUILT_IN_KINDS);
    }
}
