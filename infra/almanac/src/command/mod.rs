//! One file for each sub-command.
//!
//! Invariant: logging is set up here, before anything else happens.

mod auth;
mod backup;
mod events;
pub mod import;
mod jobs;
mod keys;
mod log;
mod nats_users;
mod place;
mod platform;
mod progress;
mod projections;
mod replay;
mod schemas;
mod setup;

use std::{path::Path, process::ExitCode};

use anyhow::{Result, anyhow};
use runtime::{Config, ConfigError, Telemetry, TelemetryGuard};

use crate::{
    cli::{Cli, Command, Configured},
    dev,
    roles::{self, Ground, Role},
};

/// What is worth a line when nothing was asked for: in a terminal, only what needs attention.
const QUIET: &str = "warn";

/// Does what was asked.
pub async fn run(cli: Cli) -> Result<ExitCode> {
    let log = cli.log;
    let _telemetry = match &cli.command {
        Command::Gateway(_)
        | Command::Projector(_)
        | Command::Scheduler(_)
        | Command::Worker(_) => None,
        _ => Some(quiet(log.clone())?),
    };
    match cli.command {
        Command::Auth(asked) => auth::run(asked).await,
        Command::Backup(asked) => Box::pin(backup::run(asked)).await,
        Command::Dev(asked) => Box::pin(dev::run(asked)).await,
        Command::Events(asked) => Box::pin(events::run(asked)).await,
        Command::Gateway(configured) => Box::pin(role(Role::Gateway, &configured, log)).await,
        Command::Import(asked) => import::run(asked).await,
        Command::Jobs(asked) => Box::pin(jobs::run(asked)).await,
        Command::Keys(asked) => Box::pin(keys::run(asked)).await,
        Command::Log(asked) => Box::pin(log::run(asked)).await,
        Command::NatsUsers => Ok(nats_users::run()),
        Command::Platform(asked) => Box::pin(platform::run(asked)).await,
        Command::Projections(asked) => projections::run(asked).await,
        Command::Projector(configured) => Box::pin(role(Role::Projector, &configured, log)).await,
        Command::Replay(asked) => Box::pin(replay::run(asked)).await,
        Command::Scheduler(configured) => Box::pin(role(Role::Scheduler, &configured, log)).await,
        Command::Schemas(asked) => schemas::run(&asked),
        Command::Setup(asked) => Box::pin(setup::run(asked)).await,
        Command::Worker(configured) => Box::pin(role(Role::Worker, &configured, log)).await,
    }
}

/// One role, until a signal asks it to end.
async fn role(role: Role, configured: &Configured, log: Option<String>) -> Result<ExitCode> {
    let mut config = configuration(configured.config.as_deref())?;
    if log.is_some() {
        config.telemetry.filter = log;
    }
    let _telemetry = runtime::init_telemetry(role.name(), &config.telemetry)?;
    let shutdown = runtime::shutdown_on_signal()?;
    let ground = Ground::open(config, role.into()).await?;
    tracing::info!(role = role.name(), "serving");
    Box::pin(roles::run(role, &ground, shutdown)).await?;
    tracing::info!(role = role.name(), "ended in good order");
    Ok(ExitCode::SUCCESS)
}

fn configuration(file: Option<&Path>) -> Result<Config> {
    Config::load(file).map_err(|mistake| match mistake {
        ConfigError::Invalid(_) => {
            let remedy = "give a file with --config, or ALMANAC__<SECTION>__<KEY>";
            anyhow!("{mistake} → {remedy} in the environment")
        }
        // Every other one says what to do.
        _ => mistake.into(),
    })
}

fn quiet(log: Option<String>) -> Result<TelemetryGuard> {
    let filter = Some(log.unwrap_or_else(|| QUIET.to_owned()));
    runtime::init_telemetry(
        "almanac",
        &Telemetry {
            filter,
            ..Telemetry::default()
        },
    )
}
