//! The live feed: what happens, told as soon as its rows can be read.
//!
//! It reads the mirror of the log in Postgres and not the log itself: so a commit is never told
//! before its rows are there, a parked commit is never told, and a replay tells the very same
//! words.
//!
//! Invariant: a subscriber hears every commit of its tenant once and in order, or is told to begin
//! anew.

mod follow;
mod listening;
mod recent;
mod subscribe;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use event_log::SharedLog;
use futures::Stream;
use schemas::{
    Position,
    api::LiveEvent,
    domain::{AggregateKind, TenantId},
};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use crate::{Freshness, StoreError};
use listening::Listeners;
use recent::Recent;
use uuid::Uuid;

/// How many commits a subscriber may be behind before it has to begin anew.
const BACKLOG: usize = 4_096;

/// Tells what happens. Its clones share one task.
#[derive(Clone, Debug)]
pub struct LiveFeed(Arc<Inner>);

struct Inner {
    freshness: Freshness,
    log: SharedLog,
    shutdown: CancellationToken,
    told: Mutex<Told>,
}

/// What has been told, and to whom; changed together.
struct Told {
    listeners: Listeners,
    /// None until the position to begin at is known, and again once the feed has ended. It moves
    /// before what is up to it is read and told: whoever begins to listen meanwhile was not read
    /// for, and begins after it.
    until: Option<Position>,
    recent: Recent,
    sender: broadcast::Sender<Heard>,
}

/// A commit that was told; its words only as long as they are kept.
#[derive(Clone, Debug)]
struct Heard {
    id: Uuid,
    json: Weak<str>,
    kind: AggregateKind,
    position: Position,
    tenant: TenantId,
}

/// A commit that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Live {
    /// Whose.
    pub tenant: TenantId,
    /// Where.
    pub position: Position,
    /// The kind of aggregate.
    pub kind: AggregateKind,
    /// Which one.
    pub id: Uuid,
    /// A `LiveEvent` in JSON, made once for all who hear it.
    pub json: Arc<str>,
}

/// What a subscriber hears.
#[derive(Clone, Debug, PartialEq)]
pub enum LiveItem {
    /// Something happened.
    Event(Live),
    /// Too much has happened to tell it all: read anew, at least at `position`; what happens after
    /// it follows.
    Reset {
        /// Where it goes on.
        position: Position,
    },
}

impl LiveFeed {
    /// Begins to follow, in a task of its own.
    pub fn start(log: SharedLog, freshness: Freshness, shutdown: CancellationToken) -> Self {
        let (sender, _) = broadcast::channel(BACKLOG);
        let told = Mutex::new(Told {
            listeners: Listeners::default(),
            until: None,
            recent: Recent::default(),
            sender,
        });
        let feed = Self(Arc::new(Inner {
            freshness,
            log,
            shutdown,
            told,
        }));
        tokio::spawn(follow::follow(feed.clone()));
        feed
    }

    /// What happens to `tenant` after `after`, or from now on; ends on shutdown only.
    pub fn subscribe(
        &self,
        tenant: TenantId,
        after: Option<Position>,
    ) -> impl Stream<Item = LiveItem> + Send + 'static + use<> {
        subscribe::subscribe(self.clone(), tenant, after)
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    /// Writes the event down.
    fn new((tenant, event): (TenantId, LiveEvent)) -> Result<Self, StoreError> {
        let json = serde_json::to_string(&event).expect("events have string keys, so they encode");
        let unknown = |_| StoreError::Corrupt(format!("no aggregate is a {:?}", event.kind));
        Ok(Self {
            tenant,
            position: Position(event.position),
            kind: event.kind.parse().map_err(unknown)?,
            id: event.id,
            json: json.into(),
        })
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LiveFeed").finish_non_exhaustive()
    }
}
