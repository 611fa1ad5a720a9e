//! `almanac setup`: once for each installation, and again after an update.
//!
//! Invariant: idempotent; what exists stays as it is.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use commands::Registration;
use domain::user::Role as UserRole;
use event_log::Role;
use projections::Owner;

use crate::{cli::Setup, roles::Ground};

pub(super) async fn run(asked: Setup) -> Result<ExitCode> {
    let config = super::configuration(asked.configured.config.as_deref())?;
    let ground = Ground::open(config, Role::Owner).await?;
    println!("✔ streams and buckets");
    let owner = Owner::connect(&ground.config.postgres).await?;
    owner.migrate().await?;
    println!("✔ tables, and who may do what with them");
    let administrator = Registration {
        email: asked.admin_email.clone(),
        name: "Administrator".to_owned(),
        password: asked.admin_password.into(),
        role: UserRole::Admin,
    };
    let identity = ground.identity().await?;
    commands::bootstrap(&ground.commands, &identity, administrator)
        .await
        .context("the administrator could not be made → check ALMANAC_ADMIN_EMAIL and _PASSWORD")?;
    println!("✔ administrator {}", asked.admin_email);
    Ok(ExitCode::SUCCESS)
}
