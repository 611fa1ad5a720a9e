//! Histories that were not.
//!
//! Invariant: what is supposed differs by what follows from it, all of which is told.

use std::collections::BTreeSet;

use projections::replay::Supposed;
use schemas::{
    Position, StreamId,
    domain::{
        AggregateKind, Name,
        resource::{Resource, ResourceCommand, ResourceCreated, ResourceUpdated},
    },
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Scene, current, line};
use crate::world::{TENANTS, World};

#[tokio::test]
async fn without_nothing_nothing_differs() {
    let scene = Scene::new(World::random(22, 200).await).await;
    let live = scene.database.digests("app").await;
    let found = scene.what_if(&[], &[]).await.expect("supposed");
    assert!(
        found.differences.is_empty() && found.no_longer.is_empty(),
        "{found}"
    );
    assert!(scene.compare("app", "would").await.is_empty());
    assert_eq!(scene.database.digests("app").await, live);
}

#[tokio::test]
async fn without_its_last_commit_an_aggregate_is_as_before_it() {
    let scene = Scene::new(World::random(23, 400).await).await;
    let live = scene.database.digests("app").await;
    for kind in [
        AggregateKind::Job,
        AggregateKind::Resource,
        AggregateKind::Task,
    ] {
        let stream = scene.streams(kind, 3)[0];
        let last = scene.of(stream).last().expect("a commit").position;
        scene
            .replay("before", Position(last.0 - 1))
            .await
            .expect("replayed");
        let found = scene.what_if(&[last], &[]).await.expect("supposed");
        assert_eq!(found.no_longer, []);
        assert_eq!(
            scene.row("would", stream).await,
            scene.row("before", stream).await
        );
        let touched = current(&found.differences).map(|(_, sample)| sample.id);
        let touched: BTreeSet<_> = touched.collect();
        assert!(touched.is_subset(&[Some(stream.id)].into()), "{found}");
        let mirror = found
            .differences
            .tables
            .iter()
            .find(|t| t.table == "event_log");
        let mirror = mirror.expect("the mirror");
        assert!(
            mirror.removed > 0 && (mirror.added, mirror.changed) == (0, 0),
            "{found}"
        );
        let gone = mirror.samples.iter().flat_map(|sample| &sample.events);
        assert!(gone.clone().all(|event| event.position == last), "{found}");
    }
    assert_eq!(scene.database.digests("app").await, live);
}

#[tokio::test]
async fn what_is_taken_out_and_put_in_again_is_as_it_was() {
    let scene = Scene::new(World::random(24, 700).await).await;
    let kinds = [
        AggregateKind::Task,
        AggregateKind::Resource,
        AggregateKind::User,
    ];
    for (kind, nth) in kinds.into_iter().zip([0, 1, 2]) {
        let stream = scene.streams(kind, 3)[0];
        let commit = scene.of(stream)[nth];
        let with = Supposed::read(&line(commit)).expect("a commit");
        let found = scene
            .what_if(&[commit.position], &with)
            .await
            .expect("supposed");
        assert_eq!(found.no_longer, [], "{kind:?}");
        let head = scene.world.head().await.0;
        // The commit stands after the end, and is known by its line: nothing else differs.
        for (table, sample) in current(&found.differences) {
            assert_eq!(sample.fields, ["/position"], "{table}: {sample:#?}");
            let position = &sample.other.as_ref().expect("a row")["position"];
            assert_eq!(position, &json!(head + 1));
        }
        for table in &found.differences.tables {
            assert_eq!(table.added, table.removed, "{}: {found}", table.table);
            let is_mirror = table.table == "event_log";
            for sample in table.samples.iter().filter(|_| is_mirror) {
                let data = sample.fields.iter().any(|field| field.starts_with("/data"));
                assert!(!data, "{sample:#?}");
            }
        }
        let counts = found
            .differences
            .tables
            .iter()
            .find(|t| t.table == "counts");
        assert!(counts.expect("counts").is_empty(), "{found}");
        assert_eq!(
            scene.row("would", stream).await,
            scene.row("app", stream).await
        );
    }
}

#[tokio::test]
async fn what_stands_on_nothing_is_told() {
    let scene = Scene::new(World::random(25, 700).await).await;
    let stream = scene.streams(AggregateKind::Task, 3)[0];
    let commits = scene.of(stream);
    let found = scene
        .what_if(&[commits[0].position], &[])
        .await
        .expect("supposed");
    let told: Vec<_> = found
        .no_longer
        .iter()
        .map(|commit| commit.position)
        .collect();
    let later: Vec<_> = commits[1..].iter().map(|commit| commit.position).collect();
    assert_eq!(told, later);
    let first = &found.no_longer[0];
    assert_eq!((first.kind, first.id), ("task", stream.id));
    assert_eq!(first.reason, "there would be no such task");
    assert!(first.events[0].starts_with("task."), "{first:?}");
    assert_eq!(scene.row("would", stream).await, None);
    let parked = found
        .differences
        .tables
        .iter()
        .find(|t| t.table == "parked");
    assert!(parked.expect("parked").is_empty(), "{found}");
    let line = format!(
        "no longer applies: position {}, task {}",
        told[0], stream.id
    );
    assert!(found.to_string().starts_with(&line), "{found}");
}

#[tokio::test]
async fn later_commits_are_folded_on_as_far_as_they_apply() {
    let mut world = World::random(26, 40).await;
    let id = Uuid::from_u128(0x3_0000_0000_0000_004D);
    let (tenant, wanted) = (TENANTS[0], resource("one"));
    let ask = async |world: &mut World, command| {
        world
            .ask::<Resource>(tenant, id, &command)
            .await
            .expect("done")
    };
    ask(&mut world, ResourceCommand::Create(wanted)).await;
    let deleted = ask(&mut world, ResourceCommand::Delete).await;
    let again = ask(&mut world, ResourceCommand::Create(resource("two"))).await;
    let renamed = ask(&mut world, renamed_to("three")).await;
    let scene = Scene::new(world).await;
    let stream = StreamId {
        tenant,
        kind: AggregateKind::Resource,
        id,
    };
    // Without the deletion it cannot be created again; but it can be renamed.
    let found = scene.what_if(&[deleted], &[]).await.expect("supposed");
    let [commit] = &found.no_longer[..] else {
        panic!("{found}");
    };
    assert_eq!(commit.position, again);
    assert_eq!(
        commit.reason,
        "it changes nothing of the resource as that would be"
    );
    let (version, state) = scene.row("would", stream).await.expect("a row");
    assert_eq!((version, &state["name"]), (2, &json!("three")));
    let sample = current(&found.differences).find(|(_, sample)| sample.id == Some(id));
    let (_, sample) = sample.expect("it differs");
    let behind: Vec<_> = sample.events.iter().map(|event| event.position).collect();
    assert_eq!(behind, [deleted, again, renamed]);

    // What is supposed may be about what never was, and must make sense there.
    let other = Uuid::from_u128(0x3_0000_0000_0000_004E);
    let payload = |name: &str| {
        let created = serde_json::to_value(resource(name)).expect("JSON");
        json!([{"type": "resource.created", "v": 1, "data": created}])
    };
    let tell = |after: Position, id: Uuid, events: Value| {
        json!({"after": after.0, "tenant": tenant.uuid(), "kind": "resource", "id": id,
            "events": events})
        .to_string()
    };
    let gone = json!([{"type": "resource.deleted", "v": 1, "data": {}}]);
    let lines = [
        tell(deleted, other, gone.clone()),
        tell(again, other, payload("new")),
        tell(renamed, id, gone),
    ];
    let with = Supposed::read(&lines.join("\n")).expect("commits");
    let found = scene.what_if(&[], &with).await.expect("supposed");
    let told: Vec<_> = found.no_longer.iter().map(|commit| commit.line).collect();
    assert_eq!(told, [Some(1)], "{found}");
    let there = StreamId {
        id: other,
        ..stream
    };
    let (version, state) = scene.row("would", there).await.expect("a row");
    assert_eq!((version, &state["name"]), (1, &json!("new")));
    assert_eq!(state["created_at"], json!(scene.of(stream)[2].meta.time));
    assert_eq!(scene.row("would", stream).await, None);
    assert_eq!(scene.row("app", there).await, None);
    assert_eq!(scene.world.head().await, renamed);
}

#[tokio::test]
async fn without_the_poison_what_waits_behind_it_is_applied() {
    let mut world = World::random(27, 60).await;
    let id = Uuid::from_u128(0x3_0000_0000_0000_004D);
    let stream = StreamId {
        tenant: TENANTS[0],
        kind: AggregateKind::Resource,
        id,
    };
    let created = ResourceCommand::Create(resource("one"));
    world.ask::<Resource>(stream.tenant, id, &created).await;
    let poison = world.append(stream, b"poison".to_vec(), |_| {}).await;
    let payload = br#"{"events":[{"type":"resource.deleted","v":1,"data":{}}]}"#;
    let behind = world.append(stream, payload.to_vec(), |_| {}).await;
    let scene = Scene::new(world).await;
    assert!(scene.row("app", stream).await.is_some());
    let found = scene.what_if(&[poison], &[]).await.expect("supposed");
    assert_eq!(found.no_longer, []);
    assert_eq!(scene.row("would", stream).await, None);
    let parked = found
        .differences
        .tables
        .iter()
        .find(|t| t.table == "parked");
    assert_eq!(parked.expect("parked").removed, 2);
    // With it, what comes later goes on waiting, whatever else is taken out.
    let first = scene.of(stream)[0].position;
    let found = scene.what_if(&[first], &[]).await.expect("supposed");
    assert_eq!(
        (found.no_longer, scene.row("would", stream).await),
        (vec![], None)
    );
    let parked = found
        .differences
        .tables
        .iter()
        .find(|t| t.table == "parked");
    assert!(
        parked.expect("parked").is_empty(),
        "position {behind} does not wait"
    );
}

fn resource(name: &str) -> ResourceCreated {
    let text = format!(r#"{{"type":"disk","name":"{name}","attributes":{{}},"labels":{{}}}}"#);
    serde_json::from_str(&text).expect("a resource")
}

fn renamed_to(name: &str) -> ResourceCommand {
    ResourceCommand::Update(ResourceUpdated {
        name: Some(Name::try_new(name).expect("a name")),
        ..ResourceUpdated::default()
    })
}
