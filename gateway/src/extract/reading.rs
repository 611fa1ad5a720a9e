//! A read: by whom, how fresh, and whether the client has it already.
//!
//! Invariant: when a handler runs, the read models have reached the position that the client's
//! token stands for; that of this log, not of a past that the log has lost. What it then finds of
//! one object is held against the token once more.

use std::time::Duration;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use domain::{TenantId, user::Role};
use projections::{At, Lagging};
use schemas::{Position, Version};

use super::{Caller, token};
use crate::{
    answer::etag,
    app::App,
    problem::{Error, Result},
};

/// How long to wait for the read models unless the client says otherwise.
const WAIT: Duration = Duration::from_secs(1);
/// The longest wait that a client may ask for, in seconds.
const WAIT_MAX_S: u64 = 10;

/// A read that may go ahead.
pub(crate) struct Reading {
    /// How long the client would wait for the read models.
    pub(super) at_most: Duration,
    pub caller: Caller,
    if_none_match: Option<String>,
    /// The position that the answer is to be as of; none for now.
    pub moment: Option<Position>,
    /// The position that a diff begins with; 0 is before the first commit.
    pub since: Position,
    /// The latest position that the client has a token of.
    wanted: Option<Position>,
}

impl Reading {
    pub fn tenant(&self) -> TenantId {
        self.caller.tenant()
    }

    /// Refuses what does not hold all that the client knows to be written: an answer of a database
    /// that was put back meanwhile, or of an object whose commits are parked. As of a moment, it
    /// holds all up to then.
    pub fn holds<T>(&self, found: &At<T>, is_there: bool) -> Result<()> {
        let reached = found.position;
        let wanted = self.wanted.unwrap_or_default();
        let least = self.moment.unwrap_or(wanted);
        if least > reached {
            let wanted = least;
            return Err(Lagging { wanted, reached }.into());
        }
        match found.stale_since {
            Some(since) if since <= wanted || !is_there => Err(Error::parked(since)),
            _ => Ok(()),
        }
    }

    /// The same read, but what the client has of a past version is not good: who was erased since
    /// is in it by name.
    pub fn of_persons(mut self) -> Self {
        if self.moment.is_some() {
            self.if_none_match = None;
        }
        self
    }

    /// The role of who reads.
    pub fn role(&self) -> Role {
        self.caller.0.role
    }

    /// Whether the client has this version already.
    pub fn has(&self, version: Version) -> bool {
        self.has_tag(&etag(version))
    }

    /// Whether the client has what bears this `ETag` already.
    pub fn has_tag(&self, current: &str) -> bool {
        self.if_none_match.as_deref().is_some_and(|listed| {
            // Weak comparison (RFC 9110 §13.1.2).
            listed
                .split(',')
                .map(|one| one.trim().trim_start_matches("W/"))
                .any(|one| one == "*" || one == current)
        })
    }
}

impl FromRequestParts<App> for Reading {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let caller = Caller::from_request_parts(parts, app).await?;
        let at_most = wait(&parts.headers);
        // Whoever has made several writes may send the token of each.
        let mut wanted = None;
        for sent in parts.headers.get_all("consistency-token") {
            let position = token::position(app, sent.to_str().unwrap_or_default())?;
            wanted = wanted.max(Some(position));
        }
        if let Some(wanted) = wanted {
            app.freshness.wait_for(wanted, at_most).await?;
            app.log_end.check(app).await?;
        }
        let if_none_match = parts.headers.get(header::IF_NONE_MATCH);
        let if_none_match = if_none_match.and_then(|value| value.to_str().ok());
        Ok(Self {
            at_most,
            caller,
            if_none_match: if_none_match.map(str::to_owned),
            moment: None,
            since: Position(0),
            wanted,
        })
    }
}

/// `Prefer: wait=n` (RFC 7240 §4.3); what is not understood is ignored, as that asks.
fn wait(headers: &HeaderMap) -> Duration {
    headers
        .get_all("prefer")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split([',', ';']))
        .filter_map(|preference| preference.trim().strip_prefix("wait="))
        .find_map(|seconds| seconds.trim_matches('"').parse::<u64>().ok())
        .map_or(WAIT, |seconds| Duration::from_secs(seconds.min(WAIT_MAX_S)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn clients_choose_the_wait_within_bounds() {
        let wait_of = |text: &'static str| {
            wait(&HeaderMap::from_iter([(
                header::HeaderName::from_static("prefer"),
                HeaderValue::from_static(text),
            )]))
        };
        assert_eq!(wait(&HeaderMap::new()), WAIT);
        assert_eq!(wait_of("wait=3"), Duration::from_secs(3));
        assert_eq!(wait_of("respond-async, wait=0"), Duration::ZERO);
        assert_eq!(wait_of("wait=9999"), Duration::from_secs(WAIT_MAX_S));
        assert_eq!(wait_of("wait=soon"), WAIT);
    }
}
