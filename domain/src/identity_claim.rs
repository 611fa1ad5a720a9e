//! The claim that makes an identity at an issuer (OpenID Connect) one user's within a tenant.
//!
//! Its id is a keyed hash of issuer and subject, so the log shows neither of them, and two links
//! of one identity meet on one subject, where only one can come first.
//!
//! Invariant: at any position an identity has at most one holder.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Aggregate, AggregateKind, Context, Decision, Timestamp, UserId};

/// What can have happened to a claim.
#[derive(Clone, Debug, PartialEq)]
pub enum IdentityClaimEvent {
    /// `identity.claimed`
    Claimed(IdentityClaimed),
    /// `identity.released`
    Released(IdentityReleased),
}

/// A user took the identity.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct IdentityClaimed {
    /// Its holder.
    pub user_id: UserId,
}

/// Its holder gave it up.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct IdentityReleased {
    /// Who held it.
    pub user_id: UserId,
}

/// An identity as its claims left it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IdentityClaim {
    /// Whoever holds it now.
    pub holder: Option<UserId>,
}

/// What can be asked of a claim.
#[derive(Clone, Debug)]
pub enum IdentityClaimCommand {
    /// Take the identity.
    Claim {
        /// For whom.
        user_id: UserId,
    },
    /// Give it up.
    Release {
        /// Whose it was.
        user_id: UserId,
    },
}

/// Why a claim may say no.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum IdentityClaimRejection {
    /// The identity belongs to somebody.
    #[error("the identity belongs to another user")]
    Taken,
    /// It belongs to somebody else, or to nobody.
    #[error("the identity is not held by this user")]
    NotHeld,
}

impl Aggregate for IdentityClaim {
    const KIND: AggregateKind = AggregateKind::IdentityClaim;
    type Event = IdentityClaimEvent;
    type Command = IdentityClaimCommand;
    type Rejection = IdentityClaimRejection;

    fn evolve(state: Option<Self>, event: &IdentityClaimEvent, _: Timestamp) -> Option<Self> {
        match event {
            IdentityClaimEvent::Claimed(IdentityClaimed { user_id }) => {
                let taken = state.as_ref().is_some_and(|claim| claim.holder.is_some());
                if taken {
                    state
                } else {
                    Some(Self {
                        holder: Some(*user_id),
                    })
                }
            }
            IdentityClaimEvent::Released(IdentityReleased { user_id }) => state.map(|claim| Self {
                holder: claim.holder.filter(|holder| holder != user_id),
            }),
        }
    }

    fn decide(state: Option<&Self>, command: &IdentityClaimCommand, _: &Context) -> Decision<Self> {
        let holder = state.and_then(|claim| claim.holder);
        match (holder, command) {
            (None, IdentityClaimCommand::Claim { user_id }) => {
                Ok(vec![IdentityClaimEvent::Claimed(IdentityClaimed {
                    user_id: *user_id,
                })])
            }
            (Some(holder), IdentityClaimCommand::Claim { user_id }) if holder == *user_id => {
                Ok(vec![])
            }
            (Some(_), IdentityClaimCommand::Claim { .. }) => Err(IdentityClaimRejection::Taken),
            (Some(holder), IdentityClaimCommand::Release { user_id }) if holder == *user_id => {
                Ok(vec![IdentityClaimEvent::Released(IdentityReleased {
                    user_id: *user_id,
                })])
            }
            (_, IdentityClaimCommand::Release { .. }) => Err(IdentityClaimRejection::NotHeld),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::given;

    const ANN: UserId = UserId::new(uuid::Uuid::from_u128(1));
    const BOB: UserId = UserId::new(uuid::Uuid::from_u128(2));

    fn claimed(user_id: UserId) -> IdentityClaimEvent {
        IdentityClaimEvent::Claimed(IdentityClaimed { user_id })
    }

    fn released(user_id: UserId) -> IdentityClaimEvent {
        IdentityClaimEvent::Released(IdentityReleased { user_id })
    }

    #[test]
    fn one_holder_at_a_time() {
        given::<IdentityClaim>([])
            .when(IdentityClaimCommand::Claim { user_id: ANN })
            .then([claimed(ANN)]);
        given::<IdentityClaim>([claimed(ANN)])
            .when(IdentityClaimCommand::Claim { user_id: BOB })
            .rejected(&IdentityClaimRejection::Taken);
    }

    #[test]
    fn a_released_identity_is_free() {
        given::<IdentityClaim>([claimed(ANN)])
            .when(IdentityClaimCommand::Release { user_id: ANN })
            .then([released(ANN)]);
        given::<IdentityClaim>([claimed(ANN), released(ANN)])
            .when(IdentityClaimCommand::Claim { user_id: BOB })
            .then([claimed(BOB)]);
        given::<IdentityClaim>([claimed(ANN)])
            .when(IdentityClaimCommand::Release { user_id: BOB })
            .rejected(&IdentityClaimRejection::NotHeld);
    }
}
