//! What surrounds a command, and what comes back.
//!
//! Invariant: the id of a new aggregate is the id of the command that creates it, so a retry of the
//! same command meets its own first try on the same subject.

use aws_lc_rs::digest::{Context, SHA256};
use domain::{Actor, Aggregate, CommandId, TenantId, UserId};
use schemas::{Hash, Position, StreamId, Version};
use uuid::Uuid;

/// Who asks, of which aggregate, and on which terms.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Who asks.
    pub actor: Actor,
    /// What led to this command.
    pub causation: Option<Uuid>,
    /// The command's own identity; the same for every retry.
    pub command: CommandId,
    /// What belongs together across aggregates; the command itself if it begins something.
    pub correlation: Option<Uuid>,
    /// The version that the asker has seen; any if absent.
    pub expected: Option<Version>,
    /// Digest of the request, to tell a retry from a reuse of its idempotency key.
    pub fingerprint: Option<Hash>,
    /// The aggregate's id was made for this very command: nothing need be loaded to begin with.
    pub fresh: bool,
    /// The aggregate.
    pub id: Uuid,
    /// Its owner.
    pub tenant: TenantId,
}

/// What came of a command.
#[derive(Clone, Debug)]
pub struct Receipt<A> {
    /// Whether this call wrote events.
    pub changed: bool,
    /// Where the aggregate's last commit is, of which the state below tells.
    pub position: Position,
    /// Whether an earlier try of the same command had already succeeded; all else is as it was
    /// then.
    pub replayed: bool,
    /// The aggregate after the command.
    pub state: Option<A>,
    /// Its version after the command.
    pub version: Version,
}

impl Ask {
    /// A plain command without conditions.
    pub fn new(actor: Actor, tenant: TenantId, id: Uuid, command: CommandId) -> Self {
        Self {
            actor,
            causation: None,
            command,
            correlation: None,
            expected: None,
            fingerprint: None,
            fresh: false,
            id,
            tenant,
        }
    }

    /// The aggregate's place in the log.
    pub(crate) const fn stream<A: Aggregate>(&self) -> StreamId {
        StreamId {
            tenant: self.tenant,
            kind: A::KIND,
            id: self.id,
        }
    }
}

/// The command id that an idempotency key stands for, within its user and route.
pub fn command_id_of_key(tenant: TenantId, user: UserId, route: &str, key: &str) -> CommandId {
    let name = format!("{user}/{}:{route}/{key}", route.len());
    CommandId::new(Uuid::new_v5(&tenant.uuid(), name.as_bytes()))
}

/// SHA-256 over `parts`, each preceded by its length.
pub fn fingerprint(parts: &[&[u8]]) -> Hash {
    let mut digest = Context::new(&SHA256);
    for part in parts {
        digest.update(&(part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    let mut hash = Hash::ZERO;
    hash.0.copy_from_slice(digest.finish().as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stands_for_one_command_of_one_user_on_one_route() {
        let tenant = TenantId::new(Uuid::from_u128(1));
        let user = UserId::new(Uuid::from_u128(2));
        let id = command_id_of_key(tenant, user, "POST /tasks", "k");
        assert_eq!(id, command_id_of_key(tenant, user, "POST /tasks", "k"));
        assert_ne!(id, command_id_of_key(tenant, user, "POST /jobs", "k"));
        assert_ne!(
            id,
            command_id_of_key(tenant, UserId::new(Uuid::nil()), "POST /tasks", "k")
        );
        assert_ne!(
            id,
            command_id_of_key(TenantId::new(Uuid::nil()), user, "POST /tasks", "k")
        );
    }

    #[test]
    fn a_fingerprint_knows_where_parts_end() {
        assert_ne!(fingerprint(&[b"ab", b"c"]), fingerprint(&[b"a", b"bc"]));
    }
}
