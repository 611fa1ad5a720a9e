//! One attempt, from its delivery to its end.
//!
//! Invariant: the handler runs in a task of its own, so that its panic, its blocking or its refusal
//! to stop cannot keep the attempt from ending.

use std::{sync::Arc, time::Duration};

use domain::{
    LogLevel,
    task::{AttemptResult, Task, TaskCommand, TaskError},
};
use event_log::{Delivery, WorkItem};
use tokio::{task::JoinError, time::Instant};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{
    HEARTBEAT, STOP_GRACE, Shared,
    cancels::Listener,
    claim::{Claim, claim},
    conclude::Ended,
    delivery::Held,
};
use crate::{
    handlers::{AttemptContext, Handler, Outcome, error},
    report::Reporter,
};

/// How long a handler that is handed back may take to stop.
const HAND_BACK_GRACE: Duration = Duration::from_secs(1);
/// How long a delivery rests whose end could not be committed, or whose attempt is in hand.
const REST: Duration = Duration::from_secs(5);

/// What is said of a handler that showed no sign of life.
const SILENT: &str = "the handler showed no sign of life for longer than it may";

/// Why a handler was asked to stop.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stop {
    /// Somebody cancelled the task, and gives the handler so long.
    Cancelled { grace: Duration },
    /// This worker must go.
    Draining,
    /// The attempt is no longer this worker's.
    Fenced,
    /// It showed no sign of life.
    Silent,
    /// Its time is up.
    TimedOut,
}

impl Stop {
    const fn words(self) -> &'static str {
        match self {
            Self::Cancelled { .. } => "asked to stop: the task was cancelled",
            Self::Draining => "asked to stop: the worker ends, another will make the attempt",
            Self::Fenced => "asked to stop: the attempt is not this worker's any more",
            Self::Silent => "asked to stop: it showed no sign of life",
            Self::TimedOut => "asked to stop: the attempt took longer than its timeout",
        }
    }
}

/// How a handler ended.
#[derive(Debug)]
enum Finish {
    /// By itself.
    Itself(Result<Outcome, JoinError>),
    /// After it was asked to, perhaps by force; with what it said last.
    Stopped {
        forced: bool,
        last: Option<Outcome>,
        stop: Stop,
    },
}

/// Makes the attempt that `delivery` asks for, unless the log says no.
pub(super) async fn make(shared: Arc<Shared>, delivery: Delivery) {
    let item = delivery.item.clone();
    let Some(_in_hand) = shared.hands.take(&item) else {
        return Held::new(delivery, &shared.deliveries).hand_back(REST);
    };
    if !shared.serves(&item) {
        let pause = shared.leave(&delivery);
        return Held::new(delivery, &shared.deliveries).hand_back(pause);
    }
    // Listening begins before the claim, so that no cancellation falls between the two.
    let listener = shared.cancels.listen(item.task);
    let claimed = claim(&shared, &delivery).await;
    let held = Held::new(delivery, &shared.deliveries);
    let task = match claimed {
        Claim::Granted(task) => task,
        Claim::Gone => return held.done(),
        Claim::Later(delay) => return held.hand_back(delay),
    };
    let mut late = None;
    let command = if let Some(handler) = shared.handlers.get(&task.spec.kind) {
        let finish = supervise(&shared, &item, *task, handler, &listener).await;
        late = result(&finish);
        end(&shared.name, &item, finish)
    } else {
        // Its kind was not known before the claim: an earlier version queued it.
        tokio::time::sleep(REST).await;
        Some(TaskCommand::HandBack {
            attempt: item.attempt,
            worker: shared.name.clone(),
        })
    };
    let ended = match command {
        Some(command) => shared.conclude(&item, command).await,
        None => Ended::Refused,
    };
    if let Some(late) = late.filter(|_| ended == Ended::Refused) {
        shared.testify(&item, late).await;
    }
    match ended {
        Ended::Committed | Ended::Refused => held.done(),
        Ended::Unheard => held.hand_back(REST),
    }
}

async fn supervise(
    shared: &Shared,
    item: &WorkItem,
    task: Task,
    handler: Arc<dyn Handler>,
    listener: &Listener,
) -> Finish {
    let context = AttemptContext {
        attempt: item.attempt,
        cancel: CancellationToken::new(),
        deadline: Instant::now() + Duration::from_millis(task.spec.timeout_ms),
        report: shared.logs.report(Reporter {
            attempt: item.attempt,
            task: item.task,
            tenant: item.tenant,
        }),
        task: item.task,
        tenant: item.tenant,
    };
    let (cancel, deadline, report) = (
        context.cancel.clone(),
        context.deadline,
        context.report.clone(),
    );
    let silence = task.spec.silence_timeout_ms.map(Duration::from_millis);
    let silent = report.pulse().silent_for(silence);
    let payload = Arc::unwrap_or_clone(task.spec.payload);
    let running = tokio::spawn(async move { handler.run(payload, &context).await });
    let mut running = AbortOnDropHandle::new(running);
    let stop = tokio::select! {
        outcome = &mut running => return Finish::Itself(outcome),
        stop = reason_to_stop(shared, item, deadline, listener) => stop,
        () = silent => Stop::Silent,
    };
    let asked = Instant::now();
    report.log(LogLevel::Warn, stop.words());
    cancel.cancel();
    let grace = match stop {
        Stop::Draining | Stop::Fenced => HAND_BACK_GRACE,
        Stop::Cancelled { grace } => grace,
        Stop::Silent | Stop::TimedOut => STOP_GRACE,
    };
    let stopped = tokio::select! {
        biased;
        outcome = &mut running => Some(outcome),
        () = tokio::time::sleep(grace) => None,
        () = insisted(shared, item, asked, listener) => None,
    };
    if stopped.is_none() {
        running.abort();
        report.log(LogLevel::Error, "it did not stop and is ended by force");
        // It ends at its next await; one that blocks its thread is left behind.
        let _aborted = tokio::time::timeout(HAND_BACK_GRACE, &mut running).await;
    }
    Finish::Stopped {
        forced: stopped.is_none(),
        last: stopped.and_then(Result::ok),
        stop,
    }
}

/// Waits until the handler must stop.
async fn reason_to_stop(
    shared: &Shared,
    item: &WorkItem,
    deadline: Instant,
    listener: &Listener,
) -> Stop {
    let mut heartbeat = tokio::time::interval(HEARTBEAT);
    heartbeat.tick().await;
    let looking = async {
        loop {
            tokio::select! {
                () = listener.hinted() => {}
                _ = heartbeat.tick() => {}
            }
            if let Some(stop) = look(shared, item).await {
                return stop;
            }
        }
    };
    tokio::select! {
        () = shared.draining.cancelled() => Stop::Draining,
        () = tokio::time::sleep_until(deadline) => Stop::TimedOut,
        stop = looking => stop,
    }
}

/// Waits until somebody leaves the handler no more time.
async fn insisted(shared: &Shared, item: &WorkItem, asked: Instant, listener: &Listener) {
    loop {
        listener.hinted().await;
        if let Some(Stop::Cancelled { grace }) = look(shared, item).await {
            return tokio::time::sleep_until(asked + grace).await;
        }
    }
}

/// Asks the log whether the attempt still is this worker's and still wanted.
async fn look(shared: &Shared, item: &WorkItem) -> Option<Stop> {
    let state = shared
        .commands
        .state::<Task>(item.tenant, item.task.uuid())
        .await;
    // While the log is away nobody else can have taken over either.
    let task = state.ok()??.state;
    let mine = task
        .running()
        .is_some_and(|running| running.number == item.attempt && running.worker == shared.name);
    if !mine {
        return Some(Stop::Fenced);
    }
    let request = task.cancel_requested?;
    let grace = Duration::from_millis(request.grace_ms());
    Some(Stop::Cancelled { grace })
}

/// The commit that says how the attempt ended; none if it is not this worker's to say.
fn end(worker: &str, item: &WorkItem, finish: Finish) -> Option<TaskCommand> {
    let attempt = item.attempt;
    let worker = worker.to_owned();
    Some(match finish {
        Finish::Itself(Ok(Outcome::Done(output)))
        | Finish::Stopped {
            last: Some(Outcome::Done(output)),
            stop: Stop::Cancelled { .. } | Stop::Draining,
            ..
        } => TaskCommand::Succeed {
            attempt,
            output,
            worker,
        },
        Finish::Itself(Ok(Outcome::Fail(found) | Outcome::Retry(found))) => {
            fail(&worker, item, found)
        }
        Finish::Itself(Err(panic)) => fail(&worker, item, error("panic", words(panic), true)),
        Finish::Stopped { forced, stop, .. } => match stop {
            Stop::Cancelled { .. } => TaskCommand::ConfirmCancel {
                attempt,
                forced,
                worker,
            },
            Stop::Draining => TaskCommand::HandBack { attempt, worker },
            Stop::Fenced => return None,
            Stop::Silent => fail(&worker, item, error("silent", SILENT, true)),
            Stop::TimedOut => fail(&worker, item, error("timeout", timed_out(forced), true)),
        },
    })
}

/// What the handler itself came to, should it not count.
fn result(finish: &Finish) -> Option<AttemptResult> {
    let (Finish::Itself(Ok(outcome))
    | Finish::Stopped {
        last: Some(outcome),
        ..
    }) = finish
    else {
        return None;
    };
    match outcome {
        Outcome::Done(output) => Some(AttemptResult::Succeeded(Some(output.clone()))),
        stopped if *stopped == Outcome::stopped() => None,
        Outcome::Fail(error) | Outcome::Retry(error) => Some(AttemptResult::Failed(error.clone())),
    }
}

fn fail(worker: &str, item: &WorkItem, error: TaskError) -> TaskCommand {
    TaskCommand::Fail {
        attempt: item.attempt,
        error,
        id: item.task,
        worker: worker.to_owned(),
    }
}

fn timed_out(forced: bool) -> &'static str {
    if forced {
        "the attempt took longer than its timeout and was ended by force"
    } else {
        "the attempt took longer than its timeout"
    }
}

/// What a panic said.
fn words(panic: JoinError) -> String {
    let said = panic.try_into_panic().ok().and_then(|payload| {
        let text = payload.downcast_ref::<&str>().map(ToString::to_string);
        text.or_else(|| payload.downcast_ref::<String>().cloned())
    });
    said.unwrap_or_else(|| "the handler panicked".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{TaskId, TenantId};
    use event_log::Version;
    use uuid::Uuid;

    const CANCELLED: Stop = Stop::Cancelled {
        grace: Duration::ZERO,
    };

    fn item() -> WorkItem {
        WorkItem {
            attempt: 1,
            kind: "echo".to_owned(),
            task: TaskId::new(Uuid::from_u128(1)),
            tenant: TenantId::new(Uuid::from_u128(2)),
            version: Version(1),
        }
    }

    fn stopped(stop: Stop, forced: bool, last: Option<Outcome>) -> Option<TaskCommand> {
        end("w", &item(), Finish::Stopped { forced, last, stop })
    }

    fn code(command: Option<TaskCommand>) -> String {
        match command {
            Some(TaskCommand::Fail { error, .. }) => error.code,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn who_stops_on_request_is_cancelled_and_who_was_done_has_succeeded() {
        let by_itself = stopped(CANCELLED, false, Some(Outcome::stopped()));
        assert!(matches!(
            by_itself,
            Some(TaskCommand::ConfirmCancel { forced: false, .. })
        ));
        let by_force = stopped(CANCELLED, true, None);
        assert!(matches!(
            by_force,
            Some(TaskCommand::ConfirmCancel { forced: true, .. })
        ));
        let done = || Some(Outcome::Done(serde_json::Value::Null));
        let succeeded = stopped(CANCELLED, false, done());
        assert!(matches!(succeeded, Some(TaskCommand::Succeed { .. })));
        assert_eq!(code(stopped(Stop::TimedOut, false, done())), "timeout");
        assert_eq!(code(stopped(Stop::Silent, true, None)), "silent");
    }

    #[test]
    fn who_must_go_hands_back_and_who_was_fenced_says_nothing() {
        let handed_back = stopped(Stop::Draining, true, None);
        assert!(matches!(handed_back, Some(TaskCommand::HandBack { .. })));
        assert!(stopped(Stop::Fenced, false, None).is_none());
    }

    #[test]
    fn what_a_handler_came_to_is_known_unless_it_only_stopped() {
        let of = |last| {
            result(&Finish::Stopped {
                forced: false,
                last,
                stop: Stop::Fenced,
            })
        };
        assert_eq!(of(Some(Outcome::stopped())), None);
        assert_eq!(of(None), None);
        let done = Outcome::Done(serde_json::Value::Null);
        let output = Some(serde_json::Value::Null);
        assert_eq!(of(Some(done)), Some(AttemptResult::Succeeded(output)));
    }

    #[tokio::test]
    async fn a_panic_is_an_error_with_its_words() {
        let panic = tokio::spawn(async { panic!("three {}", "words") }).await;
        let finish = Finish::Itself(panic);
        let Some(TaskCommand::Fail { error, .. }) = end("w", &item(), finish) else {
            panic!("a failure");
        };
        assert_eq!(
            (error.code.as_str(), error.message.as_str()),
            ("panic", "three words")
        );
    }
}
