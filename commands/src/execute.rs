//! The one loop: load, fold, decide, append.
//!
//! Invariant: an answer that wrote nothing (a rejection, a mismatch, "nothing changed", a replay)
//! is given only on a state read from the log after the question was asked. A conflict or a lost
//! acknowledgement is resolved by looking for the command's own id, never by guessing.

use domain::{Aggregate, Context, TenantId};
use event_log::{AppendError, NewCommit, ReadFrom, SharedLog, seal};
use runtime::{Clock, Ids};
use schemas::{
    Meta, Position, StreamId,
    catalogue::{self, Recorded},
};
use tracing::Instrument as _;
use uuid::Uuid;

use crate::{
    Ask, CommandError, Current, Failure, Receipt,
    cache::{States, Turns},
    error::Unheard,
    load::Loaded,
    load::Past,
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
        let running = async move { this.run::<A>(&ask, &command).await };
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
        let Loaded {
            position,
            version,
            state,
            ..
        } = loaded;
        Ok(state.map(|state| Current {
            position,
            state,
            version,
        }))
    }

    async fn run<A>(
        &self,
        ask: &Ask,
        command: &A::Command,
    ) -> Result<Receipt<A>, CommandError<A::Rejection>>
    where
        A: Aggregate,
        A::Event: Recorded,
    {
        let stream = StreamId {
            tenant: ask.tenant,
            kind: A::KIND,
            id: ask.id,
        };
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

    /// The answer that the command was given before, if it was.
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
        match loaded.past(ask.command) {
            None => Ok(None),
            Some(past) if past.fingerprint != ask.fingerprint => Err(CommandError::Reused),
            Some(past) => Ok(Some(self.replay(stream, past).await?)),
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
            None => Ok(Step::Answer(Receipt {
                changed: false,
                position: loaded.position,
                replayed: false,
                state: loaded.state.clone(),
                version: loaded.version,
            })),
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
            now: time,
            tenant: ask.tenant,
        };
        let events =
            A::decide(loaded.state.as_ref(), command, &context).map_err(CommandError::Rejected)?;
        if events.is_empty() {
            return Ok(None);
        }
        let payload = catalogue::encode(&events);
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
        mut loaded: Loaded<A>,
        decided: &Decided<A>,
        position: Position,
    ) -> Receipt<A>
    where
        A: Aggregate,
        A::Event: Recorded,
    {
        loaded.take(&decided.events, &decided.commit.meta, position);
        let receipt = Receipt {
            changed: true,
            position,
            replayed: false,
            state: loaded.state.clone(),
            version: loaded.version,
        };
        self.states.put(stream, loaded);
        receipt
    }

    /// Reads on from where `loaded` ends.
    pub(crate) async fn catch_up<A>(
        &self,
        stream: StreamId,
        loaded: &mut Loaded<A>,
    ) -> Result<(), Failure>
    where
        A: Aggregate,
        A::Event: Recorded,
    {
        let news = self
            .log
            .load(stream, loaded.position, ReadFrom::Leader)
            .await?;
        let applied = news.iter().try_for_each(|commit| loaded.apply(commit));
        if applied.is_err() {
            self.states.forget(stream);
        } else if !news.is_empty() {
            self.states.put(stream, loaded.clone());
        }
        applied
    }

    /// The answer that the first try of a command was given, folded again from the log.
    pub(crate) async fn replay<A>(
        &self,
        stream: StreamId,
        past: &Past,
    ) -> Result<Receipt<A>, Failure>
    where
        A: Aggregate,
        A::Event: Recorded,
    {
        let history = self.log.load(stream, Position(0), ReadFrom::Leader).await?;
        let mut then = Loaded::<A>::default();
        history
            .iter()
            .take_while(|commit| commit.meta.version <= past.version)
            .try_for_each(|commit| then.apply(commit))?;
        Ok(Receipt {
            changed: false,
            position: past.position,
            replayed: true,
            state: then.state,
            version: past.version,
        })
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
