//! Claims an attempt in the log before anything is done.
//!
//! Invariant: only a claim that the log accepted leads to work; every other answer says what
//! becomes of the delivery, and none of them loses an attempt that could still be made.

use std::time::Duration;

use commands::{Ask, CommandError, Failure, Receipt};
use domain::{
    CommandId, Timestamp,
    task::{Task, TaskCommand, TaskRejection},
};
use event_log::Delivery;

use super::{Shared, conclude::Ended};
use crate::{backoff::backoff, handlers::error};

/// How often a claim is tried before the delivery goes back.
const TRIES: u32 = 4;
/// How long a delivery rests that could not be claimed now.
const REST: Duration = Duration::from_secs(5);

/// What a claim came to.
#[derive(Debug)]
pub(super) enum Claim {
    /// The attempt is another's, over, or never was: the delivery has done its duty.
    Gone,
    /// The attempt is this worker's; here is the task.
    Granted(Box<Task>),
    /// Not now; the delivery is to come again after this long.
    Later(Duration),
}

/// Claims the attempt of `delivery` for this worker.
pub(super) async fn claim(shared: &Shared, delivery: &Delivery) -> Claim {
    let item = &delivery.item;
    let command = TaskCommand::Start {
        attempt: item.attempt,
        worker: shared.name.clone(),
    };
    let ask = Ask::new(
        Shared::actor(),
        item.tenant,
        item.task.uuid(),
        CommandId::new(shared.ids.next()),
    );
    for failures in 1..=TRIES {
        let executed = shared
            .commands
            .execute::<Task>(ask.clone(), command.clone())
            .await;
        match executed {
            // Also if it changed nothing: then an earlier claim of this worker was stored unheard.
            Ok(Receipt {
                state: Some(task), ..
            }) => return Claim::Granted(Box::new(task)),
            Err(CommandError::Rejected(TaskRejection::NotYourAttempt(_)))
                if delivery.redelivered > 0 =>
            {
                return inherit(shared, delivery).await;
            }
            Err(CommandError::Rejected(TaskRejection::NotDue(at))) => {
                return Claim::Later(until(shared.clock.now(), at));
            }
            Ok(_) | Err(CommandError::Rejected(_)) => return Claim::Gone,
            Err(CommandError::Failed(
                reason @ (Failure::Corrupt(_) | Failure::Refused(_) | Failure::TooLarge { .. }),
            )) => {
                tracing::error!(task = %item.task, tenant = %item.tenant, %reason,
                    "a task cannot be read: it is left alone");
                return Claim::Gone;
            }
            Err(reason) => {
                tracing::debug!(task = %item.task, %reason, "not claimed yet: trying on");
                tokio::time::sleep(backoff(failures)).await;
            }
        }
    }
    Claim::Later(REST)
}

/// A delivery that comes again while its attempt runs: whoever had it before went silent, or gave
/// a second copy back. A worker that does not say that it is at it has its attempt ended in its
/// name. Should it live after all, the log refuses what it has to say.
async fn inherit(shared: &Shared, delivery: &Delivery) -> Claim {
    let item = &delivery.item;
    let state = shared
        .commands
        .state::<Task>(item.tenant, item.task.uuid())
        .await;
    let Ok(state) = state else {
        return Claim::Later(REST);
    };
    let lost = state.as_ref().and_then(|current| {
        let running = current.state.running()?;
        let same = running.number == item.attempt && running.worker != shared.name;
        same.then(|| running.worker.clone())
    });
    let Some(worker) = lost else {
        return Claim::Gone;
    };
    if shared.work.is_at(&worker, item).await {
        return Claim::Later(REST);
    }
    tracing::warn!(task = %item.task, tenant = %item.tenant, lost = %worker,
        "a worker went silent: its attempt is ended for it");
    let error = error("worker_lost", "the worker that ran it went silent", true);
    let command = TaskCommand::Fail {
        attempt: item.attempt,
        error,
        id: item.task,
        worker,
    };
    match shared.conclude(item, command).await {
        Ended::Committed | Ended::Refused => Claim::Gone,
        Ended::Unheard => Claim::Later(REST),
    }
}

/// How long from `now` to `at`, but no longer than a delivery may rest on the queue.
fn until(now: Timestamp, at: Timestamp) -> Duration {
    let ms = at.since_ms(now).max(1);
    Duration::from_millis(ms as u64).min(REST)
}
