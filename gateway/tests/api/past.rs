//! What made an object what it is, as the API tells it.
//!
//! Invariant: what is told of a field is what is shown of the object, and names an event that is
//! there.

use std::collections::BTreeMap;

use axum::http::Method;
use commands::DEFAULT_TENANT;
use domain::{AggregateKind, CommandId, user::Role};
use event_log::{EventLog as _, NewCommit, Position, ReadFrom, StreamId, seal};
use schemas::api::{Cause, Code, Diff, Explanation};
use serde_json::{Value, json};

use crate::world::{Answer, Client, World, on_world};

const MERGE: (&str, &str) = ("content-type", "application/merge-patch+json");

fn after(answer: &Answer) -> [(&str, &str); 2] {
    [("consistency-token", answer.token()), ("prefer", "wait=10")]
}

async fn events(client: &Client, path: &str) -> Vec<Value> {
    let events = client.get(&format!("{path}/events?limit=200")).await;
    events.expect(200).body()["items"]
        .as_array()
        .expect("events")
        .clone()
}

async fn diff(client: &Client, path: &str, range: &str) -> Diff {
    let answer = client
        .get(&format!("{path}?diff={range}"))
        .await
        .expect(200);
    serde_json::from_value(answer.body()).expect("a diff")
}

async fn explanation(client: &Client, path: &str, more: &str) -> Explanation {
    let answer = client
        .get(&format!("{path}?explain=true{more}"))
        .await
        .expect(200);
    serde_json::from_value(answer.body()).expect("an explanation")
}

/// The fields of an object by their pointers; lists are one.
fn fields(object: &Value, at: &str, found: &mut BTreeMap<String, Value>) {
    match object {
        Value::Object(inner) if !inner.is_empty() => {
            for (name, value) in inner {
                let name = name.replace('~', "~0").replace('/', "~1");
                fields(value, &format!("{at}/{name}"), found);
            }
        }
        leaf => {
            found.insert(at.to_owned(), leaf.clone());
        }
    }
}

/// Every field is told with its value, by an event that is there.
fn explains(told: &Explanation, shown: &Value, events: &[Value]) {
    let mut expected = BTreeMap::new();
    fields(shown, "", &mut expected);
    let found = told
        .fields
        .iter()
        .map(|field| (field.pointer.clone(), field.value.clone()));
    assert_eq!(found.collect::<BTreeMap<_, _>>(), expected);
    for field in &told.fields {
        is_known(field.by.as_ref().expect("an event"), events);
    }
}

fn is_known(cause: &Cause, events: &[Value]) {
    let id = format!("{}.{}", cause.position, cause.index);
    let event = events
        .iter()
        .find(|event| event["id"] == *id)
        .expect("an event");
    let told = json!([cause.name, cause.actor, cause.command, cause.time]);
    let known = ["type", "actorid", "commandid", "time"].map(|name| event[name].clone());
    assert_eq!(told, json!(known));
    let trace = event["traceparent"]
        .as_str()
        .and_then(|text| text.split('-').nth(1));
    assert_eq!(cause.trace_id.as_deref(), trace);
}

/// A resource that was made and changed twice: its path, and the answers.
async fn resource(client: &Client, name: &str) -> (String, Vec<Answer>) {
    let body = json!({"type": "told", "name": name, "labels": {"env": "test", "a/b": "1"}});
    let made = client.post("/resources", body).await.expect(201);
    let path = format!("/resources/{}", made.id());
    let mut answers = vec![made];
    for body in [
        json!({"attributes": {"size": 1}, "labels": {"env": "prod"}}),
        json!({"attributes": {"size": 2, "tags": [1]}, "labels": {"a/b": null}}),
    ] {
        let trace = (
            "traceparent",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        );
        let done = client
            .json(Method::PATCH, &path, &[MERGE, trace], &body)
            .await;
        answers.push(done.expect(200));
    }
    client
        .get_with(&path, &after(&answers[2]))
        .await
        .expect(200);
    (path, answers)
}

#[test]
fn each_field_is_explained_by_the_event_that_last_set_it() {
    on_world(|world| async move {
        let client = world.operator().await;
        let (path, answers) = resource(&client, "explained").await;
        let events = events(&client, &path).await;
        assert_eq!(events.len(), 3);
        for (turn, was) in answers.iter().enumerate() {
            let more = format!("&as_of={}", was.token());
            let told = explanation(&client, &path, &more).await;
            assert_eq!(told.version, turn as u64 + 1);
            assert_eq!(events[turn]["sequence"], told.position.to_string());
            explains(&told, &was.body(), &events);
        }
        let told = explanation(&client, &path, "").await;
        explains(&told, &answers[2].body(), &events);
        let by = |pointer: &str| {
            let mut fields = told.fields.iter();
            let field = fields
                .find(|field| field.pointer == pointer)
                .expect(pointer);
            let id = field
                .by
                .as_ref()
                .map(|by| format!("{}.{}", by.position, by.index));
            events
                .iter()
                .position(|event| event["id"] == id.as_deref().expect("an id"))
        };
        for (pointer, event) in [
            ("/name", 0),
            ("/labels/env", 1),
            ("/attributes/size", 2),
            ("/attributes/tags", 2),
            ("/version", 2),
            ("/updated_at", 2),
            ("/created_at", 0),
        ] {
            assert_eq!(by(pointer), Some(event), "{pointer}");
        }
        let no = client
            .get(&format!("{path}?explain=false"))
            .await
            .expect(200);
        assert_eq!(no.body(), answers[2].body());
    });
}

/// A resource that was made, changed twice and deleted: its path, the answers to the first three,
/// its events and their positions.
async fn deleted(client: &Client, name: &str) -> (String, Vec<Answer>, Vec<Value>, Vec<String>) {
    let (path, answers) = resource(client, name).await;
    let gone = client.send(Method::DELETE, &path, &[], "").await;
    let gone = gone.expect(204);
    client
        .get_with("/resources", &after(&gone))
        .await
        .expect(200);
    let events = events(client, &path).await;
    let at = (events.iter())
        .map(|event| event["sequence"].as_str().expect("a position").to_owned())
        .collect();
    (path, answers, events, at)
}

#[test]
fn a_diff_says_what_changed_and_by_what() {
    on_world(|world| async move {
        let client = world.operator().await;
        let (path, _, events, at) = deleted(&client, "compared").await;
        let told = diff(&client, &path, &format!("{}..{}", at[0], at[1])).await;
        assert_eq!((told.from.version, told.to.version), (Some(1), Some(2)));
        assert_eq!(told.to.position.to_string(), at[1]);
        let changes: Vec<_> = (told.changes.iter())
            .map(|one| (one.pointer.as_str(), one.before.clone(), one.after.clone()))
            .filter(|(pointer, ..)| *pointer != "/updated_at")
            .collect();
        assert_eq!(
            changes,
            [
                ("/attributes/size", None, Some(json!(1))),
                ("/labels/env", Some(json!("test")), Some(json!("prod"))),
                ("/version", Some(json!(1)), Some(json!(2))),
            ]
        );
        for change in &told.changes {
            is_known(&change.by, &events);
            assert_eq!(change.by.position.to_string(), at[1]);
        }
        // Over two events each field has its own; what is gone is told as well.
        let told = diff(&client, &path, &format!("{}..{}", at[0], at[2])).await;
        let by: BTreeMap<_, _> = (told.changes.iter())
            .map(|change| (change.pointer.as_str(), change.by.position.to_string()))
            .collect();
        assert_eq!(by["/labels/env"], at[1]);
        assert_eq!(by["/labels/a~1b"], at[2]);
        assert_eq!(by["/attributes/size"], at[2]);
    });
}

#[test]
fn a_diff_goes_from_nothing_and_to_nothing() {
    on_world(|world| async move {
        let client = world.operator().await;
        let (path, answers, events, at) = deleted(&client, "ends").await;
        let told = diff(&client, &path, &format!("..{}", at[2])).await;
        assert_eq!((told.from.version, told.to.version), (None, Some(3)));
        let mut expected = BTreeMap::new();
        fields(&answers[2].body(), "", &mut expected);
        let found = (told.changes.iter()).map(|change| {
            (
                change.pointer.clone(),
                change.after.clone().expect("a value"),
            )
        });
        assert_eq!(found.collect::<BTreeMap<_, _>>(), expected);
        let told = diff(&client, &path, &format!("{}..", at[2])).await;
        assert_eq!((told.from.version, told.to.version), (Some(3), None));
        assert!(
            told.changes.iter().all(|change| {
                change.after.is_none() && change.by.name == "resource.deleted.v1"
            })
        );
        assert_eq!(told.changes.len(), expected.len());
        // Tokens and times name moments as well; nothing changes within one.
        let range = format!("{}..{}", answers[1].token(), answers[1].token());
        assert_eq!(diff(&client, &path, &range).await.changes, []);
        let range = format!(
            "1970-01-01T00:00:00Z..{}",
            events[2]["time"].as_str().expect("a time")
        );
        assert_eq!(diff(&client, &path, &range).await.from.version, None);
    });
}

#[test]
fn what_cannot_be_told_is_refused_by_name() {
    on_world(|world| async move {
        let root = world.platform().await;
        let (path, _) = resource(&root, "refused").await;
        let id = world.services.commands.ids().next();
        let document = world.stranger().get("/api/openapi.json").await.body();
        let mut asked = 0;
        for (route, methods) in document["paths"].as_object().expect("paths") {
            let parameters = methods["get"]["parameters"].as_array();
            let mut parameters = parameters.into_iter().flatten();
            let schema = &methods["get"]["responses"]["200"]["content"]["application/json"];
            let is_documented = schema["schema"]["anyOf"].is_array();
            let takes = parameters.any(|parameter| parameter["name"] == "diff");
            assert_eq!(takes, is_documented, "{route}");
            if !takes {
                continue;
            }
            asked += 1;
            let at = route
                .replace("{id}", &id.to_string())
                .replace("{name}", "unknown");
            for (query, named) in [
                ("diff=", "diff"),
                ("diff=1", "diff"),
                ("diff=2..1", "diff"),
                ("diff=a..b", "diff"),
                ("diff=..999999999999", "diff"),
                ("diff=999999999999..", "diff"),
                ("diff=1..2&as_of=1", "diff"),
                ("diff=1..2&explain=true", "diff"),
                ("explain=yes", "explain"),
                ("explain=true&as_of=x", "as_of"),
            ] {
                let problem = root.get(&format!("!{at}?{query}")).await;
                let problem = problem.problem(Code::InvalidParameter);
                let told = format!("{named}: ");
                assert!(
                    problem.detail.starts_with(&told),
                    "{at} {query}: {problem:?}"
                );
            }
            for query in ["diff=..", "explain=true"] {
                let answer = root.get(&format!("!{at}?{query}")).await;
                if route.contains('{') {
                    answer.problem(Code::NotFound);
                } else {
                    assert!(answer.header("consistency-token").len() > 8);
                    answer.expect(200);
                }
            }
        }
        assert_eq!(asked, 9);
        let problem = root.get(&format!("{path}?diff=0..0")).await;
        problem.problem(Code::NotFound);
    });
}

#[test]
fn other_kinds_are_told_like_their_answers() {
    on_world(|world| async move {
        let admin = world.signed_in(Role::Admin).await;
        let (task, made) = admin.make_task("told").await;
        let done = admin
            .json(
                Method::PUT,
                &format!("/tasks/{task}/cancel"),
                &[],
                &json!({"reason": "enough"}),
            )
            .await
            .expect(200);
        let kind = json!({"name": "told", "schema": {"type": "object"}});
        admin.post("/resource-types", kind).await.expect(201);
        let kind = json!({"name": "told", "schema": {"type": "object", "title": "t"}});
        admin.post("/resource-types", kind).await.expect(200);
        let job = json!({"name": "told", "task": {"kind": "echo", "payload": {"a": [1]}},
            "schedule": {"type": "once", "at": "2099-01-01T00:00:00Z"}});
        let job = admin.post("/jobs", job).await.expect(201);
        let paused = admin
            .post(&format!("/jobs/{}/pause", job.id()), json!({"note": "n"}))
            .await;
        admin
            .get_with("/jobs", &after(&paused.expect(200)))
            .await
            .expect(200);
        assert_ne!(made.token(), done.token());
        let paths = [
            format!("/tasks/{task}"),
            "/resource-types/told".to_owned(),
            format!("/jobs/{}", job.id()),
            "/tenant".to_owned(),
        ];
        for path in paths {
            let events = events(&admin, &path).await;
            let shown = admin.get(&path).await.expect(200).body();
            let told = explanation(&admin, &path, "").await;
            explains(&told, &shown, &events);
            let told = diff(&admin, &path, "..").await;
            let mut expected = BTreeMap::new();
            fields(&shown, "", &mut expected);
            let found = (told.changes.into_iter())
                .map(|change| (change.pointer, change.after.expect("a value")));
            assert_eq!(found.collect::<BTreeMap<_, _>>(), expected, "{path}");
        }
        // Settings hold by default until they are changed.
        let told = explanation(&admin, "/settings", "&as_of=0").await;
        assert_eq!(told.version, 0);
        assert!(told.fields.iter().all(|field| field.by.is_none()));
        assert_eq!(diff(&admin, "/settings", "0..0").await.changes, []);
    });
}

#[test]
fn what_is_sealed_is_told_to_those_who_see_it_until_its_person_is_erased() {
    on_world(|world| async move {
        let email = "ann.told@example.org";
        let wanted = json!({"email": email, "name": "Ann", "password": "a good one"});
        let session = world
            .stranger()
            .post("/auth/register", wanted)
            .await
            .expect(201);
        let body = session.body();
        let ann = world
            .stranger()
            .with_bearer(body["access_token"].as_str().expect("a token"));
        let path = format!("/users/{}", body["user"]["id"].as_str().expect("an id"));
        let kind = [MERGE];
        let renamed = ann
            .json(Method::PATCH, &path, &kind, &json!({"name": "Anna"}))
            .await;
        let renamed = renamed.expect(200);
        ann.get_with(&path, &after(&renamed)).await.expect(200);
        let told = diff(&ann, &path, "..").await;
        let name = told
            .changes
            .iter()
            .find(|change| change.pointer == "/name")
            .expect("it");
        assert_eq!(name.after, Some(json!("Anna")));
        assert_eq!(name.by.name, "user.renamed.v1");
        let key = json!({"name": "Ann's key", "scopes": ["tasks:read"]});
        let made = ann.post("/api-keys", key).await.expect(201);
        let key = format!("/api-keys/{}", made.id());
        ann.get_with(&key, &after(&made)).await.expect(200);
        let of_key = ann.get(&format!("{key}/events")).await.expect(200).body();
        assert_eq!(of_key["items"][0]["type"], "api_key.created.v1");
        let told = explanation(&ann, &key, "").await;
        let name = told
            .fields
            .iter()
            .find(|field| field.pointer == "/name")
            .expect("it");
        assert_eq!(name.value, "Ann's key");

        let bob = world.signed_in(Role::Operator).await;
        for query in ["diff=..", "explain=true", "as_of=1"] {
            bob.get(&format!("{path}?{query}"))
                .await
                .problem(Code::NotFound);
        }
        let admin = world.signed_in(Role::Admin).await;
        let erased = admin
            .post(&format!("{path}/erase"), json!({}))
            .await
            .expect(200);
        admin.get_with(&path, &after(&erased)).await.expect(200);
        for query in [
            "diff=..",
            "explain=true",
            &format!("diff=..{}", renamed.token()),
            &format!("explain=true&as_of={}", renamed.token()),
        ] {
            let told = admin.get(&format!("{path}?{query}")).await.expect(200);
            let told = String::from_utf8_lossy(&told.bytes).into_owned();
            assert!(
                !told.contains("Ann") && !told.contains(email),
                "{query}: {told}"
            );
        }
    });
}

/// Appends one commit of `count` changes to the resource `id`; says where.
async fn changes(world: &World, id: &str, count: usize) -> Position {
    let stream = StreamId {
        tenant: DEFAULT_TENANT,
        kind: AggregateKind::Resource,
        id: id.parse().expect("an id"),
    };
    let commits = world.log.load(stream, Position(0), ReadFrom::Leader).await;
    let last = commits.expect("loaded").pop().expect("a commit");
    let change = |n| json!({"type": "resource.updated", "v": 1, "data": {"name": format!("n{n}")}});
    let events: Vec<_> = (0..count).map(change).collect();
    let payload = json!({"events": events}).to_string().into_bytes();
    let mut meta = last.meta.clone();
    meta.command = CommandId::new(world.services.commands.ids().next());
    meta.previous = last.meta.hash;
    meta.version = last.meta.version.next();
    meta.hash = seal(stream, &meta, &payload);
    let commit = NewCommit {
        expected: last.position,
        meta,
        payload,
        stream,
    };
    world.log.append(commit).await.expect("stored")
}

#[test]
fn work_is_bounded_and_what_is_beyond_is_said() {
    on_world(|world| async move {
        let client = world.operator().await;
        let made = client
            .post("/resources", json!({"type": "long", "name": "r"}))
            .await
            .expect(201);
        let path = format!("/resources/{}", made.id());
        let first = changes(world, &made.id(), 1_999).await;
        let (_, later) = client.make_task("long").await;
        client.get_with(&path, &after(&later)).await.expect(200);
        // To the last event of many pages, all but the first of one commit.
        let told = explanation(&client, &path, "").await;
        let name = told
            .fields
            .iter()
            .find(|field| field.pointer == "/name")
            .expect("it");
        let by = name.by.as_ref().expect("an event");
        assert_eq!((name.value.as_str(), by.index), (Some("n1998"), 1_998));
        assert_eq!((told.version, by.position), (2, first.0));

        changes(world, &made.id(), 1).await;
        let (_, later) = client.make_task("long").await;
        client.get_with(&path, &after(&later)).await.expect(200);
        for (query, named) in [("explain=true", "explain: "), ("diff=..", "diff: ")] {
            let problem = client.get(&format!("{path}?{query}")).await;
            let problem = problem.problem(Code::InvalidParameter);
            assert!(problem.detail.starts_with(named) && problem.detail.contains("2000"));
        }
        // Of an earlier moment it is told.
        explanation(&client, &path, &format!("&as_of={first}")).await;
        diff(&client, &path, &format!("..{first}")).await;
    });
}
