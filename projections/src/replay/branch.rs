//! One aggregate's history, told again with commits taken out and put in.
//!
//! Invariant: what comes of it has contiguous versions and an unbroken chain wherever the history
//! had, so whoever folds it need not know that it never was.

use event_log::{Entry, seal};
use schemas::{
    Commit, Hash, Position, StreamId, Version, catalogue::decode_records, domain::Timestamp,
};

use super::{
    NoLonger,
    life::{self, Life},
    supposed::Supposed,
};
use crate::runner::Reading;

/// An aggregate, as far as its history was told again.
pub(super) struct Branch {
    life: Box<dyn Life + Send>,
    stream: StreamId,
    /// The first commit that cannot be applied: what comes later waits behind it.
    stuck: Option<Position>,
    /// The last commit of the history as it is.
    was: Link,
    /// The last commit of the history as it would be.
    would: Link,
}

/// A commit to follow.
#[derive(Clone, Copy, Debug)]
struct Link {
    hash: Hash,
    version: Version,
}

/// What becomes of a commit.
#[derive(Debug)]
pub(super) enum Fate {
    /// It stands there, with another version or another commit before it than it had.
    Again(Commit),
    /// It stands there as it is, or waits behind one that cannot be applied.
    AsItIs,
    /// It would change nothing.
    NoLonger(NoLonger),
}

impl Branch {
    /// One of which nothing has happened.
    pub(super) fn new(stream: StreamId) -> Self {
        let none = Link {
            hash: Hash::ZERO,
            version: Version(0),
        };
        Self {
            life: life::of(stream.kind),
            stream,
            stuck: None,
            was: none,
            would: none,
        }
    }

    /// A commit of the history that is taken out.
    pub(super) fn leave_out(&mut self, commit: &Commit) {
        if self.was.precedes(commit) && is_sound(commit) {
            // It was decoded, so it can be folded.
            let _changed = self.life.was(&commit.payload, commit.meta.time);
        }
        self.was.follow(commit);
    }

    /// A commit of the history that stays in, if it still can.
    pub(super) fn keep(&mut self, commit: Commit) -> Fate {
        let (payload, at) = (&commit.payload, commit.meta.time);
        let follows = self.was.precedes(&commit);
        if !is_sound(&commit) || !(follows || self.would.precedes(&commit)) {
            self.stuck.get_or_insert(commit.position);
        }
        self.was.follow(&commit);
        if self.stuck.is_some() {
            return Fate::AsItIs;
        }
        let mattered = !follows || self.life.was(payload, at).unwrap_or(true);
        let matters = self.life.would(payload, at).unwrap_or(true);
        if mattered && !matters {
            return Fate::NoLonger(self.no_longer(&commit, None));
        }
        let is_moved = !self.would.precedes(&commit);
        let commit = if is_moved {
            self.chained(commit)
        } else {
            commit
        };
        self.would = Link::to(&commit);
        if is_moved {
            Fate::Again(commit)
        } else {
            Fate::AsItIs
        }
    }

    /// A commit that was not, to stand at `position`.
    pub(super) fn put_in(
        &mut self,
        supposed: &Supposed,
        position: Position,
        at: Timestamp,
    ) -> Fate {
        let place = (self.would.version.next(), self.would.hash);
        let commit = supposed.commit(position, at, place);
        let matters = self.life.would(&commit.payload, at).unwrap_or(false);
        if self.stuck.is_some() || !matters {
            return Fate::NoLonger(self.no_longer(&commit, Some(supposed.line)));
        }
        self.would = Link::to(&commit);
        Fate::Again(commit)
    }

    fn chained(&self, mut commit: Commit) -> Commit {
        commit.meta.version = self.would.version.next();
        commit.meta.previous = self.would.hash;
        commit.meta.hash = seal(commit.stream, &commit.meta, &commit.payload);
        commit
    }

    fn no_longer(&self, commit: &Commit, line: Option<usize>) -> NoLonger {
        let StreamId { tenant, kind, id } = self.stream;
        let name = kind.name();
        let reason = match self.stuck {
            Some(position) => format!("it waits behind position {position}, which is parked"),
            None if self.life.is_there() => {
                format!("it changes nothing of the {name} as that would be")
            }
            None => format!("there would be no such {name}"),
        };
        let events = decode_records(&commit.payload).unwrap_or_default();
        NoLonger {
            position: commit.position,
            line,
            tenant,
            kind: name,
            id,
            events: events
                .into_iter()
                .map(|event| event.name.into_owned())
                .collect(),
            reason,
        }
    }
}

impl Link {
    fn to(commit: &Commit) -> Self {
        Self {
            hash: commit.meta.hash,
            version: commit.meta.version,
        }
    }

    /// Goes on to `commit`, if it is the next.
    fn follow(&mut self, commit: &Commit) {
        let sealed = seal(commit.stream, &commit.meta, &commit.payload);
        if self.precedes(commit) && sealed == commit.meta.hash {
            *self = Self::to(commit);
        }
    }

    fn precedes(&self, commit: &Commit) -> bool {
        (commit.meta.version, commit.meta.previous) == (self.version.next(), self.hash)
    }
}

/// Whether a projector could apply it, if it followed.
fn is_sound(commit: &Commit) -> bool {
    Reading::of(Entry::Commit(commit.clone())).events.is_ok()
}
