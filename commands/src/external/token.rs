//! What proves that an attempt is somebody's to make.
//!
//! Invariant: it is bound to tenant, task and attempt, and nobody makes one who does not hold the
//! master key. Whether the attempt still is theirs, only the log knows.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{TaskId, TenantId};
use serde::{Deserialize, Serialize};

use crate::Identity;

const MAC_LEN: usize = 16;

/// What a token says.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Lease {
    /// Which attempt, from 1.
    pub attempt: u32,
    /// What is done.
    pub kind: String,
    /// What its worker calls itself.
    pub name: String,
    /// At which task.
    pub task: TaskId,
    /// Whose.
    pub tenant: TenantId,
    /// What its worker is called in the log.
    pub worker: String,
}

impl Lease {
    /// The token that says this.
    pub fn token(&self, identity: &Identity) -> String {
        let said = serde_json::to_vec(self).expect("leases always encode");
        let sealed = [mac(identity, &said).as_slice(), &said].concat();
        URL_SAFE_NO_PAD.encode(sealed)
    }

    /// What `token` says, if it was made here and for `tenant`.
    pub fn read(identity: &Identity, tenant: TenantId, token: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (sent, said) = bytes.split_first_chunk::<MAC_LEN>()?;
        let expected = mac(identity, said);
        // Compared whole, so that no answer tells how much of it was right.
        let differs = sent
            .iter()
            .zip(expected)
            .fold(0, |all, (a, b)| all | (a ^ b));
        let lease: Self = serde_json::from_slice(said).ok().filter(|_| differs == 0)?;
        (lease.tenant == tenant).then_some(lease)
    }
}

fn mac(identity: &Identity, said: &[u8]) -> [u8; MAC_LEN] {
    let digest = identity.keyed_digest(&[b"lease/", said].concat());
    let mut mac = [0; MAC_LEN];
    mac.copy_from_slice(&digest[..MAC_LEN]);
    mac
}
