//! What has ended before its tokens do, as far as this process has heard.
//!
//! Whoever ends a sign-in or changes a user's rights leaves a notice in the vault; every process
//! looks for new ones ([`super::watch`]). A notice outlives every token that it concerns.
//!
//! Invariant: a process that has heard nothing for 10 s admits nobody: it cannot know whose tokens
//! still hold.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use domain::{
    TenantId, Timestamp, UserId,
    user::{Role, User},
};
use moka::sync::Cache;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use uuid::Uuid;

use super::{Credential, Principal, tokens::ACCESS_S};

/// What everything that processes watch is called, as a pattern.
pub(super) const WATCHED: &str = "watched.>";
/// How long a notice is kept: a minute longer than an access token lasts, since clocks differ.
pub(super) const KEPT: Duration = Duration::from_secs(ACCESS_S as u64 + 60);
/// For how long a process may rely on what it heard last.
const HOLDS: Duration = Duration::from_secs(10);

/// What a notice is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Notice {
    /// The tenant was suspended, or is open again.
    Door(TenantId),
    /// The signing keys are others.
    Keys,
    /// The user may do more, or less.
    Rights(TenantId, UserId),
    /// The sign-in has ended, or the API key is revoked.
    Session(Uuid),
    /// Sign-ins of the user have ended; the value is a [`Cutoff`].
    Sessions(TenantId, UserId),
}

impl Notice {
    /// What it is called in the vault.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Door(tenant) => format!("watched.door.{tenant}"),
            Self::Keys => super::keys::RING.to_owned(),
            Self::Rights(tenant, user) => format!("watched.rights.{tenant}.{user}"),
            Self::Session(session) => format!("watched.session.{session}"),
            Self::Sessions(tenant, user) => format!("watched.sessions.{tenant}.{user}"),
        }
    }

    /// The notice that is called `name`.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        let mut parts = name.strip_prefix("watched.")?.split('.');
        let kind = parts.next()?;
        let mut id = || parts.next()?.parse::<Uuid>().ok();
        match kind {
            "door" => Some(Self::Door(TenantId::new(id()?))),
            "keys" => Some(Self::Keys),
            "rights" => Some(Self::Rights(TenantId::new(id()?), UserId::new(id()?))),
            "session" => Some(Self::Session(id()?)),
            "sessions" => Some(Self::Sessions(TenantId::new(id()?), UserId::new(id()?))),
            _ => None,
        }
    }
}

/// Until when sign-ins of a user have ended.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(super) struct Cutoff {
    /// Those that began later go on.
    pub(super) at: Timestamp,
    /// One that goes on all the same.
    pub(super) except: Option<Uuid>,
}

impl Cutoff {
    /// Whether it ends a sign-in.
    pub(super) fn ends(&self, session: Uuid, began: Timestamp) -> bool {
        began <= self.at && self.except != Some(session)
    }
}

/// What a user may do now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Rights {
    /// Whether they administer the platform.
    pub(super) platform: bool,
    /// None if they may not even sign in.
    pub(super) role: Option<Role>,
}

impl Rights {
    /// Those of `user`. Elsewhere than in the main tenant nobody administers the platform, nor
    /// without being an administrator.
    pub(super) fn of(tenant: TenantId, user: &User) -> Self {
        let admits = tenant == TenantId::MAIN && user.role == Role::Admin && !user.disabled;
        Self {
            platform: admits && user.platform,
            role: (!user.disabled).then_some(user.role),
        }
    }
}

/// What this process has heard.
pub(super) struct Revocations {
    changes: watch::Sender<()>,
    /// Tenants that are suspended.
    closed: Cache<TenantId, ()>,
    cutoffs: Cache<(TenantId, UserId), Cutoff>,
    heard: Mutex<Instant>,
    rights: Cache<(TenantId, UserId), Rights>,
    sessions: Cache<Uuid, ()>,
}

impl Revocations {
    /// Of a process that has just heard of everything there is.
    pub(super) fn new() -> Self {
        Self {
            changes: watch::Sender::new(()),
            closed: Cache::builder().build(),
            cutoffs: Cache::builder().time_to_live(KEPT).build(),
            heard: Mutex::new(Instant::now()),
            rights: Cache::builder().time_to_live(KEPT).build(),
            sessions: Cache::builder().time_to_live(KEPT).build(),
        }
    }

    pub(super) fn end_session(&self, session: Uuid) {
        self.sessions.insert(session, ());
    }

    pub(super) fn end_sessions(&self, tenant: TenantId, user: UserId, cutoff: Cutoff) {
        self.cutoffs.insert((tenant, user), cutoff);
    }

    pub(super) fn set_open(&self, tenant: TenantId, open: bool) {
        if open {
            self.closed.invalidate(&tenant);
        } else {
            self.closed.insert(tenant, ());
        }
    }

    pub(super) fn set_rights(&self, tenant: TenantId, user: UserId, rights: Rights) {
        self.rights.insert((tenant, user), rights);
    }

    /// Notes that everything which was there at `asked` has been heard.
    pub(super) fn heard(&self, asked: Instant) {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = asked;
    }

    /// Whether what was heard last is recent enough to be relied on.
    pub(super) fn is_current(&self) -> bool {
        let heard = *self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.elapsed() < HOLDS
    }

    /// Wakes those who wait for the end of a sign-in, to look again.
    pub(super) fn tell(&self) {
        self.changes.send_replace(());
    }

    /// Hears of it when there is reason to look again.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// Whom a valid token or key speaks for now, with the rights that they have now.
    pub(super) fn admit(&self, mut principal: Principal) -> Option<Principal> {
        let whose = (principal.home(), principal.user);
        let (session, began) = (principal.session, principal.began);
        if !self.is_current() || self.sessions.contains_key(&session) {
            return None;
        }
        // An API key is no sign-in: it goes on when all sign-ins end.
        let signed_in = principal.credential == Credential::Session;
        let cutoff = self.cutoffs.get(&whose).filter(|_| signed_in);
        if cutoff.is_some_and(|cutoff| cutoff.ends(session, began)) {
            return None;
        }
        if self.closed.contains_key(&principal.tenant) && !principal.acting {
            return None;
        }
        let rights = self.rights.get(&whose);
        match rights {
            Some(rights) if principal.acting => rights.platform.then_some(principal),
            Some(rights) => {
                principal.role = rights.role?;
                // No key administers the platform.
                principal.platform = rights.platform && signed_in;
                Some(principal)
            }
            None => Some(principal),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{Authentication, Means};

    const NOW: Timestamp = Timestamp::from_unix_ms(1_800_000_000_000);
    const TENANT: TenantId = TenantId::new(Uuid::from_u128(1));
    const USER: UserId = UserId::new(Uuid::from_u128(2));

    const NOTHING: Rights = Rights {
        platform: false,
        role: None,
    };

    fn principal(session: u128) -> Principal {
        Principal {
            acting: false,
            authenticated: Authentication {
                at: NOW,
                by: Means::Password,
            },
            began: NOW,
            credential: Credential::Session,
            expires_at: NOW.plus_ms(600_000),
            platform: false,
            role: Role::Operator,
            session: Uuid::from_u128(session),
            tenant: TENANT,
            user: USER,
        }
    }

    #[test]
    fn names_of_notices_are_read_back() {
        let session = Uuid::from_u128(3);
        for notice in [
            Notice::Door(TENANT),
            Notice::Keys,
            Notice::Rights(TENANT, USER),
            Notice::Session(session),
            Notice::Sessions(TENANT, USER),
        ] {
            assert_eq!(Notice::of_name(&notice.name()), Some(notice));
        }
        for other in ["watched", "watched.", "watched.session.x", "x.keys"] {
            assert_eq!(Notice::of_name(other), None);
        }
    }

    #[test]
    fn what_has_ended_is_not_admitted_and_the_rest_is() {
        let known = Revocations::new();
        assert_eq!(known.admit(principal(3)), Some(principal(3)));
        known.end_session(Uuid::from_u128(3));
        assert_eq!(known.admit(principal(3)), None);
        let except = Some(Uuid::from_u128(5));
        known.end_sessions(TENANT, USER, Cutoff { at: NOW, except });
        assert_eq!(known.admit(principal(4)), None);
        assert_eq!(known.admit(principal(5)), Some(principal(5)));
        let began = NOW.plus_ms(1);
        let later = Principal {
            began,
            ..principal(6)
        };
        assert_eq!(known.admit(later.clone()), Some(later));
        let other = Principal {
            user: UserId::new(Uuid::from_u128(9)),
            ..principal(7)
        };
        assert_eq!(known.admit(other.clone()), Some(other));
    }

    #[test]
    fn an_api_key_ends_when_it_is_revoked_and_not_with_all_sign_ins() {
        let known = Revocations::new();
        let key = Principal {
            credential: Credential::ApiKey(std::sync::Arc::default()),
            ..principal(3)
        };
        let except = None;
        known.end_sessions(TENANT, USER, Cutoff { at: NOW, except });
        assert_eq!(known.admit(principal(3)), None);
        assert_eq!(known.admit(key.clone()), Some(key.clone()));
        known.set_rights(
            TENANT,
            USER,
            Rights {
                platform: false,
                role: Some(Role::Viewer),
            },
        );
        assert_eq!(
            known.admit(key.clone()).map(|key| key.role),
            Some(Role::Viewer)
        );
        known.set_rights(TENANT, USER, NOTHING);
        assert_eq!(known.admit(key.clone()), None);
        known.set_rights(
            TENANT,
            USER,
            Rights {
                platform: false,
                role: Some(Role::Viewer),
            },
        );
        known.end_session(key.session);
        assert_eq!(known.admit(key), None);
    }

    #[test]
    fn rights_are_those_of_now() {
        let known = Revocations::new();
        let role = Some(Role::Viewer);
        known.set_rights(
            TENANT,
            USER,
            Rights {
                platform: false,
                role,
            },
        );
        let admitted = known.admit(principal(3)).expect("admitted");
        assert_eq!(admitted.role, Role::Viewer);
        known.set_rights(TENANT, USER, NOTHING);
        assert_eq!(known.admit(principal(3)), None);
    }

    #[test]
    fn who_acts_is_admitted_as_long_as_they_administer_the_platform_at_home() {
        let known = Revocations::new();
        let elsewhere = TenantId::new(Uuid::from_u128(8));
        let acting = Principal {
            acting: true,
            tenant: elsewhere,
            ..principal(3)
        };
        known.set_open(elsewhere, false);
        assert_eq!(known.admit(acting.clone()), Some(acting.clone()));
        let mut others = principal(4);
        others.tenant = elsewhere;
        assert_eq!(known.admit(others.clone()), None, "the tenant is suspended");
        known.set_open(elsewhere, true);
        assert_eq!(known.admit(others.clone()), Some(others));
        // What a user with the same id may in the tenant itself is of no account.
        known.set_rights(elsewhere, USER, NOTHING);
        assert_eq!(known.admit(acting.clone()), Some(acting.clone()));
        let role = Some(Role::Admin);
        let platform = true;
        known.set_rights(TenantId::MAIN, USER, Rights { platform, role });
        assert_eq!(known.admit(acting.clone()), Some(acting.clone()));
        let platform = false;
        known.set_rights(TenantId::MAIN, USER, Rights { platform, role });
        assert_eq!(known.admit(acting.clone()), None);
        let known = Revocations::new();
        let except = None;
        known.end_sessions(TenantId::MAIN, USER, Cutoff { at: NOW, except });
        assert_eq!(known.admit(acting.clone()), None);
        let known = Revocations::new();
        known.end_session(acting.session);
        assert_eq!(known.admit(acting), None);
    }

    #[test]
    fn who_has_heard_nothing_for_ten_seconds_admits_nobody() {
        let known = Revocations::new();
        let now = Instant::now();
        known.heard(now.checked_sub(HOLDS / 2).expect("an instant"));
        assert!(known.admit(principal(3)).is_some());
        known.heard(now.checked_sub(HOLDS).expect("an instant"));
        assert!(known.admit(principal(3)).is_none());
    }

    /// The promise is 100 µs for each request; this leaves the test a slow machine's room.
    #[test]
    fn admitting_takes_no_time_however_much_was_heard() {
        let known = Revocations::new();
        for n in 0..10_000 {
            known.end_session(Uuid::from_u128(1_000_000 + n));
            let user = UserId::new(Uuid::from_u128(2_000_000 + n));
            known.end_sessions(
                TENANT,
                user,
                Cutoff {
                    at: NOW,
                    except: None,
                },
            );
            known.set_rights(TENANT, user, NOTHING);
        }
        let began = Instant::now();
        for n in 0..10_000 {
            assert!(known.admit(principal(n)).is_some());
        }
        assert!(
            began.elapsed() < Duration::from_secs(1),
            "{:?}",
            began.elapsed()
        );
    }
}
