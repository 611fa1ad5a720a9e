//! Requests that no well-behaved client can send.
//!
//! Invariant: whatever comes over the socket, the gateway goes on answering the others.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::harness::Api;

/// A client may take 10 s to send its head.
const LIMIT: Duration = Duration::from_secs(25);

pub async fn broken_requests(api: &Api) -> Result<()> {
    let head = format!(
        "POST /api/v1/resources HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Authorization: Bearer {}\r\nContent-Type: application/json\r\n",
        api.bearer()
    );
    let cases = [
        ("no HTTP", "GARBAGE\r\n\r\n".to_owned()),
        (
            "a head that breaks off",
            "GET /api/v1/stats HTTP/1.1\r\nHo".to_owned(),
        ),
        (
            "no length",
            format!("{head}\r\n{{\"type\":\"raw\",\"name\":\"a\"}}"),
        ),
        (
            "a body that breaks off",
            format!("{head}Content-Length: 99\r\n\r\n{{\"type\":\"ra"),
        ),
        (
            "a chunk that breaks off",
            format!("{head}Transfer-Encoding: chunked\r\n\r\nff\r\n{{\""),
        ),
        (
            "two lengths",
            format!("{head}Content-Length: 1\r\nContent-Length: 2\r\n\r\n{{}}"),
        ),
        (
            "a head without end",
            format!("{head}X: {}\r\n\r\n", "x".repeat(1 << 20)),
        ),
    ];
    for (name, request) in cases {
        let answer = converse(api, &request).await.context(name)?;
        let refused = answer.is_empty() || answer.starts_with("HTTP/1.1 4");
        ensure!(refused, "{name} is answered with {answer}");
        api.get("/stats").await?.expect(200).context(name)?;
    }
    Ok(())
}

/// Sends it, ends the sending side, and reads what comes. A reset is an answer as well.
async fn converse(api: &Api, request: &str) -> Result<String> {
    let address = api.gateway().trim_start_matches("http://");
    let mut socket = TcpStream::connect(address).await?;
    let mut answer = Vec::new();
    let talk = async {
        if socket.write_all(request.as_bytes()).await.is_ok() && socket.shutdown().await.is_ok() {
            // What came before a reset counts.
            let _ = socket.read_to_end(&mut answer).await;
        }
    };
    timeout(LIMIT, talk).await.context("left open")?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
