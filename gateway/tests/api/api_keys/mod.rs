//! API keys as programs and their owners meet them.
//!
//! Invariant: a key does what its scopes and its owner's role allow, and no longer than either.

mod live;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use axum::http::Method;
use domain::{api_key::LIFE_MAX_MS, user::Role};
use runtime::Limits;
use schemas::api::{Code, Problem};
use serde_json::{Value, json};

use crate::{
    sessions::HEARD_WITHIN,
    world::{ADMIN, Answer, Client, World, on_world},
};

/// Somebody who signed in by password.
struct Person {
    client: Client,
    id: String,
    refresh: String,
}

/// A key, and what is shown of it.
struct Key {
    client: Client,
    path: String,
    text: String,
    made: Answer,
}

async fn person(world: &World, path: &str, body: Value) -> Person {
    let answer = world.stranger().post(path, body).await;
    assert!(answer.status.is_success(), "{answer:?}");
    let body = answer.body();
    let text = |at: &str| {
        body.pointer(at)
            .and_then(Value::as_str)
            .expect(at)
            .to_owned()
    };
    Person {
        client: world.stranger().with_bearer(&text("/access_token")),
        id: text("/user/id"),
        refresh: text("/refresh_token"),
    }
}

async fn register(world: &World, email: &str) -> Person {
    let wanted = json!({"email": email, "password": "a good one", "name": "Ann"});
    person(world, "/auth/register", wanted).await
}

async fn admin(world: &World) -> Person {
    let known = json!({"email": ADMIN.0, "password": ADMIN.1});
    person(world, "/auth/login", known).await
}

async fn key(world: &World, owner: &Client, scopes: &[&str]) -> Key {
    let wanted = json!({"name": "nightly", "scopes": scopes});
    let made = owner.post("/api-keys", wanted).await.expect(201);
    let text = made.body()["key"].as_str().expect("a key").to_owned();
    Key {
        client: world.stranger().with_bearer(&text),
        path: format!("/api-keys/{}", made.id()),
        text,
        made,
    }
}

async fn delete(client: &Client, path: &str) -> Answer {
    client.send(Method::DELETE, path, &[], "").await
}

async fn get_after(client: &Client, path: &str, seen: &Answer) -> Answer {
    let fresh = [("consistency-token", seen.token()), ("prefer", "wait=10")];
    client.get_with(path, &fresh).await
}

async fn set_role(world: &World, id: &str, role: &str) {
    let admin = world.signed_in(Role::Admin).await;
    let path = format!("/users/{id}/role");
    let body = json!({ "role": role });
    let set = admin.json(Method::PUT, &path, &[], &body).await;
    set.expect(200);
}

#[test]
fn a_key_is_made_shown_once_used_and_revoked() {
    on_world(|world| async move {
        let ann = register(world, "ann.k1@example.org").await;
        let key = key(world, &ann.client, &["tasks:write", "tasks:read"]).await;
        let made = key.made.body();
        assert_eq!(key.made.header("location"), format!("/api/v1{}", key.path));
        assert_eq!(key.made.header("cache-control"), "no-store");
        assert!(
            key.text
                .starts_with(made["prefix"].as_str().expect("a prefix"))
        );
        assert_eq!(made["scopes"], json!(["tasks:read", "tasks:write"]));
        assert_eq!(
            (&made["owner_id"], &made["name"]),
            (&json!(ann.id), &json!("nightly"))
        );
        assert_eq!(
            (&made["last_used_at"], &made["revoked_at"]),
            (&Value::Null, &Value::Null)
        );

        key.client
            .post("/tasks", json!({"kind": "echo"}))
            .await
            .expect(201);
        key.client.get("/tasks").await.expect(200);
        assert_eq!(key.client.get("/auth/me").await.expect(200).id(), ann.id);
        let refused = key.client.get("/jobs").await;
        let problem = refused.problem(Code::Forbidden);
        assert!(problem.detail.contains("jobs:read"), "{problem:?}");

        let began = Instant::now();
        let shown = loop {
            let shown = get_after(&ann.client, &key.path, &key.made)
                .await
                .expect(200);
            if !shown.body()["last_used_at"].is_null() {
                break shown;
            }
            assert!(began.elapsed() < HEARD_WITHIN, "its use is not shown");
        };
        let mut expected = made.clone();
        expected.as_object_mut().expect("an object").remove("key");
        expected["last_used_at"] = shown.body()["last_used_at"].clone();
        assert_eq!(shown.body(), expected);
        let listed = ann.client.get("/api-keys").await.expect(200).body();
        assert_eq!(listed["items"], json!([expected]));
        assert!(!listed.to_string().contains(&key.text[26..]));

        let revoked = delete(&ann.client, &key.path).await.expect(204);
        let refused = key.client.get("/tasks").await;
        refused.problem(Code::AuthenticationRequired);
        delete(&ann.client, &key.path).await.expect(204);
        let shown = get_after(&ann.client, &key.path, &revoked)
            .await
            .expect(200);
        assert!(shown.body()["revoked_at"].is_string() && shown.body()["key"].is_null());
    });
}

#[test]
fn the_same_request_is_answered_with_the_same_key() {
    on_world(|world| async move {
        let ann = register(world, "ann.k2@example.org").await;
        let header = [("idempotency-key", "a key")];
        let ask = |name: &str| {
            let body = json!({"name": name, "scopes": ["jobs:read"]});
            let client = ann.client.clone();
            async move { client.json(Method::POST, "/api-keys", &header, &body).await }
        };
        let first = ask("one").await.expect(201);
        let again = ask("one").await.expect(201);
        assert_eq!(again.header("idempotent-replayed"), "true");
        assert_eq!(again.body(), first.body());
        ask("two").await.problem(Code::IdempotencyKeyReused);
        let listed = get_after(&ann.client, "/api-keys", &first)
            .await
            .expect(200);
        assert_eq!(listed.body()["items"].as_array().map(Vec::len), Some(1));
    });
}

#[test]
fn to_all_but_administrators_the_keys_of_others_do_not_exist() {
    on_world(|world| async move {
        let ann = register(world, "ann.k3@example.org").await;
        let bob = register(world, "bob.k3@example.org").await;
        let admin = admin(world).await;
        let key = key(world, &ann.client, &["*:read"]).await;
        let shown = get_after(&bob.client, &key.path, &key.made).await;
        shown.problem(Code::NotFound);
        delete(&bob.client, &key.path).await.problem(Code::NotFound);
        let listed = bob.client.get("/api-keys").await.expect(200).body();
        assert_eq!(listed["items"], json!([]));
        let of_ann = format!("/api-keys?owner={}", ann.id);
        let refused = bob.client.get(&of_ann).await;
        refused.problem(Code::Forbidden);
        key.client.get("/tasks").await.expect(200);

        admin.client.get(&key.path).await.expect(200);
        for client in [&admin.client, &ann.client] {
            let listed = client.get(&of_ann).await.expect(200).body();
            assert_eq!(listed["items"].as_array().map(Vec::len), Some(1));
        }
        delete(&admin.client, &key.path).await.expect(204);
        let refused = key.client.get("/tasks").await;
        refused.problem(Code::AuthenticationRequired);
        let unknown = format!("/api-keys/{}", world.services.commands.ids().next());
        admin.client.get(&unknown).await.problem(Code::NotFound);
        delete(&admin.client, &unknown)
            .await
            .problem(Code::NotFound);
    });
}

#[test]
fn nobody_gives_a_key_more_than_they_may_themselves() {
    on_world(|world| async move {
        let ann = register(world, "ann.k4@example.org").await;
        let now = world.services.commands.clock().now();
        let ask = async |scopes: Value, expires_at: Value| {
            let wanted = json!({"name": "n", "scopes": scopes, "expires_at": expires_at});
            let answer = ann.client.post("/api-keys", wanted).await;
            let problem = answer.problem(Code::InvalidBody);
            (
                problem.errors[0].pointer.clone(),
                problem.errors[0].detail.clone(),
            )
        };
        let (at, why) = ask(json!(["tasks:read", "users:read"]), Value::Null).await;
        assert_eq!(
            (at.as_str(), why.as_str()),
            (
                "/scopes/1",
                "users:read needs the role admin, yours is operator",
            )
        );
        let fine = json!(["tasks:read"]);
        let in_ms = |ms| json!(now.plus_ms(ms).to_string());
        for (scopes, expires_at, pointer) in [
            (json!(["api-keys:write"]), Value::Null, "/scopes/0"),
            (json!(["colours:read"]), Value::Null, "/scopes/0"),
            (json!(["tasks:read", "*:write"]), Value::Null, "/scopes/1"),
            (json!([]), Value::Null, "/scopes"),
            (fine.clone(), in_ms(-1), "/expires_at"),
            (fine.clone(), in_ms(LIFE_MAX_MS + 60_000), "/expires_at"),
            (fine.clone(), json!("soon"), "/expires_at"),
        ] {
            let (at, why) = ask(scopes.clone(), expires_at).await;
            assert_eq!(at, pointer, "{scopes}: {why}");
        }
        let listed = ann.client.get("/api-keys").await.expect(200).body();
        assert_eq!(listed["items"], json!([]));
    });
}

/// What an operation is documented to need of a key: none if no key may, an empty text if any may.
fn documented() -> BTreeMap<(String, String), Option<String>> {
    let document: Value = serde_json::from_str(&gateway::openapi()).expect("JSON");
    let mut found = BTreeMap::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let ways = operation["security"].as_array().expect("security");
            if ways.is_empty() {
                continue;
            }
            let way = ways.iter().find_map(|way| way.get("api_key"));
            let scope = way.map(|scopes| scopes[0].as_str().unwrap_or_default().to_owned());
            found.insert((method.to_uppercase(), path.clone()), scope);
        }
    }
    found
}

#[test]
fn a_key_may_do_what_the_document_says_of_its_scope_and_nothing_else() {
    on_world(|world| async move {
        let admin = admin(world).await;
        let documented = documented();
        let mut scopes: BTreeSet<_> = documented.values().flatten().cloned().collect();
        scopes.remove("");
        assert!(scopes.len() > 9);
        scopes.insert("*:read".to_owned());
        let unknown = world.services.commands.ids().next().to_string();
        for scope in &scopes {
            let key = key(world, &admin.client, &[scope]).await;
            for ((method, path), needed) in &documented {
                let place = format!("{scope}: {method} {path}");
                let path = path.replace("{id}", &unknown).replace("{name}", "unknown");
                let method: Method = method.parse().expect("a method");
                let response = key.client.open(method, &format!("!{path}"), &[], "").await;
                let may = match needed.as_deref() {
                    None => false,
                    Some("") => true,
                    Some(needed) => {
                        needed == scope || scope == "*:read" && needed.ends_with(":read")
                    }
                };
                if response.status().is_success() {
                    assert!(may, "{place}");
                    continue;
                }
                let body = axum::body::to_bytes(response.into_body(), 1 << 20).await;
                let problem: Problem =
                    serde_json::from_slice(&body.expect("a body")).expect("a problem");
                assert_eq!(problem.code != Code::Forbidden, may, "{place}: {problem:?}");
                assert_ne!(problem.code, Code::AuthenticationRequired, "{place}");
            }
        }
    });
}

#[test]
fn a_key_shrinks_with_its_owner_and_stops_with_them() {
    on_world(|world| async move {
        let ann = register(world, "ann.k5@example.org").await;
        let key = key(world, &ann.client, &["tasks:write", "tasks:read"]).await;
        let elsewhere = Client {
            router: world.other_gateway().await,
            ..key.client.clone()
        };
        let until = async |wanted: u16| {
            let began = Instant::now();
            loop {
                let answer = elsewhere.post("/tasks", json!({"kind": "echo"})).await;
                if answer.status.as_u16() == wanted {
                    return answer;
                }
                assert!(began.elapsed() < HEARD_WITHIN, "not {wanted}: {answer:?}");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        until(201).await;
        set_role(world, &ann.id, "viewer").await;
        let refused = until(403).await;
        assert!(refused.problem(Code::Forbidden).detail.contains("operator"));
        elsewhere.get("/tasks").await.expect(200);
        let here = key.client.post("/tasks", json!({"kind": "echo"})).await;
        here.problem(Code::Forbidden);
        // Up again, but never beyond its scopes.
        set_role(world, &ann.id, "admin").await;
        until(201).await;
        elsewhere.get("/users").await.problem(Code::Forbidden);

        let admin = world.signed_in(Role::Admin).await;
        let way = |way: &str| format!("/users/{}/{way}", ann.id);
        admin.post(&way("disable"), json!({})).await.expect(200);
        until(401).await;
        admin.post(&way("enable"), json!({})).await.expect(200);
        until(201).await;
        admin.post(&way("erase"), json!({})).await.expect(200);
        until(401).await.problem(Code::AuthenticationRequired);
        key.client
            .get("/tasks")
            .await
            .problem(Code::AuthenticationRequired);
        let shown = admin.get(&key.path).await.expect(200).body();
        assert_eq!(shown["name"], Value::Null);
    });
}

/// Of users, whoever is no administrator any more sees themselves.
#[test]
fn own_rights_are_a_keys_as_well_within_its_scopes() {
    on_world(|world| async move {
        let ann = register(world, "ann.k6@example.org").await;
        set_role(world, &ann.id, "admin").await;
        let of_users = key(world, &ann.client, &["users:read"]).await;
        let of_tasks = key(world, &ann.client, &["tasks:read"]).await;
        let bob = register(world, "bob.k6@example.org").await;
        let user = |id: &str| format!("/users/{id}");
        of_users.client.get(&user(&bob.id)).await.expect(200);
        set_role(world, &ann.id, "viewer").await;
        let other = of_users.client.get(&user(&bob.id)).await;
        other.problem(Code::NotFound);
        of_users.client.get(&user(&ann.id)).await.expect(200);
        let refused = of_tasks.client.get(&user(&ann.id)).await;
        refused.problem(Code::Forbidden);
        let password = json!({"password": "another one", "current_password": "a good one"});
        let path = format!("{}/password", user(&ann.id));
        let refused = of_users
            .client
            .json(Method::PUT, &path, &[], &password)
            .await;
        let problem = refused.problem(Code::Forbidden);
        assert!(problem.detail.contains("sign in"), "{problem:?}");
    });
}

#[test]
fn a_key_is_taken_for_nothing_but_what_it_is() {
    on_world(|world| async move {
        let ann = register(world, "ann.k9@example.org").await;
        let key = key(world, &ann.client, &["tasks:read"]).await;
        let access = ann.client.bearer.clone().expect("a token");
        let slip = key.text.replace("alm_0", "alm_1");
        let other_end = format!("{}000000", &key.text[..key.text.len() - 6]);
        let cut = key.text[..key.text.len() - 1].to_owned();
        for wrong in [
            slip,
            other_end,
            cut,
            format!("alm_{access}"),
            key.text.to_uppercase(),
        ] {
            assert_ne!(wrong, key.text);
            let refused = world.stranger().with_bearer(&wrong).get("/tasks").await;
            refused.problem(Code::AuthenticationRequired);
            assert!(refused.header("www-authenticate").contains("invalid_token"));
        }
        let body = json!({ "refresh_token": key.text });
        let refused = world.stranger().post("/auth/refresh", body).await;
        refused.problem(Code::InvalidRefreshToken);
        let refused = world
            .stranger()
            .with_bearer(&ann.refresh)
            .get("/tasks")
            .await;
        refused.problem(Code::AuthenticationRequired);
        let out = json!({ "refresh_token": key.text });
        world.stranger().post("/auth/logout", out).await.expect(204);
        key.client.get("/tasks").await.expect(200);
        let by_query = format!("/tasks?access_token={}", key.text);
        let refused = world.stranger().get(&by_query).await;
        refused.problem(Code::AuthenticationRequired);
    });
}

#[test]
fn a_key_counts_as_its_owner_and_what_is_none_as_nobody() {
    on_world(|world| async move {
        let ann = register(world, "ann.k10@example.org").await;
        let (one, two) = (
            key(world, &ann.client, &["tasks:read"]).await,
            key(world, &ann.client, &["tasks:read"]).await,
        );
        let mut services = world.services.clone();
        services.config.limits = Limits {
            anonymous: "2/900s".parse().expect("a limit"),
            principal: "3/900s".parse().expect("a limit"),
            ..Limits::off()
        };
        let router = gateway::router(services);
        let limited = |client: &Client| Client {
            router: router.clone(),
            ..client.clone()
        };
        for client in [&one.client, &two.client, &ann.client] {
            let answer = limited(client).get("/tasks").await.expect(200);
            assert!(answer.header("ratelimit").starts_with("\"principal\""));
        }
        for client in [&one.client, &two.client, &ann.client] {
            let refused = limited(client).get("/tasks").await;
            refused.problem(Code::TooManyRequests);
        }
        let unknown = world
            .stranger()
            .with_bearer(&one.text.replace("alm_0", "alm_1"));
        for _ in 0..2 {
            let answer = limited(&unknown).get("/tasks").await.expect(401);
            assert!(answer.header("ratelimit").starts_with("\"anonymous\""));
        }
        let refused = limited(&unknown).get("/tasks").await;
        refused.problem(Code::TooManyRequests);
    });
}
