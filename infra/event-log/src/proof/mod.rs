//! Proves that the history of every aggregate is whole and as it was written.
//!
//! Invariant: each commit is digested anew and compared with what it says of itself, of its
//! predecessor and of its number; what was altered, dropped, repeated or put in between is found at
//! the first commit that cannot be so.

mod checkpoints;

use std::{collections::HashMap, pin::Pin};

use futures::{Stream, StreamExt as _};
use schemas::{Commit, Hash, Position, StreamId, Version};

use crate::{Entry, EventLog, LogError, Scan, SignedNote, Unreadable, VerifierKey, chain::leaf};
use checkpoints::{Checkpoints, Found, Place};

pub use checkpoints::CheckpointFlaw;
pub(crate) use checkpoints::frontier;

/// How many findings are kept; all are counted.
const KEPT: usize = 100;
/// How many parts of the log are digested at a time.
const DIGESTING: usize = 2;

/// What the log is held against, besides itself.
#[derive(Clone, Debug, Default)]
pub struct Against {
    /// Checkpoints that were kept elsewhere; they tell if the log has become shorter.
    pub checkpoints: Vec<SignedNote>,
    /// The keys that are trusted. If there are none, those of the first checkpoint in the log are.
    pub keys: Vec<VerifierKey>,
}

/// What a walk over the log found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Proof {
    /// How many aggregates there are.
    pub aggregates: u64,
    /// How many checkpoints hold.
    pub checkpoints: u64,
    /// How many commits were digested.
    pub commits: u64,
    /// How far the last checkpoint that holds reaches; what came later is signed by nobody yet.
    pub covered: Position,
    /// What cannot be as it is; the first 100, as they were found.
    pub findings: Vec<Finding>,
    /// How many there are in all.
    pub findings_total: u64,
    /// By which keys checkpoints were checked.
    pub keys: Vec<VerifierKey>,
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
    /// It is a checkpoint, and not right.
    #[error("is a checkpoint that {0}")]
    Checkpoint(CheckpointFlaw),
    /// Its predecessor is not the commit that it continued.
    #[error("does not continue the commit before it: that one was replaced, or one is missing")]
    Detached,
    /// A checkpoint that was given for this position is not right.
    #[error("has been given a checkpoint that {0}")]
    Given(CheckpointFlaw),
    /// A number was left out or given twice.
    #[error("has version {found} where {expected} must come")]
    Misnumbered {
        /// The version that must come.
        expected: Version,
        /// The one that it has.
        found: Version,
    },
    /// Nothing is there, nor anything up to the position named.
    #[error(
        "is missing, with everything up to position {last}: removed, or damaged in the server's \
         files"
    )]
    Missing {
        /// The last that is missing.
        last: Position,
    },
    /// No commit at all.
    #[error("is no commit: {0}")]
    Unreadable(String),
}

/// Walks over `log` up to where it ends now; `watch` is told how far it has come of how much.
pub async fn prove(
    log: &dyn EventLog,
    against: &Against,
    mut watch: impl FnMut(Position, Position) + Send,
) -> Result<Proof, LogError> {
    let head = log.head().await?;
    let end = head.position;
    let (checkpoints, wrong) = Checkpoints::load(log, &head, against).await?;
    let mut walk = Walk::new(checkpoints);
    for found in wrong {
        walk.found(found);
    }
    let mut after = Position(0);
    while after < end {
        let mut parts = digested(log.scan(after, end).await?);
        while let Some(part) = parts.next().await {
            match part {
                Ok(part) => {
                    for (entry, digest) in &part {
                        walk.admit(entry, *digest);
                        after = entry.position();
                    }
                    watch(after, end);
                }
                Err(LogError::Gap { after: last, found }) => {
                    after = Position(found.0 - 1);
                    walk.gap(last.next(), after);
                    break;
                }
                Err(failure) => return Err(failure),
            }
        }
    }
    Ok(walk.end(end))
}

/// Entries, each with its digest.
type Digested = Result<Vec<(Entry, Hash)>, LogError>;

/// Each entry with its digest; digesting is done beside, so that it does not wait for what comes
/// next and that does not wait for it.
fn digested(parts: Scan) -> Pin<Box<dyn Stream<Item = Digested> + Send>> {
    let each = |part: Result<Vec<Entry>, LogError>| async {
        let part = part?;
        let digest = move || part.into_iter().map(|entry| (leaf(&entry), entry));
        let digested = tokio::task::spawn_blocking(move || {
            digest().map(|(digest, entry)| (entry, digest)).collect()
        });
        let broken = |panic| LogError::Unavailable(format!("digesting broke off: {panic}"));
        digested.await.map_err(broken)
    };
    Box::pin(parts.map(each).buffered(DIGESTING))
}

/// How far each history has come.
struct Walk {
    checkpoints: Checkpoints,
    last: HashMap<StreamId, (Version, Hash)>,
    proof: Proof,
}

impl Walk {
    fn new(checkpoints: Checkpoints) -> Self {
        Self {
            checkpoints,
            last: HashMap::new(),
            proof: Proof::default(),
        }
    }

    fn admit(&mut self, entry: &Entry, digest: Hash) {
        self.proof.position = entry.position();
        match entry {
            Entry::Commit(commit) => self.commit(commit, digest),
            Entry::Unreadable(Unreadable {
                position, reason, ..
            }) => self.find(*position, None, Flaw::Unreadable(reason.clone())),
        }
        for found in self.checkpoints.push(entry.position(), digest) {
            self.found(found);
        }
    }

    fn commit(&mut self, commit: &Commit, digest: Hash) {
        let (stream, meta) = (commit.stream, &commit.meta);
        let start = (Version(0), Hash::ZERO);
        let known = self.last.insert(stream, (meta.version, meta.hash));
        let (version, hash) = known.unwrap_or(start);
        let expected = version.next();
        if digest != meta.hash {
            self.find(commit.position, Some(stream), Flaw::Altered);
        } else if meta.version != expected {
            let found = meta.version;
            let flaw = Flaw::Misnumbered { expected, found };
            self.find(commit.position, Some(stream), flaw);
        } else if meta.previous != hash {
            self.find(commit.position, Some(stream), Flaw::Detached);
        }
        self.proof.commits += 1;
        self.proof.aggregates += u64::from(known.is_none());
    }

    /// Nothing is there from `first` to `last`.
    fn gap(&mut self, first: Position, last: Position) {
        self.proof.position = last;
        self.find(first, None, Flaw::Missing { last });
        for found in self.checkpoints.gap(last) {
            self.found(found);
        }
    }

    fn end(mut self, end: Position) -> Proof {
        for found in self.checkpoints.end(end) {
            self.found(found);
        }
        let Checkpoints {
            covered,
            held,
            keys,
            ..
        } = self.checkpoints;
        Proof {
            checkpoints: held,
            covered,
            keys,
            ..self.proof
        }
    }

    fn found(&mut self, Found { at, what }: Found) {
        match at {
            Place::Given(position) => self.find(position, None, Flaw::Given(what)),
            Place::Log(position, stream) => {
                self.find(position, Some(stream), Flaw::Checkpoint(what));
            }
        }
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
        Head, MemoryLog, NewCommit,
        chain::{
            seal,
            tests::{meta, stream},
        },
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

    async fn walked(commits: impl IntoIterator<Item = Commit>) -> Proof {
        let head = Head {
            incarnation: "test".to_owned(),
            position: Position(0),
        };
        let (log, against) = (MemoryLog::new("test"), Against::default());
        let loaded = Checkpoints::load(&log, &head, &against).await;
        let mut walk = Walk::new(loaded.expect("loaded").0);
        for commit in commits {
            let entry = Entry::Commit(commit);
            walk.admit(&entry, leaf(&entry));
        }
        walk.end(Position(4))
    }

    async fn flaws(commits: impl IntoIterator<Item = Commit>) -> Vec<(u64, Flaw)> {
        let found = walked(commits).await.findings.into_iter();
        found.map(|at| (at.position.0, at.what)).collect()
    }

    #[tokio::test]
    async fn what_was_written_so_is_whole() {
        let proof = walked(history()).await;
        assert!(proof.holds());
        assert_eq!((proof.aggregates, proof.commits), (2, 4));
        assert_eq!(proof.position, Position(4));
    }

    #[tokio::test]
    async fn each_kind_of_tampering_is_found_where_it_shows() {
        let mut altered = history();
        altered[1].payload = b"event 9".to_vec();
        assert_eq!(flaws(altered).await, [(2, Flaw::Altered)]);

        let mut forged = history();
        forged[1].payload = b"event 9".to_vec();
        forged[1].meta.hash = seal(forged[1].stream, &forged[1].meta, &forged[1].payload);
        assert_eq!(
            flaws(forged).await,
            [(4, Flaw::Detached)],
            "even if sealed anew"
        );

        let mut dropped = history();
        dropped.remove(1);
        let missing = Flaw::Misnumbered {
            expected: Version(2),
            found: Version(3),
        };
        assert_eq!(flaws(dropped).await, [(4, missing)]);

        let mut swapped = history();
        swapped.swap(1, 3);
        assert!(!walked(swapped).await.holds());

        let mut repeated = history();
        repeated.push(repeated[3].clone());
        assert_eq!(flaws(repeated).await.len(), 1);

        let mut moved = history();
        moved[2].stream = stream(3);
        assert_eq!(flaws(moved).await, [(3, Flaw::Altered)]);
    }
}
