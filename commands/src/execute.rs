//! The one loop: load, fold, decide, append.
//!
//! Invariant: an answer that wrote nothing (a rejection, a mismatch, "nothing changed", a replay)
//! is given only on a state read from the log after the question was asked. A conflict or a lost
//! acknowledgement is resolved by looking for the command's own id, never by guessing.

use domain::{Aggregate, Context, TenantId};
use event_log::{AppendError, NewCommit, SharedLog, seal};
use runtime::{Clock, Ids};
use schemas::{
    Meta, Position, StreamId,
    catalogue::{self, Recorded},
};
use std::sync::Arc;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::{
    Ask, CommandError, Current, Failure, Receipt,
    cache::{States, Turns},
    error::Unheard,
    load::Loaded,
};

/// How often a command is decided anew after others were faster.
const TRIES: usize = 5;

/// Runs commands. Clones share one cache.
#[derive(Clone)]
pub struct Commands {
    pub(crate) clock: Clock,
    pub(crate) ids: Ids,
    pub(crate) log: SharedLog,
    pub(crate) states: States,
    pub(crate) turns: Turns,
}

/// A decision ready to be written.
pub(crate) struct Decided<A: Aggregate> {
    pub(crate) commit: NewCommit,
    /// As whoever reads the log will read them.
    pub(crate) events: Vec<A::Event>,
}

/// What a try led to.
enum Step<A: Aggregate> {
    Answer(Receipt<A>),
    Write(Box<Decided<A>>),
}

impl Commands {
    /// Commands on `log`.
    pub fn new(log: SharedLog, clock: Clock, ids: Ids) -> Self {
        Self {
            clock,
            ids,
            log,
            states: States::new(),
            turns: Turns::new(),
        }
    }

    /// The clock that dates commands.
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Where the log ends now.
    pub async fn head(&self) -> Result<Position, Failure> {
        Ok(self.log.head().await?.position)
    }

    /// Where command ids come from.
    pub const fn ids(&self) -> &Ids {
        &self.ids
    }

    /// Runs `command`. Once begun it runs to its end, also if the caller stops waiting.
    pub async fn execute<A>(
        &self,
        ask: Ask,
        command: A::Command,
    ) -> Result<Receipt<A>, CommandError<A::Rejection>>
    where
        A: Aggregate,
        A::Event: Recorded,
        A::Command: 'static,
        A::Event: 'static,
    {
        let this = self.clone();
        let running = async move { this.execute_here::<A>(&ask, &command).await };
        let running = tokio::spawn(running.in_current_span());
        running.await.unwrap_or_else(|reason| {
            Err(CommandError::Failed(Failure::Unknown(format!(
                "the command stopped: {reason}"
            ))))
        })
    }

    /// The aggregate as the log has it now.
    pub async fn state<A>(&self, tenant: TenantId, id: Uuid) -> Result<Option<Current<A>>, Failure>
    where
        A: Aggregate,
        A::Event: Recorded,
    {
        let stream = StreamId {
            tenant,
            kind: A::KIND,
            id,
        };
        let mut loaded = self.states.get::<A>(stream).unwrap_or_default();
        self.catch_up(stream, &mut loaded).await?;
        let (position, version) = (loaded.position, loaded.version);
        Ok(loaded.state.clone().map(|state| Current {
            position,
            state,
            version,
        }))
    }

    /// Runs `command` as part of the caller, for one who tries it again until it has an answer: if
    /// the caller stops waiting it is unknown whether it was done.
    pub async fn execute_here<A>(
        &self,
        ask: &Ask,
        command: &A::Command,
    ) -> Result<Receipt<A>, CommandError<A::Rejection>>
    where
        A: Aggregate,
        A::Event: Recorded,
    {
        let stream = ask.stream::<A>();
        // What is fresh has no rivals.
        let _turn = if ask.fresh {
            None
        } else {
            Some(self.turns.take(stream).await)
        };
        let cached = self.states.get::<A>(stream);
        let mut up_to_date = cached.is_none() && !ask.fresh;
        let mut loaded = cached.unwrap_or_default();
        if up_to_date {
            self.catch_up(stream, &mut loaded).await?;
        }
        let mut unheard = Unheard::default();
        for _ in 0..TRIES {
            let step = self.step(stream, &loaded, ask, command).await;
            let decided = match step {
                Ok(Step::Write(decided)) => decided,
                answer if up_to_date => return answer.map(Step::answered),
                Ok(Step::Answer(_)) | Err(_) => {
                    let read = self.catch_up(stream, &mut loaded).await;
                    read.map_err(|failure| unheard.of(failure))?;
                    up_to_date = true;
                    continue;
                }
            };
            match self.log.append(decided.commit.clone()).await {
                Ok(position) => return Ok(self.written(stream, loaded, &decided, position)),
                Err(AppendError::Conflict) => {}
                Err(AppendError::Unknown(reason)) => unheard.note(reason),
                Err(other) => return Err(unheard.of(Failure::of_append(other)).into()),
            }
            let read = self.catch_up(stream, &mut loaded).await;
            read.map_err(|failure| unheard.of(failure))?;
            up_to_date = true;
        }
        // The last try may have been stored unheard.
        match self.past(stream, &loaded, ask).await? {
            Some(receipt) => Ok(receipt),
            None => Err(unheard.or(CommandError::Contended)),
        }
    }

    /// Answers from what is loaded, or decides what to write.
    async fn step<A>(
        &self,
        stream: StreamId,
        loaded: &Loaded<A>,
        ask: &Ask,
        command: &A::Command,
    ) -> Result<Step<A>, CommandError<A::Rejection>>
    where
        A: Aggregate,
        A::Event: Recorded,
    {
        if let Some(receipt) = self.past(stream, loaded, ask).await? {
            return Ok(Step::Answer(receipt));
        }
        if let Some(expected) = ask.expected.filter(|expected| *expected != loaded.version) {
            return Err(CommandError::VersionMismatch {
                expected,
                current: loaded.version,
            });
        }
        match self.decide(stream, loaded, ask, command)? {
            Some(decided) => Ok(Step::Write(Box::new(decided))),
            None => Ok(Step::Answer(loaded.receipt(false))),
        }
    }

    /// The commit that `command` asks for; none if nothing changes.
    pub(crate) fn decide<A>(
        &self,
        stream: StreamId,
        loaded: &Loaded<A>,
        ask: &Ask,
        command: &A::Command,
    ) -> Result<Option<Decided<A>>, CommandError<A::Rejection>>
    where
        A: Aggregate,
        A::Event: Recorded,
    {
        let time = self.clock.now();
        let context = Context {
            actor: ask.actor.clone(),
            command: ask.command,
            id: stream.id,
            now: time,
            tenant: ask.tenant,
        };
        let events =
            A::decide(loaded.state.as_ref(), command, &context).map_err(CommandError::Rejected)?;
        if events.is_empty() {
            return Ok(None);
        }
        // A commit that nobody can read would stop its aggregate, and every reader, for ever.
        let (payload, events) = catalogue::encode_readable(&events)
            .map_err(|reason| Failure::Refused(format!("it could not be read again: {reason}")))?;
        let mut meta = Meta {
            actor: ask.actor.clone(),
            causation: ask.causation,
            command: ask.command,
            correlation: ask.correlation.unwrap_or(ask.command.uuid()),
            fingerprint: ask.fingerprint,
            hash: schemas::Hash::ZERO,
            previous: loaded.hash,
            time,
            traceparent: runtime::traceparent(),
            version: loaded.version.next(),
        };
        meta.hash = seal(stream, &meta, &payload);
        let commit = NewCommit {
            expected: loaded.position,
            meta,
            payload,
            stream,
        };
        Ok(Some(Decided { commit, events }))
    }

    /// Takes in what is now stored, and says so.
    pub(crate) fn written<A>(
        &self,
        stream: StreamId,
        mut loaded: Arc<Loaded<A>>,
        decided: &Decided<A>,
        position: Position,
    ) -> Receipt<A>
    where
        A: Aggregate,
        A::Event: Recorded,
    {
        let NewCommit { meta, payload, .. } = &decided.commit;
        Arc::make_mut(&mut loaded).take(&decided.events, meta, payload.len(), position);
        let receipt = loaded.receipt(true);
        self.states.put(stream, loaded);
        receipt
    }
}

impl<A: Aggregate> Step<A> {
    /// The answer; a step that writes is never asked for one.
    fn answered(self) -> Receipt<A> {
        match self {
            Self::Answer(receipt) => receipt,
            Self::Write(_) => unreachable!("a step that writes is appended"),
        }
    }
}
