//! The claim that keeps tasks with one uniqueness key from being open at the same time.
//!
//! Its id follows from the tenant, the kind of task and the key, so two claims of one key meet on
//! one subject, where only one can come first. It is never given up: whether its holder still is
//! open, the holder itself tells, so a claim cannot outlive its task.
//!
//! Invariant: a key passes from its holder to another task only in a commit that names the holder
//! as one that was seen to have ended; and a task that is put back after its end claims its key
//! anew on this subject, so of the two only one goes through.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Aggregate, AggregateKind, Context, Decision, TaskId, Timestamp};

/// What can have happened to a uniqueness key.
#[derive(Clone, Debug, PartialEq)]
pub enum UniqueKeyEvent {
    /// `unique_key.claimed`
    Claimed(UniqueKeyClaimed),
}

/// A task took the key.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct UniqueKeyClaimed {
    /// Its holder.
    pub task_id: TaskId,
}

/// A uniqueness key as its claims left it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UniqueKey {
    /// Whoever took it last; it holds the key as long as it is open.
    pub holder: TaskId,
}

/// What can be asked of a uniqueness key.
#[derive(Clone, Debug)]
pub enum UniqueKeyCommand {
    /// Take it.
    Claim {
        /// The holder that was seen to have ended.
        ended: Option<TaskId>,
        /// For whom.
        task_id: TaskId,
    },
}

/// Why a uniqueness key may say no.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum UniqueKeyRejection {
    /// Another task has it.
    #[error("task {0} holds the uniqueness key")]
    Taken(TaskId),
}

impl Aggregate for UniqueKey {
    const KIND: AggregateKind = AggregateKind::UniqueKey;
    type Event = UniqueKeyEvent;
    type Command = UniqueKeyCommand;
    type Rejection = UniqueKeyRejection;

    fn evolve(_: Option<Self>, event: &UniqueKeyEvent, _: Timestamp) -> Option<Self> {
        let UniqueKeyEvent::Claimed(UniqueKeyClaimed { task_id }) = event;
        Some(Self { holder: *task_id })
    }

    fn decide(state: Option<&Self>, command: &UniqueKeyCommand, _: &Context) -> Decision<Self> {
        let UniqueKeyCommand::Claim { ended, task_id } = command;
        match state.map(|key| key.holder) {
            // Also if it takes it from itself, as a task that is put back does: whoever saw it
            // ended as well must meet this commit.
            Some(holder) if Some(holder) != *ended => {
                if holder == *task_id {
                    Ok(vec![])
                } else {
                    Err(UniqueKeyRejection::Taken(holder))
                }
            }
            None | Some(_) => Ok(vec![UniqueKeyEvent::Claimed(UniqueKeyClaimed {
                task_id: *task_id,
            })]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NOW, context, given};

    const ONE: TaskId = TaskId::new(uuid::Uuid::from_u128(1));
    const TWO: TaskId = TaskId::new(uuid::Uuid::from_u128(2));

    fn claimed(task_id: TaskId) -> UniqueKeyEvent {
        UniqueKeyEvent::Claimed(UniqueKeyClaimed { task_id })
    }

    fn claim(task_id: TaskId, ended: Option<TaskId>) -> UniqueKeyCommand {
        UniqueKeyCommand::Claim { ended, task_id }
    }

    #[test]
    fn one_holder_until_it_is_seen_to_have_ended() {
        given::<UniqueKey>([])
            .when(claim(ONE, None))
            .then([claimed(ONE)]);
        given::<UniqueKey>([claimed(ONE)])
            .when(claim(TWO, None))
            .rejected(&UniqueKeyRejection::Taken(ONE));
        given::<UniqueKey>([claimed(ONE)])
            .when(claim(TWO, Some(ONE)))
            .then([claimed(TWO)]);
        // Whom it saw ended is not the holder any more.
        given::<UniqueKey>([claimed(TWO)])
            .when(claim(TaskId::new(uuid::Uuid::from_u128(3)), Some(ONE)))
            .rejected(&UniqueKeyRejection::Taken(TWO));
    }

    #[test]
    fn a_holder_that_is_put_back_claims_again_where_others_meet_it() {
        let key = UniqueKey::evolve(None, &claimed(ONE), NOW);
        let again = UniqueKey::decide(key.as_ref(), &claim(ONE, Some(ONE)), &context(NOW));
        assert_eq!(again, Ok(vec![claimed(ONE)]));
        given::<UniqueKey>([claimed(ONE)])
            .when(claim(ONE, None))
            .then([]);
    }
}
