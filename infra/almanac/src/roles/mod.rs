//! The parts of an installation, each a process by itself or all in one.
//!
//! Invariant: a part connects to what it needs and nothing else, and returns only when it was asked
//! to end or cannot go on.

pub mod copy;
mod gateway;
mod ground;
mod projector;
mod scheduler;
mod worker;

use anyhow::{Context as _, Result};
use projections::{Freshness, Overview, Store, Writer};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use copy::VAULT;
pub use ground::{Ground, open_log};

/// A part of an installation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Role {
    /// Is asked.
    Gateway,
    /// Remembers.
    Projector,
    /// Acts when nobody asks.
    Scheduler,
    /// Does the work.
    Worker,
}

impl Role {
    /// What it is called in logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Projector => "projector",
            Self::Scheduler => "scheduler",
            Self::Worker => "worker",
        }
    }
}

impl From<Role> for event_log::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Gateway => Self::Gateway,
            Role::Projector => Self::Projector,
            Role::Scheduler => Self::Scheduler,
            Role::Worker => Self::Worker,
        }
    }
}

/// Runs one part as a process of its own.
pub async fn run(role: Role, ground: &Ground, shutdown: CancellationToken) -> Result<()> {
    let postgres = &ground.config.postgres;
    match role {
        Role::Gateway => {
            let address = ground.config.gateway.listen;
            let listener = TcpListener::bind(address)
                .await
                .with_context(|| format!("cannot listen on {address} → change gateway.listen"))?;
            let store = Store::connect(postgres).await?;
            let freshness = Freshness::watch(&store);
            Box::pin(serve(ground, store, freshness, listener, shutdown)).await
        }
        Role::Projector => remember(ground, Writer::connect(postgres).await?, shutdown).await,
        Role::Scheduler => {
            let overview = Overview::of_schedule(postgres).await?;
            schedule(ground, overview, shutdown).await
        }
        Role::Worker => {
            let means = means(ground).await?;
            work(ground, means, shutdown).await
        }
    }
}

pub use gateway::run as serve;
pub use projector::run as remember;
pub use scheduler::run as schedule;
pub use worker::{means, run as work};
