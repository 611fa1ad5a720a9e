//! The sentence in which every rule is tested: given these events, when this is asked, then that.
//!
//! Invariant: after each accepted command the harness asks it again and demands that nothing new
//! happens, so no rule can be written without being safe to retry.

use uuid::Uuid;

use crate::{Actor, Aggregate, CommandId, Context, Name, TenantId, Timestamp};

/// The instant at which every scenario plays.
pub(crate) const NOW: Timestamp = Timestamp::from_unix_ms(1_800_000_000_000);

/// A scenario under construction.
pub(crate) struct Given<A: Aggregate>(Option<A>);

/// What came of the command.
pub(crate) struct Outcome<A: Aggregate> {
    before: Option<A>,
    command: A::Command,
    decision: crate::Decision<A>,
    now: Timestamp,
}

/// The state that `events` lead to.
pub(crate) fn given<A: Aggregate>(events: impl IntoIterator<Item = A::Event>) -> Given<A> {
    Given(fold(None, &events.into_iter().collect::<Vec<_>>()))
}

/// A name known to be valid.
pub(crate) fn name(text: &str) -> Name {
    Name::try_new(text).expect("a valid name")
}

/// A context at `now`.
pub(crate) fn context(now: Timestamp) -> Context {
    Context {
        actor: Actor::System("test".into()),
        command: CommandId::new(Uuid::from_u128(99)),
        id: Uuid::from_u128(7),
        now,
        tenant: TenantId::new(Uuid::from_u128(1)),
    }
}

/// Folds `events` into `state`, each at [`NOW`].
pub(crate) fn fold<A: Aggregate>(state: Option<A>, events: &[A::Event]) -> Option<A> {
    events
        .iter()
        .fold(state, |state, event| A::evolve(state, event, NOW))
}

impl<A: Aggregate> Given<A> {
    /// Asks `command` at [`NOW`].
    pub(crate) fn when(self, command: A::Command) -> Outcome<A> {
        self.when_at(NOW, command)
    }

    /// Asks `command` at `now`.
    pub(crate) fn when_at(self, now: Timestamp, command: A::Command) -> Outcome<A> {
        let decision = A::decide(self.0.as_ref(), &command, &context(now));
        Outcome {
            before: self.0,
            command,
            decision,
            now,
        }
    }
}

impl<A: Aggregate> Outcome<A> {
    /// Exactly these events come of it, and asking again brings nothing new.
    #[track_caller]
    pub(crate) fn then(self, expected: impl IntoIterator<Item = A::Event>) {
        let events = self.decision.expect("the command should be accepted");
        assert_eq!(events, expected.into_iter().collect::<Vec<_>>());
        let after = fold(self.before, &events);
        match A::decide(after.as_ref(), &self.command, &context(self.now)) {
            Ok(again) => assert_eq!(again, [], "the retried command caused events"),
            Err(_refusal_is_no_event) => {}
        }
    }

    /// It is refused for this reason.
    #[track_caller]
    pub(crate) fn rejected(self, reason: &A::Rejection) {
        assert_eq!(self.decision.as_ref(), Err(reason));
    }
}
