//! The gate before a deploy: does this program read everything there is?
//!
//! Invariant: it says the same of a commit as the projector, which would park it.

use std::{fs, path::Path};

use event_log::{Position, StreamId};
use projections::{gate::decode_all, parked};
use schemas::{
    catalogue::{ENTRIES, EventRecord},
    domain::AggregateKind,
};
use uuid::Uuid;

use crate::{
    database::Database,
    world::{TENANTS, World},
};

/// Every golden example of every version, with the kind of its aggregate.
fn corpus() -> Vec<(AggregateKind, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/golden");
    let files = fs::read_dir(folder).expect("the examples are committed");
    let examples = files.map(|file| {
        let text = fs::read_to_string(file.expect("readable").path()).expect("text");
        let record: EventRecord = serde_json::from_str(&text).expect("a record");
        let entry = ENTRIES.iter().find(|entry| entry.name == record.name);
        (entry.expect("in the catalogue").kind, text)
    });
    examples.collect()
}

fn stream(kind: AggregateKind, id: usize) -> StreamId {
    StreamId {
        tenant: TENANTS[0],
        kind,
        id: Uuid::from_u128(id as u128),
    }
}

/// A log of every golden example, each the first commit of an aggregate of its own.
async fn golden() -> World {
    let mut world = World::new("golden", 1);
    for (id, (kind, text)) in corpus().into_iter().enumerate() {
        let payload = format!("{{\"events\":[{text}]}}").into_bytes();
        world.append(stream(kind, id), payload, |_| {}).await;
    }
    world
}

#[tokio::test]
async fn every_golden_example_passes() {
    let world = golden().await;
    let passage = decode_all(&*world.shared(), |_, _| {}).await.expect("read");
    assert!(passage.is_clear(), "{:#?}", passage.refused);
    assert_eq!(passage.commits as usize, corpus().len());
    assert!(passage.commits as usize >= ENTRIES.len());
    assert_eq!(passage.position, world.head().await);
}

#[tokio::test]
async fn what_the_projector_would_park_is_refused_with_its_reason() {
    let mut world = World::random(5, 60).await;
    let event = |name: &str, v: u16, data: &str| {
        format!(r#"{{"events":[{{"type":"{name}","v":{v},"data":{data}}}]}}"#).into_bytes()
    };
    let poisons = [
        event("task.requeued", 9, "{}"),
        event("task.exploded", 1, "{}"),
        event("task.cancel_requested", 1, r#"{"reason":7}"#),
        b"{".to_vec(),
    ];
    let mut positions = Vec::new();
    for (id, payload) in poisons.into_iter().enumerate() {
        let stream = stream(AggregateKind::Task, 1_000 + id);
        positions.push(world.append(stream, payload, |_| {}).await);
    }
    let mut told = Vec::new();
    let watch = |at: Position, of: Position| told.push((at, of));
    let passage = decode_all(&*world.shared(), watch).await.expect("read");
    let refused: Vec<_> = passage.refused.iter().map(|it| it.position).collect();
    assert_eq!(refused, positions);
    assert_eq!(
        passage.commits + passage.refused_total,
        world.head().await.0
    );
    let head = world.head().await;
    assert_eq!(told.last(), Some(&(head, head)));
    let first = passage.refused[0].to_string();
    assert!(
        first.contains("task.requeued v9 is newer than this program"),
        "{first}"
    );

    let database = Database::new().await;
    database.project(&world, 500).await;
    let parked = parked::list(&database.overview, None)
        .await
        .expect("listed");
    let reason = |of: &parked::Parked| (of.position, of.reason.clone());
    let parked: Vec<_> = parked.value.iter().map(reason).collect();
    let refused = passage.refused.into_iter();
    let refused: Vec<_> = refused.map(|it| (it.position, it.reason)).collect();
    assert_eq!(refused, parked);
}
