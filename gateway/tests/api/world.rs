//! One installation in this process: servers, projector, router.
//!
//! Invariant: it outlives every test; what it runs on is no test's own runtime.

use std::{
    future::Future,
    sync::{Arc, LazyLock, OnceLock},
};

use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderMap, Method, Request, StatusCode},
};
use commands::{Audit, Commands, DEFAULT_TENANT, Identity, Registration, TaskLogs, bootstrap};
use domain::user::Role;
use event_log::{AuditLog, AuditOptions, EventLog as _, JetStreamLog, Options, SharedLog, Vault};
use futures::future::LocalBoxFuture;
use gateway::{LogProbe, Services};
use http_body_util::BodyExt as _;
use local::Servers;
use projections::{Freshness, LiveFeed, Overview, Owner, Store, Writer};
use runtime::{Clock, Ids};
use schemas::api::{Code, Problem};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::outside::{external, task_logs, workers};

static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
});
static WORLD: OnceLock<World> = OnceLock::new();

pub const ADMIN: (&str, &str) = ("admin@example.org", "correct horse battery");

/// An installation.
pub struct World {
    kept: AuditLog,
    pub log: JetStreamLog,
    projecting: tokio::sync::Mutex<Option<(CancellationToken, tokio::task::JoinHandle<()>)>>,
    pub services: Services,
    pub servers: Servers,
    pub vault: Vault,
    writer: Writer,
}

/// Somebody who uses the API.
#[derive(Clone)]
pub struct Client {
    pub router: Router,
    pub bearer: Option<String>,
}

/// What the API answered.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Bytes,
}

/// Runs a test on the installation that all share.
pub fn on_world<F: Future<Output = ()>>(test: impl FnOnce(&'static World) -> F) {
    let world = WORLD.get_or_init(World::start);
    RUNTIME.block_on(test(world));
}

/// Runs a test on an installation of its own.
pub fn on_own_world<F: Future<Output = World>>(test: impl FnOnce(World) -> F) {
    let world = World::start();
    let mut world = RUNTIME.block_on(test(world));
    world.servers.stop();
}

fn config() -> runtime::Gateway {
    runtime::Gateway {
        // All tests are one address.
        limits: runtime::Limits::off(),
        registration: runtime::Registration::Open,
        ..runtime::Gateway::default()
    }
}

/// Where files are: in a folder of the servers, which goes with them.
fn files(servers: &Servers) -> Option<files::Files> {
    let folder = servers.nats.log().with_file_name("files");
    let config = runtime::Files {
        folder: Some(folder),
        ..runtime::Files::default()
    };
    files::Files::open(&config, Clock::system()).expect("opened")
}

impl World {
    fn start() -> Self {
        runtime::install_crypto();
        let servers = Servers::scratch().expect("servers start");
        RUNTIME.block_on(Self::open(servers))
    }

    async fn open(servers: Servers) -> Self {
        let owner = open(&servers.nats, event_log::Role::Owner).await;
        audit_log(&owner, true).await;
        task_logs(&owner, true).await;
        let log = open(&servers.nats, event_log::Role::Gateway).await;
        let shared: SharedLog = Arc::new(log.clone());
        let written = audit_log(&log, false).await;
        let postgres = |role| runtime::Postgres {
            accept_plaintext: false,
            connections: 8,
            url: servers
                .postgres
                .url_of(role, "almanac")
                .expect("a password")
                .into(),
        };
        let owner = Owner::connect(&postgres(local::Role::Owner)).await;
        owner.expect("an owner").migrate().await.expect("tables");
        let writer = Writer::connect(&postgres(local::Role::Projector)).await;
        let writer = writer.expect("a writer");
        let store = Store::connect(&postgres(local::Role::Gateway)).await;
        let store = store.expect("a store");
        let clock = Clock::system();
        let commands = Commands::new(shared.clone(), clock.clone(), Ids::new(clock));
        let vault = Vault::open(&log, &[7; 32]).await.expect("a vault");
        let identity = Identity::open(commands.clone(), vault.clone()).await;
        let identity = identity.expect("an identity");
        bootstrap(&commands, &identity, administrator())
            .await
            .expect("an administrator");
        let shutdown = CancellationToken::new();
        let keep = runtime::Audit::default().keep();
        let audit = Audit::start(written, vault.clone(), identity.clone(), keep);
        let followed = open(&servers.nats, event_log::Role::Projector).await;
        let kept = audit_log(&followed, false).await;
        tokio::spawn(projections::audit::run(
            kept.clone(),
            writer.clone(),
            shutdown.clone(),
        ));
        let freshness = Freshness::watch(&store);
        let feed = LiveFeed::start(shared, freshness.clone(), shutdown);
        let services = Services {
            audit,
            external: external(&commands, &identity, &log).await,
            workers: workers(&log).await,
            commands,
            config: config(),
            feed,
            files: files(&servers),
            freshness,
            identity,
            log: probe(&log).await,
            store,
            task_logs: TaskLogs::new(task_logs(&log, false).await),
        };
        let world = Self {
            kept,
            log,
            projecting: tokio::sync::Mutex::default(),
            services,
            servers,
            vault,
            writer,
        };
        world.start_projector().await;
        world
    }

    /// Another gateway of this installation, with its own ways to the servers.
    pub fn second(&self) -> LocalBoxFuture<'_, Services> {
        Box::pin(self.beside())
    }

    async fn beside(&self) -> Services {
        let url = self
            .servers
            .postgres
            .url_of(local::Role::Gateway, "almanac");
        let config = runtime::Postgres {
            accept_plaintext: false,
            connections: 8,
            url: url.expect("a password").into(),
        };
        let store = Store::connect(&config).await.expect("a store");
        let log = open(&self.servers.nats, event_log::Role::Gateway).await;
        let shared: SharedLog = Arc::new(log.clone());
        let clock = Clock::system();
        let commands = Commands::new(shared.clone(), clock.clone(), Ids::new(clock));
        let identity = Identity::open(commands.clone(), self.vault.clone()).await;
        let freshness = Freshness::watch(&store);
        Services {
            commands,
            feed: LiveFeed::start(shared, freshness.clone(), CancellationToken::new()),
            freshness,
            identity: identity.expect("an identity"),
            log: probe(&log).await,
            store,
            task_logs: TaskLogs::new(task_logs(&log, false).await),
            workers: workers(&log).await,
            ..self.services.clone()
        }
    }

    /// What editions of the read models are built, compared and exchanged with.
    pub fn editions(&self) -> LocalBoxFuture<'_, (SharedLog, Owner, Writer, Overview)> {
        Box::pin(async {
            let config = |role| runtime::Postgres {
                accept_plaintext: false,
                connections: 1,
                url: self
                    .servers
                    .postgres
                    .url_of(role, "almanac")
                    .expect("a password")
                    .into(),
            };
            let owner = Owner::connect(&config(local::Role::Owner)).await;
            let overview = Overview::of_everything(&config(local::Role::Auditor)).await;
            let log = open(&self.servers.nats, event_log::Role::Projector).await;
            let log = Arc::new(log) as SharedLog;
            let (owner, overview) = (owner.expect("an owner"), overview.expect("an auditor"));
            (log, owner, self.writer.clone(), overview)
        })
    }

    /// Has nothing applied to the read models until the projector is started again.
    pub async fn pause_projector(&self) {
        let running = self.projecting.lock().await.take();
        let (ends, ended) = running.expect("a projector that runs");
        ends.cancel();
        ended.await.expect("ends in order");
    }

    pub async fn start_projector(&self) {
        let followed = open(&self.servers.nats, event_log::Role::Projector).await;
        let ends = CancellationToken::new();
        let projector = projections::run(Arc::new(followed), self.writer.clone(), ends.clone());
        let ended =
            tokio::spawn(async move { projector.await.expect("the projector ends in order") });
        *self.projecting.lock().await = Some((ends, ended));
    }

    /// Somebody who has not signed in.
    pub fn stranger(&self) -> Client {
        Client {
            router: gateway::router(self.services.clone()),
            bearer: None,
        }
    }

    /// Somebody with this role. Signing in by password is what other tests are about.
    pub async fn signed_in(&self, role: Role) -> Client {
        let user = domain::UserId::new(self.services.commands.ids().next());
        let tokens = self
            .services
            .identity
            .start_session(DEFAULT_TENANT, user, role);
        let tokens = tokens.await.expect("a session");
        self.stranger()
            .with_bearer(secrecy::ExposeSecret::expose_secret(&tokens.access))
    }

    /// An administrator of the platform, and of nobody else's: what ends their sign-ins ends no
    /// other test's.
    pub async fn platform(&self) -> Client {
        let (commands, identity) = (&self.services.commands, &self.services.identity);
        let wanted = Registration {
            email: format!("root-{}@example.org", commands.ids().next()),
            ..administrator()
        };
        let user = bootstrap(commands, identity, wanted).await;
        let user = user.expect("an administrator of the platform");
        let tokens = identity.start_session(DEFAULT_TENANT, user, Role::Admin);
        let tokens = tokens.await.expect("a session");
        self.stranger()
            .with_bearer(secrecy::ExposeSecret::expose_secret(&tokens.access))
    }

    /// A clock that stands where the others are now.
    pub fn clock_of_now(&self) -> Clock {
        Clock::manual(self.services.commands.clock().now())
    }

    /// The same client at a gateway of its own, which goes by `clock`.
    pub async fn at(&self, clock: &Clock, client: &Client) -> Client {
        let log = Arc::new(self.log.clone());
        let commands = Commands::new(log, clock.clone(), Ids::new(clock.clone()));
        let identity = Identity::open(commands.clone(), self.vault.clone()).await;
        let mut services = self.services.clone();
        services.identity = identity.expect("an identity");
        services.commands = commands;
        Client {
            router: gateway::router(services),
            ..client.clone()
        }
    }

    /// Who did or tried what, as it is kept.
    pub fn audit_log(&self) -> AuditLog {
        self.kept.clone()
    }

    pub async fn operator(&self) -> Client {
        self.signed_in(Role::Operator).await
    }
}

/// The log, as `role` may have it.
pub async fn open(nats: &local::Nats, role: event_log::Role) -> JetStreamLog {
    let options = Options {
        accept_interval_sync: false,
        group_commit: true,
        monitor_url: nats.monitor_url(),
        replicas: 1,
        role,
        url: nats.url_of(role.user()).expect("a password").into(),
    };
    JetStreamLog::open(&options).await.expect("a log")
}

fn administrator() -> Registration {
    Registration {
        email: ADMIN.0.to_owned(),
        name: "Administrator".to_owned(),
        password: ADMIN.1.into(),
        role: Role::Admin,
    }
}

async fn audit_log(log: &JetStreamLog, create: bool) -> AuditLog {
    let config = runtime::Audit::default();
    let options = AuditOptions {
        create,
        keep: config.keep(),
        max_bytes: config.max_bytes,
        replicas: 1,
    };
    AuditLog::open(log, &options).await.expect("an audit")
}

async fn probe(log: &JetStreamLog) -> LogProbe {
    let (asked, connected) = (log.clone(), log.clone());
    LogProbe {
        head: Arc::new(move || {
            let log = asked.clone();
            Box::pin(async move { log.head().await.ok().map(|head| head.position) })
        }),
        incarnation: log.head().await.expect("a head").incarnation,
        is_connected: Arc::new(move || connected.is_connected()),
    }
}

impl Client {
    pub fn with_bearer(self, token: &str) -> Self {
        Self {
            bearer: Some(token.to_owned()),
            ..self
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], Body::empty()).await
    }

    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(Method::GET, path, headers, Body::empty()).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.json(Method::POST, path, &[], &body).await
    }

    pub async fn json(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Answer {
        let mut all = vec![("content-type", "application/json")];
        all.extend_from_slice(headers);
        self.send(method, path, &all, Body::from(body.to_string()))
            .await
    }

    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let response = self.open(method, path, headers, body).await;
        let (parts, body) = response.into_parts();
        Answer {
            status: parts.status,
            headers: parts.headers,
            bytes: body.collect().await.expect("a whole body").to_bytes(),
        }
    }

    /// The answer with its body still to come.
    pub async fn open(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> axum::response::Response {
        let uri =
            if path.starts_with("/api/") || path.starts_with("/livez") || path.starts_with('!') {
                path.trim_start_matches('!').to_owned()
            } else {
                format!("/api/v1{path}")
            };
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(token) = &self.bearer {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(body.into()).expect("a request");
        self.router
            .clone()
            .oneshot(request)
            .await
            .expect("infallible")
    }

    /// A task made for a test.
    pub async fn make_task(&self, kind: &str) -> (String, Answer) {
        let answer = self
            .post("/tasks", json!({"kind": kind, "payload": {"n": 1}}))
            .await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        (answer.id(), answer)
    }
}

impl Answer {
    pub fn body(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    pub fn id(&self) -> String {
        self.body()["id"].as_str().expect("an id").to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        let value = value.unwrap_or_else(|| panic!("no {name}: {self:?}"));
        value.to_str().expect("text")
    }

    pub fn token(&self) -> &str {
        self.header("consistency-token")
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(
            self.status.as_u16(),
            status,
            "{}",
            String::from_utf8_lossy(&self.bytes)
        );
        self
    }

    /// The problem, which must be complete and of this sort.
    #[track_caller]
    pub fn problem(&self, code: Code) -> Problem {
        let kind = self.header("content-type");
        assert_eq!(kind, "application/problem+json", "{self:?}");
        let problem: Problem = serde_json::from_slice(&self.bytes).expect("a problem");
        assert_eq!(problem.code, code, "{problem:?}");
        assert_eq!(problem.status, self.status.as_u16());
        assert_eq!(problem.request_id, self.header("request-id"));
        assert!(problem.about.starts_with("/problems/") && !problem.detail.is_empty());
        problem
    }
}
