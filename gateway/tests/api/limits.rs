//! How much one client may ask.
//!
//! Invariant: as much as the limit says, whatever the client claims and however many it is at once.

use std::net::SocketAddr;

use domain::user::Role;
use runtime::Limits;
use schemas::api::Code;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;

use crate::world::{ADMIN, Client, World, on_world};

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

/// The status that a gateway answers who says to come from somewhere else.
async fn status(address: SocketAddr, claims: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connects");
    let request =
        format!("GET /api/v1/tasks HTTP/1.1\r\nHost: a\r\n{claims}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answered");
    answer[9..12].to_owned()
}

#[test]
fn only_a_proxy_that_is_named_says_where_a_request_comes_from() {
    on_world(|world| async move {
        for (trusted, expected) in [(None, "429"), (Some("127.0.0.0/8"), "401")] {
            let mut services = world.services.clone();
            services.config.limits.anonymous = limit("1/900s");
            let networks = trusted.into_iter();
            let networks = networks.map(|text: &str| text.parse().expect("a network"));
            services.config.trusted_proxies = networks.collect();
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = listener.local_addr().expect("an address");
            let shutdown = CancellationToken::new();
            tokio::spawn(gateway::run(services, listener, shutdown.clone()));
            let first = "X-Forwarded-For: 198.51.100.1\r\n";
            assert_eq!(status(address, first).await, "401");
            for claims in [
                "X-Forwarded-For: 198.51.100.2\r\n",
                "X-Forwarded-For: 198.51.100.1, 198.51.100.3\r\n",
                "Forwarded: for=198.51.100.4\r\n",
                "Forwarded: for=\"[2001:db8::1]:80\"\r\n",
            ] {
                assert_eq!(
                    status(address, claims).await,
                    expected,
                    "{trusted:?} {claims}"
                );
            }
            for again in [
                first,
                "X-Forwarded-For: 198.51.100.9, 198.51.100.1\r\n",
                "Forwarded: for=\"[2001:db8::2]\"\r\n",
            ] {
                assert_eq!(status(address, again).await, "429", "{trusted:?} {again}");
            }
            shutdown.cancel();
        }
    });
}
