//! Every cell of the table, and what no line of it may ever allow.
//!
//! Invariant: what is expected here is written out, not taken from the table that is tried; from
//! that only the subjects are taken, so that a new one is tried for every role.

use std::collections::BTreeSet;

use event_log::{Role, nats_users};

use super::{
    attempt::{
        Attempt::{self, Publish, Subscribe},
        Visitor,
    },
    server,
};

/// What is behind the subjects.
const STREAMS: [&str; 9] = [
    "AUDIT",
    "EVENTS",
    "EXTERNAL",
    "TASK_LOGS",
    "WORK",
    "KV_vault",
    "KV_leases",
    "KV_workers",
    "KV_leased",
];
/// What changes or destroys a stream, or what is in it.
const DESTRUCTIVE: [&str; 7] = [
    "$JS.API.STREAM.DELETE",
    "$JS.API.STREAM.MSG.DELETE",
    "$JS.API.STREAM.PURGE",
    "$JS.API.STREAM.RESTORE",
    "$JS.API.STREAM.SNAPSHOT",
    "$JS.API.STREAM.PEER.REMOVE",
    "$JS.API.STREAM.LEADER.STEPDOWN",
];

/// What the generated configuration says: user, attempt, subject.
fn allowed() -> BTreeSet<(String, Attempt, String)> {
    let (mut user, mut attempt) = (String::new(), Publish);
    let mut allowed = BTreeSet::new();
    for line in nats_users().lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("user: ") {
            name.clone_into(&mut user);
        } else if line.starts_with("publish:") {
            attempt = Publish;
        } else if line.starts_with("subscribe:") {
            attempt = Subscribe;
        } else if let Some(subject) = line.strip_prefix('"') {
            let subject = subject.trim_end_matches('"').to_owned();
            allowed.insert((user.clone(), attempt, subject));
        }
    }
    allowed
}

/// A subject that fits the pattern and nothing real.
fn one_of(pattern: &str) -> String {
    pattern.replace('*', "x").replace('>', "x.x")
}

/// Whether `subject` is one of those that `pattern` stands for.
fn fits(pattern: &str, subject: &str) -> bool {
    let mut parts = subject.split('.');
    for token in pattern.split('.') {
        match (token, parts.next()) {
            (">", Some(_)) => return true,
            ("*", Some(_)) => {}
            (token, Some(part)) if token == part => {}
            _ => return false,
        }
    }
    parts.next().is_none()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_subject_of_the_table_is_open_to_those_who_have_it_and_closed_to_others() {
    let server = server().await;
    let allowed = allowed();
    let tried: BTreeSet<_> = allowed
        .iter()
        .map(|(_, attempt, subject)| (*attempt, one_of(subject)))
        .collect();
    let (mut open, mut closed) = (0, 0);
    for role in Role::ALL {
        let url = server.url_of(role.user()).expect("a password");
        let mut visitor = Visitor::sign_in(&url);
        for (attempt, subject) in &tried {
            let expected = allowed.iter().any(|(user, what, pattern)| {
                user == role.user() && what == attempt && fits(pattern, subject)
            });
            let may = visitor.may(*attempt, subject);
            assert_eq!(may, expected, "{role:?} {attempt:?} {subject}");
            *(if may { &mut open } else { &mut closed }) += 1;
        }
        // Whoever may publish somewhere may not listen there for that, nor the other way round.
        for (attempt, subject) in &tried {
            let other = match attempt {
                Publish => Subscribe,
                Subscribe => Publish,
            };
            let expected = allowed.iter().any(|(user, what, pattern)| {
                user == role.user() && *what == other && fits(pattern, subject)
            });
            assert_eq!(
                visitor.may(other, subject),
                expected,
                "{role:?} {other:?} {subject}"
            );
        }
    }
    assert!(open > 60 && closed > 150, "{open} open, {closed} closed");
}

/// What nobody may do to a stream.
fn forbidden_of_streams() -> Vec<(Attempt, String)> {
    let mut forbidden = Vec::new();
    for verb in DESTRUCTIVE {
        forbidden.extend(STREAMS.map(|stream| (Publish, format!("{verb}.{stream}"))));
    }
    for stream in STREAMS {
        let durable = format!("$JS.API.CONSUMER.DURABLE.CREATE.{stream}.x");
        forbidden.push((Publish, durable));
        if stream != "EVENTS" {
            forbidden.push((Publish, format!("$JS.API.CONSUMER.CREATE.{stream}")));
            forbidden.push((Publish, format!("$JS.API.CONSUMER.CREATE.{stream}.x")));
            forbidden.push((Publish, format!("$JS.API.CONSUMER.DELETE.{stream}.x")));
            if stream != "TASK_LOGS" {
                forbidden.push((Publish, format!("$JS.API.DIRECT.GET.{stream}")));
            }
        }
    }
    forbidden
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_destroys_listens_in_or_asks_the_system() {
    let server = server().await;
    let mut forbidden = forbidden_of_streams();
    for subject in [
        "$JS.API.INFO",
        "$JS.API.ACCOUNT.PURGE.x",
        "$JS.API.META.LEADER.STEPDOWN",
        "$JS.API.STREAM.CREATE.OTHER",
        "$JS.API.STREAM.LIST",
        "$JS.API.STREAM.NAMES",
        "$JS.API.STREAM.UPDATE.EVENTS",
        "$JS.API.STREAM.UPDATE.WORK",
        "$SYS.ACCOUNT.x",
        "$SYS.REQ.ACCOUNT.PING",
        "$SYS.REQ.SERVER.PING",
        "$SYS.REQ.SERVER.PING.CONNZ",
        "_INBOX.x",
        "events.x",
        "x",
    ] {
        forbidden.push((Publish, subject.to_owned()));
    }
    for subject in [
        "$JS.>",
        "$KV.>",
        "$KV.vault.>",
        "$SYS.>",
        ">",
        "_INBOX.>",
        "events.>",
        "external.>",
        "logs.>",
        "work.>",
    ] {
        forbidden.push((Subscribe, subject.to_owned()));
    }
    for role in Role::ALL {
        let url = server.url_of(role.user()).expect("a password");
        let mut visitor = Visitor::sign_in(&url);
        for (attempt, subject) in &forbidden {
            assert!(
                !visitor.may(*attempt, subject),
                "{role:?} {attempt:?} {subject}"
            );
        }
        for other in Role::ALL.into_iter().filter(|other| *other != role) {
            for subject in ["x", "x.x", ">"] {
                let inbox = format!("_INBOX_{}.{subject}", other.user());
                assert!(!visitor.may(Subscribe, &inbox), "{role:?} {inbox}");
                let heard = subject == ">" || !visitor.may(Publish, &inbox);
                assert!(heard, "{role:?} answers in {inbox}");
            }
        }
    }
    // None of it was done.
    super::open(&server, Role::Owner).await;
}

/// Who may what about the audit, what attempts say, and attempts outside.
fn said() -> Vec<(Vec<Role>, &'static str)> {
    use Role::{Gateway, Owner, Projector, Scheduler, Worker};
    vec![
        (vec![Owner], "$JS.API.STREAM.UPDATE.AUDIT"),
        (vec![Gateway, Owner, Projector], "$JS.API.STREAM.INFO.AUDIT"),
        (vec![Projector], "$JS.API.STREAM.MSG.GET.AUDIT"),
        (vec![Gateway], "audit.x"),
        (vec![Owner], "$JS.API.STREAM.UPDATE.TASK_LOGS"),
        (
            vec![Gateway, Owner, Worker],
            "$JS.API.STREAM.INFO.TASK_LOGS",
        ),
        (vec![Gateway], "$JS.API.DIRECT.GET.TASK_LOGS"),
        (vec![], "$JS.API.STREAM.MSG.GET.TASK_LOGS"),
        (vec![Gateway, Worker], "logs.t.x"),
        (vec![Scheduler], "external.high.t.x"),
        (
            vec![Gateway],
            "$JS.API.CONSUMER.CREATE.EXTERNAL.x.external.high.t.x",
        ),
        (vec![], "$JS.API.CONSUMER.CREATE.EXTERNAL.x"),
        (vec![Gateway], "$JS.API.CONSUMER.MSG.NEXT.EXTERNAL.x"),
        (vec![Gateway], "$JS.ACK.EXTERNAL.x.1.1.1.1.0"),
        (vec![Worker], "$JS.ACK.WORK.workers-high-command.1.1.1.1.0"),
        (vec![Gateway, Worker], "$KV.workers.x"),
        (vec![Gateway], "$KV.leased.t.x"),
        (
            vec![Gateway, Scheduler],
            "$JS.API.STREAM.MSG.GET.KV_workers",
        ),
        (vec![Gateway, Scheduler], "$JS.API.STREAM.MSG.GET.KV_leased"),
        (vec![Scheduler, Worker], "worker.x"),
        (vec![Scheduler], "work.high.command"),
    ]
}

/// Who may what about secrets, the log and attempts on their way.
fn secret() -> Vec<(Vec<Role>, &'static str)> {
    use Role::{Analyst, Backup, Gateway, Owner, Projector, Scheduler, Worker};
    vec![
        (vec![Owner], "$JS.API.STREAM.UPDATE.KV_vault"),
        (vec![Backup, Gateway, Owner], "$JS.API.STREAM.INFO.KV_vault"),
        (
            vec![Backup, Gateway, Owner],
            "$JS.API.STREAM.MSG.GET.KV_vault",
        ),
        (vec![Gateway, Owner], "$KV.vault.password.x"),
        (vec![Scheduler], "$KV.leases.scheduler"),
        (vec![Scheduler], "$JS.API.STREAM.MSG.GET.KV_leases"),
        (vec![Gateway, Owner], "events.t.user.x"),
        (vec![Gateway, Owner, Scheduler], "events.t.job.x"),
        (vec![Gateway, Owner, Scheduler], "events.t.operation.x"),
        (vec![Gateway, Owner, Scheduler, Worker], "events.t.task.x"),
        (vec![Gateway, Owner, Scheduler], "events.t.unique_key.x"),
        (
            vec![Analyst, Backup, Projector, Scheduler],
            "$JS.API.CONSUMER.CREATE.EVENTS.x",
        ),
        (
            vec![Analyst, Backup, Gateway, Owner, Scheduler, Worker],
            "$JS.API.DIRECT.GET.EVENTS",
        ),
        (vec![Scheduler], "work.high"),
        (vec![Scheduler], "cancel.x"),
        (vec![Worker], "$JS.API.CONSUMER.MSG.NEXT.WORK.workers-high"),
        (vec![Worker], "$JS.ACK.WORK.workers-high.1.1.1.1.0"),
        (vec![Worker], "$JS.ACK._.x.WORK.workers-high.1.1.1.1.0"),
        (vec![], "$JS.ACK.EVENTS.x.1.1.1.1.0"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_secret_right_belongs_to_those_who_are_named_here() {
    let server = server().await;
    let mut cells: Vec<(Vec<Role>, String)> = Vec::new();
    for stream in STREAMS {
        cells.push((vec![Role::Owner], format!("$JS.API.STREAM.CREATE.{stream}")));
    }
    for (roles, subject) in said().into_iter().chain(secret()) {
        cells.push((roles, subject.to_owned()));
    }
    for role in Role::ALL {
        let url = server.url_of(role.user()).expect("a password");
        let mut visitor = Visitor::sign_in(&url);
        for (roles, subject) in &cells {
            let may = visitor.may(Publish, subject);
            assert_eq!(may, roles.contains(&role), "{role:?} {subject}");
        }
    }
}
