//! `almanac import`: what exists already becomes jobs and resources.
//!
//! Invariant: idempotent; importing again changes only what has changed. What the gateway refuses
//! is told and keeps nothing else from being imported.

pub mod crontab;
pub mod inventory;

use std::{future::Future, process::ExitCode};

use anyhow::{Context as _, Result};
use futures::{StreamExt as _, stream};

use crate::{
    cli::{Import, Target},
    client::{Client, ClientError},
    dev::Running,
};

/// How many requests are under way at a time.
const AT_ONCE: usize = 32;

pub(super) async fn run(asked: Import) -> Result<ExitCode> {
    match asked {
        Import::Crontab(asked) => crontab::run(asked).await,
        Import::Inventory(target) => {
            let imported = inventory::run(&client(&target).await?).await?;
            for line in imported.told {
                println!("{line}");
            }
            Ok(report(&imported.refused))
        }
    }
}

/// Tells what was refused; success if nothing was.
fn report(refused: &[String]) -> ExitCode {
    for line in refused {
        eprintln!("✖ {line}");
    }
    ExitCode::from(u8::from(!refused.is_empty()))
}

/// Sends all of `requests`, each with a word for what it is about; gives those refused, with the
/// reason. An error is none of a single request: nothing more was sent after it.
async fn send<Request>(requests: impl Iterator<Item = Request>) -> Result<Vec<String>, ClientError>
where
    Request: Future<Output = (String, Result<(), ClientError>)>,
{
    let mut answers = stream::iter(requests).buffer_unordered(AT_ONCE);
    let mut refused = Vec::new();
    while let Some((what, answer)) = answers.next().await {
        match answer {
            Err(reason) if reason.is_about_one_object() => {
                refused.push(format!("{what}: {reason}"));
            }
            answer => answer?,
        }
    }
    refused.sort();
    Ok(refused)
}

async fn client(target: &Target) -> Result<Client> {
    let (Some(url), Some(email)) = (&target.url, &target.email) else {
        return Running::find(&target.data_dir)?.sign_in().await;
    };
    let name = &target.password_env;
    let password = std::env::var(name)
        .with_context(|| format!("no password → put it into the environment as {name}"))?;
    let tenant = target.tenant.as_deref();
    Ok(Client::sign_in_to(url, tenant, email, &password.into()).await?)
}

/// `1 job`, `2 jobs`
pub fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
