//! By e-mail, through the configured server.
//!
//! Invariant: mail goes to listed domains only; where encryption is configured, nothing is said
//! before it is there.

use std::time::{Duration, SystemTime};

use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
    transport::smtp::{
        Error,
        authentication::Credentials,
        client::{Tls, TlsParameters},
    },
};
use runtime::{Clock, SmtpSecurity};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::json;

use crate::handlers::{AttemptContext, Outcome};

/// How long the server may take for each answer.
const TIMEOUT: Duration = Duration::from_secs(20);
/// To how many one mail may go.
const RECIPIENTS_MAX: usize = 50;
/// How long a subject may be, in characters.
const SUBJECT_MAX: usize = 200;

/// What is told.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Email {
    subject: String,
    text: String,
    to: Vec<String>,
}

/// Who sends.
pub(super) struct Mailer {
    clock: Clock,
    config: runtime::Smtp,
}

impl Mailer {
    pub(super) fn new(config: &runtime::Smtp, clock: Clock) -> Self {
        Self {
            clock,
            config: config.clone(),
        }
    }

    pub(super) async fn send(&self, email: Email, context: &AttemptContext) -> Outcome {
        let sent = async {
            let message = self.message(&email, context)?;
            let transport = self.transport()?;
            transport
                .send(message)
                .await
                .map_err(|reason| failed(&reason))
        };
        match sent.await {
            Ok(_) => Outcome::Done(json!({"recipients": email.to.len()})),
            Err(outcome) => outcome,
        }
    }

    fn message(&self, email: &Email, context: &AttemptContext) -> Result<Message, Outcome> {
        let invalid = |why: String| Outcome::fail("invalid_payload", why);
        if email.to.is_empty() || email.to.len() > RECIPIENTS_MAX {
            return Err(invalid(format!("to has 1 to {RECIPIENTS_MAX} addresses")));
        }
        if email.subject.chars().count() > SUBJECT_MAX {
            return Err(invalid(format!(
                "subject has up to {SUBJECT_MAX} characters"
            )));
        }
        let from: Mailbox = self.config.from.parse().map_err(|reason| {
            Outcome::fail("email_misconfigured", format_args!("smtp.from: {reason}"))
        })?;
        // The same for every attempt, so that a mailbox can tell a repeat.
        let id = format!("<{}@{}>", context.task, from.email.domain());
        let now_ms = u64::try_from(self.clock.now().unix_ms()).unwrap_or_default();
        let mut message = Message::builder()
            .date(SystemTime::UNIX_EPOCH + Duration::from_millis(now_ms))
            .from(from)
            .header(ContentType::TEXT_PLAIN)
            .message_id(Some(id))
            .subject(&email.subject);
        for to in &email.to {
            let address: Address = to
                .parse()
                .map_err(|reason| invalid(format!("{to:?} is no address: {reason}")))?;
            if !self.allows(address.domain()) {
                let why = format!("smtp.allowed_domains does not list {}", address.domain());
                return Err(Outcome::fail("recipient_refused", why));
            }
            message = message.to(Mailbox::new(None, address));
        }
        let message = message.body(email.text.clone());
        message.map_err(|reason| invalid(reason.to_string()))
    }

    fn allows(&self, domain: &str) -> bool {
        let is = |allowed: &String| allowed == "*" || allowed.eq_ignore_ascii_case(domain);
        self.config.allowed_domains.iter().any(is)
    }

    fn transport(&self) -> Result<AsyncSmtpTransport<Tokio1Executor>, Outcome> {
        let config = &self.config;
        let parameters = || {
            let made = TlsParameters::new(config.host.clone());
            made.map_err(|reason| failed(&reason))
        };
        let (tls, port) = match config.security {
            SmtpSecurity::None => (Tls::None, 25),
            SmtpSecurity::Starttls => (Tls::Required(parameters()?), 587),
            SmtpSecurity::Tls => (Tls::Wrapper(parameters()?), 465),
        };
        let mut transport =
            AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(config.host.clone())
                .port(config.port.unwrap_or(port))
                .timeout(Some(TIMEOUT))
                .tls(tls);
        if let (Some(username), Some(password)) = (&config.username, &config.password) {
            let password = password.expose_secret().to_owned();
            transport = transport.credentials(Credentials::new(username.clone(), password));
        }
        Ok(transport.build())
    }
}

/// What the server refuses for good ends the task; everything else may pass.
fn failed(reason: &Error) -> Outcome {
    let first: &dyn std::error::Error = reason;
    let causes = std::iter::successors(Some(first), |cause| cause.source());
    let words: Vec<_> = causes.map(ToString::to_string).collect();
    let words = words.join(": ");
    if reason.is_permanent() {
        Outcome::fail("email_refused", words)
    } else {
        Outcome::retry("email_not_sent", words)
    }
}
