//! On whose behalf something was done, as the audit tells it.
//!
//! Invariant: each test makes whoever acts, and looks for their commands only.

use domain::user::Role;
use schemas::api::Code;
use serde_json::{Value, json};

use crate::{
    audit::records,
    world::{Client, World, on_world},
};

const PASSWORD: &str = "a good one";

/// Somebody who signs in to `tenant`, and their id.
async fn sign_in(world: &World, email: &str, tenant: &str) -> (Client, String) {
    let body = json!({"email": email, "password": PASSWORD, "tenant": tenant});
    let session = world.stranger().post("/auth/login", body).await;
    let session = session.expect(200).body();
    let text = |at: &str| session.pointer(at).and_then(Value::as_str).expect("text");
    let client = world.stranger().with_bearer(text("/access_token"));
    (client, text("/user/id").to_owned())
}

#[test]
fn what_a_key_does_is_told_as_on_behalf_of_its_owner() {
    on_world(|world| async move {
        let wanted = json!({"email": "owner.audit@example.org", "password": PASSWORD,
            "name": "Ann"});
        let made = world.stranger().post("/auth/register", wanted).await;
        made.expect(201);
        let (ann, id) = sign_in(world, "owner.audit@example.org", "main").await;
        let wanted = json!({"name": "nightly", "scopes": ["tasks:write"]});
        let key = ann.post("/api-keys", wanted).await.expect(201);
        let text = key.body()["key"].as_str().expect("a key").to_owned();
        let program = world.stranger().with_bearer(&text);
        let (task, _) = program.make_task("audited-by-key").await;
        let own = ann.make_task("audited-by-owner").await.0;
        let refused = program.post("/jobs", json!({})).await;
        refused.problem(Code::Forbidden);

        let admin = world.signed_in(Role::Admin).await;
        let owner = format!("user:{id}");
        let of = async |filter: String| records(&admin, &filter, 1).await.remove(0);
        let told = |record: &Value| {
            let of = |name: &str| record[name].as_str().map(str::to_owned);
            [
                of("actor"),
                of("credential"),
                of("on_behalf_of"),
                of("session_id"),
            ]
        };
        let by_key = [
            Some(owner.clone()),
            Some("api_key".to_owned()),
            Some(owner.clone()),
            Some(key.id()),
        ];
        assert_eq!(told(&of(format!("command_id={task}")).await), by_key);
        let filter = format!("actor={owner}&route=/api/v1/jobs&result=refused");
        assert_eq!(told(&of(filter).await), by_key);
        let by_owner = told(&of(format!("command_id={own}")).await);
        assert_eq!(
            by_owner[..2],
            [Some(owner), Some("access_token".to_owned())]
        );
        assert_eq!(by_owner[2], None, "for themselves");
        assert_ne!(by_owner[3], by_key[3]);
    });
}

#[test]
fn who_acts_in_a_tenant_is_told_there_and_not_at_home() {
    on_world(|world| async move {
        let root = world.platform().await;
        let slug = "acme-audit";
        let wanted = json!({"slug": slug, "name": "Acme", "administrator": {
            "email": "ann@acme.example", "name": "Ann", "password": PASSWORD,
        }});
        let tenant = root.post("/tenants", wanted).await.expect(201);
        let act = format!("/tenants/{}/act", tenant.id());
        let entry = root.post(&act, json!({"reason": "ticket 4711"})).await;
        let entry = entry.expect(200);
        let token = entry.body()["access_token"]
            .as_str()
            .expect("a token")
            .to_owned();
        let acting = world.stranger().with_bearer(&token);
        let (task, _) = acting.make_task("audited-acting").await;
        acting
            .post("/tasks", json!({}))
            .await
            .problem(Code::InvalidBody);
        let me = acting.get("/auth/me").await.expect(200).id();
        let actor = format!("platform:{me}");

        let (ann, _) = sign_in(world, "ann@acme.example", slug).await;
        let there = records(&ann, &format!("actor={actor}"), 2).await;
        let told: Vec<_> = there.iter().map(|record| &record["result"]).collect();
        assert_eq!(told, ["refused", "allowed"], "{there:?}");
        assert_eq!(there[1]["command_id"], task.as_str());
        assert_eq!(there[1]["credential"], "access_token");
        assert!(there[1]["position"].is_u64(), "{there:?}");

        // At home it is known that they went there, and nothing of what they did.
        let admin = world.signed_in(Role::Admin).await;
        let (last, _) = world.operator().await.make_task("audited-at-home").await;
        records(&admin, &format!("command_id={last}"), 1).await;
        let gone = format!("actor={actor}&route=/api/v1/tenants/{{id}}/act");
        assert_eq!(records(&admin, &gone, 1).await.len(), 1);
        let done = records(&admin, &format!("command_id={task}"), 0).await;
        assert!(done.is_empty(), "{done:?}");
        let of_tasks = records(&admin, &format!("actor={actor}&route=/api/v1/tasks"), 0).await;
        assert!(of_tasks.is_empty(), "{of_tasks:?}");
    });
}
