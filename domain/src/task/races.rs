//! A hundred thousand races of cancellation against completion.
//!
//! Each actor reads the task, decides, and writes if nobody wrote in between, as the log has it;
//! else it reads and decides again. Who is next is drawn.
//!
//! Invariant: however they meet, a task ends once, as whoever ended it was told, and what came
//! second changed nothing.

use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::{
    Aggregate, TaskId, Timestamp,
    testing::{NOW, context},
};

const RACES: u64 = 100_000;
const ID: TaskId = TaskId::new(Uuid::from_u128(5));

/// Numbers that look random and are the same in every run (`SplitMix64`, Steele 2014).
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((bits ^ (bits >> 31)) % sides as u64) as usize
    }
}

/// Somebody with one thing to ask.
struct Actor {
    command: TaskCommand,
    /// What it has read: the version and the state.
    read: Option<(usize, Option<Task>)>,
    told: Option<Result<Vec<TaskEvent>, TaskRejection>>,
}

/// The log of one task.
#[derive(Default)]
struct Log {
    events: Vec<TaskEvent>,
    state: Option<Task>,
    version: usize,
}

impl Log {
    fn at(&self) -> Timestamp {
        NOW.plus_ms(self.version as i64)
    }

    fn write(&mut self, events: &[TaskEvent]) {
        let at = self.at();
        let before = self.state.clone();
        let state = events.iter().fold(before.clone(), |state, event| {
            Task::evolve(state, event, at)
        });
        let both = before.as_ref().zip(state.as_ref());
        for (was, is) in both.iter().filter(|(was, _)| was.status.is_final()) {
            assert_eq!(was.status, is.status, "an end was changed by {events:?}");
        }
        self.events.extend_from_slice(events);
        self.state = state;
        self.version += 1;
    }

    /// One step of `actor`: it reads, or it writes what it has decided on.
    fn step(&mut self, actor: &mut Actor) {
        let Some((version, state)) = actor.read.take() else {
            actor.read = Some((self.version, self.state.clone()));
            return;
        };
        let decision = Task::decide(state.as_ref(), &actor.command, &context(self.at()));
        let news = decision.clone().unwrap_or_default();
        // Nothing to write, or a refusal, is believed only of what is still so.
        if version != self.version {
            return;
        }
        if !news.is_empty() {
            self.write(&news);
        }
        actor.told = Some(decision);
    }
}

fn worker(which: usize) -> String {
    format!("w{which}")
}

fn error(retryable: bool) -> TaskError {
    TaskError {
        code: "refused".into(),
        message: "connection refused".into(),
        retryable,
        retry_after_ms: None,
    }
}

/// How the worker of the running attempt ends it.
fn ending(dice: &mut Dice) -> TaskCommand {
    let (attempt, worker) = (2, worker(2));
    match dice.below(5) {
        0 | 1 => TaskCommand::Succeed {
            attempt,
            output: json!("done"),
            worker,
        },
        2 => TaskCommand::Fail {
            attempt,
            error: error(dice.below(2) == 0),
            id: ID,
            worker,
        },
        3 => TaskCommand::ConfirmCancel {
            attempt,
            forced: dice.below(2) == 0,
            worker,
        },
        _ => TaskCommand::HandBack { attempt, worker },
    }
}

fn cancel(dice: &mut Dice) -> TaskCommand {
    TaskCommand::Cancel(TaskCancelRequested {
        mode: (dice.below(2) == 0).then_some(CancelMode::Forced),
        ..TaskCancelRequested::because(Some("enough".into()))
    })
}

/// Everybody who may want something of a task whose second attempt `w2` makes.
fn actors(dice: &mut Dice) -> Vec<Actor> {
    let late = |attempt, by| TaskCommand::RefuseResult {
        attempt,
        result: AttemptResult::Succeeded(Some(json!("late"))),
        worker: worker(by),
    };
    let lost = TaskCommand::Fail {
        attempt: 2,
        error: error(true),
        id: ID,
        worker: worker(2),
    };
    let zombie = TaskCommand::Succeed {
        attempt: 1,
        output: json!("late"),
        worker: worker(1),
    };
    let mut commands = vec![cancel(dice), ending(dice), zombie, late(1, 1)];
    let rare = [
        cancel(dice),
        late(2, 2),
        lost,
        TaskCommand::TimeOut(Limit::Total),
        TaskCommand::Start {
            attempt: 2,
            worker: worker(3),
        },
    ];
    commands.extend(rare.into_iter().filter(|_| dice.below(3) == 0));
    let actor = |command| Actor {
        command,
        read: None,
        told: None,
    };
    commands.into_iter().map(actor).collect()
}

/// The task before the race.
fn running(dice: &mut Dice) -> Log {
    let started = |attempt, by| {
        TaskEvent::Started(TaskStarted {
            attempt,
            worker: worker(by),
        })
    };
    let spec = TaskSpec {
        max_attempts: 2 + dice.below(2) as u32,
        total_timeout_ms: Some(1),
        ..TaskSpec::new("echo", json!({}))
    };
    let mut log = Log::default();
    log.write(&[TaskEvent::Created(TaskCreated::new(spec))]);
    log.write(&[started(1, 1)]);
    log.write(&[
        TaskEvent::AttemptFailed(TaskAttemptFailed {
            attempt: 1,
            error: error(true),
            worker: worker(1),
        }),
        TaskEvent::RetryScheduled(TaskRetryScheduled { at: NOW }),
    ]);
    log.write(&[started(2, 2)]);
    log
}

/// What must be so once everybody has been told.
fn judge(log: &Log, actors: &[Actor]) {
    let task = log.state.as_ref().expect("a task");
    let ends = |event: &&TaskEvent| {
        matches!(
            event,
            TaskEvent::Cancelled(_)
                | TaskEvent::Died(_)
                | TaskEvent::Failed(_)
                | TaskEvent::Succeeded(_)
                | TaskEvent::TimedOut(_)
        )
    };
    let ended = log.events.iter().filter(ends).count();
    assert_eq!(
        ended,
        usize::from(task.status.is_final()),
        "{:?}",
        log.events
    );
    let has_late = |event: &TaskEvent| matches!(event, TaskEvent::ResultRefused(_));
    let late = log.events.iter().filter(|event| has_late(event)).count();
    assert_eq!(late, task.late.len());
    for actor in actors {
        let told = actor.told.as_ref().expect("everybody was told");
        let accepted = told.as_ref().is_ok_and(|events| !events.is_empty());
        match (&actor.command, accepted) {
            (TaskCommand::Succeed { attempt, .. }, true) => {
                assert_eq!(task.status, TaskStatus::Succeeded);
                assert_eq!(*attempt, 2, "a zombie was heard");
            }
            (TaskCommand::ConfirmCancel { .. }, true) => {
                assert_eq!(task.status, TaskStatus::Cancelled);
            }
            // Whoever was told that it is being stopped sees it end, unless nobody ends it.
            (TaskCommand::Cancel(_), true) => {
                assert!(
                    task.status.is_final() || task.status == TaskStatus::Running,
                    "{:?}",
                    log.events
                );
            }
            _ => {}
        }
    }
}

#[test]
fn cancellation_and_completion_race_a_hundred_thousand_times() {
    let mut outcomes = std::collections::BTreeMap::<_, u64>::new();
    for race in 0..RACES {
        let mut dice = Dice(race);
        let mut log = running(&mut dice);
        let mut actors = actors(&mut dice);
        while actors.iter().any(|actor| actor.told.is_none()) {
            let next = dice.below(actors.len());
            if actors[next].told.is_none() {
                log.step(&mut actors[next]);
            }
        }
        judge(&log, &actors);
        let status = log.state.as_ref().expect("a task").status;
        *outcomes.entry(status.name()).or_default() += 1;
    }
    // Each outcome was raced for, so none of the rules above held for want of an occasion.
    for status in ["cancelled", "dead", "failed", "succeeded"] {
        let count = outcomes.get(status).copied().unwrap_or_default();
        assert!(count > RACES / 1_000, "{status}: {outcomes:?}");
    }
}
