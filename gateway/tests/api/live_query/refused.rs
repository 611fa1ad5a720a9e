//! What nobody is told.
//!
//! Invariant: rows of another tenant, or of a collection that is not the caller's to read, never
//! come, whatever id is sent; and what one may no longer read ends.

use std::time::{Duration, Instant};

use axum::http::Method;
use domain::user::Role;
use schemas::api::Code;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::{churn, elsewhere, follower::Follower, follower::Way, socket};
use crate::world::{Client, World, on_world};

/// How soon whoever may no longer be told anything is told no more, at any gateway.
const SOON: Duration = Duration::from_secs(2);

/// An operator of another tenant, and where that is.
async fn stranger(world: &World, slug: &str) -> (Client, String) {
    let root = world.platform().await;
    let body = json!({"slug": slug, "name": "Other", "administrator": {
        "email": "ann@other.example", "name": "Ann", "password": "a good one"}});
    let made = root.post("/tenants", body).await.expect(201);
    let tenant = made.id().parse().expect("a tenant");
    let user = domain::UserId::new(world.services.commands.ids().next());
    let identity = &world.services.identity;
    let tokens = identity.start_session(tenant, user, Role::Operator).await;
    let tokens = tokens.expect("a session");
    let client = world.stranger().with_bearer(tokens.access.expose_secret());
    (client, format!("/tenants/{}", made.id()))
}

/// Why it ends; until then it is told how far the list is.
async fn end(follower: &mut Follower) -> String {
    loop {
        let heard = follower.next().await;
        if heard.event == "end" {
            return heard.data["reason"].as_str().expect("a reason").to_owned();
        }
        assert_eq!(heard.event, "delta", "{heard:?}");
    }
}

#[test]
fn another_tenants_rows_never_come() {
    on_world(|world| async move {
        let mine = world.operator().await;
        let (theirs, _) = stranger(world, "live-walls").await;
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
        let began = Instant::now();
        client
            .send(Method::DELETE, &path, &[], "")
            .await
            .expect(204);
        assert_eq!(end(&mut follower).await, "access_changed");
        assert!(began.elapsed() < SOON);
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
        assert_eq!(end(&mut follower).await, "access_changed");
        let refused = there.get("/stream?collection=users").await;
        assert!(refused.status.is_client_error(), "{refused:?}");
    });
}

#[test]
fn whoever_is_of_a_suspended_tenant_is_told_no_more() {
    on_world(|world| async move {
        let root = world.platform().await;
        let (client, tenant) = stranger(world, "live-suspended").await;
        let token = client.bearer.clone().expect("a token");
        let there = elsewhere(world, &client).await;
        let (address, _shutdown) = socket::serve(world.second().await).await;
        let [mut list, mut listed] = [(); 2].map(|()| Follower::new("tasks", "kind=told"));
        list.connect(Way::Sse(&there, &[])).await;
        listed.connect(Way::Socket(address, &token)).await;
        list.completes().await;
        listed.completes().await;
        // Both are told what happens, until the tenant is suspended.
        let (id, _) = client.make_task("told").await;
        list.sees(&id).await;
        listed.sees(&id).await;
        let suspend = format!("{tenant}/suspend");
        root.post(&suspend, json!({})).await.expect(200);
        let began = Instant::now();
        let ended = async {
            let ended = end(&mut list).await;
            (ended, began.elapsed())
        };
        let ((ended, took), (code, closed)) = tokio::join!(ended, async {
            let code = listed.closes().await;
            (code, began.elapsed())
        });
        assert_eq!((ended.as_str(), code), ("access_changed", 4003));
        assert!(took < SOON && closed < SOON, "{took:?} {closed:?}");
        let refused = there.get("/stream?collection=tasks").await;
        assert!(refused.status.is_client_error(), "{refused:?}");
    });
}
