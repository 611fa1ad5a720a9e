//! Many tasks created by one request.
//!
//! Invariant: all of them are stored in one atomic batch or none is, each with an id that follows
//! from the request; so a request that is sent again makes no task twice, and its answer is the
//! same.

use std::sync::Arc;

use domain::{
    Aggregate as _, CommandId, TaskId,
    task::{Task, TaskCommand, TaskCreated, TaskRejection},
};
use event_log::{AppendError, NewCommit};
use schemas::{Position, StreamId};
use tracing::Instrument as _;

use crate::{Ask, CommandError, Commands, Failure, error::Unheard, load::Loaded};

/// The most tasks that are created together.
pub const BATCH_MAX: usize = 1_000;
/// How often it is tried.
const TRIES: usize = 3;

/// What came of creating tasks together.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BatchReceipt {
    /// The tasks, in the order in which they were given.
    pub ids: Vec<TaskId>,
    /// Where the last of them was stored.
    pub position: Position,
    /// Whether an earlier try had created them.
    pub replayed: bool,
}

/// Why none of the tasks was created.
#[derive(Clone, Debug, thiserror::Error)]
pub enum BatchError {
    /// They could not be stored together.
    #[error(transparent)]
    Command(#[from] CommandError<TaskRejection>),
    /// Some cannot be: their places, and why not.
    #[error("{} tasks cannot be created", .0.len())]
    Rejected(Vec<(usize, TaskRejection)>),
}

impl From<Failure> for BatchError {
    fn from(failure: Failure) -> Self {
        Self::Command(failure.into())
    }
}

impl Commands {
    /// Creates 1 to 1,000 tasks, which belong to the batch `ask.id`. None may have a uniqueness
    /// key. Once begun it runs to its end.
    pub async fn create_tasks(
        &self,
        ask: Ask,
        created: Vec<TaskCreated>,
    ) -> Result<BatchReceipt, BatchError> {
        let this = self.clone();
        let running = async move { this.store_batch(&ask, created).await };
        let running = tokio::spawn(running.in_current_span());
        running
            .await
            .unwrap_or_else(|reason| Err(Failure::Unknown(reason.to_string()).into()))
    }

    async fn store_batch(
        &self,
        ask: &Ask,
        created: Vec<TaskCreated>,
    ) -> Result<BatchReceipt, BatchError> {
        let ids: Vec<_> = (0..created.len())
            .map(|index| TaskId::of_batch(ask.id, index))
            .collect();
        let Some(last) = ids.last().copied() else {
            let empty = "a batch holds 1 to 1000 tasks".to_owned();
            return Err(Failure::Refused(empty).into());
        };
        let mut unheard = Unheard::default();
        let mut may_be_there = !ask.fresh;
        for _ in 0..TRIES {
            if may_be_there && let Some(position) = self.stored_before(ask, last).await? {
                return Ok(BatchReceipt {
                    ids,
                    position,
                    replayed: true,
                });
            }
            let commits = self.decide_all(ask, &ids, &created)?;
            match self.log.append_all(commits).await {
                Ok(positions) => {
                    let position = positions.last().copied().unwrap_or(Position(0));
                    return Ok(BatchReceipt {
                        ids,
                        position,
                        replayed: false,
                    });
                }
                Err(AppendError::Conflict) => {}
                Err(AppendError::Unknown(reason)) => unheard.note(reason),
                Err(other) => return Err(unheard.of(Failure::of_append(other)).into()),
            }
            may_be_there = true;
        }
        match self.stored_before(ask, last).await? {
            Some(position) => Ok(BatchReceipt {
                ids,
                position,
                replayed: true,
            }),
            None => Err(unheard.or(CommandError::Contended).into()),
        }
    }

    /// Where an earlier try has stored the last task, and so all.
    async fn stored_before(&self, ask: &Ask, last: TaskId) -> Result<Option<Position>, BatchError> {
        let ask = ask_of(ask, last);
        let mut task = Arc::<Loaded<Task>>::default();
        let stream = stream_of(&ask);
        self.catch_up(stream, &mut task).await?;
        let receipt = self.past(stream, &task, &ask).await?;
        Ok(receipt.map(|receipt| receipt.position))
    }

    fn decide_all(
        &self,
        ask: &Ask,
        ids: &[TaskId],
        created: &[TaskCreated],
    ) -> Result<Vec<NewCommit>, BatchError> {
        let nothing = Loaded::<Task>::default();
        let (mut commits, mut rejected) = (Vec::with_capacity(ids.len()), Vec::new());
        for (index, (id, created)) in ids.iter().zip(created).enumerate() {
            let ask_of_it = ask_of(ask, *id);
            let command = TaskCommand::Create(TaskCreated {
                batch: Some(ask.id),
                ..created.clone()
            });
            match self.decide(stream_of(&ask_of_it), &nothing, &ask_of_it, &command) {
                Ok(decided) => commits.extend(decided.map(|decided| decided.commit)),
                Err(CommandError::Rejected(reason)) => rejected.push((index, reason)),
                Err(other) => return Err(other.into()),
            }
        }
        if rejected.is_empty() {
            Ok(commits)
        } else {
            Err(BatchError::Rejected(rejected))
        }
    }
}

/// The part of the request that makes one task: a command of its own, caused by the request.
fn ask_of(ask: &Ask, id: TaskId) -> Ask {
    Ask {
        causation: Some(ask.command.uuid()),
        command: CommandId::new(id.uuid()),
        correlation: ask.correlation.or(Some(ask.command.uuid())),
        expected: None,
        id: id.uuid(),
        ..ask.clone()
    }
}

fn stream_of(ask: &Ask) -> StreamId {
    StreamId {
        tenant: ask.tenant,
        kind: Task::KIND,
        id: ask.id,
    }
}
