//! The worker as a part.
//!
//! Invariant: it needs the log and nothing else; what it has beside says which kinds of task it can
//! do, and it says at its start which it cannot.

use ::scheduler::{
    handlers::Means,
    worker::{self, Services},
};
use anyhow::{Context as _, Result};
use event_log::{Presence, WorkQueue};
use files::Files;
use projections::Extracts;
use runtime::Postgres;
use tokio_util::sync::CancellationToken;

use super::{Ground, copy};

/// Works on tasks, with what its handlers may use.
pub async fn run(ground: &Ground, means: Means, shutdown: CancellationToken) -> Result<()> {
    let services = Services {
        clock: ground.clock.clone(),
        commands: ground.commands.clone(),
        config: ground.config.worker.clone(),
        ids: ground.ids.clone(),
        log_level: ground.config.task_logs.level,
        logs: ground.task_logs().await?,
        means,
        presence: Presence::of_workers(&ground.log).await?,
        work: WorkQueue::new(&ground.log),
    };
    Ok(worker::run(services, shutdown).await?)
}

/// What its handlers may use, by what it was told.
pub async fn means(ground: &Ground) -> Result<Means> {
    let config = &ground.config;
    let files = Files::open(&config.files, ground.clock.clone()).context("opening [files]")?;
    if files.is_none() {
        tracing::warn!("no [files]: tasks that make or read files fail");
    }
    let extracts = if let Some(url) = &config.worker.postgres_url {
        let postgres = Postgres {
            url: url.clone(),
            ..config.postgres.clone()
        };
        let connected = Extracts::connect(&postgres).await;
        Some(connected.context("worker.postgres_url")?)
    } else {
        tracing::warn!("no worker.postgres_url: leaves `export` and `generate-report` to others");
        None
    };
    let backup = if let Some(url) = &config.worker.backup_nats_url {
        Some(copy::of_log(&config.nats, url).await?)
    } else {
        tracing::warn!("no worker.backup_nats_url: leaves `backup` to others");
        None
    };
    Ok(Means {
        backup,
        extracts,
        files,
        keep_days: config.files.keep_days.get(),
        smtp: config.smtp.clone(),
        webhooks: config.webhooks.clone(),
    })
}
