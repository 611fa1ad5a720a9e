//! Hears of keys and revocations, in every process.
//!
//! The vault is asked four times a second for what has changed. The answer that nothing has is as
//! good as news: it says until when nothing had.
//!
//! Invariant: what is noted as heard has taken effect here; a notice that cannot be understood or
//! followed up is asked for again, and nothing counts as heard meanwhile.

use std::{
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use domain::{TenantId, Timestamp, UserId, tenant::Tenant, user::User};
use event_log::{Change, Vault, VaultError};

use super::{
    keys::{self, Key, Ring},
    revocations::{Notice, Revocations, Rights, WATCHED},
    tokens::Signer,
};
use crate::{Commands, Failure};

/// How often the vault is asked.
const EVERY: Duration = Duration::from_millis(250);
/// How long it may take to answer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);

/// What a process knows of keys and revocations. Watched as long as somebody holds it.
pub(super) struct Watched {
    pub(super) revocations: Revocations,
    pub(super) signer: Signer,
}

/// Who asks, and how far it has heard.
struct Watch {
    commands: Commands,
    heard: u64,
    vault: Vault,
}

impl Watched {
    /// Hears of everything there is, makes the first key if there is none, and goes on watching.
    pub(super) async fn open(commands: &Commands, vault: &Vault) -> Result<Arc<Self>, Failure> {
        let watched = Arc::new(Self {
            revocations: Revocations::new(),
            signer: Signer::new(ring(commands, vault).await?)?,
        });
        let mut watch = Watch {
            commands: commands.clone(),
            heard: 0,
            vault: vault.clone(),
        };
        let asked = Instant::now();
        watch.catch_up(&watched).await?;
        watched.revocations.heard(asked);
        tokio::spawn(watch.run(Arc::downgrade(&watched)));
        Ok(watched)
    }
}

impl Watch {
    async fn run(mut self, watched: Weak<Watched>) {
        let mut well = true;
        loop {
            tokio::time::sleep(EVERY).await;
            let Some(watched) = watched.upgrade() else {
                return;
            };
            let asked = Instant::now();
            let caught_up = tokio::time::timeout(ANSWERS_WITHIN, self.catch_up(&watched)).await;
            let caught_up = caught_up.unwrap_or_else(|_| Err(silent()));
            match &caught_up {
                Ok(()) => watched.revocations.heard(asked),
                Err(reason) if well => tracing::warn!(%reason, "nothing is heard of revocations"),
                Err(_) => {}
            }
            well = caught_up.is_ok();
            if !watched.revocations.is_current() {
                watched.revocations.tell();
            }
        }
    }

    /// Hears of everything that is new; what took effect before a failure need not be heard again.
    async fn catch_up(&mut self, watched: &Watched) -> Result<(), Failure> {
        let before = self.heard;
        let caught_up = loop {
            match self.vault.next(WATCHED, self.heard).await {
                Ok(None) => break Ok(()),
                Ok(Some(change)) => {
                    let revision = change.revision;
                    if let Err(failure) = self.take_in(watched, change).await {
                        break Err(failure);
                    }
                    self.heard = revision;
                }
                Err(failure) => break Err(failure.into()),
            }
        };
        if self.heard > before {
            watched.revocations.tell();
        }
        caught_up?;
        self.rotate_if_due(watched).await
    }

    async fn take_in(&self, watched: &Watched, change: Change) -> Result<(), Failure> {
        // Of what was deleted nothing is to be heard.
        let Some(value) = change.value else {
            return Ok(());
        };
        let notice = Notice::of_name(&change.name)
            .ok_or_else(|| Failure::Corrupt(format!("the notice {}", change.name)))?;
        let known = &watched.revocations;
        match notice {
            Notice::Door(tenant) => known.set_open(tenant, is_open(&self.commands, tenant).await?),
            Notice::Keys => watched.signer.replace(Ring::decode(&value)?)?,
            Notice::Rights(tenant, user) => {
                known.set_rights(tenant, user, rights(&self.commands, tenant, user).await?);
            }
            Notice::Session(session) => known.end_session(session),
            Notice::Sessions(tenant, user) => {
                let cutoff = serde_json::from_slice(&value)
                    .map_err(|reason| Failure::Corrupt(format!("{}: {reason}", change.name)))?;
                known.end_sessions(tenant, user, cutoff);
            }
        }
        Ok(())
    }

    /// Makes the next key in time. Of several processes one succeeds, and all hear of it.
    async fn rotate_if_due(&self, watched: &Watched) -> Result<(), Failure> {
        let now = self.commands.clock.now();
        if !watched.signer.ring().is_due(now) {
            return Ok(());
        }
        let signs_from = rotate(&self.commands, &self.vault).await?;
        tracing::info!(%signs_from, "the next signing key is published");
        Ok(())
    }
}

/// What a user may do now, as the log says; nothing if it is not to be believed.
pub(super) async fn rights(
    commands: &Commands,
    tenant: TenantId,
    user: UserId,
) -> Result<Rights, Failure> {
    let current = match commands.state::<User>(tenant, user.uuid()).await {
        Err(Failure::Corrupt(reason)) => {
            tracing::error!(reason, %user, "a user without rights");
            None
        }
        current => current?,
    };
    let nothing = Rights {
        platform: false,
        role: None,
    };
    Ok(current.map_or(nothing, |current| Rights::of(tenant, &current.state)))
}

/// Whether there is such a tenant and its users may sign in, as the log says.
pub(super) async fn is_open(commands: &Commands, tenant: TenantId) -> Result<bool, Failure> {
    let found = commands.state::<Tenant>(tenant, tenant.uuid()).await?;
    Ok(found.is_some_and(|found| !found.state.suspended))
}

/// Publishes another key, unless one that is yet to sign is published already; when it signs.
pub(super) async fn rotate(commands: &Commands, vault: &Vault) -> Result<Timestamp, Failure> {
    // A second round sees what another process did in the first.
    for _ in 0..2 {
        let now = commands.clock.now();
        let kept = vault.get(keys::RING).await?;
        let kept = kept.ok_or_else(|| Failure::Corrupt("the signing keys are gone".into()))?;
        let ring = Ring::decode(&kept.value)?;
        if ring.is_rotating(now) {
            return Ok(ring.last().signs_from);
        }
        let signs_from = now.plus_ms(keys::AHEAD_MS);
        let next = ring.followed_by(Key::make(signs_from)?, now).encode();
        let replaced = vault.replace(keys::RING, &next, kept.revision);
        match replaced.await {
            Ok(()) => return Ok(signs_from),
            Err(VaultError::Conflict) => {}
            Err(other) => return Err(other.into()),
        }
    }
    Err(Failure::Unavailable(
        "the signing keys keep changing".into(),
    ))
}

/// The keys in the vault, made on the first start.
async fn ring(commands: &Commands, vault: &Vault) -> Result<Ring, Failure> {
    if let Some(kept) = vault.get(keys::RING).await? {
        return Ring::decode(&kept.value);
    }
    let made = Ring::of(Key::make(commands.clock.now())?);
    match vault.create(keys::RING, &made.encode()).await {
        Ok(()) => Ok(made),
        // Another process was first; its key is the one.
        Err(VaultError::Conflict) => match vault.get(keys::RING).await? {
            Some(kept) => Ring::decode(&kept.value),
            None => Err(Failure::Unavailable("the signing keys vanished".into())),
        },
        Err(other) => Err(other.into()),
    }
}

fn silent() -> Failure {
    Failure::Unavailable("the vault does not answer".into())
}
