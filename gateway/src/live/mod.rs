//! Live queries: lists that keep up to date at whoever follows them.
//!
//! A follower gets the rows as of a position and then what changes. Followers of the same list
//! share a [`group`], which evaluates each change once; who comes late or falls behind asks the
//! read side for its own difference, and then joins the others again.
//!
//! Invariant: what a follower has been told up to a position is exactly the list as of it; what is
//! kept for those who read slowly is bounded for all of them together.

mod group;
mod resume;
mod socket;
mod subscriber;
mod views;
mod wanted;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use commands::Principal;
use domain::TenantId;
use tokio::sync::Semaphore;

use crate::app::App;
use group::Group;

pub(crate) use socket::{MESSAGE_MAX, Socket};
pub(crate) use subscriber::{Subscriber, Told};
pub(crate) use wanted::Wanted;

/// How many rows or events are read at a time.
const CHUNK: u32 = 100;
/// How long to wait after a failure.
const PAUSE: Duration = Duration::from_millis(100);

/// The lists that are followed here.
pub(crate) struct LiveQueries {
    groups: Mutex<HashMap<(TenantId, String), Weak<Group>>>,
    /// How many sockets may be open.
    pub sockets: Arc<Semaphore>,
}

/// Why a connection that follows something ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum End {
    /// The sign-in or API key ended, its user's role changed, or the tenant was suspended.
    Changed,
    /// The access token that opened it has expired.
    Expired,
    /// The gateway ends.
    Shutdown,
}

/// Resolves when this process knows where the read models are.
async fn known(app: &App) {
    while !app.freshness.is_known() {
        tokio::time::sleep(PAUSE).await;
    }
}

impl LiveQueries {
    pub fn new(connections_max: u32) -> Self {
        Self {
            groups: Mutex::default(),
            sockets: Arc::new(Semaphore::new(connections_max as usize)),
        }
    }

    /// The group of those who follow `wanted`.
    fn group(&self, app: &App, wanted: &Wanted) -> Arc<Group> {
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (wanted.tenant, wanted.scope.clone());
        if let Some(group) = groups.get(&key).and_then(Weak::upgrade) {
            return group;
        }
        groups.retain(|_, group| group.strong_count() > 0);
        let group = Arc::new(Group::start(app, wanted));
        groups.insert(key, Arc::downgrade(&group));
        group
    }
}

impl End {
    /// The word on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Changed => "access_changed",
            Self::Expired => "token_expired",
            Self::Shutdown => "shutdown",
        }
    }

    /// Resolves when the gateway ends, the access token does, or it no longer says who its user is.
    pub async fn of(app: App, principal: Principal) -> Self {
        let left_ms = principal.expires_at.since_ms(app.commands.clock().now());
        let left = Duration::from_millis(u64::try_from(left_ms).unwrap_or_default());
        tokio::select! {
            () = app.shutdown.cancelled() => Self::Shutdown,
            () = tokio::time::sleep(left) => Self::Expired,
            () = app.identity.ended(&principal) => Self::Changed,
        }
    }
}
