//! Showing again who one is before what cannot be undone.
//!
//! Invariant: what five minutes have made too old, only a step-up makes good again.

use axum::http::Method;
use domain::user::Role;
use schemas::api::Code;
use serde_json::json;

use crate::{
    mfa::Person,
    world::{ADMIN, Client, World, on_world},
};

const MINUTE_MS: i64 = 60_000;

/// The administrator, signed in by their password, at a gateway whose clock is the test's.
async fn administrator(world: &World, clock: &runtime::Clock) -> (Client, String) {
    let stranger = world.at(clock, &world.stranger()).await;
    let person = json!({"email": ADMIN.0, "password": ADMIN.1});
    let body = stranger
        .post("/auth/login", person)
        .await
        .expect(200)
        .body();
    let text = |name: &str| body[name].as_str().expect("text").to_owned();
    let client = stranger.with_bearer(&text("access_token"));
    (client, text("refresh_token"))
}

#[test]
fn after_five_minutes_a_password_is_asked_for_and_a_refresh_is_none() {
    on_world(|world| async move {
        let clock = world.clock_of_now();
        let (admin, refresh) = administrator(world, &clock).await;
        let add = async |client: &Client, email: &str| {
            let bob = json!({"email": email, "password": "a good one", "name": "Bob",
                "role": "viewer"});
            client.post("/users", bob).await
        };
        clock.set(clock.now().plus_ms(5 * MINUTE_MS - 2_000));
        let made = add(&admin, "bob.step1@example.org").await.expect(201);
        let path = format!("/users/{}", made.id());
        clock.set(clock.now().plus_ms(4_000));
        let refused = add(&admin, "bob.step2@example.org").await;
        let problem = refused.problem(Code::StepUpRequired);
        assert!(problem.detail.contains("/api/v1/auth/step-up"));
        let challenge = refused.header("www-authenticate");
        assert!(challenge.contains("error=\"insufficient_user_authentication\", max_age=300"));
        let erase = format!("{path}/erase");
        admin
            .post(&erase, json!({}))
            .await
            .problem(Code::StepUpRequired);
        admin.get("/users").await.expect(200);

        let body = json!({"refresh_token": refresh});
        let next = admin.post("/auth/refresh", body).await.expect(200).body();
        let renewed = next["access_token"].as_str().expect("a token");
        let renewed = admin.clone().with_bearer(renewed);
        renewed
            .post(&erase, json!({}))
            .await
            .problem(Code::StepUpRequired);

        let wrong = json!({"password": "not the one"});
        let wrong = admin.post("/auth/step-up", wrong).await;
        wrong.problem(Code::InvalidCredentials);
        let code = admin.post("/auth/step-up", json!({"code": "000000"})).await;
        assert_eq!(
            code.problem(Code::InvalidBody).errors[0].pointer,
            "/password"
        );
        admin
            .post("/auth/step-up", json!({}))
            .await
            .problem(Code::InvalidBody);
        let right = json!({"password": ADMIN.1});
        let stepped_up = admin.post("/auth/step-up", right).await.expect(200).body();
        let token = stepped_up["access_token"].as_str().expect("a token");
        admin
            .post(&erase, json!({}))
            .await
            .problem(Code::StepUpRequired);
        let admin = admin.with_bearer(token);
        admin.post(&erase, json!({})).await.expect(200);
        // What is refreshed from then on says so as well.
        let body = json!({"refresh_token": next["refresh_token"]});
        let next = admin.post("/auth/refresh", body).await.expect(200).body();
        let admin = admin.with_bearer(next["access_token"].as_str().expect("a token"));
        clock.set(clock.now().plus_ms(4 * MINUTE_MS));
        admin.post(&erase, json!({})).await.expect(200);
    });
}

#[test]
fn whoever_has_a_second_factor_steps_up_with_it() {
    on_world(|world| async move {
        let ann = Person::with_mfa(world, "ann.step@example.org").await;
        ann.pass(6 * MINUTE_MS);
        let off = async |client: &Client| {
            let path = "/auth/mfa/totp";
            client.send(Method::DELETE, path, &[], "").await
        };
        off(&ann.client).await.problem(Code::StepUpRequired);
        let stolen = json!({"password": "a good one"});
        let refused = ann.client.post("/auth/step-up", stolen).await;
        let problem = refused.problem(Code::InvalidBody);
        assert_eq!(problem.errors[0].pointer, "/code");
        let code = json!({"code": ann.code()});
        let stepped_up = ann.client.post("/auth/step-up", code.clone()).await;
        let stepped_up = stepped_up.expect(200).body();
        let replayed = ann.client.post("/auth/step-up", code).await;
        replayed.problem(Code::InvalidCode);
        let token = stepped_up["access_token"].as_str().expect("a token");
        let ann_again = ann.client.clone().with_bearer(token);
        off(&ann_again).await.expect(204);
    });
}

#[test]
fn ones_own_way_in_is_changed_by_the_password_itself() {
    on_world(|world| async move {
        let clock = world.clock_of_now();
        let stranger = world.at(&clock, &world.stranger()).await;
        let wanted = json!({"email": "own.step@example.org", "password": "a good one",
            "name": "Ann"});
        let body = stranger.post("/auth/register", wanted).await;
        let body = body.expect(201).body();
        let ann = stranger.with_bearer(body["access_token"].as_str().expect("a token"));
        let id = body["user"]["id"].as_str().expect("an id");
        clock.set(clock.now().plus_ms(6 * MINUTE_MS));
        let path = format!("/users/{id}/password");
        let change = json!({"password": "another one", "current_password": "a good one"});
        let put = async |client: &Client, body| client.json(Method::PUT, &path, &[], &body).await;
        put(&ann, change).await.expect(200);
        let admin = world.signed_in(Role::Admin).await;
        let admin = world.at(&clock, &admin).await;
        let set = json!({"password": "a third one"});
        put(&admin, set).await.problem(Code::StepUpRequired);
    });
}
