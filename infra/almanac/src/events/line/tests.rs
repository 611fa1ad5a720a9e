//! What is written is read equal, and reads as CloudEvents.

use event_log::leaf;

use super::*;
use crate::events::filter::tests::commit_at;

fn there_and_back(found: &Entry) -> Vec<String> {
    let lines = lines(found, &Filter::default());
    let mut text = Vec::new();
    for line in &lines {
        line.write(&mut text).expect("written");
    }
    let text = String::from_utf8(text).expect("text");
    let read: Result<Vec<_>, _> = text.lines().map(Read::parse).collect();
    let read = read.expect("lines");
    assert_eq!(read, lines);
    let made = entry(&read).expect("an entry");
    assert_eq!(leaf(&made), leaf(found));
    match (&made, found) {
        (Entry::Unreadable(made), Entry::Unreadable(found)) => {
            assert_eq!(
                (&made.subject, &made.payload),
                (&found.subject, &found.payload)
            );
        }
        (made, found) => assert_eq!(made, found),
    }
    text.lines().map(str::to_owned).collect()
}

fn with(payload: &[u8]) -> Entry {
    let mut commit = commit_at(7).stored_at(Position(5));
    commit.payload = payload.to_vec();
    commit.meta.hash = leaf(&Entry::Commit(commit.clone()));
    Entry::Commit(commit)
}

#[test]
fn a_commit_is_the_same_after_it_was_a_file() {
    let mut commit = commit_at(7).stored_at(Position(5));
    commit.meta.fingerprint = Some(Hash([7; 32]));
    commit.meta.causation = Some(uuid::Uuid::nil());
    commit.meta.traceparent =
        Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into());
    let lines = there_and_back(&Entry::Commit(commit));
    assert_eq!(lines.len(), 2);
    let first: Value = serde_json::from_str(&lines[0]).expect("JSON");
    assert_eq!(first["specversion"], "1.0");
    assert_eq!(
        (&first["id"], &first["type"]),
        (&"5.0".into(), &"task.requeued.v1".into())
    );
    assert_eq!(first["data"]["a"], "ä");
    // Once for each commit, and never twice.
    assert!(first["commitpayload"].is_string() && !lines[1].contains("commitpayload"));
}

#[test]
fn payloads_that_nobody_would_write_are_carried_too() {
    for (payload, count) in [
        (
            &br#"{ "events" : [ {"v":1, "type":"a.b", "data":1e2, "x":0} ] }"#[..],
            1,
        ),
        (br#"{"events":[]}"#, 1),
        (b"", 1),
        (b"\xff\x00\n", 1),
    ] {
        assert_eq!(there_and_back(&with(payload)).len(), count, "{payload:?}");
    }
    let message = Unreadable {
        position: Position(5),
        subject: "an odd one".to_owned(),
        payload: b"\xff".to_vec(),
        reason: "as it was exported".to_owned(),
    };
    there_and_back(&Entry::Unreadable(message));
}

#[test]
fn a_line_that_was_changed_is_refused_or_gives_another_digest() {
    let lines = there_and_back(&with(br#"{"events":[{"type":"a.b","v":1,"data":{}}]}"#));
    for (what, with) in [
        ("/tenants/", "/tenant/"),
        ("task/", "tusk/"),
        ("\"sequence\":\"5\"", "\"sequence\":\"five\""),
        ("system:test", "nobody:test"),
    ] {
        let read = Read::parse(&lines[0].replace(what, with)).expect("JSON");
        assert!(entry(&[read]).is_err(), "{what}");
    }
    let read = Read::parse(&lines[0].replace("system:test", "system:rest")).expect("JSON");
    let Ok(Entry::Commit(commit)) = entry(&[read]) else {
        panic!("a commit");
    };
    assert_ne!(leaf(&Entry::Commit(commit.clone())), commit.meta.hash);
}

#[test]
fn a_commit_of_which_events_are_left_out_does_not_carry_them() {
    let commit = commit_at(7).stored_at(Position(5));
    let filter = Filter {
        types: vec!["task.started".parse().expect("a type")],
        ..Filter::default()
    };
    let lines = lines(&Entry::Commit(commit), &filter);
    let [Read::Event(line)] = &lines[..] else {
        panic!("one line: {lines:?}");
    };
    assert_eq!((&line.commitpayload, &line.commitpayload64), (&None, &None));
}
