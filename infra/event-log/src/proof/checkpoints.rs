//! Checkpoints held against the log that they cover.
//!
//! Invariant: a checkpoint counts only if a trusted key signed it, it names the one before it, and
//! its root is that of the entries that were read, by whatever name the log was called then;
//! whatever is wrong is told once for each checkpoint.

use std::collections::VecDeque;

use domain::log_checkpoint::{LogCheckpointEvent, LogCheckpointSigned};
use schemas::{Commit, Hash, Position, StreamId, catalogue};

use super::Against;
use crate::{
    Checkpoint, EventLog, Frontier, Head, LogError, NoteError, ReadFrom, SignedNote, VerifierKey,
    checkpoints, origin,
};

/// What can be wrong with a checkpoint.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CheckpointFlaw {
    /// Commits that it covers are missing.
    #[error("cannot be held against the log: commits that it covers are missing")]
    Broken,
    /// The root of the log up to there is another.
    #[error(
        "has another root than the log up to there: a commit was changed, or the checkpoint forged"
    )]
    Differs,
    /// It does not follow the checkpoint before it.
    #[error("does not name the checkpoint before it: one was changed or is missing")]
    Detached,
    /// Its event says something else than what was signed.
    #[error("says something else than what was signed")]
    Misquoted,
    /// Its note or its signature is not right.
    #[error("{0}")]
    Note(#[from] NoteError),
    /// It is of another log.
    #[error("is of another log, {0}")]
    OtherLog(String),
    /// The log is shorter than it was.
    #[error("covers {size} commits, but the log ends at {end}: its tail was removed")]
    Truncated {
        /// How many it covers.
        size: u64,
        /// Where the log ends.
        end: Position,
    },
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(String),
}

/// Where a checkpoint was found, and what is wrong with it.
pub(super) struct Found {
    pub at: Place,
    pub what: CheckpointFlaw,
}

/// Where a checkpoint was found.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// By whoever asks, of so many entries.
    Given(Position),
    Log(Position, StreamId),
}

/// The checkpoints that are yet to be held against the log, and the tree to do it by.
pub(super) struct Checkpoints {
    /// In the order of their sizes.
    expected: VecDeque<Expected>,
    /// How many held.
    pub held: u64,
    /// How far the last one that held reaches.
    pub covered: Position,
    /// By which keys they were checked.
    pub keys: Vec<VerifierKey>,
    tree: Frontier,
    /// Whether the tree is that of all entries so far.
    whole: bool,
}

/// What is known of the checkpoint before.
#[derive(Clone, Copy, PartialEq)]
enum Before {
    Known(Option<(u64, Hash)>),
    Unknown,
}

struct Expected {
    at: Place,
    /// To go on from where the log has a gap.
    frontier: Option<Frontier>,
    root: Hash,
    size: u64,
}

impl Checkpoints {
    /// Those of `log` and those given; what can be told without the log is told now.
    pub(super) async fn load(
        log: &dyn EventLog,
        head: &Head,
        against: &Against,
    ) -> Result<(Self, Vec<Found>), LogError> {
        let mut this = Self {
            expected: VecDeque::new(),
            held: 0,
            covered: Position(0),
            keys: against.keys.clone(),
            tree: Frontier::default(),
            whole: true,
        };
        let mut wrong = Vec::new();
        let commits = match log.load(checkpoints(), Position(0), ReadFrom::Leader).await {
            // The walk will come to it.
            Err(LogError::Unreadable { .. }) => Vec::new(),
            commits => commits?,
        };
        // A log that was restored is called anew, and bears the checkpoints that it had.
        let mut origins = vec![origin(&head.incarnation)];
        let mut before = Before::Known(None);
        for commit in commits.iter().filter(|at| at.position <= head.position) {
            let at = Place::Log(commit.position, commit.stream);
            match this.of_log(commit, &mut origins, &mut before) {
                Ok(mut found) => this.expected.append(&mut found),
                Err(what) => wrong.push(Found { at, what }),
            }
        }
        for note in &against.checkpoints {
            match this.given(note, &origins) {
                Ok(expected) => this.expected.push_back(expected),
                Err(what) => {
                    let text = note.unverified().parse::<Checkpoint>();
                    let at = Place::Given(Position(text.map_or(0, |text| text.size)));
                    wrong.push(Found { at, what });
                }
            }
        }
        let expected = this.expected.make_contiguous();
        expected.sort_by_key(|expected| expected.size);
        Ok((this, wrong))
    }

    fn of_log(
        &mut self,
        commit: &Commit,
        origins: &mut Vec<String>,
        before: &mut Before,
    ) -> Result<VecDeque<Expected>, CheckpointFlaw> {
        // What follows one that is not right can only be held against the log.
        let mut follows = std::mem::replace(before, Before::Unknown);
        let unreadable =
            |reason: catalogue::DecodeError| CheckpointFlaw::Unreadable(reason.to_string());
        let events = catalogue::decode(&commit.payload).map_err(unreadable)?;
        let at = Place::Log(commit.position, commit.stream);
        let mut expected = VecDeque::new();
        for LogCheckpointEvent::Signed(signed) in &events {
            let (checkpoint, frontier) = self.signed(signed)?;
            if !origins.contains(&checkpoint.origin) {
                origins.push(checkpoint.origin.clone());
            }
            let this = Before::Known(Some((checkpoint.size, checkpoint.root)));
            let named = Before::Known(checkpoint.previous);
            let is_detached = follows != Before::Unknown && follows != named;
            (*before, follows) = (this, this);
            if is_detached {
                return Err(CheckpointFlaw::Detached);
            }
            expected.push_back(Expected {
                at,
                frontier: Some(frontier),
                root: checkpoint.root,
                size: checkpoint.size,
            });
        }
        Ok(expected)
    }

    /// What was signed, by a key that is trusted. Without any given, the first keys of the log are;
    /// from then on a key is that signed together with one that is.
    fn signed(
        &mut self,
        signed: &LogCheckpointSigned,
    ) -> Result<(Checkpoint, Frontier), CheckpointFlaw> {
        let note: SignedNote = signed.note.parse()?;
        let named: Result<Vec<VerifierKey>, _> =
            signed.keys.iter().map(|key| key.parse()).collect();
        let named = named?;
        if self.keys.is_empty() {
            self.keys.clone_from(&named);
        }
        let checkpoint = self.open(&note)?;
        for key in named {
            if !self.keys.contains(&key) && note.is_signed_by(&key)? {
                self.keys.push(key);
            }
        }
        let frontier = frontier(signed).filter(|tree| tree.root() == checkpoint.root);
        let frontier = frontier.ok_or(CheckpointFlaw::Misquoted)?;
        let quoted = (signed.size, signed.root.parse().ok());
        let same = quoted == (checkpoint.size, Some(checkpoint.root))
            && signed.previous == checkpoint.previous.map_or(0, |(size, _)| size);
        same.then_some((checkpoint, frontier))
            .ok_or(CheckpointFlaw::Misquoted)
    }

    /// One that was kept elsewhere; the log may be called by any of `origins`.
    fn given(&self, note: &SignedNote, origins: &[String]) -> Result<Expected, CheckpointFlaw> {
        let said = said(note)?;
        if !origins.contains(&said.origin) {
            return Err(CheckpointFlaw::OtherLog(said.origin));
        }
        let checkpoint = self.open(note)?;
        Ok(Expected {
            at: Place::Given(Position(checkpoint.size)),
            frontier: None,
            root: checkpoint.root,
            size: checkpoint.size,
        })
    }

    fn open(&self, note: &SignedNote) -> Result<Checkpoint, CheckpointFlaw> {
        note.open(&self.keys)?;
        said(note)
    }

    /// Takes in the entry of `leaf` at `position`; what of that does not hold.
    pub(super) fn push(&mut self, position: Position, leaf: Hash) -> Vec<Found> {
        self.tree.push(&leaf.0);
        self.reached(position)
    }

    /// From here on up to `position` nothing was found.
    pub(super) fn gap(&mut self, position: Position) -> Vec<Found> {
        self.whole = false;
        self.reached(position)
    }

    /// Those that cover nothing beyond `position`, if they do not hold.
    fn reached(&mut self, position: Position) -> Vec<Found> {
        let (mut wrong, mut goes_on) = (Vec::new(), None);
        let reached = |expected: &mut Expected| expected.size <= position.0;
        while let Some(expected) = self.expected.pop_front_if(reached) {
            let what = if !self.whole {
                CheckpointFlaw::Broken
            } else if self.tree.root() == expected.root && self.tree.size() == expected.size {
                self.held += 1;
                self.covered = self.covered.max(Position(expected.size));
                continue;
            } else {
                CheckpointFlaw::Differs
            };
            let at = expected.at;
            wrong.push(Found { at, what });
            if expected.size == position.0 {
                goes_on = goes_on.or(expected.frontier);
            }
        }
        // What comes after can still be held against what was signed here.
        if let Some(frontier) = goes_on {
            (self.tree, self.whole) = (frontier, true);
        }
        wrong
    }

    /// Those that cover more than there is.
    pub(super) fn end(&mut self, end: Position) -> Vec<Found> {
        let beyond = self.expected.drain(..);
        beyond
            .map(|Expected { at, size, .. }| {
                let what = CheckpointFlaw::Truncated { size, end };
                Found { at, what }
            })
            .collect()
    }
}

/// What a note says, whoever signed it.
fn said(note: &SignedNote) -> Result<Checkpoint, CheckpointFlaw> {
    let unreadable = |reason: crate::NoCheckpoint| CheckpointFlaw::Unreadable(reason.to_string());
    note.unverified().parse().map_err(unreadable)
}

/// The tree that an event says it ends with.
pub(crate) fn frontier(signed: &LogCheckpointSigned) -> Option<Frontier> {
    let roots: Result<Vec<Hash>, _> = signed.frontier.iter().map(|root| root.parse()).collect();
    Frontier::new(roots.ok()?, signed.size)
}
