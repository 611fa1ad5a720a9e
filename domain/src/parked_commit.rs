//! What people decide about a commit that the read models cannot take: to try it again, or to leave
//! it out.
//!
//! It is an aggregate of the main tenant, since a commit may be of nobody who can be told; its id
//! is derived from the commit's position.
//!
//! Invariant: what is left out is left out for good, for one reason. The events alone say what is
//! to be done, so whoever reads the log anew does the same.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Aggregate, AggregateKind, CommandId, Context, Decision, Timestamp, values::is_invisible,
};

/// The longest reason, in characters.
pub const REASON_MAX: usize = 500;

/// What can have been decided about a parked commit.
#[derive(Clone, Debug, PartialEq)]
pub enum ParkedCommitEvent {
    /// `parked_commit.retried`
    Retried(ParkedCommitRetried),
    /// `parked_commit.skipped`
    Skipped(ParkedCommitSkipped),
}

/// It is to be tried again, and with it what waits behind it.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct ParkedCommitRetried {
    /// The command that asked for it: each asks once.
    pub command: CommandId,
    /// Where the commit is in the log.
    pub position: u64,
}

/// It is left out for good, and what waits behind it is tried.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct ParkedCommitSkipped {
    /// Where the commit is in the log.
    pub position: u64,
    /// Why, in the words of whoever decided it: 1 to 500 characters.
    pub reason: String,
}

/// What has been decided about one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParkedCommit {
    /// Where the commit is in the log.
    pub position: u64,
    /// By which command it was tried last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retried: Option<CommandId>,
    /// Why it is left out, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
}

/// What can be asked about one.
#[derive(Clone, Debug)]
pub enum ParkedCommitCommand {
    /// Try it again: another program may know more.
    Retry {
        /// Where the commit is in the log.
        position: u64,
    },
    /// Leave it out for good.
    Skip {
        /// Where the commit is in the log.
        position: u64,
        /// Why; surrounding white space is not part of it.
        reason: String,
    },
}

/// Why the answer may be no.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ParkedCommitRejection {
    /// What was decided before was about another commit.
    #[error("this is about the commit at position {0}")]
    OtherCommit(u64),
    /// The reason cannot be one.
    #[error(
        "a reason has 1 to 500 characters, none of which controls a terminal or a text's \
             direction"
    )]
    Reason,
    /// It is left out for good.
    #[error("it is left out already: {0}")]
    Skipped(String),
}

impl Aggregate for ParkedCommit {
    const KIND: AggregateKind = AggregateKind::ParkedCommit;
    type Event = ParkedCommitEvent;
    type Command = ParkedCommitCommand;
    type Rejection = ParkedCommitRejection;

    fn evolve(state: Option<Self>, event: &ParkedCommitEvent, _: Timestamp) -> Option<Self> {
        let position = event.position();
        let commit = state.unwrap_or(Self {
            position,
            retried: None,
            skipped: None,
        });
        if commit.skipped.is_some() || commit.position != position {
            return Some(commit);
        }
        Some(match event {
            ParkedCommitEvent::Retried(retried) => Self {
                retried: Some(retried.command),
                ..commit
            },
            ParkedCommitEvent::Skipped(skipped) => Self {
                skipped: Some(skipped.reason.clone()),
                ..commit
            },
        })
    }

    fn decide(
        state: Option<&Self>,
        command: &ParkedCommitCommand,
        context: &Context,
    ) -> Decision<Self> {
        let (ParkedCommitCommand::Retry { position } | ParkedCommitCommand::Skip { position, .. }) =
            *command;
        if let Some(other) = state.filter(|state| state.position != position) {
            return Err(ParkedCommitRejection::OtherCommit(other.position));
        }
        let skipped = state.and_then(|state| state.skipped.as_ref());
        match (command, skipped) {
            (ParkedCommitCommand::Retry { .. }, Some(reason)) => {
                Err(ParkedCommitRejection::Skipped(reason.clone()))
            }
            (ParkedCommitCommand::Retry { .. }, None) => {
                let command = context.command;
                let is_done = state.is_some_and(|state| state.retried == Some(command));
                let retried = ParkedCommitRetried { command, position };
                let retried = (!is_done).then_some(ParkedCommitEvent::Retried(retried));
                Ok(retried.into_iter().collect())
            }
            (ParkedCommitCommand::Skip { .. }, Some(_)) => Ok(vec![]),
            (ParkedCommitCommand::Skip { reason, .. }, None) => {
                let reason = checked(reason)?;
                let skipped = ParkedCommitSkipped { position, reason };
                Ok(vec![ParkedCommitEvent::Skipped(skipped)])
            }
        }
    }
}

impl ParkedCommitEvent {
    /// Where the commit is that it is about.
    pub const fn position(&self) -> u64 {
        match self {
            Self::Retried(retried) => retried.position,
            Self::Skipped(skipped) => skipped.position,
        }
    }
}

fn checked(reason: &str) -> Result<String, ParkedCommitRejection> {
    let reason = reason.trim();
    let fits = (1..=REASON_MAX).contains(&reason.chars().count());
    if !fits || reason.chars().any(is_invisible) {
        return Err(ParkedCommitRejection::Reason);
    }
    Ok(reason.to_owned())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::testing::{NOW, context, fold, given};

    const RETRY: ParkedCommitCommand = ParkedCommitCommand::Retry { position: 5 };

    fn retried() -> ParkedCommitEvent {
        ParkedCommitEvent::Retried(ParkedCommitRetried {
            command: context(NOW).command,
            position: 5,
        })
    }

    fn skip(reason: &str) -> ParkedCommitCommand {
        ParkedCommitCommand::Skip {
            position: 5,
            reason: reason.to_owned(),
        }
    }

    fn skipped(reason: &str) -> ParkedCommitEvent {
        ParkedCommitEvent::Skipped(ParkedCommitSkipped {
            position: 5,
            reason: reason.to_owned(),
        })
    }

    #[test]
    fn each_command_tries_it_once_and_the_next_again() {
        given::<ParkedCommit>([]).when(RETRY).then([retried()]);
        given::<ParkedCommit>([retried()]).when(RETRY).then([]);
        let tried = fold::<ParkedCommit>(None, &[retried()]);
        let mut other = context(NOW);
        other.command = CommandId::new(Uuid::from_u128(100));
        let again = ParkedCommit::decide(tried.as_ref(), &RETRY, &other);
        assert_eq!(again.map(|events| events.len()), Ok(1));
    }

    #[test]
    fn it_is_left_out_once_and_for_good() {
        given::<ParkedCommit>([retried()])
            .when(skip(" void "))
            .then([skipped("void")]);
        given::<ParkedCommit>([skipped("void")])
            .when(skip("another reason"))
            .then([]);
        given::<ParkedCommit>([skipped("void")])
            .when(RETRY)
            .rejected(&ParkedCommitRejection::Skipped("void".to_owned()));
        let both = fold::<ParkedCommit>(None, &[skipped("void"), retried(), skipped("other")]);
        assert_eq!(both, fold(None, &[skipped("void")]));
    }

    #[test]
    fn a_reason_is_a_line_of_at_most_500_characters() {
        let longest = "ä".repeat(REASON_MAX);
        given::<ParkedCommit>([])
            .when(skip(&longest))
            .then([skipped(&longest)]);
        for wrong in ["", " \t ", "a\0b", "a\u{202E}b", &format!("{longest}x")] {
            given::<ParkedCommit>([])
                .when(skip(wrong))
                .rejected(&ParkedCommitRejection::Reason);
        }
    }

    #[test]
    fn it_is_about_one_commit() {
        given::<ParkedCommit>([retried()])
            .when(ParkedCommitCommand::Retry { position: 6 })
            .rejected(&ParkedCommitRejection::OtherCommit(5));
    }
}
