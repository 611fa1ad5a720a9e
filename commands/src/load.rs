//! An aggregate as far as this process has read it.
//!
//! Invariant: state, version, hash and receipts always belong to the same commit; each commit read
//! must continue the one before, in version and in hash, or the aggregate is corrupt and takes no
//! commands.

use domain::{Aggregate, CommandId};
use event_log::seal;
use schemas::{
    Commit, Hash, Position, Version,
    catalogue::{self, Recorded},
};

use crate::Failure;

/// An aggregate that exists, as the log has it.
#[derive(Clone, Debug)]
pub struct Current<A> {
    /// Where its last commit is.
    pub position: Position,
    /// What its events lead to.
    pub state: A,
    /// How many commits it has.
    pub version: Version,
}

/// An aggregate as far as it has been read.
#[derive(Clone, Debug)]
pub(crate) struct Loaded<A> {
    pub(crate) hash: Hash,
    pub(crate) position: Position,
    pub(crate) receipts: Vec<Past>,
    pub(crate) state: Option<A>,
    pub(crate) version: Version,
}

/// A command that has been done.
#[derive(Clone, Debug)]
pub(crate) struct Past {
    pub(crate) command: CommandId,
    pub(crate) fingerprint: Option<Hash>,
    pub(crate) position: Position,
    pub(crate) version: Version,
}

impl<A> Default for Loaded<A> {
    fn default() -> Self {
        Self {
            hash: Hash::ZERO,
            position: Position(0),
            receipts: Vec::new(),
            state: None,
            version: Version(0),
        }
    }
}

impl<A: Aggregate> Loaded<A>
where
    A::Event: Recorded,
{
    /// Takes in the aggregate's next commit.
    pub(crate) fn apply(&mut self, commit: &Commit) -> Result<(), Failure> {
        let meta = &commit.meta;
        let continues = meta.version == self.version.next() && meta.previous == self.hash;
        if !continues || seal(commit.stream, meta, &commit.payload) != meta.hash {
            return Err(Failure::Corrupt(format!(
                "position {} does not continue version {} of {} {}",
                commit.position,
                self.version,
                commit.stream.kind.name(),
                commit.stream.id,
            )));
        }
        let events: Vec<A::Event> = catalogue::decode(&commit.payload).map_err(|reason| {
            Failure::Corrupt(format!("position {}: {reason}", commit.position))
        })?;
        self.take(&events, meta, commit.position);
        Ok(())
    }

    /// Takes in events that were decided here and are now stored at `position`.
    pub(crate) fn take(&mut self, events: &[A::Event], meta: &schemas::Meta, position: Position) {
        let state = self.state.take();
        self.state = events
            .iter()
            .fold(state, |state, e| A::evolve(state, e, meta.time));
        self.hash = meta.hash;
        self.position = position;
        self.version = meta.version;
        self.receipts.push(Past {
            command: meta.command,
            fingerprint: meta.fingerprint,
            position,
            version: meta.version,
        });
    }

    /// What came of `command`, if it has been done.
    pub(crate) fn past(&self, command: CommandId) -> Option<&Past> {
        self.receipts
            .iter()
            .rev()
            .find(|past| past.command == command)
    }
}
