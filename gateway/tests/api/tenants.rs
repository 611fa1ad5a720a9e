//! Tenants, who administers the platform, and how one of them acts in a tenant.
//!
//! Invariant: each test makes tenants of its own; a tenant is known to nobody who may not know it.

use axum::http::Method;
use domain::user::Role;
use schemas::api::Code;
use serde_json::{Value, json};

use crate::world::{Answer, Client, World, on_world};

const PASSWORD: &str = "a good one";

fn wanted(slug: &str) -> Value {
    json!({"slug": slug, "name": "Acme", "administrator": {
        "email": "ann@acme.example", "name": "Ann", "password": PASSWORD,
    }})
}

async fn login(world: &World, email: &str, tenant: &str) -> Answer {
    let body = json!({"email": email, "password": PASSWORD, "tenant": tenant});
    world.stranger().post("/auth/login", body).await
}

/// The first administrator of the tenant.
async fn ann(world: &World, tenant: &str) -> Client {
    let session = login(world, "ann@acme.example", tenant)
        .await
        .expect(200)
        .body();
    let token = session["access_token"].as_str().expect("a token");
    world.stranger().with_bearer(token)
}

fn after(answer: &Answer) -> [(&str, &str); 2] {
    [("consistency-token", answer.token()), ("prefer", "wait=10")]
}

#[test]
fn a_tenant_is_created_shown_listed_and_renamed() {
    on_world(|world| async move {
        let root = world.platform().await;
        let key = [("idempotency-key", "acme-1")];
        let body = wanted("acme-list");
        let create = || root.json(Method::POST, "/tenants", &key, &body);
        let made = create().await.expect(201);
        assert_eq!(
            made.header("location"),
            format!("/api/v1/tenants/{}", made.id())
        );
        assert_eq!(create().await.expect(201).body(), made.body());
        let taken = root.post("/tenants", wanted("acme-list")).await;
        taken.problem(Code::AlreadyExists);
        let mut wrong = wanted("acme-list-2");
        wrong["administrator"]["email"] = json!("nobody");
        let problem = root
            .post("/tenants", wrong)
            .await
            .problem(Code::InvalidBody);
        assert_eq!(problem.errors[0].pointer, "/administrator/email");
        let problem = root
            .post("/tenants", wanted("Acme!"))
            .await
            .problem(Code::InvalidBody);
        assert_eq!(problem.errors[0].pointer, "/slug");

        let path = format!("/tenants/{}", made.id());
        let shown = root.get_with(&path, &after(&made)).await.expect(200);
        assert_eq!(shown.body(), made.body());
        let kind = [
            ("content-type", "application/merge-patch+json"),
            ("if-match", "\"1\""),
        ];
        let body = json!({"name": "Apex"});
        let renamed = root
            .json(Method::PATCH, &path, &kind, &body)
            .await
            .expect(200);
        let listed = root
            .get_with("/tenants?limit=200", &after(&renamed))
            .await
            .expect(200);
        let listed = listed.body();
        let items = listed["items"].as_array().expect("items");
        let slugs: Vec<_> = items
            .iter()
            .map(|one| one["slug"].as_str().expect("a slug"))
            .collect();
        assert!(slugs.contains(&"main") && slugs.is_sorted(), "{slugs:?}");
        assert!(items.contains(&renamed.body()));
        let first = root.get("/tenants?limit=1").await.expect(200).body();
        let next = first["page"]["next"].as_str().expect("more");
        let second = root
            .get(&format!("/tenants?limit=1&cursor={next}"))
            .await
            .expect(200);
        assert_eq!(second.body()["items"][0], listed["items"][1]);
        let own = ann(world, "acme-list")
            .await
            .get("/tenant")
            .await
            .expect(200);
        assert_eq!(own.body(), renamed.body());
    });
}

#[test]
fn who_does_not_administer_the_platform_learns_of_no_tenant() {
    on_world(|world| async move {
        let root = world.platform().await;
        let made = root
            .post("/tenants", wanted("acme-secret"))
            .await
            .expect(201);
        let unknown = world.services.commands.ids().next();
        let admin = world.signed_in(Role::Admin).await;
        for client in [ann(world, "acme-secret").await, admin] {
            for id in [made.id(), unknown.to_string()] {
                let shown = client.get(&format!("/tenants/{id}")).await;
                shown.problem(Code::Forbidden);
                let act = json!({"reason": "curious"});
                let act = client.post(&format!("/tenants/{id}/act"), act).await;
                act.problem(Code::Forbidden);
            }
            client.get("/tenants").await.problem(Code::Forbidden);
            let made = client.post("/tenants", wanted("acme-mine")).await;
            made.problem(Code::Forbidden);
        }
        let known = login(world, "nobody@acme.example", "acme-secret").await;
        let known = known.problem(Code::InvalidCredentials);
        for tenant in ["acme-none", "ACME", "", "a/b"] {
            let told = login(world, "nobody@acme.example", tenant).await;
            let told = told.problem(Code::InvalidCredentials);
            assert_eq!(
                (told.title, told.detail),
                (known.title.clone(), known.detail.clone())
            );
        }
        for tenant in ["acme-secret", "acme-none"] {
            let body = json!({"email": "eve@acme.example", "password": PASSWORD, "name": "Eve",
                "tenant": tenant});
            let told = world.stranger().post("/auth/register", body).await;
            told.problem(Code::RegistrationClosed);
        }
    });
}

#[test]
fn who_acts_in_a_tenant_is_seen_there() {
    on_world(|world| async move {
        let root = world.platform().await;
        let made = root.post("/tenants", wanted("acme-act")).await.expect(201);
        let act = format!("/tenants/{}/act", made.id());
        let reason = json!({"reason": "ticket 4711"});
        let entry = root.post(&act, reason.clone()).await.expect(200);
        assert_eq!(entry.header("cache-control"), "no-store");
        let entry = entry.body();
        assert!(entry.get("refresh_token").is_none());
        let token = entry["access_token"].as_str().expect("a token");
        let acting = world.stranger().with_bearer(token);
        let wanted = json!({"type": "disk", "name": "sda"});
        let disk = acting.post("/resources", wanted).await.expect(201);
        let path = format!("/resources/{}", disk.id());
        root.get(&path).await.problem(Code::NotFound);

        let ann = ann(world, "acme-act").await;
        ann.get_with(&path, &after(&disk)).await.expect(200);
        let me = acting.get("/auth/me").await.expect(200).body();
        let actor = format!("platform:{}", me["id"].as_str().expect("an id"));
        let told = ann.get("/tenant/events").await.expect(200).body();
        let told = told["items"]
            .as_array()
            .expect("events")
            .last()
            .expect("one")
            .clone();
        assert_eq!(told["type"], "tenant.entered.v1");
        assert_eq!(
            (&told["data"]["reason"], &told["actorid"]),
            (&reason["reason"], &json!(actor))
        );
        let events = ann.get(&format!("{path}/events")).await.expect(200).body();
        assert_eq!(events["items"][0]["actorid"], json!(actor));
        // Whoever acts administers that tenant and nothing else.
        acting.get("/users").await.expect(200);
        acting.get("/tenants").await.problem(Code::Forbidden);
        acting
            .post(&act, reason.clone())
            .await
            .problem(Code::Forbidden);
        let main = format!("/tenants/{}/act", domain::TenantId::MAIN);
        root.post(&main, reason.clone())
            .await
            .problem(Code::InvalidState);
        let unknown = format!("/tenants/{}/act", world.services.commands.ids().next());
        root.post(&unknown, reason).await.problem(Code::NotFound);
        root.json(Method::DELETE, "/auth/sessions", &[], &json!({}))
            .await
            .expect(204);
        acting.get("/resources").await.expect(200);
    });
}

#[test]
fn a_suspended_tenant_is_closed_until_it_is_resumed() {
    on_world(|world| async move {
        let root = world.platform().await;
        let made = root
            .post("/tenants", wanted("acme-closed"))
            .await
            .expect(201);
        let ann = ann(world, "acme-closed").await;
        let way = |way: &str| format!("/tenants/{}/{way}", made.id());
        let closed = root.post(&way("suspend"), json!({})).await.expect(200);
        assert_eq!(closed.body()["suspended"], true);
        ann.get("/tasks")
            .await
            .problem(Code::AuthenticationRequired);
        let refused = login(world, "ann@acme.example", "acme-closed").await;
        refused.problem(Code::InvalidCredentials);
        root.post(&way("resume"), json!({})).await.expect(200);
        ann.get("/tasks").await.expect(200);
        login(world, "ann@acme.example", "acme-closed")
            .await
            .expect(200);
    });
}

#[test]
fn the_right_is_given_and_taken_by_those_who_have_it() {
    on_world(|world| async move {
        let root = world.platform().await;
        let person = json!({"email": "deputy@example.org", "name": "Deputy", "password": PASSWORD,
            "role": "admin"});
        let made = root.post("/users", person).await.expect(201);
        let path = format!("/users/{}", made.id());
        let put = async |client: &Client, path: &str, body: Value| {
            client.json(Method::PUT, path, &[], &body).await
        };
        let session = login(world, "deputy@example.org", "main")
            .await
            .expect(200)
            .body();
        let token = session["access_token"].as_str().expect("a token");
        let deputy = world.stranger().with_bearer(token);
        deputy.get("/tenants").await.problem(Code::Forbidden);
        let right = format!("{path}/platform");
        let tried = put(&deputy, &right, json!({"platform": true})).await;
        tried.problem(Code::Forbidden);
        let given = put(&root, &right, json!({"platform": true}))
            .await
            .expect(200);
        assert_eq!(given.body()["platform"], true);
        deputy.get("/tenants").await.expect(200);
        let own = put(&deputy, &right, json!({"platform": false})).await;
        own.problem(Code::Forbidden);
        // Another administrator would have the right with their way in.
        let admin = world.signed_in(Role::Admin).await;
        for (way, body) in [
            ("password", json!({"password": "another one"})),
            ("email", json!({"email": "mine@example.org"})),
            ("role", json!({"role": "viewer"})),
        ] {
            let tried = put(&admin, &format!("{path}/{way}"), body).await;
            tried.problem(Code::Forbidden);
        }
        for way in ["disable", "erase"] {
            let tried = admin.post(&format!("{path}/{way}"), json!({})).await;
            tried.problem(Code::Forbidden);
        }
        put(&root, &right, json!({"platform": false}))
            .await
            .expect(200);
        deputy.get("/tenants").await.problem(Code::Forbidden);
        admin
            .post(&format!("{path}/disable"), json!({}))
            .await
            .expect(200);
    });
}
