//! Sign-ins: refresh tokens in families, one family for each sign-in (RFC 9700 §4.14).
//!
//! Invariant: of a family only the latest refresh token works, once. An older one that turns up
//! again was stolen or is held by a thief's victim; either way the family ends. Tabs of one browser
//! share a cookie and may exchange it at the same moment: for 10 s the token just exchanged gives
//! the same successor once more, never a second one.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{TenantId, Timestamp, UserId, user::Role, user::User};
use event_log::VaultError;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Identity, Principal, Tokens, tokens::ACCESS_S};
use crate::{Failure, fingerprint};

/// How long a sign-in lasts at most: 30 days.
const SESSION_MS: i64 = 30 * 24 * 3_600_000;
/// How long it lasts unused: 7 days.
const IDLE_MS: i64 = 7 * 24 * 3_600_000;

/// How long a token that was just exchanged gives the same successor again.
const GRACE_MS: i64 = 10_000;

/// The length of each half of a refresh token's secret.
const HALF: usize = 16;

/// A sign-in, as the vault keeps it.
#[derive(Deserialize, Serialize)]
struct Family {
    /// The secret part of the only token that works.
    current: String,
    ends_at: Timestamp,
    idle_until: Timestamp,
    /// Digest of the token exchanged for the current one.
    previous: Option<String>,
    rotated_at: Timestamp,
    tenant: TenantId,
    user: UserId,
}

/// What a presented token is to its family.
enum Standing {
    Current,
    JustExchanged,
    Over,
}

impl Identity {
    /// Begins a sign-in of `user`.
    pub async fn start_session(
        &self,
        tenant: TenantId,
        user: UserId,
        role: Role,
    ) -> Result<Tokens, Failure> {
        let session = self.commands.ids.next();
        let now = self.commands.clock.now();
        let family = Family {
            current: self.secret(session),
            ends_at: now.plus_ms(SESSION_MS),
            idle_until: now.plus_ms(IDLE_MS),
            previous: None,
            rotated_at: now,
            tenant,
            user,
        };
        self.vault.create(&name(session), &encode(&family)).await?;
        self.tokens(session, &family, role)
            .map(|(_, tokens)| tokens)
    }

    /// Exchanges a refresh token for the next pair; none if it is not valid. One that this
    /// installation never gave out ends nothing.
    pub async fn refresh(
        &self,
        refresh_token: &str,
    ) -> Result<Option<(Principal, Tokens)>, Failure> {
        let Some((session, presented)) = self.parse(refresh_token) else {
            return Ok(None);
        };
        // A second round sees what a parallel exchange of the same token did.
        for _ in 0..2 {
            let Some(kept) = self.vault.get(&name(session)).await? else {
                return Ok(None);
            };
            let family: Family = serde_json::from_slice(&kept.value)
                .map_err(|reason| Failure::Corrupt(format!("session {session}: {reason}")))?;
            let now = self.commands.clock.now();
            let user = self
                .commands
                .state::<User>(family.tenant, family.user.uuid())
                .await?;
            let standing = family.standing(presented, now);
            let Some(user) = user.filter(|user| !user.state.disabled && standing.is_valid()) else {
                self.vault.delete(&name(session)).await?;
                return Ok(None);
            };
            let role = user.state.role;
            if matches!(standing, Standing::JustExchanged) {
                return self.tokens(session, &family, role).map(Some);
            }
            let next = Family {
                current: self.secret(session),
                idle_until: now.plus_ms(IDLE_MS),
                previous: Some(digest(&family.current)),
                rotated_at: now,
                ..family
            };
            match self
                .vault
                .replace(&name(session), &encode(&next), kept.revision)
                .await
            {
                Ok(()) => return self.tokens(session, &next, role).map(Some),
                Err(VaultError::Conflict) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Ok(None)
    }

    /// Ends the sign-in that a refresh token belongs to.
    pub async fn end_session(&self, refresh_token: &str) -> Result<(), Failure> {
        match self.parse(refresh_token) {
            Some((session, _)) => Ok(self.vault.delete(&name(session)).await?),
            None => Ok(()),
        }
    }

    /// 128 bits that nobody can guess, and a proof that they were given to this session.
    fn secret(&self, session: Uuid) -> String {
        let random = runtime::random::bytes::<HALF>();
        URL_SAFE_NO_PAD.encode([random, self.proof(session, &random)].concat())
    }

    fn proof(&self, session: Uuid, random: &[u8]) -> [u8; HALF] {
        let text = [b"refresh/", session.as_bytes().as_slice(), random].concat();
        let mut proof = [0; HALF];
        proof.copy_from_slice(&self.vault.keyed_digest(&text)[..HALF]);
        proof
    }

    /// Session and secret of a refresh token that was given out here, however long ago.
    fn parse<'a>(&self, token: &'a str) -> Option<(Uuid, &'a str)> {
        let (session, secret) = token.split_once('.')?;
        let session = session.parse().ok()?;
        let bytes = URL_SAFE_NO_PAD.decode(secret).ok()?;
        let (random, proof) = bytes.split_at_checked(HALF)?;
        verify_slices_are_equal(proof, &self.proof(session, random)).ok()?;
        Some((session, secret))
    }

    fn tokens(
        &self,
        session: Uuid,
        family: &Family,
        role: Role,
    ) -> Result<(Principal, Tokens), Failure> {
        let now = self.commands.clock.now();
        let principal = Principal {
            expires_at: now.plus_ms(ACCESS_S * 1_000),
            role,
            session,
            tenant: family.tenant,
            user: family.user,
        };
        let access = self
            .signer
            .sign(&principal, self.commands.ids.next(), now)?;
        let refresh = SecretString::from(format!("{}.{}", session.simple(), family.current));
        Ok((
            principal,
            Tokens {
                access,
                expires_in_s: ACCESS_S as u64,
                refresh,
            },
        ))
    }
}

impl Family {
    fn standing(&self, presented: &str, now: Timestamp) -> Standing {
        let digest_of_presented = digest(presented);
        if now >= self.ends_at || now >= self.idle_until {
            Standing::Over
        } else if digest_of_presented == digest(&self.current) {
            Standing::Current
        } else if self.previous.as_ref() == Some(&digest_of_presented)
            && now.since_ms(self.rotated_at) <= GRACE_MS
        {
            Standing::JustExchanged
        } else {
            Standing::Over
        }
    }
}

impl Standing {
    const fn is_valid(&self) -> bool {
        !matches!(self, Self::Over)
    }
}

/// Secrets are compared by digest, so that the time it takes tells nothing.
fn digest(secret: &str) -> String {
    fingerprint(&[secret.as_bytes()]).to_string()
}

fn encode(family: &Family) -> Vec<u8> {
    serde_json::to_vec(family).expect("a family always encodes")
}

fn name(session: Uuid) -> String {
    format!("session.{session}")
}
