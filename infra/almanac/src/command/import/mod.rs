//! `almanac import`: what exists already becomes jobs and resources.
//!
//! Invariant: idempotent; importing again changes only what has changed.

pub mod crontab;
pub mod inventory;

use std::process::ExitCode;

use anyhow::{Context as _, Result};

use crate::{
    cli::{Import, Target},
    client::Client,
    dev::Running,
};

/// How many requests are under way at a time.
const AT_ONCE: usize = 32;

pub(super) async fn run(asked: Import) -> Result<ExitCode> {
    match asked {
        Import::Crontab(asked) => crontab::run(asked).await,
        Import::Inventory(target) => {
            let told = inventory::run(&client(&target).await?).await?;
            for line in told {
                println!("{line}");
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn client(target: &Target) -> Result<Client> {
    let (Some(url), Some(email)) = (&target.url, &target.email) else {
        return Running::find(&target.data_dir)?.sign_in().await;
    };
    let name = &target.password_env;
    let password = std::env::var(name)
        .with_context(|| format!("no password → put it into the environment as {name}"))?;
    Ok(Client::sign_in(url, email, &password.into()).await?)
}

/// `1 job`, `2 jobs`
pub fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
