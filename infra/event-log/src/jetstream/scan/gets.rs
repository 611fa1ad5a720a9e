//! Reading a long part of the log: many direct gets at a time, each decoded by a task of its own.
//!
//! Invariant: entries are given in order and none is passed over: a position that is not there is a
//! gap, and told as one.

use std::time::Duration;

use async_nats::Client;
use futures::{StreamExt as _, stream};
use schemas::Position;

use super::super::read;
use crate::{Entry, LogError, Scan, subject};

/// How many entries are asked for at a time.
const CHUNK: u64 = 1_000;
/// How many questions are under way.
const AHEAD: usize = 4;
/// How often a copy that seems to end too early is asked again: it may be behind the leader.
const TRIES: usize = 5;
/// How long to wait before.
const PAUSE: Duration = Duration::from_millis(200);

/// Entries, and what is wrong after the last of them.
type Chunk = (Vec<Entry>, Option<LogError>);

/// The entries after `after` up to `until`.
pub(super) fn scan(client: &Client, after: Position, until: Position) -> Scan {
    let client = client.clone();
    let starts = (after.0 + 1..=until.0).step_by(CHUNK as usize);
    let asked = stream::iter(starts).map(move |from| {
        let to = until.0.min(from + CHUNK - 1);
        tokio::spawn(chunk(client.clone(), Position(from), Position(to)))
    });
    let chunks = asked.buffered(AHEAD).flat_map(|chunk| {
        let (entries, wrong) = chunk.unwrap_or_else(|panic| {
            let reason = format!("reading broke off: {panic}");
            (Vec::new(), Some(LogError::Unavailable(reason)))
        });
        let entries = (!entries.is_empty()).then_some(Ok(entries));
        stream::iter(entries.into_iter().chain(wrong.map(Err)))
    });
    Box::pin(chunks)
}

async fn chunk(client: Client, from: Position, to: Position) -> Chunk {
    let mut entries = Vec::with_capacity((to.0 - from.0 + 1) as usize);
    let (mut next, mut tries) = (from, 0);
    while next <= to {
        let before = next;
        let batch = (to.0 - next.0 + 1) as usize;
        let taken = read::get(&client, subject::ANY, next, batch, |entry| {
            let found = entry.position();
            if found != next || found > to {
                let after = Position(next.0 - 1);
                return Err(LogError::Gap { after, found });
            }
            next = found.next();
            entries.push(entry);
            Ok(())
        });
        if let Err(wrong) = taken.await {
            return (entries, Some(wrong));
        }
        if next > before {
            tries = 0;
        } else if tries < TRIES {
            tries += 1;
            tokio::time::sleep(PAUSE).await;
        } else {
            let (after, found) = (Position(next.0 - 1), to.next());
            return (entries, Some(LogError::Gap { after, found }));
        }
    }
    (entries, None)
}
