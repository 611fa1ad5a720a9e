//! What endpoints stand on.
//!
//! Invariant: nothing here is made by the gateway; the binary composes it, so tests can as well.

use std::sync::{Arc, Weak};

use commands::{Audit, Commands, External, Identity, TaskLogs, Workers};
use files::Files;
use futures::future::BoxFuture;
use projections::{Freshness, LiveFeed, Store};
use schemas::Position;
use tokio_util::sync::CancellationToken;

use crate::{limits::Limits, live::LiveQueries, log_end::LogEnd, oidc::Providers};

/// What the gateway stands on.
#[derive(Clone)]
pub struct Services {
    /// Who did or tried what.
    pub audit: Audit,
    /// The write side.
    pub commands: Commands,
    /// How to serve.
    pub config: runtime::Gateway,
    /// Attempts that are made outside of Almanac.
    pub external: External,
    /// Commits, once their rows can be read.
    pub feed: LiveFeed,
    /// Where the files of tasks are; none if this installation keeps none.
    pub files: Option<Files>,
    /// How far the read models are.
    pub freshness: Freshness,
    /// Who somebody is.
    pub identity: Identity,
    /// How the log is.
    pub log: LogProbe,
    /// The read side.
    pub store: Store,
    /// What attempts say while they run.
    pub task_logs: TaskLogs,
    /// Which workers are there.
    pub workers: Workers,
}

/// How the log is, for those who only ask that.
#[derive(Clone)]
pub struct LogProbe {
    /// Where the log ends now; none if it cannot be asked.
    pub head: Arc<dyn Fn() -> BoxFuture<'static, Option<Position>> + Send + Sync>,
    /// Tells this log from any other: consistency tokens of another one are refused.
    pub incarnation: String,
    /// Whether its server can be reached right now.
    pub is_connected: Arc<dyn Fn() -> bool + Send + Sync>,
}

/// The state of the router: the services, and whether they are about to end.
#[derive(Clone)]
pub(crate) struct App(Arc<Inner>);

/// The state of a router that may be gone.
pub(crate) struct Passing(Weak<Inner>);

pub(crate) struct Inner {
    services: Services,
    pub limits: Limits,
    pub live: LiveQueries,
    pub log_end: LogEnd,
    pub oidc: Providers,
    pub shutdown: CancellationToken,
}

impl App {
    pub fn new(services: Services, shutdown: CancellationToken) -> Self {
        Self(Arc::new(Inner {
            limits: Limits::new(&services.config.limits),
            live: LiveQueries::new(services.config.connections_max.get()),
            oidc: Providers::new(&services.config),
            services,
            log_end: LogEnd::default(),
            shutdown,
        }))
    }

    /// The same for who must not keep it alive.
    pub fn downgrade(&self) -> Passing {
        Passing(Arc::downgrade(&self.0))
    }
}

impl Passing {
    /// The state, as long as somebody serves by it.
    pub fn upgrade(&self) -> Option<App> {
        self.0.upgrade().map(App)
    }
}

impl std::ops::Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl std::ops::Deref for Inner {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.services
    }
}
