//! Fan-out of live events: how soon each of many clients hears of one write.
//!
//! Invariant: every client is listening before the write is sent, and every one is waited for.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::json;
use tokio::{
    sync::mpsc,
    task::{JoinHandle, JoinSet},
};

use crate::{
    fixture,
    http::{Connection, Site},
    latency::Latencies,
    load::Scale,
    report::{Report, Row},
    role::Part,
    world::World,
};

/// How many clients connect at a time.
const CONNECTING: usize = 64;
/// The line of what is counted: a commit.
pub const COMMIT: &[u8] = b"event: commit\n";
/// How long one round may take.
const ROUND_WITHIN: Duration = Duration::from_secs(20);

/// Clients that tell when they hear of an event.
pub struct Audience {
    clients: Vec<JoinHandle<()>>,
    count: usize,
    heard: mpsc::UnboundedReceiver<Instant>,
}

/// What rounds took: to each client, and to the last one.
pub struct Rounds {
    pub each: Latencies,
    pub last: Latencies,
}

/// Measures with `clients`.
pub async fn run(scale: Scale, clients: usize) -> Result<Report> {
    let world = World::start().await?;
    let (gateway, site) = world.gateway().await?;
    let projector = world.part(Part::Projector).await?;
    world.caught_up().await?;
    let bare = world.bare().await?;
    let bare_site = Site::new(bare.address(), "none")?;
    let line = Bytes::from(format!("event: commit\ndata: {}\n\n", "x".repeat(400)));
    let audience = Audience::gather(&bare_site, "/stream", COMMIT, clients).await?;
    let limit = rounds(audience, bare_site.connect().await?, "/fire", &line, scale).await?;
    let body = Bytes::from(json!({ "kind": "echo", "payload": fixture::payload() }).to_string());
    let audience = Audience::gather(&site, "/api/v1/stream", COMMIT, clients).await?;
    let posts = site.connect().await?;
    let told = rounds(audience, posts, "/api/v1/tasks", &body, scale).await?;
    let mut report = Report::new("sse (one write, heard by all clients)");
    report.row(Row::latency(
        format!("bare broadcast, each of {clients}"),
        &limit.each,
    ));
    report.row(Row::latency("bare broadcast, the last one", &limit.last));
    report.row(
        Row::latency(format!("POST → event, each of {clients}"), &told.each)
            .against_p50("bare", &limit.each),
    );
    report.row(
        Row::latency("POST → event, the last one", &told.last).against_p50("bare", &limit.last),
    );
    report.remark(format!(
        "{} rounds; from sending the POST on",
        told.last.count()
    ));
    for part in [bare, projector, gateway] {
        part.end().await?;
    }
    Ok(report)
}

/// Writes again and again, and waits each time until all have heard of it.
pub async fn rounds(
    mut audience: Audience,
    mut posts: Connection,
    path: &str,
    body: &Bytes,
    scale: Scale,
) -> Result<Rounds> {
    let mut rounds = Rounds {
        each: Latencies::new(),
        last: Latencies::new(),
    };
    let begin = Instant::now();
    while begin.elapsed() < scale.measure * 2 {
        let sent = Instant::now();
        posts.post(path, body.clone()).await?;
        let mut last = Duration::ZERO;
        for _ in 0..audience.count {
            let hearing = tokio::time::timeout(ROUND_WITHIN, audience.heard.recv()).await;
            let heard = hearing
                .context("not every client hears")?
                .context("no client is left")?;
            last = last.max(heard - sent);
            rounds.each.record(heard - sent);
        }
        rounds.last.record(last);
    }
    Ok(rounds)
}

impl Audience {
    /// Connects `count` clients; all of them listen when it returns.
    pub async fn gather(
        site: &Site,
        path: &'static str,
        line: &'static [u8],
        count: usize,
    ) -> Result<Self> {
        let (tell, heard) = mpsc::unbounded_channel();
        let mut connecting = JoinSet::new();
        let (mut clients, mut begun) = (Vec::with_capacity(count), 0);
        while clients.len() < count {
            while begun < count && connecting.len() < CONNECTING {
                let site = site.clone();
                connecting.spawn(async move { greeted(site.connect().await?, path).await });
                begun += 1;
            }
            let (stream, connection) = connecting
                .join_next()
                .await
                .context("nobody connects")???;
            clients.push(tokio::spawn(listen(stream, connection, line, tell.clone())));
        }
        Ok(Self {
            clients,
            count,
            heard,
        })
    }
}

impl Drop for Audience {
    fn drop(&mut self) {
        self.clients.iter().for_each(JoinHandle::abort);
    }
}

/// Opens the stream and waits for its first word, after which nothing is missed.
async fn greeted(connection: Connection, path: &str) -> Result<(Incoming, Connection)> {
    let (mut body, connection) = connection.stream(path).await?;
    next(&mut body).await?.context("the stream ended at once")?;
    Ok((body, connection))
}

/// Tells of each event; greetings and heartbeats are none. Ends with the stream.
async fn listen(
    mut body: Incoming,
    _alive: Connection,
    line: &'static [u8],
    heard: mpsc::UnboundedSender<Instant>,
) {
    while let Ok(Some(data)) = next(&mut body).await {
        for _ in 0..events(&data, line) {
            if heard.send(Instant::now()).is_err() {
                return;
            }
        }
    }
}

async fn next(body: &mut Incoming) -> Result<Option<Bytes>> {
    match body.frame().await {
        None => Ok(None),
        Some(frame) => match frame?.into_data() {
            Ok(data) => Ok(Some(data)),
            Err(_) => bail!("trailers in a stream"),
        },
    }
}

/// How many events with this line are in these bytes; the server writes an event in one piece.
fn events(data: &[u8], line: &[u8]) -> usize {
    data.windows(line.len())
        .filter(|part| *part == line)
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commits(data: &[u8]) -> usize {
        events(data, COMMIT)
    }

    #[test]
    fn only_commits_are_events() {
        assert_eq!(
            commits(b"id: 7\nevent: commit\ndata: {\"type\":\"commit\"}\n\n"),
            1
        );
        assert_eq!(
            commits(b"event: commit\ndata: 1\n\nevent: commit\ndata: 2\n\n"),
            2
        );
        assert_eq!(commits(b"event: hello\ndata: {\"position\":6}\n\n"), 0);
        assert_eq!(commits(b":\n\n"), 0);
    }
}
