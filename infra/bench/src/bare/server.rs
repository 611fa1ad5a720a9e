//! An HTTP server that only echoes, reads rows and fans out: hyper alone, no framework.
//!
//! Invariant: it keeps no state but what is asked of it, so it bounds any server on this machine.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use futures::StreamExt as _;
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::TcpListener, sync::broadcast};
use tokio_stream::wrappers::BroadcastStream;

use super::postgres;

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// As many as the read side keeps.
const CONNECTIONS: usize = 8;

struct Bare {
    feed: broadcast::Sender<Bytes>,
    next: AtomicUsize,
    postgres: Vec<postgres::Bare>,
}

/// What the server answers from.
pub struct Server(Arc<Bare>);

impl Server {
    /// Connects to Postgres.
    pub async fn open(postgres_url: &str) -> Result<Self> {
        let connecting = (0..CONNECTIONS).map(|_| postgres::Bare::connect(postgres_url));
        Ok(Self(Arc::new(Bare {
            feed: broadcast::channel(64).0,
            next: AtomicUsize::new(0),
            postgres: futures::future::try_join_all(connecting).await?,
        })))
    }

    /// Serves until the process ends.
    pub async fn serve(self, listener: TcpListener) -> Result<()> {
        loop {
            let (socket, _) = listener.accept().await?;
            socket.set_nodelay(true)?;
            let bare = Arc::clone(&self.0);
            tokio::spawn(async move {
                let service = service_fn(|request| answer(Arc::clone(&bare), request));
                let serving = http1::Builder::new().serve_connection(TokioIo::new(socket), service);
                // A client that hangs up is no concern of a bench.
                let _ended = serving.await;
            });
        }
    }
}

async fn answer(bare: Arc<Bare>, request: Request<Incoming>) -> Result<Response<Body>> {
    let path = request.uri().path().to_owned();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    match (request.method(), segments.as_slice()) {
        (&Method::POST, ["echo"]) => {
            let sent: Value = serde_json::from_slice(&request.collect().await?.to_bytes())?;
            json(StatusCode::CREATED, &sent)
        }
        (&Method::POST, ["fire"]) => {
            let line = request.collect().await?.to_bytes();
            bare.feed.send(line).context("nobody listens")?;
            json(StatusCode::CREATED, &Value::Null)
        }
        (&Method::GET, ["row", id]) => {
            json(StatusCode::OK, &bare.connection().one(id.parse()?).await?)
        }
        (&Method::GET, ["rows", id]) => {
            let rows = bare.connection().fifty(id.parse()?).await?;
            json(StatusCode::OK, &Value::Array(rows))
        }
        (&Method::GET, ["stream"]) => {
            let lines = BroadcastStream::new(bare.feed.subscribe());
            let greeting = futures::stream::once(async { Ok(Bytes::from_static(b":\n\n")) });
            let frames = greeting.chain(lines).filter_map(async |line| {
                // Who is too slow for a bench is not waited for.
                Some(Ok(Frame::data(line.ok()?)))
            });
            Ok(Response::new(StreamBody::new(frames).boxed_unsync()))
        }
        _ => json(StatusCode::NOT_FOUND, &Value::Null),
    }
}

impl Bare {
    fn connection(&self) -> &postgres::Bare {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        &self.postgres[next % self.postgres.len()]
    }
}

fn json(status: StatusCode, value: &Value) -> Result<Response<Body>> {
    let body = Full::new(Bytes::from(serde_json::to_vec(value)?)).boxed_unsync();
    Ok(Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(body)?)
}
