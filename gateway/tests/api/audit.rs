//! Who did or tried what.
//!
//! Invariant: each test comes from an address of its own, or looks for its own commands only.

use std::time::{Duration, Instant};

use commands::DEFAULT_TENANT;
use domain::user::Role;
use event_log::{EventLog as _, Position};
use runtime::Limits;
use schemas::api::Code;
use serde_json::{Value, json};

use crate::{
    site::Site,
    world::{ADMIN, Client, World, on_own_world, on_world},
};

/// Longer than any record takes to be readable.
const DEADLINE: Duration = Duration::from_secs(30);
const AGENT: &str = "an-agent-like-no-other/7";

/// What is refused below, in order: route, code, and whether of somebody.
const REFUSED: [(&str, &str, bool); 9] = [
    ("GET /tasks", "AUTHENTICATION_REQUIRED", false),
    ("GET /tasks/{id}", "NOT_FOUND", true),
    ("POST /auth/login", "INVALID_CREDENTIALS", false),
    ("POST /auth/refresh", "FORBIDDEN", false),
    ("POST /jobs/preview", "TOO_MANY_REQUESTS", true),
    ("POST /tasks", "FORBIDDEN", true),
    ("POST /tasks", "INVALID_BODY", true),
    ("PUT /resources/{id}", "VERSION_MISMATCH", true),
    ("PUT /tasks/{id}/cancel", "NOT_FOUND", true),
];

/// What `filter` finds, once that is as many as `enough`.
pub async fn records(admin: &Client, filter: &str, enough: usize) -> Vec<Value> {
    let began = Instant::now();
    loop {
        let page = admin.get(&format!("/audit?limit=200&{filter}")).await;
        let items = page.expect(200).body()["items"].clone();
        let items = items.as_array().expect("items").clone();
        if items.len() >= enough {
            return items;
        }
        assert!(began.elapsed() < DEADLINE, "{filter}: {items:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A gateway behind a proxy, asked from one address.
struct From {
    address: &'static str,
    site: Site,
}

impl From {
    async fn new(world: &World, address: &'static str, limits: Limits) -> Self {
        let site = Box::pin(Site::start(world, limits, &["127.0.0.0/8"])).await;
        Self { address, site }
    }

    /// The status of the answer.
    async fn ask(&self, what: &str, bearer: Option<&Client>, lines: &str, body: &Value) -> u16 {
        let token = bearer.and_then(|client| client.bearer.as_deref());
        let token = token.map_or(String::new(), |token| {
            format!("Authorization: Bearer {token}\r\n")
        });
        let lines = format!(
            "X-Forwarded-For: {}\r\nUser-Agent: {AGENT}\r\n\
             Content-Type: application/json\r\n{token}{lines}",
            self.address
        );
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let answer = self.site.ask(what, &lines, &body).await;
        answer[9..12].parse().expect("a status")
    }
}

/// What a refused request's record tells, which must say from where it came.
fn told(record: &Value) -> (String, String, bool) {
    let route = format!("{} {}", record["method"], record["route"]);
    let route = route.replace("/api/v1", "").replace('"', "");
    let actor = record["actor"].as_str().expect("an actor");
    assert_eq!(record["result"], "refused", "{record}");
    assert_eq!(record["count"], 1, "{record}");
    assert_eq!(record["address"], "198.51.100.71", "{record}");
    assert_eq!(record["user_agent"], AGENT, "{record}");
    let code = record["code"].as_str().expect("a code").to_owned();
    (route, code, actor.starts_with("user:"))
}

#[test]
fn every_refusal_has_its_record() {
    on_world(|world| async move {
        let mut limits = Limits::off();
        limits.preview = "1/900s".parse().expect("a limit");
        let from = Box::pin(From::new(world, "198.51.100.71", limits)).await;
        let viewer = world.signed_in(Role::Viewer).await;
        let operator = world.operator().await;
        let forged = viewer.clone().with_bearer("x.y.z");
        let unknown = world.services.commands.ids().next();
        let wrong = json!({"email": ADMIN.0, "password": "not the one"});
        let cross = "Cookie: almanac_refresh=x.y\r\nSec-Fetch-Site: cross-site\r\n";
        let named = json!({"type": "audited", "name": "a"});
        let preview = json!({"schedule": {"type": "interval", "every_ms": 60_000}});
        let (of_task, none) = (format!("GET /api/v1/tasks/{unknown}"), &Value::Null);
        let put = format!("PUT /api/v1/resources/{unknown}");
        let cancel = format!("PUT /api/v1/tasks/{unknown}/cancel");
        let at_nine = "If-Match: \"9\"\r\n";
        let plain = "";
        for (what, who, lines, body, status) in [
            ("POST /api/v1/auth/login", None, plain, &wrong, 401),
            ("GET /api/v1/tasks", Some(&forged), plain, none, 401),
            ("POST /api/v1/tasks", Some(&viewer), plain, &named, 403),
            (&of_task, Some(&viewer), plain, none, 404),
            (&cancel, Some(&operator), plain, &json!({}), 404),
            ("POST /api/v1/auth/refresh", None, cross, &json!({}), 403),
            (&put, Some(&operator), at_nine, &named, 412),
            (
                "POST /api/v1/jobs/preview",
                Some(&viewer),
                plain,
                &preview,
                200,
            ),
            (
                "POST /api/v1/jobs/preview",
                Some(&viewer),
                plain,
                &preview,
                429,
            ),
            ("POST /api/v1/tasks", Some(&operator), plain, &named, 400),
        ] {
            assert_eq!(from.ask(what, who, lines, body).await, status, "{what}");
        }
        let admin = world.signed_in(Role::Admin).await;
        let found = records(&admin, "address=198.51.100.71", 9).await;
        let mut told: Vec<_> = found.iter().map(told).collect();
        told.sort();
        let expected = REFUSED.map(|(route, code, user)| (route.into(), code.into(), user));
        assert_eq!(told, expected);
        let none = records(&admin, "address=198.51.100.72", 0).await;
        assert!(none.is_empty(), "{none:?}");
    });
}

#[test]
fn a_change_has_one_record_with_its_command_and_position() {
    on_world(|world| async move {
        let (operator, admin) = (world.operator().await, world.signed_in(Role::Admin).await);
        let head = async || world.log.head().await.expect("a head").position.0;
        let key = [("idempotency-key", "audited-once")];
        let body = json!({"kind": "echo"});
        let post = axum::http::Method::POST;
        let before = head().await;
        let made = operator.json(post.clone(), "/tasks", &key, &body).await;
        let made = made.expect(201);
        let after = head().await;
        operator.json(post, "/tasks", &key, &body).await.expect(201);
        let id = made.id();
        let found = records(&admin, &format!("command_id={id}"), 2).await;
        let [replay, first] = found.as_slice() else {
            panic!("{found:?}");
        };
        let position = first["position"].as_u64().expect("a position");
        assert!(before < position && position <= after, "{first}");
        assert_eq!(first["id"], made.header("request-id"));
        assert_eq!(first["target_id"], id.as_str());
        assert_eq!(first["target_kind"], "tasks");
        assert_eq!(
            (&first["result"], &first["status"]),
            (&json!("allowed"), &json!(201))
        );
        assert_eq!(first["credential"], "access_token");
        assert_eq!(
            (&replay["replayed"], &replay["position"]),
            (&json!(true), &json!(null))
        );
        let entry = world.log.at(Position(position)).await.expect("read");
        let Some(event_log::Entry::Commit(commit)) = entry else {
            panic!("no commit at {position}");
        };
        assert_eq!(first["actor"], commit.meta.actor.to_string());
        assert_eq!(commit.meta.command.to_string(), id);
    });
}

#[test]
fn a_sign_in_is_its_users_from_its_begin_to_its_end() {
    on_world(|world| async move {
        let stranger = world.stranger();
        let person = json!({"email": ADMIN.0, "password": ADMIN.1});
        let session = stranger
            .post("/auth/login", person)
            .await
            .expect(200)
            .body();
        let token = json!({"refresh_token": session["refresh_token"]});
        let next = stranger
            .post("/auth/refresh", token.clone())
            .await
            .expect(200);
        let last = json!({"refresh_token": next.body()["refresh_token"]});
        stranger.post("/auth/logout", last).await.expect(204);
        // A token that works no more still tells whose it was.
        stranger.post("/auth/refresh", token).await.expect(401);
        let admin = world.signed_in(Role::Admin).await;
        let actor = format!("user:{}", session["user"]["id"].as_str().expect("an id"));
        let found = records(
            &admin,
            &format!("actor={actor}&route=/api/v1/auth/logout"),
            1,
        )
        .await;
        let session = found[0]["session_id"].as_str().expect("a sign-in");
        let found = records(&admin, &format!("session_id={session}&actor={actor}"), 4).await;
        let told: Vec<_> = found
            .iter()
            .rev()
            .map(|record| {
                let text = |name: &str| record[name].as_str().expect("text");
                (text("route"), text("result"), text("credential"))
            })
            .collect();
        let expected = [
            ("/api/v1/auth/login", "allowed", "password"),
            ("/api/v1/auth/refresh", "allowed", "refresh_token"),
            ("/api/v1/auth/logout", "allowed", "refresh_token"),
            ("/api/v1/auth/refresh", "refused", "refresh_token"),
        ];
        assert_eq!(told, expected);
    });
}

#[test]
fn where_somebody_was_is_sealed_and_forgotten_with_them() {
    on_world(|world| async move {
        let admin = world.signed_in(Role::Admin).await;
        let body = json!({"email": "roaming@example.org", "password": "a good one",
            "name": "Roaming", "role": "viewer"});
        let made = admin.post("/users", body).await.expect(201);
        let from = Box::pin(From::new(world, "198.51.100.73", Limits::off())).await;
        let person = json!({"email": "roaming@example.org", "password": "a good one"});
        let login = "POST /api/v1/auth/login";
        assert_eq!(from.ask(login, None, "", &person).await, 200);
        let actor = format!("actor=user:{}", made.id());
        let found = records(&admin, &actor, 1).await;
        assert_eq!(found[0]["address"], "198.51.100.73");
        assert_eq!(found[0]["user_agent"], AGENT);

        let mut batches = 0;
        let log = world.audit_log();
        let mut after = Position(0);
        while let Some(batch) = log.next(after).await.expect("read") {
            let text = String::from_utf8_lossy(&batch.payload);
            for personal in ["198.51.100.7", AGENT, "roaming@example.org"] {
                assert!(!text.contains(personal), "{text}");
            }
            (after, batches) = (batch.position, batches + 1);
        }
        assert!(batches > 0);

        let path = format!("/users/{}/erase", made.id());
        admin.post(&path, json!({})).await.expect(200);
        let found = records(&admin, &actor, 1).await;
        assert_eq!(
            (&found[0]["address"], &found[0]["user_agent"]),
            (&json!(null), &json!(null))
        );
        assert_eq!(found[0]["route"], "/api/v1/auth/login");
    });
}

#[test]
fn a_client_that_leaves_is_recorded_all_the_same() {
    on_world(|world| async move {
        let stranger = world.stranger();
        let left = json!({"email": "left@example.org", "password": "not the one"});
        let asked = stranger.post("/auth/login", left);
        // A password takes longer to check.
        let gone = tokio::time::timeout(Duration::from_millis(5), asked).await;
        assert!(gone.is_err(), "{gone:?}");
        let admin = world.signed_in(Role::Admin).await;
        let filter = "route=/api/v1/auth/login&status=499";
        let found = records(&admin, filter, 1).await;
        let account = world
            .services
            .identity
            .address_digest(DEFAULT_TENANT, "left@example.org");
        let of_it = |record: &&Value| record["target_id"] == account.to_string();
        assert_eq!(found.iter().filter(of_it).count(), 1, "{found:?}");
        assert_eq!(found[0]["result"], "failed");
    });
}

#[test]
fn pages_and_an_export_tell_the_same() {
    on_world(|world| async move {
        let (operator, admin) = (world.operator().await, world.signed_in(Role::Admin).await);
        let (last, _) = operator.make_task("exported").await;
        for _ in 0..4 {
            operator.make_task("exported").await;
        }
        let found = records(&admin, &format!("command_id={last}"), 1).await;
        let filter = format!("actor={}", found[0]["actor"].as_str().expect("an actor"));
        let all = records(&admin, &filter, 5).await;

        let mut pages = Vec::new();
        let mut at = format!("/audit?{filter}&limit=2");
        loop {
            let page = admin.get(&at).await.expect(200).body();
            pages.extend(page["items"].as_array().expect("items").clone());
            match page["page"]["next"].as_str() {
                None => break,
                Some(next) => at = format!("/audit?{filter}&limit=2&cursor={next}"),
            }
        }
        assert_eq!(pages, all);

        let export = admin
            .get(&format!("/audit/export?{filter}"))
            .await
            .expect(200);
        assert_eq!(export.header("content-type"), "application/x-ndjson");
        let text = String::from_utf8(export.bytes.to_vec()).expect("text");
        let mut lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        let manifest = lines.pop().expect("a last line")["manifest"].clone();
        assert_eq!(lines, all);
        assert_eq!(manifest["count"], all.len());
        assert_eq!(manifest["first"], all[0]["id"]);
        assert_eq!(manifest["last"], all[all.len() - 1]["id"]);

        // Others are refused it at the same time.
        let looked = "route=/api/v1/audit/export&result=allowed";
        assert_eq!(records(&admin, looked, 1).await[0]["status"], 200);
        let refused = admin.get("/audit?colour=red").await;
        refused.problem(Code::InvalidParameter);
        admin.get("/audit?address=nowhere").await.expect(400);
    });
}

#[test]
fn what_happens_while_the_log_is_away_is_recorded_when_it_is_back() {
    on_own_world(|mut world| async move {
        let viewer = world.signed_in(Role::Viewer).await;
        let admin = world.signed_in(Role::Admin).await;
        world.servers.nats.kill();
        let refused = viewer.post("/tasks", json!({"kind": "echo"})).await;
        refused.problem(Code::Forbidden);
        let id = refused.header("request-id").to_owned();
        world.servers.nats.restart().expect("starts again");
        let began = Instant::now();
        let found = loop {
            // Nobody is admitted before the vault is heard again.
            let page = admin.get("/audit?result=refused&status=403").await;
            let items = page
                .status
                .is_success()
                .then(|| page.body()["items"].clone());
            let items = items.and_then(|items| items.as_array().cloned());
            if let Some(items) = items.filter(|items| !items.is_empty()) {
                break items;
            }
            assert!(began.elapsed() < DEADLINE * 2, "never recorded");
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        assert_eq!((found.len(), &found[0]["id"]), (1, &json!(id)));
        world
    });
}
