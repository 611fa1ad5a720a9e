//! Why the gateway did not do what was asked.
//!
//! Invariant: each message is one line; what the gateway itself says comes through unchanged.

use reqwest::{Response, StatusCode, Url};
use schemas::api::{Code, Problem};

/// Why the gateway did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// That is no address.
    #[error("{0:?} is no URL → give one such as http://127.0.0.1:8080")]
    NoUrl(String),
    /// The gateway says no, and why.
    #[error("{}", told(.0))]
    Refused(Box<Problem>),
    /// It answers, but not as a gateway does.
    #[error("an answer that is no gateway's (status {status}): {detail} → check the address")]
    Strange {
        /// The HTTP status.
        status: u16,
        /// What is odd about it.
        detail: String,
    },
    /// Nothing answers.
    #[error("{url} does not answer: {reason} → start it with `almanac dev`, or check the address")]
    Unreachable {
        /// The gateway.
        url: String,
        /// The innermost reason.
        reason: String,
    },
}

impl ClientError {
    /// That nothing answers, for the innermost of the reasons given.
    pub fn unreachable(url: &Url, error: &reqwest::Error) -> Self {
        let mut reason: &dyn std::error::Error = error;
        while let Some(inner) = reason.source() {
            reason = inner;
        }
        Self::Unreachable {
            url: url.to_string(),
            reason: reason.to_string(),
        }
    }

    /// Whether there is no such object.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused(problem) if problem.code == Code::NotFound)
    }

    /// Whether this says no to what was sent, and nothing about what else may be sent.
    pub fn is_about_one_object(&self) -> bool {
        let codes = [
            Code::AlreadyExists,
            Code::BodyTooLarge,
            Code::Conflict,
            Code::InvalidBody,
            Code::InvalidState,
            Code::NotFound,
        ];
        matches!(self, Self::Refused(problem) if codes.contains(&problem.code))
    }

    /// Whether the access token is no longer valid.
    pub fn is_unauthenticated(&self) -> bool {
        matches!(self, Self::Refused(problem) if problem.code == Code::AuthenticationRequired)
    }
}

/// The answer, unless it is an error.
pub async fn checked(answer: Response) -> Result<Response, ClientError> {
    let status = answer.status();
    if status.is_success() || status == StatusCode::NOT_MODIFIED {
        return Ok(answer);
    }
    let body = answer.bytes().await.unwrap_or_default();
    match serde_json::from_slice(&body) {
        Ok(problem) => Err(ClientError::Refused(Box::new(problem))),
        Err(reason) => Err(ClientError::Strange {
            status: status.as_u16(),
            detail: reason.to_string(),
        }),
    }
}

/// Title, detail and the fields concerned, in one line.
fn told(problem: &Problem) -> String {
    let mut text = format!("{} ({}): {}", problem.title, problem.status, problem.detail);
    for field in &problem.errors {
        text = format!("{text}; {}: {}", field.pointer, field.detail);
    }
    text.replace('\n', " ")
}
