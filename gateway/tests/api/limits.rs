//! How much one client may ask.
//!
//! Invariant: as much as the limit says, whatever the client claims and however many it is at once.

use axum::http::Method;
use domain::user::Role;
use runtime::Limits;
use schemas::api::Code;
use serde_json::json;

use crate::{
    site::Site,
    world::{ADMIN, Client, World, on_world},
};

/// A gateway of its own with these limits.
fn limited(world: &World, limits: Limits, client: Client) -> Client {
    let mut services = world.services.clone();
    services.config.limits = limits;
    Client {
        router: gateway::router(services),
        ..client
    }
}

fn limit(text: &str) -> runtime::Limit {
    text.parse().expect("a limit")
}

/// How many of 64 clients' requests were let through, and how many were not.
async fn storm(client: &Client, each: usize, path: &'static str) -> (usize, usize) {
    let clients = (0..64).map(|_| {
        let client = client.clone();
        tokio::spawn(async move {
            let mut granted = 0;
            for _ in 0..each {
                let answer = client.get(path).await;
                granted += usize::from(answer.status.as_u16() != 429);
            }
            granted
        })
    });
    let granted = futures::future::join_all(clients.collect::<Vec<_>>()).await;
    let granted = granted.into_iter().map(|one| one.expect("no panic")).sum();
    (granted, 64 * each - granted)
}

#[test]
fn exactly_as_many_are_let_through_as_the_limit_says() {
    on_world(|world| async move {
        let mut limits = Limits::off();
        limits.anonymous = limit("1000/900s");
        let stranger = limited(world, limits, world.stranger());
        assert_eq!(storm(&stranger, 40, "/auth/me").await, (1_000, 1_560));

        limits.principal = limit("500/900s");
        let viewer = limited(world, limits, world.signed_in(Role::Viewer).await);
        assert_eq!(storm(&viewer, 20, "/stats").await, (500, 780));
    });
}

#[test]
fn an_answer_tells_the_limit_and_a_refusal_when_to_come_back() {
    on_world(|world| async move {
        let mut limits = Limits::off();
        limits.anonymous = limit("2/900s");
        let stranger = limited(world, limits, world.stranger());
        for left in ["1", "0"] {
            let answer = stranger.get("/tasks").await.expect(401);
            let policy = answer.header("ratelimit-policy");
            assert_eq!(policy, "\"anonymous\";q=2;w=900");
            let now = answer.header("ratelimit");
            let (before, seconds) = now.split_once(";t=").expect("when it ends");
            assert_eq!(before, format!("\"anonymous\";r={left}"));
            assert!((890..=900).contains(&seconds.parse().expect("seconds")));
        }
        let refused = stranger.get("/tasks").await;
        let problem = refused.problem(Code::TooManyRequests);
        assert!(problem.retryable && problem.detail.contains("`anonymous`"));
        let wait: u32 = refused.header("retry-after").parse().expect("seconds");
        assert!((890..=900).contains(&wait));
        assert!(
            refused
                .header("ratelimit")
                .starts_with("\"anonymous\";r=0;t=")
        );
    });
}

#[test]
fn whoever_has_a_valid_token_is_counted_apart() {
    on_world(|world| async move {
        let mut limits = Limits::off();
        limits.anonymous = limit("2/900s");
        limits.principal = limit("3/900s");
        limits.tenant = limit("5/900s");
        let stranger = limited(world, limits, world.stranger());
        let as_user = async || {
            let token = world.operator().await.bearer.expect("a token");
            stranger.clone().with_bearer(&token)
        };
        let (ann, bob) = (as_user().await, as_user().await);
        let forger = stranger.clone().with_bearer("x.y.z");
        stranger.get("/tasks").await.expect(401);
        forger.get("/no/such/route").await.expect(404);
        for client in [&stranger, &forger] {
            client.get("/tasks").await.problem(Code::TooManyRequests);
        }
        for client in [&ann, &ann, &ann, &bob] {
            client.get("/stats").await.expect(200);
        }
        let problem = ann.get("/stats").await.problem(Code::TooManyRequests);
        assert!(problem.detail.contains("`principal`"), "{problem:?}");
        let last = bob.get("/stats").await.expect(200);
        let policies: Vec<_> = last.headers.get_all("ratelimit-policy").iter().collect();
        assert_eq!(
            policies,
            ["\"principal\";q=3;w=900", "\"tenant\";q=5;w=900"]
        );
        let problem = bob.get("/stats").await.problem(Code::TooManyRequests);
        assert!(problem.detail.contains("`tenant`"), "{problem:?}");
        ann.get("/auth/login").await.problem(Code::TooManyRequests);
    });
}

#[test]
fn costly_routes_have_limits_of_their_own() {
    on_world(|world| async move {
        let limits = Limits {
            lists: limit("1/900s"),
            preview: limit("1/900s"),
            register: limit("1/900s"),
            sign_in: limit("1/900s"),
            stream: limit("1/900s"),
            ..Limits::off()
        };
        let viewer = limited(world, limits, world.signed_in(Role::Viewer).await);
        for (method, path) in [
            ("POST", "/jobs/preview"),
            ("GET", "/tasks"),
            ("GET", "/stream"),
            ("POST", "/auth/login"),
            ("POST", "/auth/register"),
        ] {
            let method = || method.parse().expect("a method");
            let first = viewer.open(method(), path, &[], "").await;
            assert_ne!(first.status().as_u16(), 429, "{path}");
            let second = viewer.send(method(), path, &[], "").await;
            second.problem(Code::TooManyRequests);
        }
        viewer.get("/jobs").await.problem(Code::TooManyRequests);
        viewer.get("/stats").await.expect(200);
    });
}

#[test]
fn the_page_and_the_pulse_are_never_refused_and_probes_seldom() {
    on_world(|world| async move {
        let limits = Limits {
            anonymous: limit("1/900s"),
            probes: limit("3/900s"),
            ..Limits::off()
        };
        let stranger = limited(world, limits, world.stranger());
        for _ in 0..3 {
            stranger.get("!/livez").await.expect(200);
            stranger.get("!/problems/not-found").await.expect(200);
            stranger.get("!/readyz").await.expect(200);
            let page = stranger.get("!/tasks").await;
            assert!(page.headers.get("ratelimit").is_none());
        }
        stranger
            .get("!/readyz")
            .await
            .problem(Code::TooManyRequests);
        stranger.get("!/api/openapi.json").await.expect(200);
        stranger
            .get("!/api/openapi.json")
            .await
            .problem(Code::TooManyRequests);
    });
}

#[test]
fn whoever_shows_who_they_are_was_not_anonymous() {
    on_world(|world| async move {
        let mut limits = Limits::off();
        limits.anonymous = limit("2/900s");
        let stranger = limited(world, limits, world.stranger());
        let mut refresh = json!({"refresh_token": "none"});
        let person = json!({"email": ADMIN.0, "password": ADMIN.1});
        for _ in 0..3 {
            let session = stranger.post("/auth/login", person.clone()).await;
            let token = &session.expect(200).body()["refresh_token"];
            let token = json!({"refresh_token": token});
            let renewed = stranger.post("/auth/refresh", token).await.expect(200);
            refresh["refresh_token"] = renewed.body()["refresh_token"].clone();
        }
        let junk = json!({"refresh_token": "none"});
        for _ in 0..2 {
            stranger
                .post("/auth/refresh", junk.clone())
                .await
                .expect(401);
        }
        let refused = stranger.post("/auth/refresh", refresh).await;
        refused.problem(Code::TooManyRequests);
    });
}

#[test]
fn only_a_proxy_that_is_named_says_where_a_request_comes_from() {
    on_world(|world| async move {
        for (trusted, expected) in [(&[][..], "429"), (&["127.0.0.0/8"], "401")] {
            let mut limits = Limits::off();
            limits.anonymous = limit("1/900s");
            let site = Box::pin(Site::start(world, limits, trusted)).await;
            let status = async |claims: &str| {
                let answer = site.ask("GET /api/v1/tasks", claims, "").await;
                answer[9..12].to_owned()
            };
            let first = "X-Forwarded-For: 198.51.100.1\r\n";
            assert_eq!(status(first).await, "401");
            for claims in [
                "X-Forwarded-For: 198.51.100.2\r\n",
                "X-Forwarded-For: 198.51.100.1, 198.51.100.3\r\n",
                "Forwarded: for=198.51.100.4\r\n",
                "Forwarded: for=\"[2001:db8::1]:80\"\r\n",
            ] {
                assert_eq!(status(claims).await, expected, "{trusted:?} {claims}");
            }
            for again in [
                first,
                "X-Forwarded-For: 198.51.100.9, 198.51.100.1\r\n",
                "Forwarded: for=\"[2001:db8::2]\"\r\n",
            ] {
                assert_eq!(status(again).await, "429", "{trusted:?} {again}");
            }
        }
    });
}

#[test]
fn a_token_sent_along_buys_no_further_tries() {
    on_world(|world| async move {
        let mut limits = Limits::off();
        limits.sign_in = limit("2/900s");
        let stranger = limited(world, limits, world.stranger());
        let wrong = json!({"email": "nobody@example.org", "password": "not the one"});
        for expected in [401, 401, 429] {
            let token = world.operator().await.bearer.expect("a token");
            let guesser = stranger.clone().with_bearer(&token);
            let answer = guesser.post("/auth/login", wrong.clone()).await;
            answer.expect(expected);
        }
    });
}

#[test]
fn failed_sign_ins_cost_a_pause_where_they_come_from_and_nowhere_else() {
    on_world(|world| async move {
        let mut limits = Limits::off();
        limits.failed_sign_ins = 2;
        let site = Box::pin(Site::start(world, limits, &["127.0.0.0/8"])).await;
        let sign_in = async |host: &str, email: &str, password: &str| {
            let claims = format!("X-Forwarded-For: {host}\r\nContent-Type: application/json\r\n");
            let body = json!({"email": email, "password": password}).to_string();
            let answer = site.ask("POST /api/v1/auth/login", &claims, &body).await;
            let (head, body) = answer.split_once("\r\n\r\n").expect("a body");
            let detail = body
                .split("\"detail\":")
                .nth(1)
                .map(|rest| rest[..30].to_owned());
            (
                head[9..12].to_owned(),
                head.contains("retry-after: 1\r\n"),
                detail,
            )
        };
        let (known, unknown) = (ADMIN.0, "nobody@example.org");
        for _ in 0..2 {
            let wrong = sign_in("198.51.100.1", known, "not the one").await;
            assert_eq!((wrong.0.as_str(), wrong.1), ("401", false));
            assert_eq!(wrong, sign_in("198.51.100.1", unknown, "not the one").await);
        }
        let mut respelt = known.to_uppercase();
        respelt.insert(0, ' ');
        let paused = sign_in("198.51.100.1", &respelt, ADMIN.1).await;
        assert_eq!((paused.0.as_str(), paused.1), ("429", true));
        assert_eq!(paused, sign_in("198.51.100.1", unknown, ADMIN.1).await);
        assert_eq!(sign_in("198.51.100.2", known, ADMIN.1).await.0, "200");
        let begun = std::time::Instant::now();
        while sign_in("198.51.100.1", known, ADMIN.1).await.0 != "200" {
            assert!(begun.elapsed().as_secs() < 30, "locked out");
        }
    });
}

#[test]
fn many_guesses_at_once_are_no_way_around_the_pause() {
    on_world(|world| async move {
        let mut limits = Limits::off();
        limits.failed_sign_ins = 5;
        let stranger = limited(world, limits, world.stranger());
        let guesses = (0..32).map(|n| {
            let body = json!({"email": ADMIN.0, "password": format!("a guess: {n}")});
            let stranger = stranger.clone();
            async move { stranger.post("/auth/login", body).await.status.as_u16() }
        });
        let answers = futures::future::join_all(guesses).await;
        let heard = answers.iter().filter(|status| **status == 401).count();
        assert_eq!((heard, answers.len()), (5, 32), "{answers:?}");
    });
}

#[test]
fn a_stolen_token_is_no_place_to_guess_the_password() {
    on_world(|world| async move {
        let mut limits = Limits::off();
        limits.failed_sign_ins = 5;
        let person = json!({"email": "robbed@example.org", "password": "a good one",
            "name": "Robbed"});
        let session = world.stranger().post("/auth/register", person).await;
        let session = session.expect(201).body();
        let token = session["access_token"].as_str().expect("a token");
        let id = session["user"]["id"].as_str().expect("an id").to_owned();
        let password = |current: String| {
            let body = json!({"password": "another good one", "current_password": current});
            ("password", body)
        };
        let email = |current: String| {
            let body = json!({"email": "thief@example.org", "current_password": current});
            ("email", body)
        };
        let thief = || limited(world, limits, world.stranger().with_bearer(token));
        let put = |thief: &Client, (what, body): (&str, serde_json::Value)| {
            let (thief, path) = (thief.clone(), format!("/users/{id}/{what}"));
            async move { thief.json(Method::PUT, &path, &[], &body).await }
        };
        for way in [password as fn(String) -> _, email] {
            let thief = thief();
            let guesses = (0..32).map(|n| put(&thief, way(format!("a guess: {n}"))));
            let answers = futures::future::join_all(guesses).await;
            let heard = answers.iter().filter(|one| one.status.as_u16() != 429);
            let heard: Vec<_> = heard.map(|one| one.problem(Code::InvalidBody)).collect();
            assert_eq!(heard.len(), 5, "{answers:?}");
            // The right one is not looked at, by whatever way, until the pause is over.
            for way in [password as fn(String) -> _, email] {
                let right = put(&thief, way("a good one".to_owned())).await;
                let problem = right.problem(Code::TooManyRequests);
                assert!(problem.retryable, "{problem:?}");
                right.header("retry-after").parse::<u32>().expect("seconds");
            }
            let step_up = json!({"password": "a good one"});
            let stepped_up = thief.post("/auth/step-up", step_up).await;
            stepped_up.problem(Code::TooManyRequests);
        }
        let owner = thief();
        put(&owner, email("wrong".into())).await.expect(400);
        put(&owner, email("a good one".into())).await.expect(200);
    });
}

#[test]
fn what_is_refused_for_another_reason_is_no_guess() {
    on_world(|world| async move {
        let mut limits = Limits::off();
        limits.failed_sign_ins = 1;
        let person = json!({"email": "patient@example.org", "password": "a good one",
            "name": "Patient"});
        let session = world.stranger().post("/auth/register", person).await;
        let session = session.expect(201).body();
        let token = session["access_token"].as_str().expect("a token");
        let path = format!(
            "/users/{}/email",
            session["user"]["id"].as_str().expect("an id")
        );
        let own = limited(world, limits, world.stranger().with_bearer(token));
        let others = json!({"email": ADMIN.0, "current_password": "a good one"});
        for _ in 0..3 {
            let answer = own.json(Method::PUT, &path, &[], &others).await;
            answer.problem(Code::EmailTaken);
        }
        let wrong = json!({"email": ADMIN.0, "current_password": "not the one"});
        let stale = [("if-match", "\"7\"")];
        own.json(Method::PUT, &path, &stale, &wrong)
            .await
            .expect(400);
        let paused = own.json(Method::PUT, &path, &stale, &wrong).await;
        paused.problem(Code::TooManyRequests);
    });
}
