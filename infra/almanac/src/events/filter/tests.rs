//! Each condition, and what it leaves out.

use domain::{Actor, AggregateKind, CommandId, TenantId, Timestamp, UserId};
use event_log::{
    Commit, Entry, EventLog as _, Hash, MemoryLog, Meta, NewCommit, Position, StreamId, Unreadable,
    Version, seal,
};
use uuid::Uuid;

use super::*;
use crate::events::line::views;

/// The first commit of an aggregate, asked at this millisecond, which is its id as well.
pub fn commit_at(ms: i64) -> NewCommit {
    let stream = StreamId {
        tenant: TenantId::new(Uuid::from_u128(1)),
        kind: AggregateKind::Task,
        id: Uuid::from_u128(ms.cast_unsigned().into()),
    };
    commit(stream, ms)
}

/// The first commit of `stream`: two events.
pub fn commit(stream: StreamId, ms: i64) -> NewCommit {
    let first = r#"{"type":"task.requeued","v":1,"data":{"b":1,"a":"\u00e4"}}"#;
    let second = r#"{"type":"task.started","v":2,"data":{}}"#;
    let payload = format!(r#"{{"events":[{first},{second}]}}"#).into_bytes();
    let mut meta = Meta {
        actor: Actor::System("test".into()),
        causation: None,
        command: CommandId::new(Uuid::from_u128(2)),
        correlation: Uuid::from_u128(3),
        fingerprint: None,
        hash: Hash::ZERO,
        previous: Hash::ZERO,
        time: Timestamp::from_unix_ms(ms),
        traceparent: None,
        version: Version(1),
    };
    meta.hash = seal(stream, &meta, &payload);
    NewCommit {
        expected: Position(0),
        meta,
        payload,
        stream,
    }
}

/// A log of these.
pub async fn log_of(commits: impl IntoIterator<Item = NewCommit>) -> MemoryLog {
    let log = MemoryLog::new("1800000000000000000");
    for commit in commits {
        log.append(commit).await.expect("stored");
    }
    log
}

fn stored() -> Commit {
    commit_at(7_000).stored_at(Position(5))
}

fn read(text: &str) -> Filter {
    serde_json::from_str(text).expect("a filter")
}

#[test]
fn each_condition_takes_what_fits_and_nothing_else() {
    let aggregate = "00000000-0000-0000-0000-000000001b58";
    let tenant = "00000000-0000-0000-0000-000000000001";
    let correlation = "00000000-0000-0000-0000-000000000003";
    for (fits, fits_not) in [
        (
            format!(r#"{{"tenant":"{tenant}"}}"#),
            r#"{"tenant":"main"}"#,
        ),
        (r#"{"kind":"task"}"#.to_owned(), r#"{"kind":"user"}"#),
        (
            format!(r#"{{"id":"{aggregate}"}}"#),
            r#"{"id":"00000000-0000-0000-0000-000000000001"}"#,
        ),
        (
            r#"{"actor":"system:test"}"#.to_owned(),
            r#"{"actor":"system:tests"}"#,
        ),
        (
            format!(r#"{{"correlation":"{correlation}"}}"#),
            r#"{"correlation":"00000000-0000-0000-0000-000000000002"}"#,
        ),
        (r#"{"from":"5"}"#.to_owned(), r#"{"from":"6"}"#),
        (r#"{"to":"5"}"#.to_owned(), r#"{"to":"4"}"#),
        (
            r#"{"from":"1970-01-01T00:00:07Z"}"#.to_owned(),
            r#"{"from":"1970-01-01T00:00:07.001Z"}"#,
        ),
        (
            r#"{"to":"1970-01-01T00:00:07Z"}"#.to_owned(),
            r#"{"to":"1970-01-01T00:00:06.999Z"}"#,
        ),
    ] {
        assert!(read(&fits).admits_commit(&stored()), "{fits}");
        assert!(!read(fits_not).admits_commit(&stored()), "{fits_not}");
        // All of them have to hold.
        let both = Filter {
            kind: Some(AggregateKind::Task),
            ..read(fits_not)
        };
        assert!(
            fits_not.contains("kind") || !both.admits_commit(&stored()),
            "{fits_not}"
        );
    }
}

#[test]
fn a_type_takes_events_out_of_a_commit() {
    let entry = Entry::Commit(stored());
    for (wanted, found) in [
        (r"[]", vec!["5.0", "5.1"]),
        (r#"["task.started"]"#, vec!["5.1"]),
        (r#"["task.started.v2"]"#, vec!["5.1"]),
        (r#"["task.started.v1"]"#, vec![]),
        (r#"["task.started.v1","task.requeued"]"#, vec!["5.0"]),
        (r#"["task.requeue"]"#, vec![]),
    ] {
        let filter = read(&format!(r#"{{"types":{wanted}}}"#));
        let ids: Vec<_> = views(&entry, &filter)
            .into_iter()
            .map(|view| view.id)
            .collect();
        assert_eq!(ids, found, "{wanted}");
    }
}

#[test]
fn what_is_no_commit_belongs_to_nobody() {
    let entry = Entry::Unreadable(Unreadable {
        position: Position(5),
        subject: "x".to_owned(),
        payload: Vec::new(),
        reason: String::new(),
    });
    for (filter, expected) in [
        ("{}", true),
        (r#"{"from":"5","to":"5"}"#, true),
        (r#"{"from":"6"}"#, false),
        (r#"{"tenant":"main"}"#, false),
        (r#"{"to":"2027-01-01T00:00:00Z"}"#, false),
    ] {
        assert_eq!(read(filter).admits(&entry), expected, "{filter}");
    }
}

#[test]
fn filters_survive_text() {
    let filter = Filter {
        actor: Some(Actor::User(UserId::new(Uuid::from_u128(1)))),
        correlation: Some(Uuid::from_u128(2)),
        from: Some(Bound::Position(Position(3))),
        id: Some(Uuid::from_u128(4)),
        kind: Some(AggregateKind::Job),
        tenant: Some(TenantId::MAIN),
        to: Some(Bound::Time(Timestamp::from_unix_ms(5))),
        types: vec!["task.created.v1".parse().expect("a type")],
    };
    let text = serde_json::to_string(&filter).expect("text");
    assert_eq!(read(&text), filter);
    assert_eq!(
        serde_json::to_string(&Filter::default()).expect("text"),
        "{}"
    );
}

#[test]
fn what_is_meant_otherwise_is_refused() {
    for text in ["", "task", "Task.Created", "task created"] {
        assert!(text.parse::<TypeName>().is_err(), "{text}");
    }
    for text in ["", "yesterday", "-1", "2027-01-01"] {
        assert!(text.parse::<Bound>().is_err(), "{text}");
    }
    assert!("Main".parse::<TenantRef>().is_err());
    assert_eq!("main".parse(), Ok(TenantRef(TenantId::MAIN)));
}
