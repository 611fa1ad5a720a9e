//! What a tenant decides for itself, and what comes of it.
//!
//! Invariant: each test has a tenant of its own, since the settings of the main one are
//! everybody's.

use axum::http::Method;
use domain::user::Role;
use schemas::api::Code;
use serde_json::{Value, json};

use crate::world::{Answer, Client, World, on_world};

const PASSWORD: &str = "a good one";
const DAY_MS: i64 = 24 * 3_600_000;
const MINUTE_MS: i64 = 60_000;

/// The first administrator of a new tenant.
async fn ann(world: &World, tenant: &str) -> Client {
    let wanted = json!({"slug": tenant, "name": "Acme", "administrator": {
        "email": "ann@acme.example", "name": "Ann", "password": PASSWORD,
    }});
    let root = world.platform().await;
    root.post("/tenants", wanted).await.expect(201);
    let session = login(&world.stranger(), tenant).await;
    world
        .stranger()
        .with_bearer(&text(&session, "access_token"))
}

async fn login(stranger: &Client, tenant: &str) -> Value {
    let body = json!({"email": "ann@acme.example", "password": PASSWORD, "tenant": tenant});
    let session = stranger.post("/auth/login", body).await;
    session.expect(200).body()
}

fn text(body: &Value, name: &str) -> String {
    body[name].as_str().expect(name).to_owned()
}

async fn patch(client: &Client, headers: &[(&str, &str)], body: Value) -> Answer {
    let kind = ("content-type", "application/merge-patch+json");
    let headers = [headers, &[kind]].concat();
    let path = "/settings";
    client.json(Method::PATCH, path, &headers, &body).await
}

fn after(answer: &Answer) -> [(&str, &str); 2] {
    [("consistency-token", answer.token()), ("prefer", "wait=10")]
}

#[test]
fn settings_are_shown_changed_and_left_to_the_default_again() {
    on_world(|world| async move {
        let ann = ann(world, "settings-shown").await;
        let first = ann.get("/settings").await.expect(200);
        assert_eq!(first.header("etag"), "\"0\"");
        assert_eq!(first.header("cache-control"), "no-store");
        let defaults = json!({"api_key_days": 366, "registration": "closed", "session_days": 30,
            "tasks_at_once": 100_000, "tasks_per_minute": 100_000});
        let mut names: Vec<_> = defaults.as_object().expect("an object").keys().collect();
        names.sort();
        let untouched = json!({"values": defaults, "defaults": names, "changed_at": null,
            "version": 0});
        assert_eq!(first.body(), untouched);
        let none = ann.get("/settings/events").await.expect(200).body();
        assert_eq!(none["items"], json!([]));

        let terms = [("if-match", "\"0\""), ("idempotency-key", "settings-1")];
        let wanted = json!({"session_days": 7, "registration": "open"});
        let set = patch(&ann, &terms, wanted.clone()).await.expect(200);
        assert_eq!(set.header("etag"), "\"1\"");
        let body = set.body();
        assert_eq!(body["values"]["session_days"], 7);
        assert_eq!(body["values"]["registration"], "open");
        assert_eq!(
            body["defaults"],
            json!(["api_key_days", "tasks_at_once", "tasks_per_minute"])
        );
        let again = patch(&ann, &terms, wanted).await.expect(200);
        assert_eq!(again.header("idempotent-replayed"), "true");
        let late = patch(&ann, &terms[..1], json!({"session_days": 8})).await;
        late.problem(Code::VersionMismatch);
        let shown = ann.get_with("/settings", &after(&set)).await.expect(200);
        assert_eq!(shown.body(), body);
        let known = [("if-none-match", "\"1\"")];
        ann.get_with("/settings", &known).await.expect(304);

        let any = [("if-match", "*")];
        let back = patch(
            &ann,
            &any,
            json!({"session_days": null, "registration": "open"}),
        );
        let back = back.await.expect(200);
        assert_eq!(back.body()["values"]["session_days"], 30);
        names.retain(|name| *name != "registration");
        assert_eq!(back.body()["defaults"], json!(names));
        let events = ann.get_with("/settings/events", &after(&back)).await;
        let events = events.expect(200).body();
        let told: Vec<_> = (events["items"].as_array().expect("items").iter())
            .map(|event| (event["type"].clone(), event["data"].clone()))
            .collect();
        let changed = |values: Value| (json!("settings.changed.v1"), json!({"values": values}));
        let expected = [
            changed(json!({"session_days": 7, "registration": "open"})),
            changed(json!({"session_days": null})),
        ];
        assert_eq!(told, expected);
    });
}

#[test]
fn a_first_change_needs_no_version_and_what_is_always_there_is_never_absent() {
    on_world(|world| async move {
        let ann = ann(world, "settings-always").await;
        let absent = [("if-none-match", "*")];
        let refused = patch(&ann, &absent, json!({"session_days": 7})).await;
        refused.problem(Code::VersionMismatch);
        let present = [("if-match", "*")];
        let set = patch(&ann, &present, json!({"session_days": 7})).await;
        assert_eq!(set.expect(200).body()["version"], 1);
        let same = patch(&ann, &[], json!({"session_days": 7})).await;
        assert_eq!(same.expect(200).body()["version"], 1);
    });
}

#[test]
fn what_cannot_be_so_is_refused_whole_and_pointed_at() {
    on_world(|world| async move {
        let ann = ann(world, "settings-wrong").await;
        let wrong = json!({"a/b": 1, "colour": null, "registration": true, "session_days": 31,
            "api_key_days": 7});
        let problem = patch(&ann, &[], wrong).await.problem(Code::InvalidBody);
        let mut errors: Vec<_> = (problem.errors.iter())
            .map(|one| (one.pointer.as_str(), one.detail.as_str()))
            .collect();
        errors.sort_unstable();
        let unknown = "there is no such setting";
        let expected = [
            ("/a~1b", unknown),
            ("/colour", unknown),
            ("/registration", "is one of: closed, open"),
            ("/session_days", "is a whole number from 1 to 30"),
        ];
        assert_eq!(errors, expected);
        for body in [json!([]), json!(null), json!("open")] {
            patch(&ann, &[], body).await.problem(Code::InvalidBody);
        }
        assert_eq!(ann.get("/settings").await.expect(200).body()["version"], 0);
        let schema = ann.get("/settings/schema").await.expect(200).body();
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["properties"]["registration"]["default"], "closed");
        let operator = world.operator().await;
        let schema = operator.get("/settings/schema").await.expect(200).body();
        assert_eq!(schema["properties"]["registration"]["default"], "open");
    });
}

#[test]
fn administrators_change_them_in_person_and_for_their_own_tenant_alone() {
    on_world(|world| async move {
        let ann = ann(world, "settings-mine").await;
        let other = self::ann(world, "settings-other").await;
        let set = patch(&ann, &[], json!({"session_days": 3}))
            .await
            .expect(200);
        let theirs = other.get_with("/settings", &after(&set)).await.expect(200);
        assert_eq!(theirs.body()["version"], 0);
        for role in [Role::Viewer, Role::Operator] {
            let client = world.signed_in(role).await;
            client.get("/settings").await.expect(200);
            let refused = patch(&client, &[], json!({"session_days": 3})).await;
            refused.problem(Code::Forbidden);
        }
        let wanted = json!({"name": "settings", "scopes": ["*:read", "settings:read"]});
        let key = ann.post("/api-keys", wanted).await.expect(201).body();
        let program = world.stranger().with_bearer(&text(&key, "key"));
        let seen = program.get("/settings").await.expect(200).body();
        assert_eq!(seen["values"]["session_days"], 3);
        let refused = patch(&program, &[], json!({"session_days": 30})).await;
        refused.problem(Code::Forbidden);
        let wanted = json!({"name": "settings", "scopes": ["settings:write"]});
        let refused = ann.post("/api-keys", wanted).await;
        refused.problem(Code::InvalidBody);
    });
}

#[test]
fn registration_is_open_where_configuration_and_tenant_leave_it_open() {
    on_world(|world| async move {
        let ann = ann(world, "settings-door").await;
        let register = async |gateway: &Client, name: &str| {
            let email = format!("{name}@acme.example");
            let body = json!({"email": email, "password": PASSWORD, "name": "Eve",
                "tenant": "settings-door"});
            gateway.post("/auth/register", body).await
        };
        let here = world.stranger();
        let mut there = world.stranger();
        there.router = world.other_gateway().await;
        let mut closed = world.stranger();
        let mut services = world.services.clone();
        services.config.registration = runtime::Registration::Closed;
        closed.router = gateway::router(services);

        for gateway in [&here, &there] {
            let refused = register(gateway, "eve").await;
            refused.problem(Code::RegistrationClosed);
        }
        patch(&ann, &[], json!({"registration": "open"}))
            .await
            .expect(200);
        let mine = ann.get("/auth/me").await.expect(200).body();
        for (gateway, name) in [(&here, "eve"), (&there, "bob")] {
            let made = register(gateway, name).await.expect(201).body();
            assert_eq!(made["user"]["tenant_id"], mine["tenant_id"]);
            assert_eq!(made["user"]["role"], "operator");
            let eve = gateway.clone().with_bearer(&text(&made, "access_token"));
            let me = eve.get("/auth/me").await.expect(200).body();
            assert_eq!(me["id"], made["user"]["id"]);
        }
        let refused = register(&closed, "dan").await;
        refused.problem(Code::RegistrationClosed);
        patch(&ann, &[], json!({"registration": null}))
            .await
            .expect(200);
        for gateway in [&here, &there] {
            let refused = register(gateway, "dan").await;
            refused.problem(Code::RegistrationClosed);
        }
    });
}

#[test]
fn nobody_registers_in_a_tenant_that_is_suspended() {
    on_world(|world| async move {
        let ann = ann(world, "settings-shut").await;
        patch(&ann, &[], json!({"registration": "open"}))
            .await
            .expect(200);
        let id = text(&ann.get("/tenant").await.expect(200).body(), "id");
        let root = world.platform().await;
        let suspend = format!("/tenants/{id}/suspend");
        root.post(&suspend, json!({})).await.expect(200);
        let body = json!({"email": "eve@acme.example", "password": PASSWORD, "name": "Eve",
            "tenant": "settings-shut"});
        let refused = world.stranger().post("/auth/register", body).await;
        refused.problem(Code::RegistrationClosed);
    });
}

#[test]
fn a_new_api_key_lasts_no_longer_than_its_tenant_allows() {
    on_world(|world| async move {
        let ann = ann(world, "settings-keys").await;
        let now = world.services.commands.clock().now();
        let make = async |days: Option<i64>| {
            let mut wanted = json!({"name": "k", "scopes": ["jobs:read"]});
            if let Some(days) = days {
                wanted["expires_at"] = json!(now.plus_ms(days * DAY_MS - MINUTE_MS));
            }
            ann.post("/api-keys", wanted).await
        };
        make(Some(30)).await.expect(201);
        patch(&ann, &[], json!({"api_key_days": 7}))
            .await
            .expect(200);
        let problem = make(Some(30)).await.problem(Code::InvalidBody);
        assert_eq!(problem.errors[0].pointer, "/expires_at");
        assert_eq!(
            problem.errors[0].detail,
            "API keys last at most 7 days here"
        );
        make(Some(7)).await.expect(201);
        let key = make(None).await.expect(201).body();
        let ends: domain::Timestamp =
            serde_json::from_value(key["expires_at"].clone()).expect("an instant");
        let lasts_ms = ends.since_ms(now);
        assert!((7 * DAY_MS..=7 * DAY_MS + 5 * MINUTE_MS).contains(&lasts_ms));
    });
}

#[test]
fn a_sign_in_ends_when_its_tenant_says_also_one_that_had_begun() {
    on_world(|world| async move {
        let ann = ann(world, "settings-days").await;
        let clock = world.clock_of_now();
        let began = clock.now();
        let stranger = world.at(&clock, &world.stranger()).await;
        let (one, two) = (
            login(&stranger, "settings-days").await,
            login(&stranger, "settings-days").await,
        );
        let refresh = async |session: &Value| {
            let body = json!({"refresh_token": text(session, "refresh_token")});
            stranger.post("/auth/refresh", body).await
        };
        patch(&ann, &[], json!({"session_days": 1}))
            .await
            .expect(200);
        clock.set(began.plus_ms(DAY_MS - MINUTE_MS));
        let later = refresh(&one).await.expect(200).body();
        let client = stranger.clone().with_bearer(&text(&later, "access_token"));
        client.get("/auth/me").await.expect(200);
        let listed = client.get("/auth/sessions").await.expect(200).body();
        let count = |listed: &Value| listed["items"].as_array().map(Vec::len);
        assert!(count(&listed) >= Some(2), "{listed}");

        clock.set(began.plus_ms(DAY_MS + MINUTE_MS));
        let shown = json!({"password": PASSWORD});
        client.post("/auth/step-up", shown).await.expect(401);
        let listed = client.get("/auth/sessions").await.expect(200).body();
        assert_eq!(count(&listed), Some(0), "{listed}");
        refresh(&later).await.expect(401);
        refresh(&two).await.expect(401);
        let fresh = login(&stranger, "settings-days").await;
        refresh(&fresh).await.expect(200);
    });
}
