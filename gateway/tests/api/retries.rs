//! The same request twice, and reading what was written.
//!
//! Invariant: a retry never has a second effect, and says that it is one.

use axum::http::Method;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::user::Role;
use schemas::api::Code;
use serde_json::json;

use crate::world::on_world;

#[test]
fn a_key_makes_a_retry_harmless() {
    on_world(|world| async move {
        let client = world.operator().await;
        let body = json!({"kind": "echo", "payload": {"retry": true}});
        let key = [("idempotency-key", "\"k-1\"")];
        let bare = [("idempotency-key", "k-1")];
        let first = client
            .json(Method::POST, "/tasks", &key, &body)
            .await
            .expect(201);
        assert!(first.headers.get("idempotent-replayed").is_none());
        let cancel = format!("/tasks/{}/cancel", first.id());
        client.send(Method::PUT, &cancel, &[], "").await.expect(200);
        let second = client
            .json(Method::POST, "/tasks", &bare, &body)
            .await
            .expect(201);
        assert_eq!(second.header("idempotent-replayed"), "true");
        assert_eq!(
            second.body(),
            first.body(),
            "as it was answered the first time"
        );
        assert_eq!(second.header("location"), first.header("location"));
        assert_eq!(second.header("etag"), first.header("etag"));
        assert_eq!(second.token(), first.token());

        let other = json!({"kind": "echo", "payload": {"retry": false}});
        let reused = client.json(Method::POST, "/tasks", &key, &other).await;
        reused.problem(Code::IdempotencyKeyReused);
        let somebody = world.operator().await;
        let theirs = somebody
            .json(Method::POST, "/tasks", &key, &body)
            .await
            .expect(201);
        assert_ne!(theirs.id(), first.id());
    });
}

#[test]
fn a_retry_is_not_refused_for_what_its_type_has_become() {
    on_world(|world| async move {
        let client = world.operator().await;
        let key = [("idempotency-key", "before the type")];
        let of_type = json!({"type": "tightened", "name": "one", "attributes": {"n": "text"}});
        let made = client
            .json(Method::POST, "/resources", &key, &of_type)
            .await;
        let made = made.expect(201);
        let path = format!("/resources/{}", made.id());
        let other = json!({"type": "tightened", "name": "two", "attributes": {"n": "text"}});
        let put = client
            .json(Method::PUT, &path, &key, &other)
            .await
            .expect(200);
        let changes = json!({"attributes": {"m": "text"}});
        let patched = client
            .json(Method::PATCH, &path, &key, &changes)
            .await
            .expect(200);

        let schema = json!({"additionalProperties": {"type": "number"}});
        let typed = json!({"name": "tightened", "schema": schema});
        client.post("/resource-types", typed).await.expect(201);
        let refused = client.post("/resources", of_type.clone()).await;
        refused.problem(Code::InvalidBody);
        for (method, path, body, first) in [
            (Method::POST, "/resources", &of_type, &made),
            (Method::PUT, &*path, &other, &put),
            (Method::PATCH, &*path, &changes, &patched),
        ] {
            let again = client.json(method.clone(), path, &key, body).await;
            assert_eq!(again.status, first.status, "{method}: {:?}", again.bytes);
            assert_eq!(again.body(), first.body(), "{method}");
        }
    });
}

#[test]
fn every_write_takes_a_key() {
    on_world(|world| async move {
        let client = world.operator().await;
        let body = json!({"type": "server", "name": "keyed", "attributes": {"n": 1}});
        let made = client.post("/resources", body).await.expect(201);
        let path = format!("/resources/{}", made.id());
        let key = [("idempotency-key", "patch")];
        let changes = json!({"attributes": {"n": 2}});
        let first = client
            .json(Method::PATCH, &path, &key, &changes)
            .await
            .expect(200);
        let other = json!({"attributes": {"n": 3}});
        client
            .json(Method::PATCH, &path, &[], &other)
            .await
            .expect(200);
        let replay = client
            .json(Method::PATCH, &path, &key, &changes)
            .await
            .expect(200);
        assert_eq!(replay.header("idempotent-replayed"), "true");
        assert_eq!(replay.body(), first.body());
        let key = [("idempotency-key", "delete"), ("if-match", "\"3\"")];
        client
            .send(Method::DELETE, &path, &key, "")
            .await
            .expect(204);
        let replay = client
            .send(Method::DELETE, &path, &key, "")
            .await
            .expect(204);
        assert_eq!(replay.header("idempotent-replayed"), "true");

        let admin = world.signed_in(Role::Admin).await;
        let carl = json!({"email": "carl@example.org", "password": "a good one", "name": "Carl",
            "role": "viewer"});
        let key = [("idempotency-key", "carl")];
        let first = admin
            .json(Method::POST, "/users", &key, &carl)
            .await
            .expect(201);
        let replay = admin
            .json(Method::POST, "/users", &key, &carl)
            .await
            .expect(201);
        assert_eq!(replay.header("idempotent-replayed"), "true");
        assert_eq!(replay.body(), first.body());
    });
}

#[test]
fn a_token_makes_the_write_visible() {
    on_world(|world| async move {
        let client = world.operator().await;
        for _ in 0..20 {
            let (id, made) = client.make_task("visible").await;
            let fresh = [("consistency-token", made.token())];
            let list = client
                .get_with("/tasks?kind=visible&limit=200", &fresh)
                .await
                .expect(200);
            let items = list.body()["items"].as_array().expect("items").clone();
            assert!(items.iter().any(|item| item["id"] == id.as_str()));
        }
    });
}

#[test]
fn a_token_of_elsewhere_is_refused() {
    on_world(|world| async move {
        let client = world.operator().await;
        let (_, made) = client.make_task("echo").await;
        let mut bytes = URL_SAFE_NO_PAD.decode(made.token()).expect("base64url");
        bytes[0] ^= 1;
        let altered = URL_SAFE_NO_PAD.encode(&bytes);
        for token in [altered.as_str(), "", "x", "AAAA"] {
            let answer = client
                .get_with("/tasks", &[("consistency-token", token)])
                .await;
            answer.problem(Code::InvalidParameter);
        }
        let both = [
            ("consistency-token", made.token()),
            ("consistency-token", "x"),
        ];
        let answer = client.get_with("/tasks", &both).await;
        answer.problem(Code::InvalidParameter);
        let mut services = world.services.clone();
        services.log.incarnation = "another log".to_owned();
        let mut elsewhere = client.clone();
        elsewhere.router = gateway::router(services);
        let answer = elsewhere
            .get_with("/tasks", &[("consistency-token", made.token())])
            .await;
        answer.problem(Code::InvalidParameter);
    });
}
