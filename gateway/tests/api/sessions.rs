//! Which sign-ins there are, and that what has ended is refused by every gateway, streams included.
//!
//! Invariant: nobody sees or ends the sign-in of another.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::http::{Method, StatusCode};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use commands::{Ask, Commands, DEFAULT_TENANT, Identity};
use domain::{
    Actor, CommandId, UserId,
    user::{Role, User, UserCommand},
};
use futures::StreamExt as _;
use runtime::{Clock, Ids};
use schemas::api::Code;
use serde_json::{Value, json};

use crate::world::{Answer, Client, World, on_world};

/// How soon every gateway must refuse what has ended.
pub const HEARD_WITHIN: Duration = Duration::from_secs(2);

/// A sign-in by password.
struct SignedIn {
    client: Client,
    refresh: String,
    user: UserId,
}

impl World {
    async fn register(&self, email: &str, agent: &str) -> SignedIn {
        let person = json!({"email": email, "password": "a good one", "name": "Ann"});
        signed_in(self, "/auth/register", &person, agent, 201).await
    }

    async fn sign_in(&self, email: &str, agent: &str) -> SignedIn {
        let person = json!({"email": email, "password": "a good one"});
        signed_in(self, "/auth/login", &person, agent, 200).await
    }

    /// Another gateway of this installation.
    pub async fn other_gateway(&self) -> axum::Router {
        let clock = Clock::system();
        let log = Arc::new(self.log.clone());
        let commands = Commands::new(log, clock.clone(), Ids::new(clock));
        let identity = Identity::open(commands.clone(), self.vault.clone()).await;
        let mut services = self.services.clone();
        services.identity = identity.expect("an identity");
        services.commands = commands;
        gateway::router(services)
    }
}

async fn signed_in(world: &World, path: &str, person: &Value, agent: &str, is: u16) -> SignedIn {
    let stranger = world.stranger();
    let headers = [("user-agent", agent)];
    let answer = stranger.json(Method::POST, path, &headers, person).await;
    let body = answer.expect(is).body();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    SignedIn {
        client: stranger.with_bearer(&text(&body["access_token"])),
        refresh: text(&body["refresh_token"]),
        user: text(&body["user"]["id"]).parse().expect("an id"),
    }
}

async fn delete(client: &Client, path: &str) -> Answer {
    client.send(Method::DELETE, path, &[], "").await
}

async fn listed(client: &Client) -> Vec<Value> {
    let answer = client.get("/auth/sessions").await.expect(200);
    answer.body()["items"].as_array().expect("items").clone()
}

async fn until_refused(client: &Client) {
    let began = Instant::now();
    loop {
        let answer = client.get("/auth/sessions").await;
        if answer.status == StatusCode::UNAUTHORIZED {
            answer.problem(Code::AuthenticationRequired);
            return;
        }
        assert!(began.elapsed() < HEARD_WITHIN, "still {answer:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn refreshed(world: &World, refresh: &str) -> StatusCode {
    let body = json!({ "refresh_token": refresh });
    world.stranger().post("/auth/refresh", body).await.status
}

/// A stream that has begun; resolves when it has ended.
pub async fn stream_of(client: &Client) -> impl Future<Output = ()> + Send + 'static {
    let response = client.open(Method::GET, "/stream", &[], "").await;
    assert_eq!(response.status(), StatusCode::OK);
    let mut body = response.into_body().into_data_stream();
    body.next().await.expect("hello").expect("whole");
    async move { while body.next().await.is_some() {} }
}

#[test]
fn one_sees_and_ends_ones_own_sign_ins_and_no_others() {
    on_world(|world| async move {
        let ann = world.register("ann.s1@example.org", "a program").await;
        let again = world.sign_in("ann.s1@example.org", "a browser").await;
        let bob = world.register("bob.s1@example.org", "another").await;
        let shown = listed(&again.client).await;
        let told: Vec<_> = shown
            .iter()
            .map(|one| (one["user_agent"].clone(), one["current"].clone()))
            .collect();
        let expected = [
            (json!("a browser"), json!(true)),
            (json!("a program"), json!(false)),
        ];
        assert_eq!(told, expected);
        assert!(
            shown
                .iter()
                .all(|one| one["created_at"] == one["last_used_at"])
        );
        let of_ann = format!("/auth/sessions/{}", shown[1]["id"].as_str().expect("an id"));
        delete(&bob.client, &of_ann).await.problem(Code::NotFound);
        assert_eq!(listed(&ann.client).await.len(), 2);
        delete(&again.client, &of_ann).await.expect(204);
        let refused = ann.client.get("/auth/me").await;
        refused.problem(Code::AuthenticationRequired);
        assert_eq!(
            refreshed(world, &ann.refresh).await,
            StatusCode::UNAUTHORIZED
        );
        assert_eq!(listed(&again.client).await.len(), 1);
        delete(&again.client, &of_ann).await.problem(Code::NotFound);
        assert_eq!(listed(&bob.client).await.len(), 1);
    });
}

#[test]
fn all_others_end_on_every_gateway_and_their_streams_with_them() {
    on_world(|world| async move {
        let ann = world.register("ann.s2@example.org", "a program").await;
        let lost = world.sign_in("ann.s2@example.org", "a lost device").await;
        let bob = world.register("bob.s2@example.org", "another").await;
        let elsewhere = world.other_gateway().await;
        let at = |client: &Client| Client {
            router: elsewhere.clone(),
            ..client.clone()
        };
        let here = tokio::spawn(stream_of(&lost.client).await);
        let there = tokio::spawn(stream_of(&at(&lost.client)).await);
        let kept = tokio::spawn(stream_of(&at(&ann.client)).await);
        delete(&ann.client, "/auth/sessions").await.expect(204);
        let ended = async { (here.await, there.await) };
        let ended = tokio::time::timeout(HEARD_WITHIN, ended).await;
        ended.expect("streams end").0.expect("no panic");
        until_refused(&at(&lost.client)).await;
        until_refused(&lost.client).await;
        assert_eq!(
            refreshed(world, &lost.refresh).await,
            StatusCode::UNAUTHORIZED
        );
        for client in [&ann.client, &bob.client] {
            assert_eq!(listed(client).await.len(), 1);
            assert_eq!(listed(&at(client)).await.len(), 1);
        }
        assert!(!kept.is_finished(), "the sign-in that asked goes on");
        kept.abort();
        assert_eq!(refreshed(world, &ann.refresh).await, StatusCode::OK);
    });
}

#[test]
fn signing_out_ends_access_tokens_and_streams_as_well() {
    on_world(|world| async move {
        let ann = world.register("ann.s3@example.org", "a program").await;
        let mut elsewhere = ann.client.clone();
        elsewhere.router = world.other_gateway().await;
        let stream = tokio::spawn(stream_of(&elsewhere).await);
        let leave = json!({"refresh_token": ann.refresh});
        world
            .stranger()
            .post("/auth/logout", leave)
            .await
            .expect(204);
        let refused = ann.client.get("/tasks").await;
        refused.problem(Code::AuthenticationRequired);
        let ended = tokio::time::timeout(HEARD_WITHIN, stream).await;
        ended.expect("the stream ends").expect("no panic");
        until_refused(&elsewhere).await;
    });
}

#[test]
fn a_new_role_is_obeyed_on_every_gateway_and_by_streams() {
    on_world(|world| async move {
        let ann = world.register("ann.s4@example.org", "a program").await;
        let mut elsewhere = ann.client.clone();
        elsewhere.router = world.other_gateway().await;
        let stream = tokio::spawn(stream_of(&elsewhere).await);
        elsewhere
            .post("/tasks", json!({"kind": "echo"}))
            .await
            .expect(201);
        let (commands, identity) = (&world.services.commands, &world.services.identity);
        let command = CommandId::new(commands.ids().next());
        let actor = Actor::System("test".to_owned());
        let ask = Ask::new(actor, DEFAULT_TENANT, ann.user.uuid(), command);
        let change = UserCommand::Update {
            name: None,
            role: Some(Role::Viewer),
        };
        commands
            .execute::<User>(ask, change)
            .await
            .expect("changed");
        let told = identity.rights_changed(DEFAULT_TENANT, ann.user).await;
        told.expect("told");
        let began = Instant::now();
        loop {
            let answer = elsewhere.post("/tasks", json!({"kind": "echo"})).await;
            if answer.status == StatusCode::FORBIDDEN {
                break;
            }
            assert!(began.elapsed() < HEARD_WITHIN, "still {answer:?}");
        }
        elsewhere.get("/tasks").await.expect(200);
        let ended = tokio::time::timeout(HEARD_WITHIN, stream).await;
        ended.expect("the stream ends").expect("no panic");
    });
}

#[test]
fn a_token_is_taken_for_nothing_but_what_it_is() {
    on_world(|world| async move {
        let ann = world.register("ann.s5@example.org", "a program").await;
        let by_refresh = world.stranger().with_bearer(&ann.refresh);
        let refused = by_refresh.get("/auth/me").await;
        refused.problem(Code::AuthenticationRequired);
        let access = ann.client.bearer.clone().expect("a token");
        let body = json!({"refresh_token": access});
        let refused = world.stranger().post("/auth/refresh", body).await;
        refused.problem(Code::InvalidRefreshToken);
        ann.client.get("/auth/me").await.expect(200);
        assert_eq!(refreshed(world, &ann.refresh).await, StatusCode::OK);
    });
}

#[test]
fn the_keys_of_tokens_are_public_and_nothing_else_of_them() {
    on_world(|world| async move {
        let ann = world.register("ann.s6@example.org", "a program").await;
        let stranger = world.stranger();
        let answer = stranger.get("!/.well-known/jwks.json").await.expect(200);
        assert_eq!(answer.header("cache-control"), "public, max-age=60");
        let body = answer.body();
        let key = &body["keys"][0];
        let fields = key.as_object().expect("a key").keys();
        let fields: Vec<_> = fields.map(String::as_str).collect();
        let mut expected = ["alg", "crv", "kid", "kty", "use", "x", "y"].to_vec();
        expected.sort_unstable();
        assert_eq!(fields, expected, "and no private half");
        let token = ann.client.bearer.expect("a token");
        let header = token.split('.').next().expect("a header");
        let header = URL_SAFE_NO_PAD.decode(header).expect("base64");
        let header: Value = serde_json::from_slice(&header).expect("JSON");
        assert_eq!(header["kid"], key["kid"]);
    });
}

#[test]
fn another_site_neither_signs_anybody_in_nor_out() {
    on_world(|world| async move {
        let ann = world.register("ann.s7@example.org", "a browser").await;
        let cookie = format!("almanac_refresh={}", ann.refresh);
        let stranger = world.stranger();
        let foreign = [
            [("sec-fetch-site", "cross-site"), ("host", "a")],
            [("sec-fetch-site", "same-site"), ("host", "a")],
            [("origin", "https://evil.example"), ("host", "a")],
            [("origin", "null"), ("host", "a")],
        ];
        for site in foreign {
            for path in ["/auth/logout", "/auth/refresh"] {
                let with_cookie = [&site[..], &[("cookie", cookie.as_str())]].concat();
                // A strict cookie is not sent along, but could be cleared all the same.
                for headers in [&site[..], &with_cookie] {
                    let answer = stranger.send(Method::POST, path, headers, "").await;
                    answer.problem(Code::Forbidden);
                    assert!(
                        !answer.headers.contains_key("set-cookie"),
                        "{site:?} {path}"
                    );
                }
            }
            let person = json!({"email": "ann.s7@example.org", "password": "a good one"});
            let login = stranger
                .json(Method::POST, "/auth/login", &site, &person)
                .await;
            assert!(!login.headers.contains_key("set-cookie"), "{site:?}");
        }
        ann.client.get("/auth/me").await.expect(200);
        let own = [
            ("origin", "http://a"),
            ("host", "a"),
            ("cookie", cookie.as_str()),
        ];
        let out = stranger.send(Method::POST, "/auth/logout", &own, "").await;
        assert!(out.expect(204).header("set-cookie").contains("Max-Age=0"));
        let refused = ann.client.get("/auth/me").await;
        refused.problem(Code::AuthenticationRequired);
    });
}
