//! Commits that cannot be applied.
//!
//! Invariant: each is parked with a reason that names what is wrong, the later ones of its
//! aggregate wait behind it, and everything else goes on.

use std::collections::HashMap;

use async_trait::async_trait;
use event_log::{
    AppendError, Commit, Entry, EventLog, Follow, Head, LogError, NewCommit, ReadFrom, SharedLog,
    Unreadable,
};
use futures::StreamExt as _;
use projections::{Projector, parked, stats, tasks, verify};
use schemas::{
    Hash, Position, StreamId, Version,
    domain::{
        AggregateKind, TaskId,
        task::{Priority, Task, TaskCommand, TaskCreated, TaskSpec, TaskStatus},
    },
};
use uuid::Uuid;

use crate::{
    database::Database,
    world::{TENANTS, World},
};

pub fn task(id: u128) -> StreamId {
    StreamId {
        tenant: TENANTS[0],
        kind: AggregateKind::Task,
        id: Uuid::from_u128(id),
    }
}

pub fn create() -> TaskCommand {
    let spec = TaskSpec {
        kind: "echo".into(),
        payload: serde_json::json!({}).into(),
        priority: Priority::Normal,
        max_attempts: 3,
        timeout_ms: 1_000,
    };
    TaskCommand::Create(TaskCreated {
        spec,
        not_before: None,
        origin: None,
    })
}

pub fn events(name: &str, v: u16, data: &str) -> String {
    format!(r#"{{"events":[{{"type":"{name}","v":{v},"data":{data}}}]}}"#)
}

/// What is wrong, and a word of the reason that must be told.
pub fn poisons() -> Vec<(String, &'static str)> {
    let requested = |data: &str| events("task.cancel_requested", 1, data);
    let deep = format!("{}1{}", "[".repeat(99), "]".repeat(99));
    vec![
        (requested(r#"{"reason":"a\u0000b"}"#), "U+0000"),
        (requested(r#"{"reason":"\ud800"}"#), "hex escape"),
        // A field that the decoder passes over, and that only Postgres looks at.
        (
            requested(r#"{"reason":"x","passed_over":"\ud800"}"#),
            "Postgres refuses it",
        ),
        (
            events(
                "task.succeeded",
                1,
                r#"{"attempt":1,"output":1e400,"worker":"w"}"#,
            ),
            "number",
        ),
        // Postgres would keep it, and nobody could read it.
        (
            requested(r#"{"reason":"x","passed_over":1e400}"#),
            "number out of range",
        ),
        (events("task.exploded", 1, "{}"), "unknown event"),
        (
            events("task.cancel_requested", 9, "{}"),
            "newer than this program",
        ),
        (r#"{"events":[{"type":"task.can"#.to_owned(), "not a commit"),
        (r#"{"events":[]}"#.to_owned(), "holds no events"),
        (
            requested(&format!(r#"{{"reason":"x","deep":{deep}}}"#)),
            "nests deeper",
        ),
        (requested(r#"{"reason":7}"#), "invalid type"),
    ]
}

#[tokio::test]
async fn each_poison_is_named_and_only_its_aggregate_waits() {
    for size in [1, 7, 500] {
        let mut world = World::new("poison", 1);
        let tenant = TENANTS[0];
        for (n, (payload, _)) in poisons().iter().enumerate() {
            let id = n as u128 + 1;
            world
                .ask::<Task>(tenant, task(id).id, &create())
                .await
                .expect("created");
            world
                .append(task(id), payload.clone().into_bytes(), |_| {})
                .await;
            let later = events("task.cancelled", 1, r#"{"forced":false}"#);
            world.append(task(id), later.into_bytes(), |_| {}).await;
        }
        world
            .ask::<Task>(tenant, task(99).id, &create())
            .await
            .expect("created");

        let database = Database::new().await;
        let head = world.head().await;
        assert_eq!(database.project(&world, size).await, head);

        let parked = parked::list(&database.overview, Some(tenant))
            .await
            .expect("listed");
        assert_eq!(parked.position, head);
        assert_eq!(
            parked.value.len(),
            2 * poisons().len(),
            "{:#?}",
            parked.value
        );
        for (pair, (_, word)) in parked.value.chunks(2).zip(poisons()) {
            assert!(pair[0].reason.contains(word), "{word}: {}", pair[0].reason);
            assert_eq!(
                pair[1].reason,
                format!("behind position {}", pair[0].position)
            );
            let id = TaskId::new(pair[0].id.expect("an id"));
            let found = tasks::get(&database.store, tenant, id, None).await;
            let found = found.expect("read");
            assert_eq!(found.stale_since, Some(pair[0].position));
            let row = found.value.expect("the row before the poison");
            assert_eq!(
                (row.version, row.state.status),
                (Version(1), TaskStatus::Queued)
            );
        }
        let other = tasks::get(&database.store, tenant, TaskId::new(task(99).id), None).await;
        let other = other.expect("read");
        assert!(other.value.is_some(), "the others go on");
        assert_eq!(other.stale_since, None);
        let stats = stats::get(&database.store, tenant, world.now()).await;
        let stale_since = stats.expect("read").stale_since;
        assert_eq!(stale_since, Some(parked.value[0].position));
        let nobody = parked::list(&database.overview, Some(TENANTS[1])).await;
        let nobody = nobody.expect("listed");
        assert_eq!((nobody.position, nobody.value.len()), (head, 0));
        let verification = verify(&world.shared(), &database.overview).await;
        let verification = verification.expect("verified");
        assert!(verification.holds(), "{:#?}", verification.differences);
        // Postgres refuses one of them, also while it is filled.
        database.is_rebuilt_alike(&world.shared()).await;
    }
}

#[tokio::test]
async fn what_breaks_the_chain_is_parked() {
    let mut world = World::new("poison", 1);
    let ending = || events("task.cancelled", 1, r#"{"forced":false}"#).into_bytes();
    for id in 1..=4 {
        world
            .ask::<Task>(TENANTS[0], task(id).id, &create())
            .await
            .expect("created");
    }
    world
        .append(task(1), ending(), |meta| meta.version = Version(7))
        .await;
    world
        .append(task(2), ending(), |meta| meta.previous = Hash([7; 32]))
        .await;
    let mut entries = world.entries(Position(0)).await;
    let Some(Entry::Commit(altered)) = entries.get_mut(2) else {
        panic!("a commit")
    };
    altered.payload.push(b' ');

    let database = Database::new().await;
    let mut projector = database.projector(&world).await;
    projector.apply(entries).await.expect("applied");
    let parked = parked::list(&database.overview, None)
        .await
        .expect("listed")
        .value;
    let told: Vec<_> = parked.iter().map(|parked| parked.reason.as_str()).collect();
    assert_eq!(
        told,
        [
            "its content does not match its hash",
            "version 7 follows version 1",
            "it does not follow the commit of version 1",
        ]
    );
}

/// A log in which some places hold what is not a commit.
pub struct Holed {
    holes: HashMap<Position, Unreadable>,
    log: SharedLog,
}

impl Holed {
    /// One in which that is so at `position`.
    pub fn at(world: &World, position: Position) -> Self {
        let hole = Unreadable {
            position,
            subject: "somebody's\0subject".into(),
            payload: vec![0xFF, 0],
            reason: "header Almanac-Actor is missing".into(),
        };
        Self {
            holes: [(position, hole)].into(),
            log: world.shared(),
        }
    }

    fn see(&self, entry: Entry) -> Entry {
        let hole = self.holes.get(&entry.position());
        hole.cloned().map_or(entry, Entry::Unreadable)
    }
}

#[async_trait]
impl EventLog for Holed {
    async fn append(&self, commit: NewCommit) -> Result<Position, AppendError> {
        self.log.append(commit).await
    }

    async fn append_all(&self, commits: Vec<NewCommit>) -> Result<Vec<Position>, AppendError> {
        self.log.append_all(commits).await
    }

    async fn at(&self, position: Position) -> Result<Option<Entry>, LogError> {
        Ok(self.log.at(position).await?.map(|entry| self.see(entry)))
    }

    async fn follow(&self, after: Position) -> Result<Follow, LogError> {
        let holes = self.holes.clone();
        let seen = Self {
            holes,
            log: self.log.clone(),
        };
        let entries = self.log.follow(after).await?;
        Ok(Box::pin(
            entries.map(move |entry| entry.map(|entry| seen.see(entry))),
        ))
    }

    async fn head(&self) -> Result<Head, LogError> {
        self.log.head().await
    }

    async fn load(
        &self,
        stream: StreamId,
        after: Position,
        from: ReadFrom,
    ) -> Result<Vec<Commit>, LogError> {
        self.log.load(stream, after, from).await
    }
}

#[tokio::test]
async fn a_message_that_is_no_commit_is_parked_and_the_projector_starts_again_behind_it() {
    let mut world = World::new("poison", 1);
    for id in 1..=3 {
        world
            .ask::<Task>(TENANTS[0], task(id).id, &create())
            .await
            .expect("created");
    }
    let log: SharedLog = std::sync::Arc::new(Holed::at(&world, Position(3)));
    let database = Database::new().await;
    let entries: Vec<_> = log
        .follow(Position(0))
        .await
        .expect("followed")
        .take(3)
        .collect()
        .await;
    let entries: Vec<_> = entries
        .into_iter()
        .map(|entry| entry.expect("an entry"))
        .collect();
    let mut projector = Projector::open(&log, &database.writer)
        .await
        .expect("opened")
        .expect("the lead");
    projector.apply(entries).await.expect("applied");
    drop(projector);

    // The checkpoint stands on the hole itself.
    let again = crate::database::poll(async || {
        Projector::open(&log, &database.writer)
            .await
            .expect("opened")
    });
    assert_eq!(again.await.position(), Position(3));
    let parked = parked::list(&database.overview, None)
        .await
        .expect("listed")
        .value;
    assert_eq!(parked[0].reason, "header Almanac-Actor is missing");
    assert_eq!(
        parked[0].subject.as_deref(),
        Some("somebody's\u{FFFD}subject")
    );
    let verification = verify(&log, &database.overview).await.expect("verified");
    assert!(verification.holds(), "{:#?}", verification.differences);
    database.is_rebuilt_alike(&log).await;
}
