//! Tokens for one purpose and one user: what lies between a password and its code, and what
//! invites.
//!
//! Invariant: a ticket for one purpose is nothing for another, and one that was not given out here
//! is told from one that was without asking anybody.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{TenantId, UserId};
use secrecy::SecretString;
use uuid::Uuid;

use super::Identity;
use crate::fingerprint;

/// The length of an id, of the secret, and of the proof.
const PART: usize = 16;

/// What a ticket is for.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    /// To show a second factor.
    Challenge,
    /// To become a user.
    Invitation,
}

/// A ticket.
pub(super) struct Ticket {
    pub(super) tenant: TenantId,
    pub(super) user: UserId,
    /// 128 bits that nobody can guess.
    secret: [u8; PART],
}

impl Purpose {
    const fn word(self) -> &'static str {
        match self {
            Self::Challenge => "challenge",
            Self::Invitation => "invitation",
        }
    }
}

impl Ticket {
    /// A new one for `user`.
    pub(super) fn make(tenant: TenantId, user: UserId) -> Self {
        Self {
            tenant,
            user,
            secret: runtime::random::bytes(),
        }
    }

    /// What is kept of it, from which it cannot be made again.
    pub(super) fn digest(&self) -> String {
        fingerprint(&[&self.secret]).to_string()
    }

    fn bytes(&self) -> Vec<u8> {
        let ids = [self.tenant.uuid(), self.user.uuid()].map(Uuid::into_bytes);
        [&ids[0], &ids[1], &self.secret]
            .map(|part| &part[..])
            .concat()
    }
}

impl Identity {
    /// The text of `ticket`, with a proof that it was given out here for this.
    pub(super) fn issue(&self, purpose: Purpose, ticket: &Ticket) -> SecretString {
        let mut bytes = ticket.bytes();
        bytes.extend(self.ticket_proof(purpose, &bytes));
        URL_SAFE_NO_PAD.encode(bytes).into()
    }

    /// The ticket that `text` is, if it was given out here for this.
    pub(super) fn ticket(&self, purpose: Purpose, text: &str) -> Option<Ticket> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (proven, proof) = bytes.split_at_checked(3 * PART)?;
        verify_slices_are_equal(proof, &self.ticket_proof(purpose, proven)).ok()?;
        let mut parts = proven.chunks_exact(PART);
        let mut id = || Uuid::from_slice(parts.next()?).ok();
        let (tenant, user) = (TenantId::new(id()?), UserId::new(id()?));
        let secret = parts.next()?.try_into().ok()?;
        Some(Ticket {
            tenant,
            user,
            secret,
        })
    }

    fn ticket_proof(&self, purpose: Purpose, bytes: &[u8]) -> [u8; PART] {
        let text = [purpose.word().as_bytes(), b"/", bytes].concat();
        let mut proof = [0; PART];
        proof.copy_from_slice(&self.vault.keyed_digest(&text)[..PART]);
        proof
    }
}
