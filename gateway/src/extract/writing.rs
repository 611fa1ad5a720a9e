//! A write: by whom, on which terms, and how a retry of it is recognised.
//!
//! Invariant: the same user sending the same key to the same route always means the same command;
//! and another body under that key is told apart by a keyed digest, from which the body cannot be
//! guessed.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, Method, header, request::Parts},
};
use commands::{Ask, command_id_of_key, fingerprint};
use domain::{CommandId, TenantId};
use schemas::{Hash, Version};
use uuid::Uuid;

use super::Caller;
use crate::{
    app::App,
    audit,
    problem::{Error, Result},
};

/// The longest idempotency key, in characters.
const KEY_MAX: usize = 255;

/// What the client expects of the object (RFC 9110 §13.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Precondition {
    /// `If-None-Match: *`: that there is none.
    Absent,
    /// Nothing.
    Any,
    /// `If-Match: *`: that there is one.
    Present,
    /// `If-Match: "n"`: that it is at this version.
    Version(Version),
}

/// A write that may go ahead.
pub(crate) struct Writing {
    pub caller: Caller,
    pub precondition: Precondition,
    key: Option<String>,
    method: Method,
    path: String,
}

impl Writing {
    pub fn tenant(&self) -> TenantId {
        self.caller.tenant()
    }

    /// The command that makes a new object: its id is the object's. What is yet to be made has no
    /// version, so a precondition is refused.
    pub fn creation(&self, app: &App, body: &[u8]) -> Result<Ask> {
        if self.precondition == Precondition::Any {
            return Ok(self.derivation(app, body));
        }
        let detail = "what is yet to be made has no version; leave it out";
        let names = "If-Match or If-None-Match";
        Err(Error::invalid_parameter(names, detail))
    }

    /// The command that makes a new object from the one that the path names. The precondition is
    /// about the latter, and for the caller to hold.
    pub fn derivation(&self, app: &App, body: &[u8]) -> Ask {
        let command = self.command(app);
        let mut ask = self.ask(app, command.uuid(), command, body);
        // An id that comes from a key may have been used by an earlier try.
        ask.fresh = self.key.is_none();
        ask
    }

    /// The command that changes the object `id`, to be run on the terms of the request.
    pub fn change(&self, app: &App, id: Uuid, body: &[u8]) -> Ask {
        let mut ask = self.ask(app, id, self.command(app), body);
        if let Precondition::Version(version) = self.precondition {
            ask.expected = Some(version);
        }
        ask
    }

    fn command(&self, app: &App) -> CommandId {
        let Some(key) = &self.key else {
            return CommandId::new(app.commands.ids().next());
        };
        let route = format!("{} {}", self.method, self.path);
        command_id_of_key(self.caller.tenant(), self.caller.user(), &route, key)
    }

    fn ask(&self, app: &App, id: Uuid, command: CommandId, body: &[u8]) -> Ask {
        let digest = || {
            let parts = [self.method.as_str().as_bytes(), self.path.as_bytes(), body];
            // Bodies may hold a password, and what the log holds is there for ever.
            Hash(app.identity.keyed_digest(&fingerprint(&parts).0))
        };
        let mut ask = Ask::new(self.caller.actor(), self.caller.tenant(), id, command);
        ask.fingerprint = self.key.is_some().then(digest);
        audit::runs(&ask);
        ask
    }
}

impl FromRequestParts<App> for Writing {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let caller = Caller::from_request_parts(parts, app).await?;
        Ok(Self {
            caller,
            precondition: precondition(&parts.headers)?,
            key: key(&parts.headers)?,
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
        })
    }
}

/// The idempotency key, as a quoted string or bare.
fn key(headers: &HeaderMap) -> Result<Option<String>> {
    let Some(sent) = single(headers, "idempotency-key")? else {
        return Ok(None);
    };
    let bare = sent
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(sent);
    if bare.is_empty() || bare.len() > KEY_MAX {
        let detail = format!("a key has 1 to {KEY_MAX} characters");
        return Err(Error::invalid_parameter("Idempotency-Key", detail));
    }
    Ok(Some(bare.to_owned()))
}

fn precondition(headers: &HeaderMap) -> Result<Precondition> {
    let present = single(headers, header::IF_MATCH.as_str())?;
    let absent = single(headers, header::IF_NONE_MATCH.as_str())?;
    match (present, absent) {
        (None, None) => Ok(Precondition::Any),
        (None, Some("*")) => Ok(Precondition::Absent),
        (Some("*"), None) => Ok(Precondition::Present),
        (Some(tag), None) => version(tag).map(Precondition::Version).ok_or_else(|| {
            Error::invalid_parameter("If-Match", "send one ETag as it was given, or *")
        }),
        (None, Some(_)) => Err(Error::invalid_parameter(
            "If-None-Match",
            "a write takes only *",
        )),
        (Some(_), Some(_)) => Err(Error::invalid_parameter(
            "If-Match",
            "contradicts If-None-Match",
        )),
    }
}

fn version(tag: &str) -> Option<Version> {
    let digits = tag.strip_prefix('"')?.strip_suffix('"')?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| plain).map(Version)
}

/// The one value of a header.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(Error::invalid_parameter(name, "is given twice"));
    }
    match value.to_str() {
        Ok(text) => Ok(Some(text.trim())),
        Err(_) => Err(Error::invalid_parameter(name, "is not plain text")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let value = |text: &str| HeaderValue::from_str(text).expect("a value");
        let pairs = pairs
            .iter()
            .map(|(name, text)| (HeaderName::from_static(name), value(text)));
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, value);
        }
        headers
    }

    #[test]
    fn a_key_is_the_same_quoted_and_bare() {
        let of = |text: &str| key(&headers(&[("idempotency-key", text)]));
        assert_eq!(of("abc").expect("a key"), of("\"abc\"").expect("a key"));
        assert_eq!(key(&HeaderMap::new()).expect("none"), None);
        assert!(of("").is_err() && of("\"\"").is_err() && of(&"x".repeat(256)).is_err());
        let twice = headers(&[("idempotency-key", "a"), ("idempotency-key", "b")]);
        assert!(key(&twice).is_err());
    }

    #[test]
    fn preconditions_are_understood_or_refused() {
        let of = |pairs: &[(&'static str, &str)]| precondition(&headers(pairs)).ok();
        assert_eq!(of(&[]), Some(Precondition::Any));
        assert_eq!(
            of(&[("if-match", "\"7\"")]),
            Some(Precondition::Version(Version(7)))
        );
        assert_eq!(of(&[("if-match", "*")]), Some(Precondition::Present));
        assert_eq!(of(&[("if-none-match", "*")]), Some(Precondition::Absent));
        for wrong in ["7", "W/\"7\"", "\"x\"", "\"+7\"", "\"1\", \"2\"", ""] {
            assert_eq!(of(&[("if-match", wrong)]), None, "{wrong}");
        }
        assert_eq!(of(&[("if-none-match", "\"7\"")]), None);
        assert_eq!(of(&[("if-match", "*"), ("if-none-match", "*")]), None);
    }
}
