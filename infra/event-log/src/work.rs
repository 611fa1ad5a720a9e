//! The work queue: attempts on their way from the dispatcher to a worker.
//!
//! Invariant: delivery is at least once and means nothing by itself; a worker must claim the
//! attempt in the log before it acts. A delivery that is dropped without a word is delivered again
//! at once.

use std::{sync::Arc, time::Duration};

use async_nats::{
    HeaderMap, Subject,
    jetstream::{AckKind, Message, consumer::PullConsumer},
};
use domain::{TaskId, TenantId, Timestamp, task::Priority};
use futures::{Stream, StreamExt as _};
use schemas::Version;
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use crate::{JetStreamLog, LogError, subject};

/// The kinds that not every worker can do: their attempts wait by themselves, so that those of
/// others never wait behind them.
pub const APART: [&str; 4] = ["backup", "command", "export", "generate-report"];
/// How long a worker may take to say what it is at.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
const YES: &[u8] = b"yes";
const NO: &[u8] = b"no";

/// The attempts that wait. Clones share what they have looked up.
#[derive(Clone)]
pub struct WorkQueue {
    apart: Option<&'static str>,
    consumers: Arc<[OnceCell<PullConsumer>; Priority::ALL.len()]>,
    log: JetStreamLog,
}

/// One attempt to be made.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct WorkItem {
    /// Which attempt, from 1.
    pub attempt: u32,
    /// What is to be done; empty if an earlier version queued it.
    #[serde(default)]
    pub kind: String,
    /// The task.
    pub task: TaskId,
    /// Its owner.
    pub tenant: TenantId,
    /// The task's version when the attempt came due; tells equal attempt numbers apart.
    pub version: Version,
}

/// An attempt handed to this worker, until it says what became of it.
pub struct Delivery {
    /// What is to be done.
    pub item: WorkItem,
    /// When it was put into the queue, by the server's clock; deliveries do not change it.
    pub queued_at: Timestamp,
    /// How often this was delivered before; above 0, an earlier worker may have died.
    pub redelivered: u64,
    message: Option<Message>,
}

/// A question to a worker: are you at this attempt?
pub struct Inquiry {
    /// Which attempt.
    pub item: WorkItem,
    asker: Subject,
    client: async_nats::Client,
}

/// Why the queue does not give or take.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the work queue is unavailable: {0}")]
pub struct WorkError(String);

impl WorkQueue {
    /// The work queue on `log`'s server.
    pub fn new(log: &JetStreamLog) -> Self {
        Self {
            apart: None,
            consumers: Arc::default(),
            log: log.clone(),
        }
    }

    /// The part of it where attempts of a kind wait that not every worker may run.
    pub fn of_kind(&self, kind: &str) -> Option<Self> {
        let apart = APART.iter().find(|apart| **apart == kind);
        apart.map(|apart| Self {
            apart: Some(apart),
            consumers: Arc::default(),
            log: self.log.clone(),
        })
    }

    /// Puts `item` into the queue of `priority`; repeats within two minutes are dropped by the
    /// server.
    pub async fn push(&self, priority: Priority, item: &WorkItem) -> Result<(), WorkError> {
        let apart = APART.contains(&item.kind.as_str());
        let to = if apart {
            subject::work_apart(priority, &item.kind)
        } else {
            subject::work(priority)
        };
        put(&self.log, to, item).await
    }

    /// The same for an attempt of a kind of the tenant's own, which somebody outside makes.
    pub async fn push_outside(&self, priority: Priority, item: &WorkItem) -> Result<(), WorkError> {
        let to = subject::external(priority, item.tenant, &item.kind);
        put(&self.log, to, item).await
    }

    /// The next attempt of `priority`, if one waits or comes within `wait`.
    pub async fn pull(
        &self,
        priority: Priority,
        wait: Duration,
    ) -> Result<Option<Delivery>, WorkError> {
        let consumer = self.consumer(priority).await?;
        let pulled = consumer.batch().max_messages(1).expires(wait).messages();
        let mut pulled = pulled.await.map_err(failed)?;
        match pulled.next().await {
            Some(message) => delivery(message.map_err(failed)?).await,
            None => Ok(None),
        }
    }

    /// The consumer that hands out `priority`, looked up once.
    async fn consumer(&self, priority: Priority) -> Result<&PullConsumer, WorkError> {
        let name = match self.apart {
            Some(kind) => subject::work_apart_consumer(priority, kind),
            None => subject::work_consumer(priority),
        };
        let look_up = || {
            self.log
                .jetstream()
                .get_consumer_from_stream(name, subject::WORK)
        };
        self.consumers[priority as usize]
            .get_or_try_init(look_up)
            .await
            .map_err(failed)
    }

    /// Whether `worker` says that it is at `item`; no word within a second is a no.
    pub async fn is_at(&self, worker: &str, item: &WorkItem) -> bool {
        let payload = serde_json::to_vec(item).expect("work items always encode");
        let request = async_nats::Request::new()
            .payload(payload.into())
            .timeout(Some(ANSWER_WITHIN));
        let asked = self.log.client();
        let answer = asked.send_request(subject::worker(worker), request).await;
        answer.is_ok_and(|answer| answer.payload.as_ref() == YES)
    }

    /// What others ask `worker`, as they ask.
    pub async fn inquiries(
        &self,
        worker: &str,
    ) -> Result<impl Stream<Item = Inquiry> + Send + use<>, WorkError> {
        let client = self.log.client().clone();
        let asked = client.subscribe(subject::worker(worker)).await;
        Ok(asked.map_err(failed)?.filter_map(move |message| {
            let inquiry = inquiry(client.clone(), &message);
            async move { inquiry }
        }))
    }

    /// Tells whichever worker runs `task` that it is to stop. Not stored: a worker that misses it
    /// learns of the request from the log.
    pub async fn announce_cancel(&self, task: TaskId) -> Result<(), WorkError> {
        self.log
            .client()
            .publish(subject::cancel(task), "".into())
            .await
            .map_err(failed)
    }

    /// The tasks that are to stop, as they are announced.
    pub async fn cancels(&self) -> Result<impl Stream<Item = TaskId> + Send + use<>, WorkError> {
        let messages = self
            .log
            .client()
            .subscribe(subject::ALL_CANCELS)
            .await
            .map_err(failed)?;
        Ok(messages.filter_map(|message| async move { subject::cancelled(&message.subject) }))
    }
}

/// The consumers that hand out work, and what each hands out.
pub(crate) fn handed_out() -> Vec<(String, String)> {
    let common = Priority::ALL.map(|priority| {
        let name = subject::work_consumer(priority);
        (name, subject::work(priority))
    });
    let apart = APART.iter().flat_map(|kind| {
        Priority::ALL.map(|priority| {
            let name = subject::work_apart_consumer(priority, kind);
            (name, subject::work_apart(priority, kind))
        })
    });
    common.into_iter().chain(apart).collect()
}

async fn put(log: &JetStreamLog, to: String, item: &WorkItem) -> Result<(), WorkError> {
    let mut headers = HeaderMap::new();
    let id = format!("{}.{}.{}", item.tenant, item.task, item.version);
    headers.insert("Nats-Msg-Id", id);
    let payload = serde_json::to_vec(item).expect("work items always encode");
    let sent = log.jetstream();
    let sent = sent.publish_with_headers(to, headers, payload.into());
    let stored = sent.await.map_err(failed)?.await;
    stored.map(drop).map_err(failed)
}

impl Inquiry {
    /// Says whether the worker is at it.
    pub async fn answer(self, is_at: bool) {
        let word = if is_at { YES } else { NO };
        // Who does not hear it takes it for a no, and asks the log.
        let _unheard = self.client.publish(self.asker, word.into()).await;
    }
}

fn inquiry(client: async_nats::Client, message: &async_nats::Message) -> Option<Inquiry> {
    Some(Inquiry {
        item: serde_json::from_slice(&message.payload).ok()?,
        asker: message.reply.clone()?,
        client,
    })
}

impl Delivery {
    /// The attempt needs no further delivery; confirmed by the server.
    pub async fn done(mut self) -> Result<(), WorkError> {
        match self.message.take() {
            Some(message) => message.double_ack().await.map_err(failed),
            None => Ok(()),
        }
    }

    /// Whoever was given this is still at it; to be said at least every 30 s.
    pub async fn in_progress(&self) -> Result<(), WorkError> {
        match &self.message {
            Some(message) => message.ack_with(AckKind::Progress).await.map_err(failed),
            None => Ok(()),
        }
    }

    /// Somebody else should have it, after `delay`.
    pub async fn hand_back(mut self, delay: Duration) -> Result<(), WorkError> {
        match self.message.take() {
            Some(message) => message
                .ack_with(AckKind::Nak(Some(delay)))
                .await
                .map_err(failed),
            None => Ok(()),
        }
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        let Some(message) = self.message.take() else {
            return;
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                // If the server cannot be reached it redelivers by itself after 30 s.
                let _unreachable = message.ack_with(AckKind::Nak(None)).await;
            });
        }
    }
}

/// Reads a message; one that is no work item is taken off the queue, with a word in the log file.
pub(crate) async fn delivery(message: Message) -> Result<Option<Delivery>, WorkError> {
    let info = message.info().map_err(failed)?;
    let queued_ms = info.published.unix_timestamp_nanos() / 1_000_000;
    let queued_at = Timestamp::from_unix_ms(queued_ms as i64);
    let redelivered = (info.delivered.max(1) - 1) as u64;
    match serde_json::from_slice(&message.payload) {
        Ok(item) => Ok(Some(Delivery {
            item,
            queued_at,
            redelivered,
            message: Some(message),
        })),
        Err(reason) => {
            tracing::error!(%reason, "a message on the work queue is no work item: removed");
            // If this is not heard the message comes again, and is removed then.
            let _unheard = message.ack_with(AckKind::Term).await;
            Ok(None)
        }
    }
}

pub(crate) fn failed(reason: impl std::fmt::Display) -> WorkError {
    WorkError(reason.to_string())
}

impl From<WorkError> for LogError {
    fn from(error: WorkError) -> Self {
        Self::Unavailable(error.0)
    }
}
