//! The shape that every aggregate has: events, a state folded from them, commands that it decides.
//!
//! Invariant: `evolve` accepts any event in any state without panicking, and `decide` depends on
//! nothing but its arguments; together they make replay and retry safe.

use uuid::Uuid;

use crate::{CommandId, TenantId, Timestamp, UserId};

/// What a decision is: events to append (none when nothing changes), or the reason why not.
pub type Decision<A> = Result<Vec<<A as Aggregate>::Event>, <A as Aggregate>::Rejection>;

/// One unit of consistency: all its events are ordered, and one command changes one of it at a
/// time.
///
/// `Option<Self>` is the state: `None` until the first event.
pub trait Aggregate: Clone + std::fmt::Debug + PartialEq + Send + Sync + Sized + 'static {
    /// Which of the kinds this is; part of every subject.
    const KIND: AggregateKind;
    /// What can have happened to it.
    type Event: Clone + std::fmt::Debug + PartialEq + Send + Sync;
    /// What can be asked of it.
    type Command: Clone + std::fmt::Debug + Send + Sync;
    /// Why it may say no.
    type Rejection: std::error::Error + Clone + PartialEq + Send + Sync + 'static;

    /// The state after `event`. An event that makes no sense in `state` leaves it as it is.
    fn evolve(state: Option<Self>, event: &Self::Event, at: Timestamp) -> Option<Self>;

    /// The events that `command` causes in `state`.
    fn decide(state: Option<&Self>, command: &Self::Command, context: &Context) -> Decision<Self>;
}

macro_rules! kinds {
    ($($variant:ident => $name:literal),* $(,)?) => {
        /// The kinds of aggregate, by the name they bear in subjects, events and tables.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub enum AggregateKind {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
        }

        impl AggregateKind {
            /// Every kind, alphabetically.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name on the wire.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }

        impl std::str::FromStr for AggregateKind {
            type Err = UnknownKind;

            fn from_str(name: &str) -> Result<Self, Self::Err> {
                match name {
                    $($name => Ok(Self::$variant),)*
                    other => Err(UnknownKind(other.to_owned())),
                }
            }
        }
    };
}

kinds! {
    ApiKey => "api_key",
    EmailClaim => "email",
    IdentityClaim => "identity",
    Job => "job",
    LogCheckpoint => "log_checkpoint",
    Operation => "operation",
    ParkedCommit => "parked_commit",
    Resource => "resource",
    ResourceType => "resource_type",
    Settings => "settings",
    Task => "task",
    Tenant => "tenant",
    UniqueKey => "unique_key",
    User => "user",
}

/// The name belongs to no kind of aggregate that this program knows.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("unknown kind of aggregate {0:?}")]
pub struct UnknownKind(String);

/// Who asks.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Actor {
    /// A platform administrator who acts in a tenant that is not theirs.
    Platform(UserId),
    /// A part of Almanac itself, by its name: `scheduler`, `worker`, `bootstrap`.
    System(String),
    /// A person who signed in.
    User(UserId),
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Platform(id) => write!(f, "platform:{id}"),
            Self::System(name) => write!(f, "system:{name}"),
            Self::User(id) => write!(f, "user:{id}"),
        }
    }
}

impl std::str::FromStr for Actor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let user = |id: &str| id.parse().map_err(|_| format!("not a user id: {id:?}"));
        match text.split_once(':') {
            Some(("platform", id)) => user(id).map(Self::Platform),
            Some(("system", name)) => Ok(Self::System(name.to_owned())),
            Some(("user", id)) => user(id).map(Self::User),
            _ => Err(format!("not an actor: {text:?}")),
        }
    }
}

/// All that a decision may know beside the state and the command.
#[derive(Clone, Debug)]
pub struct Context {
    /// Who asks.
    pub actor: Actor,
    /// The command's own identity.
    pub command: CommandId,
    /// The aggregate that is asked.
    pub id: Uuid,
    /// When it was asked.
    pub now: Timestamp,
    /// For whom.
    pub tenant: TenantId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_actors_survive_text() {
        for kind in AggregateKind::ALL {
            assert_eq!(kind.name().parse(), Ok(*kind));
        }
        for actor in [
            Actor::Platform(UserId::new(uuid::Uuid::from_u128(2))),
            Actor::System("scheduler".into()),
            Actor::User(UserId::new(uuid::Uuid::from_u128(1))),
        ] {
            assert_eq!(actor.to_string().parse(), Ok(actor));
        }
        assert!("robot".parse::<Actor>().is_err());
    }
}
