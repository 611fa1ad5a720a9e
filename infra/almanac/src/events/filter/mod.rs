//! Which events are wanted.
//!
//! Invariant: all conditions hold for an event that is shown, and every event for which they hold
//! is shown; a message that is no commit belongs to nobody, so any condition but positions leaves
//! it out.

use std::str::FromStr;

use domain::{Actor, AggregateKind, Slug, TenantId, Timestamp};
use event_log::{Commit, Entry, Position, StreamId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The conditions; of those that are absent, anything goes.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(into = "Told", try_from = "Told")]
pub struct Filter {
    /// Who asked.
    pub actor: Option<Actor>,
    /// What belongs together.
    pub correlation: Option<Uuid>,
    /// From there on, that one included.
    pub from: Option<Bound>,
    /// Of which aggregate.
    pub id: Option<Uuid>,
    /// Of which kind of aggregate.
    pub kind: Option<AggregateKind>,
    /// Whose events.
    pub tenant: Option<TenantId>,
    /// Up to there, that one included.
    pub to: Option<Bound>,
    /// What happened: one of these.
    pub types: Vec<TypeName>,
}

/// The conditions as text.
#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
struct Told {
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    types: Vec<String>,
}

/// An end of what is wanted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Bound {
    /// A place in the log.
    Position(Position),
    /// When a command was asked.
    Time(Timestamp),
}

/// A type of event, in one version or in each.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TypeName {
    name: String,
    version: Option<u16>,
}

/// A tenant by its slug or id.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TenantRef(pub TenantId);

impl Filter {
    /// Whether nothing but positions is asked for, so that all there is between them is wanted.
    pub fn is_whole(&self) -> bool {
        let Self { from, to, .. } = *self;
        let is_time = |bound: Option<Bound>| matches!(bound, Some(Bound::Time(_)));
        let open = Self {
            from,
            to,
            ..Self::default()
        };
        !is_time(from) && !is_time(to) && *self == open
    }

    /// The one aggregate that is wanted, if it is only one.
    pub fn stream(&self) -> Option<StreamId> {
        Some(StreamId {
            tenant: self.tenant?,
            kind: self.kind?,
            id: self.id?,
        })
    }

    /// Whether `entry` is wanted; of a commit, perhaps not every event.
    pub fn admits(&self, entry: &Entry) -> bool {
        match entry {
            Entry::Commit(commit) => self.admits_commit(commit),
            Entry::Unreadable(message) => self.is_whole() && self.admits_position(message.position),
        }
    }

    /// Whether an event of this type is wanted, such as `task.created.v1`.
    pub fn admits_type(&self, name: &str) -> bool {
        self.types.is_empty() || self.types.iter().any(|wanted| wanted.is(name))
    }

    /// Whether a commit is wanted; perhaps not every event of it.
    pub fn admits_commit(&self, commit: &Commit) -> bool {
        let (meta, stream) = (&commit.meta, commit.stream);
        let is_late = matches!(self.from, Some(Bound::Time(from)) if meta.time < from);
        let is_early = matches!(self.to, Some(Bound::Time(to)) if meta.time > to);
        !is_late
            && !is_early
            && self.admits_position(commit.position)
            && self.tenant.is_none_or(|tenant| tenant == stream.tenant)
            && self.kind.is_none_or(|kind| kind == stream.kind)
            && self.id.is_none_or(|id| id == stream.id)
            && self.actor.as_ref().is_none_or(|actor| *actor == meta.actor)
            && self.correlation.is_none_or(|id| id == meta.correlation)
    }

    fn admits_position(&self, position: Position) -> bool {
        let is_before = matches!(self.from, Some(Bound::Position(from)) if position < from);
        let is_after = matches!(self.to, Some(Bound::Position(to)) if position > to);
        !is_before && !is_after
    }
}

impl TypeName {
    fn is(&self, name: &str) -> bool {
        let (found, version) = split(name);
        self.name == found && (self.version.is_none() || self.version == version)
    }
}

/// A type's name and version; none if it is not said.
pub fn split(name: &str) -> (&str, Option<u16>) {
    let versioned = name.rsplit_once(".v");
    let parts = versioned.and_then(|(name, version)| Some((name, version.parse().ok()?)));
    parts.map_or((name, None), |(name, version)| (name, Some(version)))
}

impl FromStr for TypeName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, version) = split(text);
        let plain = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.');
        let fits = name.contains('.') && name.bytes().all(plain);
        let refused = || format!("{text:?} is no type of event, such as task.created");
        let name = name.to_owned();
        fits.then_some(Self { name, version }).ok_or_else(refused)
    }
}

impl FromStr for TenantRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(id) = text.parse() {
            return Ok(Self(TenantId::new(id)));
        }
        let slug = Slug::try_new(text).map_err(|reason| reason.to_string())?;
        Ok(Self(TenantId::of_slug(&slug)))
    }
}

impl FromStr for Bound {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(position) = text.parse() {
            return Ok(Self::Position(Position(position)));
        }
        let time = text.parse().map(Self::Time);
        time.map_err(|_| format!("{text:?} is neither a position nor an RFC 3339 time"))
    }
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Position(position) => position.fmt(f),
            Self::Time(time) => time.fmt(f),
        }
    }
}

impl std::fmt::Display for TypeName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)?;
        self.version
            .map_or(Ok(()), |version| write!(f, ".v{version}"))
    }
}

impl From<Filter> for Told {
    fn from(of: Filter) -> Self {
        Self {
            actor: of.actor.map(|actor| actor.to_string()),
            correlation: of.correlation.map(|id| id.to_string()),
            from: of.from.map(|bound| bound.to_string()),
            id: of.id.map(|id| id.to_string()),
            kind: of.kind.map(|kind| kind.name().to_owned()),
            tenant: of.tenant.map(|tenant| tenant.to_string()),
            to: of.to.map(|bound| bound.to_string()),
            types: of.types.iter().map(ToString::to_string).collect(),
        }
    }
}

impl TryFrom<Told> for Filter {
    type Error = String;

    fn try_from(told: Told) -> Result<Self, String> {
        let types: Result<_, _> = told.types.iter().map(|text| text.parse()).collect();
        Ok(Self {
            actor: read(told.actor)?,
            correlation: read(told.correlation)?,
            from: read(told.from)?,
            id: read(told.id)?,
            kind: read(told.kind)?,
            tenant: read::<TenantRef>(told.tenant)?.map(|TenantRef(id)| id),
            to: read(told.to)?,
            types: types?,
        })
    }
}

fn read<T: FromStr<Err: std::fmt::Display>>(text: Option<String>) -> Result<Option<T>, String> {
    let read = |text: String| text.parse().map_err(|reason| format!("{text:?}: {reason}"));
    text.map(read).transpose()
}

#[cfg(test)]
pub mod tests;
