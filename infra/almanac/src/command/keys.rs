//! `almanac keys list | rotate`.
//!
//! It signs in as the owner does, who made the first key.
//!
//! Invariant: no private half leaves the vault; running gateways hear of a new key by themselves.

use std::{process::ExitCode, sync::Arc};

use anyhow::Result;
use commands::{Commands, Identity};
use event_log::{Role, Vault};
use runtime::{Clock, Ids, Nats, Secrets};

use crate::{
    cli::{Keys, Place},
    dev::{self, Running},
    roles,
};

pub(super) async fn run(asked: Keys) -> Result<ExitCode> {
    match asked {
        Keys::List(place) => {
            let keys = Box::pin(open(place)).await?.1.public_keys();
            println!("{}", serde_json::to_string_pretty(&keys)?);
        }
        Keys::Rotate(place) => {
            let signs_from = Box::pin(open(place)).await?.1.rotate_keys().await?;
            println!("✔ the next key is published and signs from {signs_from}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What changes who somebody is, on the servers at `place`.
pub(super) async fn open(place: Place) -> Result<(Commands, Identity)> {
    let (commands, vault) = owned(place).await?;
    let identity = Identity::open(commands.clone(), vault).await?;
    Ok((commands, identity))
}

/// What the owner does by commands, and the vault, on the servers at `place`.
pub(super) async fn owned(place: Place) -> Result<(Commands, Vault)> {
    let (nats, secrets) = if place.config.is_some() {
        let config = super::configuration(place.config.as_deref())?;
        (config.nats, config.secrets)
    } else {
        let running = Running::find(&place.data_dir)?;
        let nats = Nats {
            accept_plaintext: false,
            monitor_url: running.monitor,
            replicas: 1,
            accept_interval_sync: false,
            url: running.owner.into(),
        };
        let master_key = dev::master_key(&place.data_dir)?;
        (nats, Secrets { master_key })
    };
    let log = roles::open_log(&nats, Role::Owner).await?;
    let vault = Vault::open(&log, &secrets.master_key()?).await?;
    let clock = Clock::system();
    let commands = Commands::new(Arc::new(log), clock.clone(), Ids::new(clock));
    Ok((commands, vault))
}
