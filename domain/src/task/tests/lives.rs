//! Properties over random lives.
//!
//! Invariant: whatever is asked of a task, and whatever its events are, it stays one that the rules
//! allow.

use proptest::prelude::*;

use super::*;
use crate::laws::live;

fn any_command() -> impl Strategy<Value = TaskCommand> {
    let worker = prop::sample::select(vec!["w1", "w2"]).prop_map(str::to_owned);
    (1_u32..4, worker, any::<bool>(), 0..13_u8).prop_map(|(attempt, worker, flag, which)| {
        match which {
            0 => TaskCommand::Cancel(TaskCancelRequested {
                mode: flag.then_some(CancelMode::Forced),
                ..TaskCancelRequested::because(flag.then(|| "enough".to_owned()))
            }),
            1 => TaskCommand::ConfirmCancel {
                attempt,
                forced: flag,
                worker,
            },
            2 => TaskCommand::Create(TaskCreated {
                after: flag.then(|| other(1, When::Ended)).into_iter().collect(),
                unique_key: flag.then(|| "one".to_owned()),
                spec: TaskSpec {
                    queue_timeout_ms: flag.then_some(3_000),
                    total_timeout_ms: Some(9_000),
                    ..spec(attempt)
                },
                ..creation(attempt)
            }),
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
            7 => TaskCommand::Release,
            8 => TaskCommand::TimeOut(if flag { Limit::Total } else { Limit::Waiting }),
            9 => TaskCommand::RefuseResult {
                attempt,
                result: AttemptResult::Succeeded(flag.then(|| json!(1))),
                worker,
            },
            10 => TaskCommand::RequeueUnique,
            11 => TaskCommand::Start { attempt, worker },
            _ => TaskCommand::Succeed {
                attempt,
                output: json!(1),
                worker,
            },
        }
    })
}

proptest! {
    #[test]
    fn any_life_is_valid_at_every_step(commands in prop::collection::vec(any_command(), 0..40)) {
        live::<Task>(&commands)?;
    }

    #[test]
    fn evolve_takes_any_events_in_any_order(picks in prop::collection::vec(0..18_usize, 0..30)) {
        let pool = [
            created(), scheduled(), started(1), started(2), failed_attempt(1, true),
            retry_scheduled(), requested(), cancelled(true), succeeded(1),
            TaskEvent::Died(TaskDied { attempts: 2 }), TaskEvent::Requeued(TaskRequeued {}),
            TaskEvent::HandedBack(TaskHandedBack { attempt: 1, worker: "w1".into() }),
            TaskEvent::Failed(TaskFailed { attempt: 1 }),
            TaskEvent::SlotSkipped(TaskSlotSkipped {
                origin: slot(),
                reason: SkipReason::Overlap,
            }),
            held(Some(NOW.plus_ms(1))), released(),
            TaskEvent::TimedOut(TaskTimedOut { limit: Limit::Total }), refused(1),
        ];
        let events: Vec<_> = picks.into_iter().map(|pick| pool[pick].clone()).collect();
        if let Some(task) = fold::<Task>(None, &events) {
            prop_assert_eq!(task.finished_at.is_some(), task.status.is_final());
        }
    }
}
