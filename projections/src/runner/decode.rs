//! What can be known of an entry without knowing what came before it.
//!
//! Invariant: whatever the bytes, this ends with events or with a reason that names what is wrong.

use event_log::{Entry, seal};
use schemas::{
    Commit,
    catalogue::{EventRecord, Recorded, decode_records},
    domain::{
        AggregateKind, email_claim::EmailClaimEvent, job::JobEvent, resource::ResourceEvent,
        resource_type::ResourceTypeEvent, task::TaskEvent, tenant::TenantEvent, user::UserEvent,
    },
};

/// How deep a payload may nest: deeper, and the state could be written but not read back.
const DEPTH_MAX: usize = 100;

/// An entry, and what could be made of it.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(super) entry: Entry,
    /// The events, or why there are none.
    pub(super) events: Result<Decoded, String>,
}

/// The events of a commit.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) events: Events,
    /// As they were written.
    pub(super) records: Vec<EventRecord>,
}

/// The events of a commit, by the kind of its aggregate.
#[derive(Debug)]
pub(super) enum Events {
    EmailClaim,
    Job(Vec<JobEvent>),
    Resource(Vec<ResourceEvent>),
    ResourceType(Vec<ResourceTypeEvent>),
    Task(Vec<TaskEvent>),
    Tenant(Vec<TenantEvent>),
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
}

fn decode(commit: &Commit) -> Result<Decoded, String> {
    if seal(commit.stream, &commit.meta, &commit.payload) != commit.meta.hash {
        return Err("its content does not match its hash".to_owned());
    }
    if depth(&commit.payload) > DEPTH_MAX {
        return Err(format!("its payload nests deeper than {DEPTH_MAX}"));
    }
    let records = decode_records(&commit.payload).map_err(|reason| reason.to_string())?;
    if records.is_empty() {
        return Err("it holds no events".to_owned());
    }
    let events = match commit.stream.kind {
        // Claims have no read model, but a claim that cannot be read is as much poison as any.
        AggregateKind::EmailClaim => typed::<EmailClaimEvent>(&records).map(|_| Events::EmailClaim),
        AggregateKind::Job => typed(&records).map(Events::Job),
        AggregateKind::Resource => typed(&records).map(Events::Resource),
        AggregateKind::ResourceType => typed(&records).map(Events::ResourceType),
        AggregateKind::Task => typed(&records).map(Events::Task),
        AggregateKind::Tenant => typed(&records).map(Events::Tenant),
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

/// How deep brackets nest outside of strings, in a text that may or may not be JSON.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_brackets_outside_of_strings() {
        assert_eq!(depth(br#"{"a":[1,{"b":"[[[{{\"[["}],"c":{}}"#), 3);
        assert_eq!(depth(b"]]]"), 0);
        assert_eq!(depth(b""), 0);
    }
}
