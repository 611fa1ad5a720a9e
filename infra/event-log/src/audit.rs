//! The stream of who did or tried what: beside the log, with an end.
//!
//! A message holds several records of one tenant: they are flushed together, so that the disk that
//! the log waits for is not asked once for each.
//!
//! Invariant: what is stored is read once, in order, until it is older than it is to be kept; a
//! batch that was stored unheard and is sent again is not stored twice.

use std::time::Duration;

use async_nats::{
    HeaderMap,
    header::NATS_MESSAGE_ID,
    jetstream::stream::{RawMessageErrorKind, Stream},
};
use domain::TenantId;
use schemas::Position;

use crate::{JetStreamLog, LogError, OpenError, jetstream, subject};

/// What to demand of the stream.
#[derive(Clone, Debug)]
pub struct AuditOptions {
    /// Create it if it is missing, and give it these limits.
    pub create: bool,
    /// For how long records are kept.
    pub keep: Duration,
    /// The most bytes that they may take.
    pub max_bytes: u64,
    /// How many copies there must be.
    pub replicas: usize,
}

/// The audit on the log's server. Clones share its connection.
#[derive(Clone)]
pub struct AuditLog {
    log: JetStreamLog,
    stream: Stream<()>,
}

/// Records that were stored together.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuditBatch {
    /// Their place in the stream.
    pub position: Position,
    /// Whose they are; none if the subject names nobody.
    pub tenant: Option<TenantId>,
    /// As they were given to [`AuditLog::append`].
    pub payload: Vec<u8>,
}

/// What the stream holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuditSpan {
    /// Tells this stream from any other, also from one made later under the same name.
    pub incarnation: String,
    /// The oldest place that still holds something; one past the last if nothing does.
    pub first: Position,
    /// The last place; 0 if there never was one.
    pub last: Position,
}

impl AuditLog {
    /// Finds the stream and refuses one from which records could be taken.
    pub async fn open(log: &JetStreamLog, options: &AuditOptions) -> Result<Self, OpenError> {
        jetstream::ensure_audit(log.jetstream(), options).await?;
        let stream = log.jetstream().get_stream_no_info(subject::AUDIT).await;
        Ok(Self {
            log: log.clone(),
            stream: stream.map_err(|reason| OpenError::Unreachable(reason.to_string()))?,
        })
    }

    /// Stores records of `tenant`; within ten minutes the same `id` is stored once.
    pub async fn append(
        &self,
        tenant: TenantId,
        id: &str,
        payload: Vec<u8>,
    ) -> Result<Position, LogError> {
        if !self.log.is_connected() {
            return Err(LogError::Unavailable("not connected".to_owned()));
        }
        let mut headers = HeaderMap::new();
        headers.insert(NATS_MESSAGE_ID, id);
        let (to, jetstream) = (subject::audit(tenant), self.log.jetstream());
        let sent = jetstream.publish_with_headers(to, headers, payload.into());
        let stored = sent.await.map_err(unavailable)?.await;
        Ok(Position(stored.map_err(unavailable)?.sequence))
    }

    /// The first batch after `after`; none if there is none yet. The leader is asked.
    pub async fn next(&self, after: Position) -> Result<Option<AuditBatch>, LogError> {
        let stream = &self.stream;
        let found = stream.get_first_raw_message_by_subject(subject::ALL_AUDIT, after.next().0);
        match found.await {
            Ok(message) => Ok(Some(AuditBatch {
                position: Position(message.sequence),
                tenant: subject::audited(&message.subject),
                payload: message.payload.into(),
            })),
            Err(reason) if reason.kind() == RawMessageErrorKind::NoMessageFound => Ok(None),
            Err(reason) => Err(unavailable(reason)),
        }
    }

    /// What the stream holds now.
    pub async fn span(&self) -> Result<AuditSpan, LogError> {
        let info = self.stream.get_info().await.map_err(unavailable)?;
        Ok(AuditSpan {
            incarnation: jetstream::incarnation(&info),
            first: Position(info.state.first_sequence),
            last: Position(info.state.last_sequence),
        })
    }
}

fn unavailable(reason: impl std::fmt::Display) -> LogError {
    LogError::Unavailable(reason.to_string())
}
