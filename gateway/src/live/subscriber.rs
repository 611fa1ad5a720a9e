//! One who follows a list: first the rows, or what was missed, then what changes.
//!
//! Invariant: what was told up to `until` is the list as of it, as one generation of the read
//! models tells it; whoever was told of another begins anew. Nothing is kept for one subscriber
//! but its place: whoever reads slowly asks later for all that changed in between, in one.

use std::sync::Arc;

use projections::{
    Generation,
    live_query::{self, Touched},
};
use schemas::{
    Position,
    api::{LiveComplete, ResetReason},
};
use tokio::{
    sync::{
        broadcast::{Receiver, error::RecvError},
        watch,
    },
    time::{Duration, sleep},
};
use uuid::Uuid;

use super::{CHUNK, PAUSE, Wanted, group, group::Batch, group::Group, resume, views};
use crate::{app::App, problem::Result};

/// How long another gateway may be ahead of this one.
const AHEAD_MAX: Duration = Duration::from_secs(2);

/// What a subscriber is told.
#[derive(Clone, Debug)]
pub(crate) enum Told {
    /// A part of the rows, as `LiveRows`.
    Snapshot { json: Arc<str> },
    /// These were all rows as of the position.
    Complete { id: Arc<str>, data: LiveComplete },
    /// What changed, as `LiveChanges`.
    Delta { id: Arc<str>, json: Arc<str> },
    /// What was told before holds no longer; all rows follow.
    Reset { reason: ResetReason },
}

/// One who follows a list.
pub(crate) struct Subscriber {
    app: App,
    /// That of what was told; none before anything is.
    generation: Option<Generation>,
    generations: watch::Receiver<Generation>,
    group: Arc<Group>,
    phase: Phase,
    receiver: Receiver<Arc<Batch>>,
    /// What is to be caught up with before listening goes on.
    target: Position,
    until: Position,
    wanted: Wanted,
}

enum Phase {
    /// After this id, if there is one.
    Begin(Option<String>),
    /// Of the rows as of a position, those up to an id were told.
    Rows(Position, Uuid),
    /// All rows as of a position were told, and since which one some are not as they should be.
    Complete(Position, Option<Position>),
    Follow,
}

impl Subscriber {
    /// Follows from where `resume` was told, or from the rows on.
    pub fn new(app: &App, wanted: Wanted, resume: Option<String>) -> Self {
        let group = app.live.group(app, &wanted);
        let receiver = group.listen();
        Self {
            app: app.clone(),
            generation: None,
            generations: app.freshness.generations(),
            group,
            phase: Phase::Begin(resume),
            receiver,
            target: Position(0),
            until: Position(0),
            wanted,
        }
    }

    /// What is to be told next.
    pub async fn next(&mut self) -> Told {
        loop {
            if let Some(told) = self.reset_if_rebuilt() {
                return told;
            }
            let told = match &mut self.phase {
                Phase::Begin(resume) => {
                    let resume = resume.take();
                    self.begin(resume).await
                }
                Phase::Rows(at, after) => {
                    let (at, after) = (*at, *after);
                    self.rows(at, after).await
                }
                Phase::Complete(at, stale_since) => {
                    let (at, stale_since) = (*at, *stale_since);
                    self.until = at;
                    self.target = at;
                    self.phase = Phase::Follow;
                    Some(self.complete(at, stale_since))
                }
                Phase::Follow if self.until < self.target => self.catch_up().await,
                Phase::Follow => self.hear().await,
            };
            if let Some(told) = told {
                return told;
            }
        }
    }

    async fn begin(&mut self, resume: Option<String>) -> Option<Told> {
        super::known(&self.app).await;
        let Some(resume) = resume else {
            self.phase = Phase::Rows(self.app.freshness.position(), Uuid::nil());
            return None;
        };
        let Some((after, generation)) = resume::read(&self.app, &self.wanted, &resume) else {
            return Some(self.reset(ResetReason::Unknown));
        };
        // Another gateway may have told what this one is about to see.
        let Ok(now) = self.app.freshness.wait_for(after, AHEAD_MAX).await else {
            return Some(self.reset(ResetReason::Unknown));
        };
        self.generation = Some(generation);
        self.until = after;
        self.target = now;
        self.phase = Phase::Follow;
        None
    }

    /// Begins anew if what was told is of an earlier generation than the one that is known.
    fn reset_if_rebuilt(&mut self) -> Option<Told> {
        let known = *self.generations.borrow_and_update();
        let told = self.generation?;
        (told < known).then(|| self.reset(ResetReason::Rebuilt))
    }

    /// Begins anew if something is told of another generation than what was told before.
    fn reset_unless_of(&mut self, generation: Generation) -> Option<Told> {
        let told = *self.generation.get_or_insert(generation);
        (told != generation).then(|| self.reset(ResetReason::Rebuilt))
    }

    /// Begins anew.
    fn reset(&mut self, reason: ResetReason) -> Told {
        self.generation = None;
        self.receiver = self.group.listen();
        self.phase = Phase::Rows(self.app.freshness.position(), Uuid::nil());
        Told::Reset { reason }
    }

    fn complete(&self, position: Position, stale_since: Option<Position>) -> Told {
        Told::Complete {
            id: self.id(position).into(),
            data: LiveComplete {
                position: position.0,
                stale_since: stale_since.map(|since| since.0),
            },
        }
    }

    fn id(&self, position: Position) -> String {
        let generation = self.generation.unwrap_or_default();
        resume::id(&self.app, &self.wanted, position, generation)
    }

    /// The next of the rows as of `at`.
    async fn rows(&mut self, at: Position, after: Uuid) -> Option<Told> {
        if self.is_too_far(at) {
            return Some(self.reset(ResetReason::TooSlow));
        }
        match self.try_rows(at, after).await {
            Ok(told) => told,
            Err(failure) => {
                tracing::debug!(?failure, "the rows of a live query wait");
                sleep(PAUSE).await;
                None
            }
        }
    }

    async fn try_rows(&mut self, at: Position, after: Uuid) -> Result<Option<Told>> {
        let (store, tenant) = (&self.app.store, self.wanted.tenant);
        let asked = live_query::rows_as_of(store, tenant, &self.wanted.query, at, after, CHUNK);
        let (generation, found) = asked.await?;
        if found.position < at {
            sleep(PAUSE).await;
            return Ok(None);
        }
        if let Some(told) = self.reset_unless_of(generation) {
            return Ok(Some(told));
        }
        let ids = found.value.ids();
        let rows = views::rows(&self.app, tenant, at, found.value);
        let json = rows.await?.into();
        self.phase = match ids.last() {
            Some(last) if ids.len() == CHUNK as usize => Phase::Rows(at, *last),
            _ => Phase::Complete(at, found.stale_since),
        };
        Ok((!ids.is_empty()).then_some(Told::Snapshot { json }))
    }

    /// A part of what was missed.
    async fn catch_up(&mut self) -> Option<Told> {
        if self.is_too_far(self.until) {
            return Some(self.reset(ResetReason::TooOld));
        }
        let (app, wanted) = (&self.app, &self.wanted);
        let span = (self.until, self.target);
        let touched = live_query::touched(&app.store, wanted.tenant, &wanted.query, span, CHUNK);
        let Touched {
            generation,
            until,
            ids,
        } = match touched.await {
            Ok(touched) => touched,
            Err(failure) => {
                tracing::debug!(%failure, "a live query waits");
                sleep(PAUSE).await;
                return None;
            }
        };
        let (generation, json) = if ids.is_empty() {
            (generation, None)
        } else {
            let changed = group::changed(app, wanted, (self.until, until), &ids).await;
            (changed.0, Some(changed.1))
        };
        if let Some(told) = self.reset_unless_of(generation) {
            return Some(told);
        }
        self.until = until;
        json.map(|json| Told::Delta {
            id: self.id(until).into(),
            json: json.into(),
        })
    }

    /// Waits for what happens; none if there is nothing to tell of it yet.
    async fn hear(&mut self) -> Option<Told> {
        let heard = tokio::select! {
            heard = self.receiver.recv() => heard,
            // The other end lives as long as the gateway's way to the read models.
            _ = self.generations.changed() => return None,
        };
        match heard {
            Ok(batch) if batch.to <= self.until => None,
            Ok(batch) => {
                self.target = batch.to;
                let told = batch.told.clone().filter(|told| {
                    batch.from >= self.until && Some(told.generation) == self.generation
                });
                // What lies in between, is too large to be kept, or is of another generation, is
                // read.
                let told = told?;
                self.until = batch.to;
                Some(Told::Delta {
                    id: told.resume,
                    json: told.json,
                })
            }
            Err(RecvError::Lagged(_)) => {
                self.receiver = self.group.listen();
                self.target = self.app.freshness.position().max(self.until);
                None
            }
            // The sender lives as long as this subscriber's group, so this is never seen.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }

    fn is_too_far(&self, position: Position) -> bool {
        let reached = self.app.freshness.position();
        reached.0.saturating_sub(position.0) > self.app.config.live_behind_max
    }
}
