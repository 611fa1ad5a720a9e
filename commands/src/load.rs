//! An aggregate as far as this process has read it.
//!
//! Invariant: state, version, hash and what has been done always belong to the same commit; each
//! commit read must continue the one before, in version and in hash, or the aggregate is corrupt
//! and takes no commands until an event leaves that commit out.

use std::sync::Arc;

use domain::{Aggregate, CommandId, ParkedCommitId, TenantId, parked_commit::ParkedCommit};
use event_log::{ReadFrom, seal};
use schemas::{
    Commit, Hash, Meta, Position, StreamId, Version,
    catalogue::{self, Recorded},
};

use crate::{Ask, CommandError, Commands, Failure, Receipt};

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
    /// The payloads that it has been folded from.
    pub(crate) bytes: usize,
    /// The commands that have been done, each by the second half of its id: enough to know when
    /// the log must be asked, and little enough to be kept of a long history.
    pub(crate) done: Vec<u64>,
    pub(crate) hash: Hash,
    pub(crate) position: Position,
    pub(crate) state: Option<A>,
    pub(crate) version: Version,
}

impl<A> Default for Loaded<A> {
    fn default() -> Self {
        Self {
            bytes: 0,
            done: Vec::new(),
            hash: Hash::ZERO,
            position: Position(0),
            state: None,
            version: Version(0),
        }
    }
}

impl<A> Loaded<A> {
    /// About how much memory it takes, in bytes.
    pub(crate) fn weight(&self) -> usize {
        size_of::<Self>() + self.bytes + size_of_val(self.done.as_slice())
    }

    /// What to answer a command that came to this, whether it wrote events or changed nothing.
    pub(crate) fn receipt(&self, changed: bool) -> Receipt<A>
    where
        A: Clone,
    {
        Receipt {
            changed,
            position: self.position,
            replayed: false,
            state: self.state.clone(),
            version: self.version,
        }
    }

    /// Whether `command` may have been done. Only the log knows for certain that it was.
    fn may_have_done(&self, command: CommandId) -> bool {
        self.done.contains(&half(command))
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
        self.take(&events, meta, commit.payload.len(), commit.position);
        Ok(())
    }

    /// Goes on from a commit that was left out, as the read models do.
    fn pass(&mut self, commit: &Commit) {
        let meta = &commit.meta;
        self.done.push(half(meta.command));
        self.position = commit.position;
        if self.version < meta.version {
            self.hash = meta.hash;
            self.version = meta.version;
        }
    }

    /// Takes in the events of a payload of `bytes` that is stored at `position`.
    pub(crate) fn take(
        &mut self,
        events: &[A::Event],
        meta: &Meta,
        bytes: usize,
        position: Position,
    ) {
        let state = self.state.take();
        self.state = events
            .iter()
            .fold(state, |state, e| A::evolve(state, e, meta.time));
        self.bytes += bytes;
        self.done.push(half(meta.command));
        self.hash = meta.hash;
        self.position = position;
        self.version = meta.version;
    }
}

impl Commands {
    /// Reads on from where `loaded` ends.
    pub(crate) async fn catch_up<A>(
        &self,
        stream: StreamId,
        loaded: &mut Arc<Loaded<A>>,
    ) -> Result<(), Failure>
    where
        A: Aggregate,
        A::Event: Recorded,
    {
        let news = self
            .log
            .load(stream, loaded.position, ReadFrom::Leader)
            .await?;
        if news.is_empty() {
            return Ok(());
        }
        let further = Arc::make_mut(loaded);
        for commit in &news {
            if let Err(failure) = self.take_in(further, commit).await {
                self.states.forget(stream);
                return Err(failure);
            }
        }
        self.states.put(stream, Arc::clone(loaded));
        Ok(())
    }

    /// Takes in the aggregate's next commit, or passes by one that nobody can and that was left
    /// out.
    async fn take_in<A>(&self, loaded: &mut Loaded<A>, commit: &Commit) -> Result<(), Failure>
    where
        A: Aggregate,
        A::Event: Recorded,
    {
        let Err(corrupt) = loaded.apply(commit) else {
            return Ok(());
        };
        if !self.is_left_out(commit.position).await? {
            return Err(corrupt);
        }
        loaded.pass(commit);
        Ok(())
    }

    /// Whether an event leaves out what stands at `position`.
    async fn is_left_out(&self, position: Position) -> Result<bool, Failure> {
        let stream = StreamId {
            tenant: TenantId::MAIN,
            kind: ParkedCommit::KIND,
            id: ParkedCommitId::of_position(position.0).uuid(),
        };
        let commits = self.log.load(stream, Position(0), ReadFrom::Leader).await?;
        let mut decided = Loaded::<ParkedCommit>::default();
        for commit in &commits {
            if decided.apply(commit).is_err() {
                return Ok(false);
            }
        }
        Ok(decided.state.is_some_and(|it| it.skipped.is_some()))
    }

    /// The answer that the command was given before, if it was, folded again from the log.
    pub(crate) async fn past<A>(
        &self,
        stream: StreamId,
        loaded: &Loaded<A>,
        ask: &Ask,
    ) -> Result<Option<Receipt<A>>, CommandError<A::Rejection>>
    where
        A: Aggregate,
        A::Event: Recorded,
    {
        if !loaded.may_have_done(ask.command) {
            return Ok(None);
        }
        let history = self.log.load(stream, Position(0), ReadFrom::Leader).await;
        let mut then = Loaded::<A>::default();
        for commit in history.map_err(Failure::of_stored)? {
            self.take_in(&mut then, &commit).await?;
            if commit.meta.command != ask.command {
                continue;
            }
            if commit.meta.fingerprint != ask.fingerprint {
                return Err(CommandError::Reused);
            }
            return Ok(Some(Receipt {
                changed: false,
                position: then.position,
                replayed: true,
                state: then.state,
                version: then.version,
            }));
        }
        Ok(None)
    }
}

/// The half of an id in which any two differ, whether by chance or by digest.
fn half(command: CommandId) -> u64 {
    command.uuid().as_u64_pair().1
}
