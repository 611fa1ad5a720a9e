//! Commits that were not, as a file tells them: one JSON object on each line.
//!
//! `{"after":56,"tenant":"…","kind":"task","id":"…","events":[{"type":"task.created","v":1,
//! "data":{…}}]}`, and `time` and `actor` where they matter.
//!
//! Invariant: what the catalogue of events does not know is refused with its line.

use event_log::{Entry, seal};
use schemas::{
    Commit, Hash, Meta, Position, StreamId, Version,
    catalogue::EventRecord,
    domain::{Actor, AggregateKind, CommandId, TenantId, Timestamp, UnknownKind},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::runner::Reading;

/// Who is told to have asked, where the line does not say.
const ACTOR: &str = "what-if";

/// A commit that was not.
#[derive(Clone, Debug, PartialEq)]
pub struct Supposed {
    /// The line that tells it.
    pub line: usize,
    /// The position that it comes after; 0 for the very beginning.
    pub after: Position,
    pub(super) actor: Actor,
    pub(super) payload: Vec<u8>,
    pub(super) stream: StreamId,
    /// When it was asked; without it, at the time of the commit that it comes after.
    pub(super) time: Option<Timestamp>,
}

/// Why a line supposes nothing.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct SupposedError {
    /// Which, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    after: u64,
    tenant: Uuid,
    kind: String,
    id: Uuid,
    events: Vec<EventRecord>,
    #[serde(default)]
    time: Option<Timestamp>,
    #[serde(default)]
    actor: Option<String>,
}

#[derive(Serialize)]
struct Payload {
    events: Vec<EventRecord>,
}

impl Supposed {
    /// Reads a file. Empty lines are passed over.
    pub fn read(text: &str) -> Result<Vec<Self>, SupposedError> {
        let lines = text.lines().zip(1..);
        let told = lines.filter(|(text, _)| !text.trim().is_empty());
        told.map(|(text, line)| {
            Self::of(text, line).map_err(|reason| SupposedError { line, reason })
        })
        .collect()
    }

    fn of(text: &str, line: usize) -> Result<Self, String> {
        let told: Line = serde_json::from_str(text).map_err(|reason| reason.to_string())?;
        let kind = told.kind.parse::<AggregateKind>();
        let kind = kind.map_err(|unknown: UnknownKind| unknown.to_string())?;
        let actor = match told.actor {
            Some(actor) => actor.parse()?,
            None => Actor::System(ACTOR.to_owned()),
        };
        let payload = Payload {
            events: told.events,
        };
        let supposed = Self {
            line,
            after: Position(told.after),
            actor,
            payload: serde_json::to_vec(&payload).map_err(|reason| reason.to_string())?,
            stream: StreamId {
                tenant: TenantId::new(told.tenant),
                kind,
                id: told.id,
            },
            time: told.time,
        };
        let whenever = told.time.unwrap_or(Timestamp::from_unix_ms(0));
        let commit = supposed.commit(Position(0), whenever, (Version(1), Hash::ZERO));
        Reading::of(Entry::Commit(commit)).events?;
        Ok(supposed)
    }

    /// The commit it would be, at this place of its aggregate: its version, and the digest of the
    /// commit before.
    pub(super) fn commit(
        &self,
        position: Position,
        time: Timestamp,
        (version, previous): (Version, Hash),
    ) -> Commit {
        // Nobody asked for it, so it is known by its line.
        let id = Uuid::from_u128(self.line as u128);
        let mut meta = Meta {
            actor: self.actor.clone(),
            causation: None,
            command: CommandId::new(id),
            correlation: id,
            fingerprint: None,
            hash: Hash::ZERO,
            previous,
            time,
            traceparent: None,
            version,
        };
        meta.hash = seal(self.stream, &meta, &self.payload);
        Commit {
            meta,
            payload: self.payload.clone(),
            position,
            stream: self.stream,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "00000000-0000-0000-0000-00000000000a";

    fn line(kind: &str, event: &str) -> String {
        format!(r#"{{"after":3,"tenant":"{ID}","kind":"{kind}","id":"{ID}","events":[{event}]}}"#)
    }

    #[test]
    fn a_line_is_a_commit() {
        let told = line("task", r#"{"type":"task.requeued","v":1,"data":{}}"#);
        let read = Supposed::read(&format!("\n{told}\n\n")).expect("read");
        let [supposed] = &read[..] else {
            panic!("{read:?}");
        };
        assert_eq!((supposed.line, supposed.after), (2, Position(3)));
        assert_eq!(supposed.stream.kind, AggregateKind::Task);
        assert_eq!(supposed.actor.to_string(), "system:what-if");
    }

    #[test]
    fn what_the_catalogue_does_not_know_is_refused_with_its_line() {
        let good = line("task", r#"{"type":"task.requeued","v":1,"data":{}}"#);
        let wrong = [
            ("{".to_owned(), "EOF"),
            (good.replace("\"after\":3,", ""), "missing field `after`"),
            (
                good.replace("\"after\"", "\"now\":1,\"after\""),
                "unknown field `now`",
            ),
            (line("thing", ""), "unknown kind of aggregate \"thing\""),
            (line("task", ""), "it holds no events"),
            (
                good.replace("requeued", "admired"),
                "unknown event \"task.admired\"",
            ),
            (
                good.replace("\"v\":1", "\"v\":9"),
                "newer than this program",
            ),
            (
                line("task", r#"{"type":"task.created","v":1,"data":{}}"#),
                "missing field",
            ),
            (
                line("job", r#"{"type":"task.requeued","v":1,"data":{}}"#),
                "unknown event",
            ),
        ];
        for (text, reason) in wrong {
            let refused = Supposed::read(&format!("{good}\n{text}")).expect_err(&text);
            assert_eq!(refused.line, 2);
            assert!(refused.reason.contains(reason), "{refused}");
        }
    }
}
