//! Whether this program can read the whole log: the gate before a new version is deployed.
//!
//! Invariant: what passes here the projector of this program applies, and what it would park is
//! named; it decodes by the same function, and folds by the same `evolve`. What was left out for
//! good hinders nothing, and is named as such.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    panic::{AssertUnwindSafe, catch_unwind},
};

use event_log::{Entry, EventLog, LogError};
use futures::StreamExt as _;
use schemas::{
    Commit, Position, StreamId,
    domain::{
        Aggregate, api_key::ApiKey, job::Job, operation::Operation,
        parked_commit::ParkedCommitEvent, resource::Resource, resource_type::ResourceType,
        settings::Settings, task::Task, tenant::Tenant, user::User,
    },
};

use crate::runner::{Events, Reading, Skip};

/// How many are kept of what does not decode; all are counted.
const KEPT: usize = 100;

/// What came of reading the whole log.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Passage {
    /// How many commits decode and fold.
    pub commits: u64,
    /// Where the log ended.
    pub position: Position,
    /// What does not; the first 100.
    pub refused: Vec<Refused>,
    /// How many do not.
    pub refused_total: u64,
    /// What does not, and was left out for good by an event; the first 100.
    pub skipped: Vec<Skipped>,
    /// How many were.
    pub skipped_total: u64,
}

/// An entry that this program cannot read, and need not.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Skipped {
    /// Where.
    pub position: Position,
    /// Who left it out.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// An entry of the log that this program cannot read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refused {
    /// Where.
    pub position: Position,
    /// Whose, if that can be told.
    pub stream: Option<StreamId>,
    /// Why not.
    pub reason: String,
}

/// Decodes and folds every commit of `log` up to where it ends now; `watch` is told how far it has
/// come of how much.
pub async fn decode_all(
    log: &dyn EventLog,
    mut watch: impl FnMut(Position, Position) + Send,
) -> Result<Passage, LogError> {
    let end = log.head().await?.position;
    let mut reader = Reader::default();
    let mut parts = log.scan(Position(0), end).await?;
    while let Some(part) = parts.next().await {
        part?.into_iter().for_each(|entry| reader.read(entry));
        watch(reader.passage.position, end);
    }
    Ok(reader.end())
}

/// Every aggregate as far as it was read.
#[derive(Default)]
struct Reader {
    passage: Passage,
    /// Where something is refused.
    refused: BTreeSet<Position>,
    /// What is left out, whether it is refused or not.
    skips: BTreeMap<Position, Skip>,
    states: States,
}

/// The states of each kind that is folded.
#[derive(Default)]
struct States {
    api_keys: Folded<ApiKey>,
    jobs: Folded<Job>,
    operations: Folded<Operation>,
    resource_types: Folded<ResourceType>,
    resources: Folded<Resource>,
    settings: Folded<Settings>,
    tasks: Folded<Task>,
    tenants: Folded<Tenant>,
    users: Folded<User>,
}

/// States by aggregate; of one that has none yet, none.
type Folded<A> = HashMap<StreamId, Option<A>>;

impl Reader {
    fn read(&mut self, entry: Entry) {
        let position = entry.position();
        self.passage.position = position;
        let Reading { entry, events } = Reading::of(entry);
        let stream = match &entry {
            Entry::Commit(commit) => Some(commit.stream),
            Entry::Unreadable(_) => None,
        };
        let outcome = match (&entry, events) {
            (Entry::Commit(commit), Ok(decoded)) => {
                if let Events::ParkedCommit(events) = &decoded.events {
                    self.decide(commit, events);
                }
                // A panic would end the gate without a word of which commit it was.
                let fold = || self.states.fold(commit, &decoded.events);
                catch_unwind(AssertUnwindSafe(fold)).map_err(|_| "it cannot be folded".to_owned())
            }
            (_, Err(reason)) => Err(reason),
            (Entry::Unreadable(unreadable), Ok(_)) => Err(unreadable.reason.clone()),
        };
        match outcome {
            Ok(()) => self.passage.commits += 1,
            Err(reason) => {
                self.refused.insert(position);
                self.passage.refuse(Refused {
                    position,
                    stream,
                    reason,
                });
            }
        }
    }

    /// Takes in what the events of `commit` leave out of what was before it.
    fn decide(&mut self, commit: &Commit, events: &[ParkedCommitEvent]) {
        for event in events {
            let position = Position(event.position());
            if position < commit.position
                && let Some(skip) = Skip::of(commit, event)
            {
                self.skips.entry(position).or_insert(skip);
            }
        }
    }

    /// What came of it, once it is known what was left out.
    fn end(self) -> Passage {
        let mut passage = self.passage;
        let skips = self.skips;
        passage
            .refused
            .retain(|it| !skips.contains_key(&it.position));
        for (position, skip) in skips {
            if !self.refused.contains(&position) {
                continue;
            }
            passage.refused_total -= 1;
            passage.skipped_total += 1;
            if passage.skipped.len() < KEPT {
                passage.skipped.push(Skipped {
                    position,
                    by: skip.by,
                    reason: skip.reason,
                });
            }
        }
        passage
    }
}

impl States {
    fn fold(&mut self, commit: &Commit, events: &Events) {
        match events {
            Events::ApiKey(events) => fold(&mut self.api_keys, commit, events),
            Events::EmailClaim
            | Events::IdentityClaim
            | Events::LogCheckpoint
            | Events::ParkedCommit(_)
            | Events::UniqueKey => {}
            Events::Job(events) => fold(&mut self.jobs, commit, events),
            Events::Operation(events) => fold(&mut self.operations, commit, events),
            Events::Resource(events) => fold(&mut self.resources, commit, events),
            Events::ResourceType(events) => fold(&mut self.resource_types, commit, events),
            Events::Settings(events) => fold(&mut self.settings, commit, events),
            Events::Task(events) => fold(&mut self.tasks, commit, events),
            Events::Tenant(events) => fold(&mut self.tenants, commit, events),
            Events::User(events) => fold(&mut self.users, commit, events),
        }
    }
}

fn fold<A: Aggregate>(states: &mut Folded<A>, commit: &Commit, events: &[A::Event]) {
    let state = states.entry(commit.stream).or_default();
    for event in events {
        *state = A::evolve(state.take(), event, commit.meta.time);
    }
}

impl Passage {
    /// Whether everything can be read.
    pub fn is_clear(&self) -> bool {
        self.refused_total == 0
    }

    fn refuse(&mut self, refused: Refused) {
        self.refused_total += 1;
        if self.refused.len() < KEPT {
            self.refused.push(refused);
        }
    }
}

impl std::fmt::Display for Skipped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            position,
            by,
            reason,
        } = self;
        write!(f, "position {position}, left out by {by}: {reason}")
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            position,
            stream,
            reason,
        } = self;
        write!(f, "position {position}")?;
        if let Some(StreamId { tenant, kind, id }) = stream {
            write!(f, ", {} {id} of tenant {tenant}", kind.name())?;
        }
        write!(f, ": {reason}")
    }
}
