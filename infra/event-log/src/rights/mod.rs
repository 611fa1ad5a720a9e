//! What each user of the NATS server may say and hear: the one table of role and subject.
//!
//! To let a role do more, add a line to [`lines`] with subjects from [`subject`], and run
//! `cargo xtask schemas`: the server's configuration is generated from here, for production and for
//! the servers that `infra/local` starts.
//!
//! Invariant: what no line allows is refused. There is no denial, which a wildcard elsewhere could
//! undo. Nobody but the owner may make or change a stream, and nobody may delete one, or anything
//! in it.

mod check;
mod conf;

use std::collections::BTreeSet;

use domain::AggregateKind;

use crate::{
    Role::{self, Analyst, Backup, Gateway, Owner, Projector, Scheduler, Worker},
    subject::{
        self, AUDIT, EVENTS, EXTERNAL, LEASE_BUCKET, LEASED_BUCKET, TASK_LOGS, VAULT_BUCKET, WORK,
        WORKER_BUCKET,
    },
    work::handed_out,
};

pub(crate) use check::check;
pub use conf::nats_users;

/// What one user may say and hear.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Rights {
    /// Whether it may answer, once, whoever asks it.
    pub answers: bool,
    /// Where it may send.
    pub publish: BTreeSet<String>,
    /// Where it may listen.
    pub subscribe: BTreeSet<String>,
}

/// How long an answer may take, in seconds; who asks a worker waits for one.
pub(crate) const ANSWER_WITHIN_S: u64 = 5;

/// What `role` may say and hear.
pub(crate) fn of(role: Role) -> Rights {
    let mut rights = Rights::default();
    for line in lines() {
        match line {
            Line::Publish(roles, subjects) if roles.contains(&role) => {
                rights.publish.extend(subjects);
            }
            Line::Subscribe(roles, subjects) if roles.contains(&role) => {
                rights.subscribe.extend(subjects);
            }
            Line::Answer(roles) if roles.contains(&role) => rights.answers = true,
            _ => {}
        }
    }
    rights.subscribe.insert(subject::inboxes(role.user()));
    rights
}

/// A line of the table. Beside what the lines say, each hears what the server answers to it.
enum Line {
    /// Who may answer whoever asks them.
    Answer(&'static [Role]),
    /// Who may send where.
    Publish(&'static [Role], Vec<String>),
    /// Who may listen where.
    Subscribe(&'static [Role], Vec<String>),
}

fn lines() -> Vec<Line> {
    let mut lines = of_the_log();
    lines.extend(of_attempts());
    lines.extend(of_the_rest());
    lines
}

/// The log: who writes what, who loads an aggregate, who reads what stands at a position, who
/// follows.
fn of_the_log() -> Vec<Line> {
    use Line::Publish;
    vec![
        Publish(&Role::ALL, vec![subject::WHO_AM_I.to_owned()]),
        Publish(&[Gateway, Owner], vec![subject::ALL_AGGREGATES.to_owned()]),
        Publish(
            &[Scheduler, Worker],
            vec![subject::of_kind(AggregateKind::Task)],
        ),
        // The leader carries operations out, puts tasks back with their uniqueness keys, and gives
        // long runs of slots up on their job.
        Publish(
            &[Scheduler],
            [
                AggregateKind::Job,
                AggregateKind::Operation,
                AggregateKind::UniqueKey,
            ]
            .map(subject::of_kind)
            .to_vec(),
        ),
        Publish(&Role::ALL, info(EVENTS)),
        Publish(
            &[Analyst, Backup, Gateway, Owner, Scheduler, Worker],
            vec![subject::direct_get(EVENTS)],
        ),
        Publish(&Role::ALL, vec![subject::api(subject::GET, EVENTS)]),
        Publish(&[Analyst, Backup, Projector, Scheduler], following(EVENTS)),
    ]
}

/// Attempts: on their way, being made, and what is said of them.
fn of_attempts() -> Vec<Line> {
    use Line::{Answer, Publish, Subscribe};
    let [workers, outside] = [WORKER_BUCKET, LEASED_BUCKET].map(subject::bucket_stream);
    vec![
        // Attempts on their way: the dispatcher puts them in, workers take them out.
        Publish(&[Owner, Scheduler, Worker], info(WORK)),
        Publish(&[Scheduler], giving_work()),
        Publish(&[Worker], taking_work()),
        // Cancellations, and what workers ask each other.
        Publish(&[Scheduler], vec![subject::ALL_CANCELS.to_owned()]),
        Subscribe(&[Worker], vec![subject::ALL_CANCELS.to_owned()]),
        Publish(&[Scheduler, Worker], vec![subject::ALL_WORKERS.to_owned()]),
        Subscribe(&[Worker], vec![subject::ALL_WORKERS.to_owned()]),
        Answer(&[Worker]),
        // Attempts on their way outside, which the gateway hands out.
        Publish(&[Gateway, Owner, Scheduler], info(EXTERNAL)),
        Publish(&[Scheduler], vec![subject::ALL_EXTERNAL.to_owned()]),
        Publish(&[Gateway], taking_outside()),
        Subscribe(&[Gateway], vec![subject::ALL_EXTERNAL.to_owned()]),
        // Who is there, and what is made outside.
        Publish(&[Gateway, Owner, Scheduler, Worker], info(&workers)),
        Publish(&[Gateway, Owner, Scheduler], info(&outside)),
        Publish(&[Gateway, Worker], vec![subject::bucket(WORKER_BUCKET)]),
        Publish(&[Gateway], vec![subject::bucket(LEASED_BUCKET)]),
        Publish(
            &[Gateway, Scheduler],
            [&workers, &outside]
                .map(|stream| subject::api(subject::GET, stream))
                .to_vec(),
        ),
        // What attempts say.
        Publish(&[Gateway, Owner, Worker], info(TASK_LOGS)),
        Publish(&[Gateway, Worker], vec![subject::ALL_TASK_LOGS.to_owned()]),
        Publish(&[Gateway], vec![subject::direct_get(TASK_LOGS)]),
        Subscribe(&[Gateway], vec![subject::ALL_TASK_LOGS.to_owned()]),
    ]
}

fn of_the_rest() -> Vec<Line> {
    use Line::Publish;
    let [vault, leases] = [VAULT_BUCKET, LEASE_BUCKET].map(subject::bucket_stream);
    let [workers, outside] = [WORKER_BUCKET, LEASED_BUCKET].map(subject::bucket_stream);
    vec![
        // Who did or tried what.
        Publish(&[Gateway], vec![subject::ALL_AUDIT.to_owned()]),
        Publish(&[Gateway, Owner, Projector], info(AUDIT)),
        Publish(&[Projector], vec![subject::api(subject::GET, AUDIT)]),
        // Secrets: a backup takes them as they are, sealed, and writes none.
        Publish(&[Backup, Gateway, Owner], info(&vault)),
        Publish(
            &[Backup, Gateway, Owner],
            vec![subject::api(subject::GET, &vault)],
        ),
        Publish(&[Gateway, Owner], vec![subject::bucket(VAULT_BUCKET)]),
        // Who leads.
        Publish(&[Owner, Scheduler], info(&leases)),
        Publish(
            &[Scheduler],
            vec![
                subject::api(subject::GET, &leases),
                subject::bucket(LEASE_BUCKET),
            ],
        ),
        // Making all of it.
        Publish(
            &[Owner],
            making(&[
                AUDIT, EVENTS, EXTERNAL, TASK_LOGS, WORK, &vault, &leases, &workers, &outside,
            ]),
        ),
        Publish(
            &[Owner],
            [AUDIT, TASK_LOGS, &vault, &leases]
                .map(|stream| subject::api(subject::UPDATE, stream))
                .to_vec(),
        ),
    ]
}

fn info(stream: &str) -> Vec<String> {
    vec![subject::api(subject::INFO, stream)]
}

/// Making an ordered consumer, reading from it, and making another when it has stalled or is gone.
fn following(stream: &str) -> Vec<String> {
    ["CREATE", "DELETE", "INFO", "MSG.NEXT"]
        .map(|verb| subject::consumer_api(verb, stream, "*"))
        .to_vec()
}

fn giving_work() -> Vec<String> {
    let subjects = handed_out().into_iter().map(|(_, subject)| subject);
    subjects.collect()
}

fn taking_work() -> Vec<String> {
    let of_one = |(consumer, _): &(String, String)| {
        ["INFO", "MSG.NEXT"].map(|verb| subject::consumer_api(verb, WORK, consumer))
    };
    let consumers = handed_out();
    let asked = consumers.iter().flat_map(of_one);
    asked.chain(subject::acks(WORK)).collect()
}

/// Making the consumers that are asked for, one for each priority, tenant and kind.
fn taking_outside() -> Vec<String> {
    let made = format!("*.{}", subject::ALL_EXTERNAL);
    let made = subject::consumer_api("CREATE", EXTERNAL, &made);
    let asked = subject::consumer_api("MSG.NEXT", EXTERNAL, "*");
    let acks = subject::acks(EXTERNAL);
    [made, asked].into_iter().chain(acks).collect()
}

/// Streams, and the consumers that hand out work.
fn making(streams: &[&str]) -> Vec<String> {
    let consumer = |(name, subject): (String, String)| {
        subject::consumer_api("CREATE", WORK, &format!("{name}.{subject}"))
    };
    let streams = streams
        .iter()
        .map(|stream| subject::api(subject::CREATE, stream));
    let consumers = handed_out().into_iter().map(consumer);
    streams.chain(consumers).collect()
}
