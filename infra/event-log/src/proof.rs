//! Proves that the history of every aggregate is whole and as it was written.
//!
//! Invariant: each commit is digested anew and compared with what it says of itself, of its
//! predecessor and of its number; what was altered, dropped, repeated or put in between is found at
//! the first commit that cannot be so.

use std::collections::HashMap;

use futures::StreamExt as _;
use schemas::{Commit, Hash, Position, StreamId, Version};

use crate::{Entry, EventLog, LogError, Unreadable, chain::seal};

/// How many findings are kept; all are counted.
const KEPT: usize = 100;

/// What a walk over the log found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Proof {
    /// How many aggregates there are.
    pub aggregates: u64,
    /// How many commits were digested.
    pub commits: u64,
    /// What cannot be as it is; the first 100, in the order of the log.
    pub findings: Vec<Finding>,
    /// How many there are in all.
    pub findings_total: u64,
    /// Where the walk ended: the log's end when it began.
    pub position: Position,
}

/// Something in the log that cannot be as it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// Where.
    pub position: Position,
    /// Whose history, if that can be told.
    pub stream: Option<StreamId>,
    /// What is wrong.
    pub what: Flaw,
}

/// What can be wrong with an entry of the log.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Flaw {
    /// Its contents are not those that were sealed.
    #[error("was altered: its contents give another digest than the one it bears")]
    Altered,
    /// Its predecessor is not the commit that it continued.
    #[error("does not continue the commit before it: that one was replaced, or one is missing")]
    Detached,
    /// A number was left out or given twice.
    #[error("has version {found} where {expected} must come")]
    Misnumbered {
        /// The version that must come.
        expected: Version,
        /// The one that it has.
        found: Version,
    },
    /// No commit at all.
    #[error("is no commit: {0}")]
    Unreadable(String),
}

/// Walks over `log` up to where it ends now.
pub async fn prove(log: &dyn EventLog) -> Result<Proof, LogError> {
    let end = log.head().await?.position;
    let mut walk = Walk::default();
    if end == Position(0) {
        return Ok(walk.proof);
    }
    let mut entries = log.follow(Position(0)).await?;
    while let Some(entry) = entries.next().await {
        let entry = entry?;
        walk.admit(&entry);
        if entry.position() >= end {
            return Ok(walk.proof);
        }
    }
    Err(LogError::Unavailable(format!("it was left before {end}")))
}

/// How far each history has come.
#[derive(Default)]
struct Walk {
    last: HashMap<StreamId, (Version, Hash)>,
    proof: Proof,
}

impl Walk {
    fn admit(&mut self, entry: &Entry) {
        self.proof.position = entry.position();
        match entry {
            Entry::Commit(commit) => self.commit(commit),
            Entry::Unreadable(Unreadable {
                position, reason, ..
            }) => self.find(*position, None, Flaw::Unreadable(reason.clone())),
        }
    }

    fn commit(&mut self, commit: &Commit) {
        let (stream, meta) = (commit.stream, &commit.meta);
        let start = (Version(0), Hash::ZERO);
        let (version, hash) = self.last.get(&stream).copied().unwrap_or(start);
        let expected = version.next();
        if seal(stream, meta, &commit.payload) != meta.hash {
            self.find(commit.position, Some(stream), Flaw::Altered);
        } else if meta.version != expected {
            let found = meta.version;
            let flaw = Flaw::Misnumbered { expected, found };
            self.find(commit.position, Some(stream), flaw);
        } else if meta.previous != hash {
            self.find(commit.position, Some(stream), Flaw::Detached);
        }
        self.proof.commits += 1;
        let known = self.last.insert(stream, (meta.version, meta.hash));
        self.proof.aggregates += u64::from(known.is_none());
    }

    fn find(&mut self, position: Position, stream: Option<StreamId>, what: Flaw) {
        self.proof.findings_total += 1;
        if self.proof.findings.len() < KEPT {
            self.proof.findings.push(Finding {
                position,
                stream,
                what,
            });
        }
    }
}

impl Proof {
    /// Whether nothing is wrong.
    pub fn holds(&self) -> bool {
        self.findings_total == 0
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { position, what, .. } = self;
        match self.stream {
            Some(StreamId { tenant, kind, id }) => {
                let kind = kind.name();
                write!(
                    f,
                    "position {position}, {kind} {id} of tenant {tenant} {what}"
                )
            }
            None => write!(f, "position {position} {what}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        NewCommit,
        chain::tests::{meta, stream},
    };

    /// Three commits of one aggregate and one of another, as the log would hold them.
    fn history() -> Vec<Commit> {
        let mut commits = Vec::new();
        let mut previous = Hash::ZERO;
        for (at, (id, version)) in [(1, 1), (1, 2), (2, 1), (1, 3)].into_iter().enumerate() {
            let stream = stream(id);
            let mut meta = meta();
            meta.version = Version(version);
            meta.previous = if version == 1 { Hash::ZERO } else { previous };
            let payload = format!("event {at}").into_bytes();
            meta.hash = seal(stream, &meta, &payload);
            if id == 1 {
                previous = meta.hash;
            }
            let expected = Position(0);
            let commit = NewCommit {
                expected,
                meta,
                payload,
                stream,
            };
            commits.push(commit.stored_at(Position(at as u64 + 1)));
        }
        commits
    }

    fn walked(commits: impl IntoIterator<Item = Commit>) -> Proof {
        let mut walk = Walk::default();
        for commit in commits {
            walk.admit(&Entry::Commit(commit));
        }
        walk.proof
    }

    fn flaws(commits: impl IntoIterator<Item = Commit>) -> Vec<(u64, Flaw)> {
        let found = walked(commits).findings.into_iter();
        found.map(|at| (at.position.0, at.what)).collect()
    }

    #[test]
    fn what_was_written_so_is_whole() {
        let proof = walked(history());
        assert!(proof.holds());
        assert_eq!((proof.aggregates, proof.commits), (2, 4));
        assert_eq!(proof.position, Position(4));
    }

    #[test]
    fn each_kind_of_tampering_is_found_where_it_shows() {
        let mut altered = history();
        altered[1].payload = b"event 9".to_vec();
        assert_eq!(flaws(altered), [(2, Flaw::Altered)]);

        let mut forged = history();
        forged[1].payload = b"event 9".to_vec();
        forged[1].meta.hash = seal(forged[1].stream, &forged[1].meta, &forged[1].payload);
        assert_eq!(flaws(forged), [(4, Flaw::Detached)], "even if sealed anew");

        let mut dropped = history();
        dropped.remove(1);
        let missing = Flaw::Misnumbered {
            expected: Version(2),
            found: Version(3),
        };
        assert_eq!(flaws(dropped), [(4, missing)]);

        let mut swapped = history();
        swapped.swap(1, 3);
        assert!(!walked(swapped).holds());

        let mut repeated = history();
        repeated.push(repeated[3].clone());
        assert_eq!(flaws(repeated).len(), 1);

        let mut moved = history();
        moved[2].stream = stream(3);
        assert_eq!(flaws(moved), [(3, Flaw::Altered)]);
    }
}
