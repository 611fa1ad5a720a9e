//! Many aggregates that begin at once.
//!
//! Invariant: each has the answer that it would have had alone, and its effect once.

use std::sync::atomic::Ordering;

use commands::{Ask, CommandError, Failure};
use domain::task::{Priority, Task, TaskCommand, TaskRejection, TaskStatus};
use event_log::Version;

use crate::{World, ask, create, status};

/// More than are run one by one.
const MANY: u128 = 200;

fn births() -> Vec<(Ask, TaskCommand)> {
    let fresh = |id| Ask {
        fresh: true,
        ..ask(id, id)
    };
    (1..=MANY).map(|id| (fresh(id), create())).collect()
}

#[tokio::test]
async fn all_are_written_and_each_is_told_where() {
    let world = World::new();
    let answers = world.commands.begin_all::<Task>(&births()).await;
    let receipts: Vec<_> = (answers.into_iter())
        .map(|answer| answer.expect("done"))
        .collect();
    let positions: Vec<_> = receipts
        .iter()
        .map(|it| u128::from(it.position.0))
        .collect();
    assert_eq!(positions, (1..=MANY).collect::<Vec<_>>());
    let queued = Some(TaskStatus::Queued);
    assert!(receipts.iter().all(|it| it.changed && status(it) == queued));
    assert!(receipts.iter().all(|it| it.version == Version(1)));
}

#[tokio::test]
async fn one_that_was_there_stops_none_of_its_neighbours() {
    let world = World::new();
    let TaskCommand::Create(mut other) = create() else {
        panic!("a creation");
    };
    other.spec.priority = Priority::High;
    let other = TaskCommand::Create(other);
    let taken = 77;
    let before = world
        .commands
        .execute::<Task>(ask(taken, 9_000), other)
        .await;
    before.expect("done");
    let answers = world.commands.begin_all::<Task>(&births()).await;
    for ((ask, _), answer) in births().iter().zip(&answers) {
        if ask.id.as_u128() == taken {
            let refused = Err(&TaskRejection::AlreadyExists);
            let said = answer.as_ref().map(|_| ()).map_err(|error| match error {
                CommandError::Rejected(reason) => reason,
                other => panic!("{other}"),
            });
            assert_eq!(said, refused);
        } else {
            assert!(answer.as_ref().is_ok_and(|it| it.changed), "{answer:?}");
        }
    }
    assert_eq!(u128::from(world.commits().await), MANY);
}

#[tokio::test]
async fn a_lost_acknowledgement_of_all_is_found_again_by_each() {
    let world = World::new();
    world.log.lost.store(1, Ordering::SeqCst);
    for answer in world.commands.begin_all::<Task>(&births()).await {
        assert!(answer.expect("done").replayed);
    }
    assert_eq!(u128::from(world.commits().await), MANY);
}

#[tokio::test]
async fn a_log_that_takes_nothing_is_told_to_each_and_asked_once() {
    let world = World::new();
    world.log.full.store(1, Ordering::SeqCst);
    for answer in world.commands.begin_all::<Task>(&births()).await {
        let told = matches!(&answer, Err(CommandError::Failed(Failure::Unavailable(_))));
        assert!(told, "{answer:?}");
    }
    assert_eq!(world.commits().await, 0);
}

#[tokio::test]
async fn what_may_be_stored_is_never_said_to_be_undone() {
    let world = World::new();
    world.log.lost.store(1, Ordering::SeqCst);
    world
        .log
        .unreachable
        .store(births().len(), Ordering::SeqCst);
    for answer in world.commands.begin_all::<Task>(&births()).await {
        let unknown = matches!(&answer, Err(CommandError::Failed(Failure::Unknown(_))));
        assert!(unknown, "{answer:?}");
    }
    assert_eq!(u128::from(world.commits().await), MANY);
}
