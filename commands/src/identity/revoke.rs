//! Ending sign-ins before their time, and showing which there are.
//!
//! Invariant: what has ended is refused at once by this process, within a second by every other,
//! and gives no new token from the moment on when this says that it has ended.

use std::time::Duration;

use domain::{TenantId, Timestamp, UserId};
use uuid::Uuid;

use super::{
    Identity, Principal,
    family::{SESSION_MS, SessionId},
    revocations::{Cutoff, KEPT, Notice},
    sessions, watch,
};
use crate::Failure;

/// How many sign-ins are shown at most, those used longest ago first to be left out.
const SHOWN_MAX: usize = 200;

/// A sign-in that has not ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignIn {
    /// When it began.
    pub began: Timestamp,
    /// What its client calls itself.
    pub client: Option<String>,
    /// Which it is.
    pub id: Uuid,
    /// When its refresh token was last exchanged.
    pub last_used: Timestamp,
}

impl Identity {
    /// The sign-ins of `user` that have not ended, the one used last first.
    pub async fn sign_ins(&self, tenant: TenantId, user: UserId) -> Result<Vec<SignIn>, Failure> {
        let cutoff = self.cutoff(tenant, user).await?;
        let now = self.commands.clock.now();
        let longest_ms = self.session_ms(tenant).await?;
        let (pattern, mut after) = (SessionId::all_of(tenant, user), 0);
        let mut found = Vec::new();
        while let Some(change) = self.vault.next(&pattern, after).await? {
            after = change.revision;
            let id = SessionId::of_name(tenant, user, &change.name);
            let Some((id, value)) = id.zip(change.value) else {
                continue;
            };
            let family = sessions::decode(&value)?;
            let ended = cutoff.is_some_and(|cutoff| cutoff.ends(id.session, family.began));
            if !ended && now < family.ends_at(longest_ms) {
                found.push(SignIn {
                    began: family.began,
                    client: family.client,
                    id: id.session,
                    last_used: family.rotated_at,
                });
            }
        }
        found.reverse();
        found.truncate(SHOWN_MAX);
        Ok(found)
    }

    /// Ends one sign-in of `user`; says whether there was such a one.
    pub async fn end_sign_in(
        &self,
        tenant: TenantId,
        user: UserId,
        session: Uuid,
    ) -> Result<bool, Failure> {
        let id = SessionId {
            tenant,
            user,
            session,
        };
        if self.vault.get(&id.name()).await?.is_none() {
            return Ok(false);
        }
        self.revoke(id).await?;
        Ok(true)
    }

    /// Ends the sign-ins of `user`, all or all but one: after they were disabled or erased, or
    /// their password was changed. May be repeated; must be, if it fails.
    pub async fn end_sessions(
        &self,
        tenant: TenantId,
        user: UserId,
        except: Option<Uuid>,
    ) -> Result<(), Failure> {
        let at = self.commands.clock.now();
        let cutoff = Cutoff { at, except };
        let value = serde_json::to_vec(&cutoff).expect("a cutoff always encodes");
        // From here on no refresh token of them works; what follows ends access tokens and tidies.
        let whole_life = Duration::from_millis(SESSION_MS as u64) + KEPT;
        let name = cutoff_name(tenant, user);
        self.vault.put_for(&name, &value, whole_life).await?;
        let known = &self.watched.revocations;
        known.end_sessions(tenant, user, cutoff);
        known.tell();
        let notice = Notice::Sessions(tenant, user).name();
        self.vault.put_for(&notice, &value, KEPT).await?;
        let (pattern, mut after) = (SessionId::all_of(tenant, user), 0);
        while let Some(change) = self.vault.next(&pattern, after).await? {
            after = change.revision;
            let id = SessionId::of_name(tenant, user, &change.name);
            let other = id.is_some_and(|id| Some(id.session) != except);
            let began = change.value.as_deref().map(sessions::decode).transpose()?;
            if other && began.is_some_and(|family| family.began <= at) {
                self.vault.delete(&change.name).await?;
            }
        }
        Ok(())
    }

    /// Lets what `user` may do by the log hold for the tokens that they have: after their role was
    /// changed, or they were enabled. May be repeated; must be, if it fails.
    pub async fn rights_changed(&self, tenant: TenantId, user: UserId) -> Result<(), Failure> {
        let rights = watch::rights(&self.commands, tenant, user).await?;
        let known = &self.watched.revocations;
        known.set_rights(tenant, user, rights);
        known.tell();
        let notice = Notice::Rights(tenant, user).name();
        Ok(self.vault.put_for(&notice, b"changed", KEPT).await?)
    }

    /// Waits until `principal` is no longer who their token says, or nobody can know any more. That
    /// the token expires is not waited for.
    pub async fn ended(&self, principal: &Principal) {
        let known = &self.watched.revocations;
        let mut changes = known.changes();
        while known.admit(principal.clone()).as_ref() == Some(principal) {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Until when sign-ins of `user` have ended.
    pub(super) async fn cutoff(
        &self,
        tenant: TenantId,
        user: UserId,
    ) -> Result<Option<Cutoff>, Failure> {
        let kept = self.vault.get(&cutoff_name(tenant, user)).await?;
        let cutoff = kept.map(|kept| serde_json::from_slice(&kept.value));
        let cutoff = cutoff.transpose();
        cutoff.map_err(|reason| Failure::Corrupt(format!("the cutoff of {user}: {reason}")))
    }

    /// Ends one sign-in: first what gives new tokens, then the tokens there are.
    pub(super) async fn revoke(&self, id: SessionId) -> Result<(), Failure> {
        self.end(id.session, &id.name()).await
    }

    /// Ends a sign-in or an API key, which the vault knows as `name`.
    pub(super) async fn end(&self, id: Uuid, name: &str) -> Result<(), Failure> {
        self.vault.delete(name).await?;
        let known = &self.watched.revocations;
        known.end_session(id);
        known.tell();
        let notice = Notice::Session(id).name();
        Ok(self.vault.put_for(&notice, b"ended", KEPT).await?)
    }
}

fn cutoff_name(tenant: TenantId, user: UserId) -> String {
    format!("{tenant}.user.{user}.cutoff")
}
