//! A connection of its own that hears the messages of one inbox as they come.
//!
//! The client that everything else uses takes each message's headers apart as soon as it comes, on
//! one core; to whoever reads hundreds of thousands that is most of the time.
//!
//! Invariant: what was asked for is taken in at once, however slow whoever reads it is, so that the
//! server never waits; when the connection ends, that is told after all that came before.

use std::{
    io,
    sync::{Arc, LazyLock},
    time::Duration,
};

use async_nats::ServerAddr;
use bytes::BytesMut;
use serde::Deserialize;
use serde_json::json;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    sync::mpsc,
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore, pki_types::ServerName},
};

use super::frame::{self, Frame, Message};

/// How long a server may take to let somebody in.
const OPEN_WITHIN: Duration = Duration::from_secs(2);
/// How much is read at a time.
const BLOCK: usize = 256 << 10;

/// Whom the system trusts; read once, since that takes a while.
static TRUSTED: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = ClientConfig::builder().with_root_certificates(roots);
    Arc::new(config.with_no_client_auth())
});

/// What came, or why nothing comes any more.
pub(super) type Heard = Result<Vec<Message>, String>;

/// The connection; it ends with this.
pub(super) struct Wire {
    heard: mpsc::UnboundedReceiver<Heard>,
    said: mpsc::UnboundedSender<Vec<u8>>,
}

/// What the server says of itself.
#[derive(Deserialize)]
struct Info {
    #[serde(default)]
    tls_required: bool,
}

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

struct Line {
    buffer: BytesMut,
    stream: Box<dyn Duplex>,
}

impl Wire {
    /// Connects to `server`, with the login in it, and listens to `inbox`.
    pub(super) async fn open(server: &ServerAddr, name: &str, inbox: &str) -> io::Result<Self> {
        let opened = timeout(OPEN_WITHIN, Line::open(server, name, inbox)).await;
        let line = opened.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        let (said, to_say) = mpsc::unbounded_channel();
        let (tell, heard) = mpsc::unbounded_channel();
        tokio::spawn(line.listen(to_say, tell));
        Ok(Self { heard, said })
    }

    /// Publishes `payload`, to be answered at `inbox`.
    pub(super) fn ask(&self, subject: &str, inbox: &str, payload: &str) {
        let line = format!("PUB {subject} {inbox} {}\r\n{payload}\r\n", payload.len());
        // If nobody listens any more, that is heard.
        let _ended = self.said.send(line.into_bytes());
    }

    /// What came since; none if the connection is gone.
    pub(super) async fn hear(&mut self) -> Option<Heard> {
        self.heard.recv().await
    }
}

impl Line {
    async fn open(server: &ServerAddr, name: &str, inbox: &str) -> io::Result<Self> {
        let stream = TcpStream::connect((server.host(), server.port())).await?;
        stream.set_nodelay(true)?;
        let mut line = Self {
            buffer: BytesMut::with_capacity(BLOCK),
            stream: Box::new(stream),
        };
        let Frame::Info(said) = line.next().await? else {
            return Err(io::Error::other("this is no nats-server"));
        };
        let info: Info = serde_json::from_slice(&said)?;
        if info.tls_required || server.tls_required() {
            line = line.encrypted(server.host()).await?;
        }
        let login = json!({
            "echo": false, "headers": true, "lang": "rust", "name": name, "no_responders": true,
            "pass": server.password(), "pedantic": false, "protocol": 1,
            "tls_required": server.tls_required(), "user": server.username(), "verbose": false,
            "version": env!("CARGO_PKG_VERSION"),
        });
        let hello = format!("CONNECT {login}\r\nSUB {inbox} 1\r\nPING\r\n");
        line.stream.write_all(hello.as_bytes()).await?;
        line.stream.flush().await?;
        loop {
            match line.next().await? {
                Frame::Pong => return Ok(line),
                Frame::Error(words) => return Err(io::Error::other(words)),
                Frame::Ping => line.pong().await?,
                Frame::Info(_) | Frame::Message(_) | Frame::Other => {}
            }
        }
    }

    /// Goes on encrypted; what came before that must have been all there is.
    async fn encrypted(self, host: &str) -> io::Result<Self> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let connector = TlsConnector::from(TRUSTED.clone());
        let stream = connector.connect(name, self.stream).await?;
        Ok(Self {
            buffer: self.buffer,
            stream: Box::new(stream),
        })
    }

    /// Takes in everything until either side ends it.
    async fn listen(
        mut self,
        mut to_say: mpsc::UnboundedReceiver<Vec<u8>>,
        tell: mpsc::UnboundedSender<Heard>,
    ) {
        let ended = loop {
            self.buffer.reserve(BLOCK);
            let went = tokio::select! {
                line = to_say.recv() => match line {
                    Some(line) => self.say(&line).await,
                    None => return,
                },
                read = self.stream.read_buf(&mut self.buffer) => self.take_in(read, &tell).await,
            };
            if let Err(reason) = went {
                break reason;
            }
        };
        // Whoever listened may be gone as well.
        let _unheard = tell.send(Err(ended.to_string()));
    }

    async fn take_in(
        &mut self,
        read: io::Result<usize>,
        tell: &mpsc::UnboundedSender<Heard>,
    ) -> io::Result<()> {
        if read? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut messages = Vec::new();
        let went = loop {
            match frame::cut(&mut self.buffer) {
                Ok(None) => break Ok(()),
                Ok(Some(Frame::Message(message))) => messages.push(message),
                Ok(Some(Frame::Ping)) => self.pong().await?,
                Ok(Some(Frame::Error(words))) | Err(words) => break Err(io::Error::other(words)),
                Ok(Some(Frame::Info(_) | Frame::Pong | Frame::Other)) => {}
            }
        };
        if !messages.is_empty() {
            let _unheard = tell.send(Ok(messages));
        }
        went
    }

    async fn next(&mut self) -> io::Result<Frame> {
        loop {
            if let Some(frame) = frame::cut(&mut self.buffer).map_err(io::Error::other)? {
                return Ok(frame);
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    async fn pong(&mut self) -> io::Result<()> {
        self.say(b"PONG\r\n").await
    }

    async fn say(&mut self, line: &[u8]) -> io::Result<()> {
        self.stream.write_all(line).await?;
        self.stream.flush().await
    }
}
