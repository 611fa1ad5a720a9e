//! One HTTP connection that is kept alive.
//!
//! Invariant: an answer is read to its end before the next question, and an unexpected status is an
//! error with the answer's own words.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    client::conn::http1::{self, SendRequest},
    header::{self, HeaderMap, HeaderValue},
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A server and who asks it.
#[derive(Clone)]
pub struct Site {
    address: SocketAddr,
    authorization: HeaderValue,
}

/// A connection to a site.
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    site: Site,
}

/// What was answered.
pub struct Answer {
    /// Its body.
    pub body: Bytes,
    /// Its headers.
    pub headers: HeaderMap,
}

impl Site {
    /// The server at `address`, asked with this bearer token.
    pub fn new(address: SocketAddr, token: &str) -> Result<Self> {
        let authorization = HeaderValue::from_str(&format!("Bearer {token}"))?;
        Ok(Self {
            address,
            authorization,
        })
    }

    /// Connects.
    pub async fn connect(&self) -> Result<Connection> {
        let socket = TcpStream::connect(self.address)
            .await
            .context("connecting")?;
        socket.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(socket)).await?;
        // Its failure is seen by whoever asks next.
        tokio::spawn(connection);
        Ok(Connection {
            sender,
            site: self.clone(),
        })
    }

    /// So many connections.
    pub async fn connect_all(&self, count: usize) -> Result<Vec<Connection>> {
        futures::future::try_join_all((0..count).map(|_| self.connect())).await
    }
}

impl Connection {
    /// Gets `path`; with a consistency token, no older than that.
    pub async fn get(&mut self, path: &str, token: Option<&HeaderValue>) -> Result<Answer> {
        let mut request = self.request(Method::GET, path, Bytes::new())?;
        if let Some(token) = token {
            request
                .headers_mut()
                .insert("consistency-token", token.clone());
        }
        whole(self.ask(request).await?, StatusCode::OK).await
    }

    /// Posts JSON that makes something.
    pub async fn post(&mut self, path: &str, body: Bytes) -> Result<Answer> {
        let request = self.request(Method::POST, path, body)?;
        whole(self.ask(request).await?, StatusCode::CREATED).await
    }

    /// Posts JSON that makes nothing.
    pub async fn post_ok(&mut self, path: &str, body: Bytes) -> Result<Answer> {
        let request = self.request(Method::POST, path, body)?;
        whole(self.ask(request).await?, StatusCode::OK).await
    }

    /// Opens a stream, whose connection is then its own.
    pub async fn stream(mut self, path: &str) -> Result<(Incoming, Self)> {
        let request = self.request(Method::GET, path, Bytes::new())?;
        let response = self.ask(request).await?;
        let status = response.status();
        if status != StatusCode::OK {
            bail!("{status} where a stream was expected");
        }
        Ok((response.into_body(), self))
    }

    fn request(&self, method: Method, path: &str, body: Bytes) -> Result<Request<Full<Bytes>>> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "127.0.0.1")
            .header(header::AUTHORIZATION, &self.site.authorization);
        if !body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        Ok(request.body(Full::new(body))?)
    }

    async fn ask(&mut self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>> {
        self.sender
            .ready()
            .await
            .context("the connection has ended")?;
        Ok(self.sender.send_request(request).await?)
    }
}

async fn whole(response: Response<Incoming>, expected: StatusCode) -> Result<Answer> {
    let (head, body) = response.into_parts();
    let body = body.collect().await?.to_bytes();
    if head.status != expected {
        bail!(
            "{} instead of {expected}: {}",
            head.status,
            String::from_utf8_lossy(&body)
        );
    }
    Ok(Answer {
        body,
        headers: head.headers,
    })
}
