//! A task with a uniqueness key, and the claim on the key, changed together.
//!
//! Invariant: of the tasks that are open at most one has the key. Whether the holder of a claim is
//! open is read after the claim was; whoever opens a task with the key writes to the claim, so a
//! holder that opens in between is met by the log's own check.

use std::sync::Arc;

use domain::{
    Aggregate as _, TaskId, UniqueKeyId,
    task::{Task, TaskCommand, TaskCreated, TaskRejection},
    unique_key::{UniqueKey, UniqueKeyCommand, UniqueKeyRejection},
};
use event_log::{AppendError, NewCommit};
use schemas::{Position, StreamId};
use tracing::Instrument as _;

use crate::{
    Ask, CommandError, Commands, Failure, Receipt, error::Unheard, execute::Decided, load::Loaded,
};

/// How often it is decided anew after others were faster.
const TRIES: usize = 5;

/// Why a task did not come about, or not back.
#[derive(Clone, Debug, thiserror::Error)]
pub enum UniqueError {
    /// Its own command did not succeed.
    #[error(transparent)]
    Command(#[from] CommandError<TaskRejection>),
    /// An open task has the key.
    #[error("task {0}, which is open, has this uniqueness key")]
    KeyTaken(TaskId),
}

/// What one try has read and decided of the claim.
struct Claiming {
    decided: Option<Decided<UniqueKey>>,
    loaded: Arc<Loaded<UniqueKey>>,
    stream: StreamId,
}

impl From<Failure> for UniqueError {
    fn from(failure: Failure) -> Self {
        Self::Command(failure.into())
    }
}

impl Commands {
    /// Creates the task `ask.id`, with the claim on its uniqueness key if it has one.
    pub async fn create_task(
        &self,
        ask: Ask,
        created: TaskCreated,
    ) -> Result<Receipt<Task>, UniqueError> {
        let key = created.unique_key.as_ref();
        let key = key.map(|key| UniqueKeyId::of(ask.tenant, &created.spec.kind, key));
        let command = TaskCommand::Create(created);
        match key {
            Some(key) => self.execute_unique(ask, command, key).await,
            None => Ok(self.execute::<Task>(ask, command).await?),
        }
    }

    /// Puts the task `ask.id` back into the queue, with the claim on its uniqueness key if it has
    /// one.
    pub async fn requeue_task(&self, ask: Ask) -> Result<Receipt<Task>, UniqueError> {
        let task = self.state::<Task>(ask.tenant, ask.id).await?;
        let key = task.and_then(|task| {
            let key = task.state.unique_key.as_ref()?;
            Some(UniqueKeyId::of(ask.tenant, &task.state.spec.kind, key))
        });
        match key {
            Some(key) => {
                self.execute_unique(ask, TaskCommand::RequeueUnique, key)
                    .await
            }
            None => Ok(self.execute::<Task>(ask, TaskCommand::Requeue).await?),
        }
    }

    /// Runs `command` together with the claim. Once begun it runs to its end.
    async fn execute_unique(
        &self,
        ask: Ask,
        command: TaskCommand,
        key: UniqueKeyId,
    ) -> Result<Receipt<Task>, UniqueError> {
        let this = self.clone();
        let running = async move { this.store_unique(&ask, &command, key).await };
        let running = tokio::spawn(running.in_current_span());
        running
            .await
            .unwrap_or_else(|reason| Err(Failure::Unknown(reason.to_string()).into()))
    }

    async fn store_unique(
        &self,
        ask: &Ask,
        command: &TaskCommand,
        key: UniqueKeyId,
    ) -> Result<Receipt<Task>, UniqueError> {
        let stream = StreamId {
            tenant: ask.tenant,
            kind: Task::KIND,
            id: ask.id,
        };
        let mut unheard = Unheard::default();
        let mut task = Arc::<Loaded<Task>>::default();
        for _ in 0..TRIES {
            // An earlier try may have been stored, also unheard.
            let read = self.catch_up(stream, &mut task).await;
            read.map_err(|failure| unheard.of(failure))?;
            if let Some(receipt) = self.past(stream, &task, ask).await? {
                return Ok(receipt);
            }
            let claiming = self.claim(ask, key).await;
            let claiming = claiming.map_err(|error| match error {
                UniqueError::Command(CommandError::Failed(failure)) => unheard.of(failure).into(),
                other => other,
            })?;
            if let Some(expected) = ask.expected.filter(|expected| *expected != task.version) {
                let current = task.version;
                return Err(CommandError::VersionMismatch { expected, current }.into());
            }
            let Some(decided) = self.decide(stream, &task, ask, command)? else {
                return Ok(unchanged(&task));
            };
            match self.log.append_all(batch(&claiming, &decided)).await {
                Ok(positions) => {
                    return Ok(self.stored(stream, task, &decided, claiming, &positions));
                }
                // It may have succeeded unheard; the next round finds out from the log.
                Err(AppendError::Conflict) => {}
                Err(AppendError::Unknown(reason)) => unheard.note(reason),
                Err(other) => return Err(unheard.of(Failure::of_append(other)).into()),
            }
        }
        self.catch_up(stream, &mut task).await?;
        match self.past(stream, &task, ask).await? {
            Some(receipt) => Ok(receipt),
            None => Err(unheard.or(CommandError::Contended).into()),
        }
    }

    /// Decides on the claim, unless an open task has the key.
    async fn claim(&self, ask: &Ask, key: UniqueKeyId) -> Result<Claiming, UniqueError> {
        let stream = StreamId {
            tenant: ask.tenant,
            kind: UniqueKey::KIND,
            id: key.uuid(),
        };
        let mut loaded = Arc::<Loaded<UniqueKey>>::default();
        self.catch_up(stream, &mut loaded).await?;
        let mut ended = None;
        if let Some(holder) = loaded.state.as_ref().map(|key| key.holder) {
            let found = self.state::<Task>(ask.tenant, holder.uuid()).await?;
            let is_open = found.is_some_and(|found| !found.state.status.is_final());
            if is_open && holder.uuid() != ask.id {
                return Err(UniqueError::KeyTaken(holder));
            }
            ended = (!is_open).then_some(holder);
        }
        let task_id = TaskId::new(ask.id);
        let ask = Ask {
            id: stream.id,
            expected: None,
            ..ask.clone()
        };
        let command = UniqueKeyCommand::Claim { ended, task_id };
        match self.decide(stream, &loaded, &ask, &command) {
            Ok(decided) => Ok(Claiming {
                decided,
                loaded,
                stream,
            }),
            Err(CommandError::Rejected(UniqueKeyRejection::Taken(holder))) => {
                Err(UniqueError::KeyTaken(holder))
            }
            Err(CommandError::Failed(failure)) => Err(failure.into()),
            Err(_) => Err(CommandError::Contended.into()),
        }
    }

    fn stored(
        &self,
        stream: StreamId,
        task: Arc<Loaded<Task>>,
        decided: &Decided<Task>,
        claiming: Claiming,
        positions: &[Position],
    ) -> Receipt<Task> {
        let [.., last] = positions else {
            unreachable!("the log says where it has stored each of a batch")
        };
        if let (Some(claimed), [first, _]) = (&claiming.decided, positions) {
            self.written(claiming.stream, claiming.loaded, claimed, *first);
        }
        self.written(stream, task, decided, *last)
    }
}

/// The claim, if it changes, and then the task.
fn batch(claiming: &Claiming, task: &Decided<Task>) -> Vec<NewCommit> {
    let claimed = claiming.decided.iter().map(|claim| claim.commit.clone());
    claimed.chain([task.commit.clone()]).collect()
}

fn unchanged(task: &Loaded<Task>) -> Receipt<Task> {
    Receipt {
        changed: false,
        position: task.position,
        replayed: false,
        state: task.state.clone(),
        version: task.version,
    }
}
