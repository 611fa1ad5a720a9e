//! Calls to a server in this process, and calls that must not be made.
//!
//! Invariant: the server counts connections, so "not called" is seen from the other side.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_util::task::AbortOnDropHandle;

use super::*;
use crate::handlers::testing::{attempt, code};

/// A server that gives every caller the same answer and counts them.
struct Server {
    calls: Arc<AtomicUsize>,
    port: u16,
    _serving: Vec<AbortOnDropHandle<()>>,
}

impl Server {
    async fn start(answer: impl Into<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let calls = Arc::new(AtomicUsize::new(0));
        let answer = Arc::new(answer.into());
        let mut listeners = vec![listener];
        // The same port on IPv6 as well, where there is any.
        listeners.extend(TcpListener::bind(("::1", port)).await.ok());
        let serve = |listener| {
            let serving = serve(listener, Arc::clone(&answer), Arc::clone(&calls));
            AbortOnDropHandle::new(tokio::spawn(serving))
        };
        let serving = listeners.into_iter().map(serve).collect();
        Self {
            calls,
            port,
            _serving: serving,
        }
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    async fn call(&self, more: Value) -> Outcome {
        let mut payload = json!({"url": format!("http://127.0.0.1:{}/", self.port)});
        for (name, value) in more.as_object().expect("an object") {
            payload[name] = value.clone();
        }
        let http = Http::try_new(true).expect("a client");
        http.run(payload, &attempt()).await
    }
}

async fn serve(listener: TcpListener, answer: Arc<Vec<u8>>, calls: Arc<AtomicUsize>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        calls.fetch_add(1, Ordering::SeqCst);
        let answer = Arc::clone(&answer);
        tokio::spawn(async move {
            let mut request = [0; 4_096];
            // Whatever is asked, the answer is the same; a caller that is gone needs none.
            let _asked = stream.read(&mut request).await;
            let _answered = stream.write_all(&answer).await;
        });
    }
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}"
    )
}

#[tokio::test]
async fn a_success_keeps_status_headers_and_body() {
    let server = Server::start(answer("200 OK", "etag: \"x\"\r\nx-secret: 1\r\n", "hello")).await;
    let outcome = server.call(json!({})).await;
    let expected = json!({
        "status": 200, "headers": {"content-length": "5", "etag": "\"x\""},
        "body": "hello", "truncated": false,
    });
    assert_eq!(outcome, Outcome::Done(expected));
}

#[tokio::test]
async fn a_status_says_whether_another_try_may_help() {
    for (status, headers, expected) in [
        ("404 Not Found", "", ("unexpected_status", false)),
        ("302 Found", "location: /\r\n", ("unexpected_status", false)),
        ("503 Service Unavailable", "", ("unexpected_status", true)),
        (
            "429 Too Many Requests",
            "retry-after: 7\r\n",
            ("unexpected_status", true),
        ),
    ] {
        let server = Server::start(answer(status, headers, "")).await;
        let outcome = server.call(json!({})).await;
        assert_eq!(code(&outcome), expected, "{status}");
        if let Outcome::Retry(error) = outcome {
            assert_eq!(
                error.retry_after_ms.is_some(),
                !headers.is_empty(),
                "{status}"
            );
        }
        assert_eq!(server.calls(), 1, "redirects are not followed");
    }
    let server = Server::start(answer("404 Not Found", "", "")).await;
    let outcome = server.call(json!({"expect_status": 404})).await;
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_huge_reply_is_cut_or_refused() {
    let server = Server::start(answer("200 OK", "", &"x".repeat(reply::BODY_MAX + 1))).await;
    let Outcome::Done(output) = server.call(json!({})).await else {
        panic!("a large reply is a success");
    };
    assert_eq!(output["truncated"], true);
    assert_eq!(output["body"].as_str().map(str::len), Some(reply::BODY_MAX));
    let server = Server::start(answer("200 OK", "", &"x".repeat(2 * 1024 * 1024))).await;
    assert_eq!(
        code(&server.call(json!({})).await),
        ("reply_too_large", false)
    );
}

#[tokio::test]
async fn who_does_not_answer_may_answer_later() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    drop(listener);
    let http = Http::try_new(true).expect("a client");
    let payload = json!({"url": format!("http://127.0.0.1:{port}/")});
    let outcome = http.run(payload, &attempt()).await;
    assert_eq!(code(&outcome), ("connect_failed", true));
}

#[tokio::test]
async fn what_cannot_be_called_is_refused() {
    let server = Server::start(answer("200 OK", "", "")).await;
    for (more, expected) in [
        (json!({"url": "no url"}), "invalid_payload"),
        (json!({"url": "file:///etc/passwd"}), "url_refused"),
        (json!({"url": "gopher://example.com/"}), "url_refused"),
        (json!({"url": "ftp://example.com/"}), "url_refused"),
        (
            json!({"url": "http://user:word@example.com/"}),
            "url_refused",
        ),
        (json!({"method": "CONNECT"}), "invalid_payload"),
        (json!({"method": "a b"}), "invalid_payload"),
        (json!({"headers": {"Host": "inside"}}), "invalid_payload"),
        (json!({"headers": {"x": "a\r\nb: c"}}), "invalid_payload"),
        (json!({"follow": true}), "invalid_payload"),
    ] {
        let outcome = server.call(more.clone()).await;
        assert_eq!(code(&outcome), (expected, false), "{more}");
    }
    assert_eq!(server.calls(), 0);
}

/// Ways to spell addresses of this machine and of other places that tasks must not reach.
const SPELLINGS: &[&str] = &[
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "127.0.0.1.",
    "127.255.255.254",
    "2130706433",
    "017700000001",
    "0x7f000001",
    "0x7F.0.0.1",
    "0x7f.1",
    "0177.0.0.1",
    "0177.1",
    "0177.0x0.0.1",
    "127.000.000.001",
    "0x7f.0x0.0x0.0x1",
    "00000177.0.0.1",
    "0",
    "0.0.0.0",
    "0x0",
    "00.00.00.00",
    "0.0",
    "0.0.0.1",
    "localhost",
    "LOCALHOST",
    "LocalHost.",
    "localhost.",
    "some.localhost",
    "①②⑦.⓪.⓪.①",
    "１２７.０.０.１",
    "127。0。0。1",
    "127.0.0.1%2e",
    "%31%32%37.0.0.1",
    "%6c%6f%63%61%6c%68%6f%73%74",
    "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[0000::0001]",
    "[::127.0.0.1]",
    "[::7f00:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::FFFF:7F00:0001]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
    "[::ffff:0.0.0.0]",
    "[::ffff:10.0.0.1]",
    "[::ffff:169.254.169.254]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::a00:1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::]",
    "[fe80::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[fec0::1]",
    "[ff02::1]",
    "[100::1]",
    "[2001:db8::1]",
    "10.0.0.1",
    "10.1",
    "0xa.1",
    "012.0.0.1",
    "167772161",
    "172.16.0.1",
    "172.31.255.255",
    "0xac.0x10.0.1",
    "192.168.0.1",
    "192.168.1",
    "0300.0250.0.1",
    "3232235521",
    "100.64.0.1",
    "169.254.169.254",
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "169.254.43518",
    "192.0.0.192",
    "198.18.0.1",
    "203.0.113.7",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "4294967295",
    "0xffffffff",
    "example.org@127.0.0.1",
    "example.org:443@localhost",
    "user:word@[::1]",
    "①⓪.0.0.1",
    "１９２.１６８.０.１",
    "10.255.255.255",
    "0x0a000001",
    "012.0xff.1",
    "172.20.10.1",
    "172.16.1",
    "2886729729",
    "192.168.255.255",
    "0xC0A80001",
    "030052000001",
    "100.127.255.255",
    "169.254.169.254.",
    "192.0.2.1",
    "198.19.255.255",
    "198.51.100.1",
    "[::ffff:a9fe:a9fe]",
    "[::ffff:c0a8:1]",
    "[::ffff:192.168.0.1]",
    "[::ffff:100.64.0.1]",
    "[64:ff9b::192.168.0.1]",
    "[64:ff9b::a9fe:a9fe]",
    "[2002:a00:1::]",
    "[2002:c0a8:1::]",
    "[2002:a9fe:a9fe::]",
    "[febf::1]",
    "[fdff:ffff::1]",
    "[ff01::1]",
    "[ff05::1:3]",
];

#[tokio::test]
async fn no_spelling_of_a_private_address_is_called() {
    assert!(SPELLINGS.len() >= 100);
    let server = Server::start(answer("200 OK", "", "")).await;
    let http = Http::try_new(false).expect("a client");
    for host in SPELLINGS {
        for scheme in ["http", "https"] {
            let url = format!("{scheme}://{host}:{}/", server.port);
            let outcome = http.run(json!({"url": url}), &attempt()).await;
            let (code, retryable) = code(&outcome);
            assert!(
                !retryable && matches!(code, "url_refused" | "invalid_payload"),
                "{url}: {code}"
            );
        }
    }
    assert_eq!(server.calls(), 0);
}

/// The harness would see a call: with private addresses allowed, the same spellings do arrive.
#[tokio::test]
async fn spellings_of_loopback_arrive_where_that_is_allowed() {
    let server = Server::start(answer("200 OK", "", "")).await;
    let http = Http::try_new(true).expect("a client");
    let hosts = [
        "127.0.0.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "localhost",
        "①②⑦.⓪.⓪.①",
    ];
    for host in hosts {
        let url = format!("http://{host}:{}/", server.port);
        let outcome = http.run(json!({"url": url}), &attempt()).await;
        assert!(matches!(outcome, Outcome::Done(_)), "{url}: {outcome:?}");
    }
    assert_eq!(server.calls(), hosts.len());
}
