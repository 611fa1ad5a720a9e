//! A commit that the read models cannot take.
//!
//! Invariant: what it concerns is never shown as fresh, and nothing else is touched.

use axum::http::StatusCode;
use commands::DEFAULT_TENANT;
use domain::{AggregateKind, CommandId};
use event_log::{EventLog as _, NewCommit, Position, ReadFrom, StreamId, seal};
use schemas::api::Code;

use crate::{
    live_query::follower::{Follower, Way},
    world::{World, on_own_world},
};

/// Appends what no program knows to the task `id`; says where.
async fn poison(world: &World, id: &str) -> Position {
    let stream = StreamId {
        tenant: DEFAULT_TENANT,
        kind: AggregateKind::Task,
        id: id.parse().expect("an id"),
    };
    let commits = world.log.load(stream, Position(0), ReadFrom::Leader).await;
    let last = commits.expect("loaded").pop().expect("a commit");
    let payload = br#"{"events":[{"type":"task.exploded","v":1,"data":{}}]}"#.to_vec();
    let mut meta = last.meta.clone();
    meta.command = CommandId::new(world.services.commands.ids().next());
    meta.previous = last.meta.hash;
    meta.version = last.meta.version.next();
    meta.hash = seal(stream, &meta, &payload);
    let commit = NewCommit {
        expected: last.position,
        meta,
        payload,
        stream,
    };
    world.log.append(commit).await.expect("stored")
}

#[test]
fn what_is_parked_is_never_shown_as_fresh() {
    on_own_world(|world| async move {
        let client = world.operator().await;
        let (spoiled, made) = client.make_task("spoiled").await;
        let before = [("consistency-token", made.token())];
        client
            .get_with(&format!("/tasks/{spoiled}"), &before)
            .await
            .expect(200);
        let since = poison(&world, &spoiled).await;
        let (good, made) = client.make_task("good").await;
        let after = [("consistency-token", made.token())];

        let shown = client.get_with(&format!("/tasks/{good}"), &after).await;
        let shown = shown.expect(200);
        assert!(!shown.headers.contains_key("consistency"));
        for path in [
            format!("/tasks/{spoiled}"),
            format!("/tasks/{spoiled}/events"),
        ] {
            let old = client.get_with(&path, &before).await.expect(200);
            assert_eq!(old.header("consistency"), "stale", "{path}");
            let refused = client.get_with(&path, &after).await;
            assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
            let problem = refused.problem(Code::ProjectionLagging);
            let told = format!("the commit at position {since} cannot be applied");
            assert!(problem.detail.starts_with(&told), "{problem:?}");
        }
        // As of a moment before it, nothing is missing; as of one after it, something is.
        for (moment, is_stale) in [(since.0 - 1, false), (since.0, true)] {
            for path in [format!("/tasks/{spoiled}"), "/tasks".to_owned()] {
                let shown = client.get(&format!("{path}?as_of={moment}")).await;
                let shown = shown.expect(200);
                assert_eq!(
                    shown.headers.contains_key("consistency"),
                    is_stale,
                    "{path}"
                );
            }
            let shown = client
                .get(&format!("/jobs?as_of={moment}"))
                .await
                .expect(200);
            assert!(!shown.headers.contains_key("consistency"));
        }
        for path in ["/tasks", "/stats"] {
            let shown = client.get_with(path, &after).await.expect(200);
            assert_eq!(shown.header("consistency"), "stale", "{path}");
        }
        let shown = client.get_with("/jobs", &after).await.expect(200);
        assert!(!shown.headers.contains_key("consistency"));
        // A list that is followed says so with all its rows, and again with each change.
        for (list, is_stale) in [("jobs", false), ("tasks", true)] {
            let mut follower = Follower::new(list, "");
            follower.connect(Way::Sse(&client, &after)).await;
            follower.completes().await;
            let told = is_stale.then_some(since.0);
            assert_eq!(follower.stale_since, told, "{list}");
            if is_stale {
                let (later, _) = client.make_task("later").await;
                follower.sees(&later).await;
                assert_eq!(follower.stale_since, told);
            }
        }
        world
    });
}
