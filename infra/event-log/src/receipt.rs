//! Receipts: what proves one commit to whoever has neither the log nor a server.
//!
//! Invariant: a receipt is made only if it would be accepted, and accepting one asks nothing but
//! itself and a key that is trusted.

use futures::StreamExt as _;
use schemas::{Commit, Hash, Meta, Position, StreamId, catalogue};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use domain::log_checkpoint::{LogCheckpointEvent, LogCheckpointSigned};

use crate::{
    Checkpoint, Entry, EventLog, LogError, NoteError, Path, ReadFrom, SignedNote, VerifierKey,
    chain::leaf, checkpoints, includes, proof::frontier, seal, subject,
};

/// What proves a commit, as JSON.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The signed checkpoint (C2SP `tlog-checkpoint`).
    pub checkpoint: String,
    /// The commit.
    pub commit: Sealed,
    /// The digests beside the way from the commit to the root, from the leaf up (RFC 9162
    /// §2.1.3.1), in hexadecimal.
    pub proof: Vec<String>,
    /// Which form of receipt this is.
    pub version: u16,
}

/// Every part of a commit that its digest covers, and its place.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    /// Who asked.
    pub actor: String,
    /// What led to the command.
    pub causation: Option<Uuid>,
    /// The command that caused it.
    pub command: Uuid,
    /// What belongs together.
    pub correlation: Uuid,
    /// Digest of the request.
    pub fingerprint: Option<String>,
    /// The events, as written.
    pub payload: String,
    /// Its place in the log.
    pub position: u64,
    /// Digest of the aggregate's commit before.
    pub previous: String,
    /// Whose history it belongs to.
    pub subject: String,
    /// When the command was asked, RFC 3339.
    pub time: String,
    /// W3C trace context of the request.
    pub traceparent: Option<String>,
    /// The aggregate's version after it.
    pub version: u64,
}

/// What a receipt proves.
#[derive(Clone, Debug, PartialEq)]
pub struct Attested {
    /// What was signed.
    pub checkpoint: Checkpoint,
    /// The commit that was in the log then.
    pub commit: Commit,
}

/// Why there is no receipt, or why it proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptError {
    /// No checkpoint covers the commit yet.
    #[error("no checkpoint covers position {0} yet")]
    Early(Position),
    /// The commit, its place and the checkpoint do not fit together.
    #[error("the commit is not the one that the checkpoint covers at its position")]
    Excluded,
    /// The log failed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A part of it cannot be read.
    #[error("{0} cannot be read")]
    Malformed(&'static str),
    /// There is no commit.
    #[error("there is no commit at position {0}")]
    Nothing(Position),
    /// The checkpoint is not signed as it should be.
    #[error("the checkpoint {0}")]
    Note(#[from] NoteError),
}

/// The form of receipts.
const VERSION: u16 = 1;

/// What proves the commit at `position`, by the first checkpoint that covers it. Reads the log from
/// the checkpoint before that on.
pub async fn receipt(log: &dyn EventLog, position: Position) -> Result<Receipt, ReceiptError> {
    let (before, covering) = around(log, position).await?;
    let mut tree = match &before {
        Some(signed) => frontier(signed).ok_or(ReceiptError::Malformed("a checkpoint"))?,
        None => crate::Frontier::default(),
    };
    let (from, until) = (Position(tree.size()), Position(covering.size));
    let (mut found, mut parts) = (None, log.scan(from, until).await?);
    while let Some(part) = parts.next().await {
        for entry in part? {
            let digest = leaf(&entry).0;
            match &mut found {
                None if entry.position() == position => {
                    found = Some((entry, Path::begin(std::mem::take(&mut tree))));
                }
                None => tree.push(&digest),
                Some((_, path)) => path.push(&digest),
            }
        }
    }
    let (entry, path) = found.ok_or(ReceiptError::Nothing(position))?;
    let Entry::Commit(commit) = entry else {
        return Err(ReceiptError::Nothing(position));
    };
    let receipt = Receipt {
        checkpoint: covering.note.clone(),
        commit: Sealed::of(commit)?,
        proof: path.end().iter().map(Hash::to_string).collect(),
        version: VERSION,
    };
    // Whoever gets it could not tell why it is of no use.
    receipt.check_included()?;
    Ok(receipt)
}

/// The last checkpoint that does not cover `position`, and the first that does.
async fn around(
    log: &dyn EventLog,
    position: Position,
) -> Result<(Option<LogCheckpointSigned>, LogCheckpointSigned), ReceiptError> {
    let commits = log.load(checkpoints(), Position(0), ReadFrom::Any).await?;
    let mut before = None;
    for commit in commits {
        let events = catalogue::decode(&commit.payload);
        for event in events.map_err(|_| ReceiptError::Malformed("a checkpoint"))? {
            let LogCheckpointEvent::Signed(signed) = event;
            if signed.size >= position.0 {
                return Ok((before, signed));
            }
            before = Some(signed);
        }
    }
    Err(ReceiptError::Early(position))
}

impl Receipt {
    /// What it proves to whoever trusts `keys`.
    pub fn check(&self, keys: &[VerifierKey]) -> Result<Attested, ReceiptError> {
        let note: SignedNote = self.checkpoint.parse()?;
        note.open(keys)?;
        self.check_included()
    }

    /// What it would prove if the checkpoint were signed by who should.
    fn check_included(&self) -> Result<Attested, ReceiptError> {
        if self.version != VERSION {
            return Err(ReceiptError::Malformed("a receipt of a newer form"));
        }
        let note: SignedNote = self.checkpoint.parse()?;
        let checkpoint: Checkpoint = note
            .unverified()
            .parse()
            .map_err(|_| ReceiptError::Malformed("the checkpoint"))?;
        let commit = self.commit.commit()?;
        let proof: Result<Vec<Hash>, _> = self.proof.iter().map(|hash| hash.parse()).collect();
        let proof = proof.map_err(|_| ReceiptError::Malformed("the proof"))?;
        let index = commit.position.0.checked_sub(1);
        let index = index.ok_or(ReceiptError::Malformed("the position"))?;
        let Checkpoint { size, root, .. } = checkpoint;
        if !includes(&commit.meta.hash.0, index, size, root, &proof) {
            return Err(ReceiptError::Excluded);
        }
        Ok(Attested { checkpoint, commit })
    }
}

impl Sealed {
    fn of(commit: Commit) -> Result<Self, ReceiptError> {
        let Commit {
            meta,
            payload,
            position,
            stream,
        } = commit;
        let payload = String::from_utf8(payload);
        Ok(Self {
            actor: meta.actor.to_string(),
            causation: meta.causation,
            command: meta.command.uuid(),
            correlation: meta.correlation,
            fingerprint: meta.fingerprint.map(|hash| hash.to_string()),
            payload: payload.map_err(|_| ReceiptError::Malformed("the payload"))?,
            position: position.0,
            previous: meta.previous.to_string(),
            subject: subject::of(stream),
            time: meta.time.to_string(),
            traceparent: meta.traceparent,
            version: meta.version.0,
        })
    }

    /// The commit, with the digest that its parts have.
    fn commit(&self) -> Result<Commit, ReceiptError> {
        let malformed = ReceiptError::Malformed;
        let stream: StreamId =
            subject::parse(&self.subject).map_err(|_| malformed("the subject"))?;
        let hash = |text: &str| text.parse::<Hash>().map_err(|_| malformed("a digest"));
        let mut meta = Meta {
            actor: self.actor.parse().map_err(|_| malformed("the actor"))?,
            causation: self.causation,
            command: domain::CommandId::new(self.command),
            correlation: self.correlation,
            fingerprint: self.fingerprint.as_deref().map(hash).transpose()?,
            hash: Hash::ZERO,
            previous: hash(&self.previous)?,
            time: self.time.parse().map_err(|_| malformed("the time"))?,
            traceparent: self.traceparent.clone(),
            version: schemas::Version(self.version),
        };
        let payload = self.payload.clone().into_bytes();
        meta.hash = seal(stream, &meta, &payload);
        Ok(Commit {
            meta,
            payload,
            position: Position(self.position),
            stream,
        })
    }
}
