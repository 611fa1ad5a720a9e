//! Real servers of one bench, and the parts of Almanac on them.
//!
//! Invariant: both servers sync every write, as in production, and vanish with the bench.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use commands::{Commands, DEFAULT_TENANT, Identity, Registration, bootstrap};
use domain::user::Role as UserRole;
use event_log::{
    AuditLog, EventLog as _, JetStreamLog, Position, Role as LogRole, SharedLog, TaskLogs, Vault,
};
use futures::StreamExt as _;
use local::{Role as Login, Servers, Sync};
use projections::{Freshness, Owner, Store, Writer};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    bare,
    fixture::Author,
    http::Site,
    load,
    role::{Part, Role},
};

/// The administrator of every bench: address and password.
pub const ADMIN: (&str, &str) = ("bench@example.com", "a long enough password of a bench");
/// A limit that no bench reaches.
const UNREACHED: &str = "4000000000/60s";
/// How many attempts the worker makes at a time: enough for their commits to be stored together.
const CONCURRENCY: usize = 256;
/// Seals a vault that lives as long as the bench.
const MASTER_KEY: [u8; 32] = [0x0a; 32];
/// How long the read models may take for what a bench has written.
const CAUGHT_UP_WITHIN: Duration = Duration::from_mins(5);

/// A nats-server and a Postgres of one's own.
pub struct World {
    /// Clock and ids of this process.
    pub author: Author,
    /// The log as those have it who follow it.
    pub followed: JetStreamLog,
    /// The log as a gateway has it, with group commit.
    pub log: JetStreamLog,
    /// Who makes the tables.
    pub owner: Owner,
    /// The read models, which only a projector fills.
    pub store: Store,
    /// Who fills them.
    pub writer: Writer,
    servers: Servers,
}

impl World {
    /// Starts both and makes what Almanac needs on them.
    pub async fn start() -> Result<Self> {
        let starting = tokio::task::spawn_blocking(|| Servers::scratch_with(Sync::Always, true));
        let servers = starting.await.context("starting the servers")??;
        let owner = Box::pin(open(&servers, LogRole::Owner, true)).await?;
        let audit = crate::role::audit_options(&runtime::Audit::default(), true);
        AuditLog::open(&owner, &audit).await?;
        TaskLogs::open(&owner, &runtime::TaskLogs::default(), true).await?;
        let followed = Box::pin(open(&servers, LogRole::Projector, true)).await?;
        let log = Box::pin(open(&servers, LogRole::Gateway, true)).await?;
        let owner = Owner::connect(&login(&servers, Login::Owner)?).await?;
        owner.migrate().await?;
        let store = Store::connect(&login(&servers, Login::Gateway)?).await?;
        let writer = Writer::connect(&login(&servers, Login::Projector)?).await?;
        Ok(Self {
            author: Author::new(),
            followed,
            log,
            owner,
            store,
            writer,
            servers,
        })
    }

    /// The servers.
    pub const fn servers(&self) -> &Servers {
        &self.servers
    }

    /// Another connection to the log.
    pub async fn log(&self, group_commit: bool) -> Result<JetStreamLog> {
        Box::pin(open(&self.servers, LogRole::Gateway, group_commit)).await
    }

    /// The log as whoever proves it opens it.
    pub async fn read_by_analyst(&self) -> Result<JetStreamLog> {
        Box::pin(open(&self.servers, LogRole::Analyst, true)).await
    }

    /// The log as others take it.
    pub fn shared_log(&self) -> SharedLog {
        std::sync::Arc::new(self.log.clone())
    }

    /// Commands in this process.
    pub fn commands(&self) -> Commands {
        let author = &self.author;
        Commands::new(
            self.shared_log(),
            author.clock().clone(),
            author.ids().clone(),
        )
    }

    /// A part of Almanac in a process of its own, on these servers.
    pub async fn part(&self, part: Part) -> Result<Role> {
        let Servers { nats, postgres, .. } = &self.servers;
        let (nats, postgres) = match part.role() {
            None => (nats.url(), postgres.url("almanac")),
            Some((role, login)) => (
                nats.url_of(role.user())?,
                postgres.url_of(login, "almanac")?,
            ),
        };
        let key = MASTER_KEY.map(|byte| format!("{byte:02x}")).concat();
        let environment = [
            ("ALMANAC__NATS__URL", nats),
            (
                "ALMANAC__NATS__MONITOR_URL",
                self.servers.nats.monitor_url(),
            ),
            ("ALMANAC__POSTGRES__URL", postgres),
            ("ALMANAC__SECRETS__MASTER_KEY", key),
            ("ALMANAC__WORKER__CONCURRENCY", CONCURRENCY.to_string()),
            // Requests are counted as ever; but one user sends them all.
            ("ALMANAC__GATEWAY__LIMITS__ANONYMOUS", UNREACHED.to_owned()),
            ("ALMANAC__GATEWAY__LIMITS__LISTS", UNREACHED.to_owned()),
            ("ALMANAC__GATEWAY__LIMITS__PRINCIPAL", UNREACHED.to_owned()),
            ("ALMANAC__GATEWAY__LIMITS__SIGN_IN", UNREACHED.to_owned()),
            ("ALMANAC__GATEWAY__LIMITS__STREAM", UNREACHED.to_owned()),
            ("ALMANAC__GATEWAY__LIMITS__TENANT", UNREACHED.to_owned()),
        ];
        Role::start(part, &environment).await
    }

    /// The bare server in a process of its own, its tables empty.
    pub async fn bare(&self) -> Result<Role> {
        bare::postgres::prepare(&self.servers.postgres.url("almanac")).await?;
        self.part(Part::Bare).await
    }

    /// A gateway in a process of its own, and how to ask it as an administrator.
    pub async fn gateway(&self) -> Result<(Role, Site)> {
        let (_, token) = Box::pin(self.sign_in()).await?;
        let gateway = self.part(Part::Gateway).await?;
        let site = Site::new(gateway.address(), token.expose_secret())?;
        Ok((gateway, site))
    }

    /// Waits until the read models have reached the end of the log; says where that is.
    pub async fn caught_up(&self) -> Result<Position> {
        let head = self.log.head().await?.position;
        let freshness = Freshness::watch(&self.store);
        let reached = freshness.wait_for(head, CAUGHT_UP_WITHIN).await;
        reached.context("the projector does not catch up")?;
        Ok(head)
    }

    /// How many commits in a second somebody reads who follows the log up to `head`.
    pub async fn follow_rate(&self, head: Position) -> Result<f64> {
        let began = Instant::now();
        let mut entries = self.followed.follow(Position(0)).await?;
        loop {
            let entry = entries.next().await.context("the log has ended")??;
            if entry.position() == head {
                return Ok(load::rate(head.0 as usize, began));
            }
        }
    }

    /// Its servers' processes by name, for CPU time.
    pub fn processes(&self) -> Result<Vec<(&'static str, u32)>> {
        let nats = self.servers.nats.pid().context("nats-server has ended")?;
        let postgres = self.servers.postgres.pid().context("Postgres has ended")?;
        Ok(vec![("nats-server", nats), ("postgres", postgres)])
    }

    /// Who checks tokens, and the access token of an administrator, who is made if need be.
    pub async fn sign_in(&self) -> Result<(Identity, SecretString)> {
        let commands = self.commands();
        let vault = Vault::open(&self.log, &MASTER_KEY).await?;
        let identity = Identity::open(commands.clone(), vault).await?;
        let administrator = Registration {
            email: ADMIN.0.to_owned(),
            password: SecretString::from(ADMIN.1),
            name: "Bench".to_owned(),
            role: UserRole::Admin,
        };
        let user = bootstrap(&commands, &identity, administrator).await?;
        let tokens = identity
            .start_session(DEFAULT_TENANT, user, UserRole::Admin)
            .await?;
        Ok((identity, tokens.access))
    }
}

fn login(servers: &Servers, role: Login) -> Result<runtime::Postgres> {
    Ok(runtime::Postgres {
        accept_plaintext: false,
        connections: 8,
        url: SecretString::from(servers.postgres.url_of(role, "almanac")?),
    })
}

async fn open(servers: &Servers, role: LogRole, group_commit: bool) -> Result<JetStreamLog> {
    let nats = runtime::Nats {
        accept_plaintext: false,
        monitor_url: servers.nats.monitor_url(),
        replicas: 1,
        accept_interval_sync: false,
        url: SecretString::from(servers.nats.url_of(role.user())?),
    };
    let options = event_log::Options {
        group_commit,
        ..crate::role::options(&nats, role)
    };
    Ok(JetStreamLog::open(&options).await?)
}
