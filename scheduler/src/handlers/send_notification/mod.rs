//! `send-notification`: tells somebody, by e-mail or by webhook.
//!
//! What is told is in the payload, and therefore in the log for ever; whom a webhook reaches and
//! with which secret it is signed is in the configuration only.
//!
//! Invariant: a secret is in no payload, output, error or log line. A repeated attempt bears the
//! same id, by which the other side can tell that it has been told already.

mod email;
#[cfg(test)]
mod server;
#[cfg(test)]
mod tests;
mod webhook;

use std::collections::BTreeMap;

use async_trait::async_trait;
use runtime::Clock;
use serde::Deserialize;
use serde_json::Value;

use super::{AttemptContext, Handler, Outcome, read};
use email::{Email, Mailer};
use webhook::{Call, Webhooks};

/// The handler.
pub struct SendNotification {
    mailer: Option<Mailer>,
    webhooks: Webhooks,
}

/// What it is given.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case", tag = "channel")]
enum Payload {
    /// A mail of plain text.
    Email(Email),
    /// A call by the rules of Standard Webhooks.
    Webhook(Call),
}

impl SendNotification {
    /// One that tells whom the configuration lets it.
    pub fn try_new(
        clock: Clock,
        smtp: Option<&runtime::Smtp>,
        targets: BTreeMap<String, runtime::Webhook>,
        allow_private: bool,
    ) -> Result<Self, reqwest::Error> {
        Ok(Self {
            mailer: smtp.map(|smtp| Mailer::new(smtp, clock.clone())),
            webhooks: Webhooks::try_new(clock, targets, allow_private)?,
        })
    }

    async fn send(&self, payload: Payload, context: &AttemptContext) -> Outcome {
        match (payload, &self.mailer) {
            (Payload::Email(email), Some(mailer)) => mailer.send(email, context).await,
            (Payload::Email(_), None) => {
                let why = "this installation sends no mail: its configuration has no [smtp]";
                Outcome::fail("email_unavailable", why)
            }
            (Payload::Webhook(call), _) => self.webhooks.call(call, context).await,
        }
    }
}

#[async_trait]
impl Handler for SendNotification {
    async fn run(&self, payload: Value, context: &AttemptContext) -> Outcome {
        let payload = match read(payload) {
            Ok(payload) => payload,
            Err(outcome) => return outcome,
        };
        tokio::select! {
            () = context.cancel.cancelled() => Outcome::stopped(),
            outcome = self.send(payload, context) => outcome,
        }
    }
}
