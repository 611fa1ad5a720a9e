//! The claim that makes an e-mail address unique within a tenant.
//!
//! Its id is a keyed hash of the normalised address, so the log never shows the address itself, and
//! two claims of one address meet on one subject, where only one can come first.
//!
//! Invariant: at any position an address has at most one holder.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Aggregate, AggregateKind, Context, Decision, Timestamp, UserId};

/// What can have happened to a claim.
#[derive(Clone, Debug, PartialEq)]
pub enum EmailClaimEvent {
    /// `email.claimed`
    Claimed(EmailClaimed),
    /// `email.released`
    Released(EmailReleased),
}

/// A user took the address.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct EmailClaimed {
    /// Its holder.
    pub user_id: UserId,
}

/// Its holder gave it up.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct EmailReleased {
    /// Who held it.
    pub user_id: UserId,
}

/// An address as its claims left it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EmailClaim {
    /// Whoever holds it now.
    pub holder: Option<UserId>,
}

/// What can be asked of a claim.
#[derive(Clone, Debug)]
pub enum EmailClaimCommand {
    /// Take the address.
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
pub enum EmailClaimRejection {
    /// The address belongs to somebody.
    #[error("the e-mail address is taken")]
    Taken,
    /// It belongs to somebody else, or to nobody.
    #[error("the e-mail address is not held by this user")]
    NotHeld,
}

impl Aggregate for EmailClaim {
    const KIND: AggregateKind = AggregateKind::EmailClaim;
    type Event = EmailClaimEvent;
    type Command = EmailClaimCommand;
    type Rejection = EmailClaimRejection;

    fn evolve(state: Option<Self>, event: &EmailClaimEvent, _: Timestamp) -> Option<Self> {
        match event {
            EmailClaimEvent::Claimed(EmailClaimed { user_id }) => {
                let taken = state.as_ref().is_some_and(|claim| claim.holder.is_some());
                if taken {
                    state
                } else {
                    Some(Self {
                        holder: Some(*user_id),
                    })
                }
            }
            EmailClaimEvent::Released(EmailReleased { user_id }) => state.map(|claim| Self {
                holder: claim.holder.filter(|holder| holder != user_id),
            }),
        }
    }

    fn decide(state: Option<&Self>, command: &EmailClaimCommand, _: &Context) -> Decision<Self> {
        let holder = state.and_then(|claim| claim.holder);
        match (holder, command) {
            (None, EmailClaimCommand::Claim { user_id }) => {
                Ok(vec![EmailClaimEvent::Claimed(EmailClaimed {
                    user_id: *user_id,
                })])
            }
            (Some(holder), EmailClaimCommand::Claim { user_id }) if holder == *user_id => {
                Ok(vec![])
            }
            (Some(_), EmailClaimCommand::Claim { .. }) => Err(EmailClaimRejection::Taken),
            (Some(holder), EmailClaimCommand::Release { user_id }) if holder == *user_id => {
                Ok(vec![EmailClaimEvent::Released(EmailReleased {
                    user_id: *user_id,
                })])
            }
            (_, EmailClaimCommand::Release { .. }) => Err(EmailClaimRejection::NotHeld),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::given;

    const ANN: UserId = UserId::new(uuid::Uuid::from_u128(1));
    const BOB: UserId = UserId::new(uuid::Uuid::from_u128(2));

    fn claimed(user_id: UserId) -> EmailClaimEvent {
        EmailClaimEvent::Claimed(EmailClaimed { user_id })
    }

    fn released(user_id: UserId) -> EmailClaimEvent {
        EmailClaimEvent::Released(EmailReleased { user_id })
    }

    #[test]
    fn one_holder_at_a_time() {
        given::<EmailClaim>([])
            .when(EmailClaimCommand::Claim { user_id: ANN })
            .then([claimed(ANN)]);
        given::<EmailClaim>([claimed(ANN)])
            .when(EmailClaimCommand::Claim { user_id: BOB })
            .rejected(&EmailClaimRejection::Taken);
    }

    #[test]
    fn a_released_address_is_free() {
        given::<EmailClaim>([claimed(ANN)])
            .when(EmailClaimCommand::Release { user_id: ANN })
            .then([released(ANN)]);
        given::<EmailClaim>([claimed(ANN), released(ANN)])
            .when(EmailClaimCommand::Claim { user_id: BOB })
            .then([claimed(BOB)]);
        given::<EmailClaim>([claimed(ANN)])
            .when(EmailClaimCommand::Release { user_id: BOB })
            .rejected(&EmailClaimRejection::NotHeld);
    }
}
