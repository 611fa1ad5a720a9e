//! A commit that the read models cannot take.
//!
//! Invariant: what it concerns is never shown as fresh, and nothing else is touched.

use axum::http::StatusCode;
use commands::{Ask, DEFAULT_TENANT};
use domain::{
    Actor, AggregateKind, CommandId, ParkedCommitId, TenantId,
    parked_commit::{ParkedCommit, ParkedCommitCommand},
};
use event_log::{EventLog as _, NewCommit, Position, ReadFrom, StreamId, seal};
use schemas::api::Code;

use crate::{
    live_query::follower::{Follower, Way},
    world::{World, on_own_world},
};

/// Appends what no program knows to the task `id`; says where.
async fn poison(world: &World, id: &str) -> Position {
    append(world, id, r#"{"type":"task.exploded","v":1,"data":{}}"#).await
}

/// Appends an event to the task `id`, past all that decides; says where.
async fn append(world: &World, id: &str, event: &str) -> Position {
    let stream = StreamId {
        tenant: DEFAULT_TENANT,
        kind: AggregateKind::Task,
        id: id.parse().expect("an id"),
    };
    let commits = world.log.load(stream, Position(0), ReadFrom::Leader).await;
    let last = commits.expect("loaded").pop().expect("a commit");
    let payload = format!(r#"{{"events":[{event}]}}"#).into_bytes();
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

#[test]
fn what_was_left_out_makes_nothing_stale() {
    on_own_world(|world| async move {
        let client = world.operator().await;
        let (spoiled, _) = client.make_task("spoiled").await;
        let since = poison(&world, &spoiled).await;
        let cancelled = r#"{"type":"task.cancelled","v":1,"data":{"forced":false}}"#;
        let later = append(&world, &spoiled, cancelled).await;
        let (_, made) = client.make_task("good").await;
        let parked = [("consistency-token", made.token())];
        let shown = client.get_with("/tasks", &parked).await.expect(200);
        assert_eq!(shown.header("consistency"), "stale");
        let path = format!("/tasks/{spoiled}");
        let refused = client.get_with(&path, &parked).await;
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);

        let commands = &world.services.commands;
        let ask = Ask::new(
            Actor::System("cli".to_owned()),
            TenantId::MAIN,
            ParkedCommitId::of_position(since.0).uuid(),
            CommandId::new(commands.ids().next()),
        );
        let skip = ParkedCommitCommand::Skip {
            position: since.0,
            reason: "void".to_owned(),
        };
        let decided = commands.execute::<ParkedCommit>(ask, skip).await;
        assert!(decided.expect("stored").changed);
        let (_, made) = client.make_task("after").await;
        let after = [("consistency-token", made.token())];
        for path in [&*path, "/tasks", "/stats", &format!("{path}/events")] {
            let shown = client.get_with(path, &after).await.expect(200);
            assert!(!shown.headers.contains_key("consistency"), "{path}");
        }
        let shown = client.get_with(&path, &after).await.expect(200).body();
        assert_eq!(
            (&shown["status"], &shown["version"]),
            (&"cancelled".into(), &3.into())
        );
        // Also as of the positions that were stale; what was left out has left no trace.
        for (moment, version) in [(since.0, 1), (later.0, 3)] {
            let shown = client
                .get(&format!("{path}?as_of={moment}"))
                .await
                .expect(200);
            assert!(!shown.headers.contains_key("consistency"), "{moment}");
            assert_eq!(shown.body()["version"], version);
        }
        let told = client
            .get(&format!("{path}/events"))
            .await
            .expect(200)
            .body();
        let told: Vec<_> = told["items"].as_array().expect("items").iter().collect();
        let told: Vec<_> = told.iter().map(|it| it["sequence"].as_str()).collect();
        let [since, later] = [since, later].map(|position| position.to_string());
        assert!(
            !told.contains(&Some(&*since)) && told.contains(&Some(&*later)),
            "{told:?}"
        );
        world
    });
}
