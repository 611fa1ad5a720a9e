//! Reading by a consumer that acknowledges nothing, over a connection of its own, with several
//! tasks to decode.
//!
//! Invariant: no more is asked for than the client can hold, so nothing is dropped on the way; what
//! was not heard of in time is a failure, and never the end.

use std::time::Duration;

use async_nats::jetstream::{
    consumer::{AckPolicy, DeliverPolicy, ReplayPolicy, pull::Config},
    stream::Stream,
};
use futures::{StreamExt as _, stream};
use schemas::Position;
use serde_json::json;
use tokio::{sync::mpsc, task::JoinHandle};
use uuid::Uuid;

use super::{
    super::{
        JetStreamLog,
        read::{entry_with, unavailable},
    },
    frame::Message,
    wire::Wire,
};
use crate::{Entry, LogError, Scan, headers, subject};

/// How many entries are asked for at a time.
const BATCH: u64 = 2_000;
/// How many may be on their way, and so at most how many lie here.
const UNDER_WAY: u64 = 6 * BATCH;
/// How many entries are decoded at a time.
const PART: usize = 500;
/// How many parts are decoded side by side.
const AHEAD: usize = 8;
/// How long to wait for the next message.
const SILENCE: Duration = Duration::from_secs(5);
/// For how long the server keeps a consumer that nobody asks any more.
const KEPT: Duration = Duration::from_secs(30);
/// How often a copy that seems to end too early is asked again: it may be behind the leader.
const TRIES: usize = 5;
/// How long to wait before.
const PAUSE: Duration = Duration::from_millis(200);

/// What a request that has ended early did not get.
const NOT_GOT: &str = "Nats-Pending-Messages";

struct Reader {
    /// What came and was not looked at yet.
    heard: std::vec::IntoIter<Message>,
    inbox: String,
    name: String,
    next: Position,
    requests: String,
    stream: Stream<()>,
    tries: usize,
    under_way: u64,
    until: Position,
    wire: Wire,
}

/// Entries, and what is wrong after the last of them.
type Part = (Vec<Entry>, Option<LogError>);

/// Messages with their positions, and what is wrong after the last of them.
type Raw = (Vec<(Position, Message)>, Option<LogError>);

/// The entries after `after` up to `until`.
pub(super) async fn scan(
    log: &JetStreamLog,
    after: Position,
    until: Position,
) -> Result<Scan, LogError> {
    let name = Uuid::from_bytes(runtime::random::bytes())
        .simple()
        .to_string();
    let config = Config {
        ack_policy: AckPolicy::None,
        deliver_policy: DeliverPolicy::ByStartSequence {
            start_sequence: after.next().0,
        },
        inactive_threshold: KEPT,
        memory_storage: true,
        name: Some(name.clone()),
        num_replicas: 1,
        replay_policy: ReplayPolicy::Instant,
        ..Config::default()
    };
    let made = log.stream.create_consumer(config).await;
    made.map_err(unavailable)?;
    let inbox = log.client.new_inbox();
    let who = format!("almanac {} reads", log.role.name());
    let wire = Wire::open(&log.server, &who, &inbox).await;
    let reader = Reader {
        heard: Vec::new().into_iter(),
        inbox,
        next: after.next(),
        requests: subject::consumer_api("MSG.NEXT", subject::EVENTS, &name),
        name,
        stream: log.stream.clone(),
        tries: 0,
        under_way: 0,
        until,
        wire: wire.map_err(unavailable)?,
    };
    let (sender, receiver) = mpsc::channel(AHEAD);
    tokio::spawn(reader.read(sender));
    let parts = stream::unfold(receiver, |mut receiver| async {
        let part: JoinHandle<_> = receiver.recv().await?;
        Some((part.await, receiver))
    });
    let parts = parts.flat_map(|part| {
        let (entries, wrong) = part.unwrap_or_else(|panic| {
            let reason = format!("reading broke off: {panic}");
            (Vec::new(), Some(LogError::Unavailable(reason)))
        });
        let entries = (!entries.is_empty()).then_some(Ok(entries));
        stream::iter(entries.into_iter().chain(wrong.map(Err)))
    });
    Ok(Box::pin(parts))
}

fn decoded((messages, wrong): Raw) -> Part {
    let entries = messages.into_iter().map(|(position, message)| {
        let meta = || {
            let found = message.headers()?;
            headers::found_by(|name| found.get(name.as_ref()))
        };
        entry_with(position, message.subject(), meta, message.payload())
    });
    (entries.collect(), wrong)
}

impl Reader {
    /// Reads everything, in a task of its own that never waits for whoever uses it but where too
    /// much waits for them; ends when nobody does.
    async fn read(mut self, sender: mpsc::Sender<JoinHandle<Part>>) {
        while self.next <= self.until {
            let raw = self.part().await;
            let is_last = raw.1.is_some();
            let part = tokio::spawn(async { decoded(raw) });
            if sender.send(part).await.is_err() || is_last {
                break;
            }
        }
        // Many short parts one after the other would be more consumers than the server keeps. One
        // that is not deleted it forgets by itself.
        let _unheard = self.stream.delete_consumer(&self.name).await;
    }

    /// What comes next.
    async fn part(&mut self) -> Raw {
        let mut messages = Vec::with_capacity(PART);
        while messages.len() < PART && self.next <= self.until {
            match self.message().await {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => {}
                Err(wrong) => return (messages, Some(wrong)),
            }
        }
        (messages, None)
    }

    /// The next message; none if one has to look again: more was heard, or a request has ended
    /// early.
    async fn message(&mut self) -> Result<Option<(Position, Message)>, LogError> {
        self.ask();
        let Some(message) = self.heard.next() else {
            self.heard = self.hear().await?.into_iter();
            return Ok(None);
        };
        match message.status() {
            None => {}
            Some(404 | 408) => return self.ended_early(&message).await,
            Some(status) => return Err(LogError::Unavailable(format!("status {status}"))),
        }
        self.under_way = self.under_way.saturating_sub(1);
        let found = position(message.reply())
            .ok_or_else(|| LogError::Unavailable("a message without its position".to_owned()))?;
        if found != self.next || found > self.until {
            let after = Position(self.next.0 - 1);
            return Err(LogError::Gap { after, found });
        }
        self.next = found.next();
        self.tries = 0;
        Ok(Some((found, message)))
    }

    async fn hear(&mut self) -> Result<Vec<Message>, LogError> {
        match tokio::time::timeout(SILENCE, self.wire.hear()).await {
            Ok(Some(heard)) => heard.map_err(LogError::Unavailable),
            Ok(None) => Err(LogError::Unavailable("the connection is gone".to_owned())),
            Err(_) => {
                let reason = "the log did not answer in time";
                Err(LogError::Unavailable(reason.to_owned()))
            }
        }
    }

    /// Keeps enough under way.
    fn ask(&mut self) {
        loop {
            let wanted = self.until.0 + 1 - self.next.0 - self.under_way;
            let batch = wanted.min(BATCH);
            if batch == 0 || self.under_way + batch > UNDER_WAY {
                return;
            }
            let ask = json!({"batch": batch, "no_wait": true}).to_string();
            self.wire.ask(&self.requests, &self.inbox, &ask);
            self.under_way += batch;
        }
    }

    async fn ended_early(
        &mut self,
        told: &Message,
    ) -> Result<Option<(Position, Message)>, LogError> {
        let headers = told.headers().ok();
        let lacks = headers.and_then(|headers| headers.get(NOT_GOT)?.parse().ok());
        // Of a request that got nothing not every server says how much that was.
        self.under_way = self
            .under_way
            .saturating_sub(lacks.unwrap_or(self.under_way));
        self.tries += 1;
        if self.tries > TRIES {
            let (after, found) = (Position(self.next.0 - 1), self.until.next());
            return Err(LogError::Gap { after, found });
        }
        tokio::time::sleep(PAUSE).await;
        Ok(None)
    }
}

/// The position in the log out of the subject on which a message would be acknowledged:
/// `$JS.ACK.<stream>.<consumer>.<deliveries>.<position>.…`, with domain and account before the
/// stream where there are more than nine parts (NATS ADR-15).
fn position(reply: &str) -> Option<Position> {
    let parts = reply.split('.').count();
    let at = if parts > 9 { 7 } else { 5 };
    reply.split('.').nth(at)?.parse().map(Position).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_read_in_both_forms() {
        let old = "$JS.ACK.EVENTS.c.1.42.7.1700000000000000000.3";
        let new = "$JS.ACK._.hash.EVENTS.c.1.42.7.1700000000000000000.3.token";
        assert_eq!(position(old), Some(Position(42)));
        assert_eq!(position(new), Some(Position(42)));
        assert_eq!(position("_INBOX.x"), None);
    }
}
