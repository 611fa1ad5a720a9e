//! What becomes of a user: name, role, address, password, and the end.
//!
//! Invariant: each test makes people of its own; whoever may not is answered as if nobody were
//! there.

use axum::http::Method;
use domain::user::Role;
use schemas::api::Code;
use serde_json::{Value, json};

use crate::world::{Answer, Client, World, on_world};

const PASSWORD: &str = "a good one";

/// Somebody who registered, and how to speak for them.
struct Person {
    client: Client,
    path: String,
}

async fn register(world: &World, email: &str) -> Person {
    let wanted = json!({"email": email, "password": PASSWORD, "name": "Ann"});
    let session = world.stranger().post("/auth/register", wanted).await;
    let body = session.expect(201).body();
    let token = body["access_token"].as_str().expect("a token");
    let id = body["user"]["id"].as_str().expect("an id");
    Person {
        client: world.stranger().with_bearer(token),
        path: format!("/users/{id}"),
    }
}

async fn login(world: &World, email: &str, password: &str) -> Answer {
    let body = json!({"email": email, "password": password});
    world.stranger().post("/auth/login", body).await
}

async fn put(client: &Client, path: &str, body: Value) -> Answer {
    client.json(Method::PUT, path, &[], &body).await
}

async fn patch(client: &Client, path: &str, body: Value) -> Answer {
    let kind = [("content-type", "application/merge-patch+json")];
    client.json(Method::PATCH, path, &kind, &body).await
}

#[test]
fn a_name_is_changed_by_its_person_and_by_administrators() {
    on_world(|world| async move {
        let ann = register(world, "ann.name@example.org").await;
        let changed = patch(&ann.client, &ann.path, json!({"name": "Anne"})).await;
        assert_eq!(changed.expect(200).body()["name"], "Anne");
        let admin = world.signed_in(Role::Admin).await;
        let changed = patch(&admin, &ann.path, json!({"name": "Anna"}))
            .await
            .expect(200);
        assert_eq!(changed.body()["name"], "Anna");
        let fresh = [
            ("consistency-token", changed.token()),
            ("prefer", "wait=10"),
        ];
        let shown = ann.client.get_with(&ann.path, &fresh).await.expect(200);
        assert_eq!(shown.body(), changed.body());
        let other = world.operator().await;
        let body = json!({"name": "Eve"});
        patch(&other, &ann.path, body).await.problem(Code::NotFound);
        let wrong = patch(&ann.client, &ann.path, json!({"role": "admin"})).await;
        wrong.problem(Code::InvalidBody);
    });
}

#[test]
fn roles_are_given_by_administrators_who_keep_their_own() {
    on_world(|world| async move {
        let email = "ann.role@example.org";
        let ann = register(world, email).await;
        let role = format!("{}/role", ann.path);
        ann.client.get("/users").await.problem(Code::Forbidden);
        let promoted = json!({"role": "admin"});
        let tried = put(&ann.client, &role, promoted.clone()).await;
        tried.problem(Code::Forbidden);
        let admin = world.signed_in(Role::Admin).await;
        let given = put(&admin, &role, promoted).await.expect(200);
        assert_eq!(given.body()["role"], "admin");
        ann.client.get("/users").await.expect(200);
        let signed_in = login(world, email, PASSWORD).await.expect(200).body();
        assert_eq!(signed_in["user"]["role"], "admin");
        let token = signed_in["access_token"].as_str().expect("a token");
        let ann = Person {
            client: world.stranger().with_bearer(token),
            ..ann
        };
        let less = put(&ann.client, &role, json!({"role": "viewer"})).await;
        less.problem(Code::Forbidden);
        for way in ["disable", "erase"] {
            let own = ann
                .client
                .post(&format!("{}/{way}", ann.path), json!({}))
                .await;
            own.problem(Code::Forbidden);
        }
    });
}

#[test]
fn who_is_disabled_does_not_sign_in() {
    on_world(|world| async move {
        let email = "ann.disabled@example.org";
        let ann = register(world, email).await;
        let admin = world.signed_in(Role::Admin).await;
        let way = |way: &str| format!("{}/{way}", ann.path);
        let tried = ann.client.post(&way("disable"), json!({})).await;
        tried.problem(Code::Forbidden);
        let disabled = admin.post(&way("disable"), json!({})).await.expect(200);
        assert_eq!(disabled.body()["disabled"], true);
        let refused = login(world, email, PASSWORD).await;
        refused.problem(Code::InvalidCredentials);
        let out = ann.client.get("/auth/me").await;
        out.problem(Code::AuthenticationRequired);
        admin.post(&way("enable"), json!({})).await.expect(200);
        login(world, email, PASSWORD).await.expect(200);
    });
}

#[test]
fn a_new_password_replaces_the_one_before() {
    on_world(|world| async move {
        let email = "ann.password@example.org";
        let ann = register(world, email).await;
        let path = format!("{}/password", ann.path);
        let wanted =
            |current: &str| json!({"password": "another one", "current_password": current});
        let unproven = put(&ann.client, &path, json!({"password": "another one"})).await;
        let problem = unproven.problem(Code::InvalidBody);
        assert_eq!(problem.errors[0].pointer, "/current_password");
        let wrong = put(&ann.client, &path, wanted("a wrong one")).await;
        let problem = wrong.problem(Code::InvalidBody);
        assert_eq!(problem.errors[0].pointer, "/current_password");
        let signed_in = login(world, email, PASSWORD).await.expect(200).body();
        let token = signed_in["access_token"].as_str().expect("a token");
        let elsewhere = world.stranger().with_bearer(token);

        let key = [("idempotency-key", "password-1")];
        let body = wanted(PASSWORD);
        let send = || ann.client.json(Method::PUT, &path, &key, &body);
        let changed = send().await.expect(200);
        let again = send().await.expect(200);
        assert_eq!(again.header("idempotent-replayed"), "true");
        assert_eq!(again.body(), changed.body());
        let old = login(world, email, PASSWORD).await;
        old.problem(Code::InvalidCredentials);
        login(world, email, "another one").await.expect(200);
        ann.client.get("/auth/me").await.expect(200);
        let out = elsewhere.get("/auth/me").await;
        out.problem(Code::AuthenticationRequired);

        let admin = world.signed_in(Role::Admin).await;
        put(&admin, &path, json!({"password": "a third one"}))
            .await
            .expect(200);
        login(world, email, "a third one").await.expect(200);
        let old = login(world, email, "another one").await;
        old.problem(Code::InvalidCredentials);
        let weak = put(&admin, &path, json!({"password": "short"})).await;
        weak.problem(Code::InvalidBody);
    });
}

#[test]
fn a_new_address_is_taken_and_the_old_one_free() {
    on_world(|world| async move {
        let (old, new) = ("ann.old@example.org", "ann.new@example.org");
        let ann = register(world, old).await;
        let bob = register(world, "bob.address@example.org").await;
        let path = format!("{}/email", ann.path);
        let wanted = |email: &str| json!({"email": email, "current_password": PASSWORD});
        let taken = put(&ann.client, &path, wanted("Bob.Address@example.org")).await;
        taken.problem(Code::EmailTaken);
        let stale = [("if-match", "\"7\"")];
        let stale = (ann.client)
            .json(Method::PUT, &path, &stale, &wanted(new))
            .await;
        stale.problem(Code::VersionMismatch);
        let changed = put(&ann.client, &path, wanted(new)).await.expect(200);
        assert_eq!(changed.body()["email"], new);
        let same = put(&ann.client, &path, wanted(new)).await.expect(200);
        assert_eq!(same.body(), changed.body());
        let gone = login(world, old, PASSWORD).await;
        gone.problem(Code::InvalidCredentials);
        login(world, new, PASSWORD).await.expect(200);
        let path = format!("{}/email", bob.path);
        put(&bob.client, &path, wanted(old)).await.expect(200);
        login(world, old, PASSWORD).await.expect(200);
    });
}

#[test]
fn who_is_erased_is_forgotten() {
    on_world(|world| async move {
        let email = "ann.erased@example.org";
        let ann = register(world, email).await;
        let admin = world.signed_in(Role::Admin).await;
        let path = format!("{}/erase", ann.path);
        let tried = ann.client.post(&path, json!({})).await;
        tried.problem(Code::Forbidden);
        let key = [("idempotency-key", "erase-1")];
        let nothing = json!({});
        let erase = || admin.json(Method::POST, &path, &key, &nothing);
        let erased = erase().await.expect(200);
        assert_eq!(
            (&erased.body()["email"], &erased.body()["name"]),
            (&Value::Null, &Value::Null)
        );
        assert_eq!(erase().await.expect(200).body(), erased.body());
        admin.post(&path, json!({})).await.expect(200);
        let refused = login(world, email, PASSWORD).await;
        refused.problem(Code::InvalidCredentials);
        let changed = patch(&admin, &ann.path, json!({"name": "Ann"})).await;
        changed.problem(Code::InvalidState);
        let fresh = [("consistency-token", erased.token()), ("prefer", "wait=10")];
        let history = format!("{}/events", ann.path);
        let history = admin.get_with(&history, &fresh).await.expect(200).body();
        let types: Vec<_> = history["items"]
            .as_array()
            .expect("events")
            .iter()
            .map(|event| event["type"].as_str().expect("a type"))
            .collect();
        assert_eq!(types, ["user.registered.v1", "user.erased.v1"]);
        // The address is free, and whoever has it next is somebody else.
        let next = register(world, email).await;
        assert_ne!(next.path, ann.path);
    });
}
