//! Tasks that concern each other: with one uniqueness key, or created together.
//!
//! Invariant: of those that want one key at the same time one gets it, and a batch is there once or
//! not at all, whatever the log forgets to say.

use std::sync::atomic::Ordering;

use commands::{BatchError, CommandError, UniqueError};
use domain::{TaskId, task::TaskCreated};

use super::*;

fn unique(kind: &str) -> TaskCreated {
    TaskCreated {
        unique_key: Some("invoice 7".into()),
        ..TaskCreated::new(TaskSpec::new(kind, serde_json::json!({})))
    }
}

fn task(id: u128) -> TaskId {
    TaskId::new(Uuid::from_u128(id))
}

impl World {
    async fn make(&self, id: u128) -> Result<Receipt<Task>, UniqueError> {
        self.commands.create_task(ask(id, id), unique("echo")).await
    }

    async fn cancel(&self, id: u128, command: u128) {
        let done = self.commands.execute::<Task>(ask(id, command), cancel());
        done.await.expect("cancelled");
    }
}

#[tokio::test]
async fn an_open_task_keeps_its_key_and_no_lock_outlives_it() {
    let world = World::new();
    world.make(1).await.expect("made");
    let taken = world.make(2).await;
    assert!(
        matches!(taken, Err(UniqueError::KeyTaken(holder)) if holder == task(1)),
        "{taken:?}"
    );
    // Another kind, another key.
    let other = world.commands.create_task(ask(3, 3), unique("sleep"));
    other.await.expect("made");
    world.cancel(1, 11).await;
    world.make(4).await.expect("made");
    // Whoever asks again what was done already is told so, whoever has the key by now.
    let again = world.make(1).await.expect("answered");
    assert!(again.replayed);
}

#[tokio::test]
async fn what_is_put_back_needs_its_key_again() {
    let world = World::new();
    world.make(1).await.expect("made");
    world.cancel(1, 11).await;
    let back = world.commands.requeue_task(ask(1, 12)).await;
    assert_eq!(status(&back.expect("back")), Some(TaskStatus::Queued));
    world.cancel(1, 13).await;
    world.make(2).await.expect("made");
    let back = world.commands.requeue_task(ask(1, 14)).await;
    assert!(
        matches!(back, Err(UniqueError::KeyTaken(holder)) if holder == task(2)),
        "{back:?}"
    );
    world.cancel(2, 15).await;
    let back = world.commands.requeue_task(ask(1, 16)).await;
    assert_eq!(status(&back.expect("back")), Some(TaskStatus::Queued));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_want_a_key_at_once_one_gets_it() {
    for round in 0..20_u128 {
        let world = World::new();
        // One that has ended could be put back, while others want what was its key.
        world.make(1).await.expect("made");
        world.cancel(1, 11).await;
        let processes: Vec<_> = (0..6)
            .map(|_| World::process(&world.log, &world.clock))
            .collect();
        let wanting = processes.iter().zip(100 * round + 100..);
        let wanting = wanting.map(|(process, id)| async move {
            if id % 6 == round % 6 {
                process.requeue_task(ask(1, id)).await
            } else {
                process.create_task(ask(id, id), unique("echo")).await
            }
        });
        let answers = futures::future::join_all(wanting).await;
        let got = answers.iter().filter(|answer| answer.is_ok()).count();
        assert_eq!(got, 1, "{answers:?}");
        for refused in answers.iter().filter_map(|answer| answer.as_ref().err()) {
            let said = matches!(
                refused,
                UniqueError::KeyTaken(_) | UniqueError::Command(CommandError::Contended)
            );
            assert!(said, "{refused:?}");
        }
    }
}

#[tokio::test]
async fn a_batch_is_there_once_whatever_the_log_forgets() {
    let world = World::new();
    let tasks = || vec![TaskCreated::new(TaskSpec::new("echo", serde_json::json!(1))); 10];
    world.log.lost.store(1, Ordering::SeqCst);
    let made = world.commands.create_tasks(ask(7, 7), tasks()).await;
    let made = made.expect("made");
    assert!(made.replayed, "its first try was stored unheard");
    assert_eq!(world.commits().await, 10);
    let again = world.commands.create_tasks(ask(7, 7), tasks()).await;
    assert_eq!(again.expect("answered"), made);
    assert_eq!((world.commits().await, made.position), (10, Position(10)));
    let third = world
        .commands
        .state::<Task>(ask(7, 7).tenant, made.ids[2].uuid());
    let third = third.await.expect("read").expect("there").state;
    assert_eq!(third.batch, Some(Uuid::from_u128(7)));
    let mut other = ask(7, 7);
    other.fingerprint = Some(fingerprint(&[b"another request"]));
    let reused = world.commands.create_tasks(other, tasks()).await;
    assert!(
        matches!(reused, Err(BatchError::Command(CommandError::Reused))),
        "{reused:?}"
    );
}

#[tokio::test]
async fn of_a_batch_with_a_fault_nothing_is_stored() {
    let world = World::new();
    let mut tasks = vec![TaskCreated::new(TaskSpec::new("echo", serde_json::json!(1))); 3];
    tasks[1].spec.kind.clear();
    let refused = world.commands.create_tasks(ask(7, 7), tasks).await;
    let Err(BatchError::Rejected(rejected)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(rejected[0].0, 1);
    assert_eq!(world.commits().await, 0);
    let none = world.commands.create_tasks(ask(7, 7), vec![]).await;
    assert!(none.is_err());
}
