//! Reads what is new and tells it to all.
//!
//! Invariant: the position that is told grows without a gap, whatever fails between.

use std::time::Duration;

use schemas::Position;
use tokio::time::sleep;

use super::{Heard, Live, LiveFeed};
use crate::{StoreError, event_log};

/// How many positions are read at a time.
const CHUNK: u64 = 100;
/// How long to wait after a failure.
const PAUSE: Duration = Duration::from_millis(250);

/// Follows until shutdown.
pub(super) async fn follow(feed: LiveFeed) {
    let shutdown = feed.0.shutdown.clone();
    shutdown.run_until_cancelled(follow_for_ever(&feed)).await;
}

async fn follow_for_ever(feed: &LiveFeed) {
    let freshness = &feed.0.freshness;
    let mut reached = freshness.subscribe();
    // What happened before this process began to watch is replayed to whoever asks for it.
    while !freshness.is_known() {
        sleep(Duration::from_millis(10)).await;
    }
    let start = freshness.position();
    feed.told().until = Some(start);
    let mut until = start;
    while reached.wait_for(|reached| *reached > until).await.is_ok() {
        let to = Position(freshness.position().0.min(until.0 + CHUNK));
        match tell(feed, until, to).await {
            Ok(()) => until = to,
            Err(failure) => {
                tracing::warn!(%failure, position = until.0, "the live feed waits");
                sleep(PAUSE).await;
            }
        }
    }
}

/// Tells what happened after `from`, up to and with `to`, to the tenants that listen.
async fn tell(feed: &LiveFeed, from: Position, to: Position) -> Result<(), StoreError> {
    let tenants = {
        let mut told = feed.told();
        told.until = Some(to);
        told.listeners.tenants()
    };
    if tenants.is_empty() {
        return Ok(());
    }
    let rows = event_log::between(feed.0.freshness.store(), &tenants, from, to).await?;
    let commits = event_log::live_events(&rows)?.into_iter();
    let lives = commits.map(Live::new).collect::<Result<Vec<_>, _>>()?;
    let mut told = feed.told();
    for live in lives {
        let heard = Heard {
            id: live.id,
            json: told.recent.keep(live.json),
            kind: live.kind,
            position: live.position,
            tenant: live.tenant,
        };
        // An error says that nobody listens any more, which is nobody's loss.
        let _ = told.sender.send(heard);
    }
    Ok(())
}
