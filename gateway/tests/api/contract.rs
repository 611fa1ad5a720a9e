//! The document against what answers.
//!
//! Invariant: what is documented is served, to those and only those whom the document names.

use axum::http::{Method, StatusCode};
use domain::user::Role;
use schemas::api::{Code, Problem};
use serde_json::{Value, json};

use crate::world::{Client, World, on_world};

#[derive(Clone)]
struct Operation {
    method: Method,
    path: String,
    least: Option<Role>,
    /// What everybody may do it to, whatever their role.
    own: Own,
    /// Whether it is for platform administrators.
    platform: bool,
    /// Whether it wants that the caller has shown lately who they are.
    step_up: bool,
}

/// What is somebody's own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Own {
    Nothing,
    /// What they made.
    Made,
    Themselves,
}

async fn operations(world: &World) -> Vec<Operation> {
    let document = world
        .stranger()
        .get("/api/openapi.json")
        .await
        .expect(200)
        .body();
    assert_eq!(
        document,
        serde_json::from_str::<Value>(&gateway::openapi()).expect("JSON")
    );
    let id = world.services.commands.ids().next().to_string();
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let path = path.replace("{id}", &id).replace("{name}", "unknown");
            let least = operation.get("x-least-role").cloned();
            found.push(Operation {
                method: method.to_uppercase().parse().expect("a method"),
                path: path.replace("{code}", "not-found"),
                least: least.map(|role| serde_json::from_value(role).expect("a role")),
                own: match (operation.get("x-or-owner"), operation.get("x-or-self")) {
                    (None, None) => Own::Nothing,
                    (Some(_), None) => Own::Made,
                    (None, Some(_)) => Own::Themselves,
                    both => panic!("{both:?}"),
                },
                platform: operation.get("x-platform").is_some(),
                step_up: operation.get("x-step-up").is_some(),
            });
        }
    }
    found
}

/// The status, and the code if it is a problem. A stream is not waited for.
async fn ask(client: &Client, operation: &Operation) -> (StatusCode, Option<Code>) {
    let path = format!("!{}", operation.path);
    let response = client.open(operation.method.clone(), &path, &[], "").await;
    let status = response.status();
    if status.is_success() {
        return (status, None);
    }
    let body = axum::body::to_bytes(response.into_body(), 1 << 20)
        .await
        .expect("a body");
    let problem: Problem = serde_json::from_slice(&body).expect("a problem");
    (status, Some(problem.code))
}

#[test]
fn every_documented_operation_answers() {
    on_world(|world| async move {
        let admin = world.platform().await;
        for operation in operations(world).await {
            let (status, code) = ask(&admin, &operation).await;
            let place = format!("{} {}: {status} {code:?}", operation.method, operation.path);
            assert!(code != Some(Code::RouteNotFound), "{place}");
            assert!(code != Some(Code::MethodNotAllowed), "{place}");
            assert!(code != Some(Code::Forbidden), "{place}");
            assert!(!status.is_server_error(), "{place}");
        }
    });
}

#[test]
fn everybody_may_do_what_the_document_says_and_nothing_else() {
    on_world(|world| async move {
        let operations = operations(world).await;
        let stranger = world.stranger();
        for operation in operations
            .iter()
            .filter(|operation| operation.least.is_some())
        {
            let (_, code) = ask(&stranger, operation).await;
            assert_eq!(
                code,
                Some(Code::AuthenticationRequired),
                "{}",
                operation.path
            );
        }
        for role in [Role::Viewer, Role::Operator, Role::Admin] {
            let client = world.signed_in(role).await;
            let of_roles = operations.iter().filter(|one| one.own == Own::Nothing);
            for operation in of_roles {
                let Some(least) = operation.least else {
                    continue;
                };
                let (_, code) = ask(&client, operation).await;
                let place = format!("{role:?} {} {}", operation.method, operation.path);
                assert_eq!(
                    code == Some(Code::Forbidden),
                    role < least || operation.platform,
                    "{place}: {code:?}"
                );
            }
        }
    });
}

/// Somebody with this role, by their own sign-in, and their id.
async fn person(world: &World, email: &str, role: Role) -> (Client, String) {
    let admin = world.signed_in(Role::Admin).await;
    let wanted = json!({"email": email, "password": "a good one", "name": "Ann", "role": role});
    let made = admin.post("/users", wanted).await.expect(201);
    let login = json!({"email": email, "password": "a good one"});
    let session = world
        .stranger()
        .post("/auth/login", login)
        .await
        .expect(200);
    let session = session.body();
    let token = session["access_token"].as_str().expect("a token");
    (world.stranger().with_bearer(token), made.id())
}

/// What `client` is refused `operation` with, of the object `id`.
async fn of(client: &Client, operation: &Operation, id: &str) -> Option<Code> {
    let unknown = operation.path.split('/').nth(4).expect("an id");
    let path = operation.path.replace(unknown, id);
    let operation = Operation {
        path,
        ..operation.clone()
    };
    ask(client, &operation).await.1
}

fn hidden(code: Option<Code>) -> bool {
    matches!(code, Some(Code::NotFound | Code::Forbidden))
}

#[test]
fn everybody_may_do_to_themselves_what_the_document_says_and_to_nobody_else() {
    on_world(|world| async move {
        let (_, others) = person(world, "bob.contract@example.org", Role::Operator).await;
        let admin = world.signed_in(Role::Admin).await;
        let operations = operations(world).await;
        let of_self: Vec<_> = operations
            .iter()
            .filter(|one| one.own == Own::Themselves)
            .collect();
        assert!(of_self.len() > 3);
        for (email, role) in [
            ("ann.viewer@example.org", Role::Viewer),
            ("ann.operator@example.org", Role::Operator),
        ] {
            let (ann, own) = person(world, email, role).await;
            for operation in &of_self {
                let place = format!("{role:?} {} {}", operation.method, operation.path);
                assert!(!hidden(of(&ann, operation, &own).await), "{place}");
                assert!(!hidden(of(&admin, operation, &others).await), "{place}");
                let told = of(&ann, operation, &others).await;
                assert_eq!(told, Some(Code::NotFound), "{place}");
            }
        }
    });
}

/// Makes an API key, and tells its id.
async fn key_of(client: &Client) -> String {
    let wanted = json!({"name": "walked", "scopes": ["tasks:read"]});
    client.post("/api-keys", wanted).await.expect(201).id()
}

#[test]
fn everybody_may_do_to_what_they_own_what_the_document_says_and_to_nothing_else() {
    on_world(|world| async move {
        let (bob, other) = person(world, "bob.owner@example.org", Role::Operator).await;
        let (admin, _) = person(world, "root.owner@example.org", Role::Admin).await;
        let operations = operations(world).await;
        let of_owner: Vec<_> = operations
            .iter()
            .filter(|one| one.own == Own::Made)
            .collect();
        assert!(of_owner.len() > 3);
        for (email, role) in [
            ("ann.owns1@example.org", Role::Viewer),
            ("ann.owns2@example.org", Role::Operator),
        ] {
            let (ann, _) = person(world, email, role).await;
            for operation in &of_owner {
                let place = format!("{role:?} {} {}", operation.method, operation.path);
                let (own, others) = (key_of(&ann).await, key_of(&bob).await);
                let fresh = bob.post(
                    "/api-keys",
                    json!({"name": "last", "scopes": ["tasks:read"]}),
                );
                let fresh = fresh.await.expect(201);
                let fresh = [("consistency-token", fresh.token()), ("prefer", "wait=10")];
                if operation.path.split('/').nth(4).is_some() {
                    ann.get_with(&format!("/api-keys/{own}"), &fresh)
                        .await
                        .expect(200);
                    let told = of(&ann, operation, &others).await;
                    assert_eq!(told, Some(Code::NotFound), "{place}");
                    assert!(!hidden(of(&ann, operation, &own).await), "{place}");
                    assert!(!hidden(of(&admin, operation, &others).await), "{place}");
                    continue;
                }
                let shown = async |client: &Client, filter: &str| {
                    let path = format!("!{}?limit=200{filter}", operation.path);
                    client.get_with(&path, &fresh).await
                };
                let has = |text: &[u8], id: &str| String::from_utf8_lossy(text).contains(id);
                let mine = shown(&ann, "").await.expect(200);
                assert!(
                    has(&mine.bytes, &own) && !has(&mine.bytes, &others),
                    "{place}"
                );
                let of_other = format!("&owner={other}");
                shown(&ann, &of_other).await.problem(Code::Forbidden);
                let all = shown(&admin, &of_other).await.expect(200);
                assert!(has(&all.bytes, &others), "{place}");
            }
        }
    });
}

#[test]
fn a_sign_in_of_long_ago_may_do_all_but_what_wants_a_step_up() {
    on_world(|world| async move {
        let clock = world.clock_of_now();
        let admin = world.platform().await;
        let admin = world.at(&clock, &admin).await;
        let (mut stopped, operations) = (0, operations(world).await);
        clock.set(clock.now().plus_ms(5 * 60_000 + 1_000));
        for operation in operations.iter().filter(|one| one.least.is_some()) {
            let (_, code) = ask(&admin, operation).await;
            let place = format!("{} {}: {code:?}", operation.method, operation.path);
            assert_eq!(
                code == Some(Code::StepUpRequired),
                operation.step_up,
                "{place}"
            );
            stopped += usize::from(operation.step_up);
        }
        assert!(stopped > 8, "{stopped}");
    });
}

#[test]
fn every_sort_of_problem_has_a_page() {
    on_world(|world| async move {
        let stranger = world.stranger();
        let problem = stranger
            .get("/tasks")
            .await
            .problem(Code::AuthenticationRequired);
        let page = stranger
            .get(&format!("!{}", problem.about))
            .await
            .expect(200);
        assert!(page.header("content-type").starts_with("text/html"));
        assert!(String::from_utf8_lossy(&page.bytes).contains("AUTHENTICATION_REQUIRED"));
        stranger
            .get("!/problems/no-such")
            .await
            .problem(Code::NotFound);
    });
}
