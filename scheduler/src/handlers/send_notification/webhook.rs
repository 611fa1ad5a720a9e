//! By webhook, by the rules of Standard Webhooks (standardwebhooks.com).
//!
//! Invariant: a target is called at its configured URL and with its own signature only, by the
//! tenant that may use it; unless the configuration allows it, never at an address that is not
//! public. Who answers that the target is gone is not called again by this task.

use std::{collections::BTreeMap, time::Duration};

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{LogLevel, task::TaskError};
use reqwest::{Client, StatusCode, Url};
use runtime::Clock;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::handlers::{AttemptContext, Outcome, error, http};

/// How long the other side may take.
const TIMEOUT: Duration = Duration::from_secs(20);
/// How many bytes what is told may have.
const DATA_MAX: usize = 64 * 1024;

/// What is told.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Call {
    #[serde(default)]
    data: Value,
    /// What happened, in words with dots between: `backup.finished`.
    event: String,
    /// The name of the target in the configuration.
    target: String,
}

/// Who calls.
pub(super) struct Webhooks {
    allow_private: bool,
    client: Client,
    clock: Clock,
    targets: BTreeMap<String, runtime::Webhook>,
}

impl Webhooks {
    pub(super) fn try_new(
        clock: Clock,
        targets: BTreeMap<String, runtime::Webhook>,
        allow_private: bool,
    ) -> Result<Self, reqwest::Error> {
        Ok(Self {
            allow_private,
            client: http::client(allow_private)?,
            clock,
            targets,
        })
    }

    pub(super) async fn call(&self, call: Call, context: &AttemptContext) -> Outcome {
        match self.prepare(&call, context) {
            Ok((url, key, body)) => self.send(url, &key, body, context).await,
            Err(outcome) => outcome,
        }
    }

    fn prepare(
        &self,
        call: &Call,
        context: &AttemptContext,
    ) -> Result<(Url, Key, String), Outcome> {
        let is_usable = |target: &&runtime::Webhook| {
            let tenant = context.tenant.uuid();
            target.tenant.is_none_or(|only| only == tenant)
        };
        // A target of another tenant is as one that is not there.
        let target = self.targets.get(&call.target).filter(is_usable);
        let target = target.ok_or_else(|| {
            let why = format!("there is no target {:?} in [webhooks]", call.target);
            Outcome::fail("unknown_target", why)
        })?;
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
        if call.event.is_empty() || call.event.len() > 100 || !call.event.chars().all(fits) {
            let why = "event is up to 100 letters, digits, dots and underscores";
            return Err(Outcome::fail("invalid_payload", why));
        }
        let body = json!({
            "type": call.event, "timestamp": self.clock.now().to_string(), "data": call.data,
        });
        let body = body.to_string();
        if body.len() > DATA_MAX {
            let why = format!("what is told has more than {DATA_MAX} bytes");
            return Err(Outcome::fail("invalid_payload", why));
        }
        let url = http::check_url(&target.url, self.allow_private)?;
        let secret = target.secret.expose_secret();
        let secret = secret.strip_prefix("whsec_").unwrap_or(secret);
        let secret = STANDARD.decode(secret).map_err(|_| {
            let name = &call.target;
            Outcome::fail(
                "webhook_misconfigured",
                format!("webhooks.{name}.secret is no base64"),
            )
        })?;
        Ok((url, Key::new(HMAC_SHA256, &secret), body))
    }

    async fn send(&self, url: Url, key: &Key, body: String, context: &AttemptContext) -> Outcome {
        let id = context.task.to_string();
        let timestamp = self.clock.now().unix_ms() / 1_000;
        let signature = signature(key, &id, timestamp, &body);
        let sent = self
            .client
            .post(url)
            .timeout(TIMEOUT)
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature)
            .body(body)
            .send();
        match sent.await {
            Ok(answer) if answer.status().is_success() => {
                context.report.log(
                    LogLevel::Info,
                    format!("the target took it: {}", answer.status()),
                );
                Outcome::Done(json!({"status": answer.status().as_u16()}))
            }
            Ok(answer) if answer.status() == StatusCode::GONE => {
                Outcome::fail("target_gone", "the target answers that it is gone: 410")
            }
            Ok(answer) => {
                let words = format!("the target answers {}", answer.status());
                Outcome::Retry(TaskError {
                    retry_after_ms: http::retry_after_ms(answer.headers()),
                    ..error("target_failed", words, true)
                })
            }
            Err(reason) => http::failed(&reason),
        }
    }
}

/// What stands in the header.
pub(super) fn signature(key: &Key, id: &str, timestamp: i64, body: &str) -> String {
    let signed = sign(key, format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(signed))
}
