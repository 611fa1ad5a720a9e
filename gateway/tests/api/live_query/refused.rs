//! What nobody is told.
//!
//! Invariant: rows of another tenant, or of a collection that is not the caller's to read, never
//! come, whatever id is sent; and what one may no longer read ends.

use axum::http::Method;
use domain::user::Role;
use schemas::api::Code;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::{churn, elsewhere, follower::Follower, follower::Way};
use crate::world::{Client, World, on_world};

/// An operator of another tenant.
async fn stranger(world: &World, slug: &str) -> Client {
    let root = world.platform().await;
    let body = json!({"slug": slug, "name": "Other", "administrator": {
        "email": "ann@other.example", "name": "Ann", "password": "a good one"}});
    let made = root.post("/tenants", body).await.expect(201);
    let tenant = made.id().parse().expect("a tenant");
    let user = domain::UserId::new(world.services.commands.ids().next());
    let identity = &world.services.identity;
    let tokens = identity.start_session(tenant, user, Role::Operator).await;
    let tokens = tokens.expect("a session");
    world.stranger().with_bearer(tokens.access.expose_secret())
}

#[test]
fn another_tenants_rows_never_come() {
    on_world(|world| async move {
        let mine = world.operator().await;
        let theirs = stranger(world, "live-walls").await;
        let [mut me, mut them] = [(); 2].map(|()| Follower::new("tasks", "kind=walls"));
        me.connect(Way::Sse(&mine, &[])).await;
        them.connect(Way::Sse(&theirs, &[])).await;
        me.completes().await;
        them.completes().await;
        churn(&mine, "walls", 6).await;
        churn(&theirs, "walls", 4).await;
        let (last, its_last) = (
            mine.make_task("walls").await.0,
            theirs.make_task("walls").await.0,
        );
        me.sees(&last).await;
        them.sees(&its_last).await;
        me.is_as_listed(&mine).await;
        them.is_as_listed(&theirs).await;
        assert_eq!((me.rows.len(), them.rows.len()), (7, 5));
        // With the id of the other they begin anew, with what is theirs.
        std::mem::swap(&mut me.resume, &mut them.resume);
        let there = elsewhere(world, &theirs).await;
        for (follower, client) in [(&mut me, &mine), (&mut them, &there)] {
            follower.connect(Way::Sse(client, &[])).await;
            follower.until(|follower| follower.resets == 1).await;
            assert_eq!(follower.reason, "unknown");
            follower.completes().await;
            follower.is_as_listed(client).await;
        }
    });
}

#[test]
fn an_id_of_another_list_or_of_nothing_begins_anew() {
    on_world(|world| async move {
        let client = world.operator().await;
        let mut other = Follower::new("tasks", "kind=other-list");
        other.connect(Way::Sse(&client, &[])).await;
        other.completes().await;
        let of_other = other.resume.expect("an id");
        let forged = format!("1-{}", of_other.split_once('-').expect("an id").1);
        for id in [of_other.as_str(), &forged, "7", "x", "999999999999999999-0"] {
            let mut follower = Follower::new("tasks", "kind=one-list");
            follower.resume = Some(id.to_owned());
            follower.connect(Way::Sse(&client, &[])).await;
            follower.until(|follower| follower.resets == 1).await;
            assert_eq!(follower.reason, "unknown");
            follower.completes().await;
        }
    });
}

#[test]
fn only_what_one_may_list_is_followed() {
    on_world(|world| async move {
        let (viewer, admin) = (
            world.signed_in(Role::Viewer).await,
            world.signed_in(Role::Admin).await,
        );
        let status = async |client: &Client, query: &str| {
            let path = format!("/stream?collection={query}");
            client
                .open(Method::GET, &path, &[], "")
                .await
                .status()
                .as_u16()
        };
        assert_eq!(status(&viewer, "users").await, 403);
        assert_eq!(status(&admin, "users").await, 200);
        for wrong in [
            "api-keys",
            "",
            "tasks&colour=red",
            "tasks&limit=1",
            "tasks&cursor=x",
        ] {
            assert_eq!(status(&admin, wrong).await, 400, "{wrong}");
        }
        viewer
            .get("/stream?collection=users")
            .await
            .problem(Code::Forbidden);
    });
}

#[test]
fn a_stream_says_why_it_ends() {
    on_world(|world| async move {
        let client = world.operator().await;
        let there = elsewhere(world, &client).await;
        let mut follower = Follower::new("tasks", "kind=ended");
        follower.connect(Way::Sse(&there, &[])).await;
        follower.completes().await;
        let sessions = client.get("/auth/sessions").await.expect(200).body();
        let id = sessions["items"][0]["id"].as_str().expect("an id");
        let path = format!("/auth/sessions/{id}");
        let began = std::time::Instant::now();
        client
            .send(Method::DELETE, &path, &[], "")
            .await
            .expect(204);
        let mut heard = follower.next().await;
        while heard.event == "delta" {
            // Other tests are busy: it is told how far the list is.
            heard = follower.next().await;
        }
        assert_eq!(
            (heard.event.as_str(), &heard.data["reason"]),
            ("end", &json!("access_changed"))
        );
        assert!(began.elapsed() < std::time::Duration::from_secs(2));
    });
}

#[test]
fn who_may_no_longer_list_is_told_no_more() {
    on_world(|world| async move {
        let admin = world.signed_in(Role::Admin).await;
        let mut ann = json!({"email": "ann.demoted@example.org", "name": "Ann", "role": "admin",
            "password": "a good one"});
        let made = admin.post("/users", ann.clone()).await.expect(201);
        let path = format!("/users/{}/role", made.id());
        for member in ["name", "role"] {
            ann.as_object_mut().expect("an object").remove(member);
        }
        let session = world.stranger().post("/auth/login", ann).await.expect(200);
        let token = session.body()["access_token"].as_str().map(str::to_owned);
        let client = world.stranger().with_bearer(&token.expect("a token"));
        let there = elsewhere(world, &client).await;
        let mut follower = Follower::new("users", "role=viewer");
        follower.connect(Way::Sse(&there, &[])).await;
        follower.completes().await;
        let viewer = json!({"role": "viewer"});
        admin
            .json(Method::PUT, &path, &[], &viewer)
            .await
            .expect(200);
        let mut heard = follower.next().await;
        while heard.event == "delta" {
            // Rights are looked at every now and then: until they are, it is told what changes.
            heard = follower.next().await;
        }
        assert_eq!(heard.event, "end");
        assert_eq!(heard.data["reason"], "access_changed");
        let refused = there.get("/stream?collection=users").await;
        assert!(refused.status.is_client_error(), "{refused:?}");
    });
}
