//! Subjects and names on the NATS server.
//!
//! Invariant: no other file spells one. An aggregate has one literal subject, made of tokens that
//! cannot hold a dot, a wildcard or white space.

use domain::{AggregateKind, TaskId, TenantId, task::Priority};
use schemas::StreamId;

/// The stream that is the log.
pub const EVENTS: &str = "EVENTS";
/// The stream of who did or tried what.
pub const AUDIT: &str = "AUDIT";
/// The stream of what attempts say while they run.
pub const TASK_LOGS: &str = "TASK_LOGS";
/// The stream that carries attempts to workers outside of Almanac.
pub const EXTERNAL: &str = "EXTERNAL";
/// The stream that carries attempts to workers.
pub const WORK: &str = "WORK";
/// The bucket of sealed secrets.
pub const VAULT_BUCKET: &str = "vault";
/// The bucket that says who leads.
pub const LEASE_BUCKET: &str = "leases";
/// The bucket that says which workers are there.
pub const WORKER_BUCKET: &str = "workers";
/// The bucket that says which attempts are made outside of Almanac.
pub const LEASED_BUCKET: &str = "leased";

/// What the subjects of all secrets begin with.
const VAULT: &str = "$KV.vault.";

/// What the audit listens to.
pub const ALL_AUDIT: &str = "audit.*";
/// What the log listens to.
pub const ALL_EVENTS: &str = "events.>";
/// What the tasks' logs listen to.
pub const ALL_TASK_LOGS: &str = "logs.*.*";
/// What the queue of attempts for the outside listens to.
pub const ALL_EXTERNAL: &str = "external.*.*.*";
/// What the work queue listens to.
pub const ALL_WORK: &str = "work.>";
/// Whom to tell that a running task is to stop.
pub const ALL_CANCELS: &str = "cancel.*";
/// Where workers are asked what they are at.
pub const ALL_WORKERS: &str = "worker.*";
/// Every aggregate of every tenant.
pub const ALL_AGGREGATES: &str = "events.*.*.*";
/// Every message of a stream, for a question about one of them.
pub const ANY: &str = ">";
/// Where the server tells a user who they are and what they may do.
pub const WHO_AM_I: &str = "$SYS.REQ.USER.INFO";

/// Making a stream, for [`api`].
pub const CREATE: &str = "STREAM.CREATE";
/// Reading one message of a stream from its leader, for [`api`].
pub const GET: &str = "STREAM.MSG.GET";
/// Asking how a stream is made and where it ends, for [`api`].
pub const INFO: &str = "STREAM.INFO";
/// Changing a stream, for [`api`].
pub const UPDATE: &str = "STREAM.UPDATE";

/// What the subjects of requests to JetStream begin with.
const API: &str = "$JS.API";

/// The one subject of an aggregate.
pub fn of(stream: StreamId) -> String {
    format!(
        "events.{}.{}.{}",
        stream.tenant,
        stream.kind.name(),
        stream.id
    )
}

/// Whose subject this is.
pub fn parse(subject: &str) -> Result<StreamId, String> {
    let mut tokens = subject.split('.');
    let mut next = || {
        tokens
            .next()
            .ok_or_else(|| format!("not an aggregate's subject: {subject}"))
    };
    if next()? != "events" {
        return Err(format!("not an aggregate's subject: {subject}"));
    }
    let tenant: TenantId = next()?
        .parse()
        .map_err(|_| format!("no tenant in {subject}"))?;
    let kind: AggregateKind = next()?.parse().map_err(|unknown| format!("{unknown}"))?;
    let id = next()?.parse().map_err(|_| format!("no id in {subject}"))?;
    match tokens.next() {
        None => Ok(StreamId { tenant, kind, id }),
        Some(_) => Err(format!("not an aggregate's subject: {subject}")),
    }
}

/// Whether a subject is one of [`ALL_AGGREGATES`].
pub fn may_be_an_aggregate(subject: &str) -> bool {
    let mut tokens = subject.split('.');
    let plain = |token: &str| !token.is_empty() && !token.contains(['*', '>', ' ']);
    tokens.next() == Some("events") && tokens.clone().count() == 3 && tokens.all(plain)
}

/// The aggregates of one kind, of every tenant.
pub fn of_kind(kind: AggregateKind) -> String {
    format!("events.*.{}.*", kind.name())
}

/// Where a tenant's audit is kept.
pub fn audit(tenant: TenantId) -> String {
    format!("audit.{tenant}")
}

/// Whose audit such a subject is.
pub fn audited(subject: &str) -> Option<TenantId> {
    subject.strip_prefix("audit.")?.parse().ok()
}

/// Where the attempts of a task say what they do.
pub fn task_logs(tenant: TenantId, task: TaskId) -> String {
    format!("logs.{tenant}.{task}")
}

/// Where attempts of a priority wait.
pub fn work(priority: Priority) -> String {
    format!("work.{}", priority.name())
}

/// The consumer that hands out a priority's attempts.
pub fn work_consumer(priority: Priority) -> String {
    format!("workers-{}", priority.name())
}

/// Where attempts of a priority wait whose kind not every worker may run.
pub fn work_apart(priority: Priority, kind: &str) -> String {
    format!("{}.{kind}", work(priority))
}

/// The consumer that hands those out.
pub fn work_apart_consumer(priority: Priority, kind: &str) -> String {
    format!("{}-{kind}", work_consumer(priority))
}

/// Where attempts of a tenant's own kind wait for somebody outside.
pub fn external(priority: Priority, tenant: TenantId, kind: &str) -> String {
    format!("external.{}.{tenant}.{}", priority.name(), token(kind))
}

/// The consumer that hands those out.
pub fn external_consumer(priority: Priority, tenant: TenantId, kind: &str) -> String {
    format!("{}-{tenant}-{}", priority.name(), token(kind))
}

/// Wherever attempts of a tenant's own kind wait.
pub fn externals(tenant: TenantId, kind: &str) -> String {
    format!("external.*.{tenant}.{}", token(kind))
}

/// A kind as one token of a subject; no kind has a `=` of its own.
fn token(kind: &str) -> String {
    kind.replace('.', "=")
}

/// Where a running task hears that it is to stop.
pub fn cancel(task: TaskId) -> String {
    format!("cancel.{task}")
}

/// Where a worker is asked what it is at.
pub fn worker(name: &str) -> String {
    format!("worker.{name}")
}

/// Where the secret called `name` is; of a pattern, where those are whose names fit it.
pub fn secret(name: &str) -> String {
    format!("{VAULT}{name}")
}

/// What the secret at `subject` is called.
pub fn secret_name(subject: &str) -> Option<&str> {
    subject.strip_prefix(VAULT)
}

/// What the server's answers to `user` begin with; nobody else hears those.
pub fn inbox(user: &str) -> String {
    format!("_INBOX_{user}")
}

/// Where all answers to `user` arrive.
pub fn inboxes(user: &str) -> String {
    format!("{}.>", inbox(user))
}

/// All secrets of a bucket.
pub fn bucket(name: &str) -> String {
    format!("$KV.{name}.>")
}

/// What the entry at `subject` of a bucket is called.
pub fn bucket_key<'a>(name: &str, subject: &'a str) -> Option<&'a str> {
    subject
        .strip_prefix("$KV.")?
        .strip_prefix(name)?
        .strip_prefix('.')
}

/// The stream behind a bucket.
pub fn bucket_stream(name: &str) -> String {
    format!("KV_{name}")
}

/// Whether a stream is that of a bucket.
pub fn is_bucket_stream(stream: &str) -> bool {
    stream.starts_with("KV_")
}

/// Where the server is asked to do `verb` to `stream`.
pub fn api(verb: &str, stream: &str) -> String {
    format!("{API}.{verb}.{stream}")
}

/// Where messages of a stream are asked for, of any of its copies.
pub fn direct_get(stream: &str) -> String {
    api("DIRECT.GET", stream)
}

/// Where the server is asked to do `verb` to a consumer of `stream`; `*` stands for any.
pub fn consumer_api(verb: &str, stream: &str, consumer: &str) -> String {
    format!("{API}.CONSUMER.{verb}.{stream}.{consumer}")
}

/// Where deliveries of `stream` are acknowledged, in the form of servers before and after 2.15.
pub fn acks(stream: &str) -> [String; 2] {
    [
        format!("$JS.ACK.{stream}.>"),
        format!("$JS.ACK.*.*.{stream}.>"),
    ]
}

/// The task that such a subject names.
pub fn cancelled(subject: &str) -> Option<TaskId> {
    subject.strip_prefix("cancel.")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::tests::stream;

    #[test]
    fn an_aggregate_has_four_plain_tokens() {
        for (subject, expected) in [
            (of(stream(7)).as_str(), true),
            ("events.a.b.c", true),
            ("events.a.b", false),
            ("events.a.b.*", false),
            ("events.a..c", false),
            ("work.a.b.c", false),
        ] {
            assert_eq!(may_be_an_aggregate(subject), expected, "{subject}");
        }
    }

    #[test]
    fn a_kind_is_one_token_and_no_two_are_the_same() {
        let tenant = TenantId::new(uuid::Uuid::from_u128(1));
        let of = |kind| external(Priority::Low, tenant, kind);
        for kind in [".", "a.b", "a..b", "a-b", "a_b"] {
            assert_eq!(of(kind).split('.').count(), 4, "{kind}");
            assert!(!external_consumer(Priority::Low, tenant, kind).contains('.'));
        }
        assert_ne!(of("a.b"), of("a-b"));
    }

    #[test]
    fn subjects_survive_text() {
        assert_eq!(parse(&of(stream(7))), Ok(stream(7)));
        for wrong in [
            "",
            "events",
            "events.a.b.c",
            &format!("{}.x", of(stream(7))),
            "work.low",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
