//! A gateway on a socket, asked byte by byte.
//!
//! Invariant: it has limits of its own, and ends with its test.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::world::World;

/// A gateway on a socket.
pub struct Site {
    pub address: SocketAddr,
    _ends: DropGuard,
}

impl Site {
    /// One with these limits, behind proxies in these networks.
    pub async fn start(world: &World, limits: runtime::Limits, proxies: &[&str]) -> Self {
        let mut services = world.services.clone();
        services.config.limits = limits;
        let networks = proxies.iter().map(|text| text.parse().expect("a network"));
        services.config.trusted_proxies = networks.collect();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shutdown = CancellationToken::new();
        tokio::spawn(gateway::run(services, listener, shutdown.clone()));
        Self {
            address,
            _ends: shutdown.drop_guard(),
        }
    }

    /// The whole answer to a request with these header lines, each of which ends with CR LF.
    pub async fn ask(&self, what: &str, lines: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.expect("connects");
        let length = body.len();
        let request = format!(
            "{what} HTTP/1.1\r\nHost: a\r\n{lines}Content-Length: {length}\r\n\
             Connection: close\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("answered");
        answer
    }
}
