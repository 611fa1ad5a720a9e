//! Registering, signing in, staying signed in, leaving; and who may do what.
//!
//! Invariant: no token works that was not given, has ended or was altered.

use axum::http::Method;
use commands::{Commands, DEFAULT_TENANT, Identity};
use domain::{UserId, user::Role};
use runtime::{Clock, Ids};
use schemas::api::Code;
use secrecy::ExposeSecret as _;
use serde_json::json;

use crate::world::{ADMIN, World, on_world};

#[test]
fn a_sign_in_from_its_begin_to_its_end() {
    on_world(|world| async move {
        let stranger = world.stranger();
        let wanted = json!({"email": "Ann@example.org", "password": "a good one", "name": "Ann"});
        let session = stranger
            .post("/auth/register", wanted.clone())
            .await
            .expect(201);
        let body = session.body();
        assert_eq!(body["user"]["email"], "ann@example.org");
        assert_eq!(body["user"]["role"], "operator");
        assert_eq!(body["token_type"], "Bearer");
        assert!(session.header("location").starts_with("/api/v1/users/"));
        assert_eq!(session.header("cache-control"), "no-store");
        let cookie = session.header("set-cookie").to_owned();
        assert!(cookie.contains("HttpOnly; SameSite=Strict") && !cookie.contains("Secure"));
        let again = stranger.post("/auth/register", wanted).await;
        again.problem(Code::EmailTaken);

        let ann = world
            .stranger()
            .with_bearer(body["access_token"].as_str().expect("a token"));
        let me = ann.get("/auth/me").await.expect(200);
        assert_eq!(me.body(), body["user"]);

        let login = json!({"email": "ann@example.org", "password": "a good one"});
        let login = stranger.post("/auth/login", login).await.expect(200);
        assert_eq!(login.body()["user"], body["user"]);

        let refresh = json!({"refresh_token": body["refresh_token"]});
        let next = stranger
            .post("/auth/refresh", refresh)
            .await
            .expect(200)
            .body();
        assert_ne!(next["refresh_token"], body["refresh_token"]);
        let leave = json!({"refresh_token": next["refresh_token"]});
        stranger
            .post("/auth/logout", leave.clone())
            .await
            .expect(204);
        let gone = stranger.post("/auth/refresh", leave).await;
        gone.problem(Code::InvalidRefreshToken);
    });
}

#[test]
fn a_browser_uses_its_cookie_and_no_other_site_does() {
    on_world(|world| async move {
        let stranger = world.stranger();
        let person = json!({"email": ADMIN.0, "password": ADMIN.1});
        let login = stranger.post("/auth/login", person.clone()).await;
        let login = login.expect(200);
        let cookie = login
            .header("set-cookie")
            .split(';')
            .next()
            .expect("a pair")
            .to_owned();
        let refresh = |site: &'static str| {
            let headers = [("cookie", cookie.as_str()), ("sec-fetch-site", site)];
            let (stranger, headers) = (stranger.clone(), headers.map(|(n, v)| (n, v.to_owned())));
            async move {
                let headers = headers.each_ref().map(|(n, v)| (*n, v.as_str()));
                stranger
                    .json(Method::POST, "/auth/refresh", &headers, &json!({}))
                    .await
            }
        };
        refresh("cross-site").await.problem(Code::Forbidden);
        let renewed = refresh("same-origin").await.expect(200);
        assert!(renewed.header("set-cookie").starts_with("almanac_refresh="));
        let of_the_page = [("sec-fetch-site", "same-origin")];
        let signed_in = stranger
            .json(Method::POST, "/auth/login", &of_the_page, &person)
            .await
            .expect(200);
        for session in [renewed, signed_in] {
            let body = session.body();
            assert!(body["access_token"].is_string());
            assert!(body.get("refresh_token").is_none(), "scripts could read it");
        }
        let out = [
            ("cookie", cookie.as_str()),
            ("sec-fetch-site", "same-origin"),
        ];
        let out = stranger
            .send(Method::POST, "/auth/logout", &out, "")
            .await
            .expect(204);
        assert!(out.header("set-cookie").contains("Max-Age=0"));
        stranger
            .post("/auth/refresh", json!({}))
            .await
            .problem(Code::InvalidRefreshToken);
    });
}

#[test]
fn wrong_passwords_and_unknown_people_look_the_same() {
    on_world(|world| async move {
        let stranger = world.stranger();
        let wrong = json!({"email": ADMIN.0, "password": "not the one"});
        let unknown = json!({"email": "nobody@example.org", "password": "not the one"});
        let wrong = stranger.post("/auth/login", wrong).await;
        let unknown = stranger.post("/auth/login", unknown).await;
        let (wrong, unknown) = (
            wrong.problem(Code::InvalidCredentials),
            unknown.problem(Code::InvalidCredentials),
        );
        assert_eq!(wrong.detail, unknown.detail);
    });
}

#[test]
fn a_registration_says_which_field_is_wrong() {
    on_world(|world| async move {
        let stranger = world.stranger();
        for (email, password, name, pointer) in [
            ("no address", "a good one", "Ann", "/email"),
            ("bad1@example.org", "short", "Ann", "/password"),
            ("bad2@example.org", "a good one", " ", "/name"),
        ] {
            let body = json!({"email": email, "password": password, "name": name});
            let problem = stranger.post("/auth/register", body).await;
            assert_eq!(
                problem.problem(Code::InvalidBody).errors[0].pointer,
                pointer
            );
        }
    });
}

#[test]
fn registration_can_be_closed() {
    on_world(|world| async move {
        let mut services = world.services.clone();
        services.config.registration = runtime::Registration::Closed;
        let mut stranger = world.stranger();
        stranger.router = gateway::router(services);
        let body = json!({"email": "eve@example.org", "password": "a good one", "name": "Eve"});
        let problem = stranger.post("/auth/register", body).await;
        problem.problem(Code::RegistrationClosed);
    });
}

#[test]
fn tokens_that_are_not_valid_open_nothing() {
    on_world(|world| async move {
        let good = world.operator().await.bearer.expect("a token");
        let (head, rest) = good.split_once('.').expect("a JWT");
        let (claims, signature) = rest.split_once('.').expect("a JWT");
        let none = "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0";
        let flipped = if signature.starts_with('A') { "B" } else { "A" };
        for (what, token) in [
            ("nothing", String::new()),
            ("noise", "x".to_owned()),
            ("unsigned", format!("{none}.{claims}.")),
            (
                "altered claims",
                format!("{head}.{}A.{signature}", &claims[1..]),
            ),
            (
                "altered signature",
                format!("{head}.{claims}.{flipped}{}", &signature[1..]),
            ),
            ("expired", expired(world).await),
        ] {
            let answer = world.stranger().with_bearer(&token).get("/tasks").await;
            answer.problem(Code::AuthenticationRequired);
            let challenge = answer.header("www-authenticate");
            assert!(challenge.contains("invalid_token"), "{what}");
        }
        let none = world.stranger().get("/tasks").await;
        none.problem(Code::AuthenticationRequired);
        assert_eq!(none.header("www-authenticate"), "Bearer realm=\"almanac\"");
    });
}

/// A token that this installation gave an hour ago.
async fn expired(world: &World) -> String {
    let an_hour_ago = world.services.commands.clock().now().plus_ms(-3_600_000);
    let clock = Clock::manual(an_hour_ago);
    let log = std::sync::Arc::new(world.log.clone());
    let commands = Commands::new(log, clock.clone(), Ids::new(clock));
    let identity = Identity::open(commands, world.vault.clone())
        .await
        .expect("an identity");
    let user = UserId::new(world.services.commands.ids().next());
    let tokens = identity
        .start_session(DEFAULT_TENANT, user, Role::Admin)
        .await;
    tokens.expect("a session").access.expose_secret().to_owned()
}

#[test]
fn roles_are_obeyed() {
    on_world(|world| async move {
        let viewer = world.signed_in(Role::Viewer).await;
        let operator = world.operator().await;
        let admin = world.signed_in(Role::Admin).await;
        let task = json!({"kind": "echo"});
        viewer.get("/tasks").await.expect(200);
        viewer
            .post("/tasks", task.clone())
            .await
            .problem(Code::Forbidden);
        operator.post("/tasks", task).await.expect(201);
        operator.get("/users").await.problem(Code::Forbidden);
        admin.get("/users").await.expect(200);
        let bob = json!({"email": "bob@example.org", "password": "a good one", "name": "Bob",
            "role": "viewer"});
        operator
            .post("/users", bob.clone())
            .await
            .problem(Code::Forbidden);
        let added = admin.post("/users", bob).await.expect(201);
        assert_eq!(added.body()["role"], "viewer");
        let path = format!("/users/{}", added.id());
        let fresh = [("consistency-token", added.token()), ("prefer", "wait=10")];
        let shown = admin.get_with(&path, &fresh).await.expect(200);
        assert_eq!(shown.body(), added.body());
        operator.get(&path).await.problem(Code::NotFound);
        operator
            .get(&format!("{path}/events"))
            .await
            .problem(Code::NotFound);
        let history = admin.get(&format!("{path}/events")).await.expect(200);
        assert_eq!(history.body()["items"][0]["type"], "user.registered.v1");
        assert!(!String::from_utf8_lossy(&history.bytes).contains("bob@example.org"));
    });
}
