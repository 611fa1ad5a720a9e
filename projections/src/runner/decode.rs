//! What can be known of an entry without knowing what came before it.
//!
//! Invariant: whatever the bytes, this ends with events or with a reason that names what is wrong.

use event_log::{Entry, seal};
use schemas::{
    Commit, StreamId,
    catalogue::{EventRecord, Recorded, decode_records},
    domain::{
        AggregateKind, api_key::ApiKeyEvent, email_claim::EmailClaimEvent,
        identity_claim::IdentityClaimEvent, job::JobEvent, log_checkpoint::LogCheckpointEvent,
        operation::OperationEvent, parked_commit::ParkedCommitEvent, resource::ResourceEvent,
        resource_type::ResourceTypeEvent, settings::SettingsEvent, task::TaskEvent,
        tenant::TenantEvent, unique_key::UniqueKeyEvent, user::UserEvent,
    },
};
use serde_json::Value;

/// How deep a payload may nest: deeper, and the state could be written but not read back.
const DEPTH_MAX: usize = 100;

/// An entry, and what could be made of it.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) entry: Entry,
    /// The events, or why there are none.
    pub(crate) events: Result<Decoded, String>,
}

/// The events of a commit.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) events: Events,
    /// As they were written.
    pub(super) records: Vec<EventRecord>,
}

/// The events of a commit, by the kind of its aggregate.
#[derive(Debug)]
pub(crate) enum Events {
    ApiKey(Vec<ApiKeyEvent>),
    EmailClaim,
    IdentityClaim,
    Job(Vec<JobEvent>),
    LogCheckpoint,
    Operation(Vec<OperationEvent>),
    ParkedCommit(Vec<ParkedCommitEvent>),
    Resource(Vec<ResourceEvent>),
    ResourceType(Vec<ResourceTypeEvent>),
    Settings(Vec<SettingsEvent>),
    Task(Vec<TaskEvent>),
    Tenant(Vec<TenantEvent>),
    UniqueKey,
    User(Vec<UserEvent>),
}

impl Reading {
    pub(crate) fn of(entry: Entry) -> Self {
        let events = match &entry {
            Entry::Commit(commit) => decode(commit),
            Entry::Unreadable(unreadable) => Err(unreadable.reason.clone()),
        };
        Self { entry, events }
    }

    /// Whose it is, if that can be told.
    pub(super) fn stream(&self) -> Option<StreamId> {
        stream(&self.entry)
    }
}

/// Whose an entry is, if that can be told.
pub(super) fn stream(entry: &Entry) -> Option<StreamId> {
    match entry {
        Entry::Commit(commit) => Some(commit.stream),
        Entry::Unreadable(_) => None,
    }
}

fn decode(commit: &Commit) -> Result<Decoded, String> {
    if seal(commit.stream, &commit.meta, &commit.payload) != commit.meta.hash {
        return Err("its content does not match its hash".to_owned());
    }
    let shape = Shape::of(&commit.payload);
    if shape.depth > DEPTH_MAX {
        return Err(format!("its payload nests deeper than {DEPTH_MAX}"));
    }
    let records = decode_records(&commit.payload).map_err(|reason| reason.to_string())?;
    if records.is_empty() {
        return Err("it holds no events".to_owned());
    }
    if shape.may_be_beyond_floats {
        // Postgres would keep such a number, also in a field that the decoder passes over, and
        // whoever reads the event afterwards could not.
        let read = |record: &EventRecord| serde_json::from_str::<Value>(record.data.get());
        let all = records.iter().try_for_each(|record| read(record).map(drop));
        all.map_err(|reason| reason.to_string())?;
    }
    let events = match commit.stream.kind {
        AggregateKind::ApiKey => typed(&records).map(Events::ApiKey),
        // Claims and checkpoints have no read model, but one that cannot be read is as much poison
        // as any.
        AggregateKind::EmailClaim => typed::<EmailClaimEvent>(&records).map(|_| Events::EmailClaim),
        AggregateKind::IdentityClaim => {
            typed::<IdentityClaimEvent>(&records).map(|_| Events::IdentityClaim)
        }
        AggregateKind::Job => typed(&records).map(Events::Job),
        AggregateKind::LogCheckpoint => {
            typed::<LogCheckpointEvent>(&records).map(|_| Events::LogCheckpoint)
        }
        AggregateKind::Operation => typed(&records).map(Events::Operation),
        AggregateKind::ParkedCommit => typed(&records).map(Events::ParkedCommit),
        AggregateKind::Resource => typed(&records).map(Events::Resource),
        AggregateKind::ResourceType => typed(&records).map(Events::ResourceType),
        AggregateKind::Settings => typed(&records).map(Events::Settings),
        AggregateKind::Task => typed(&records).map(Events::Task),
        AggregateKind::Tenant => typed(&records).map(Events::Tenant),
        AggregateKind::UniqueKey => typed::<UniqueKeyEvent>(&records).map(|_| Events::UniqueKey),
        AggregateKind::User => typed(&records).map(Events::User),
    }?;
    Ok(Decoded { events, records })
}

fn typed<E: Recorded>(records: &[EventRecord]) -> Result<Vec<E>, String> {
    records
        .iter()
        .map(E::read)
        .collect::<Result<_, _>>()
        .map_err(|reason| reason.to_string())
}

/// What can be told of a text that may or may not be JSON by looking at each byte once.
#[derive(Debug, Default, Eq, PartialEq)]
struct Shape {
    /// How deep brackets nest outside of strings.
    depth: usize,
    /// Whether a number outside of strings has an exponent or hundreds of digits.
    may_be_beyond_floats: bool,
}

impl Shape {
    fn of(json: &[u8]) -> Self {
        let (mut depth, mut digits, mut in_string, mut escaped) = (0_usize, 0, false, false);
        let mut shape = Self::default();
        for byte in json {
            let digits_before = std::mem::take(&mut digits);
            match byte {
                _ if escaped => escaped = false,
                b'\\' if in_string => escaped = true,
                b'"' => in_string = !in_string,
                _ if in_string => {}
                b'[' | b'{' => {
                    depth += 1;
                    shape.depth = shape.depth.max(depth);
                }
                b']' | b'}' => depth = depth.saturating_sub(1),
                b'0'..=b'9' => digits = digits_before + 1,
                b'e' | b'E' if digits_before > 0 => shape.may_be_beyond_floats = true,
                _ => {}
            }
            shape.may_be_beyond_floats |= digits >= f64::MAX_10_EXP;
        }
        shape
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_brackets_outside_of_strings() {
        let depth = |json: &str| Shape::of(json.as_bytes()).depth;
        assert_eq!(depth(r#"{"a":[1,{"b":"[[[{{\"[["}],"c":{}}"#), 3);
        assert_eq!(depth("]]]"), 0);
        assert_eq!(depth(""), 0);
    }

    #[test]
    fn numbers_that_may_be_beyond_floats_are_seen() {
        let may_be = |json: &str| Shape::of(json.as_bytes()).may_be_beyond_floats;
        assert!(may_be("[1e400]") && may_be("1.5E9") && may_be(&"9".repeat(309)));
        assert!(!may_be(
            r#"{"a":true,"b":"1e400","c":[12345678901234567890.5,false]}"#
        ));
    }
}
