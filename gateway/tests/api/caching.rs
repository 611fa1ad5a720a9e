//! What a cache between a client and the API may keep, and for whom.
//!
//! Invariant: what was answered to one user is never handed to another.

use domain::user::Role;
use serde_json::json;

use crate::world::{Answer, World, on_world};

fn varies(answer: &Answer) -> bool {
    let named = answer.headers.get_all("vary").iter();
    let mut named = named.filter_map(|value| value.to_str().ok());
    named.any(|value| value == "authorization")
}

/// Somebody whom the log knows, at version 1.
async fn registered(world: &World, name: &str) -> crate::world::Client {
    let wanted = json!({"email": format!("{name}@caching.example.org"), "name": name,
        "password": "a good one"});
    let stranger = world.stranger();
    let session = stranger.post("/auth/register", wanted).await.expect(201);
    let token = session.body()["access_token"].as_str().map(str::to_owned);
    stranger.with_bearer(&token.expect("a token"))
}

#[test]
fn who_is_signed_in_is_never_answered_from_what_another_was_told() {
    on_world(|world| async move {
        let (ann, bob) = (
            registered(world, "ann").await,
            registered(world, "bob").await,
        );
        let first = ann.get("/auth/me").await.expect(200);
        assert!(first.headers.get("etag").is_none(), "{first:?}");
        assert_eq!(first.header("cache-control"), "no-store");
        let known = [("if-none-match", "\"1\"")];
        let second = bob.get_with("/auth/me", &known).await.expect(200);
        assert_eq!(second.body()["name"], "bob");
    });
}

#[test]
fn what_depends_on_who_asks_says_so() {
    on_world(|world| async move {
        let admin = world.signed_in(Role::Admin).await;
        let (id, made) = admin.make_task("vary").await;
        let fresh = [("consistency-token", made.token())];
        let task = admin.get_with(&format!("/tasks/{id}"), &fresh).await;
        assert_eq!(task.header("cache-control"), "no-cache, private");
        assert!(varies(&task) && varies(&made), "{task:?}");
        assert!(varies(&admin.get("/auth/me").await));
        assert!(varies(&world.stranger().get("/tasks").await));
        assert!(!varies(&world.stranger().get("/api/openapi.json").await));
    });
}

/// Of two tenants each has its own type of that name, both at version 1.
#[test]
fn what_is_found_by_name_is_not_kept() {
    on_world(|world| async move {
        let client = world.operator().await;
        let define = json!({"name": "uncached", "schema": {}});
        let defined = client.post("/resource-types", define).await.expect(201);
        let fresh = [("consistency-token", defined.token())];
        let shown = client.get_with("/resource-types/uncached", &fresh).await;
        assert_eq!(shown.header("cache-control"), "no-store");
        assert_eq!(shown.header("etag"), "\"1\"");
    });
}
