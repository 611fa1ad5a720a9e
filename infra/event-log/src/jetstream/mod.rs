//! The log on NATS JetStream.
//!
//! Invariant: every message carries the sequence that it expects its subject to be at, or stands in
//! a batch that expects the whole log to end right before it; there is no way through this adapter
//! to publish without.

mod appender;
mod check;
mod connect;
mod pace;
mod publish;
mod read;
mod rules;
mod scan;
mod streams;

use async_nats::jetstream;
use async_trait::async_trait;
use schemas::{Commit, Position, StreamId};
use secrecy::SecretString;
use tokio::sync::watch;

pub use check::OpenError;
pub(crate) use read::{Kept, get_of};
pub(crate) use streams::{ensure_audit, ensure_task_logs, handing_out, incarnation};

use crate::{
    AppendError, Entry, EventLog, Follow, Head, LogError, NewCommit, ReadFrom, Role, Scan, log,
    restore, rights,
};
use appender::Appender;
pub(crate) use connect::Connection;
use connect::connect;

/// How to reach the log and what to demand of it.
#[derive(Clone, Debug)]
pub struct Options {
    /// Accept a server that syncs at intervals: acknowledged commits may be lost in a power cut.
    pub accept_interval_sync: bool,
    /// Pack commits that wait together into one write. Only a bench has reason to say no.
    pub group_commit: bool,
    /// Where the server's monitor answers.
    pub monitor_url: String,
    /// How many copies each stream must keep.
    pub replicas: usize,
    /// Who this process is; the owner creates what is missing, all others find it in place.
    pub role: Role,
    /// Where the server listens, with the login of the role's user.
    pub url: SecretString,
}

/// The log on a NATS server. Clones share one connection and one appender.
#[derive(Clone)]
pub struct JetStreamLog {
    appender: Appender,
    client: async_nats::Client,
    /// Counts connections, so that who follows the log notices a new one.
    connections: watch::Receiver<u64>,
    /// How many copies of the log there are; of more than one, some may be behind.
    copies: usize,
    jetstream: jetstream::Context,
    role: Role,
    /// Where another connection can be made, with the login.
    server: async_nats::ServerAddr,
    stream: jetstream::stream::Stream<()>,
}

impl JetStreamLog {
    /// Connects, checks that server and streams keep what this crate promises and that the user may
    /// do what its role needs and no more, and refuses otherwise.
    pub async fn open(options: &Options) -> Result<Self, OpenError> {
        let connection = connect(&options.url, options.role).await?;
        check::server(&connection.client, options).await?;
        rights::check(&connection, options.role).await?;
        let Connection {
            client,
            count,
            server,
            ..
        } = connection;
        // The server has answered, so the event of this first connection is on its way.
        let mut first = count.clone();
        let _counted = first.wait_for(|count| *count > 0).await;
        let jetstream = jetstream::new(client.clone());
        let copies = streams::ensure(&jetstream, options).await?;
        let stream = jetstream
            .get_stream_no_info(crate::subject::EVENTS)
            .await
            .map_err(|reason| OpenError::Unreachable(reason.to_string()))?;
        let appender = Appender::start(client.clone(), options.group_commit);
        Ok(Self {
            appender,
            client,
            connections: count,
            copies,
            jetstream,
            role: options.role,
            server,
            stream,
        })
    }

    /// Whether the server can be reached right now.
    pub fn is_connected(&self) -> bool {
        self.client.connection_state() == async_nats::connection::State::Connected
    }

    pub(crate) fn client(&self) -> &async_nats::Client {
        &self.client
    }

    pub(crate) fn jetstream(&self) -> &jetstream::Context {
        &self.jetstream
    }
}

#[async_trait]
impl EventLog for JetStreamLog {
    async fn append(&self, commit: NewCommit) -> Result<Position, AppendError> {
        log::check(&commit)?;
        self.appender.append(commit).await
    }

    async fn append_all(&self, commits: Vec<NewCommit>) -> Result<Vec<Position>, AppendError> {
        log::check_all(&commits)?;
        publish::batch(&self.client, &commits).await
    }

    async fn at(&self, position: Position) -> Result<Option<Entry>, LogError> {
        read::at(&self.stream, position).await
    }

    async fn follow(&self, after: Position) -> Result<Follow, LogError> {
        read::follow(&self.stream, after, self.connections.clone()).await
    }

    async fn head(&self) -> Result<Head, LogError> {
        let info = self
            .stream
            .get_info()
            .await
            .map_err(|reason| LogError::Unavailable(reason.to_string()))?;
        let incarnation = streams::incarnation(&info);
        Ok(Head {
            incarnation,
            position: Position(info.state.last_sequence),
        })
    }

    async fn load(
        &self,
        stream: StreamId,
        after: Position,
        from: ReadFrom,
    ) -> Result<Vec<Commit>, LogError> {
        match from {
            ReadFrom::Leader if self.copies > 1 => {
                read::load_from_leader(&self.stream, stream, after).await
            }
            _ => read::load(&self.client, stream, after).await,
        }
    }

    async fn restore(&self, entries: Vec<Entry>) -> Result<(), AppendError> {
        let after = restore::check(&entries)?;
        publish::restore(&self.client, after, &entries).await
    }

    async fn scan(&self, after: Position, until: Position) -> Result<Scan, LogError> {
        scan::scan(self, after, until).await
    }
}
