//! What a process demands of the server before it works with it.
//!
//! Invariant: an unsafe server is refused with a sentence that says what to change.

use std::time::Duration;

use serde::Deserialize;

use super::Options;

/// The oldest server that stores atomic batches reliably.
const SERVER_MIN: (u32, u32, u32) = (2, 14, 0);
/// How long server and monitor may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Why the log cannot be opened.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OpenError {
    /// A stream is missing and may not be created here.
    #[error("the stream {0} does not exist; run `almanac setup` once")]
    Missing(String),
    /// The monitor belongs to another server, so it proves nothing of this one.
    #[error("{0} is the monitor of another server: set `nats.monitor_url` to that of `nats.url`")]
    OtherMonitor(String),
    /// The user may do more than its role needs, or less.
    #[error(
        "unsafe configuration: nats.url signs in as {user}, which {what} → sign the {role} in as \
         {remedy}, with the rights that `almanac nats-users` prints"
    )]
    Rights {
        /// The user that it should be.
        remedy: &'static str,
        /// What the process is.
        role: &'static str,
        /// Who signs in.
        user: String,
        /// What is wrong with that.
        what: String,
    },
    /// The server is older than what is needed.
    #[error("nats-server {found} is too old: at least 2.14.0 is needed")]
    ServerTooOld {
        /// What the server says it is.
        found: String,
    },
    /// A stream exists with settings that would break a promise.
    #[error("the stream {stream} is not safe to use: {}", .differences.join("; "))]
    StreamMisconfigured {
        /// Which stream.
        stream: String,
        /// Each setting that differs: what it must be and what it is.
        differences: Vec<String>,
    },
    /// The server acknowledges before it has written.
    #[error(
        "nats-server does not sync every write: set `sync_interval: always` in its jetstream \
         block, or accept the loss of acknowledged commands in a power cut with \
         `nats.accept_interval_sync`"
    )]
    SyncNotAlways,
    /// The server does not answer.
    #[error("nats-server cannot be reached: {0}")]
    Unreachable(String),
}

#[derive(Deserialize)]
struct Varz {
    jetstream: VarzJetStream,
    server_id: String,
}

#[derive(Deserialize)]
struct VarzJetStream {
    config: Option<VarzConfig>,
}

#[derive(Deserialize)]
struct VarzConfig {
    #[serde(default)]
    sync_always: bool,
}

/// Checks version and durability.
pub(super) async fn server(
    client: &async_nats::Client,
    options: &Options,
) -> Result<(), OpenError> {
    let unreachable = |reason: String| OpenError::Unreachable(reason);
    tokio::time::timeout(ANSWER_WITHIN, client.flush())
        .await
        .map_err(|_| unreachable("no answer within 10 s".into()))?
        .map_err(|reason| unreachable(reason.to_string()))?;
    version(&client.server_info().version)?;
    if options.accept_interval_sync {
        tracing::warn!("the log syncs at intervals: a power cut may lose acknowledged commands");
        return Ok(());
    }
    let varz = varz(&options.monitor_url).await?;
    if varz.server_id != client.server_info().server_id {
        return Err(OpenError::OtherMonitor(options.monitor_url.clone()));
    }
    // `sync_interval` still reads two minutes when `always` is on; only this boolean tells.
    match varz.jetstream.config {
        Some(VarzConfig { sync_always: true }) => Ok(()),
        _ => Err(OpenError::SyncNotAlways),
    }
}

/// What the monitor says of its server.
async fn varz(monitor_url: &str) -> Result<Varz, OpenError> {
    let url = format!("{}/varz", monitor_url.trim_end_matches('/'));
    let unreachable = |reason: &dyn std::fmt::Display| {
        OpenError::Unreachable(format!("its monitor at {url}: {reason}"))
    };
    let http = reqwest::Client::builder()
        .no_proxy()
        .timeout(ANSWER_WITHIN)
        .build()
        .map_err(|reason| unreachable(&reason))?;
    let answer = http.get(&url).send().await;
    let body = match answer {
        Ok(answer) => answer.bytes().await,
        Err(reason) => Err(reason),
    };
    let body = body.map_err(|reason| unreachable(&reason))?;
    serde_json::from_slice(&body).map_err(|reason| unreachable(&reason))
}

fn version(found: &str) -> Result<(), OpenError> {
    let mut numbers = found
        .split(['.', '-', '+'])
        .map(|part| part.parse::<u32>().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    if (next(), next(), next()) >= SERVER_MIN {
        Ok(())
    } else {
        Err(OpenError::ServerTooOld {
            found: found.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_servers_are_refused() {
        assert!(version("2.15.1").is_ok() && version("2.14.0-RC.1").is_ok());
        assert!(version("3.0.0").is_ok());
        for old in ["2.9.10", "2.13.9", "", "x"] {
            assert!(
                matches!(version(old), Err(OpenError::ServerTooOld { .. })),
                "{old}"
            );
        }
    }
}
