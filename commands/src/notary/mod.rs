//! Signs the log: from time to time, a checkpoint over everything so far, as an event.
//!
//! Any number of processes may do so. None leads: a checkpoint names the one before it, so of two
//! that are made at once the log takes one.
//!
//! Invariant: what is signed is what the log held when it was read, whole and without a gap, and it
//! goes on from a checkpoint that a key of ours has signed; checkpoints alone are no news, so a log
//! in which nothing happens does not grow.

mod ring;

use std::{collections::HashSet, time::Duration};

use domain::{
    Actor, CommandId, TenantId,
    log_checkpoint::{
        LogCheckpoint, LogCheckpointCommand, LogCheckpointEvent, LogCheckpointSigned,
    },
};
use event_log::{
    Checkpoint, Entry, Frontier, Position, ReadFrom, SignedNote, Vault, VerifierKey, checkpoints,
    leaf, origin,
};
use futures::StreamExt as _;
use schemas::{Hash, catalogue};
use tokio_util::sync::CancellationToken;

use crate::{Ask, CommandError, Commands, Failure, Receipt};
use ring::Ring;

/// What it is called as an actor.
const NAME: &str = "notary";

/// Signs checkpoints.
#[derive(Clone)]
pub struct Notary {
    commands: Commands,
    vault: Vault,
}

/// From where the next checkpoint goes on.
struct Base {
    /// The keys that the last one names.
    keys: Vec<String>,
    /// What the log was called then; another name if it was restored since.
    name: String,
    previous: Option<(u64, Hash)>,
    tree: Frontier,
}

impl Notary {
    /// A notary whose keys are in `vault`.
    pub const fn new(commands: Commands, vault: Vault) -> Self {
        Self { commands, vault }
    }

    /// Every public key by which checkpoints of this log can be checked, the current one first.
    pub async fn keys(&self) -> Result<Vec<VerifierKey>, Failure> {
        let ring = Ring::load(&self.vault).await?;
        let mut keys = Vec::new();
        for name in self.names().await? {
            keys.extend(ring.verifiers(&name)?);
        }
        Ok(keys)
    }

    /// Makes another key; the next checkpoint is signed by both, from then on by the new one.
    pub async fn rotate(&self) -> Result<(), Failure> {
        Ring::rotate(&self.vault).await.map(drop)
    }

    /// Signs a checkpoint over everything so far; none if nothing has happened since the last one,
    /// or another process was faster.
    pub async fn sign(&self) -> Result<Option<Receipt<LogCheckpoint>>, Failure> {
        let head = self.commands.log.head().await?;
        let name = origin(&head.incarnation);
        let ring = Ring::load(&self.vault).await?;
        let base = self.base(&ring, &name).await?;
        let mut tree = base.tree;
        if !self.read(&mut tree, head.position).await? {
            return Ok(None);
        }
        let mut keys = ring.signing(&name, &base.keys)?;
        if base.name != name {
            // Whoever trusts a key under the old name learns here that the log has a new one.
            keys.extend(ring.signing(&base.name, &base.keys)?);
        }
        let checkpoint = Checkpoint::of(name, &tree, base.previous);
        let signing: Vec<_> = keys.iter().collect();
        let signed = LogCheckpointSigned {
            frontier: tree.roots().iter().map(Hash::to_string).collect(),
            keys: keys.iter().map(|key| key.verifier().to_string()).collect(),
            note: SignedNote::sign(checkpoint.to_string(), &signing).to_string(),
            previous: base.previous.map_or(0, |(size, _)| size),
            root: checkpoint.root.to_string(),
            size: checkpoint.size,
        };
        let command = CommandId::new(self.commands.ids.next());
        let stream = checkpoints();
        let actor = Actor::System(NAME.to_owned());
        let ask = Ask::new(actor, stream.tenant, stream.id, command);
        let sign = LogCheckpointCommand::Sign(signed);
        match self.commands.execute::<LogCheckpoint>(ask, sign).await {
            // Two that read as far as each other sign the same.
            Ok(receipt) => Ok(Some(receipt).filter(|receipt| receipt.changed)),
            Err(CommandError::Failed(failure)) => Err(failure),
            // Another process has signed, or is about to.
            Err(_) => Ok(None),
        }
    }

    /// Signs every now and then, until `shutdown`: at most `every` so often in all processes
    /// together, and at least half as often while something happens.
    pub async fn run(&self, every: Duration, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(every) => {}
            }
            let signed = tokio::select! {
                () = shutdown.cancelled() => return,
                signed = self.sign_if_due(every / 2) => signed,
            };
            match signed {
                Ok(Some(receipt)) => {
                    let size = receipt.state.map(|state| state.last.size);
                    tracing::info!(size, position = %receipt.position, "the log is signed");
                }
                Ok(None) => {}
                Err(Failure::Corrupt(reason)) => {
                    tracing::error!(%reason, "the log is not signed: run `almanac log verify`");
                }
                Err(reason) => tracing::warn!(%reason, "the log could not be signed: trying on"),
            }
        }
    }

    async fn sign_if_due(
        &self,
        every: Duration,
    ) -> Result<Option<Receipt<LogCheckpoint>>, Failure> {
        let now = self.commands.clock.now();
        let last = self.last().await?;
        let every_ms = i64::try_from(every.as_millis()).unwrap_or(i64::MAX);
        let fresh = |last: &LogCheckpoint| now.since_ms(last.signed_at) < every_ms;
        if last.as_ref().is_some_and(fresh) {
            return Ok(None);
        }
        self.sign().await
    }

    async fn last(&self) -> Result<Option<LogCheckpoint>, Failure> {
        let id = TenantId::MAIN.uuid();
        let found = self.commands.state::<LogCheckpoint>(TenantId::MAIN, id);
        Ok(found.await?.map(|found| found.state))
    }

    /// What the log is called, and then what it was called where it was restored from.
    async fn names(&self) -> Result<Vec<String>, Failure> {
        let mut names = vec![origin(&self.commands.log.head().await?.incarnation)];
        let log = &self.commands.log;
        for commit in log.load(checkpoints(), Position(0), ReadFrom::Any).await? {
            let events = catalogue::decode(&commit.payload).unwrap_or_default();
            for LogCheckpointEvent::Signed(signed) in events {
                let note = signed.note.parse::<SignedNote>().ok();
                let said = note.and_then(|note| note.unverified().parse::<Checkpoint>().ok());
                names.extend(said.map(|said| said.origin));
            }
        }
        let mut known = HashSet::new();
        names.retain(|name| known.insert(name.clone()));
        Ok(names)
    }

    /// The tree of the last checkpoint, if a key of ours has signed it; else the empty one.
    async fn base(&self, ring: &Ring, name: &str) -> Result<Base, Failure> {
        let Some(LogCheckpoint { last, .. }) = self.last().await? else {
            return Ok(Base {
                keys: Vec::new(),
                name: name.to_owned(),
                previous: None,
                tree: Frontier::default(),
            });
        };
        let wrong = |reason| Failure::Corrupt(format!("the last checkpoint {reason}"));
        let note: SignedNote = last
            .note
            .parse()
            .map_err(|reason| wrong(format!("{reason}")))?;
        let said = note.unverified().parse::<Checkpoint>();
        let said = said.map_err(|reason| wrong(reason.to_string()))?;
        note.open(&ring.verifiers(&said.origin)?)
            .map_err(|reason| wrong(reason.to_string()))?;
        let roots: Result<Vec<Hash>, _> = last.frontier.iter().map(|root| root.parse()).collect();
        let tree = roots.ok().and_then(|roots| Frontier::new(roots, said.size));
        let tree = tree.filter(|tree| tree.root() == said.root);
        let tree = tree.ok_or_else(|| wrong("says something else than was signed".to_owned()))?;
        Ok(Base {
            keys: last.keys,
            name: said.origin,
            previous: Some((said.size, said.root)),
            tree,
        })
    }

    /// Takes in the log up to `until`; whether something happened there.
    async fn read(&self, tree: &mut Frontier, until: Position) -> Result<bool, Failure> {
        let mut happened = false;
        let after = Position(tree.size());
        let mut parts = self.commands.log.scan(after, until).await?;
        while let Some(part) = parts.next().await {
            for entry in part? {
                tree.push(&leaf(&entry).0);
                happened |= !matches!(&entry, Entry::Commit(commit)
                    if commit.stream == checkpoints());
            }
        }
        Ok(happened)
    }
}
