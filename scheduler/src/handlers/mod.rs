//! What tasks can do: one file for each kind.
//!
//! A handler may be run more than once for one task (a worker may die after the work and before it
//! could say so), so it should be harmless to repeat.
//!
//! Invariant: a handler that is asked to stop stops soon, and one that is dropped leaves nothing
//! running behind.
//!
//! To add a kind: write its file (payload, run, tests), list it in [`Handlers::get`], and name it
//! in [`BUILT_IN_KINDS`].

pub mod backup;
mod cleanup;
mod command;
mod csv;
mod echo;
mod export;
mod extracted;
mod generate_report;
mod http;
mod process_data;
mod send_notification;
mod sleep;
mod stored;
mod table;
pub(crate) mod text;

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use commands::Commands;
use domain::{
    TaskId, TenantId,
    task::{BUILT_IN_KINDS, TaskError},
};
use files::Files;
use projections::Extracts;
use runtime::Clock;
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
    /// Where to say what it does and how far it is, which is a sign of life as well. What is said
    /// can be read by whoever may see the task, and is kept: no secret and nobody's data belong
    /// there.
    pub report: Report,
    /// The task; a stable key for effects that must not be repeated.
    pub task: TaskId,
    /// Whose it is.
    pub tenant: TenantId,
}

/// What handlers may use beside the network and the log, as far as this worker has it.
#[derive(Clone, Default)]
pub struct Means {
    /// How a copy of the log and of the sealed vault is made.
    pub backup: Option<Arc<backup::WriteCopy>>,
    /// Where reports and exports are read.
    pub extracts: Option<Extracts>,
    /// Where files are kept.
    pub files: Option<Files>,
    /// For how many days files are kept at least.
    pub keep_days: u32,
    /// Who sends mail.
    pub smtp: Option<runtime::Smtp>,
    /// Whom tasks may tell by webhook, by name.
    pub webhooks: BTreeMap<String, runtime::Webhook>,
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
    backup: Arc<backup::Backup>,
    cleanup: Arc<cleanup::Cleanup>,
    command: Arc<command::Command>,
    echo: Arc<echo::Echo>,
    export: Arc<export::Export>,
    generate_report: Arc<generate_report::GenerateReport>,
    http: Arc<http::Http>,
    process_data: Arc<process_data::ProcessData>,
    send_notification: Arc<send_notification::SendNotification>,
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
    /// The handlers as `config` allows them, with `means`.
    pub fn try_new(
        config: &runtime::Worker,
        clock: &Clock,
        commands: &Commands,
        means: Means,
    ) -> Result<Self, reqwest::Error> {
        let allow_private = config.allow_private_addresses;
        let Means {
            backup,
            extracts,
            files,
            keep_days,
            smtp,
            webhooks,
        } = means;
        let notices = send_notification::SendNotification::try_new(
            clock.clone(),
            smtp.as_ref(),
            webhooks,
            allow_private,
        );
        let reports =
            generate_report::GenerateReport::new(clock.clone(), extracts.clone(), files.clone());
        let data = process_data::ProcessData::new(commands.clone(), files.clone());
        let backup = backup::Backup::new(clock.clone(), backup, files.clone());
        Ok(Self {
            backup: Arc::new(backup),
            cleanup: Arc::new(cleanup::Cleanup::new(files.clone(), keep_days)),
            command: Arc::new(command::Command::new(config.allow_commands)),
            echo: Arc::new(echo::Echo),
            export: Arc::new(export::Export::new(extracts, files)),
            generate_report: Arc::new(reports),
            http: Arc::new(http::Http::try_new(allow_private)?),
            process_data: Arc::new(data),
            send_notification: Arc::new(notices?),
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
            "backup" => self.backup.clone(),
            "cleanup" => self.cleanup.clone(),
            "command" => self.command.clone(),
            "echo" => self.echo.clone(),
            "export" => self.export.clone(),
            "generate-report" => self.generate_report.clone(),
            "http" => self.http.clone(),
            "process-data" => self.process_data.clone(),
            "send-notification" => self.send_notification.clone(),
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

/// What came of `work`, which is dropped if the attempt is to stop before.
async fn unless_stopped(
    context: &AttemptContext,
    work: impl Future<Output = Result<Value, Outcome>> + Send,
) -> Outcome {
    // It would make a future too large to be passed around.
    let work = Box::pin(work);
    tokio::select! {
        () = context.cancel.cancelled() => Outcome::stopped(),
        done = work => done.map_or_else(|outcome| outcome, Outcome::Done),
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
            tenant: TenantId::new(uuid::Uuid::from_u128(2)),
        }
    }

    /// Commands on a log in memory.
    pub(crate) fn commands() -> Commands {
        let clock = Clock::system();
        let log: event_log::SharedLog = Arc::new(event_log::MemoryLog::new("test"));
        Commands::new(log, clock.clone(), runtime::Ids::new(clock))
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

    #[tokio::test]
    async fn whoever_is_to_stop_stops_wherever_it_is() {
        let attempt = testing::attempt();
        let asking = attempt.cancel.clone();
        let work = async {
            asking.cancel();
            std::future::pending().await
        };
        assert_eq!(unless_stopped(&attempt, work).await, Outcome::stopped());
        let attempt = testing::attempt();
        let done = unless_stopped(&attempt, async { Ok(Value::Null) }).await;
        assert_eq!(done, Outcome::Done(Value::Null));
    }

    #[test]
    fn kinds_are_known_by_name() {
        let (clock, commands) = (Clock::system(), testing::commands());
        let config = runtime::Worker::default();
        let handlers = Handlers::try_new(&config, &clock, &commands, Means::default());
        let handlers = handlers.expect("a client");
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
        let handlers = Handlers::try_new(&allowing, &clock, &commands, Means::default());
        let kinds = handlers.expect("a client").kinds();
        // These it has no means for.
        let without = ["backup", "export", "generate-report"];
        let left = BUILT_IN_KINDS.iter().filter(|kind| !without.contains(kind));
        assert!(kinds.iter().eq(left), "{kinds:?}");
    }
}
