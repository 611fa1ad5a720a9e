//! Passwords, as argon2id hashes in the vault.
//!
//! Invariant: at most [`PARALLEL`] hashes are computed at a time, each of 19 MiB; whoever comes
//! when [`WAITING`] others wait is turned away at once rather than later.

use std::sync::{Arc, Mutex, PoisonError};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use domain::{TenantId, UserId};
use event_log::{Vault, VaultError};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::strength;
use crate::Failure;

/// Hashes computed at a time.
const PARALLEL: usize = 2;
/// Hashes that may wait for their turn.
const WAITING: usize = 64;
/// OWASP's first choice for argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
/// Whom no password belongs to.
const NOBODY: UserId = UserId::new(Uuid::nil());
const SALT_LEN: usize = 16;
const HASH_LEN: usize = 32;

/// A password as it is kept: salt and hash.
pub(super) struct Hashed(Vec<u8>);

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
struct Memory(Arc<Mutex<Vec<Vec<Block>>>>);

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
        let salt: [u8; SALT_LEN] = runtime::random::bytes();
        let hash = self.hash(password, salt).await?;
        Ok(Hashed([salt.as_slice(), &hash].concat()))
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
            .create(&name(tenant, user, credential), &hashed.0)
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
        let known = self.vault.get(&name(tenant, user, credential)).await?;
        let kept = known
            .as_ref()
            .and_then(|secret| secret.value.split_first_chunk::<SALT_LEN>());
        let (salt, expected) = kept.unwrap_or((&[0; SALT_LEN], &[]));
        let found = self.hash(password, *salt).await?;
        let equal = aws_lc_rs::constant_time::verify_slices_are_equal(&found, expected);
        Ok(equal.is_ok())
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
        salt: [u8; SALT_LEN],
    ) -> Result<[u8; HASH_LEN], Failure> {
        let hash = self.in_turn(move |memory| {
            let params = Params::new(MEMORY_KIB, PASSES, 1, Some(HASH_LEN)).ok()?;
            let blocks = params.block_count();
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            memory.resize(blocks, Block::default());
            let mut hash = [0; HASH_LEN];
            let password = password.expose_secret().as_bytes();
            let computed =
                argon2.hash_password_into_with_memory(password, &salt, &mut hash, memory);
            computed.ok().map(|()| hash)
        });
        let hash = hash.await?;
        hash.ok_or_else(|| Failure::Unavailable("the password could not be hashed".into()))
    }

    /// Computes something that takes long, when its turn has come.
    async fn in_turn<T: Send + 'static>(
        &self,
        compute: impl FnOnce(&mut Vec<Block>) -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let busy = |_| Failure::Busy("too many sign-ins at once");
        let place = self.queue.clone().try_acquire_owned().map_err(busy)?;
        let turn = self.turns.clone().acquire_owned().await;
        let (memory, queue) = (self.memory.clone(), self.queue.clone());
        let computed = tokio::task::spawn_blocking(move || {
            let mut blocks = memory.take();
            let computed = compute(&mut blocks);
            drop(place);
            memory.leave(blocks, PARALLEL + WAITING > queue.available_permits());
            drop(turn);
            computed
        });
        let computed = computed.await;
        computed.map_err(|reason| Failure::Unavailable(format!("a password: {reason}")))
    }
}

impl Memory {
    fn take(&self) -> Vec<Block> {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        left.pop().unwrap_or_default()
    }

    fn leave(&self, blocks: Vec<Block>, somebody_waits: bool) {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if somebody_waits {
            left.push(blocks);
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
        first.resize(3, Block::default());
        memory.leave(first, true);
        let second = memory.take();
        assert_eq!(second.len(), 3);
        memory.leave(second, true);
        memory.leave(Vec::new(), false);
        assert!(memory.take().is_empty());
    }
}
