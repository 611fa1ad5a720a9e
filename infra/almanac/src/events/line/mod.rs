//! One event as a line of JSON: CloudEvents 1.0, and beside it what makes the very same commit of
//! it again.
//!
//! What CloudEvents do not know are extension attributes. `commitpayload` is what is hashed, byte
//! by byte as it was written (in base64 as `commitpayload64` if it is no text); it stands in the
//! first line of its commit. `data` shows the same, and cannot replace it: the order of its keys is
//! lost to most programs that read JSON.
//!
//! Invariant: the lines of an entry depend on nothing but the entry and the filter; an entry made
//! of its lines is the entry that they were made of, or is refused.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{CommandId, TenantId};
use event_log::{Commit, Entry, Hash, Meta, Position, StreamId, Unreadable, Version};
use schemas::{api::EventView, event_views, occurrence};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{UNDECODABLE, UNREADABLE, filter::Filter};

/// What stands before the id of a tenant in `source`.
const SOURCE: &str = "/tenants/";
/// Where a message comes from that is no commit.
const NOWHERE: &str = "/";

/// An event of a commit.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Line {
    /// What everybody is shown of it.
    #[serde(flatten)]
    pub event: EventView,
    /// Digest of the request's body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commitfingerprint: Option<String>,
    /// Digest of the commit.
    pub commithash: String,
    /// What is hashed, in the first line of a commit of which no event was left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commitpayload: Option<String>,
    /// The same in base64, if it is no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commitpayload64: Option<String>,
    /// Digest of the aggregate's commit before.
    pub commitprevious: String,
}

/// A message that is no commit, also as a `CloudEvents` object.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    specversion: String,
    id: String,
    source: String,
    subject: String,
    #[serde(rename = "type")]
    name: String,
    datacontenttype: String,
    data_base64: String,
    sequence: String,
}

/// A line, as it is read again.
#[derive(Clone, Debug, PartialEq)]
pub enum Read {
    Event(Box<Line>),
    Message(Message),
}

/// The events of `entry` that are wanted, as everybody is shown them; one that says so where a
/// commit cannot be decoded, and none of what is no commit.
pub fn views(entry: &Entry, filter: &Filter) -> Vec<EventView> {
    let Entry::Commit(commit) = entry else {
        return Vec::new();
    };
    if !filter.admits(entry) {
        return Vec::new();
    }
    let views = event_views(commit).unwrap_or_default();
    let mut views = if views.is_empty() {
        let mut view = EventView::from(occurrence(commit, UNDECODABLE));
        UNDECODABLE.clone_into(&mut view.name);
        view.data = Value::Object(serde_json::Map::new());
        vec![view]
    } else {
        views
    };
    views.retain(|view| filter.admits_type(&view.name));
    views
}

/// The lines of `entry` that are wanted.
pub fn lines(entry: &Entry, filter: &Filter) -> Vec<Read> {
    match entry {
        Entry::Commit(commit) => of_commit(commit, views(entry, filter), filter),
        Entry::Unreadable(message) if filter.admits(entry) => vec![Read::Message(of(message))],
        Entry::Unreadable(_) => Vec::new(),
    }
}

fn of_commit(commit: &Commit, views: Vec<EventView>, filter: &Filter) -> Vec<Read> {
    let (mut text, mut base64) = (None, None);
    if filter.types.is_empty() {
        match std::str::from_utf8(&commit.payload) {
            Ok(payload) => text = Some(payload.to_owned()),
            Err(_) => base64 = Some(STANDARD.encode(&commit.payload)),
        }
    }
    let meta = &commit.meta;
    let line = |event| Line {
        event,
        commitfingerprint: meta.fingerprint.map(|hash| hash.to_string()),
        commithash: meta.hash.to_string(),
        commitpayload: text.take(),
        commitpayload64: base64.take(),
        commitprevious: meta.previous.to_string(),
    };
    let lines = views.into_iter().map(line);
    lines.map(|line| Read::Event(Box::new(line))).collect()
}

fn of(message: &Unreadable) -> Message {
    let position = message.position.to_string();
    Message {
        specversion: "1.0".to_owned(),
        id: format!("{position}.0"),
        source: NOWHERE.to_owned(),
        subject: message.subject.clone(),
        name: UNREADABLE.to_owned(),
        datacontenttype: "application/octet-stream".to_owned(),
        data_base64: STANDARD.encode(&message.payload),
        sequence: position,
    }
}

impl Read {
    /// Reads a line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let failed = match serde_json::from_str(text) {
            Ok(line) => return Ok(Self::Event(line)),
            Err(reason) => reason,
        };
        match serde_json::from_str::<Message>(text) {
            Ok(message) if message.name == UNREADABLE => Ok(Self::Message(message)),
            _ => Err(format!("is no event: {failed}")),
        }
    }

    /// Writes a line, with its end.
    pub fn write(&self, to: &mut impl std::io::Write) -> std::io::Result<()> {
        match self {
            Self::Event(line) => serde_json::to_writer(&mut *to, line)?,
            Self::Message(message) => serde_json::to_writer(&mut *to, message)?,
        }
        to.write_all(b"\n")
    }

    /// The place of its commit in the log.
    pub fn position(&self) -> Result<Position, String> {
        let sequence = match self {
            Self::Event(line) => &line.event.sequence,
            Self::Message(message) => &message.sequence,
        };
        let position = sequence.parse().map(Position);
        position.map_err(|_| format!("sequence {sequence:?} is no position"))
    }
}

/// The entry that these lines were made of; there is at least one, and all are of one position.
pub fn entry(lines: &[Read]) -> Result<Entry, String> {
    let first = lines.first().ok_or("there is no line")?;
    let position = first.position()?;
    let entry = match first {
        Read::Event(line) => Entry::Commit(commit(line, position)?),
        Read::Message(message) => Entry::Unreadable(unreadable(message, position)?),
    };
    Ok(entry)
}

fn unreadable(message: &Message, position: Position) -> Result<Unreadable, String> {
    let payload = STANDARD.decode(&message.data_base64);
    Ok(Unreadable {
        position,
        subject: message.subject.clone(),
        payload: payload.map_err(|_| "data_base64 is no base64")?,
        reason: "as it was exported".to_owned(),
    })
}

fn commit(line: &Line, position: Position) -> Result<Commit, String> {
    let event = &line.event;
    let payload = match (&line.commitpayload, &line.commitpayload64) {
        (Some(text), None) => text.clone().into_bytes(),
        (None, Some(text)) => {
            let payload = STANDARD.decode(text);
            payload.map_err(|_| "commitpayload64 is no base64")?
        }
        _ => return Err("it does not hold what was hashed".to_owned()),
    };
    let hash = |text: &str| text.parse::<Hash>().map_err(|reason| reason.to_string());
    let fingerprint = line.commitfingerprint.as_deref().map(hash).transpose()?;
    let meta = Meta {
        actor: event.actorid.parse()?,
        causation: event.causationid,
        command: CommandId::new(event.commandid),
        correlation: event.correlationid,
        fingerprint,
        hash: hash(&line.commithash)?,
        previous: hash(&line.commitprevious)?,
        time: event.time,
        traceparent: event.traceparent.clone(),
        version: Version(event.streamrevision),
    };
    Ok(Commit {
        meta,
        payload,
        position,
        stream: stream(event)?,
    })
}

/// Whose event it is.
pub fn stream(event: &EventView) -> Result<StreamId, String> {
    let read = || {
        let tenant = event.source.strip_prefix(SOURCE)?.parse().ok()?;
        let (kind, id) = event.subject.split_once('/')?;
        Some(StreamId {
            tenant: TenantId::new(tenant),
            kind: kind.parse().ok()?,
            id: id.parse().ok()?,
        })
    };
    let told = || format!("{} {} is no aggregate", event.source, event.subject);
    read().ok_or_else(told)
}

#[cfg(test)]
mod tests;
