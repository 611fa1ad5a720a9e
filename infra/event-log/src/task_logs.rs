//! The stream of what attempts say while they run: beside the log, with an end.
//!
//! A message holds what one attempt said within a moment.
//!
//! Invariant: what is stored of one task is read in the order in which it was stored, until it is
//! older than it is to be kept. Nothing rests on it: what is lost here changes no task.

use std::time::Duration;

use async_nats::{Request, StatusCode};
use domain::{TaskId, TenantId};
use futures::{Stream, StreamExt as _};
use schemas::Position;

use crate::{JetStreamLog, LogError, OpenError, jetstream, subject};

/// How much one read takes at most, in messages.
const READ_MAX: usize = 64;
/// How long the server may take to say what came last.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
const SEQUENCE: &str = "Nats-Sequence";

/// What attempts say, on the log's server. Clones share its connection.
#[derive(Clone)]
pub struct TaskLogs(JetStreamLog);

/// What an attempt said within a moment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SaidTogether {
    /// As it was given to [`TaskLogs::append`].
    pub payload: Vec<u8>,
    /// Its place in the stream.
    pub position: Position,
}

impl TaskLogs {
    /// Finds the stream and refuses one that would stop or make others wait; the owner may `create`
    /// it, and gives it these limits.
    pub async fn open(
        log: &JetStreamLog,
        limits: &runtime::TaskLogs,
        create: bool,
    ) -> Result<Self, OpenError> {
        jetstream::ensure_task_logs(log.jetstream(), limits, create).await?;
        Ok(Self(log.clone()))
    }

    /// Whether anything can be stored or read right now.
    pub fn is_connected(&self) -> bool {
        self.0.is_connected()
    }

    /// Stores what an attempt at `task` said.
    pub async fn append(
        &self,
        tenant: TenantId,
        task: TaskId,
        payload: Vec<u8>,
    ) -> Result<(), LogError> {
        if !self.is_connected() {
            return Err(LogError::Unavailable("not connected".to_owned()));
        }
        let to = subject::task_logs(tenant, task);
        let sent = self.0.jetstream().publish(to, payload.into());
        let stored = sent.await.map_err(unavailable)?.await;
        stored.map(drop).map_err(unavailable)
    }

    /// Some of what was said of `task` after `after`, the oldest first; nothing if there is no more
    /// yet.
    pub async fn after(
        &self,
        tenant: TenantId,
        task: TaskId,
        after: Position,
    ) -> Result<Vec<SaidTogether>, LogError> {
        let (client, of) = (self.0.client(), subject::task_logs(tenant, task));
        let mut found = Vec::new();
        let take = |kept: jetstream::Kept<'_>| {
            found.push(SaidTogether {
                payload: kept.payload,
                position: kept.position,
            });
            Ok(())
        };
        jetstream::get_of(
            client,
            subject::TASK_LOGS,
            &of,
            after.next(),
            READ_MAX,
            take,
        )
        .await?;
        Ok(found)
    }

    /// What was said of `task` last; none if nothing was, or all of it is too old.
    pub async fn last(
        &self,
        tenant: TenantId,
        task: TaskId,
    ) -> Result<Option<SaidTogether>, LogError> {
        let ask = serde_json::json!({"last_by_subj": subject::task_logs(tenant, task)});
        let request = Request::new()
            .payload(ask.to_string().into())
            .timeout(Some(ANSWER_WITHIN));
        let to = subject::direct_get(subject::TASK_LOGS);
        let answer = self.0.client().send_request(to, request).await;
        let answer = answer.map_err(unavailable)?;
        match answer.status {
            None => {}
            Some(StatusCode::NOT_FOUND) => return Ok(None),
            Some(status) => return Err(unavailable(format!("status {status}"))),
        }
        let headers = answer.headers.unwrap_or_default();
        let sequence = headers.get(SEQUENCE).map(async_nats::HeaderValue::as_str);
        let sequence = sequence.and_then(|sequence| sequence.parse().ok());
        Ok(Some(SaidTogether {
            payload: answer.payload.into(),
            position: Position(sequence.ok_or_else(|| unavailable("no sequence"))?),
        }))
    }

    /// A sign each time that an attempt at `task` says something; it may come a moment before that
    /// can be read.
    pub async fn signs(
        &self,
        tenant: TenantId,
        task: TaskId,
    ) -> Result<impl Stream<Item = ()> + Send + use<>, LogError> {
        let of = subject::task_logs(tenant, task);
        let heard = self.0.client().subscribe(of).await;
        Ok(heard.map_err(unavailable)?.map(drop))
    }
}

fn unavailable(reason: impl std::fmt::Display) -> LogError {
    LogError::Unavailable(reason.to_string())
}
