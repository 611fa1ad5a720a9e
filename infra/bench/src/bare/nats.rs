//! The log's server, spoken to in its own words over one socket.
//!
//! Invariant: a message here has the size and the expectation of a commit, and the stream the
//! settings of the log, so that what is left out is only our own code and the client library.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use bytes::{Buf as _, BytesMut};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    latency::Latencies,
    load::{Measured, Scale},
};

/// The size of a commit's headers, expectation and batch headers aside.
const HEADERS: &str = concat!(
    "Almanac-Actor: system:bench\r\n",
    "Almanac-Command: 0199aa00-0000-7000-8000-000000000001\r\n",
    "Almanac-Correlation: 0199aa00-0000-7000-8000-000000000001\r\n",
    "Almanac-Hash: 0000000000000000000000000000000000000000000000000000000000000000\r\n",
    "Almanac-Previous: 0000000000000000000000000000000000000000000000000000000000000000\r\n",
    "Almanac-Time: 2026-01-01T00:00:00.000Z\r\nAlmanac-Version: 1\r\n",
);
/// How long the server may be silent.
const SILENCE: Duration = Duration::from_secs(10);

/// A connection to the server, with a stream of its own to write to.
pub struct Bare {
    next: u64,
    read: BytesMut,
    socket: TcpStream,
    write: Vec<u8>,
    payload: Vec<u8>,
}

impl Bare {
    /// Connects to `nats://host:port` and makes the stream; its messages have `payload`.
    pub async fn connect(url: &str, payload: Vec<u8>) -> Result<Self> {
        let place = url.strip_prefix("nats://").context("not a NATS URL")?;
        let (login, address) = place.rsplit_once('@').unwrap_or(("", place));
        let (user, pass) = login.split_once(':').unwrap_or_default();
        let socket = TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        let (next, read, write) = (0, BytesMut::with_capacity(1 << 16), Vec::new());
        let mut bare = Self {
            next,
            read,
            socket,
            write,
            payload,
        };
        bare.line().await.context("the greeting")?;
        let hello = json!({ "verbose": false, "headers": true, "user": user, "pass": pass });
        bare.write
            .extend_from_slice(format!("CONNECT {hello}\r\nSUB r.* 1\r\n").as_bytes());
        let config = json!({
            "name": "BARE", "subjects": ["bare.>"], "retention": "limits", "discard": "new",
            "storage": "file", "num_replicas": 1, "max_consumers": -1, "max_msgs": -1,
            "max_bytes": -1, "max_age": 0, "max_msgs_per_subject": -1, "allow_direct": true,
            "allow_atomic": true, "deny_delete": true, "deny_purge": true,
        })
        .to_string();
        let ask = format!(
            "PUB $JS.API.STREAM.CREATE.BARE r.0 {}\r\n{config}\r\n",
            config.len()
        );
        bare.write.extend_from_slice(ask.as_bytes());
        let (_, answer) = bare.message().await?;
        let again = answer["error"]["err_code"] == 10_058;
        ensure!(
            answer["error"].is_null() || again,
            "the stream is refused: {answer}"
        );
        Ok(bare)
    }

    /// Publishes one by one, so many in flight.
    pub async fn singles(&mut self, in_flight: usize, scale: Scale) -> Result<Measured> {
        let begin = Instant::now() + scale.warm_up;
        let end = begin + scale.measure;
        let mut latencies = Latencies::new();
        let mut sent: std::collections::HashMap<u64, Instant> = std::collections::HashMap::new();
        for _ in 0..in_flight {
            let id = self.publish("", true);
            sent.insert(id, Instant::now());
        }
        while !sent.is_empty() {
            let (id, answer) = self.message().await?;
            ensure!(answer["error"].is_null(), "a publish is refused: {answer}");
            let done = Instant::now();
            let started = sent.remove(&id).context("an answer to nothing")?;
            if done >= begin && done < end {
                latencies.record(done - started);
            }
            if done < end {
                let id = self.publish("", true);
                sent.insert(id, Instant::now());
            }
        }
        Ok(Measured::within(latencies, scale.measure))
    }

    /// Publishes atomic batches of `size`, one after the other. The rate is that of messages.
    pub async fn batches(&mut self, size: usize, scale: Scale) -> Result<Measured> {
        let begin = Instant::now();
        let mut latencies = Latencies::new();
        while begin.elapsed() < scale.measure {
            let started = Instant::now();
            let batch = format!("b{}", self.next);
            for at in 1..=size {
                let commit = if at == size {
                    "Nats-Batch-Commit: 1\r\n"
                } else {
                    ""
                };
                let headers =
                    format!("Nats-Batch-Id: {batch}\r\nNats-Batch-Sequence: {at}\r\n{commit}");
                self.publish(&headers, at == size);
            }
            let (_, answer) = self.message().await?;
            ensure!(answer["error"].is_null(), "a batch is refused: {answer}");
            latencies.record(started.elapsed());
        }
        let batches = Measured::within(latencies, begin.elapsed());
        Ok(Measured {
            rate: batches.rate * size as f64,
            ..batches
        })
    }

    /// Puts one message into the buffer and says its number.
    fn publish(&mut self, more: &str, answered: bool) -> u64 {
        self.next += 1;
        let id = self.next;
        let headers = format!(
            "NATS/1.0\r\n{HEADERS}Nats-Msg-Id: {id}\r\nNats-Expected-Last-Subject-Sequence: 0\r\n\
             {more}\r\n"
        );
        let reply = if answered {
            format!("r.{id} ")
        } else {
            String::new()
        };
        let (head, all) = (headers.len(), headers.len() + self.payload.len());
        // A start that no earlier connection had: the stream may be older than this one.
        let tenant = std::process::id();
        let port = self.socket.local_addr().map_or(0, |address| address.port());
        let line = format!("HPUB bare.{tenant}-{port}.{id} {reply}{head} {all}\r\n{headers}");
        self.write.extend_from_slice(line.as_bytes());
        self.write.extend_from_slice(&self.payload);
        self.write.extend_from_slice(b"\r\n");
        id
    }

    async fn flush(&mut self) -> Result<()> {
        self.socket.write_all(&self.write).await?;
        self.write.clear();
        Ok(())
    }

    /// The next message: the number in its subject, and what it says.
    async fn message(&mut self) -> Result<(u64, Value)> {
        loop {
            let line = self.line().await?;
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["MSG", subject, _, length] => {
                    let id = subject.rsplit('.').next().unwrap_or_default().parse()?;
                    let length: usize = length.parse()?;
                    while self.read.len() < length + 2 {
                        self.fill().await?;
                    }
                    let value = serde_json::from_slice(&self.read[..length])?;
                    self.read.advance(length + 2);
                    return Ok((id, value));
                }
                ["PING"] => self.write.extend_from_slice(b"PONG\r\n"),
                ["PONG" | "+OK"] | ["INFO", ..] => {}
                _ => bail!("the server says {line:?}"),
            }
        }
    }

    async fn line(&mut self) -> Result<String> {
        loop {
            if let Some(end) = self.read.windows(2).position(|pair| pair == b"\r\n") {
                let line = self.read.split_to(end + 2);
                return Ok(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            self.fill().await?;
        }
    }

    /// Waits for more to read, when all is sent that there is to say: what came together is
    /// answered together.
    async fn fill(&mut self) -> Result<()> {
        if !self.write.is_empty() {
            self.flush().await?;
        }
        let reading = self.socket.read_buf(&mut self.read);
        let read = tokio::time::timeout(SILENCE, reading)
            .await
            .context("the server is silent")??;
        ensure!(read > 0, "the server has hung up");
        Ok(())
    }
}
