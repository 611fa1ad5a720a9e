//! A sign-in as the vault keeps it: its refresh tokens, one after another.
//!
//! Invariant: of a family one refresh token works. The one before it gives the same successor once
//! more, to the same client and for 10 s; every older one is a sign of theft.

use domain::{TenantId, Timestamp, UserId, settings::SESSION_DAYS_MAX};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Authentication, Means};
use crate::fingerprint;

/// How long a sign-in lasts at most, whatever its tenant sets.
pub(super) const SESSION_MS: i64 = SESSION_DAYS_MAX * 24 * 3_600_000;
/// How long it lasts unused: 7 days.
const IDLE_MS: i64 = 7 * 24 * 3_600_000;
/// How long a token that was just exchanged gives the same successor again.
const GRACE_MS: i64 = 10_000;

/// Whose sign-in, and which.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct SessionId {
    pub(super) tenant: TenantId,
    pub(super) user: UserId,
    pub(super) session: Uuid,
}

/// A sign-in.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Family {
    /// How and when who holds it last showed who they are; if absent, as it began, by a password.
    #[serde(default)]
    authenticated: Option<Authentication>,
    pub(super) began: Timestamp,
    /// What the client that holds it calls itself.
    pub(super) client: Option<String>,
    /// The secret part of the only token that works.
    pub(super) current: String,
    /// Digest of the token exchanged for the current one.
    previous: Option<String>,
    pub(super) rotated_at: Timestamp,
}

/// What a presented token is to its family.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Standing {
    Current,
    JustExchanged,
    /// The sign-in has lasted too long, or was not used for too long.
    Lapsed,
    /// The token was exchanged long ago, or by another client.
    Reused,
}

impl SessionId {
    /// What it is called in the vault.
    pub(super) fn name(&self) -> String {
        format!("{}{}", prefix(self.tenant, self.user), self.session)
    }

    /// What all sign-ins of a user are called, as a pattern.
    pub(super) fn all_of(tenant: TenantId, user: UserId) -> String {
        prefix(tenant, user) + "*"
    }

    /// The sign-in of `user` that is called `name`.
    pub(super) fn of_name(tenant: TenantId, user: UserId, name: &str) -> Option<Self> {
        let session = name.strip_prefix(&prefix(tenant, user))?.parse().ok()?;
        Some(Self {
            tenant,
            user,
            session,
        })
    }
}

fn prefix(tenant: TenantId, user: UserId) -> String {
    format!("{tenant}.user.{user}.session.")
}

impl Family {
    pub(super) fn new(secret: String, client: Option<String>, now: Timestamp) -> Self {
        Self {
            authenticated: None,
            began: now,
            client,
            current: secret,
            previous: None,
            rotated_at: now,
        }
    }

    /// The same after who holds it showed who they are.
    pub(super) fn authenticated_again(self, authenticated: Authentication) -> Self {
        Self {
            authenticated: Some(authenticated),
            ..self
        }
    }

    /// How and when who holds it last showed who they are.
    pub(super) fn authenticated(&self) -> Authentication {
        self.authenticated.unwrap_or(Authentication {
            at: self.began,
            by: Means::Password,
        })
    }

    /// The same after its token was exchanged for `secret`.
    pub(super) fn rotated(&self, secret: String, client: Option<String>, now: Timestamp) -> Self {
        Self {
            authenticated: self.authenticated,
            began: self.began,
            client,
            current: secret,
            previous: Some(digest(&self.current)),
            rotated_at: now,
        }
    }

    /// When it ends unless it is used before, where a sign-in lasts at most `longest_ms`.
    pub(super) fn ends_at(&self, longest_ms: i64) -> Timestamp {
        let idle = self.rotated_at.plus_ms(IDLE_MS);
        idle.min(self.began.plus_ms(longest_ms.min(SESSION_MS)))
    }

    pub(super) fn standing(
        &self,
        presented: &str,
        client: Option<&str>,
        now: Timestamp,
        longest_ms: i64,
    ) -> Standing {
        // Secrets are compared by digest, so that the time it takes tells nothing.
        let presented = digest(presented);
        let in_grace = now.since_ms(self.rotated_at) <= GRACE_MS;
        if now >= self.ends_at(longest_ms) {
            Standing::Lapsed
        } else if presented == digest(&self.current) {
            Standing::Current
        } else if self.previous == Some(presented) && in_grace && self.client.as_deref() == client {
            Standing::JustExchanged
        } else {
            Standing::Reused
        }
    }
}

fn digest(secret: &str) -> String {
    fingerprint(&[secret.as_bytes()]).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_ms(1_800_000_000_000);
    const DAY_MS: i64 = 24 * 3_600_000;

    fn family() -> Family {
        Family::new("first".into(), Some("a".into()), NOW)
    }

    fn rotated(family: &Family, secret: &str, now: Timestamp) -> Family {
        family.rotated(secret.into(), Some("a".into()), now)
    }

    #[test]
    fn a_token_just_exchanged_gives_its_successor_to_the_same_client_for_ten_seconds() {
        let family = rotated(&family(), "second", NOW);
        let of =
            |secret: &str, client, ms| family.standing(secret, client, NOW.plus_ms(ms), SESSION_MS);
        assert_eq!(of("second", Some("b"), 99_999), Standing::Current);
        assert_eq!(of("first", Some("a"), 10_000), Standing::JustExchanged);
        assert_eq!(of("first", Some("a"), 10_001), Standing::Reused);
        assert_eq!(of("first", Some("b"), 1), Standing::Reused);
        assert_eq!(of("first", None, 1), Standing::Reused);
        let third = rotated(&family, "third", NOW);
        let stolen = third.standing("first", Some("a"), NOW, SESSION_MS);
        assert_eq!(stolen, Standing::Reused);
    }

    #[test]
    fn a_sign_in_ends_after_seven_days_unused_and_after_thirty_anyway() {
        let fresh = family();
        let within = |family: &Family, ms, longest_ms| {
            family.standing("first", Some("a"), NOW.plus_ms(ms), longest_ms)
        };
        let of = |family: &Family, ms| within(family, ms, SESSION_MS);
        assert_eq!(of(&fresh, 7 * DAY_MS - 1), Standing::Current);
        assert_eq!(of(&fresh, 7 * DAY_MS), Standing::Lapsed);
        let mut used = fresh;
        for day in 1..=29 {
            used = rotated(&used, "first", NOW.plus_ms(day * DAY_MS));
        }
        assert_eq!(of(&used, 30 * DAY_MS - 1), Standing::Current);
        assert_eq!(of(&used, 30 * DAY_MS), Standing::Lapsed);
        assert_eq!(within(&used, 30 * DAY_MS, i64::MAX), Standing::Lapsed);
        let of_day = |ms| within(&used, ms, DAY_MS);
        assert_eq!(of_day(DAY_MS - 1), Standing::Current);
        assert_eq!(of_day(DAY_MS), Standing::Lapsed);
    }
}
