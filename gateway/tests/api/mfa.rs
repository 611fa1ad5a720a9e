//! Signing in with a second factor.
//!
//! Invariant: nobody learns of a second factor without the password, nor gets in without it.

use axum::http::Method;
use domain::user::Role;
use runtime::Clock;
use schemas::api::Code;
use serde_json::{Value, json};

use crate::{
    authenticator::Authenticator,
    world::{Answer, Client, World, on_world},
};

const PASSWORD: &str = "a good one";
const STEP_MS: i64 = 30_000;

/// Somebody with a second factor, at a gateway whose clock is theirs.
pub struct Person {
    pub authenticator: Authenticator,
    pub client: Client,
    pub clock: Clock,
    pub id: String,
    pub recovery_codes: Vec<String>,
    email: &'static str,
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}

impl Person {
    /// Registers, and turns on a second factor a step ago.
    pub async fn with_mfa(world: &World, email: &'static str) -> Self {
        let clock = world.clock_of_now();
        let stranger = world.at(&clock, &world.stranger()).await;
        let wanted = json!({"email": email, "password": PASSWORD, "name": "Ann"});
        let body = stranger.post("/auth/register", wanted).await;
        let body = body.expect(201).body();
        let client = stranger.with_bearer(&text(&body["access_token"]));
        let begun = client.post("/auth/mfa/totp", json!({})).await.expect(200);
        let authenticator = Authenticator::of(&text(&begun.body()["secret"]));
        let code = json!({"code": authenticator.shows(clock.now())});
        let enrolled = client.post("/auth/mfa/totp/confirm", code).await;
        let codes = enrolled.expect(200).body()["recovery_codes"].clone();
        let codes = codes.as_array().expect("codes").iter().map(text);
        clock.set(clock.now().plus_ms(STEP_MS));
        Self {
            authenticator,
            client,
            clock,
            email,
            id: text(&body["user"]["id"]),
            recovery_codes: codes.collect(),
        }
    }

    /// The code that is shown now.
    pub fn code(&self) -> String {
        self.authenticator.shows(self.clock.now())
    }

    pub fn pass(&self, ms: i64) {
        self.clock.set(self.clock.now().plus_ms(ms));
    }

    fn stranger(&self) -> Client {
        Client {
            bearer: None,
            ..self.client.clone()
        }
    }

    pub async fn login(&self, password: &str) -> Answer {
        let body = json!({"email": self.email, "password": password});
        self.stranger().post("/auth/login", body).await
    }

    /// A challenge, by the right password.
    pub async fn challenge(&self) -> String {
        let problem = self.login(PASSWORD).await.problem(Code::MfaRequired);
        problem.challenge.expect("a challenge")
    }

    pub async fn answer(&self, body: Value) -> Answer {
        self.stranger().post("/auth/login/mfa", body).await
    }
}

#[test]
fn a_sign_in_takes_the_password_and_then_a_code() {
    on_world(|world| async move {
        let ann = Person::with_mfa(world, "ann.mfa1@example.org").await;
        let me = ann.client.get("/auth/me").await.expect(200).body();
        assert_eq!(me["mfa_enabled"], true);
        let state = ann.client.get("/auth/mfa").await.expect(200).body();
        assert_eq!(state, json!({"enabled": true, "recovery_codes_left": 10}));
        let asked = ann.login(PASSWORD).await;
        assert_eq!(asked.status.as_u16(), 401);
        assert_eq!(asked.header("cache-control"), "no-store");
        assert!(!asked.headers.contains_key("set-cookie"));
        let challenge = asked.problem(Code::MfaRequired).challenge;
        let challenge = challenge.expect("a challenge");
        let both = json!({"challenge": challenge, "code": "1", "recovery_code": "1"});
        ann.answer(both).await.problem(Code::InvalidBody);
        let wrong = json!({"challenge": challenge, "code": "000"});
        ann.answer(wrong).await.problem(Code::InvalidCode);
        let code = ann.code();
        let right = json!({"challenge": challenge, "code": code});
        let session = ann.answer(right.clone()).await.expect(200);
        assert!(session.header("set-cookie").contains("HttpOnly"));
        let body = session.body();
        assert_eq!(body["user"]["id"], ann.id);
        assert!(body["refresh_token"].is_string());
        let client = ann.stranger().with_bearer(&text(&body["access_token"]));
        client.get("/auth/me").await.expect(200);
        ann.answer(right).await.problem(Code::InvalidChallenge);
        let replayed = json!({"challenge": ann.challenge().await, "code": code});
        ann.answer(replayed).await.problem(Code::InvalidCode);
        // A page is given its refresh token by the cookie alone.
        ann.pass(STEP_MS);
        let page = [("sec-fetch-site", "same-origin")];
        let body = json!({"challenge": ann.challenge().await, "code": ann.code()});
        let session = (ann.stranger())
            .json(Method::POST, "/auth/login/mfa", &page, &body)
            .await
            .expect(200);
        assert!(session.body().get("refresh_token").is_none());
        let code = &ann.recovery_codes[0];
        let body = json!({"challenge": ann.challenge().await, "recovery_code": code});
        ann.answer(body).await.expect(200);
        let body = json!({"challenge": ann.challenge().await, "recovery_code": code});
        ann.answer(body).await.problem(Code::InvalidCode);
    });
}

#[test]
fn nobody_learns_of_a_second_factor_without_the_password() {
    on_world(|world| async move {
        let ann = Person::with_mfa(world, "ann.mfa2@example.org").await;
        let wrong = ann.login("not the one").await;
        let unknown = json!({"email": "nobody.mfa@example.org", "password": "not the one"});
        let unknown = ann.stranger().post("/auth/login", unknown).await;
        let (mut wrong, mut unknown) = (
            wrong.problem(Code::InvalidCredentials),
            unknown.problem(Code::InvalidCredentials),
        );
        assert_eq!(wrong.challenge, None);
        wrong.request_id.clear();
        unknown.request_id.clear();
        assert_eq!(wrong, unknown);
        let admin = world.signed_in(Role::Admin).await;
        let disable = format!("/users/{}/disable", ann.id);
        admin.post(&disable, json!({})).await.expect(200);
        let refused = ann.login(PASSWORD).await;
        refused.problem(Code::InvalidCredentials);
    });
}

#[test]
fn a_challenge_opens_nothing_and_no_token_is_one() {
    on_world(|world| async move {
        let ann = Person::with_mfa(world, "ann.mfa3@example.org").await;
        let challenge = ann.challenge().await;
        let bearer = ann.stranger().with_bearer(&challenge);
        for path in ["/auth/me", "/tasks", "/auth/mfa"] {
            let refused = bearer.get(path).await;
            refused.problem(Code::AuthenticationRequired);
        }
        let refresh = json!({"refresh_token": challenge});
        let refused = ann.stranger().post("/auth/refresh", refresh).await;
        refused.problem(Code::InvalidRefreshToken);
        let answer = json!({"challenge": challenge, "code": ann.code()});
        let session = ann.answer(answer).await.expect(200).body();
        ann.pass(STEP_MS);
        for token in ["access_token", "refresh_token"] {
            let answer = json!({"challenge": session[token], "code": ann.code()});
            ann.answer(answer).await.problem(Code::InvalidChallenge);
        }
        let refresh = json!({"refresh_token": session["refresh_token"]});
        let refreshed = ann.stranger().post("/auth/refresh", refresh).await;
        refreshed.expect(200);
    });
}

#[test]
fn wrong_codes_cost_the_pauses_of_wrong_passwords() {
    on_world(|world| async move {
        let ann = Person::with_mfa(world, "ann.mfa4@example.org").await;
        let mut services = world.services.clone();
        services.config.limits.failed_sign_ins = 2;
        let mut stranger = ann.stranger();
        stranger.router = gateway::router(services);
        let password = json!({"email": ann.email, "password": PASSWORD});
        for _ in 0..2 {
            // The password is right each time, which gives no further try at the code.
            let asked = stranger.post("/auth/login", password.clone()).await;
            let challenge = asked.problem(Code::MfaRequired).challenge;
            let wrong = json!({"challenge": challenge, "code": "000"});
            let refused = stranger.post("/auth/login/mfa", wrong).await;
            refused.problem(Code::InvalidCode);
        }
        let asked = stranger.post("/auth/login", password).await;
        let challenge = asked.problem(Code::MfaRequired).challenge;
        let right = json!({"challenge": challenge, "code": ann.code()});
        let paused = stranger.post("/auth/login/mfa", right).await;
        paused.problem(Code::TooManyRequests);
        assert_eq!(paused.header("retry-after"), "1");
    });
}

#[test]
fn an_administrator_takes_a_lost_factor_away_and_every_sign_in_with_it() {
    on_world(|world| async move {
        let ann = Person::with_mfa(world, "ann.mfa5@example.org").await;
        let path = format!("/users/{}/mfa", ann.id);
        let delete = async |client: &Client| client.send(Method::DELETE, &path, &[], "").await;
        delete(&world.operator().await)
            .await
            .problem(Code::Forbidden);
        let admin = world.signed_in(Role::Admin).await;
        let taken = delete(&admin).await.expect(200);
        assert_eq!(taken.body()["mfa_enabled"], false);
        assert_eq!(delete(&admin).await.expect(200).body(), taken.body());
        let fresh = [("consistency-token", taken.token()), ("prefer", "wait=10")];
        let shown = admin.get_with(&format!("/users/{}", ann.id), &fresh).await;
        assert_eq!(shown.expect(200).body(), taken.body());
        let refused = (world.stranger())
            .with_bearer(ann.client.bearer.as_deref().expect("a token"))
            .get("/auth/me")
            .await;
        refused.problem(Code::AuthenticationRequired);
        ann.login(PASSWORD).await.expect(200);
        let events = format!("/users/{}/events", ann.id);
        let events = admin.get_with(&events, &fresh).await.expect(200);
        let types = events.body()["items"].clone();
        let types = types.as_array().expect("events").iter();
        let types: Vec<_> = types.map(|event| text(&event["type"])).collect();
        let expected = [
            "user.registered.v1",
            "user.mfa_enabled.v1",
            "user.mfa_disabled.v1",
        ];
        assert_eq!(types, expected);
    });
}

#[test]
fn one_turns_off_ones_own_and_renews_its_codes() {
    on_world(|world| async move {
        let ann = Person::with_mfa(world, "ann.mfa6@example.org").await;
        let again = ann.client.post("/auth/mfa/totp", json!({})).await;
        again.problem(Code::InvalidState);
        let renewed = ann.client.post("/auth/mfa/recovery-codes", json!({})).await;
        let renewed = renewed.expect(200).body()["recovery_codes"].clone();
        assert_eq!(renewed.as_array().expect("codes").len(), 10);
        let before = json!({"challenge": ann.challenge().await,
            "recovery_code": ann.recovery_codes[5]});
        ann.answer(before).await.problem(Code::InvalidCode);
        let answer = json!({"challenge": ann.challenge().await, "recovery_code": renewed[5]});
        ann.answer(answer).await.expect(200);
        let off = "/auth/mfa/totp";
        let off = ann.client.send(Method::DELETE, off, &[], "").await;
        assert!(!off.expect(204).token().is_empty());
        ann.client.get("/auth/me").await.expect(200);
        ann.login(PASSWORD).await.expect(200);
        let renewed = ann.client.post("/auth/mfa/recovery-codes", json!({})).await;
        renewed.problem(Code::InvalidState);
    });
}
