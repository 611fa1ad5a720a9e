//! Reading by a consumer that acknowledges nothing, with several tasks to decode.
//!
//! Invariant: no more is asked for than the client can hold, so nothing is dropped on the way; what
//! was not heard of in time is a failure, and never the end.

use std::time::Duration;

use async_nats::{
    Client, Message, StatusCode, Subscriber,
    jetstream::consumer::{AckPolicy, DeliverPolicy, ReplayPolicy, pull::Config},
};
use futures::{StreamExt as _, stream};
use schemas::Position;
use serde_json::json;
use uuid::Uuid;

use super::super::{
    JetStreamLog,
    read::{entry, unavailable},
};
use crate::{Entry, LogError, Scan, subject};

/// How many entries are asked for at a time.
const BATCH: u64 = 2_000;
/// How many may be on their way: far below what the client holds before it drops any.
const UNDER_WAY: u64 = 2 * BATCH;
/// How many entries are decoded at a time.
const PART: usize = 500;
/// How many parts are decoded side by side.
const AHEAD: usize = 4;
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
    answers: Subscriber,
    client: Client,
    inbox: String,
    next: Position,
    requests: String,
    tries: usize,
    under_way: u64,
    until: Position,
}

/// Messages with their positions, and what is wrong after the last of them.
type Raw = (Vec<(Position, Message)>, Option<LogError>);

/// The entries after `after` up to `until`.
pub(super) async fn scan(
    log: &JetStreamLog,
    after: Position,
    until: Position,
) -> Result<Scan, LogError> {
    let name = Uuid::from_bytes(runtime::random::bytes()).simple();
    let config = Config {
        ack_policy: AckPolicy::None,
        deliver_policy: DeliverPolicy::ByStartSequence {
            start_sequence: after.next().0,
        },
        inactive_threshold: KEPT,
        memory_storage: true,
        name: Some(name.to_string()),
        num_replicas: 1,
        replay_policy: ReplayPolicy::Instant,
        ..Config::default()
    };
    let made = log.stream.create_consumer(config).await;
    made.map_err(unavailable)?;
    let inbox = log.client.new_inbox();
    let reader = Reader {
        answers: (log.client.subscribe(inbox.clone()).await).map_err(unavailable)?,
        client: log.client.clone(),
        inbox,
        next: after.next(),
        requests: subject::consumer_api("MSG.NEXT", subject::EVENTS, &name.to_string()),
        tries: 0,
        under_way: 0,
        until,
    };
    let parts = stream::unfold(Some(reader), |reader| async {
        let mut reader = reader.filter(|reader| reader.next <= reader.until)?;
        let raw = reader.part().await;
        let goes_on = raw.1.is_none().then_some(reader);
        Some((tokio::spawn(async { decoded(raw) }), goes_on))
    });
    let parts = parts.buffered(AHEAD).flat_map(|part| {
        let (entries, wrong) = part.unwrap_or_else(|panic| {
            let reason = format!("reading broke off: {panic}");
            (Vec::new(), Some(LogError::Unavailable(reason)))
        });
        let entries = (!entries.is_empty()).then_some(Ok(entries));
        stream::iter(entries.into_iter().chain(wrong.map(Err)))
    });
    Ok(Box::pin(parts))
}

fn decoded((messages, wrong): Raw) -> (Vec<Entry>, Option<LogError>) {
    let entries = messages.into_iter().map(|(position, message)| {
        let headers = message.headers.unwrap_or_default();
        entry(position, &message.subject, &headers, message.payload.into())
    });
    (entries.collect(), wrong)
}

impl Reader {
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

    /// The next message; none if a request has ended early.
    async fn message(&mut self) -> Result<Option<(Position, Message)>, LogError> {
        self.ask().await?;
        let answer = tokio::time::timeout(SILENCE, self.answers.next()).await;
        let Ok(Some(message)) = answer else {
            let reason = "the log did not answer in time";
            return Err(LogError::Unavailable(reason.to_owned()));
        };
        match message.status {
            None | Some(StatusCode::OK) => {}
            Some(StatusCode::NOT_FOUND | StatusCode::TIMEOUT) => {
                return self.ended_early(&message).await;
            }
            Some(status) => return Err(LogError::Unavailable(format!("status {status}"))),
        }
        self.under_way = self.under_way.saturating_sub(1);
        let found = message.reply.as_deref().and_then(position);
        let found = found
            .ok_or_else(|| LogError::Unavailable("a message without its position".to_owned()))?;
        if found != self.next || found > self.until {
            let after = Position(self.next.0 - 1);
            return Err(LogError::Gap { after, found });
        }
        self.next = found.next();
        self.tries = 0;
        Ok(Some((found, message)))
    }

    /// Keeps enough under way.
    async fn ask(&mut self) -> Result<(), LogError> {
        loop {
            let wanted = self.until.0 + 1 - self.next.0 - self.under_way;
            let batch = wanted.min(BATCH);
            if batch == 0 || self.under_way + batch > UNDER_WAY {
                return Ok(());
            }
            let ask = json!({"batch": batch, "no_wait": true}).to_string();
            let (requests, inbox) = (self.requests.clone(), self.inbox.clone());
            let asked = (self.client).publish_with_reply(requests, inbox, ask.into());
            asked.await.map_err(unavailable)?;
            self.under_way += batch;
        }
    }

    async fn ended_early(
        &mut self,
        told: &Message,
    ) -> Result<Option<(Position, Message)>, LogError> {
        let headers = told.headers.as_ref();
        let lacks = headers.and_then(|headers| headers.get(NOT_GOT)?.as_str().parse().ok());
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
