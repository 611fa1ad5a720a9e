//! When each API key was last used, to the minute.
//!
//! Invariant: a process writes it at most once a minute for each key, and never to the log: who
//! looks where is no event of the key.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use domain::{Timestamp, api_key::LIFE_MAX_MS};
use event_log::Vault;
use moka::sync::Cache;
use uuid::Uuid;

use crate::Failure;

const MINUTE_MS: i64 = 60_000;
/// How many keys' last minutes are remembered.
const REMEMBERED: u64 = 10_000;

/// The minute in which each key was last used, as far as this process has written it.
#[derive(Clone)]
pub(super) struct LastUses(Cache<Uuid, Arc<AtomicI64>>);

impl LastUses {
    pub(super) fn new() -> Self {
        Self(Cache::new(REMEMBERED))
    }

    /// Notes that the key `id` is used at `now`; nobody waits for that.
    pub(super) fn note(&self, vault: &Vault, id: Uuid, now: Timestamp) {
        let minute = now.unix_ms().div_euclid(MINUTE_MS);
        let last = self.0.get_with(id, || Arc::new(AtomicI64::new(i64::MIN)));
        if last.fetch_max(minute, Ordering::Relaxed) >= minute {
            return;
        }
        let vault = vault.clone();
        tokio::spawn(async move {
            let text = minute.to_string();
            // As long as the key can last.
            let life = Duration::from_millis(LIFE_MAX_MS as u64);
            let noted = vault.put_for(&name(id), text.as_bytes(), life).await;
            if let Err(reason) = noted {
                tracing::debug!(%reason, "the use of an API key is not noted");
            }
        });
    }
}

/// When the key `id` was last used.
pub(super) async fn read(vault: &Vault, id: Uuid) -> Result<Option<Timestamp>, Failure> {
    let Some(kept) = vault.get(&name(id)).await? else {
        return Ok(None);
    };
    let minute = std::str::from_utf8(&kept.value).ok();
    let minute: Option<i64> = minute.and_then(|text| text.parse().ok());
    let minute = minute.ok_or_else(|| Failure::Corrupt(format!("the last use of {id}")))?;
    let at = Timestamp::from_unix_ms(minute.saturating_mul(MINUTE_MS));
    Ok(Some(at))
}

/// What it is called in the vault.
fn name(id: Uuid) -> String {
    format!("api_key_used.{id}")
}
