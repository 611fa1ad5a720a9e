//! Resources and their types, from create to delete.
//!
//! Invariant: a write's answer and a later read show the same.

use axum::http::Method;
use schemas::api::Code;
use serde_json::json;

use crate::world::on_world;

#[test]
fn a_resource_lives_and_ends() {
    on_world(|world| async move {
        let client = world.operator().await;
        let body = json!({"type": "server", "name": "web-1",
            "attributes": {"cpu": {"cores": 4}, "note": "x"}, "labels": {"env": "prod"}});
        let made = client.post("/resources", body.clone()).await.expect(201);
        let path = format!("/resources/{}", made.id());
        assert_eq!(made.header("location"), format!("/api/v1{path}"));
        assert_eq!(made.header("etag"), "\"1\"");
        let fresh = |token: &str| vec![("consistency-token".to_owned(), token.to_owned())];
        let read = fresh(made.token());
        let read: Vec<_> = read.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let shown = client.get_with(&path, &read).await.expect(200);
        assert_eq!(shown.body(), made.body());

        let changes = json!({"name": "web-2", "attributes": {"cpu": {"cores": 8}, "note": null},
            "labels": {"env": null, "team": "a"}});
        let patched = client
            .send(
                Method::PATCH,
                &path,
                &[
                    ("content-type", "application/merge-patch+json"),
                    ("if-match", "\"1\""),
                ],
                changes.to_string(),
            )
            .await
            .expect(200);
        assert_eq!(patched.header("etag"), "\"2\"");
        assert_eq!(patched.body()["attributes"], json!({"cpu": {"cores": 8}}));
        assert_eq!(patched.body()["labels"], json!({"team": "a"}));

        let put = client
            .json(Method::PUT, &path, &[], &body)
            .await
            .expect(200);
        assert_eq!(put.header("etag"), "\"3\"");
        assert_eq!(put.body()["name"], "web-1");
        let same = client
            .json(Method::PUT, &path, &[], &body)
            .await
            .expect(200);
        assert_eq!(same.header("etag"), "\"3\"");

        let other_type = json!({"type": "disk", "name": "web-1"});
        let refused = client.json(Method::PUT, &path, &[], &other_type).await;
        refused.problem(Code::InvalidState);

        let gone = client
            .send(Method::DELETE, &path, &[], "")
            .await
            .expect(204);
        let fresh = [("consistency-token", gone.token())];
        client.get_with(&path, &fresh).await.problem(Code::NotFound);
        client
            .send(Method::DELETE, &path, &[], "")
            .await
            .expect(204);
        let history = client
            .get(&format!("{path}/events"))
            .await
            .expect(200)
            .body();
        let names: Vec<_> = history["items"].as_array().expect("items").iter().collect();
        assert_eq!(names.len(), 4);
        assert_eq!(names[3]["type"], "resource.deleted.v1");
    });
}

#[test]
fn a_put_makes_what_is_not_there_and_preconditions_hold() {
    on_world(|world| async move {
        let client = world.operator().await;
        let path = format!("/resources/{}", world.services.commands.ids().next());
        let body = json!({"type": "package", "name": "bash"});
        let must_exist = [("if-match", "*")];
        let refused = client.json(Method::PUT, &path, &must_exist, &body).await;
        refused.problem(Code::VersionMismatch);
        let must_not = [("if-none-match", "*")];
        let made = client
            .json(Method::PUT, &path, &must_not, &body)
            .await
            .expect(201);
        assert_eq!(made.header("location"), format!("/api/v1{path}"));
        let refused = client.json(Method::PUT, &path, &must_not, &body).await;
        let problem = refused.problem(Code::VersionMismatch);
        assert_eq!(problem.current_etag.as_deref(), Some("\"1\""));
        client
            .json(Method::PUT, &path, &must_exist, &body)
            .await
            .expect(200);
        let stale = [("if-match", "\"7\"")];
        let newer = json!({"type": "package", "name": "bash 2"});
        let refused = client.json(Method::PUT, &path, &stale, &newer).await;
        assert_eq!(
            refused
                .problem(Code::VersionMismatch)
                .current_etag
                .as_deref(),
            Some("\"1\"")
        );
        let keyed = [("if-none-match", "*"), ("idempotency-key", "put-1")];
        let path = format!("/resources/{}", world.services.commands.ids().next());
        client
            .json(Method::PUT, &path, &keyed, &body)
            .await
            .expect(201);
        let replay = client
            .json(Method::PUT, &path, &keyed, &body)
            .await
            .expect(201);
        assert_eq!(replay.header("idempotent-replayed"), "true");
    });
}

#[test]
fn a_defined_type_is_obeyed() {
    on_world(|world| async move {
        let client = world.operator().await;
        let schema = json!({"type": "object", "required": ["size"],
            "properties": {"size": {"type": "integer"}}});
        let define = json!({"name": "sized disk", "schema": schema});
        let defined = client
            .post("/resource-types", define.clone())
            .await
            .expect(201);
        assert_eq!(
            defined.header("location"),
            "/api/v1/resource-types/sized%20disk"
        );
        client
            .json(Method::PUT, "/resource-types", &[], &define)
            .await
            .expect(200);
        let fresh = [("consistency-token", defined.token())];
        let shown = client
            .get_with("/resource-types/sized%20disk", &fresh)
            .await
            .expect(200);
        assert_eq!(shown.body(), defined.body());
        client
            .get("/resource-types/none")
            .await
            .problem(Code::NotFound);
        let listed = client.get("/resource-types").await.expect(200).body();
        assert!(
            listed["items"]
                .as_array()
                .expect("items")
                .contains(&defined.body())
        );

        let wrong = json!({"type": "sized disk", "name": "sda", "attributes": {"size": "big"}});
        let problem = client
            .post("/resources", wrong)
            .await
            .problem(Code::InvalidBody);
        assert_eq!(problem.errors[0].pointer, "/attributes/size");
        let right = json!({"type": "sized disk", "name": "sda", "attributes": {"size": 3}});
        let made = client.post("/resources", right).await.expect(201);
        let path = format!("/resources/{}", made.id());
        let changes = json!({"attributes": {"size": null}});
        let problem = client.json(Method::PATCH, &path, &[], &changes).await;
        problem.problem(Code::InvalidBody);

        let broken = json!({"name": "broken", "schema": {"type": "no such type"}});
        let problem = client
            .post("/resource-types", broken)
            .await
            .problem(Code::InvalidBody);
        assert!(problem.errors[0].pointer.starts_with("/schema"));
    });
}

#[test]
fn reads_are_conditional() {
    on_world(|world| async move {
        let client = world.operator().await;
        let body = json!({"type": "server", "name": "etag"});
        let made = client.post("/resources", body).await.expect(201);
        let path = format!("/resources/{}", made.id());
        let known = [
            ("consistency-token", made.token()),
            ("if-none-match", "\"1\""),
        ];
        let same = client.get_with(&path, &known).await.expect(304);
        assert!(same.bytes.is_empty());
        assert_eq!(same.header("etag"), "\"1\"");
        let older = [("if-none-match", "\"0\"")];
        client.get_with(&path, &older).await.expect(200);
        let head = client.send(Method::HEAD, &path, &[], "").await.expect(200);
        assert_eq!(head.header("etag"), "\"1\"");
    });
}
