//! `almanac platform grant | revoke`.
//!
//! Invariant: running gateways hear of it by themselves, within 2 s.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use commands::Ask;
use domain::{Actor, CommandId, TenantId};

use super::keys;
use crate::cli::{Platform, Somebody};

pub(super) async fn run(asked: Platform) -> Result<ExitCode> {
    let (somebody, granted) = match asked {
        Platform::Grant(somebody) => (somebody, true),
        Platform::Revoke(somebody) => (somebody, false),
    };
    let Somebody { email, place } = somebody;
    let (commands, identity) = Box::pin(keys::open(place)).await?;
    let user = identity.user_of_email(TenantId::MAIN, &email).await?;
    let user = user.with_context(|| format!("nobody of the main tenant is {email}"))?;
    let actor = Actor::System("cli".to_owned());
    let command = CommandId::new(commands.ids().next());
    let ask = Ask::new(actor, TenantId::MAIN, user.uuid(), command);
    let receipt = identity.set_platform(ask, granted).await?;
    let now = if granted {
        "administers"
    } else {
        "does not administer"
    };
    let already = if receipt.changed { "now" } else { "already" };
    println!("✔ {email} {now} the platform ({already})");
    Ok(ExitCode::SUCCESS)
}
