//! What a task waits for now.
//!
//! Invariant: a task that waits has a reason; one that does not has none.

use domain::{
    Timestamp,
    task::{Dependency, Standing, Task, TaskStatus, When},
};
use projections::tasks::Ahead;
use schemas::api::{WaitCode, WaitReason};

/// What must be known beside the task itself.
pub(super) struct Facts {
    /// What is before it in the queue.
    pub ahead: Ahead,
    /// How many tasks its tenant lets run at a time.
    pub at_once: Option<u32>,
    /// What has become of the tasks that it is held back for.
    pub dependencies: Vec<(Dependency, Option<TaskStatus>)>,
    /// What time it is.
    pub now: Timestamp,
}

pub(super) fn of(task: &Task, facts: &Facts) -> Vec<WaitReason> {
    match (task.status, task.due_at) {
        (TaskStatus::Scheduled, _) if task.held => held(task, facts),
        (TaskStatus::Scheduled, Some(due_at)) if due_at > facts.now => {
            vec![until(
                WaitCode::NotBefore,
                due_at,
                format!("it is not to start before {due_at}"),
            )]
        }
        (TaskStatus::Retrying, Some(due_at)) if due_at > facts.now => {
            let code = task
                .error
                .as_ref()
                .map_or("an error", |error| error.code.as_str());
            let attempt = task.attempts();
            let words = format!("attempt {attempt} failed ({code}); the next is due at {due_at}");
            vec![until(WaitCode::RetryBackoff, due_at, words)]
        }
        (TaskStatus::Queued | TaskStatus::Retrying | TaskStatus::Scheduled, _) => {
            queued(task, facts)
        }
        _ => Vec::new(),
    }
}

fn held(task: &Task, facts: &Facts) -> Vec<WaitReason> {
    let open = facts
        .dependencies
        .iter()
        .filter(|(first, status)| first.standing(*status) != Standing::Holds);
    let mut reasons: Vec<_> = open
        .map(|(first, status)| {
            let wanted = match first.when {
                When::Ended => "ended",
                When::Succeeded => "succeeded",
            };
            let is = status.map_or("does not exist".to_owned(), |status| {
                format!("is {}", status.name())
            });
            WaitReason {
                task: Some(first.task),
                ..reason(
                    WaitCode::Dependency,
                    format!("task {} must have {wanted}; it {is}", first.task),
                )
            }
        })
        .collect();
    if reasons.is_empty() {
        let words = "the tasks before it are as they must be; the scheduler is about to let it go";
        reasons.push(reason(WaitCode::Dependency, words.to_owned()));
    }
    if let Some(at) = task.not_before.filter(|at| *at > facts.now) {
        let words = format!("it is not to start before {at}");
        reasons.push(until(WaitCode::NotBefore, at, words));
    }
    reasons
}

fn queued(task: &Task, facts: &Facts) -> Vec<WaitReason> {
    let mut reasons = Vec::new();
    let ahead = facts.ahead;
    if let Some(at_once) = facts
        .at_once
        .filter(|most| ahead.running >= u64::from(*most))
    {
        let words = format!(
            "{} tasks of its tenant run, and no more than {at_once} may at a time",
            ahead.running
        );
        reasons.push(count(WaitCode::TenantLimit, ahead.running, words));
    }
    if ahead.more_urgent > 0 {
        let words = format!("{} of higher priority are before it", ahead.more_urgent);
        reasons.push(count(WaitCode::HigherPriority, ahead.more_urgent, words));
    }
    if ahead.longer > 0 {
        let words = format!("{} of its priority have waited longer", ahead.longer);
        reasons.push(count(WaitCode::EarlierTasks, ahead.longer, words));
    }
    let words = format!(
        "no worker that does {} has taken it yet; {} of that kind run",
        task.spec.kind, ahead.running_of_kind
    );
    reasons.push(count(WaitCode::Worker, ahead.running_of_kind, words));
    reasons
}

fn reason(code: WaitCode, words: String) -> WaitReason {
    WaitReason {
        code,
        words,
        until: None,
        task: None,
        count: None,
    }
}

fn until(code: WaitCode, at: Timestamp, words: String) -> WaitReason {
    WaitReason {
        until: Some(at),
        ..reason(code, words)
    }
}

fn count(code: WaitCode, count: u64, words: String) -> WaitReason {
    WaitReason {
        count: Some(count),
        ..reason(code, words)
    }
}
