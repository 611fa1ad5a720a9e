//! Sign-ins: refresh tokens in families, one family for each sign-in (RFC 9700 §4.14).
//!
//! Invariant: of a family only the latest refresh token works, once. An older one that turns up again
//! was stolen or is held by a thief's victim; either way the family ends.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{TenantId, Timestamp, UserId, user::Role, user::User};
use event_log::VaultError;
use schemas::Hash;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Identity, Principal, Tokens, tokens::ACCESS_S};
use crate::{Failure, fingerprint};

/// How long a sign-in lasts at most: 30 days.
const SESSION_MS: i64 = 30 * 24 * 3_600_000;
/// How long it lasts unused: 7 days.
const IDLE_MS: i64 = 7 * 24 * 3_600_000;

/// A sign-in, as the vault keeps it.
#[derive(Deserialize, Serialize)]
struct Family {
    current: String,
    ends_at: Timestamp,
    idle_until: Timestamp,
    tenant: TenantId,
    user: UserId,
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
        let (refresh, digest) = refresh_token(session);
        let ends_at = now.plus_ms(SESSION_MS);
        let idle_until = now.plus_ms(IDLE_MS);
        let family = Family {
            current: digest.to_string(),
            ends_at,
            idle_until,
            tenant,
            user,
        };
        self.vault.create(&name(session), &encode(&family)).await?;
        self.tokens(session, &family, role, refresh)
            .map(|(_, tokens)| tokens)
    }

    /// Exchanges a refresh token for the next pair; none if it is not valid.
    pub async fn refresh(
        &self,
        refresh_token: &str,
    ) -> Result<Option<(Principal, Tokens)>, Failure> {
        let Some((session, digest)) = parse(refresh_token) else {
            return Ok(None);
        };
        let Some(secret) = self.vault.get(&name(session)).await? else {
            return Ok(None);
        };
        let family: Family = serde_json::from_slice(&secret.value)
            .map_err(|reason| Failure::Corrupt(format!("session {session}: {reason}")))?;
        let now = self.commands.clock.now();
        let user = self
            .commands
            .state::<User>(family.tenant, family.user.uuid())
            .await?;
        let user = user.filter(|user| !user.state.disabled);
        let alive = now < family.ends_at && now < family.idle_until;
        let Some(user) = user.filter(|_| alive && digest.to_string() == family.current) else {
            self.vault.delete(&name(session)).await?;
            return Ok(None);
        };
        let (next, digest) = self::refresh_token(session);
        let family = Family {
            current: digest.to_string(),
            idle_until: now.plus_ms(IDLE_MS),
            ..family
        };
        match self
            .vault
            .replace(&name(session), &encode(&family), secret.revision)
            .await
        {
            Ok(()) => self
                .tokens(session, &family, user.state.role, next)
                .map(Some),
            // A parallel exchange of the same token was faster; this one gets nothing.
            Err(VaultError::Conflict) => Ok(None),
            Err(other) => Err(other.into()),
        }
    }

    /// Ends the sign-in that a refresh token belongs to.
    pub async fn end_session(&self, refresh_token: &str) -> Result<(), Failure> {
        match parse(refresh_token) {
            Some((session, _)) => Ok(self.vault.delete(&name(session)).await?),
            None => Ok(()),
        }
    }

    fn tokens(
        &self,
        session: Uuid,
        family: &Family,
        role: Role,
        refresh: SecretString,
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

/// A new token of `session`, and the digest to keep of it.
fn refresh_token(session: Uuid) -> (SecretString, Hash) {
    let secret = URL_SAFE_NO_PAD.encode(runtime::random::bytes::<32>());
    let digest = fingerprint(&[secret.as_bytes()]);
    (
        SecretString::from(format!("{}.{secret}", session.simple())),
        digest,
    )
}

fn parse(token: &str) -> Option<(Uuid, Hash)> {
    let (session, secret) = token.split_once('.')?;
    Some((session.parse().ok()?, fingerprint(&[secret.as_bytes()])))
}

fn encode(family: &Family) -> Vec<u8> {
    serde_json::to_vec(family).expect("a family always encodes")
}

fn name(session: Uuid) -> String {
    format!("session.{session}")
}
