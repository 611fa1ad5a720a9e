//! `sleep`: waits.
//!
//! Invariant: it ends at once when it is asked to stop.

use std::time::Duration;

use async_trait::async_trait;
use domain::LogLevel;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{AttemptContext, Handler, Outcome, read};

/// The handler.
pub struct Sleep;

/// What it is given.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    /// How long.
    ms: u64,
}

#[async_trait]
impl Handler for Sleep {
    async fn run(&self, payload: Value, context: &AttemptContext) -> Outcome {
        let Payload { ms } = match read(payload) {
            Ok(payload) => payload,
            Err(outcome) => return outcome,
        };
        let waits = format!("waits for {ms} ms");
        context.report.log(LogLevel::Info, waits);
        tokio::select! {
            () = context.cancel.cancelled() => Outcome::stopped(),
            () = tokio::time::sleep(Duration::from_millis(ms)) => Outcome::Done(json!({"ms": ms})),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handlers::testing::{attempt, code};

    #[tokio::test]
    async fn waits_and_says_how_long() {
        let attempt = attempt();
        let outcome = Sleep.run(json!({"ms": 1}), &attempt).await;
        assert_eq!(outcome, Outcome::Done(json!({"ms": 1})));
        let said = (LogLevel::Info, "waits for 1 ms".to_owned());
        assert_eq!(attempt.report.lines(), [said]);
    }

    #[tokio::test]
    async fn stops_when_asked() {
        let attempt = attempt();
        attempt.cancel.cancel();
        let outcome = Sleep.run(json!({"ms": 3_600_000}), &attempt).await;
        assert_eq!(code(&outcome), ("stopped", true));
    }

    #[tokio::test]
    async fn what_it_cannot_read_it_refuses() {
        for payload in [json!({}), json!({"ms": -1}), json!({"ms": 1, "s": 2})] {
            let outcome = Sleep.run(payload, &attempt()).await;
            assert_eq!(code(&outcome), ("invalid_payload", false));
        }
    }
}
