//! One who follows a list: first the rows, or what was missed, then what changes.
//!
//! Invariant: what was told up to `until` is the list as of it. Nothing is kept for one subscriber
//! but its place: whoever reads slowly asks later for all that changed in between, in one.

use std::sync::Arc;

use projections::live_query::{self, Touched};
use schemas::{
    Position,
    api::{LiveComplete, ResetReason},
};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
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
        let Some(after) = resume::position(&self.app, &self.wanted, &resume) else {
            return Some(self.reset(ResetReason::Unknown));
        };
        // Another gateway may have told what this one is about to see.
        let Ok(now) = self.app.freshness.wait_for(after, AHEAD_MAX).await else {
            return Some(self.reset(ResetReason::Unknown));
        };
        self.until = after;
        self.target = now;
        self.phase = Phase::Follow;
        None
    }

    /// Begins anew.
    fn reset(&mut self, reason: ResetReason) -> Told {
        self.receiver = self.group.listen();
        self.phase = Phase::Rows(self.app.freshness.position(), Uuid::nil());
        Told::Reset { reason }
    }

    fn complete(&self, position: Position, stale_since: Option<Position>) -> Told {
        Told::Complete {
            id: resume::id(&self.app, &self.wanted, position).into(),
            data: LiveComplete {
                position: position.0,
                stale_since: stale_since.map(|since| since.0),
            },
        }
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
        let (app, tenant) = (&self.app, self.wanted.tenant);
        let asked =
            live_query::rows_as_of(&app.store, tenant, &self.wanted.query, at, after, CHUNK);
        let found = asked.await?;
        if found.position < at {
            sleep(PAUSE).await;
            return Ok(None);
        }
        let ids = found.value.ids();
        let json = views::rows(app, tenant, at, found.value).await?.into();
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
        let Touched { until, ids } = match touched.await {
            Ok(touched) => touched,
            Err(failure) => {
                tracing::debug!(%failure, "a live query waits");
                sleep(PAUSE).await;
                return None;
            }
        };
        let json = if ids.is_empty() {
            None
        } else {
            Some(group::changed(app, wanted, (self.until, until), &ids).await)
        };
        self.until = until;
        json.map(|json| Told::Delta {
            id: resume::id(&self.app, &self.wanted, until).into(),
            json: json.into(),
        })
    }

    /// Waits for what happens; none if there is nothing to tell of it yet.
    async fn hear(&mut self) -> Option<Told> {
        match self.receiver.recv().await {
            Ok(batch) if batch.to <= self.until => None,
            Ok(batch) if batch.from >= self.until && batch.json.is_some() => {
                self.until = batch.to;
                self.target = batch.to;
                let (id, json) = (batch.resume.clone(), batch.json.clone()?);
                Some(Told::Delta { id, json })
            }
            // What lies in between, or is too large to be kept, is read.
            Ok(batch) => {
                self.target = batch.to;
                None
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
