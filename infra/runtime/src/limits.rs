//! How much one client may ask.
//!
//! Invariant: what does not read as a limit is refused at start, and only the word `off` lifts one.

use std::{fmt, str::FromStr};

use serde::Deserialize;

/// So many requests in a window of so many seconds, as in `100/900s`; or `off`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub struct Limit(Option<(u32, u32)>);

/// The limits of one gateway; several gateways count each by itself.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Requests from one address without a valid token.
    pub anonymous: Limit,
    /// Failed sign-ins to one account from one address before the next must wait.
    pub failed_sign_ins: u32,
    /// Lists that one user reads, on top of `principal`.
    pub lists: Limit,
    /// Previews of schedules by one user, on top of `principal`.
    pub preview: Limit,
    /// Requests of one user.
    pub principal: Limit,
    /// Looks at readiness from one address.
    pub probes: Limit,
    /// Registrations from one address, on top of `anonymous`.
    pub register: Limit,
    /// Sign-ins from one address, also those that succeed.
    pub sign_in: Limit,
    /// Live streams that one user opens, on top of `principal`.
    pub stream: Limit,
    /// Requests of all users of one tenant.
    pub tenant: Limit,
}

/// The text is no limit.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0:?} is no limit: write requests per window, as in \"100/900s\", or \"off\"")]
pub struct InvalidLimit(String);

impl Limit {
    /// No limit.
    pub const OFF: Self = Self(None);

    /// The requests that are let through in one window; none if there is no limit.
    pub fn requests(self) -> Option<u32> {
        self.0.map(|(requests, _)| requests)
    }

    /// How long a window lasts, in seconds; none if there is no limit.
    pub fn seconds(self) -> Option<u32> {
        self.0.map(|(_, seconds)| seconds)
    }

    const fn per(requests: u32, seconds: u32) -> Self {
        Self(Some((requests, seconds)))
    }
}

impl Limits {
    /// No limit on anything: for a gateway that only this machine can reach.
    pub const fn off() -> Self {
        Self {
            anonymous: Limit::OFF,
            failed_sign_ins: u32::MAX,
            lists: Limit::OFF,
            preview: Limit::OFF,
            principal: Limit::OFF,
            probes: Limit::OFF,
            register: Limit::OFF,
            sign_in: Limit::OFF,
            stream: Limit::OFF,
            tenant: Limit::OFF,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            anonymous: Limit::per(100, 900),
            failed_sign_ins: 10,
            lists: Limit::per(1_200, 60),
            preview: Limit::per(120, 60),
            principal: Limit::per(6_000, 60),
            probes: Limit::per(600, 60),
            register: Limit::per(20, 3_600),
            sign_in: Limit::per(100, 900),
            stream: Limit::per(300, 60),
            tenant: Limit::per(60_000, 60),
        }
    }
}

impl FromStr for Limit {
    type Err = InvalidLimit;

    fn from_str(text: &str) -> Result<Self, InvalidLimit> {
        if text == "off" {
            return Ok(Self::OFF);
        }
        let number = |digits: &str| digits.parse().ok().filter(|count: &u32| *count > 0);
        let (requests, seconds) = text.split_once('/').unwrap_or_default();
        let seconds = seconds.strip_suffix('s').unwrap_or_default();
        number(requests)
            .zip(number(seconds))
            .map(|(requests, seconds)| Self::per(requests, seconds))
            .ok_or_else(|| InvalidLimit(text.to_owned()))
    }
}

impl TryFrom<String> for Limit {
    type Error = InvalidLimit;

    fn try_from(text: String) -> Result<Self, InvalidLimit> {
        text.parse()
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some((requests, seconds)) => write!(f, "{requests}/{seconds}s"),
            None => f.write_str("off"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_reads_as_it_is_written_and_anything_else_is_refused() {
        for text in ["100/900s", "1/1s", "4294967295/1s", "off"] {
            let limit: Limit = text.parse().expect(text);
            assert_eq!(limit.to_string(), text);
        }
        for wrong in [
            "", "0/60s", "60/0s", "60", "60/60", "60/1m", "-1/60s", "1/s", "OFF", "1/60s ",
        ] {
            assert!(wrong.parse::<Limit>().is_err(), "{wrong}");
        }
    }
}
