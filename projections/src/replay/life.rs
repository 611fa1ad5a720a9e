//! An aggregate twice: as its history made it, and as another history would.
//!
//! Invariant: both are folded by the domain's own `evolve`, which leaves a state as it is where an
//! event makes no sense.

use schemas::{
    catalogue::{DecodeError, Recorded, decode},
    domain::{
        Aggregate, AggregateKind, Timestamp, api_key::ApiKey, email_claim::EmailClaim,
        identity_claim::IdentityClaim, job::Job, log_checkpoint::LogCheckpoint,
        operation::Operation, parked_commit::ParkedCommit, resource::Resource,
        resource_type::ResourceType, settings::Settings, task::Task, tenant::Tenant,
        unique_key::UniqueKey, user::User,
    },
};

/// An aggregate of some kind.
pub(super) trait Life {
    /// Whether it would be there at all.
    fn is_there(&self) -> bool;

    /// Folds a commit into what is; says whether that changed anything.
    fn was(&mut self, payload: &[u8], at: Timestamp) -> Result<bool, DecodeError>;

    /// Folds a commit into what would be; says whether that would change anything.
    fn would(&mut self, payload: &[u8], at: Timestamp) -> Result<bool, DecodeError>;
}

#[derive(Debug)]
struct Lived<A> {
    was: Option<A>,
    would: Option<A>,
}

/// One that has not begun.
pub(super) fn of(kind: AggregateKind) -> Box<dyn Life + Send> {
    match kind {
        AggregateKind::ApiKey => unborn::<ApiKey>(),
        AggregateKind::EmailClaim => unborn::<EmailClaim>(),
        AggregateKind::IdentityClaim => unborn::<IdentityClaim>(),
        AggregateKind::Job => unborn::<Job>(),
        AggregateKind::LogCheckpoint => unborn::<LogCheckpoint>(),
        AggregateKind::Operation => unborn::<Operation>(),
        AggregateKind::ParkedCommit => unborn::<ParkedCommit>(),
        AggregateKind::Resource => unborn::<Resource>(),
        AggregateKind::ResourceType => unborn::<ResourceType>(),
        AggregateKind::Settings => unborn::<Settings>(),
        AggregateKind::Task => unborn::<Task>(),
        AggregateKind::Tenant => unborn::<Tenant>(),
        AggregateKind::UniqueKey => unborn::<UniqueKey>(),
        AggregateKind::User => unborn::<User>(),
    }
}

fn unborn<A: Aggregate<Event: Recorded>>() -> Box<dyn Life + Send> {
    Box::new(Lived::<A> {
        was: None,
        would: None,
    })
}

impl<A: Aggregate<Event: Recorded>> Life for Lived<A> {
    fn is_there(&self) -> bool {
        self.would.is_some()
    }

    fn was(&mut self, payload: &[u8], at: Timestamp) -> Result<bool, DecodeError> {
        fold(&mut self.was, payload, at)
    }

    fn would(&mut self, payload: &[u8], at: Timestamp) -> Result<bool, DecodeError> {
        fold(&mut self.would, payload, at)
    }
}

fn fold<A: Aggregate<Event: Recorded>>(
    state: &mut Option<A>,
    payload: &[u8],
    at: Timestamp,
) -> Result<bool, DecodeError> {
    let events = decode::<A::Event>(payload)?;
    let before = state.clone();
    *state = events
        .iter()
        .fold(state.take(), |state, event| A::evolve(state, event, at));
    Ok(*state != before)
}
