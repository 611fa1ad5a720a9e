//! Signing in by an issuer, one that does what it should and one that does not.
//!
//! Invariant: each test has an issuer of its own, so its people are nobody else's.

mod issuer;
mod linking;
mod refused;

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use commands::{Commands, Identity};
use reqwest::Url;
use runtime::{Clock, CreateUsers, Ids, OidcProvider};
use serde_json::{Value, json};

use crate::world::{Answer, Client, World, on_world};
use issuer::{Algorithm, CLIENT, Issuer, SECRET, Ways, members, visit};

/// What tells the page's own requests from those that others make a browser send.
const OWN: (&str, &str) = ("sec-fetch-site", "same-origin");
/// A navigation that another site has begun, as the one back from an issuer is.
const FOREIGN: (&str, &str) = ("sec-fetch-site", "cross-site");

/// A gateway that lets people in by an issuer.
struct Desk {
    gateway: Client,
    issuer: Issuer,
}

/// A browser that has left for the issuer.
struct Left {
    cookie: String,
    location: Url,
}

impl World {
    /// A gateway of its own whose provider differs by `change` from one that is closed.
    async fn desk(&self, change: impl FnOnce(&mut OidcProvider)) -> Desk {
        let issuer = Issuer::start().await;
        let mut provider = provider(&issuer);
        change(&mut provider);
        let mut services = self.services.clone();
        let mut other = provider.clone();
        "house".clone_into(&mut other.name);
        services.config.oidc = vec![provider, other];
        let gateway = Client {
            router: gateway::router(services),
            bearer: None,
        };
        Desk { gateway, issuer }
    }

    /// The same, whose strangers become users.
    async fn open_desk(&self) -> Desk {
        self.desk(open).await
    }
}

fn provider(issuer: &Issuer) -> OidcProvider {
    OidcProvider {
        allowed_domains: Vec::new(),
        client_id: CLIENT.to_owned(),
        client_secret: Some(SECRET.into()),
        create_users: CreateUsers::Closed,
        default_role: domain::user::Role::Viewer,
        issuer: issuer.url.clone(),
        name: "desk".to_owned(),
        scopes: ["openid", "email", "profile"].map(str::to_owned).to_vec(),
        trust_email: false,
    }
}

fn open(provider: &mut OidcProvider) {
    provider.create_users = CreateUsers::Open;
    provider.allowed_domains = vec!["example.org".to_owned()];
}

impl Desk {
    async fn leave(&self, query: &str) -> Left {
        let path = format!("/auth/oidc/desk/start{query}");
        let answer = self.gateway.get_with(&path, &[FOREIGN]).await.expect(303);
        assert_eq!(answer.header("cache-control"), "no-store");
        Left {
            cookie: cookie(&answer, "almanac_oidc").expect("a cookie"),
            location: answer.header("location").parse().expect("an address"),
        }
    }

    async fn back(&self, at: &Url, cookie: &str) -> Answer {
        let cookie = format!("a=b; almanac_oidc={cookie}");
        self.back_with(at, &[FOREIGN, ("cookie", &cookie)]).await
    }

    async fn back_with(&self, at: &Url, headers: &[(&str, &str)]) -> Answer {
        let query = at.query().unwrap_or_default();
        let path = format!("!{}?{query}", at.path());
        self.gateway.get_with(&path, headers).await
    }

    /// A whole sign-in, in a browser of its own.
    async fn sign_in(&self) -> Answer {
        let left = self.leave("").await;
        let at = visit(left.location.as_str()).await;
        self.back(&at, &left.cookie).await
    }

    /// The same by somebody whom the issuer describes so.
    async fn sign_in_as(&self, claims: Value) -> Answer {
        self.issuer.set(Ways::claiming(claims));
        self.sign_in().await
    }

    /// Whoever was signed in by `answer`, as their page takes the sign-in up.
    async fn page(&self, answer: &Answer) -> Client {
        let refresh = cookie(answer, "almanac_refresh").expect("a cookie");
        let refresh = format!("almanac_refresh={refresh}");
        let headers = [OWN, ("cookie", refresh.as_str())];
        let (path, body) = ("/auth/refresh", json!({}));
        let session = self.gateway.json(Method::POST, path, &headers, &body).await;
        let session = session.expect(200).body();
        assert_eq!(session.get("refresh_token"), None);
        let token = session["access_token"].as_str().expect("a token");
        self.gateway.clone().with_bearer(token)
    }
}

/// The value that `answer` sets a cookie to.
fn cookie(answer: &Answer, name: &str) -> Option<String> {
    let set = set_cookie(answer, name)?;
    let (pair, _) = set.split_once(';')?;
    Some(pair[name.len() + 1..].to_owned())
}

fn set_cookie(answer: &Answer, name: &str) -> Option<String> {
    let all = answer.headers.get_all("set-cookie").iter();
    let mut all = all.map(|value| value.to_str().expect("text"));
    let prefix = format!("{name}=");
    all.find(|set| set.starts_with(&prefix)).map(str::to_owned)
}

#[test]
fn a_browser_leaves_with_what_brings_it_back() {
    on_world(|world| async move {
        let desk = world.open_desk().await;
        let listed = desk.gateway.get("/auth/oidc").await.expect(200).body();
        assert_eq!(
            listed["items"],
            json!([{"name": "desk"}, {"name": "house"}])
        );
        let answer = desk
            .gateway
            .get("/auth/oidc/desk/start?return_to=/tasks")
            .await;
        let set = set_cookie(&answer, "almanac_oidc").expect("a cookie");
        assert!(
            set.ends_with("; Path=/auth/oidc; Max-Age=600; HttpOnly; SameSite=Lax"),
            "{set}"
        );
        let left = desk.leave("?return_to=/tasks").await;
        let authorize = format!("{}/authorize?tenant=1&", desk.issuer.url);
        assert!(
            left.location.as_str().starts_with(&authorize),
            "{}",
            left.location
        );
        let asked: std::collections::HashMap<_, _> = left.location.query_pairs().collect();
        for (name, value) in [
            ("client_id", CLIENT),
            ("code_challenge_method", "S256"),
            (
                "redirect_uri",
                "http://127.0.0.1:8080/auth/oidc/desk/callback",
            ),
            ("response_type", "code"),
            ("scope", "openid email profile"),
        ] {
            assert_eq!(asked[name], value);
        }
        let secrets = ["state", "nonce", "code_challenge"].map(|name| asked[name].clone());
        assert!(
            secrets.iter().all(|secret| secret.len() == 43),
            "{secrets:?}"
        );
        let again = desk.leave("?return_to=/tasks").await;
        assert!(
            secrets
                .iter()
                .all(|it| !again.location.as_str().contains(&**it))
        );
    });
}

#[test]
fn who_signs_in_by_an_issuer_is_signed_in_on_the_page() {
    on_world(|world| async move {
        let desk = world.open_desk().await;
        let algorithms = [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Rs256];
        let mut users = Vec::new();
        for algorithm in algorithms {
            desk.issuer.set(Ways {
                algorithm,
                claims: members(json!({"email": "Ann.oidc@Example.org"})),
                ..Ways::default()
            });
            let left = desk.leave("?return_to=/tasks%3Fstatus=failed").await;
            let at = visit(left.location.as_str()).await;
            let answer = desk.back(&at, &left.cookie).await.expect(303);
            assert_eq!(answer.header("location"), "/tasks?status=failed");
            assert_eq!(answer.header("cache-control"), "no-store");
            let refresh = set_cookie(&answer, "almanac_refresh").expect("a cookie");
            let kept = "; Path=/api/v1/auth; Max-Age=604800; HttpOnly; SameSite=Strict";
            assert!(refresh.ends_with(kept), "{refresh}");
            assert_eq!(cookie(&answer, "almanac_oidc").as_deref(), Some(""));
            let me = desk.page(&answer).await.get("/auth/me").await;
            let me = me.expect(200).body();
            assert_eq!(me["email"], "ann.oidc@example.org");
            assert_eq!(
                (&me["name"], &me["role"]),
                (&json!("Ann Example"), &json!("viewer"))
            );
            assert_eq!(me["providers"], json!(["desk"]));
            users.push(me["id"].clone());
        }
        assert!(users.iter().all(|user| *user == users[0]), "{users:?}");
    });
}

#[test]
fn cookies_are_for_https_where_people_come_by_that() {
    on_world(|world| async move {
        let issuer = Issuer::start().await;
        let mut services = world.services.clone();
        services.config.public_url = Some("https://desk.example.org/".to_owned());
        services.config.oidc = vec![provider(&issuer)];
        let gateway = Client {
            router: gateway::router(services),
            bearer: None,
        };
        let answer = gateway.get("/auth/oidc/desk/start").await.expect(303);
        let set = set_cookie(&answer, "almanac_oidc").expect("a cookie");
        assert!(set.ends_with("; SameSite=Lax; Secure"), "{set}");
        let back = "redirect_uri=https%3A%2F%2Fdesk.example.org%2Fauth%2Foidc%2Fdesk%2Fcallback";
        assert!(answer.header("location").contains(back));
    });
}

#[test]
fn an_issuer_that_changes_its_keys_is_asked_for_them_once() {
    on_world(|world| async move {
        let desk = world.open_desk().await;
        let claims = json!({"email": "ann.keys@example.org"});
        desk.sign_in_as(claims.clone()).await.expect(303);
        desk.sign_in_as(claims.clone()).await.expect(303);
        assert_eq!(desk.issuer.asked("GET /jwks"), 1);
        desk.issuer.rotate();
        desk.sign_in_as(claims.clone()).await.expect(303);
        assert_eq!(desk.issuer.asked("GET /jwks"), 2);
        desk.issuer.set(Ways {
            head: members(json!({"kid": "nobody's"})),
            claims: members(claims),
            ..Ways::default()
        });
        for _ in 0..5 {
            desk.sign_in().await.expect(401);
        }
        assert!(desk.issuer.asked("GET /jwks") <= 3);
        assert_eq!(desk.issuer.asked("GET /.well-known"), 1);
    });
}

#[test]
fn the_clients_secret_goes_where_the_issuer_takes_it() {
    on_world(|world| async move {
        let desk = world.open_desk().await;
        desk.issuer.set(Ways {
            claims: members(json!({"email": "ann.post@example.org"})),
            document: members(json!({
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
            })),
            ..Ways::default()
        });
        desk.sign_in().await.expect(303);
    });
}

#[test]
fn whoever_stays_away_for_too_long_begins_again() {
    on_world(|world| async move {
        let issuer = Issuer::start().await;
        let start = Clock::system().now();
        let clock = Clock::manual(start);
        let log = Arc::new(world.log.clone());
        let commands = Commands::new(log, clock.clone(), Ids::new(clock.clone()));
        let identity = Identity::open(commands.clone(), world.vault.clone()).await;
        let mut services = world.services.clone();
        services.identity = identity.expect("an identity");
        services.commands = commands;
        let mut open_to = provider(&issuer);
        open(&mut open_to);
        services.config.oidc = vec![open_to];
        let gateway = Client {
            router: gateway::router(services),
            bearer: None,
        };
        let desk = Desk { gateway, issuer };
        let claims = json!({"email": "ann.away@example.org", "iat": null, "exp": null});
        let now_s = start.unix_ms() / 1_000;
        for (away_s, status) in [
            (600, StatusCode::SEE_OTHER),
            (601, StatusCode::UNAUTHORIZED),
        ] {
            clock.set(start);
            let left = desk.leave("").await;
            let at = visit(left.location.as_str()).await;
            clock.set(start.plus_ms(away_s * 1_000));
            let mut claims = members(claims.clone());
            claims.insert("iat".to_owned(), json!(now_s + away_s));
            claims.insert("exp".to_owned(), json!(now_s + away_s + 300));
            desk.issuer.set(Ways {
                claims,
                ..Ways::default()
            });
            let answer = desk.back(&at, &left.cookie).await;
            assert_eq!(answer.status, status, "{away_s}: {answer:?}");
        }
    });
}
