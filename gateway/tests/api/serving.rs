//! Over a real socket.
//!
//! Invariant: a silent client is cut off, and an ending gateway finishes what it began.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;

use crate::world::{World, on_world};

/// Longer than anything here takes.
const DEADLINE: Duration = Duration::from_secs(30);

async fn serve(
    world: &World,
) -> (
    SocketAddr,
    CancellationToken,
    tokio::task::JoinHandle<std::io::Result<()>>,
) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let shutdown = CancellationToken::new();
    let serving = gateway::run(world.services.clone(), listener, shutdown.clone());
    (address, shutdown, tokio::spawn(serving))
}

/// Everything that arrives until the other side ends.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(DEADLINE, stream.read_to_end(&mut bytes)).await;
    read.expect("in time").expect("read");
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn a_client_that_sends_no_request_is_cut_off() {
    on_world(|world| async move {
        let (address, shutdown, _) = serve(world).await;
        let mut slow = TcpStream::connect(address).await.expect("connects");
        slow.write_all(b"GET /livez HTTP/1.1\r\nHost: a\r\n")
            .await
            .expect("sent");
        let answer = rest(&mut slow).await;
        assert!(!answer.contains("200 OK"), "{answer}");
        shutdown.cancel();
    });
}

#[test]
fn a_client_that_reads_nothing_is_cut_off() {
    on_world(|world| async move {
        let (address, shutdown, _) = serve(world).await;
        let mut deaf = TcpStream::connect(address).await.expect("connects");
        let began = std::time::Instant::now();
        // Far more answers than fit into the buffers between both sides.
        let request = "GET /api/openapi.json HTTP/1.1\r\nHost: a\r\n\r\n".repeat(100);
        let cut_off = async {
            loop {
                let sent = deaf.write_all(request.as_bytes()).await;
                if sent.is_err() {
                    break;
                }
            }
        };
        let cut_off = tokio::time::timeout(2 * DEADLINE, cut_off).await;
        cut_off.expect("in time");
        assert!(
            began.elapsed() > Duration::from_secs(15),
            "it had no time to read"
        );
        shutdown.cancel();
    });
}

#[test]
fn no_more_connections_are_served_than_configured() {
    on_world(|world| async move {
        let mut services = world.services.clone();
        services.config.connections_max = std::num::NonZeroU32::MIN;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shutdown = CancellationToken::new();
        tokio::spawn(gateway::run(services, listener, shutdown.clone()));
        let request = b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n";
        let mut head = [0; 15];
        let mut first = TcpStream::connect(address).await.expect("connects");
        first.write_all(request).await.expect("sent");
        first.read_exact(&mut head).await.expect("an answer");
        let mut second = TcpStream::connect(address).await.expect("waits");
        second.write_all(request).await.expect("sent");
        let early = tokio::time::timeout(Duration::from_millis(300), second.read_exact(&mut head));
        assert!(early.await.is_err(), "served beside the first");
        drop(first);
        let served = tokio::time::timeout(DEADLINE, second.read_exact(&mut head)).await;
        served.expect("in time").expect("an answer");
        assert_eq!(&head, b"HTTP/1.1 200 OK");
        shutdown.cancel();
    });
}

#[test]
fn an_ending_gateway_says_so_ends_its_streams_and_returns() {
    on_world(|world| async move {
        let (address, shutdown, serving) = serve(world).await;
        let token = world.operator().await.bearer.expect("a token");
        let mut live = TcpStream::connect(address).await.expect("connects");
        let request = format!(
            "GET /api/v1/stream HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n"
        );
        live.write_all(request.as_bytes()).await.expect("sent");
        let mut head = [0; 15];
        live.read_exact(&mut head).await.expect("an answer");
        assert_eq!(&head, b"HTTP/1.1 200 OK");
        shutdown.cancel();
        let mut probe = TcpStream::connect(address).await.expect("still accepts");
        let request = b"GET /readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        probe.write_all(request).await.expect("sent");
        let answer = rest(&mut probe).await;
        assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
        assert!(answer.contains("the gateway is ending"), "{answer}");
        assert!(rest(&mut live).await.contains("event: hello"));
        let ended = tokio::time::timeout(DEADLINE, serving).await;
        ended
            .expect("in time")
            .expect("no panic")
            .expect("in order");
        assert!(TcpStream::connect(address).await.is_err());
    });
}
