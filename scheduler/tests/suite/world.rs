//! Servers, the parts that run on them, and the log as judge.
//!
//! Invariant: nothing here waits for a fixed time; it polls until a deadline.

use std::{collections::BTreeMap, sync::Once, time::Duration};

use commands::{Ask, Commands};
use domain::{
    Actor, Aggregate as _, AggregateKind, CommandId, JobId, Name, TaskId, TenantId, Timestamp,
    job::{Job, JobCommand, JobCreated, JobEvent, JobPolicy, JobSlotsSkipped, Misfire, Overlap},
    schedule::Schedule,
    task::{Task, TaskCommand, TaskCreated, TaskEvent, TaskSpec, TaskStatus},
};
use event_log::{
    Entry, EventLog as _, JetStreamLog, Leases, Options, Position, Presence, ReadFrom, Role,
    SharedLog, StreamId, TaskLogs, WorkQueue,
};
use futures::StreamExt as _;
use projections::{Overview, Owner, Store, Writer};
use runtime::{Clock, Ids};
use serde_json::json;
use tokio::{task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

pub const TENANT: TenantId = TenantId::new(uuid::Uuid::from_u128(42));
const PATIENCE: Duration = Duration::from_mins(1);

/// Two servers, a projector, and what is needed to start more.
pub struct World {
    pub clock: Clock,
    pub commands: Commands,
    pub ids: Ids,
    pub log: JetStreamLog,
    pub servers: local::Servers,
    pub overview: Overview,
    pub store: Store,
    projector: Part,
}

/// A part of Almanac that runs.
pub struct Part {
    running: JoinHandle<()>,
    shutdown: CancellationToken,
}

impl Part {
    pub fn start<F: Future<Output = ()> + Send + 'static>(
        run: impl FnOnce(CancellationToken) -> F,
    ) -> Self {
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(run(shutdown.clone()));
        Self { running, shutdown }
    }

    /// Ends it in good order.
    pub async fn stop(mut self) {
        self.shutdown.cancel();
        (&mut self.running).await.expect("ends without a panic");
    }

    /// Ends it in the middle of whatever it does.
    pub fn kill(self) {
        self.running.abort();
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl World {
    pub async fn start(clock: Clock) -> Self {
        static CRYPTO: Once = Once::new();
        CRYPTO.call_once(runtime::install_crypto);
        let servers = tokio::task::spawn_blocking(local::Servers::scratch)
            .await
            .expect("no panic")
            .expect("servers start");
        let owner = open(&servers.nats, Role::Owner).await;
        let logs = TaskLogs::open(&owner, &runtime::TaskLogs::default(), true).await;
        logs.expect("a stream");
        let log = open(&servers.nats, Role::Scheduler).await;
        let asked = open(&servers.nats, Role::Gateway).await;
        let postgres = |role| runtime::Postgres {
            accept_plaintext: false,
            connections: 4,
            url: servers
                .postgres
                .url_of(role, "almanac")
                .expect("a password")
                .into(),
        };
        let owner = Owner::connect(&postgres(local::Role::Owner)).await;
        owner
            .expect("Postgres answers")
            .migrate()
            .await
            .expect("migrated");
        let writer = Writer::connect(&postgres(local::Role::Projector)).await;
        let writer = writer.expect("Postgres answers");
        let overview = Overview::of_schedule(&postgres(local::Role::Scheduler)).await;
        let overview = overview.expect("Postgres answers");
        let store = Store::connect(&postgres(local::Role::Gateway)).await;
        let store = store.expect("Postgres answers");
        let ids = Ids::new(clock.clone());
        let shared: SharedLog = std::sync::Arc::new(asked);
        let projected: SharedLog = std::sync::Arc::new(open(&servers.nats, Role::Projector).await);
        let into = writer;
        let projector = Part::start(|shutdown| async move {
            projections::run(projected, into, shutdown)
                .await
                .expect("the projector runs");
        });
        Self {
            commands: Commands::new(shared, clock.clone(), ids.clone()),
            clock,
            ids,
            log,
            overview,
            servers,
            store,
            projector,
        }
    }

    /// Leaves the read models as they are.
    pub async fn stop_projecting(&mut self) {
        let idle = Part::start(|_| async {});
        std::mem::replace(&mut self.projector, idle).stop().await;
    }

    /// A scheduler with a connection of its own.
    pub async fn scheduler(&self) -> Part {
        let log = open(&self.servers.nats, Role::Scheduler).await;
        self.scheduler_with(Leases::open(&log).await.expect("a bucket"))
            .await
    }

    /// The same with a configuration of its own.
    pub async fn scheduler_as(&self, config: runtime::Scheduler) -> Part {
        let log = open(&self.servers.nats, Role::Scheduler).await;
        let leases = Leases::open(&log).await.expect("a bucket");
        self.start_scheduler(leases, config).await
    }

    /// The same with leases from elsewhere.
    pub async fn scheduler_with(&self, leases: Leases) -> Part {
        self.start_scheduler(leases, runtime::Scheduler::default())
            .await
    }

    async fn start_scheduler(&self, leases: Leases, config: runtime::Scheduler) -> Part {
        let log = open(&self.servers.nats, Role::Scheduler).await;
        let work = WorkQueue::new(&log);
        let outside = Presence::of_leased(&log).await.expect("a bucket");
        let workers = Presence::of_workers(&log).await.expect("a bucket");
        let log: SharedLog = std::sync::Arc::new(log);
        let services = scheduler::Services {
            clock: self.clock.clone(),
            commands: Commands::new(log.clone(), self.clock.clone(), self.ids.clone()),
            config,
            leased: outside,
            leases,
            log,
            overview: self.overview.clone(),
            work,
            workers,
        };
        Part::start(|shutdown| async move {
            scheduler::run(services, shutdown)
                .await
                .expect("the scheduler runs");
        })
    }

    fn ask(&self, id: uuid::Uuid) -> Ask {
        let actor = Actor::System("test".into());
        Ask::new(actor, TENANT, id, CommandId::new(self.ids.next()))
    }

    pub async fn create_job(&self, created: JobCreated) -> JobId {
        let id = self.ids.next();
        self.job(JobId::new(id), JobCommand::Create(created)).await;
        JobId::new(id)
    }

    pub async fn job(&self, id: JobId, command: JobCommand) {
        let ask = self.ask(id.uuid());
        let executed = self.commands.execute::<Job>(ask, command).await;
        executed.expect("the job agrees");
    }

    pub async fn create_task(&self, spec: TaskSpec) -> TaskId {
        self.create_task_for(None, spec).await
    }

    /// A task that must not start before its time.
    pub async fn create_task_for(&self, not_before: Option<Timestamp>, spec: TaskSpec) -> TaskId {
        let id = TaskId::new(self.ids.next());
        let created = TaskCreated {
            not_before,
            ..TaskCreated::new(spec)
        };
        self.task(id, TaskCommand::Create(created)).await;
        id
    }

    pub async fn task(&self, id: TaskId, command: TaskCommand) {
        let ask = self.ask(id.uuid());
        let executed = self.commands.execute::<Task>(ask, command).await;
        executed.expect("the task agrees");
    }

    /// The task as the log has it.
    pub async fn state(&self, id: TaskId) -> Task {
        let state = self.commands.state::<Task>(TENANT, id.uuid()).await;
        state
            .expect("the log answers")
            .expect("the task exists")
            .state
    }

    /// Waits until the task is as wanted.
    pub async fn until(&self, id: TaskId, what: &str, holds: impl Fn(&Task) -> bool) -> Task {
        eventually(what, async || {
            Some(self.state(id).await).filter(|task| holds(task))
        })
        .await
    }

    pub async fn until_status(&self, id: TaskId, status: TaskStatus) -> Task {
        self.until(id, status.name(), |task| task.status == status)
            .await
    }

    /// How many commits there are.
    pub async fn commits(&self) -> u64 {
        let head = self.log.head().await.expect("the log answers");
        head.position.0
    }

    /// Every task there is, folded from the log's first commit on.
    pub async fn tasks(&self) -> BTreeMap<TaskId, Task> {
        eventually("the log answers", async || self.read_tasks().await).await
    }

    /// None while the log is away.
    async fn read_tasks(&self) -> Option<BTreeMap<TaskId, Task>> {
        let head = self.log.head().await.ok()?.position;
        let mut tasks = BTreeMap::new();
        let mut last = Position(0);
        let mut entries = self.log.follow(last).await.ok()?;
        while last < head {
            let entry = entries.next().await?.ok()?;
            last = entry.position();
            let Entry::Commit(commit) = entry else {
                panic!("an unreadable message at {last}");
            };
            if commit.stream.kind != AggregateKind::Task {
                continue;
            }
            let events = schemas::catalogue::decode::<TaskEvent>(&commit.payload);
            let id = TaskId::new(commit.stream.id);
            let before = tasks.remove(&id);
            assert_eq!(before.is_none(), commit.meta.version.0 == 1);
            let after = events
                .expect("readable")
                .iter()
                .fold(before, |state, event| {
                    Task::evolve(state, event, commit.meta.time)
                });
            tasks.insert(id, after.expect("a task"));
        }
        Some(tasks)
    }

    /// What became of each slot of `job`.
    pub async fn slots(&self, job: JobId) -> BTreeMap<Timestamp, Task> {
        let tasks = self.tasks().await;
        let mut slots = BTreeMap::new();
        for (id, task) in tasks {
            let slot = task
                .origin
                .filter(|origin| origin.job_id == job)
                .and_then(|o| o.slot);
            if let Some(slot) = slot {
                assert_eq!(id, TaskId::of_slot(job, slot));
                slots.insert(slot, task);
            }
        }
        slots
    }

    /// The long runs of slots of `job` that were given up, as the log has them.
    pub async fn runs_given_up(&self, job: JobId) -> Vec<JobSlotsSkipped> {
        let stream = StreamId {
            tenant: TENANT,
            kind: AggregateKind::Job,
            id: job.uuid(),
        };
        let commits = self.log.load(stream, Position(0), ReadFrom::Leader).await;
        let commits = commits.expect("the log answers");
        let events = commits
            .iter()
            .flat_map(|commit| schemas::catalogue::decode::<JobEvent>(&commit.payload))
            .flatten();
        let runs = events.filter_map(|event| match event {
            JobEvent::SlotsSkipped(run) => Some(run),
            _ => None,
        });
        runs.collect()
    }

    /// Waits until `count` slots of `job` are decided.
    pub async fn until_slots(&self, job: JobId, count: usize) -> BTreeMap<Timestamp, Task> {
        eventually(&format!("{count} slots"), async || {
            Some(self.slots(job).await).filter(|slots| slots.len() >= count)
        })
        .await
    }

    /// Waits until the read models know all that the log has.
    pub async fn until_projected(&self) {
        let head = self.log.head().await.expect("the log answers").position;
        let freshness = projections::Freshness::watch(&self.store);
        freshness
            .wait_for(head, PATIENCE)
            .await
            .expect("the projector keeps up");
    }
}

pub async fn open(nats: &local::Nats, role: Role) -> JetStreamLog {
    let opened = Box::pin(JetStreamLog::open(&options(nats, role))).await;
    opened.expect("the log opens")
}

pub fn options(nats: &local::Nats, role: Role) -> Options {
    Options {
        accept_interval_sync: false,
        group_commit: true,
        monitor_url: nats.monitor_url(),
        replicas: 1,
        role,
        url: nats.url_of(role.user()).expect("a password").into(),
    }
}

/// Asks until there is an answer.
pub async fn eventually<T>(what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "never came: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub fn spec(kind: &str, payload: &serde_json::Value) -> TaskSpec {
    serde_json::from_value(json!({"kind": kind, "payload": payload})).expect("a task")
}

/// A job that echoes, allows overlaps and catches up the latest slot.
pub fn echo_every(every_ms: u64) -> JobCreated {
    JobCreated {
        name: Name::try_new("echo").expect("a name"),
        schedule: Schedule::Interval { every_ms },
        task: spec("echo", &json!("hello")),
        overlap: Overlap::Allow,
        misfire: Misfire::Latest,
        enabled: true,
        origin: None,
        policy: JobPolicy::default(),
    }
}

/// How far apart slots are, in milliseconds.
pub fn steps<T>(slots: &BTreeMap<Timestamp, T>) -> Vec<i64> {
    let following = slots.keys().skip(1);
    slots
        .keys()
        .zip(following)
        .map(|(a, b)| b.since_ms(*a))
        .collect()
}
