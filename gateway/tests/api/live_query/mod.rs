//! Lists that are followed.
//!
//! Invariant: whatever breaks in between, the client's rows are the server's list in the end; what
//! is not theirs to read never comes.

pub mod follower;
mod rebuilt;
mod refused;
mod socket;

use std::time::Duration;

use axum::http::Method;
use domain::user::Role;
use serde_json::json;

use crate::world::{Client, World, on_world};
use follower::{Follower, Way};

/// Longer than anything here takes.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Stops a task.
async fn cancel(client: &Client, id: &str) {
    let path = format!("/tasks/{id}/cancel");
    let done = client.send(Method::PUT, &path, &[], "").await;
    done.expect(200);
}

/// Makes `count` tasks of `kind`, and stops every other.
async fn churn(client: &Client, kind: &str, count: usize) {
    for n in 0..count {
        let (id, _) = client.make_task(kind).await;
        if n % 2 == 0 {
            cancel(client, &id).await;
        }
    }
}

fn queued(kind: &str) -> String {
    format!("kind={kind}&status=queued,scheduled")
}

/// A client at a router of its own on the same services: nothing is shared but what gateways share.
async fn elsewhere(world: &World, client: &Client) -> Client {
    let router = gateway::router(world.second().await);
    Client {
        router,
        ..client.clone()
    }
}

#[test]
fn rows_come_first_and_then_what_changes_of_them() {
    on_world(|world| async move {
        let client = world.operator().await;
        let (first, _) = client.make_task("follow-1").await;
        let made = client.make_task("follow-1").await.1;
        let fresh = [("consistency-token", made.token())];
        let mut all = Follower::new("tasks", "kind=follow-1");
        let mut open = Follower::new("tasks", &queued("follow-1"));
        for follower in [&mut all, &mut open] {
            follower.connect(Way::Sse(&client, &fresh)).await;
            follower.completes().await;
            assert_eq!(follower.rows.len(), 2);
        }
        cancel(&client, &first).await;
        let last = client.make_task("follow-1").await.0;
        for follower in [&mut all, &mut open] {
            follower.sees(&last).await;
            follower.is_as_listed(&client).await;
        }
        assert_eq!(all.rows[&first]["status"], "cancelled");
        assert!(!open.rows.contains_key(&first));
        assert_eq!(open.left, 1);
    });
}

#[test]
fn every_collection_is_followed_as_it_is_listed() {
    on_world(|world| async move {
        let admin = world.signed_in(Role::Admin).await;
        let body = json!({"type": "follow-type", "name": "follow me",
            "attributes": {}, "labels": {"env": "follow"}});
        let made = admin.post("/resources", body).await.expect(201);
        let fresh = [("consistency-token", made.token())];
        for (collection, filter) in [
            ("jobs", "q=follow"),
            ("resource-types", ""),
            ("resources", "type=follow-type&labels[env]=follow&q=ME"),
            ("tasks", "kind=follow-none"),
            ("users", "role=admin"),
        ] {
            let mut follower = Follower::new(collection, filter);
            follower.connect(Way::Sse(&admin, &fresh)).await;
            follower.completes().await;
            if collection == "resources" {
                assert_eq!(follower.rows.len(), 1);
                follower.is_as_listed(&admin).await;
                let path = format!("/resources/{}", made.id());
                let gone = admin.send(Method::DELETE, &path, &[], "").await;
                gone.expect(204);
                follower.until(|follower| follower.rows.is_empty()).await;
            }
        }
    });
}

/// A busy log, followed by several who break off wherever they are and go on elsewhere.
#[test]
fn whoever_breaks_off_and_goes_on_elsewhere_ends_with_the_list() {
    on_world(|world| async move {
        let here = world.operator().await;
        let there = elsewhere(world, &here).await;
        let (socket, _shutdown) = socket::serve(world.services.clone()).await;
        let (other, _other_shutdown) = socket::serve(world.second().await).await;
        let writer = here.clone();
        let busy = tokio::spawn(async move { churn(&writer, "busy", 150).await });
        let mut followers: Vec<_> = (0..6)
            .map(|n| match n % 2 {
                0 => Follower::new("tasks", "kind=busy"),
                _ => Follower::new("tasks", &queued("busy")),
            })
            .collect();
        let token = here.bearer.clone().expect("a token");
        let mut turns = 0_usize;
        while !busy.is_finished() {
            for (n, follower) in followers.iter_mut().enumerate() {
                turns += 1;
                let way = match (turns * 7 + n * 3) % 4 {
                    0 => Way::Sse(&here, &[]),
                    1 => Way::Sse(&there, &[]),
                    2 => Way::Socket(socket, &token),
                    _ => Way::Socket(other, &token),
                };
                follower.connect(way).await;
                // Some break off among the rows, some later.
                follower.hear_up_to(turns % 5).await;
            }
        }
        busy.await.expect("no panic");
        let last = here.make_task("busy").await.0;
        for (n, follower) in followers.iter_mut().enumerate() {
            let way = if n < 3 {
                Way::Sse(&there, &[])
            } else {
                Way::Socket(socket, &token)
            };
            follower.connect(way).await;
            follower.sees(&last).await;
            follower.is_as_listed(&here).await;
            assert_eq!(follower.resets, 0, "an id of this log is good everywhere");
        }
        assert!(turns > 12, "the log was not busy: {turns}");
    });
}

#[test]
fn who_reads_slowly_is_told_all_changes_in_one_and_misses_none() {
    on_world(|world| async move {
        let client = world.operator().await;
        let mut follower = Follower::new("tasks", &queued("slow"));
        follower.connect(Way::Sse(&client, &[])).await;
        follower.completes().await;
        let changes = 80;
        for _ in 0..changes {
            let made = client.make_task("slow").await.1;
            // One change each for whoever listens.
            let fresh = [("consistency-token", made.token()), ("prefer", "wait=10")];
            client.get_with("/tasks?limit=1", &fresh).await.expect(200);
        }
        let last = client.make_task("slow").await.0;
        follower.sees(&last).await;
        follower.is_as_listed(&client).await;
        assert!(follower.deltas < changes / 2, "{} deltas", follower.deltas);
    });
}

#[test]
fn who_was_away_too_long_begins_anew() {
    on_world(|world| async move {
        let client = world.operator().await;
        let mut services = world.services.clone();
        services.config.live_behind_max = 10;
        let strict = Client {
            router: gateway::router(services),
            ..client.clone()
        };
        let mut follower = Follower::new("tasks", "kind=away");
        follower.connect(Way::Sse(&strict, &[])).await;
        follower.completes().await;
        follower.breaks_off();
        churn(&client, "away", 10).await;
        let made = client.make_task("away").await.1;
        let fresh = [("consistency-token", made.token())];
        follower.connect(Way::Sse(&strict, &fresh)).await;
        follower.until(|follower| follower.resets == 1).await;
        assert_eq!(follower.reason, "too_old");
        follower.completes().await;
        follower.is_as_listed(&client).await;
    });
}
