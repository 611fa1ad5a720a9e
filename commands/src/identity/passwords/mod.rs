//! Passwords, as argon2id hashes in the vault.
//!
//! Invariant: at most [`PARALLEL`] hashes are computed at a time; whoever comes when [`WAITING`]
//! others wait is turned away at once rather than later.

mod cost;

use std::sync::{Arc, Mutex, PoisonError};

use argon2_rust::Hasher;
use domain::{TenantId, UserId};
use event_log::{Vault, VaultError};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::strength;
use crate::Failure;
use cost::{HASH_LEN, Recipe};

pub(in crate::identity) use cost::Hashed;

/// Hashes computed at a time.
const PARALLEL: usize = 2;
/// Hashes that may wait for their turn.
const WAITING: usize = 64;
/// Whom no password belongs to.
const NOBODY: UserId = UserId::new(Uuid::nil());

/// Keeps and checks passwords.
#[derive(Clone)]
pub(super) struct Passwords {
    memory: Memory,
    queue: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    vault: Vault,
}

/// What hashes are computed in. A quarter of a hash's time is the kernel's, which clears fresh
/// memory, so those who wait take over what the ones before them used. Nothing is kept when nobody
/// waits.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<Hasher>>>);

impl Passwords {
    pub(super) fn new(vault: Vault) -> Self {
        Self {
            memory: Memory::default(),
            queue: Arc::new(Semaphore::new(PARALLEL + WAITING)),
            turns: Arc::new(Semaphore::new(PARALLEL)),
            vault,
        }
    }

    /// Hashes a new password.
    pub(super) async fn prepare(&self, password: SecretString) -> Result<Hashed, Failure> {
        let recipe = Recipe::new(runtime::random::bytes());
        let hash = self.hash(password, recipe).await?;
        Ok(Hashed::new(recipe, hash))
    }

    /// Keeps `hashed` as that password of `user`, unless there is one; says whether it did.
    pub(super) async fn keep(
        &self,
        tenant: TenantId,
        user: UserId,
        credential: Option<Uuid>,
        hashed: &Hashed,
    ) -> Result<bool, Failure> {
        match self
            .vault
            .create(&name(tenant, user, credential), hashed.as_bytes())
            .await
        {
            Ok(()) => Ok(true),
            Err(VaultError::Conflict) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    /// Whether `password` is that of `holder`, a user and which of their passwords counts. Takes as
    /// long if there is no such user: nobody's password is looked up, and compared.
    pub(super) async fn check(
        &self,
        tenant: TenantId,
        holder: Option<(UserId, Option<Uuid>)>,
        password: SecretString,
    ) -> Result<bool, Failure> {
        let (user, credential) = holder.unwrap_or((NOBODY, None));
        let name = name(tenant, user, credential);
        let known = self.vault.get(&name).await?;
        let kept = known.as_ref().and_then(|kept| Recipe::of(&kept.value));
        let unknown = (Recipe::new([0; _]), &[0; HASH_LEN]);
        let (recipe, expected) = kept.unwrap_or(unknown);
        let found = self.hash(password.clone(), recipe).await?;
        let equal = aws_lc_rs::constant_time::verify_slices_are_equal(&found, expected).is_ok();
        let right = kept.is_some() && equal;
        if let Some(known) = &known
            && right
            && recipe.is_outdated()
        {
            let hashed = self.prepare(password).await?;
            match (self.vault)
                .replace(&name, hashed.as_bytes(), known.revision)
                .await
            {
                // Whoever was quicker has done the same, or changed it.
                Ok(()) | Err(VaultError::Conflict) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Ok(right)
    }

    /// Forgets that password of `user`.
    pub(super) async fn delete(
        &self,
        tenant: TenantId,
        user: UserId,
        credential: Option<Uuid>,
    ) -> Result<(), Failure> {
        Ok(self.vault.delete(&name(tenant, user, credential)).await?)
    }

    /// Why `password` is too easy for somebody about whom guessers know `known`; none if it is not.
    pub(super) async fn weakness(
        &self,
        password: SecretString,
        known: Vec<String>,
    ) -> Result<Option<String>, Failure> {
        let weighed = self.in_turn(move |_| strength::weakness(&password, &known));
        weighed.await
    }

    async fn hash(
        &self,
        password: SecretString,
        recipe: Recipe,
    ) -> Result<[u8; HASH_LEN], Failure> {
        tracing::trace!(cost = recipe.cost(), "hashes a password");
        let hash = self.in_turn(move |hasher| {
            let password = password.expose_secret().as_bytes();
            recipe.hash(password, hasher)
        });
        let hash = hash.await?;
        hash.ok_or_else(|| Failure::Unavailable("the password could not be hashed".into()))
    }

    /// Computes something that takes long, when its turn has come.
    async fn in_turn<T: Send + 'static>(
        &self,
        compute: impl FnOnce(&mut Hasher) -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let busy = |_| Failure::Busy("too many sign-ins at once");
        let place = self.queue.clone().try_acquire_owned().map_err(busy)?;
        let turn = self.turns.clone().acquire_owned().await;
        let (memory, queue) = (self.memory.clone(), self.queue.clone());
        let computed = tokio::task::spawn_blocking(move || {
            let mut hasher = memory.take();
            let computed = compute(&mut hasher);
            drop(place);
            memory.leave(hasher, PARALLEL + WAITING > queue.available_permits());
            drop(turn);
            computed
        });
        let computed = computed.await;
        computed.map_err(|reason| Failure::Unavailable(format!("a password: {reason}")))
    }
}

impl Memory {
    fn take(&self) -> Hasher {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        left.pop().unwrap_or_else(cost::hasher)
    }

    fn leave(&self, hasher: Hasher, somebody_waits: bool) {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if somebody_waits {
            left.push(hasher);
        } else {
            left.clear();
        }
    }
}

/// The first password of a user has no id.
fn name(tenant: TenantId, user: UserId, credential: Option<Uuid>) -> String {
    match credential {
        Some(credential) => format!("{tenant}.user.{user}.password.{credential}"),
        None => format!("{tenant}.user.{user}.password"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_handed_on_while_somebody_waits_and_given_back_then() {
        let memory = Memory::default();
        let mut first = memory.take();
        first.reserve().expect("memory");
        let held = first.reserved_blocks();
        memory.leave(first, true);
        let second = memory.take();
        assert!(held > 0 && second.reserved_blocks() == held);
        memory.leave(second, true);
        memory.leave(cost::hasher(), false);
        assert_eq!(memory.take().reserved_blocks(), 0);
    }
}
