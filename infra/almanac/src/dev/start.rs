//! From running servers to a gateway that answers.
//!
//! Invariant: a step is announced when it is done; what is printed of it was measured.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use commands::Registration;
use domain::user::Role;
use event_log::Role as NatsRole;
use local::Role as Login;
use projections::{Freshness, Overview, Owner, Store, Writer};
use runtime::{
    Config, Gateway, Nats, Postgres, Rebuild, Scheduler, Secrets, Smtp, SmtpSecurity, Telemetry,
    Worker,
};
use scheduler::handlers::Means;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::net::TcpListener;

use super::{
    House, demo, kept, mailbox, parts::Parts, phrase, running::Admin, running::Running, steps::Step,
};
use crate::roles::{self, Ground};

/// Whom the demo's administrator signs in as; the name is reserved for this machine (RFC 6761).
const ADMIN: &str = "admin@almanac.localhost";
/// The database of the read models.
const DATABASE: &str = "almanac";
/// How long the parts may take to be ready.
const READY_LIMIT: Duration = Duration::from_mins(1);
/// How often to look.
const LOOK: Duration = Duration::from_millis(50);
/// How long attempts may take to end on Ctrl-C, in milliseconds.
const DRAIN_MS: u64 = 2_000;
/// Connections to Postgres: requests come from one machine only.
const CONNECTIONS: u32 = 16;

/// Starts everything and says where it is.
pub(super) async fn run(
    house: &House<'_>,
    listener: TcpListener,
    parts: &mut Parts,
) -> Result<Running> {
    let url = format!("http://{}", listener.local_addr()?);
    let password = kept::text(&house.dir.join("admin"), phrase::random)?;
    let mail = mailbox::open().await?;
    let config = config(house, &listener, &mail)?;

    let step = Step::begin("log");
    let owner = ground(house, &config, NatsRole::Owner).await?;
    let position = event_log::EventLog::head(&owner.log).await?.position.0;
    let grounds = Box::pin(Grounds::open(house, &config)).await?;
    step.done(&format!(
        "{position} commits · every write is synced to disk"
    ));

    let step = Step::begin("read models");
    let rows = Rows::open(house).await?;
    Box::pin(administrator(&owner, &password)).await?;
    drop(owner);
    step.done("migrated · a role for each part · analysts see schema analytics");

    let step = Step::begin("parts");
    let freshness = Freshness::watch(&rows.served);
    let means = Box::pin(roles::means(&grounds.worker)).await?;
    spawn(grounds, means, rows, &freshness, listener, parts);
    let folder = house.dir.join("mail");
    parts.spawn("mailbox", 2, |token| mailbox::run(mail, folder, token));
    tokio::select! {
        ready = ready(&url, || freshness.healthy()) => ready?,
        failure = parts.ended() => return Err(failure),
    }
    step.done("gateway · projector · scheduler · worker");

    let running = Running {
        gateway: url,
        nats: house.servers.nats.url_of(NatsRole::Analyst.user())?,
        owner: house.servers.nats.url_of(NatsRole::Owner.user())?,
        monitor: house.servers.nats.monitor_url(),
        postgres: house.servers.postgres.url(DATABASE),
        analyst: house.servers.postgres.url_of(Login::Analyst, DATABASE)?,
        auditor: house.servers.postgres.url_of(Login::Auditor, DATABASE)?,
        rows_owner: house.servers.postgres.url_of(Login::Owner, DATABASE)?,
        rows_projector: house.servers.postgres.url_of(Login::Projector, DATABASE)?,
        admin: Admin {
            email: ADMIN.to_owned(),
            password: password.expose_secret().to_owned(),
        },
        pid: std::process::id(),
    };
    if !house.asked.no_demo {
        demo::load(&running, &house.dir).await?;
    }
    Ok(running)
}

fn config(house: &House<'_>, listener: &TcpListener, mail: &TcpListener) -> Result<Config> {
    let nats = &house.servers.nats;
    Ok(Config {
        audit: runtime::Audit::default(),
        files: super::files(&house.dir),
        gateway: Gateway {
            // All who can reach it have one address.
            limits: runtime::Limits::off(),
            listen: listener.local_addr()?,
            public_url: None,
            // Only this machine can reach it; but other accounts on it must not run programs.
            registration: if house.asked.allow_commands {
                runtime::Registration::Closed
            } else {
                runtime::Registration::Open
            },
            ..Gateway::default()
        },
        nats: Nats {
            accept_plaintext: false,
            monitor_url: nats.monitor_url(),
            replicas: 1,
            accept_interval_sync: false,
            url: nats.url_of(NatsRole::Gateway.user())?.into(),
        },
        // The other parts sign in as what they are, there and here.
        postgres: login(house, Login::Gateway)?,
        rebuild: Rebuild::default(),
        scheduler: Scheduler::default(),
        secrets: Secrets {
            master_key: master_key(&house.dir)?,
        },
        // It delivers to nobody, so everybody may be written to.
        smtp: Some(Smtp {
            allowed_domains: vec!["*".to_owned()],
            from: "Almanac <almanac@almanac.localhost>".to_owned(),
            host: mail.local_addr()?.ip().to_string(),
            password: None,
            port: Some(mail.local_addr()?.port()),
            security: SmtpSecurity::None,
            username: None,
        }),
        task_logs: runtime::TaskLogs::default(),
        telemetry: Telemetry::default(),
        worker: Worker {
            allow_commands: house.asked.allow_commands,
            backup_nats_url: Some(nats.url_of(NatsRole::Backup.user())?.into()),
            drain_ms: DRAIN_MS,
            postgres_url: Some(
                house
                    .servers
                    .postgres
                    .url_of(Login::Worker, DATABASE)?
                    .into(),
            ),
            ..Worker::default()
        },
        webhooks: std::collections::BTreeMap::new(),
    })
}

/// What seals the secrets of the data folder `dir`.
pub fn master_key(dir: &Path) -> Result<SecretString> {
    kept::text(&dir.join("master.key"), || {
        kept::hex(&runtime::random::bytes::<32>())
    })
}

/// What each part stands on.
struct Grounds {
    gateway: Ground,
    projector: Ground,
    scheduler: Ground,
    worker: Ground,
}

impl Grounds {
    /// Signs in to the log as each part; the owner has made it.
    async fn open(house: &House<'_>, config: &Config) -> Result<Self> {
        Ok(Self {
            gateway: ground(house, config, NatsRole::Gateway).await?,
            projector: ground(house, config, NatsRole::Projector).await?,
            scheduler: ground(house, config, NatsRole::Scheduler).await?,
            worker: ground(house, config, NatsRole::Worker).await?,
        })
    }
}

async fn ground(house: &House<'_>, config: &Config, role: NatsRole) -> Result<Ground> {
    let mut config = config.clone();
    config.nats.url = house.servers.nats.url_of(role.user())?.into();
    Ground::open(config, role).await
}

/// The read models as each part may have them.
struct Rows {
    scheduled: Overview,
    served: Store,
    written: Writer,
}

impl Rows {
    /// Brings the tables up to date, and signs in as each part.
    async fn open(house: &House<'_>) -> Result<Self> {
        let owner = Owner::connect(&login(house, Login::Owner)?).await?;
        owner.migrate().await?;
        Ok(Self {
            scheduled: Overview::of_schedule(&login(house, Login::Scheduler)?).await?,
            served: Store::connect(&login(house, Login::Gateway)?).await?,
            written: Writer::connect(&login(house, Login::Projector)?).await?,
        })
    }
}

/// How a part signs in to Postgres.
fn login(house: &House<'_>, role: Login) -> Result<Postgres> {
    Ok(Postgres {
        accept_plaintext: false,
        connections: CONNECTIONS,
        url: house.servers.postgres.url_of(role, DATABASE)?.into(),
    })
}

async fn administrator(ground: &Ground, password: &SecretString) -> Result<()> {
    let administrator = Registration {
        email: ADMIN.to_owned(),
        name: "Administrator".to_owned(),
        password: password.clone(),
        role: Role::Admin,
    };
    let identity = ground.identity().await?;
    commands::bootstrap(&ground.commands, &identity, administrator).await?;
    Ok(())
}

/// In the order in which they end: first no more questions, then no more work, at last no more
/// rows.
fn spawn(
    grounds: Grounds,
    means: Means,
    rows: Rows,
    freshness: &Freshness,
    listener: TcpListener,
    parts: &mut Parts,
) {
    let (base, news) = (grounds.gateway, freshness.clone());
    parts.spawn("gateway", 0, |token| async move {
        Box::pin(roles::serve(&base, rows.served, news, listener, token)).await
    });
    let base = grounds.scheduler;
    parts.spawn("scheduler", 1, |token| async move {
        roles::schedule(&base, rows.scheduled, token).await
    });
    let base = grounds.worker;
    parts.spawn("worker", 1, |token| async move {
        roles::work(&base, means, token).await
    });
    let base = grounds.projector;
    parts.spawn("projector", 2, |token| async move {
        roles::remember(&base, rows.written, token).await
    });
}

/// Waits until the gateway says that it can serve. Before news of the read models arrive it could
/// only say no, and would have to warn of that.
async fn ready(url: &str, news_arrive: impl Fn() -> bool) -> Result<()> {
    let http = reqwest::Client::builder()
        .timeout(Duration::from_secs(5))
        .no_proxy()
        .build()?;
    let began = Instant::now();
    let mut last = "nothing is heard of the read models".to_owned();
    while began.elapsed() < READY_LIMIT {
        if !news_arrive() {
            tokio::time::sleep(LOOK).await;
            continue;
        }
        match http.get(format!("{url}/readyz")).send().await {
            Ok(answer) if answer.status().is_success() => return Ok(()),
            Ok(answer) => last = answer.text().await.unwrap_or_default(),
            Err(failure) => last = failure.to_string(),
        }
        tokio::time::sleep(LOOK).await;
    }
    bail!(
        "not ready after {} s: {last} → see what it logged",
        READY_LIMIT.as_secs()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::testing::{Answer, Gateway};
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn the_gateway_is_not_asked_before_it_can_be_ready() {
        let gateway = Gateway::start(|_| Answer::ok(serde_json::Value::Null)).await;
        let looks = AtomicUsize::new(0);
        let news_arrive = || {
            let asked = gateway.asked();
            assert!(
                asked.iter().all(|asked| asked.path != "/readyz"),
                "{asked:?}"
            );
            looks.fetch_add(1, Ordering::Relaxed) == 2
        };
        ready(&gateway.url, news_arrive).await.expect("ready");
        assert_eq!(looks.into_inner(), 3);
        let last = gateway.asked().pop().expect("asked");
        assert_eq!(last.path, "/readyz");
    }
}
