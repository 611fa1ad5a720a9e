//! Those who follow the same list.
//!
//! Invariant: the position moves together with what is told of it, so whoever begins to listen
//! hears all that comes after it. A change is told only once Postgres shows it.

use std::{
    collections::BTreeSet,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{FutureExt as _, StreamExt as _};
use projections::{Generation, Live, LiveItem, live_query};
use schemas::Position;
use tokio::{
    sync::broadcast,
    time::{interval, sleep},
};
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use super::{CHUNK, PAUSE, Wanted, resume, views};
use crate::{app::App, problem::Result};

/// How many changes are kept for those who are slow.
const BACKLOG: usize = 32;
/// How large a change is kept for all, in bytes; a larger one each reads by itself.
const BATCH_MAX: usize = 128 * 1024;
/// How often those who follow a quiet list in a busy log are told how far it is, so that they can
/// go on from there.
const PROGRESS: Duration = Duration::from_secs(10);

/// A list that is followed, while anybody does.
pub(super) struct Group {
    _ends: DropGuard,
    shared: Arc<Shared>,
}

struct Shared {
    sender: broadcast::Sender<Arc<Batch>>,
    until: Mutex<Position>,
    wanted: Wanted,
}

/// What became of the list between two positions.
pub(super) struct Batch {
    /// Up to here nothing changed since the batch before.
    pub from: Position,
    pub to: Position,
    /// None if each has to read it.
    pub told: Option<Evaluated>,
}

/// What is told of a batch.
#[derive(Clone)]
pub(super) struct Evaluated {
    /// Of which generation of the read models it is.
    pub generation: Generation,
    /// As `LiveChanges`.
    pub json: Arc<str>,
    /// The id to go on after.
    pub resume: Arc<str>,
}

/// What was heard and is not yet told.
struct News {
    /// Where the first of them happened.
    first: Option<Position>,
    ids: BTreeSet<Uuid>,
    /// Whether more happened than was heard.
    is_lost: bool,
    until: Position,
}

impl Group {
    /// Begins to follow, in a task of its own.
    pub fn start(app: &App, wanted: &Wanted) -> Self {
        let end = CancellationToken::new();
        let (sender, _) = broadcast::channel(BACKLOG);
        let shared = Arc::new(Shared {
            sender,
            until: Mutex::new(app.freshness.position()),
            wanted: wanted.clone(),
        });
        let (app, followed, ended) = (app.clone(), shared.clone(), end.clone());
        tokio::spawn(async move { ended.run_until_cancelled(followed.follow(&app)).await });
        Self {
            _ends: end.drop_guard(),
            shared,
        }
    }

    /// What comes from now on.
    pub fn listen(&self) -> broadcast::Receiver<Arc<Batch>> {
        let _held = self.shared.until();
        self.shared.sender.subscribe()
    }
}

impl Shared {
    fn until(&self) -> MutexGuard<'_, Position> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn follow(&self, app: &App) {
        let begun = self.begin(app).await;
        let mut items = pin!(app.feed.subscribe(self.wanted.tenant, Some(begun)));
        let mut progress = interval(PROGRESS);
        loop {
            tokio::select! {
                item = items.next() => {
                    let Some(item) = item else { return };
                    let mut news = News::since(*self.until());
                    news.hear(self, item);
                    // What has happened meanwhile is told together.
                    while news.ids.len() < CHUNK as usize
                        && let Some(Some(item)) = items.next().now_or_never()
                    {
                        news.hear(self, item);
                    }
                    self.tell(app, news).await;
                }
                _ = progress.tick() => self.advance(app).await,
            }
        }
    }

    /// Where to begin, once this process knows where the read models are.
    async fn begin(&self, app: &App) -> Position {
        super::known(app).await;
        let (from, to) = (*self.until(), app.freshness.position());
        if to > from {
            self.publish((from, to), None);
        }
        to.max(from)
    }

    /// Tells the news, if there are any for this list.
    async fn tell(&self, app: &App, news: News) {
        let ids: Vec<_> = news.ids.into_iter().collect();
        // Not held while it is moved.
        let from = *self.until();
        if news.is_lost {
            self.publish((from, news.until), None);
        } else if let Some(first) = news.first {
            let told = self.evaluate(app, news.until, &ids).await;
            let before = Position(first.0.saturating_sub(1));
            self.publish((before, news.until), told);
        }
    }

    /// Looks how far the list is, whatever was heard.
    async fn advance(&self, app: &App) {
        let (from, to) = (*self.until(), app.freshness.position());
        if to <= from {
            return;
        }
        let (tenant, query) = (self.wanted.tenant, &self.wanted.query);
        let touched = live_query::touched(&app.store, tenant, query, (from, to), CHUNK);
        match touched.await {
            Ok(touched) if touched.until == to => {
                let told = self.evaluate(app, to, &touched.ids).await;
                let quiet = touched.ids.is_empty();
                self.publish((if quiet { to } else { from }, to), told);
            }
            Ok(_) => self.publish((from, to), None),
            Err(failure) => tracing::debug!(%failure, "the progress of a live query waits"),
        }
    }

    /// What changed up to `to`; none if it is too much to be kept for all.
    async fn evaluate(&self, app: &App, to: Position, ids: &[Uuid]) -> Option<Evaluated> {
        let from = *self.until();
        let (generation, json) = changed(app, &self.wanted, (from, to), ids).await;
        (json.len() <= BATCH_MAX).then(|| Evaluated {
            generation,
            json: json.into(),
            resume: resume::id(app, &self.wanted, to, generation).into(),
        })
    }

    fn publish(&self, (from, to): (Position, Position), told: Option<Evaluated>) {
        let mut until = self.until();
        *until = to;
        let batch = Batch { from, to, told };
        // An error says that nobody listens any more, which is nobody's loss.
        let _ = self.sender.send(Arc::new(batch));
    }
}

impl News {
    fn since(until: Position) -> Self {
        Self {
            first: None,
            ids: BTreeSet::new(),
            is_lost: false,
            until,
        }
    }

    fn hear(&mut self, shared: &Shared, item: LiveItem) {
        match item {
            LiveItem::Event(Live { position, .. }) if position <= self.until => {}
            LiveItem::Event(live) => {
                self.until = live.position;
                if live.kind == shared.wanted.query.kind() {
                    self.first.get_or_insert(live.position);
                    self.ids.insert(live.id);
                }
            }
            LiveItem::Reset { position } => {
                self.is_lost = true;
                self.until = self.until.max(position);
            }
        }
    }
}

/// What changed in a list, once Postgres can tell; asked until it does.
pub(super) async fn changed(
    app: &App,
    wanted: &Wanted,
    (from, to): (Position, Position),
    ids: &[Uuid],
) -> (Generation, String) {
    loop {
        match try_changed(app, wanted, (from, to), ids).await {
            Ok(Some(told)) => return told,
            Ok(None) => {}
            Err(failure) => tracing::debug!(?failure, "a live query waits"),
        }
        sleep(PAUSE).await;
    }
}

async fn try_changed(
    app: &App,
    wanted: &Wanted,
    (from, to): (Position, Position),
    ids: &[Uuid],
) -> Result<Option<(Generation, String)>> {
    let (tenant, query) = (wanted.tenant, &wanted.query);
    let changes = live_query::changes(&app.store, tenant, query, (from, to), ids);
    let (generation, found) = changes.await?;
    if found.position < to {
        return Ok(None);
    }
    let json = views::changes(app, tenant, to, found).await?;
    Ok(Some((generation, json)))
}
