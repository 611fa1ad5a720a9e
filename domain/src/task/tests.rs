//! Every rule of a task's life as a sentence, and properties over random lives.
//!
//! Invariant: each arrow of the drawn life cycle has a sentence here, and so has each refusal.

use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::{
    Aggregate, TaskId,
    laws::live,
    testing::{NOW, context, fold, given},
};

const ID: TaskId = TaskId::new(Uuid::from_u128(5));

fn spec(max_attempts: u32) -> TaskSpec {
    TaskSpec {
        kind: "echo".into(),
        payload: json!({"say": "hello"}).into(),
        priority: Priority::Normal,
        max_attempts,
        timeout_ms: 1_000,
    }
}

fn creation(max_attempts: u32) -> TaskCreated {
    TaskCreated {
        spec: spec(max_attempts),
        not_before: None,
        origin: None,
    }
}

fn created() -> TaskEvent {
    TaskEvent::Created(creation(2))
}

fn scheduled() -> TaskEvent {
    TaskEvent::Created(TaskCreated {
        not_before: Some(NOW.plus_ms(60_000)),
        ..creation(2)
    })
}

fn started(attempt: u32) -> TaskEvent {
    TaskEvent::Started(TaskStarted {
        attempt,
        worker: "w1".into(),
    })
}

fn failed_attempt(attempt: u32, retryable: bool) -> TaskEvent {
    let worker = "w1".into();
    TaskEvent::AttemptFailed(TaskAttemptFailed {
        attempt,
        error: error(retryable),
        worker,
    })
}

fn error(retryable: bool) -> TaskError {
    TaskError {
        code: "refused".into(),
        message: "connection refused".into(),
        retryable,
        retry_after_ms: Some(500),
    }
}

fn cancelled(forced: bool) -> TaskEvent {
    TaskEvent::Cancelled(TaskCancelled {
        forced,
        reason: None,
    })
}

fn requested() -> TaskEvent {
    TaskEvent::CancelRequested(TaskCancelRequested { reason: None })
}

fn start(attempt: u32) -> TaskCommand {
    TaskCommand::Start {
        attempt,
        worker: "w1".into(),
    }
}

fn fail(attempt: u32, retryable: bool) -> TaskCommand {
    TaskCommand::Fail {
        attempt,
        error: error(retryable),
        id: ID,
        worker: "w1".into(),
    }
}

fn succeed(attempt: u32) -> TaskCommand {
    TaskCommand::Succeed {
        attempt,
        output: json!("hello"),
        worker: "w1".into(),
    }
}

fn succeeded(attempt: u32) -> TaskEvent {
    let worker = "w1".into();
    TaskEvent::Succeeded(TaskSucceeded {
        attempt,
        output: json!("hello"),
        worker,
    })
}

fn retry_scheduled() -> TaskEvent {
    TaskEvent::RetryScheduled(TaskRetryScheduled {
        at: NOW.plus_ms(500),
    })
}

fn slot() -> JobSlot {
    JobSlot {
        job_id: crate::JobId::new(Uuid::from_u128(1)),
        slot: Some(NOW),
        run: None,
    }
}

#[test]
fn is_created_within_bounds() {
    given::<Task>([])
        .when(TaskCommand::Create(creation(2)))
        .then([created()]);
    for spec in [
        TaskSpec {
            kind: String::new(),
            ..spec(1)
        },
        TaskSpec {
            kind: "a b".into(),
            ..spec(1)
        },
        TaskSpec {
            max_attempts: 0,
            ..spec(1)
        },
        TaskSpec {
            timeout_ms: 0,
            ..spec(1)
        },
        TaskSpec {
            timeout_ms: TIMEOUT_MAX_MS + 1,
            ..spec(1)
        },
    ] {
        let decision = Task::decide(
            None,
            &TaskCommand::Create(TaskCreated {
                spec,
                ..creation(1)
            }),
            &context(NOW),
        );
        assert!(
            matches!(decision, Err(TaskRejection::Invalid(_))),
            "{decision:?}"
        );
    }
}

#[test]
fn one_slot_is_fired_or_skipped_never_both() {
    let reason = SkipReason::Overlap;
    let skipped = TaskEvent::SlotSkipped(TaskSlotSkipped {
        origin: slot(),
        reason,
    });
    let skip = TaskCommand::SkipSlot {
        origin: slot(),
        reason,
    };
    given::<Task>([]).when(skip.clone()).then([skipped.clone()]);
    given::<Task>([created()])
        .when(skip)
        .rejected(&TaskRejection::AlreadyExists);
    given::<Task>([skipped])
        .when(TaskCommand::Create(creation(2)))
        .rejected(&TaskRejection::AlreadyExists);
}

#[test]
fn starts_when_due_and_only_the_next_attempt() {
    given::<Task>([created()]).when(start(1)).then([started(1)]);
    given::<Task>([created()])
        .when(start(2))
        .rejected(&TaskRejection::NotYourAttempt(2));
    let due_at = NOW.plus_ms(60_000);
    given::<Task>([scheduled()])
        .when(start(1))
        .rejected(&TaskRejection::NotDue(due_at));
    given::<Task>([scheduled()])
        .when_at(due_at, start(1))
        .then([started(1)]);
}

#[test]
fn a_second_claim_of_one_attempt_loses() {
    given::<Task>([created(), started(1)])
        .when(start(1))
        .then([]);
    given::<Task>([created(), started(1)])
        .when(TaskCommand::Start {
            attempt: 1,
            worker: "w2".into(),
        })
        .rejected(&TaskRejection::NotYourAttempt(1));
}

#[test]
fn succeeds_once() {
    given::<Task>([created(), started(1)])
        .when(succeed(1))
        .then([succeeded(1)]);
    given::<Task>([created(), started(1), succeeded(1)])
        .when(succeed(1))
        .then([]);
    given::<Task>([created(), started(1), succeeded(1)])
        .when(start(2))
        .rejected(&TaskRejection::Ended("succeeded"));
}

#[test]
fn retries_then_dies() {
    given::<Task>([created(), started(1)])
        .when(fail(1, true))
        .then([failed_attempt(1, true), retry_scheduled()]);
    let second = [
        created(),
        started(1),
        failed_attempt(1, true),
        retry_scheduled(),
        started(2),
    ];
    given::<Task>(second).when(fail(2, true)).then([
        failed_attempt(2, true),
        TaskEvent::Died(TaskDied { attempts: 2 }),
    ]);
}

#[test]
fn an_error_that_cannot_be_mended_fails_at_once() {
    given::<Task>([created(), started(1)])
        .when(fail(1, false))
        .then([
            failed_attempt(1, false),
            TaskEvent::Failed(TaskFailed { attempt: 1 }),
        ]);
}

#[test]
fn a_zombie_cannot_end_the_attempt_that_replaced_its_own() {
    let second = [
        created(),
        started(1),
        failed_attempt(1, true),
        retry_scheduled(),
        started(2),
    ];
    given::<Task>(second)
        .when(succeed(1))
        .rejected(&TaskRejection::NotYourAttempt(1));
}

#[test]
fn is_cancelled_at_once_while_it_waits() {
    let cancel = TaskCommand::Cancel { reason: None };
    given::<Task>([created()])
        .when(cancel.clone())
        .then([cancelled(false)]);
    given::<Task>([scheduled()])
        .when(cancel.clone())
        .then([cancelled(false)]);
    given::<Task>([created(), started(1), succeeded(1)])
        .when(cancel)
        .rejected(&TaskRejection::Ended("succeeded"));
}

#[test]
fn is_cancelled_by_its_worker_while_it_runs() {
    let confirm = TaskCommand::ConfirmCancel {
        attempt: 1,
        forced: true,
        worker: "w1".into(),
    };
    given::<Task>([created(), started(1)])
        .when(TaskCommand::Cancel { reason: None })
        .then([requested()]);
    given::<Task>([created(), started(1), requested()])
        .when(confirm)
        .then([cancelled(true)]);
    given::<Task>([created(), started(1), requested()])
        .when(fail(1, true))
        .then([failed_attempt(1, true), cancelled(false)]);
}

#[test]
fn a_drained_attempt_does_not_count() {
    let handed_back = TaskEvent::HandedBack(TaskHandedBack {
        attempt: 1,
        worker: "w1".into(),
    });
    given::<Task>([created(), started(1)])
        .when(TaskCommand::HandBack {
            attempt: 1,
            worker: "w1".into(),
        })
        .then([handed_back.clone()]);
    given::<Task>([created(), started(1), handed_back.clone()])
        .when(start(1))
        .then([started(1)]);
    given::<Task>([created(), started(1), requested()])
        .when(TaskCommand::HandBack {
            attempt: 1,
            worker: "w1".into(),
        })
        .then([handed_back, cancelled(false)]);
}

#[test]
fn handing_back_leaves_the_attempt_before_it_as_the_latest() {
    let failed = [
        created(),
        started(1),
        failed_attempt(1, true),
        retry_scheduled(),
    ];
    let first = fold::<Task>(None, &failed).expect("a task").attempt;
    let (worker, attempt) = ("w2".to_owned(), 2);
    let second = [
        TaskEvent::Started(TaskStarted {
            attempt,
            worker: worker.clone(),
        }),
        TaskEvent::HandedBack(TaskHandedBack { attempt, worker }),
    ];
    let life = [&failed[..], &second[..]].concat();
    let task = fold::<Task>(None, &life).expect("a task");
    assert_eq!(task.attempt, first);
    assert_eq!(task.previous, None);
    given::<Task>(life).when(start(2)).then([started(2)]);
}

#[test]
fn what_ended_badly_can_be_requeued() {
    let failed = TaskEvent::Failed(TaskFailed { attempt: 1 });
    let requeued = TaskEvent::Requeued(TaskRequeued {});
    given::<Task>([created(), started(1), failed_attempt(1, false), failed])
        .when(TaskCommand::Requeue)
        .then([requeued.clone()]);
    given::<Task>([created(), cancelled(false), requeued])
        .when(start(1))
        .then([started(1)]);
    given::<Task>([created()])
        .when(TaskCommand::Requeue)
        .rejected(&TaskRejection::NotEnded("queued"));
}

fn any_command() -> impl Strategy<Value = TaskCommand> {
    let worker = prop::sample::select(vec!["w1", "w2"]).prop_map(str::to_owned);
    (1_u32..4, worker, any::<bool>(), 0..9_u8).prop_map(
        |(attempt, worker, flag, which)| match which {
            0 => TaskCommand::Cancel {
                reason: flag.then(|| "enough".to_owned()),
            },
            1 => TaskCommand::ConfirmCancel {
                attempt,
                forced: flag,
                worker,
            },
            2 => TaskCommand::Create(creation(attempt)),
            3 => TaskCommand::Fail {
                attempt,
                error: error(flag),
                id: ID,
                worker,
            },
            4 => TaskCommand::HandBack { attempt, worker },
            5 => TaskCommand::Requeue,
            6 => TaskCommand::SkipSlot {
                origin: slot(),
                reason: SkipReason::Misfire,
            },
            7 => TaskCommand::Start { attempt, worker },
            _ => TaskCommand::Succeed {
                attempt,
                output: json!(1),
                worker,
            },
        },
    )
}

proptest! {
    #[test]
    fn any_life_is_valid_at_every_step(commands in prop::collection::vec(any_command(), 0..40)) {
        live::<Task>(&commands)?;
    }

    #[test]
    fn evolve_takes_any_events_in_any_order(picks in prop::collection::vec(0..12_usize, 0..30)) {
        let pool = [
            created(), scheduled(), started(1), started(2), failed_attempt(1, true),
            retry_scheduled(), requested(), cancelled(true), succeeded(1),
            TaskEvent::Died(TaskDied { attempts: 2 }), TaskEvent::Requeued(TaskRequeued {}),
            TaskEvent::HandedBack(TaskHandedBack { attempt: 1, worker: "w1".into() }),
        ];
        let events: Vec<_> = picks.into_iter().map(|pick| pool[pick].clone()).collect();
        if let Some(task) = fold::<Task>(None, &events) {
            prop_assert_eq!(task.finished_at.is_some(), task.status.is_final());
        }
    }
}
