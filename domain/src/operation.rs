//! An operation: something done to many tasks at once, by the server, with progress.
//!
//! It is asked for with a filter and the position up to which tasks are meant; who leads the
//! scheduler carries it out, page after page. What is done to each task is a command of that task
//! whose id follows from the operation and the task, so a page that is done twice changes nothing.
//!
//! Invariant: it goes forward only; once it has ended it never changes again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Aggregate, AggregateKind, Context, Decision, JobId, TaskId, Timestamp,
    task::{Priority, TaskStatus},
};

/// What can have happened to an operation.
#[derive(Clone, Debug, PartialEq)]
pub enum OperationEvent {
    /// `operation.finished`
    Finished(OperationFinished),
    /// `operation.progressed`
    Progressed(OperationProgressed),
    /// `operation.started`
    Started(OperationStarted),
}

/// What is done to each task.
#[derive(Clone, Copy, Debug, Eq, PartialEq, JsonSchema, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Stop it.
    Cancel,
    /// Put it back into the queue.
    Replay,
}

/// Which tasks are meant.
#[derive(Clone, Debug, Default, Eq, PartialEq, JsonSchema, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct TaskFilter {
    /// Tasks that were created together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<uuid::Uuid>,
    /// Tasks of this job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_id: Option<JobId>,
    /// Any of these kinds; all when empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<String>,
    /// Any of these priorities; all when empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub priorities: Vec<Priority>,
    /// Any of these statuses; all that the action can change when empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub statuses: Vec<TaskStatus>,
}

/// How many tasks it has come to, and what became of them.
#[derive(
    Clone, Copy, Debug, Default, Eq, PartialEq, JsonSchema, Serialize, Deserialize, ToSchema,
)]
pub struct Counts {
    /// Those that were changed.
    pub changed: u64,
    /// Those that said no: they had become something else meanwhile.
    pub refused: u64,
}

/// Somebody asked for it.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct OperationStarted {
    /// What is done to each task.
    pub action: Action,
    /// Tasks as they were at this position of the log are meant.
    pub as_of: u64,
    /// Which of them.
    pub filter: TaskFilter,
}

/// It has come further.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct OperationProgressed {
    /// What has become of all tasks so far.
    pub counts: Counts,
    /// The last task that it has come to, in the order of ids.
    pub reached: TaskId,
}

/// It has come to all tasks: the end.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct OperationFinished {
    /// What has become of all of them.
    pub counts: Counts,
}

/// An operation as its events left it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// What is done to each task.
    pub action: Action,
    /// Tasks as they were at this position of the log are meant.
    pub as_of: u64,
    /// What has become of tasks so far.
    pub counts: Counts,
    /// Which tasks.
    pub filter: TaskFilter,
    /// When it ended, if it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// The last task that it has come to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached: Option<TaskId>,
    /// When it was asked for.
    pub started_at: Timestamp,
    /// When anything of it last changed.
    pub updated_at: Timestamp,
}

/// What can be asked of an operation.
#[derive(Clone, Debug)]
pub enum OperationCommand {
    /// Be at its end.
    Finish(OperationFinished),
    /// Be further.
    Progress(OperationProgressed),
    /// Begin.
    Start(OperationStarted),
}

/// Why an operation may say no.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum OperationRejection {
    /// There is one with this id, and it is not the same.
    #[error("the operation exists already")]
    AlreadyExists,
    /// It has come further, or to its end.
    #[error("the operation has come further")]
    Further,
    /// There is none with this id.
    #[error("there is no such operation")]
    NotFound,
    /// No task in such a status can be changed so.
    #[error("statuses name some in which no task can be changed so")]
    Statuses,
}

impl Action {
    /// The statuses of tasks that it can change.
    pub const fn statuses(self) -> &'static [TaskStatus] {
        match self {
            Self::Cancel => &[
                TaskStatus::Queued,
                TaskStatus::Retrying,
                TaskStatus::Running,
                TaskStatus::Scheduled,
            ],
            Self::Replay => &[TaskStatus::Cancelled, TaskStatus::Dead, TaskStatus::Failed],
        }
    }

    /// The statuses that are meant when nothing is said: what was cancelled somebody wanted so.
    const fn usual(self) -> &'static [TaskStatus] {
        match self {
            Self::Cancel => Self::Cancel.statuses(),
            Self::Replay => &[TaskStatus::Dead, TaskStatus::Failed],
        }
    }
}

impl Aggregate for Operation {
    const KIND: AggregateKind = AggregateKind::Operation;
    type Event = OperationEvent;
    type Command = OperationCommand;
    type Rejection = OperationRejection;

    fn evolve(state: Option<Self>, event: &OperationEvent, at: Timestamp) -> Option<Self> {
        match (state, event) {
            (None, OperationEvent::Started(started)) => Some(Self {
                action: started.action,
                as_of: started.as_of,
                counts: Counts::default(),
                filter: started.filter.clone(),
                finished_at: None,
                reached: None,
                started_at: at,
                updated_at: at,
            }),
            (Some(operation), OperationEvent::Progressed(progressed))
                if operation.finished_at.is_none() =>
            {
                Some(Self {
                    counts: progressed.counts,
                    reached: Some(progressed.reached),
                    updated_at: at,
                    ..operation
                })
            }
            (Some(operation), OperationEvent::Finished(finished))
                if operation.finished_at.is_none() =>
            {
                Some(Self {
                    counts: finished.counts,
                    finished_at: Some(at),
                    updated_at: at,
                    ..operation
                })
            }
            (state, _) => state,
        }
    }

    fn decide(state: Option<&Self>, command: &OperationCommand, _: &Context) -> Decision<Self> {
        match (state, command) {
            (None, OperationCommand::Start(started)) => {
                let can = started.action.statuses();
                let mut statuses = started.filter.statuses.iter();
                if !statuses.all(|status| can.contains(status)) {
                    return Err(OperationRejection::Statuses);
                }
                let mut started = started.clone();
                if started.filter.statuses.is_empty() {
                    started.filter.statuses = started.action.usual().to_vec();
                }
                Ok(vec![OperationEvent::Started(started)])
            }
            (None, _) => Err(OperationRejection::NotFound),
            (Some(_), OperationCommand::Start(_)) => Err(OperationRejection::AlreadyExists),
            (Some(operation), OperationCommand::Progress(progressed)) => {
                if operation.reached == Some(progressed.reached) {
                    return Ok(vec![]);
                }
                let is_behind = operation
                    .reached
                    .is_some_and(|reached| progressed.reached < reached);
                if operation.finished_at.is_some() || is_behind {
                    return Err(OperationRejection::Further);
                }
                Ok(vec![OperationEvent::Progressed(progressed.clone())])
            }
            (Some(operation), OperationCommand::Finish(finished)) => {
                Ok(if operation.finished_at.is_some() {
                    vec![]
                } else {
                    vec![OperationEvent::Finished(finished.clone())]
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NOW, fold, given};
    use uuid::Uuid;

    fn started(statuses: &[TaskStatus]) -> OperationStarted {
        OperationStarted {
            action: Action::Replay,
            as_of: 7,
            filter: TaskFilter {
                statuses: statuses.to_vec(),
                ..TaskFilter::default()
            },
        }
    }

    fn begun() -> OperationEvent {
        OperationEvent::Started(started(&[TaskStatus::Dead, TaskStatus::Failed]))
    }

    fn progress(reached: u128, changed: u64) -> OperationProgressed {
        OperationProgressed {
            counts: Counts {
                changed,
                refused: 0,
            },
            reached: TaskId::new(Uuid::from_u128(reached)),
        }
    }

    fn finish() -> OperationFinished {
        OperationFinished {
            counts: Counts {
                changed: 2,
                refused: 1,
            },
        }
    }

    #[test]
    fn what_is_meant_is_said_when_it_begins() {
        let start = |statuses: &[TaskStatus]| OperationCommand::Start(started(statuses));
        given::<Operation>([]).when(start(&[])).then([begun()]);
        given::<Operation>([])
            .when(start(&[TaskStatus::Running]))
            .rejected(&OperationRejection::Statuses);
        given::<Operation>([begun()])
            .when(start(&[]))
            .rejected(&OperationRejection::AlreadyExists);
    }

    #[test]
    fn it_goes_forward_until_its_end() {
        let further = |reached, changed| OperationCommand::Progress(progress(reached, changed));
        let progressed = OperationEvent::Progressed(progress(5, 2));
        given::<Operation>([begun()])
            .when(further(5, 2))
            .then([progressed.clone()]);
        given::<Operation>([begun(), progressed.clone()])
            .when(further(4, 1))
            .rejected(&OperationRejection::Further);
        let finished = OperationEvent::Finished(finish());
        given::<Operation>([begun(), progressed.clone()])
            .when(OperationCommand::Finish(finish()))
            .then([finished.clone()]);
        given::<Operation>([begun(), finished.clone()])
            .when(further(6, 3))
            .rejected(&OperationRejection::Further);
        given::<Operation>([])
            .when(further(6, 3))
            .rejected(&OperationRejection::NotFound);
        let ended = fold::<Operation>(None, &[begun(), progressed, finished]);
        let ended = ended.expect("an operation");
        assert_eq!((ended.finished_at, ended.counts.refused), (Some(NOW), 1));
    }
}
