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

use domain::{AggregateKind, task::Priority};

use crate::{
    Role::{self, Analyst, Gateway, Owner, Projector, Scheduler, Worker},
    subject::{self, AUDIT, EVENTS, LEASE_BUCKET, VAULT_BUCKET, WORK},
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
    use Line::{Answer, Publish, Subscribe};
    let info = |stream: &str| vec![subject::api(subject::INFO, stream)];
    let [vault, leases] = [VAULT_BUCKET, LEASE_BUCKET].map(subject::bucket_stream);
    vec![
        Publish(&Role::ALL, vec![subject::WHO_AM_I.to_owned()]),
        // The log: who writes what, who loads an aggregate, who reads what stands at a position,
        // who follows.
        Publish(&[Gateway, Owner], vec![subject::ALL_AGGREGATES.to_owned()]),
        Publish(
            &[Scheduler, Worker],
            vec![subject::of_kind(AggregateKind::Task)],
        ),
        // Long runs of slots are given up on their job.
        Publish(&[Scheduler], vec![subject::of_kind(AggregateKind::Job)]),
        Publish(&Role::ALL, info(EVENTS)),
        Publish(
            &[Analyst, Gateway, Owner, Scheduler, Worker],
            vec![subject::direct_get(EVENTS)],
        ),
        Publish(&Role::ALL, vec![subject::api(subject::GET, EVENTS)]),
        Publish(&[Analyst, Projector, Scheduler], following(EVENTS)),
        // Attempts on their way: the dispatcher puts them in, workers take them out.
        Publish(&[Owner, Scheduler, Worker], info(WORK)),
        Publish(&[Scheduler], Priority::ALL.map(subject::work).to_vec()),
        Publish(&[Worker], taking_work()),
        // Cancellations, and what workers ask each other.
        Publish(&[Scheduler], vec![subject::ALL_CANCELS.to_owned()]),
        Subscribe(&[Worker], vec![subject::ALL_CANCELS.to_owned()]),
        Publish(&[Worker], vec![subject::ALL_WORKERS.to_owned()]),
        Subscribe(&[Worker], vec![subject::ALL_WORKERS.to_owned()]),
        Answer(&[Worker]),
        // Who did or tried what.
        Publish(&[Gateway], vec![subject::ALL_AUDIT.to_owned()]),
        Publish(&[Gateway, Owner, Projector], info(AUDIT)),
        Publish(&[Projector], vec![subject::api(subject::GET, AUDIT)]),
        // Secrets.
        Publish(&[Gateway, Owner], info(&vault)),
        Publish(
            &[Gateway, Owner],
            vec![
                subject::api(subject::GET, &vault),
                subject::bucket(VAULT_BUCKET),
            ],
        ),
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
        Publish(&[Owner], making(&[AUDIT, EVENTS, WORK, &vault, &leases])),
        Publish(
            &[Owner],
            [AUDIT, &vault, &leases]
                .map(|stream| subject::api(subject::UPDATE, stream))
                .to_vec(),
        ),
    ]
}

/// Making an ordered consumer, reading from it, and making another when it has stalled or is gone.
fn following(stream: &str) -> Vec<String> {
    ["CREATE", "DELETE", "INFO", "MSG.NEXT"]
        .map(|verb| subject::consumer_api(verb, stream, "*"))
        .to_vec()
}

fn taking_work() -> Vec<String> {
    let consumers = Priority::ALL.map(subject::work_consumer);
    let of_one = |consumer: &String| {
        ["INFO", "MSG.NEXT"].map(|verb| subject::consumer_api(verb, WORK, consumer))
    };
    let asked = consumers.iter().flat_map(of_one);
    asked.chain(subject::acks(WORK)).collect()
}

/// Streams, and the consumers that hand out work.
fn making(streams: &[&str]) -> Vec<String> {
    let consumer = |priority| {
        let filtered = format!(
            "{}.{}",
            subject::work_consumer(priority),
            subject::work(priority)
        );
        subject::consumer_api("CREATE", WORK, &filtered)
    };
    let streams = streams
        .iter()
        .map(|stream| subject::api(subject::CREATE, stream));
    streams.chain(Priority::ALL.map(consumer)).collect()
}
