//! A second factor as the vault keeps it: a secret, the codes that were used, those that are left.
//!
//! Invariant: whatever a check uses up is replaced at the revision that was checked, so a code is
//! accepted once, whichever processes it is shown to at the same moment. Wrong codes cost pauses
//! that hold everywhere; recovery codes, which nobody can guess, are never kept waiting.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{TenantId, Timestamp, UserId};
use event_log::VaultError;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Identity, totp};
use crate::{Failure, fingerprint};

/// How many recovery codes there are at first.
const CODES: usize = 10;
/// The length of a recovery code in bytes: 80 bits, 16 letters.
const CODE: usize = 10;
/// Wrong codes in a row that cost no pause.
const FREE: u32 = 10;
/// The first pause; each further wrong code doubles it.
const PAUSE_MS: i64 = 1_000;
/// The longest pause.
const PAUSE_MAX_MS: i64 = 300_000;
/// How often a factor is looked at anew after others were faster.
const TRIES: usize = 10;

/// What is shown besides a password.
#[derive(Clone, Debug)]
pub enum SecondFactor {
    /// A code of an authenticator.
    Code(SecretString),
    /// One of the codes for those who have lost theirs.
    RecoveryCode(SecretString),
}

/// What became of what was shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Checked {
    /// Too many were wrong: nothing was looked at.
    Paused {
        seconds: i64,
    },
    Right,
    Wrong,
}

/// A second factor.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(super) struct Factor {
    /// Digests of the recovery codes that are left.
    recovery: Vec<String>,
    /// In base64url.
    secret: String,
    /// The last step that was accepted.
    step: i64,
    /// Wrong codes since the last right one.
    wrong: u32,
    /// When the last of them came.
    wrong_at: Timestamp,
}

/// A second factor that is looked for by its digest, or by itself.
enum Presented<'a> {
    Code(&'a str),
    Recovery(String),
}

impl Factor {
    /// A factor whose first code was of `step`.
    pub(super) fn new(secret: &[u8], step: i64, recovery: Vec<String>) -> Self {
        Self {
            recovery,
            secret: URL_SAFE_NO_PAD.encode(secret),
            step,
            wrong: 0,
            wrong_at: Timestamp::default(),
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a factor always encodes")
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Failure> {
        // The reason could repeat what it cannot read.
        serde_json::from_slice(bytes).map_err(|_| Failure::Corrupt("a second factor".into()))
    }

    pub(super) fn codes_left(&self) -> usize {
        self.recovery.len()
    }

    /// What becomes of `shown`, and of the factor by it.
    fn check(&self, shown: &Presented<'_>, now: Timestamp) -> Result<(Option<Self>, Checked)> {
        let mut next = self.clone();
        match shown {
            Presented::Code(code) => {
                let left_ms = pause_ms(self.wrong) - now.since_ms(self.wrong_at);
                if left_ms > 0 {
                    let seconds = (left_ms + 999) / 1_000;
                    return Ok((None, Checked::Paused { seconds }));
                }
                let secret = URL_SAFE_NO_PAD.decode(&self.secret);
                let secret = secret.map_err(|_| Failure::Corrupt("a second factor".into()))?;
                let Some(step) = totp::step_of(&secret, code, now, Some(self.step)) else {
                    next.wrong = self.wrong.saturating_add(1);
                    next.wrong_at = now;
                    return Ok((Some(next), Checked::Wrong));
                };
                (next.step, next.wrong) = (step, 0);
            }
            Presented::Recovery(digest) => {
                let is_it = |kept: &String| {
                    verify_slices_are_equal(kept.as_bytes(), digest.as_bytes()).is_ok()
                };
                next.recovery.retain(|kept| !is_it(kept));
                if next.recovery.len() == self.recovery.len() {
                    return Ok((None, Checked::Wrong));
                }
                next.wrong = 0;
            }
        }
        Ok((Some(next), Checked::Right))
    }
}

type Result<T, E = Failure> = std::result::Result<T, E>;

impl Identity {
    /// Whether `shown` is the second factor `credential` of `user`; it is used up by that.
    pub(super) async fn check_factor(
        &self,
        tenant: TenantId,
        user: UserId,
        credential: Uuid,
        shown: &SecondFactor,
    ) -> Result<Checked> {
        let presented = match shown {
            SecondFactor::Code(code) => Presented::Code(code.expose_secret()),
            SecondFactor::RecoveryCode(code) => {
                Presented::Recovery(self.recovery_digest(credential, code))
            }
        };
        let name = name(tenant, user, credential);
        for _ in 0..TRIES {
            let Some(kept) = self.vault.get(&name).await? else {
                return Ok(Checked::Wrong);
            };
            let factor = Factor::decode(&kept.value)?;
            let (next, checked) = factor.check(&presented, self.commands.clock.now())?;
            let Some(next) = next else {
                return Ok(checked);
            };
            let next = next.encode();
            match self.vault.replace(&name, &next, kept.revision).await {
                Ok(()) => return Ok(checked),
                Err(VaultError::Conflict) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(Failure::Busy("too many codes at once"))
    }

    /// New recovery codes for `credential`, and the digests to keep of them.
    pub(super) fn make_codes(&self, credential: Uuid) -> (Vec<SecretString>, Vec<String>) {
        let codes = (0..CODES).map(|_| {
            let letters = totp::base32(&runtime::random::bytes::<CODE>()).to_lowercase();
            let groups = [0, 4, 8, 12].map(|at| &letters[at..at + 4]);
            SecretString::from(groups.join("-"))
        });
        let codes: Vec<_> = codes.collect();
        let digests = codes.iter();
        let digests = digests.map(|code| self.recovery_digest(credential, code));
        let digests = digests.collect();
        (codes, digests)
    }

    /// Puts other recovery codes in the place of those that are left; none without the factor.
    pub(super) async fn replace_codes(
        &self,
        tenant: TenantId,
        user: UserId,
        credential: Uuid,
    ) -> Result<Option<Vec<SecretString>>> {
        let name = name(tenant, user, credential);
        let (codes, recovery) = self.make_codes(credential);
        for _ in 0..TRIES {
            let Some(kept) = self.vault.get(&name).await? else {
                return Ok(None);
            };
            let mut factor = Factor::decode(&kept.value)?;
            factor.recovery.clone_from(&recovery);
            let next = factor.encode();
            match self.vault.replace(&name, &next, kept.revision).await {
                Ok(()) => return Ok(Some(codes)),
                Err(VaultError::Conflict) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(Failure::Busy("too many codes at once"))
    }

    /// What is kept of a recovery code, however it is typed.
    fn recovery_digest(&self, credential: Uuid, code: &SecretString) -> String {
        let letters = code.expose_secret().chars();
        let letters = letters.filter(char::is_ascii_alphanumeric);
        let letters = letters.collect::<String>().to_ascii_lowercase();
        let text = format!("recovery/{credential}/{letters}");
        let digest = self.vault.keyed_digest(text.as_bytes());
        fingerprint(&[&digest]).to_string()
    }
}

/// What the factor `credential` of a user is called in the vault.
pub(super) fn name(tenant: TenantId, user: UserId, credential: Uuid) -> String {
    format!("{tenant}.user.{user}.totp.{credential}")
}

fn pause_ms(wrong: u32) -> i64 {
    match wrong.checked_sub(FREE) {
        None => 0,
        Some(beyond) => (PAUSE_MS << beyond.min(16)).min(PAUSE_MAX_MS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_ms(1_800_000_000_000);

    fn factor() -> Factor {
        Factor::new(b"12345678901234567890", 0, vec!["a".into(), "b".into()])
    }

    fn wrong(factor: &Factor, now: Timestamp) -> (Option<Factor>, Checked) {
        factor.check(&Presented::Code("x"), now).expect("checked")
    }

    #[test]
    fn wrong_codes_cost_pauses_up_to_a_bound() {
        let (mut factor, mut now, mut pauses) = (factor(), NOW, Vec::new());
        while pauses.len() < 12 {
            match wrong(&factor, now) {
                (Some(next), Checked::Wrong) => factor = next,
                (None, Checked::Paused { seconds }) => {
                    assert_eq!(wrong(&factor, now.plus_ms(seconds * 1_000 - 1)).0, None);
                    now = now.plus_ms(seconds * 1_000);
                    pauses.push(seconds);
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        assert_eq!(factor.wrong, FREE + 11);
    }

    #[test]
    fn a_recovery_code_works_once_and_needs_no_pause() {
        let mut factor = factor();
        (factor.wrong, factor.wrong_at) = (FREE + 5, NOW);
        let check = |factor: &Factor, digest: &str| {
            let shown = Presented::Recovery(digest.to_owned());
            factor.check(&shown, NOW).expect("checked")
        };
        let (next, checked) = check(&factor, "a");
        assert_eq!(checked, Checked::Right);
        let next = next.expect("used up");
        assert_eq!((next.codes_left(), next.wrong), (1, 0));
        assert_eq!(check(&next, "a"), (None, Checked::Wrong));
        assert_eq!(check(&next, "b").1, Checked::Right);
    }
}
