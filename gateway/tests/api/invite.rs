//! Inviting somebody, and what they make of it.
//!
//! Invariant: whoever was invited gets in by their token alone, and only once.

use axum::http::Method;
use domain::user::Role;
use schemas::api::Code;
use serde_json::{Value, json};

use crate::world::{Answer, Client, World, on_world};

const PASSWORD: &str = "one of his own";

async fn invite(admin: &Client, email: &str) -> Answer {
    let bob = json!({"email": email, "name": "Bob", "role": "operator"});
    admin.post("/users/invite", bob).await
}

async fn accept(world: &World, token: &Value) -> Answer {
    let body = json!({"token": token, "password": PASSWORD, "name": "Robert"});
    let stranger = world.stranger();
    stranger.post("/auth/invitations/accept", body).await
}

#[test]
fn an_invitation_becomes_a_user_who_is_signed_in() {
    on_world(|world| async move {
        let admin = world.signed_in(Role::Admin).await;
        let operator = world.operator().await;
        let refused = invite(&operator, "bob.i1@example.org").await;
        refused.problem(Code::Forbidden);
        let invited = invite(&admin, "bob.i1@example.org").await.expect(201);
        assert_eq!(invited.header("cache-control"), "no-store");
        let body = invited.body();
        let path = format!("/users/{}", body["user"]["id"].as_str().expect("an id"));
        assert_eq!(invited.header("location"), format!("/api/v1{path}"));
        assert_eq!(body["user"]["invited"], true);
        let fresh = [
            ("consistency-token", invited.token()),
            ("prefer", "wait=10"),
        ];
        let shown = admin.get_with(&path, &fresh).await.expect(200);
        assert_eq!(shown.body(), body["user"]);
        let twice = invite(&admin, "Bob.i1@example.org").await;
        twice.problem(Code::EmailTaken);
        let login = json!({"email": "bob.i1@example.org", "password": PASSWORD});
        let stranger = world.stranger();
        let early = stranger.post("/auth/login", login.clone()).await;
        early.problem(Code::InvalidCredentials);
        let set = json!({"password": PASSWORD});
        let set = (admin)
            .json(Method::PUT, &format!("{path}/password"), &[], &set)
            .await;
        set.problem(Code::InvalidState);

        let weak = json!({"token": body["token"], "password": "short"});
        let weak = stranger.post("/auth/invitations/accept", weak).await;
        assert_eq!(
            weak.problem(Code::InvalidBody).errors[0].pointer,
            "/password"
        );
        let session = accept(world, &body["token"]).await.expect(200);
        let user = &session.body()["user"];
        assert_eq!(
            (&user["name"], &user["invited"]),
            (&json!("Robert"), &json!(false))
        );
        let token = session.body()["access_token"].clone();
        let bob = stranger
            .clone()
            .with_bearer(token.as_str().expect("a token"));
        bob.post("/tasks", json!({"kind": "echo"}))
            .await
            .expect(201);
        accept(world, &body["token"])
            .await
            .problem(Code::InvalidInvitation);
        stranger.post("/auth/login", login).await.expect(200);
        let fresh = [
            ("consistency-token", session.token()),
            ("prefer", "wait=10"),
        ];
        let events = admin.get_with(&format!("{path}/events"), &fresh).await;
        let events = events.expect(200);
        let types = events.body()["items"].clone();
        let types = types.as_array().expect("events").iter();
        let types: Vec<_> = types.map(|event| event["type"].clone()).collect();
        assert_eq!(types, ["user.invited.v1", "user.invitation_accepted.v1"]);
        let told = String::from_utf8_lossy(&events.bytes);
        assert!(!told.contains(body["token"].as_str().expect("a token")));
    });
}

#[test]
fn inviting_again_and_disabling_end_a_token() {
    on_world(|world| async move {
        let admin = world.signed_in(Role::Admin).await;
        let first = invite(&admin, "bob.i2@example.org")
            .await
            .expect(201)
            .body();
        let path = format!("/users/{}", first["user"]["id"].as_str().expect("an id"));
        let again = async || admin.post(&format!("{path}/invite"), json!({})).await;
        let second = again().await.expect(200);
        assert!(!second.token().is_empty() && second.header("etag") == "\"2\"");
        let refused = accept(world, &first["token"]).await;
        refused.problem(Code::InvalidInvitation);
        let disable = format!("{path}/disable");
        admin.post(&disable, json!({})).await.expect(200);
        let refused = accept(world, &second.body()["token"]).await;
        refused.problem(Code::InvalidInvitation);
        again().await.problem(Code::InvalidState);
        let enable = format!("{path}/enable");
        admin.post(&enable, json!({})).await.expect(200);
        let refused = accept(world, &second.body()["token"]).await;
        refused.problem(Code::InvalidInvitation);
        let third = again().await.expect(200).body();
        accept(world, &third["token"]).await.expect(200);
        again().await.problem(Code::InvalidState);
    });
}

#[test]
fn a_retry_of_an_invitation_gives_a_token_that_works() {
    on_world(|world| async move {
        let admin = world.signed_in(Role::Admin).await;
        let key = [("idempotency-key", "invite-1")];
        let bob = json!({"email": "bob.i3@example.org", "name": "Bob", "role": "viewer"});
        let send = || admin.json(Method::POST, "/users/invite", &key, &bob);
        let lost = send().await.expect(201).body();
        let known = send().await.expect(201);
        assert_eq!(known.header("idempotent-replayed"), "true");
        let known = known.body();
        assert_eq!(known["user"]["id"], lost["user"]["id"]);
        accept(world, &lost["token"])
            .await
            .problem(Code::InvalidInvitation);
        accept(world, &known["token"]).await.expect(200);
    });
}
