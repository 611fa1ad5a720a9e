//! What is to be done, by whom and how insistently.
//!
//! Invariant: what a specification leaves out has a default that no later program changes; a limit
//! that is not there does not hold.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Backoff, Priority, TaskRejection};

/// The most attempts a task may be given.
pub const MAX_ATTEMPTS: u32 = 100;
/// The longest an attempt may last: one day, in milliseconds.
pub const TIMEOUT_MAX_MS: u64 = 24 * 3_600_000;
/// The longest a task may wait or take altogether: one year, in milliseconds.
pub const TOTAL_MAX_MS: u64 = 366 * TIMEOUT_MAX_MS;

/// What is to be done, by whom and how insistently.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize, ToSchema)]
pub struct TaskSpec {
    /// The handler that does it, such as `http`.
    #[schema(min_length = 1, max_length = 100, examples("echo"))]
    pub kind: String,
    // Shared, since all slots of a job become tasks with the same.
    /// What the handler is given.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub payload: Arc<serde_json::Value>,
    /// Which tasks go first.
    #[serde(default)]
    #[schema(default = "normal")]
    pub priority: Priority,
    /// How often to try: 1 to 100.
    #[serde(default = "default_max_attempts")]
    #[schema(default = 3, minimum = 1, maximum = 100)]
    pub max_attempts: u32,
    /// How long one attempt may last, up to one day.
    #[serde(default = "default_timeout_ms")]
    #[schema(default = 60_000, minimum = 1, maximum = 86_400_000)]
    pub timeout_ms: u64,
    /// How long it may wait for a worker once an attempt could be made; without, for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub queue_timeout_ms: Option<u64>,
    /// How long all of it may take, from its creation to its end; without, for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub total_timeout_ms: Option<u64>,
    /// How long a handler may show no sign of life; without, as long as the attempt may last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 86_400_000)]
    pub silence_timeout_ms: Option<u64>,
    /// How long to wait between attempts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Backoff>,
}

impl TaskSpec {
    /// A task of `kind` with the defaults for all else.
    pub fn new(kind: impl Into<String>, payload: serde_json::Value) -> Self {
        Self {
            kind: kind.into(),
            payload: Arc::new(payload),
            priority: Priority::default(),
            max_attempts: default_max_attempts(),
            timeout_ms: default_timeout_ms(),
            queue_timeout_ms: None,
            total_timeout_ms: None,
            silence_timeout_ms: None,
            retry: None,
        }
    }

    /// Refuses what no worker could follow.
    pub(crate) fn check(&self) -> Result<(), TaskRejection> {
        let kind_fits = (1..=100).contains(&self.kind.len())
            && self
                .kind
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        let within =
            |value: Option<u64>, most: u64| value.is_none_or(|value| (1..=most).contains(&value));
        let faults = [
            (
                kind_fits,
                "kind has 1 to 100 characters from a-z, A-Z, 0-9, '-', '_' and '.'",
            ),
            (
                (1..=MAX_ATTEMPTS).contains(&self.max_attempts),
                "max_attempts lies between 1 and 100",
            ),
            (
                within(Some(self.timeout_ms), TIMEOUT_MAX_MS),
                "timeout_ms lies between 1 and 86400000",
            ),
            (
                within(self.queue_timeout_ms, TOTAL_MAX_MS),
                "queue_timeout_ms lies between 1 and 31622400000",
            ),
            (
                within(self.total_timeout_ms, TOTAL_MAX_MS),
                "total_timeout_ms lies between 1 and 31622400000",
            ),
            (
                within(self.silence_timeout_ms, TIMEOUT_MAX_MS),
                "silence_timeout_ms lies between 1 and 86400000",
            ),
        ];
        match faults.into_iter().find(|(fits, _)| !fits) {
            Some((_, reason)) => Err(TaskRejection::Invalid(reason)),
            None => self.retry.map_or(Ok(()), |retry| retry.check()),
        }
    }
}

fn default_max_attempts() -> u32 {
    3
}

fn default_timeout_ms() -> u64 {
    60_000
}
