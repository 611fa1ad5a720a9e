//! What holds a task back, what ends it before its time, and what comes too late.
//!
//! Invariant: each rule that can say no has a sentence here in which it does.

use super::*;

#[test]
fn what_comes_after_others_is_held_back_until_it_is_released() {
    given::<Task>([held(None)])
        .when(start(1))
        .rejected(&TaskRejection::Held);
    given::<Task>([held(None)])
        .when(TaskCommand::Release)
        .then([released()]);
    given::<Task>([held(None), released()])
        .when(start(1))
        .then([started(1)]);
    given::<Task>([created()])
        .when(TaskCommand::Release)
        .then([]);
    given::<Task>([held(None)])
        .when(cancel())
        .then([cancelled(false)]);
    given::<Task>([held(None), cancelled(false)])
        .when(TaskCommand::Release)
        .rejected(&TaskRejection::Ended("cancelled"));
    let waits = fold::<Task>(None, &[held(None)]).expect("a task");
    assert_eq!((waits.status, waits.due_at), (TaskStatus::Scheduled, None));
}

#[test]
fn what_is_released_before_its_time_still_waits_for_it() {
    let due_at = NOW.plus_ms(60_000);
    given::<Task>([held(Some(due_at)), released()])
        .when(start(1))
        .rejected(&TaskRejection::NotDue(due_at));
    given::<Task>([held(Some(due_at)), released()])
        .when_at(due_at, start(1))
        .then([started(1)]);
    given::<Task>([held(Some(NOW)), released()])
        .when(start(1))
        .then([started(1)]);
}

#[test]
fn a_task_waits_for_neither_itself_nor_anything_twice() {
    // The context is about task 7.
    let twice = vec![other(1, When::Ended), other(1, When::Succeeded)];
    let many = (10..=10 + DEPENDENCIES_MAX as u128).map(|id| other(id, When::Ended));
    for after in [vec![other(7, When::Ended)], twice, many.collect()] {
        let create = TaskCommand::Create(TaskCreated {
            after,
            ..creation(1)
        });
        let decision = Task::decide(None, &create, &context(NOW));
        assert!(
            matches!(decision, Err(TaskRejection::Invalid(reason)) if reason.starts_with("after ")),
            "{decision:?}"
        );
    }
}

#[test]
fn a_dependency_holds_is_open_or_is_void() {
    for status in TaskStatus::ALL {
        let (succeeded, ended) = (other(1, When::Succeeded), other(1, When::Ended));
        let expected = match status {
            TaskStatus::Succeeded => (Standing::Holds, Standing::Holds),
            status if status.is_final() => (Standing::Void, Standing::Holds),
            _ => (Standing::Open, Standing::Open),
        };
        let found = (
            succeeded.standing(Some(status)),
            ended.standing(Some(status)),
        );
        assert_eq!(found, expected, "{}", status.name());
    }
    assert_eq!(other(1, When::Ended).standing(None), Standing::Void);
}

#[test]
fn what_no_worker_takes_in_time_has_failed() {
    let waiting = || TaskCommand::TimeOut(Limit::Waiting);
    let deadline = NOW.plus_ms(500);
    given::<Task>([timed(Some(500), None)])
        .when(waiting())
        .rejected(&TaskRejection::NotDue(deadline));
    given::<Task>([timed(Some(500), None)])
        .when_at(deadline, waiting())
        .then([timed_out(Limit::Waiting)]);
    // It waits no more, or has no such limit.
    given::<Task>([timed(Some(500), None), started(1)])
        .when_at(deadline, waiting())
        .then([]);
    given::<Task>([created()])
        .when_at(deadline, waiting())
        .then([]);
    let ended = fold::<Task>(None, &[timed(Some(500), None), timed_out(Limit::Waiting)]);
    let ended = ended.expect("a task");
    assert_eq!(ended.status, TaskStatus::Failed);
    assert_eq!(ended.error.expect("an error").code, "queue_timeout");
}

#[test]
fn the_whole_task_has_a_limit_from_when_it_was_last_put_into_the_queue() {
    let total = || TaskCommand::TimeOut(Limit::Total);
    let deadline = NOW.plus_ms(900);
    given::<Task>([timed(None, Some(900)), started(1)])
        .when_at(deadline, total())
        .then([timed_out(Limit::Total)]);
    // Whoever wanted it cancelled is told so.
    given::<Task>([timed(None, Some(900)), started(1), requested()])
        .when_at(deadline, total())
        .then([cancelled(false)]);
    given::<Task>([timed(None, Some(900)), started(1), succeeded(1)])
        .when_at(deadline, total())
        .rejected(&TaskRejection::Ended("succeeded"));
    let requeued = TaskEvent::Requeued(TaskRequeued {});
    let task = [timed(Some(500), Some(900)), timed_out(Limit::Total)];
    let task = fold::<Task>(None, &task);
    let task = Task::evolve(task, &requeued, deadline).expect("a task");
    assert_eq!(task.deadline(Limit::Total), Some(deadline.plus_ms(900)));
    let first = Some((Limit::Waiting, deadline.plus_ms(500)));
    assert_eq!(task.next_deadline(), first);
}

#[test]
fn only_a_more_insistent_request_replaces_another() {
    let insist = |mode, grace_ms| TaskCancelRequested {
        mode,
        grace_ms,
        ..TaskCancelRequested::default()
    };
    let asked = |request: &TaskCancelRequested| TaskEvent::CancelRequested(request.clone());
    let (soft, hard) = (
        insist(None, Some(5_000)),
        insist(Some(CancelMode::Forced), None),
    );
    given::<Task>([created(), started(1), requested()])
        .when(TaskCommand::Cancel(soft.clone()))
        .then([asked(&soft)]);
    given::<Task>([created(), started(1), asked(&soft)])
        .when(TaskCommand::Cancel(hard.clone()))
        .then([asked(&hard)]);
    given::<Task>([created(), started(1), asked(&hard)])
        .when(TaskCommand::Cancel(soft))
        .then([]);
    let long = insist(None, Some(GRACE_MAX_MS + 1));
    let decision = Task::decide(
        fold(None, &[created(), started(1)]).as_ref(),
        &TaskCommand::Cancel(long),
        &context(NOW),
    );
    assert!(matches!(decision, Err(TaskRejection::Invalid(_))));
}

#[test]
fn a_late_result_is_kept_once_and_changes_nothing() {
    let late = |attempt| TaskCommand::RefuseResult {
        attempt,
        result: AttemptResult::Succeeded(Some(json!("late"))),
        worker: "w1".into(),
    };
    let second = [
        created(),
        started(1),
        failed_attempt(1, true),
        retry_scheduled(),
        started(2),
    ];
    given::<Task>(second.clone())
        .when(late(1))
        .then([refused(1)]);
    given::<Task>(second.clone())
        .when(late(2))
        .rejected(&TaskRejection::NotLate(2));
    given::<Task>([created(), started(1), succeeded(1)])
        .when(late(1))
        .rejected(&TaskRejection::NotLate(1));
    let before = fold::<Task>(None, &second).expect("a task");
    let after = Task::evolve(Some(before.clone()), &refused(1), NOW.plus_ms(9)).expect("a task");
    assert_eq!(after.late.len(), 1);
    let late = Vec::new();
    assert_eq!(Task { late, ..after }, before);
}

#[test]
fn a_uniqueness_key_is_claimed_anew_when_its_task_is_put_back() {
    let unique = || {
        TaskEvent::Created(TaskCreated {
            unique_key: Some("one".into()),
            ..creation(1)
        })
    };
    given::<Task>([unique(), cancelled(false)])
        .when(TaskCommand::Requeue)
        .rejected(&TaskRejection::KeyNeeded);
    given::<Task>([unique(), cancelled(false)])
        .when(TaskCommand::RequeueUnique)
        .then([TaskEvent::Requeued(TaskRequeued {})]);
    let create = TaskCommand::Create(TaskCreated {
        unique_key: Some(String::new()),
        ..creation(1)
    });
    let decision = Task::decide(None, &create, &context(NOW));
    assert!(matches!(decision, Err(TaskRejection::Invalid(_))));
}
