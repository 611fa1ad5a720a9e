//! One subscriber: first what it missed, then what happens.
//!
//! Invariant: the switch from replay to live is one position, fixed together with the start of
//! listening, so nothing falls between them and nothing comes twice.

use std::{collections::VecDeque, time::Duration};

use futures::{Stream, stream};
use schemas::{Position, domain::TenantId};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::sleep,
};

use super::{Heard, Live, LiveFeed, LiveItem, listening::Listening};
use crate::event_log;

/// How many commits may be replayed; who missed more reads anew.
const REPLAY_MAX: u64 = 10_000;
/// How many positions are read at a time.
const CHUNK: u64 = 100;
/// How long to wait after a failure, and between looks for the feed's begin.
const PAUSE: Duration = Duration::from_millis(50);

struct Subscriber {
    /// What was asked for; taken when it is settled where to begin.
    after: Option<Position>,
    feed: LiveFeed,
    /// None until it is settled where to begin.
    live: Option<(Receiver<Heard>, Listening)>,
    /// Everything up to here has been told.
    until: Position,
    replay_to: Position,
    tenant: TenantId,
    waiting: VecDeque<LiveItem>,
}

pub(super) fn subscribe(
    feed: LiveFeed,
    tenant: TenantId,
    after: Option<Position>,
) -> impl Stream<Item = LiveItem> + Send + 'static + use<> {
    let subscriber = Subscriber {
        after,
        feed,
        live: None,
        until: Position(0),
        replay_to: Position(0),
        tenant,
        waiting: VecDeque::new(),
    };
    stream::unfold(subscriber, |mut subscriber| async {
        let shutdown = subscriber.feed.0.shutdown.clone();
        let item = shutdown.run_until_cancelled(subscriber.next()).await?;
        Some((item, subscriber))
    })
}

impl Subscriber {
    async fn next(&mut self) -> LiveItem {
        loop {
            if self.live.is_none() {
                self.begin().await;
            }
            if let Some(item) = self.waiting.pop_front() {
                return item;
            }
            if self.until < self.replay_to {
                self.replay().await;
            } else if let Some(item) = self.hear().await {
                return item;
            }
        }
    }

    /// Settles where to begin and where the replay ends.
    async fn begin(&mut self) {
        let (live, now) = self.listen().await;
        self.live = Some(live);
        let after = self.after.take().unwrap_or(now);
        self.replay_to = now;
        self.until = after;
        let missed = now.0.saturating_sub(after.0);
        if missed > REPLAY_MAX || (after > now && self.is_beyond_head(after).await) {
            self.reset(now);
        }
    }

    /// Starts listening; what happens after the position will be heard.
    async fn listen(&self) -> ((Receiver<Heard>, Listening), Position) {
        loop {
            {
                let mut told = self.feed.told();
                if let Some(until) = told.until {
                    let listening = told.listeners.add(self.tenant, &self.feed);
                    return ((told.sender.subscribe(), listening), until);
                }
            }
            sleep(PAUSE).await;
        }
    }

    /// Whether the log has never come so far. It is asked until it answers: whoever took a position
    /// of another log on trust would wait for what never comes.
    async fn is_beyond_head(&self, position: Position) -> bool {
        loop {
            match self.feed.0.log.head().await {
                Ok(head) => return position > head.position,
                Err(_) => sleep(PAUSE).await,
            }
        }
    }

    fn reset(&mut self, position: Position) {
        self.until = position;
        self.replay_to = position;
        self.waiting.clear();
        self.waiting.push_back(LiveItem::Reset { position });
    }

    /// Reads a part of what was missed.
    async fn replay(&mut self) {
        let to = Position(self.replay_to.0.min(self.until.0 + CHUNK));
        let store = self.feed.0.freshness.store();
        let missed = event_log::between(store, &[self.tenant], self.until, to).await;
        let lives = missed.and_then(|rows| {
            let commits = event_log::live_events(&rows)?.into_iter();
            commits.map(Live::new).collect::<Result<Vec<_>, _>>()
        });
        match lives {
            Ok(lives) => {
                self.waiting.extend(lives.into_iter().map(LiveItem::Event));
                self.until = to;
            }
            Err(failure) => {
                tracing::debug!(%failure, "a replay waits");
                sleep(PAUSE).await;
            }
        }
    }

    /// Waits for what happens; none if it is not for this subscriber.
    async fn hear(&mut self) -> Option<LiveItem> {
        let (receiver, _) = self.live.as_mut()?;
        match receiver.recv().await {
            Ok(heard) if heard.position <= self.until => None,
            Ok(heard) if heard.tenant != self.tenant => {
                self.until = heard.position;
                None
            }
            Ok(heard) => {
                let Some(json) = heard.json.upgrade() else {
                    // Its words are not kept any more: it is read like what was missed.
                    self.replay_to = heard.position;
                    return None;
                };
                self.until = heard.position;
                Some(LiveItem::Event(Live {
                    tenant: heard.tenant,
                    position: heard.position,
                    kind: heard.kind,
                    id: heard.id,
                    json,
                }))
            }
            Err(RecvError::Lagged(_)) => {
                let (live, now) = self.listen().await;
                self.live = Some(live);
                self.reset(now);
                self.waiting.pop_front()
            }
            // The sender lives as long as this feed, so this is never seen.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}
