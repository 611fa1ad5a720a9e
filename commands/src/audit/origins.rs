//! Where requests came from, sealed.
//!
//! What a person asked is sealed with the person's key, so that it is forgotten with them; what
//! nobody in particular asked, with a key of the tenant's month, which the vault forgets by itself
//! when the month's records have ended. An address is found by a digest under the month's key.
//!
//! Invariant: an address leaves this process sealed or as a digest only.

use std::{net::IpAddr, time::Duration};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{Actor, Sealed, TenantId, Timestamp, UserId};
use event_log::{Vault, VaultError};
use moka::sync::Cache;
use schemas::{AuditRecord, Origin, OriginKey, SealedOrigin};
use uuid::Uuid;

use super::Observed;
use crate::{Failure, Identity};

/// How many months' keys are remembered, of all tenants.
const REMEMBERED: u64 = 10_000;
/// For how long; a key that is taken out of the vault is gone everywhere after it.
const REMEMBERED_FOR: Duration = Duration::from_mins(1);
/// The longest month, and a day more since clocks differ.
const MONTH: Duration = Duration::from_hours(32 * 24);
/// The length of a digest in bytes: enough to tell all addresses apart.
const DIGEST: usize = 16;

/// Seals and opens.
pub(super) struct Origins {
    identity: Identity,
    keep: Duration,
    months: Cache<(TenantId, String), [u8; 32]>,
    vault: Vault,
}

impl Origins {
    pub(super) fn new(identity: Identity, vault: Vault, keep: Duration) -> Self {
        let months = Cache::builder()
            .max_capacity(REMEMBERED)
            .time_to_live(REMEMBERED_FOR)
            .build();
        Self {
            identity,
            keep,
            months,
            vault,
        }
    }

    /// What is kept of `observed`.
    pub(super) async fn seal(&self, observed: &Observed) -> Result<AuditRecord, Failure> {
        let entry = observed.entry.clone();
        let Some(origin) = &observed.origin else {
            return Ok(AuditRecord {
                entry,
                origin: None,
            });
        };
        let tenant = observed.tenant;
        let month = self.month(tenant, entry.at).await?;
        let text = serde_json::to_string(origin).expect("an origin always encodes");
        let by_person = match person(&entry.actor) {
            Some(user) => (self.identity.seal_personal(tenant, user, &text)).await?,
            None => None,
        };
        let (key, sealed) = match by_person {
            Some(sealed) => (OriginKey::Person, sealed),
            None => (OriginKey::Month, seal(&month, entry.id, &text)),
        };
        let digest = digest(&month, &origin.address);
        Ok(AuditRecord {
            entry,
            origin: Some(SealedOrigin {
                digest,
                key,
                sealed,
            }),
        })
    }

    /// Where the request of `record` came from; none if the key is gone.
    pub(super) async fn open(
        &self,
        tenant: TenantId,
        record: &AuditRecord,
    ) -> Result<Option<Origin>, Failure> {
        let Some(SealedOrigin { key, sealed, .. }) = &record.origin else {
            return Ok(None);
        };
        let text = match (key, person(&record.entry.actor)) {
            (OriginKey::Month, _) => {
                let kept = self.kept(tenant, &name_of(record.entry.at)).await?;
                kept.map(|key| open(&key, record.entry.id, sealed))
                    .transpose()?
            }
            (OriginKey::Person, Some(user)) => {
                self.identity.open_personal(tenant, user, sealed).await?
            }
            (OriginKey::Person, None) => None,
        };
        let corrupt = |reason| Failure::Corrupt(format!("a record's origin: {reason}"));
        let origin = text.map(|text| serde_json::from_str(&text).map_err(corrupt));
        origin.transpose()
    }

    /// The digests of `address`, one for each month that has a key.
    pub(super) async fn digests(
        &self,
        tenant: TenantId,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<Vec<String>, Failure> {
        let address = address.to_canonical().to_string();
        let mut digests = Vec::new();
        for month in months(now, self.keep) {
            let kept = self.kept(tenant, &month).await?;
            digests.extend(kept.map(|key| digest(&key, &address)));
        }
        Ok(digests)
    }

    /// The key of the month of `at`, made if there is none yet.
    async fn month(&self, tenant: TenantId, at: Timestamp) -> Result<[u8; 32], Failure> {
        let month = name_of(at);
        if let Some(key) = self.kept(tenant, &month).await? {
            return Ok(key);
        }
        let made = runtime::random::bytes::<32>();
        let life = self.keep + MONTH;
        let name = secret_name(tenant, &month);
        match self.vault.create_for(&name, &made, life).await {
            Ok(()) => {
                self.months.insert((tenant, month), made);
                Ok(made)
            }
            // Another process was first; its key is the one.
            Err(VaultError::Conflict) => {
                let kept = self.kept(tenant, &month).await?;
                kept.ok_or_else(|| Failure::Corrupt(format!("the key of {month} is gone")))
            }
            Err(other) => Err(other.into()),
        }
    }

    async fn kept(&self, tenant: TenantId, month: &str) -> Result<Option<[u8; 32]>, Failure> {
        let named = (tenant, month.to_owned());
        if let Some(key) = self.months.get(&named) {
            return Ok(Some(key));
        }
        let Some(secret) = self.vault.get(&secret_name(tenant, month)).await? else {
            return Ok(None);
        };
        let key = secret.value.try_into();
        let key = key.map_err(|_| Failure::Corrupt(format!("the key of {month}")))?;
        self.months.insert(named, key);
        Ok(Some(key))
    }
}

fn secret_name(tenant: TenantId, month: &str) -> String {
    format!("{tenant}.audit.{month}")
}

/// Such as `2026-11`.
fn name_of(at: Timestamp) -> String {
    at.to_string().chars().take(7).collect()
}

/// The months that something is kept of, the newest first.
fn months(now: Timestamp, keep: Duration) -> Vec<String> {
    const WEEK_MS: i64 = 7 * 24 * 3_600_000;
    let weeks = i64::try_from(keep.as_millis()).unwrap_or(i64::MAX) / WEEK_MS + 1;
    let mut months: Vec<_> = (0..=weeks)
        .map(|ago| name_of(now.plus_ms(-ago * WEEK_MS)))
        .collect();
    months.dedup();
    months
}

/// Whose key to take: who asked, if that is a person.
fn person(actor: &str) -> Option<UserId> {
    match actor.parse() {
        Ok(Actor::User(user)) => Some(user),
        _ => None,
    }
}

fn digest(month: &[u8; 32], address: &str) -> String {
    let key = derived(month, b"digest");
    let signed = hmac::sign(&key, address.as_bytes());
    URL_SAFE_NO_PAD.encode(&signed.as_ref()[..DIGEST])
}

fn seal(month: &[u8; 32], id: Uuid, text: &str) -> Sealed {
    let nonce: [u8; NONCE_LEN] = runtime::random::bytes();
    let mut sealed = text.as_bytes().to_vec();
    cipher(month)
        .seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(id.as_bytes()),
            &mut sealed,
        )
        .expect("origins are far below the cipher's limit");
    let bytes = [nonce.as_slice(), &sealed].concat();
    Sealed(URL_SAFE_NO_PAD.encode(bytes).into())
}

fn open(month: &[u8; 32], id: Uuid, sealed: &Sealed) -> Result<String, Failure> {
    let altered = || Failure::Corrupt(format!("the origin of record {id} does not open"));
    let bytes = URL_SAFE_NO_PAD.decode(sealed.0.as_bytes());
    let bytes = bytes.map_err(|_| altered())?;
    let (nonce, text) = bytes.split_at_checked(NONCE_LEN).ok_or_else(altered)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| altered())?;
    let mut text = text.to_vec();
    let opened = cipher(month)
        .open_in_place(nonce, Aad::from(id.as_bytes()), &mut text)
        .map_err(|_| altered())?;
    String::from_utf8(opened.to_vec()).map_err(|_| altered())
}

fn cipher(month: &[u8; 32]) -> LessSafeKey {
    let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, month), b"seal");
    let key = UnboundKey::new(&AES_256_GCM, derived.as_ref());
    LessSafeKey::new(key.expect("the key has 32 bytes"))
}

fn derived(month: &[u8; 32], purpose: &[u8]) -> hmac::Key {
    let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, month), purpose);
    hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: Uuid = Uuid::from_u128(7);

    #[test]
    fn an_origin_opens_with_its_month_and_in_its_record_only() {
        let sealed = seal(&[1; 32], ID, "192.0.2.1");
        assert_eq!(open(&[1; 32], ID, &sealed).as_deref(), Ok("192.0.2.1"));
        assert!(open(&[2; 32], ID, &sealed).is_err());
        assert!(open(&[1; 32], Uuid::from_u128(8), &sealed).is_err());
        assert!(open(&[1; 32], ID, &Sealed("AAAA".into())).is_err());
        assert_ne!(sealed, seal(&[1; 32], ID, "192.0.2.1"));
    }

    #[test]
    fn a_digest_is_of_one_month() {
        assert_eq!(digest(&[1; 32], "192.0.2.1"), digest(&[1; 32], "192.0.2.1"));
        assert_ne!(digest(&[1; 32], "192.0.2.1"), digest(&[2; 32], "192.0.2.1"));
        assert_ne!(digest(&[1; 32], "192.0.2.1"), digest(&[1; 32], "192.0.2.2"));
    }

    #[test]
    fn no_month_is_left_out() {
        let now: Timestamp = "2027-03-01T00:00:00Z".parse().expect("an instant");
        let day = Duration::from_hours(24);
        let found = months(now, 60 * day);
        assert_eq!(found, ["2027-03", "2027-02", "2027-01", "2026-12"]);
        assert_eq!(months(now, 400 * day).len(), 15);
    }
}
