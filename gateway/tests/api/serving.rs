//! Over a real socket.
//!
//! Invariant: a silent client is cut off, and an ending gateway finishes what it began.

use std::{net::SocketAddr, num::NonZeroU32, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::{CancellationToken, DropGuard};

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

/// A gateway whose configuration is `change`d.
async fn serve_with(
    world: &World,
    change: impl FnOnce(&mut runtime::Gateway),
) -> (SocketAddr, DropGuard) {
    let mut services = world.services.clone();
    change(&mut services.config);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let shutdown = CancellationToken::new();
    tokio::spawn(gateway::run(services, listener, shutdown.clone()));
    (address, shutdown.drop_guard())
}

/// The answer to a task's creation whose body comes byte by byte and never ends.
async fn trickled(address: SocketAddr, token: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connects");
    let head = format!(
        "POST /api/v1/tasks HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    let (mut read, mut write) = stream.split();
    let trickle = async {
        let mut drops = tokio::time::interval(Duration::from_millis(20));
        loop {
            drops.tick().await;
            if write.write_all(b" ").await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    let answer = async {
        let (mut text, mut part) = (String::new(), [0; 4096]);
        while !text.ends_with('}') {
            let count = read.read(&mut part).await.expect("read");
            assert_ne!(count, 0, "closed without an answer: {text}");
            text.push_str(&String::from_utf8_lossy(&part[..count]));
        }
        text
    };
    tokio::select! {
        () = trickle => unreachable!("it never ends"),
        answer = tokio::time::timeout(DEADLINE / 2, answer) => answer.expect("in time"),
    }
}

fn ms(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).expect("more than none")
}

#[test]
fn a_body_that_trickles_in_is_given_up() {
    on_world(|world| async move {
        let token = world.operator().await.bearer.expect("a token");
        let quickly = |config: &mut runtime::Gateway| config.body_within_ms = ms(500);
        let (address, _serves) = Box::pin(serve_with(world, quickly)).await;
        let answer = trickled(address, &token).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
        assert!(answer.contains("did not arrive within 500 ms"), "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
    });
}

#[test]
fn a_request_is_answered_in_time_whatever_it_waits_for() {
    on_world(|world| async move {
        let operator = world.operator().await;
        let token = operator.bearer.clone().expect("a token");
        let quickly = |config: &mut runtime::Gateway| config.answer_within_ms = ms(500);
        let (address, _serves) = Box::pin(serve_with(world, quickly)).await;
        let answer = trickled(address, &token).await;
        assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
        assert!(answer.contains("UNAVAILABLE"), "{answer}");
        assert!(answer.contains("The outcome is unknown"), "{answer}");
        assert!(answer.contains("retry-after"), "{answer}");
    });
}

#[test]
fn an_answer_that_has_begun_goes_on_beyond_that_time() {
    on_world(|world| async move {
        let operator = world.operator().await;
        let token = operator.bearer.clone().expect("a token");
        let quickly = |config: &mut runtime::Gateway| config.answer_within_ms = ms(500);
        let (address, _serves) = Box::pin(serve_with(world, quickly)).await;
        let mut live = TcpStream::connect(address).await.expect("connects");
        let request = format!(
            "GET /api/v1/stream HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n"
        );
        live.write_all(request.as_bytes()).await.expect("sent");
        let began = std::time::Instant::now();
        let (mut heard, mut part) = (String::new(), [0; 4096]);
        let hearing = async {
            let mut last = String::new();
            while last.is_empty() || !heard.contains(&last) {
                if last.is_empty() && began.elapsed() > Duration::from_millis(1_500) {
                    last = operator.make_task("long-lived").await.0;
                } else if last.is_empty() {
                    operator.make_task("long-lived").await;
                }
                let count = live.read(&mut part).await.expect("read");
                assert_ne!(count, 0, "the stream ended: {heard}");
                heard.push_str(&String::from_utf8_lossy(&part[..count]));
            }
        };
        let heard_of = tokio::time::timeout(DEADLINE, hearing).await;
        heard_of.expect("in time");
    });
}
