//! How much a client may ask, and what it is told of that.
//!
//! A request with a valid token or API key is counted for its user and its tenant; one without, and
//! any to a
//! route that asks for no token, for its address. Some routes cost more and have a limit of their
//! own besides. Counted is the API, answers 401 and 404 included, and `/readyz`, which asks other
//! servers; the page and its files, `/livez` and the pages about problems are not: they are served
//! from memory. Where a sign-in or an exchange of tokens succeeds, the client has shown who it is,
//! and the request no longer counts as anonymous.
//!
//! Each gateway counts by itself.
//!
//! Invariant: what is refused has cost nothing but the look at its token or key.

mod backoff;
mod gate;
mod table;
mod window;

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use commands::Principal;
use domain::Timestamp;

pub(crate) use backoff::Attempt;
use backoff::Backoff;
pub(crate) use gate::gate;
use window::{Key, Standing, Windows};

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// All limits and how far each client is.
pub(crate) struct Limits {
    /// Pauses after failed sign-ins.
    pub sign_ins: Backoff,
    anonymous: Option<Windows>,
    lists: Option<Windows>,
    preview: Option<Windows>,
    principal: Option<Windows>,
    probes: Option<Windows>,
    register: Option<Windows>,
    sign_in: Option<Windows>,
    stream: Option<Windows>,
    tenant: Option<Windows>,
}

/// What became of a request at its limits, one by one.
pub(crate) struct Verdict<'a>(Vec<(&'a Windows, Key, Standing)>);

impl Limits {
    pub fn new(config: &runtime::Limits) -> Self {
        Self {
            sign_ins: Backoff::new(config.failed_sign_ins),
            anonymous: Windows::new("anonymous", config.anonymous),
            lists: Windows::new("lists", config.lists),
            preview: Windows::new("preview", config.preview),
            principal: Windows::new("principal", config.principal),
            probes: Windows::new("probes", config.probes),
            register: Windows::new("register", config.register),
            sign_in: Windows::new("sign_in", config.sign_in),
            stream: Windows::new("stream", config.stream),
            tenant: Windows::new("tenant", config.tenant),
        }
    }

    /// Counts a request of a user to a route.
    pub fn user(
        &self,
        who: &Principal,
        method: &Method,
        route: &str,
        now: Timestamp,
    ) -> Verdict<'_> {
        let user = Key::User(who.tenant, who.user);
        let tenant = Key::Tenant(who.tenant);
        let limits = [
            (self.costly(method, route), user),
            (self.principal.as_ref(), user),
            (self.tenant.as_ref(), tenant),
        ];
        Verdict::of(limits, now)
    }

    /// Counts a request of nobody in particular to a route.
    pub fn anonymous(
        &self,
        from: IpAddr,
        method: &Method,
        route: &str,
        now: Timestamp,
    ) -> Verdict<'_> {
        let address = Key::Address(from);
        let limits = [
            (self.costly(method, route), address),
            (self.anonymous.as_ref(), address),
        ];
        Verdict::of(limits, now)
    }

    /// Counts a look at readiness.
    pub fn probe(&self, from: IpAddr, now: Timestamp) -> Verdict<'_> {
        Verdict::of([(self.probes.as_ref(), Key::Address(from))], now)
    }

    /// The limit of a route that costs more than others.
    fn costly(&self, method: &Method, route: &str) -> Option<&Windows> {
        match (method.as_str(), route) {
            ("POST", "/api/v1/auth/login" | "/api/v1/auth/login/mfa")
            | ("GET" | "HEAD", "/api/v1/auth/oidc/{name}/start") => self.sign_in.as_ref(),
            ("POST", "/api/v1/auth/invitations/accept" | "/api/v1/auth/register") => {
                self.register.as_ref()
            }
            ("POST", "/api/v1/jobs/preview") => self.preview.as_ref(),
            ("GET" | "HEAD", "/api/v1/stream" | "/api/v1/ws") => self.stream.as_ref(),
            (
                "GET" | "HEAD",
                "/api/v1/api-keys"
                | "/api/v1/audit"
                | "/api/v1/audit/export"
                | "/api/v1/jobs"
                | "/api/v1/resources"
                | "/api/v1/tasks"
                | "/api/v1/users",
            ) => self.lists.as_ref(),
            _ => None,
        }
    }
}

impl<'a> Verdict<'a> {
    fn of<const N: usize>(limits: [(Option<&'a Windows>, Key); N], now: Timestamp) -> Self {
        let mut taken = Vec::with_capacity(N);
        for (windows, key) in limits {
            let Some(windows) = windows else {
                continue;
            };
            let standing = windows.take(key, now);
            taken.push((windows, key, standing));
            if !standing.granted {
                // What one limit refuses does not count for the others.
                for (windows, key, standing) in &taken {
                    windows.give_back(*key, *standing);
                }
                break;
            }
        }
        Self(taken)
    }

    /// The limit that refused the request, if one did, and when to come back, in seconds.
    pub fn refused(&self) -> Option<(&'a Windows, i64)> {
        let (windows, _, standing) = self.0.last()?;
        (!standing.granted).then_some((*windows, standing.resets_in_s))
    }

    /// Counts the request no longer where it counted as anonymous.
    pub fn was_somebody(&mut self) {
        self.0.retain(|(windows, key, standing)| {
            let anonymous = windows.name == "anonymous";
            if anonymous {
                windows.give_back(*key, *standing);
            }
            !anonymous
        });
    }

    /// Says so in `RateLimit` and `RateLimit-Policy`
    /// (draft-ietf-httpapi-ratelimit-headers-11).
    pub fn tell(&self, headers: &mut HeaderMap) {
        for (windows, _, standing) in &self.0 {
            let Windows {
                name,
                requests,
                seconds,
                ..
            } = windows;
            let (remaining, resets_in_s) = (standing.remaining, standing.resets_in_s);
            let policy = format!("\"{name}\";q={requests};w={seconds}");
            let now = format!("\"{name}\";r={remaining};t={resets_in_s}");
            for (header, text) in [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, now)] {
                // Members of a list may come in several lines (RFC 9651 §3.1).
                if let Ok(value) = HeaderValue::try_from(text) {
                    headers.append(header, value);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn what_one_limit_refuses_does_not_count_for_the_others() {
        let now = Timestamp::from_unix_ms(1_000_000);
        let key = Key::Address(Ipv4Addr::LOCALHOST.into());
        let windows = |text: &str| Windows::new("test", text.parse().expect("a limit"));
        let (wide, narrow) = (windows("3/10s"), windows("1/10s"));
        let both = || Verdict::of([(wide.as_ref(), key), (narrow.as_ref(), key)], now);
        assert!(both().refused().is_none());
        for _ in 0..5 {
            assert!(both().refused().is_some_and(|(_, wait_s)| wait_s == 10));
        }
        let left = Verdict::of([(wide.as_ref(), key)], now);
        assert_eq!(left.0[0].2.remaining, 1);
    }
}
