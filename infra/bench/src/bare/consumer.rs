//! Reading the log's stream in the server's own words over one socket.
//!
//! Invariant: every message crosses the socket and is counted; nothing in it is looked at.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use bytes::{Buf as _, BytesMut};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// How many messages are asked for at a time.
const BATCH: u64 = 5_000;
/// How long the server may be silent.
const SILENCE: Duration = Duration::from_secs(10);

/// Reads `count` messages of `stream` from its beginning, by a consumer that acknowledges nothing;
/// `url` is `nats://user:password@host:port`. Says how many a second.
pub async fn read(url: &str, stream: &str, count: u64) -> Result<f64> {
    let place = url.strip_prefix("nats://").context("not a NATS URL")?;
    let (login, address) = place.rsplit_once('@').unwrap_or(("", place));
    let (user, pass) = login.split_once(':').unwrap_or_default();
    let mut socket = Socket {
        read: BytesMut::with_capacity(1 << 20),
        tcp: TcpStream::connect(address).await?,
    };
    socket.line().await.context("the greeting")?;
    let hello = json!({ "verbose": false, "headers": true, "user": user, "pass": pass });
    let config = json!({ "stream_name": stream, "config": {
        "name": "bare", "deliver_policy": "all", "ack_policy": "none", "max_waiting": 16,
        "inactive_threshold": 60_000_000_000_u64, "num_replicas": 1, "mem_storage": true,
    }})
    .to_string();
    let create = format!("$JS.API.CONSUMER.CREATE.{stream}.bare");
    let opening = format!(
        "CONNECT {hello}\r\nSUB made 1\r\nSUB read 2\r\nPUB {create} made {}\r\n{config}\r\n",
        config.len()
    );
    socket.tcp.write_all(opening.as_bytes()).await?;
    while socket.message().await? != Message::Made {}
    let began = Instant::now();
    let (mut asked, mut seen) = (0, 0);
    while seen < count {
        // The next question is under way before the last one is answered.
        while asked < count && asked < seen + 2 * BATCH {
            let ask = json!({ "batch": BATCH.min(count - asked) }).to_string();
            let next = format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.bare");
            let words = format!("PUB {next} read {}\r\n{ask}\r\n", ask.len());
            socket.tcp.write_all(words.as_bytes()).await?;
            asked += BATCH.min(count - asked);
        }
        if socket.message().await? == Message::Read {
            seen += 1;
        }
    }
    Ok(count as f64 / began.elapsed().as_secs_f64())
}

struct Socket {
    read: BytesMut,
    tcp: TcpStream,
}

#[derive(Debug, PartialEq)]
enum Message {
    Made,
    Other,
    Read,
}

impl Socket {
    async fn message(&mut self) -> Result<Message> {
        let line = self.line().await?;
        let mut words = line.split_ascii_whitespace();
        match words.next() {
            Some("HMSG") => {
                let length: usize = words.next_back().context("a length")?.parse()?;
                self.skip(length + 2).await?;
                Ok(Message::Read)
            }
            Some("MSG") => {
                let length: usize = words.next_back().context("a length")?.parse()?;
                while self.read.len() < length + 2 {
                    self.fill().await?;
                }
                let text = String::from_utf8_lossy(&self.read[..length]).into_owned();
                self.read.advance(length + 2);
                ensure!(
                    !text.contains("\"error\""),
                    "the consumer is refused: {text}"
                );
                Ok(Message::Made)
            }
            Some("PING") => {
                self.tcp.write_all(b"PONG\r\n").await?;
                Ok(Message::Other)
            }
            Some("+OK" | "INFO" | "PONG") => Ok(Message::Other),
            _ => bail!("the server says {line:?}"),
        }
    }

    async fn skip(&mut self, length: usize) -> Result<()> {
        while self.read.len() < length {
            self.fill().await?;
        }
        self.read.advance(length);
        Ok(())
    }

    async fn line(&mut self) -> Result<String> {
        let mut from = 0;
        loop {
            let end = self.read[from..].iter().position(|byte| *byte == b'\n');
            if let Some(end) = end {
                let line = self.read.split_to(from + end + 1);
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            from = self.read.len();
            self.fill().await?;
        }
    }

    async fn fill(&mut self) -> Result<()> {
        self.read.reserve(1 << 16);
        let reading = self.tcp.read_buf(&mut self.read);
        let read = tokio::time::timeout(SILENCE, reading).await;
        ensure!(read.context("the server is silent")?? > 0, "it has hung up");
        Ok(())
    }
}
