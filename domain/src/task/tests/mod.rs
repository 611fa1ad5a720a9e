//! Every rule of a task's life as a sentence, and properties over random lives.
//!
//! Invariant: each arrow of the drawn life cycle has a sentence here, and so has each refusal.

mod later;
mod lives;

use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::{
    Aggregate, TaskId,
    testing::{NOW, context, fold, given},
};

const ID: TaskId = TaskId::new(Uuid::from_u128(5));

fn spec(max_attempts: u32) -> TaskSpec {
    TaskSpec {
        max_attempts,
        timeout_ms: 1_000,
        ..TaskSpec::new("echo", json!({"say": "hello"}))
    }
}

fn creation(max_attempts: u32) -> TaskCreated {
    TaskCreated::new(spec(max_attempts))
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

fn other(task: u128, when: When) -> Dependency {
    let task = TaskId::new(Uuid::from_u128(task));
    Dependency { task, when }
}

/// A task that comes after two others, and not before its time.
fn held(not_before: Option<crate::Timestamp>) -> TaskEvent {
    TaskEvent::Created(TaskCreated {
        after: vec![other(1, When::Succeeded), other(2, When::Ended)],
        not_before,
        ..creation(2)
    })
}

fn released() -> TaskEvent {
    TaskEvent::Released(TaskReleased {})
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
    TaskEvent::CancelRequested(TaskCancelRequested::default())
}

fn cancel() -> TaskCommand {
    TaskCommand::Cancel(TaskCancelRequested::default())
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
        TaskSpec {
            queue_timeout_ms: Some(0),
            ..spec(1)
        },
        TaskSpec {
            silence_timeout_ms: Some(TIMEOUT_MAX_MS + 1),
            ..spec(1)
        },
        TaskSpec {
            retry: Some(Backoff {
                cap_ms: 1,
                ..Backoff::default()
            }),
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
    given::<Task>([created()])
        .when(cancel())
        .then([cancelled(false)]);
    given::<Task>([scheduled()])
        .when(cancel())
        .then([cancelled(false)]);
    given::<Task>([created(), started(1), succeeded(1)])
        .when(cancel())
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
        .when(cancel())
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

fn timed(queue_ms: Option<u64>, total_ms: Option<u64>) -> TaskEvent {
    TaskEvent::Created(TaskCreated::new(TaskSpec {
        queue_timeout_ms: queue_ms,
        total_timeout_ms: total_ms,
        ..spec(2)
    }))
}

fn timed_out(limit: Limit) -> TaskEvent {
    TaskEvent::TimedOut(TaskTimedOut { limit })
}

fn refused(attempt: u32) -> TaskEvent {
    TaskEvent::ResultRefused(TaskResultRefused {
        attempt,
        error: None,
        output: Some(json!("late")),
        worker: "w1".into(),
    })
}
