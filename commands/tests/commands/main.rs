//! The loop against a log that misbehaves in every way a log may.
//!
//! Invariant: whatever the log forgets to say, a command has its effect once and its asker the
//! truth.

mod births;
mod forgetful;
mod together;

use std::sync::{Arc, atomic::Ordering};

use commands::{Ask, CommandError, Commands, Failure, Receipt, fingerprint};
use domain::{
    Actor, CommandId, ParkedCommitId, TenantId, Timestamp,
    parked_commit::{ParkedCommit, ParkedCommitCommand},
    task::{Task, TaskCommand, TaskCreated, TaskRejection, TaskSpec, TaskStatus},
};
use event_log::{Entry, EventLog as _, NewCommit, Position, Version, seal};
use forgetful::Forgetful;
use runtime::{Clock, Ids};
use uuid::Uuid;

struct World {
    clock: Clock,
    commands: Commands,
    log: Forgetful,
}

impl World {
    fn new() -> Self {
        let log = Forgetful::new();
        let clock = Clock::manual(Timestamp::from_unix_ms(1_800_000_000_000));
        Self {
            commands: Self::process(&log, &clock),
            clock,
            log,
        }
    }

    /// Another process on the same log.
    fn process(log: &Forgetful, clock: &Clock) -> Commands {
        Commands::new(
            Arc::new(log.clone()),
            clock.clone(),
            Ids::new(clock.clone()),
        )
    }

    async fn commits(&self) -> u64 {
        self.log.head().await.expect("a head").position.0
    }
}

fn ask(id: u128, command: u128) -> Ask {
    let tenant = TenantId::new(Uuid::from_u128(1));
    let actor = Actor::System("test".into());
    Ask::new(
        actor,
        tenant,
        Uuid::from_u128(id),
        CommandId::new(Uuid::from_u128(command)),
    )
}

fn create() -> TaskCommand {
    let spec = TaskSpec {
        timeout_ms: 1_000,
        ..TaskSpec::new("echo", serde_json::json!({}))
    };
    TaskCommand::Create(TaskCreated::new(spec))
}

fn start(worker: &str) -> TaskCommand {
    TaskCommand::Start {
        attempt: 1,
        worker: worker.into(),
    }
}

fn cancel() -> TaskCommand {
    TaskCommand::Cancel(domain::task::TaskCancelRequested::default())
}

fn status(receipt: &Receipt<Task>) -> Option<TaskStatus> {
    receipt.state.as_ref().map(|task| task.status)
}

#[tokio::test]
async fn a_lost_acknowledgement_is_found_again() {
    let world = World::new();
    world.log.lost.store(1, Ordering::SeqCst);
    let fresh = Ask {
        fresh: true,
        ..ask(1, 1)
    };
    let receipt = world
        .commands
        .execute::<Task>(fresh, create())
        .await
        .expect("done");
    assert_eq!((receipt.version, receipt.replayed), (Version(1), true));
    assert_eq!(status(&receipt), Some(TaskStatus::Queued));
    assert_eq!(world.commits().await, 1);
}

#[tokio::test]
async fn what_cannot_be_resolved_is_said_to_be_unknown() {
    let world = World::new();
    world.log.lost.store(1, Ordering::SeqCst);
    world.log.unreachable.store(1, Ordering::SeqCst);
    let fresh = Ask {
        fresh: true,
        ..ask(1, 1)
    };
    let outcome = world
        .commands
        .execute::<Task>(fresh.clone(), create())
        .await;
    assert!(
        matches!(outcome, Err(CommandError::Failed(Failure::Unknown(_)))),
        "{outcome:?}"
    );
    let retried = world
        .commands
        .execute::<Task>(fresh, create())
        .await
        .expect("done");
    assert!(retried.replayed);
    assert_eq!(world.commits().await, 1);
}

#[tokio::test]
async fn the_last_try_is_looked_for_like_any_other() {
    let world = World::new();
    world.log.conflicts.store(4, Ordering::SeqCst);
    world.log.lost.store(1, Ordering::SeqCst);
    let receipt = world
        .commands
        .execute::<Task>(ask(1, 1), create())
        .await
        .expect("done");
    assert_eq!((receipt.version, receipt.replayed), (Version(1), true));
    assert_eq!(world.commits().await, 1);
}

#[tokio::test]
async fn what_was_not_heard_of_is_never_said_to_be_undone() {
    // The copy that was not answered may still be on its way, whatever is certain of the next.
    let heard_of_none = |log: &Forgetful| log.dropped.store(5, Ordering::SeqCst);
    let then_full = |log: &Forgetful| {
        log.dropped.store(1, Ordering::SeqCst);
        log.full.store(1, Ordering::SeqCst);
    };
    for misbehave in [heard_of_none as fn(&Forgetful), then_full] {
        let world = World::new();
        misbehave(&world.log);
        let outcome = world.commands.execute::<Task>(ask(1, 1), create()).await;
        assert!(
            matches!(outcome, Err(CommandError::Failed(Failure::Unknown(_)))),
            "{outcome:?}"
        );
    }
}

#[tokio::test]
async fn what_is_stored_but_cannot_be_read_again_is_not_said_to_be_undone() {
    let world = World::new();
    world.log.lost.store(1, Ordering::SeqCst);
    // Before the append, after it, and then to fold what was stored.
    world.log.reachable.store(2, Ordering::SeqCst);
    world.log.unreachable.store(1, Ordering::SeqCst);
    let outcome = world.commands.execute::<Task>(ask(1, 1), create()).await;
    assert!(
        matches!(outcome, Err(CommandError::Failed(Failure::Unknown(_)))),
        "{outcome:?}"
    );
    assert_eq!(world.commits().await, 1);
}

#[tokio::test]
async fn what_could_not_be_read_again_is_not_stored() {
    let world = World::new();
    let mut deep = serde_json::json!({});
    for _ in 0..200 {
        deep = serde_json::json!([deep]);
    }
    for payload in [deep, serde_json::json!("a\0b")] {
        let TaskCommand::Create(mut created) = create() else {
            panic!("creates");
        };
        created.spec.payload = payload.into();
        let create = TaskCommand::Create(created);
        let outcome = world.commands.execute::<Task>(ask(1, 1), create).await;
        assert!(
            matches!(outcome, Err(CommandError::Failed(Failure::Refused(_)))),
            "{outcome:?}"
        );
    }
    assert_eq!(world.commits().await, 0);
}

#[tokio::test]
async fn ids_that_are_alike_in_half_are_two_commands() {
    let world = World::new();
    let created = world.commands.execute::<Task>(ask(1, 1), create()).await;
    created.expect("done");
    let alike = ask(1, 1 + (1 << 64));
    let cancelled = world.commands.execute::<Task>(alike, cancel()).await;
    let cancelled = cancelled.expect("done");
    assert!(cancelled.changed && !cancelled.replayed);
}

#[tokio::test]
async fn too_many_conflicts_are_contention() {
    let world = World::new();
    world.log.conflicts.store(5, Ordering::SeqCst);
    let outcome = world.commands.execute::<Task>(ask(1, 1), create()).await;
    assert!(
        matches!(outcome, Err(CommandError::Contended)),
        "{outcome:?}"
    );
    assert_eq!(world.commits().await, 0);
}

#[tokio::test]
async fn a_retry_is_answered_as_the_first_try_was_even_much_later() {
    let world = World::new();
    let first = world
        .commands
        .execute::<Task>(ask(1, 1), create())
        .await
        .expect("done");
    world
        .commands
        .execute::<Task>(ask(1, 2), start("w1"))
        .await
        .expect("done");
    world.clock.set(Timestamp::from_unix_ms(1_900_000_000_000));
    for commands in [&world.commands, &World::process(&world.log, &world.clock)] {
        let again = commands
            .execute::<Task>(ask(1, 1), create())
            .await
            .expect("done");
        assert_eq!((again.replayed, again.changed), (true, false));
        assert_eq!(
            (again.version, again.position),
            (first.version, first.position)
        );
        assert_eq!(again.state, first.state);
    }
    assert_eq!(world.commits().await, 2);
}

#[tokio::test]
async fn a_command_id_serves_one_request() {
    let world = World::new();
    let with = |text: &[u8]| Ask {
        fingerprint: Some(fingerprint(&[text])),
        ..ask(1, 1)
    };
    world
        .commands
        .execute::<Task>(with(b"a"), create())
        .await
        .expect("done");
    let reused = world.commands.execute::<Task>(with(b"b"), create()).await;
    assert!(matches!(reused, Err(CommandError::Reused)), "{reused:?}");
    assert!(
        world
            .commands
            .execute::<Task>(with(b"a"), create())
            .await
            .expect("done")
            .replayed
    );
}

#[tokio::test]
async fn another_process_is_seen_before_anything_is_refused() {
    let world = World::new();
    let other = World::process(&world.log, &world.clock);
    world
        .commands
        .execute::<Task>(ask(1, 1), create())
        .await
        .expect("done");
    other
        .execute::<Task>(ask(1, 2), cancel())
        .await
        .expect("done");
    // This process still remembers a queued task, at version 1.
    let again = world
        .commands
        .execute::<Task>(ask(1, 3), cancel())
        .await
        .expect("done");
    assert_eq!(
        (status(&again), again.version),
        (Some(TaskStatus::Cancelled), Version(2))
    );
    let expecting = |version| Ask {
        expected: Some(Version(version)),
        ..ask(1, 4)
    };
    let stale = world
        .commands
        .execute::<Task>(expecting(1), TaskCommand::Requeue)
        .await;
    assert!(matches!(
        stale,
        Err(CommandError::VersionMismatch {
            expected: Version(1),
            current: Version(2)
        })
    ));
    other
        .execute::<Task>(expecting(2), TaskCommand::Requeue)
        .await
        .expect("done");
    let refused = world
        .commands
        .execute::<Task>(ask(1, 5), TaskCommand::Requeue)
        .await;
    assert!(matches!(
        refused,
        Err(CommandError::Rejected(TaskRejection::NotEnded("queued")))
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_claims_of_one_attempt_one_wins() {
    let world = World::new();
    world
        .commands
        .execute::<Task>(ask(1, 1), create())
        .await
        .expect("done");
    let claims = (0..64_u128).map(|n| {
        let process = World::process(&world.log, &world.clock);
        tokio::spawn(async move {
            process
                .execute::<Task>(ask(1, 100 + n), start(&format!("w{n}")))
                .await
        })
    });
    let mut won = 0;
    for claim in claims.collect::<Vec<_>>() {
        match claim.await.expect("no panic") {
            Ok(receipt) => won += usize::from(receipt.changed),
            Err(CommandError::Rejected(TaskRejection::NotYourAttempt(1))) => {}
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!((won, world.commits().await), (1, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_of_one_process_on_one_aggregate_take_turns() {
    use domain::resource::{Resource, ResourceCommand, ResourceCreated, ResourceUpdated};
    let name = |text: &str| domain::Name::try_new(text).expect("a name");
    let world = World::new();
    let created = ResourceCreated {
        type_name: name("disk"),
        name: name("sda"),
        attributes: domain::Attributes::new(),
        labels: domain::Labels::new(),
        origin: None,
    };
    let create = ResourceCommand::Create(created);
    world
        .commands
        .execute::<Resource>(ask(1, 1), create)
        .await
        .expect("done");
    let renames = (0..64_u128).map(|n| {
        let (commands, to) = (world.commands.clone(), name(&format!("sda-{n}")));
        let update = ResourceUpdated {
            name: Some(to),
            ..ResourceUpdated::default()
        };
        tokio::spawn(async move {
            commands
                .execute::<Resource>(ask(1, 100 + n), ResourceCommand::Update(update))
                .await
        })
    });
    for rename in renames.collect::<Vec<_>>() {
        rename.await.expect("no panic").expect("done");
    }
    assert_eq!(world.commits().await, 65);
}

#[tokio::test]
async fn a_broken_chain_takes_no_commands_until_what_breaks_it_is_left_out() {
    let world = World::new();
    world
        .commands
        .execute::<Task>(ask(1, 1), create())
        .await
        .expect("done");
    let genuine = match world.log.at(Position(1)).await.expect("read") {
        Some(Entry::Commit(commit)) => commit,
        other => panic!("{other:?}"),
    };
    // Somebody wrote straight to the log: right version, wrong predecessor.
    let mut meta = genuine.meta.clone();
    meta.command = CommandId::new(Uuid::from_u128(9));
    meta.version = Version(2);
    meta.hash = seal(genuine.stream, &meta, &genuine.payload);
    let forged = NewCommit {
        expected: Position(1),
        meta,
        payload: genuine.payload,
        stream: genuine.stream,
    };
    world.log.append(forged).await.expect("stored");
    let refused = world.commands.execute::<Task>(ask(1, 2), cancel()).await;
    assert!(
        matches!(refused, Err(CommandError::Failed(Failure::Corrupt(_)))),
        "{refused:?}"
    );
    // That it is tried again says nothing of what the log holds.
    let (id, position) = (ParkedCommitId::of_position(2).uuid(), 2);
    let retry = ParkedCommitCommand::Retry { position };
    let reason = "forged".to_owned();
    let skip = ParkedCommitCommand::Skip { position, reason };
    for (command, number, is_open) in [(retry, 10, false), (skip, 11, true)] {
        let command_id = CommandId::new(Uuid::from_u128(number));
        let decide = Ask::new(Actor::System("test".into()), TenantId::MAIN, id, command_id);
        let decided = world.commands.execute::<ParkedCommit>(decide, command);
        decided.await.expect("stored");
        let asked = world.commands.execute::<Task>(ask(1, 2), cancel()).await;
        assert_eq!(asked.is_ok(), is_open, "{asked:?}");
    }
    // Whoever reads all of it anew comes to the same, and knows the commands that were done.
    let other = World::process(&world.log, &world.clock);
    let again = other.execute::<Task>(ask(1, 2), cancel()).await;
    let again = again.expect("replayed");
    assert!(again.replayed && again.version == Version(3), "{again:?}");
    assert_eq!(status(&again), Some(TaskStatus::Cancelled));
}
