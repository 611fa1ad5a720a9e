//! Any past, as the API shows it.
//!
//! Invariant: as of a moment nothing is shown that came later; what is no moment of this log is
//! refused by name.

use std::collections::BTreeSet;

use axum::http::Method;
use domain::user::Role;
use schemas::api::Code;
use serde_json::{Value, json};

use crate::world::{Answer, Client, World, on_own_world, on_world};

const MERGE: (&str, &str) = ("content-type", "application/merge-patch+json");

/// What can be shown as it was: everything that the read models keep a history of.
const ANY_PAST: [&str; 17] = [
    "/api/v1/api-keys",
    "/api/v1/api-keys/{id}",
    "/api/v1/jobs",
    "/api/v1/jobs/{id}",
    "/api/v1/jobs/{id}/runs",
    "/api/v1/resource-types",
    "/api/v1/resource-types/{name}",
    "/api/v1/resources",
    "/api/v1/resources/{id}",
    "/api/v1/settings",
    "/api/v1/tasks",
    "/api/v1/tasks/{id}",
    "/api/v1/tenant",
    "/api/v1/tenants",
    "/api/v1/tenants/{id}",
    "/api/v1/users",
    "/api/v1/users/{id}",
];

fn after(answer: &Answer) -> [(&str, &str); 2] {
    [("consistency-token", answer.token()), ("prefer", "wait=10")]
}

/// The events of the object at `path`, once `written` can be read.
async fn events(client: &Client, path: &str, written: &Answer) -> Vec<Value> {
    let path = format!("{path}/events");
    let events = client.get_with(&path, &after(written)).await;
    let events = events.expect(200).body();
    events["items"].as_array().expect("events").clone()
}

fn position(event: &Value) -> u64 {
    event["sequence"]
        .as_str()
        .expect("text")
        .parse()
        .expect("a position")
}

/// The paths that the document says can be shown as they were.
async fn documented(world: &World) -> BTreeSet<String> {
    let document = world.stranger().get("/api/openapi.json").await.body();
    let paths = document["paths"].as_object().expect("paths");
    let takes = |operation: &Value| {
        let parameters = operation["parameters"].as_array();
        let mut parameters = parameters.into_iter().flatten();
        parameters.any(|parameter| parameter["name"] == "as_of")
    };
    paths
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().expect("methods");
            methods
                .iter()
                .map(move |(method, operation)| (path, method, operation))
        })
        .filter(|(_, _, operation)| takes(operation))
        .map(|(path, method, _)| {
            assert_eq!(method, "get", "{path}");
            path.clone()
        })
        .collect()
}

#[test]
fn every_read_model_is_shown_as_of_any_moment_and_of_no_other() {
    on_world(|world| async move {
        let paths = documented(world).await;
        assert_eq!(paths, ANY_PAST.map(str::to_owned).into());
        let root = world.platform().await;
        let (_, made) = root.make_task("as-of").await;
        root.get_with("/tasks", &after(&made)).await.expect(200);
        let id = world.services.commands.ids().next().to_string();
        for path in paths {
            let path = path.replace("{id}", &id).replace("{name}", "unknown");
            let of = async |as_of: &str| root.get(&format!("!{path}?as_of={as_of}")).await;
            for wrong in [
                "",
                "-1",
                "yesterday",
                "2027-01-01",
                "99999999999999999999",
                "1&as_of=1",
                "999999999999",
                "9000-01-01T00:00:00Z",
                "AAAAAAAAAAEkqx8-_0a1Bw",
            ] {
                let problem = of(wrong).await.problem(Code::InvalidParameter);
                assert!(
                    problem.detail.starts_with("as_of: "),
                    "{path} {wrong}: {problem:?}"
                );
            }
            // Before the first commit nothing was there.
            for before in ["0", "1970-01-01T00:00:00Z"] {
                let answer = of(before).await;
                if path.ends_with("/settings") {
                    assert_eq!(answer.expect(200).header("etag"), "\"0\"");
                } else if answer.status.is_success() {
                    assert_eq!(answer.body()["items"], json!([]), "{path}");
                } else {
                    answer.problem(Code::NotFound);
                }
            }
            let anonymous = world.stranger().get(&format!("!{path}?as_of=1")).await;
            anonymous.problem(Code::AuthenticationRequired);
        }
        let unasked = root
            .get("/stats?as_of=1")
            .await
            .problem(Code::InvalidParameter);
        assert!(unasked.detail.starts_with("as_of: "), "{unasked:?}");
    });
}

#[test]
fn an_object_is_shown_as_it_was_by_position_time_or_token() {
    on_world(|world| async move {
        let client = world.operator().await;
        let body = json!({"type": "past", "name": "first"});
        let first = client.post("/resources", body).await.expect(201);
        let path = format!("/resources/{}", first.id());
        let body = json!({"name": "second", "attributes": {"size": 2}});
        let second = client
            .json(Method::PATCH, &path, &[MERGE], &body)
            .await
            .expect(200);
        let gone = client
            .send(Method::DELETE, &path, &[], "")
            .await
            .expect(204);
        let events = events(&client, &path, &gone).await;
        assert_eq!(events.len(), 3);
        client.get(&path).await.problem(Code::NotFound);

        for (event, was) in events.iter().zip([&first, &second]) {
            let moments = [
                position(event).to_string(),
                event["time"].as_str().expect("a time").to_owned(),
                was.token().to_owned(),
            ];
            for (way, as_of) in moments.iter().enumerate() {
                let path = format!("{path}?as_of={as_of}");
                let shown = client.get(&path).await;
                if way == 1 && events[1]["time"] == events[0]["time"] {
                    continue;
                }
                let shown = shown.expect(200);
                assert_eq!(shown.body(), was.body(), "{path}");
                assert_eq!(shown.header("etag"), was.header("etag"), "{path}");
                assert!(!shown.headers.contains_key("consistency"));
                if way != 1 {
                    assert_eq!(shown.token(), was.token(), "{path}");
                }
                let same = [("if-none-match", was.header("etag"))];
                client.get_with(&path, &same).await.expect(304);
                let other = if was.header("etag") == "\"1\"" {
                    "\"2\""
                } else {
                    "\"1\""
                };
                client
                    .get_with(&path, &[("if-none-match", other)])
                    .await
                    .expect(200);
                // A later token is waited for, and changes nothing.
                client.get_with(&path, &after(&gone)).await.expect(200);
            }
        }
        for moment in [position(&events[0]) - 1, position(&events[2])] {
            let none = client.get(&format!("{path}?as_of={moment}")).await;
            none.problem(Code::NotFound);
        }
    });
}

/// Five resources of `kind`; the answers, and the position of the last.
async fn five(client: &Client, kind: &str) -> (Vec<Answer>, u64) {
    let mut made = Vec::new();
    for n in 0..5 {
        let body = json!({"type": kind, "name": format!("p {n}")});
        made.push(client.post("/resources", body).await.expect(201));
    }
    let path = format!("/resources/{}", made[4].id());
    let moment = position(&events(client, &path, &made[4]).await[0]);
    (made, moment)
}

#[test]
fn the_pages_of_a_past_list_are_of_one_moment() {
    on_world(|world| async move {
        let client = world.operator().await;
        let (made, moment) = five(&client, "past-list").await;
        // By time: the first page says which position that is.
        let time = made[4].body()["created_at"]
            .as_str()
            .expect("a time")
            .to_owned();
        for as_of in [moment.to_string(), made[4].token().to_owned(), time] {
            let mut next = Some(format!("/resources?type=past-list&limit=2&as_of={as_of}"));
            let (mut names, mut tokens) = (Vec::new(), BTreeSet::new());
            while let Some(path) = next {
                let page = client.get(&path).await.expect(200);
                tokens.insert(page.token().to_owned());
                let body = page.body();
                names.extend(
                    body["items"]
                        .as_array()
                        .expect("items")
                        .iter()
                        .map(|item| item["name"].as_str().expect("a name").to_owned()),
                );
                // What happens meanwhile is of another moment.
                let body = json!({"name": format!("renamed at {}", names.len())});
                for made in &made {
                    let path = format!("/resources/{}", made.id());
                    let done = client.json(Method::PATCH, &path, &[MERGE], &body).await;
                    client
                        .get_with(&path, &after(&done.expect(200)))
                        .await
                        .expect(200);
                }
                next = page.headers.get("link").map(|link| {
                    let link = link.to_str().expect("text");
                    let path = link
                        .trim_start_matches('<')
                        .split_once('>')
                        .expect("a link")
                        .0;
                    path.to_owned()
                });
            }
            assert_eq!(names, ["p 0", "p 1", "p 2", "p 3", "p 4"], "{as_of}");
            assert_eq!(tokens.len(), 1, "{as_of}");
        }
    });
}

#[test]
fn a_cursor_is_of_the_moment_that_was_asked_for() {
    on_world(|world| async move {
        let client = world.operator().await;
        let (_, moment) = five(&client, "past-cursor").await;
        let ask = async |more: String| {
            client
                .get(&format!("/resources?type=past-cursor&limit=2{more}"))
                .await
        };
        let cursor = |page: Answer| {
            let page = page.expect(200).body();
            page["page"]["next"].as_str().expect("a cursor").to_owned()
        };
        let past = cursor(ask(format!("&as_of={moment}")).await);
        for other in [
            "",
            &format!("&as_of={}", moment - 1),
            &format!("&as_of={}", moment + 1),
        ] {
            let refused = ask(format!("{other}&cursor={past}")).await;
            refused.problem(Code::CursorMismatch);
        }
        let now = cursor(ask(String::new()).await);
        let refused = ask(format!("&as_of={moment}&cursor={now}")).await;
        refused.problem(Code::CursorMismatch);
    });
}

#[test]
fn runs_of_a_job_are_those_of_the_moment() {
    on_world(|world| async move {
        let client = world.operator().await;
        let body = json!({"name": "past runs", "task": {"kind": "echo", "payload": {}},
            "schedule": {"type": "once", "at": "2099-01-01T00:00:00Z"}});
        let job = client.post("/jobs", body).await.expect(201);
        let path = format!("/jobs/{}", job.id());
        let began = position(&events(&client, &path, &job).await[0]);
        let run = client.post(&format!("{path}/trigger"), json!({})).await;
        assert!(run.status.is_success(), "{run:?}");
        let runs = format!("{path}/runs");
        let now = client.get_with(&runs, &after(&run)).await.expect(200);
        assert_eq!(now.body()["items"].as_array().map(Vec::len), Some(1));
        let then = client
            .get(&format!("{runs}?as_of={began}"))
            .await
            .expect(200);
        assert_eq!(then.body()["items"], json!([]));
        let before = client.get(&format!("{runs}?as_of={}", began - 1)).await;
        before.problem(Code::NotFound);
    });
}

#[test]
fn no_past_of_another_tenant_is_shown() {
    on_world(|world| async move {
        let root = world.platform().await;
        let body = json!({"slug": "past-walls", "name": "Acme", "administrator": {
            "email": "ann@acme.example", "name": "Ann", "password": "a good one"}});
        let tenant = root.post("/tenants", body).await.expect(201);
        let login = json!({"email": "ann@acme.example", "password": "a good one",
            "tenant": "past-walls"});
        let session = world
            .stranger()
            .post("/auth/login", login)
            .await
            .expect(200);
        let token = session.body()["access_token"]
            .as_str()
            .expect("a token")
            .to_owned();
        let ann = world.stranger().with_bearer(&token);

        let (task, made) = root.make_task("past-walls").await;
        let body = json!({"type": "past-walls", "name": "mine"});
        let resource = root.post("/resources", body).await.expect(201);
        let kind = json!({"name": "past-walls", "schema": {}});
        let kind = root.post("/resource-types", kind).await.expect(201);
        root.get_with("/tasks", &after(&kind)).await.expect(200);
        let moment = kind.token();
        let others = [
            format!("/tasks/{task}"),
            format!("/resources/{}", resource.id()),
            "/resource-types/past-walls".to_owned(),
        ];
        for path in others {
            let asked = format!("{path}?as_of={moment}");
            root.get(&asked).await.expect(200);
            ann.get(&asked).await.problem(Code::NotFound);
        }
        for list in ["/tasks", "/resources", "/resource-types", "/jobs"] {
            let asked = format!("{list}?as_of={moment}");
            assert_eq!(
                ann.get(&asked).await.expect(200).body()["items"],
                json!([]),
                "{list}"
            );
        }
        let own = ann
            .get(&format!("/tenant?as_of={moment}"))
            .await
            .expect(200);
        assert_eq!(own.id(), tenant.id());
        let of_ann = ann
            .get(&format!("/users?as_of={moment}"))
            .await
            .expect(200)
            .body();
        assert_eq!(of_ann["items"].as_array().map(Vec::len), Some(1));
        // Before the tenant was there, its people see nothing, and no list of tenants shows it.
        let before = events(&root, &format!("/tenants/{}", tenant.id()), &made).await;
        let before = position(&before[0]) - 1;
        ann.get(&format!("/tenant?as_of={before}"))
            .await
            .problem(Code::NotFound);
        let listed = root
            .get(&format!("/tenants?limit=200&as_of={before}"))
            .await
            .expect(200);
        let listed = listed.body();
        let mut slugs = listed["items"].as_array().expect("items").iter();
        assert!(slugs.all(|item| item["slug"] != "past-walls"), "{listed}");
    });
}

#[test]
fn who_is_erased_is_erased_from_every_past() {
    on_world(|world| async move {
        let email = "ann.past@example.org";
        let wanted = json!({"email": email, "name": "Ann", "password": "a good one"});
        let session = world
            .stranger()
            .post("/auth/register", wanted)
            .await
            .expect(201);
        let id = session.body()["user"]["id"]
            .as_str()
            .expect("an id")
            .to_owned();
        let (admin, path) = (world.signed_in(Role::Admin).await, format!("/users/{id}"));
        let registered = position(&events(&admin, &path, &session).await[0]);
        let asked = format!("{path}?as_of={registered}");
        let before = admin.get(&asked).await.expect(200);
        assert_eq!(before.body()["email"], email);
        let erased = admin
            .post(&format!("{path}/erase"), json!({}))
            .await
            .expect(200);
        admin.get_with(&path, &after(&erased)).await.expect(200);
        let known = [("if-none-match", before.header("etag"))];
        let then = admin.get_with(&asked, &known).await.expect(200);
        assert_eq!(then.header("etag"), before.header("etag"));
        assert_eq!(then.body()["email"], Value::Null);
        assert_eq!(then.body()["name"], Value::Null);
        let list = format!("/users?limit=200&as_of={registered}");
        let listed = admin.get(&list).await.expect(200);
        assert!(!String::from_utf8_lossy(&listed.bytes).contains(email));
    });
}

#[test]
fn a_moment_that_the_read_models_do_not_hold_is_waited_for() {
    on_own_world(|mut world| async move {
        let client = world.operator().await;
        let (id, made) = client.make_task("held").await;
        let held = client
            .get_with(&format!("/tasks/{id}"), &after(&made))
            .await
            .expect(200);
        world.servers.postgres.kill();
        let (_, made) = client.make_task("written").await;
        for as_of in [
            made.token(),
            made.body()["created_at"].as_str().expect("a time"),
        ] {
            let soon = [("prefer", "wait=0")];
            let lagging = client
                .get_with(&format!("/tasks?as_of={as_of}"), &soon)
                .await;
            if lagging.body()["code"] == "UNAVAILABLE" {
                continue;
            }
            lagging.problem(Code::ProjectionLagging);
            assert_eq!(lagging.header("retry-after"), "1");
        }
        world.servers.postgres.restart().expect("starts again");
        let path = format!("/tasks/{id}?as_of={}", made.token());
        let patient = [("prefer", "wait=10")];
        let shown = client.get_with(&path, &patient).await.expect(200);
        assert_eq!((shown.body(), shown.token()), (held.body(), made.token()));
        world
    });
}
