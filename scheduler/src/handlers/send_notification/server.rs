//! A mail server and a target of webhooks, in this process.
//!
//! Invariant: whatever they are told is kept as it came, so that a test sees what another machine
//! would.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};
use tokio_util::task::AbortOnDropHandle;

type Heard = Arc<Mutex<Vec<String>>>;

/// A server that hears what others say to it.
pub struct Server {
    heard: Heard,
    pub port: u16,
    _serving: AbortOnDropHandle<()>,
}

impl Server {
    /// A mail server that answers to each recipient with `to_recipient`.
    pub async fn mail(to_recipient: &'static str) -> Self {
        Self::start(move |stream, heard| mail(stream, heard, to_recipient)).await
    }

    /// A target that answers to each call with `status` and `headers`.
    pub async fn target(status: &'static str, headers: &'static str) -> Self {
        Self::start(move |stream, heard| target(stream, heard, status, headers)).await
    }

    async fn start<Serving>(serve: impl Fn(TcpStream, Heard) -> Serving + Send + 'static) -> Self
    where
        Serving: Future<Output = Option<()>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let heard = Heard::default();
        let shared = Arc::clone(&heard);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self {
            heard,
            port,
            _serving: AbortOnDropHandle::new(serving),
        }
    }

    /// What was heard: mails, or calls.
    pub fn heard(&self) -> Vec<String> {
        self.heard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

fn keep(heard: &Heard, text: String) {
    heard
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(text);
}

async fn mail(stream: TcpStream, heard: Heard, to_recipient: &str) -> Option<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 here\r\n").await.ok()?;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return Some(());
        }
        let answer = match line.get(..4).unwrap_or_default() {
            "EHLO" => "250-here\r\n250 8BITMIME".to_owned(),
            "RCPT" => to_recipient.to_owned(),
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await.ok()?;
                let mut text = String::new();
                while !text.ends_with("\r\n.\r\n") {
                    stream.read_line(&mut text).await.ok()?;
                }
                keep(&heard, text);
                "250 taken".to_owned()
            }
            "QUIT" => "221 bye".to_owned(),
            _ => "250 fine".to_owned(),
        };
        stream
            .write_all(format!("{answer}\r\n").as_bytes())
            .await
            .ok()?;
    }
}

async fn target(stream: TcpStream, heard: Heard, status: &str, headers: &str) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let (mut text, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
            length = value.trim().parse().ok()?;
        }
        text += &line;
        if line.trim_end().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    keep(&heard, text + &String::from_utf8_lossy(&body));
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n{headers}\r\n");
    stream.write_all(answer.as_bytes()).await.ok()
}
