//! Sign-ins: refresh tokens in families, one family for each sign-in (RFC 9700 §4.14).
//!
//! Invariant: of a family only the latest refresh token works, once. An older one that turns up
//! again was stolen or is held by a thief's victim; either way the family ends. Tabs of one browser
//! share a cookie and may exchange it at the same moment, and an answer may be lost on its way: for
//! 10 s the token just exchanged gives the same successor once more, never a second one.

use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{TenantId, Timestamp, UserId, user::Role, user::User};
use event_log::VaultError;
use secrecy::SecretString;
use uuid::Uuid;

use super::{
    Authentication, Credential, Identity, Means, Principal, Tokens,
    family::{Family, SESSION_MS, SessionId, Standing},
    revocations::Rights,
    tokens::ACCESS_S,
    watch,
};
use crate::{Current, Failure};

/// The length of a refresh token's secret, and of the proof that it was given out here.
const HALF: usize = 16;
/// The length of what names the sign-in: tenant, user and session.
const NAME: usize = 48;
/// What is kept of the name by which a client calls itself, in characters.
const CLIENT_MAX: usize = 200;

/// What a refresh token is exchanged for.
pub struct Refreshed {
    /// Whom the new access token speaks for.
    pub principal: Principal,
    /// The next pair.
    pub tokens: Tokens,
    /// The user as the log has them.
    pub user: Current<User>,
}

/// Whom a refresh token was given to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Whose {
    /// The sign-in.
    pub session: Uuid,
    /// The user's tenant.
    pub tenant: TenantId,
    /// The user.
    pub user: UserId,
}

impl Identity {
    /// Whom `refresh_token` was given to, also if it works no more; none if it was not given out
    /// here.
    pub fn whose(&self, refresh_token: &str) -> Option<Whose> {
        let (id, _) = self.parse(refresh_token)?;
        Some(Whose {
            session: id.session,
            tenant: id.tenant,
            user: id.user,
        })
    }

    /// Begins a sign-in of `user`.
    pub async fn start_session(
        &self,
        tenant: TenantId,
        user: UserId,
        role: Role,
    ) -> Result<Tokens, Failure> {
        self.start_session_of(tenant, user, role, None).await
    }

    /// Begins a sign-in of `user` by a client that calls itself `client`.
    pub async fn start_session_of(
        &self,
        tenant: TenantId,
        user: UserId,
        role: Role,
        client: Option<&str>,
    ) -> Result<Tokens, Failure> {
        self.start_session_by(tenant, user, role, client, Means::Password)
            .await
    }

    /// The same of a user who has just shown who they are in another way than by a password.
    pub async fn start_session_by(
        &self,
        tenant: TenantId,
        user: UserId,
        role: Role,
        client: Option<&str>,
        by: Means,
    ) -> Result<Tokens, Failure> {
        let id = SessionId {
            tenant,
            user,
            session: self.commands.ids.next(),
        };
        // By a clock that is behind another's, it must still begin after what has ended.
        let ended = self.cutoff(tenant, user).await?;
        let ended = ended.map(|cutoff| cutoff.at.plus_ms(1));
        let now = self.commands.clock.now();
        let began = ended.map_or(now, |ended| ended.max(now));
        let family = Family::new(secret(), client.map(shortened), began);
        let family = family.authenticated_again(Authentication { at: now, by });
        self.vault
            .create_for(&id.name(), &encode(&family), life(&family, now))
            .await?;
        // Of those who may not, nothing need be read.
        let platform = tenant == TenantId::MAIN
            && role == Role::Admin
            && watch::rights(&self.commands, tenant, user).await?.platform;
        let rights = Rights {
            platform,
            role: Some(role),
        };
        self.tokens(id, &family, rights).map(|(_, tokens)| tokens)
    }

    /// Exchanges a refresh token for the next pair; none if it is not valid. One that this
    /// installation never gave out ends nothing. `client` is what who presents it calls itself.
    pub async fn refresh(
        &self,
        refresh_token: &str,
        client: Option<&str>,
    ) -> Result<Option<Refreshed>, Failure> {
        let Some((id, presented)) = self.parse(refresh_token) else {
            return Ok(None);
        };
        let client = client.map(shortened);
        let longest_ms = self.session_ms(id.tenant).await?;
        // A second round sees what a parallel exchange of the same token did.
        for _ in 0..2 {
            let Some(kept) = self.vault.get(&id.name()).await? else {
                return Ok(None);
            };
            let family = decode(&kept.value)?;
            let now = self.commands.clock.now();
            let user = self.commands.state::<User>(id.tenant, id.user.uuid());
            let open = self.is_open(id.tenant).await?;
            let user = user.await?.filter(|user| open && !user.state.disabled);
            let ended = self.cutoff(id.tenant, id.user).await?;
            let goes_on = ended.is_none_or(|cutoff| !cutoff.ends(id.session, family.began));
            let Some(user) = user.filter(|_| goes_on) else {
                self.revoke(id).await?;
                return Ok(None);
            };
            let next = match family.standing(&presented, client.as_deref(), now, longest_ms) {
                Standing::Current => family.rotated(secret(), client.clone(), now),
                Standing::JustExchanged => return self.refreshed(id, &family, user).map(Some),
                Standing::Lapsed => {
                    self.vault.delete(&id.name()).await?;
                    return Ok(None);
                }
                Standing::Reused => {
                    self.revoke_reused(id).await?;
                    return Ok(None);
                }
            };
            match self.replace_session(id, &next, kept.revision).await {
                Ok(()) => return self.refreshed(id, &next, user).map(Some),
                Err(VaultError::Conflict) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Ok(None)
    }

    /// Ends the sign-in that a refresh token belongs to, and with it its access tokens.
    pub async fn end_session(&self, refresh_token: &str) -> Result<(), Failure> {
        match self.parse(refresh_token) {
            Some((id, _)) => self.revoke(id).await,
            None => Ok(()),
        }
    }

    /// Somebody holds a token that was used up: the thief or their victim, and nobody knows which.
    async fn revoke_reused(&self, id: SessionId) -> Result<(), Failure> {
        tracing::warn!(
            security_event = "refresh_token_reused",
            tenant = %id.tenant,
            user = %id.user,
            session = %id.session,
            "a refresh token was used again: its sign-in is ended"
        );
        self.revoke(id).await
    }

    fn refreshed(
        &self,
        id: SessionId,
        family: &Family,
        user: Current<User>,
    ) -> Result<Refreshed, Failure> {
        let rights = Rights::of(id.tenant, &user.state);
        let (principal, tokens) = self.tokens(id, family, rights)?;
        Ok(Refreshed {
            principal,
            tokens,
            user,
        })
    }

    /// Replaces the sign-in that was kept at `revision`.
    pub(super) async fn replace_session(
        &self,
        id: SessionId,
        family: &Family,
        revision: u64,
    ) -> Result<(), VaultError> {
        let life = life(family, self.commands.clock.now());
        let (name, bytes) = (id.name(), encode(family));
        self.vault.replace_for(&name, &bytes, revision, life).await
    }

    pub(super) fn tokens(
        &self,
        id: SessionId,
        family: &Family,
        rights: Rights,
    ) -> Result<(Principal, Tokens), Failure> {
        let now = self.commands.clock.now();
        let principal = Principal {
            acting: false,
            authenticated: family.authenticated(),
            began: family.began,
            credential: Credential::Session,
            expires_at: now.plus_ms(ACCESS_S * 1_000),
            platform: rights.platform,
            role: rights.role.unwrap_or(Role::Viewer),
            session: id.session,
            tenant: id.tenant,
            user: id.user,
        };
        let signer = &self.watched.signer;
        let access = signer.sign(&principal, self.commands.ids.next(), now)?;
        let tokens = Tokens {
            access,
            expires_in_s: ACCESS_S as u64,
            refresh: self.refresh_token(id, &family.current)?,
        };
        Ok((principal, tokens))
    }

    /// Whose sign-in, its secret, and a proof that both belong together.
    fn refresh_token(&self, id: SessionId, secret: &str) -> Result<SecretString, Failure> {
        let secret = URL_SAFE_NO_PAD.decode(secret);
        let secret = secret.map_err(|_| Failure::Corrupt(format!("session {}", id.session)))?;
        let ids = [id.tenant.uuid(), id.user.uuid(), id.session];
        let mut bytes = ids.map(Uuid::into_bytes).concat();
        bytes.extend(secret);
        bytes.extend(self.proof(&bytes));
        Ok(URL_SAFE_NO_PAD.encode(bytes).into())
    }

    fn proof(&self, bytes: &[u8]) -> [u8; HALF] {
        let text = [b"refresh/", bytes].concat();
        let mut proof = [0; HALF];
        proof.copy_from_slice(&self.vault.keyed_digest(&text)[..HALF]);
        proof
    }

    /// Session and secret of a refresh token that was given out here, however long ago.
    fn parse(&self, token: &str) -> Option<(SessionId, String)> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (proven, proof) = bytes.split_at_checked(NAME + HALF)?;
        verify_slices_are_equal(proof, &self.proof(proven)).ok()?;
        let (name, secret) = proven.split_at(NAME);
        let mut ids = name.chunks_exact(16).map(Uuid::from_slice);
        let mut id = || ids.next()?.ok();
        let id = SessionId {
            tenant: TenantId::new(id()?),
            user: UserId::new(id()?),
            session: id()?,
        };
        Some((id, URL_SAFE_NO_PAD.encode(secret)))
    }
}

/// 128 bits that nobody can guess.
fn secret() -> String {
    URL_SAFE_NO_PAD.encode(runtime::random::bytes::<HALF>())
}

fn shortened(client: &str) -> String {
    client.chars().take(CLIENT_MAX).collect()
}

/// How long the vault keeps it: until it lapses, and a minute more, since clocks differ.
fn life(family: &Family, now: Timestamp) -> Duration {
    let left_ms = family.ends_at(SESSION_MS).since_ms(now) + 60_000;
    Duration::from_millis(u64::try_from(left_ms).unwrap_or_default())
}

fn encode(family: &Family) -> Vec<u8> {
    serde_json::to_vec(family).expect("a family always encodes")
}

pub(super) fn decode(bytes: &[u8]) -> Result<Family, Failure> {
    serde_json::from_slice(bytes).map_err(|reason| Failure::Corrupt(format!("a sign-in: {reason}")))
}
