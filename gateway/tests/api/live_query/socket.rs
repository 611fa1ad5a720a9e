//! What is said over a socket.
//!
//! Invariant: one refusal ends nothing but what was refused; whoever breaks the rules is told with
//! a close code.

use std::net::SocketAddr;

use domain::user::Role;
use futures::{SinkExt as _, StreamExt as _, future::BoxFuture};
use gateway::Services;
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest as _, protocol::frame::CloseFrame},
};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{DEADLINE, follower::said};
use crate::world::on_world;

type Opened = WebSocketStream<TcpStream>;

/// A gateway on a port.
pub fn serve(services: Services) -> BoxFuture<'static, (SocketAddr, DropGuard)> {
    Box::pin(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shutdown = CancellationToken::new();
        tokio::spawn(gateway::run(services, listener, shutdown.clone()));
        (address, shutdown.drop_guard())
    })
}

async fn try_open(
    address: SocketAddr,
    headers: &[(&'static str, &str)],
) -> Result<Opened, Box<Error>> {
    let stream = TcpStream::connect(address).await.expect("connects");
    let url = format!("ws://{address}/api/v1/ws");
    let mut request = url.into_client_request().expect("a request");
    for (name, value) in headers {
        let value = value.parse().expect("a value");
        request.headers_mut().insert(*name, value);
    }
    let opened = client_async(request, stream).await;
    opened.map(|(opened, _)| opened).map_err(Box::new)
}

pub async fn open(address: SocketAddr, token: &str) -> Opened {
    let bearer = format!("Bearer {token}");
    let opened = try_open(address, &[("authorization", &bearer)]).await;
    opened.expect("opened")
}

async fn say(socket: &mut Opened, said: Value) {
    let text = Message::Text(said.to_string().into());
    socket.send(text).await.expect("sent");
}

/// The next message, or how it was closed.
async fn hear(socket: &mut Opened) -> Result<Value, Option<CloseFrame>> {
    loop {
        let message = timeout(DEADLINE, socket.next()).await.expect("in time");
        match message {
            Some(Ok(Message::Text(text))) => {
                said(&text);
                return Ok(serde_json::from_str(&text).expect("JSON"));
            }
            Some(Ok(Message::Close(frame))) => return Err(frame),
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return Err(None),
        }
    }
}

async fn closed(socket: &mut Opened) -> u16 {
    let closing = async {
        loop {
            if let Err(frame) = hear(socket).await {
                return frame.expect("a close code").code.into();
            }
        }
    };
    timeout(DEADLINE, closing).await.expect("closed in time")
}

fn subscribe(name: &str, collection: &str, filter: &Value) -> Value {
    json!({"type": "subscribe", "subscription": name, "collection": collection, "filter": filter})
}

#[test]
fn several_lists_are_followed_and_refusals_end_none_of_them() {
    on_world(|world| async move {
        let client = world.operator().await;
        let token = client.bearer.clone().expect("a token");
        let (address, _shutdown) = serve(world.services.clone()).await;
        let mut socket = open(address, &token).await;
        let kind = json!({"kind": "socketed"});
        for wanted in [
            subscribe("mine", "tasks", &kind),
            subscribe("jobs", "jobs", &json!({"q": "socketed"})),
        ] {
            say(&mut socket, wanted).await;
            let heard = hear(&mut socket).await.expect("a message");
            assert_eq!(heard["type"], "complete", "{heard}");
        }
        for (wrong, status) in [
            (json!({"type": "sing"}), 400),
            (json!("subscribe"), 400),
            (subscribe("mine", "tasks", &kind), 400),
            (subscribe("", "tasks", &kind), 400),
            (subscribe("x", "colours", &json!({})), 400),
            (subscribe("x", "tasks", &json!({"colour": "red"})), 400),
            (subscribe("x", "tasks", &json!({"sort": "created_at"})), 400),
            (subscribe("x", "users", &json!({})), 403),
            (json!({"type": "unsubscribe", "subscription": "x"}), 404),
        ] {
            say(&mut socket, wrong.clone()).await;
            let heard = hear(&mut socket).await.expect("a message");
            assert_eq!(heard["type"], "error", "{wrong}: {heard}");
            assert_eq!(heard["problem"]["status"], status, "{wrong}: {heard}");
        }
        say(&mut socket, json!({"type": "ping"})).await;
        assert_eq!(hear(&mut socket).await.expect("pong")["type"], "pong");
        let (id, _) = client.make_task("socketed").await;
        let heard = hear(&mut socket).await.expect("a message");
        assert_eq!(
            (&heard["type"], &heard["subscription"]),
            (&json!("delta"), &json!("mine"))
        );
        assert_eq!(heard["data"]["rows"][0]["id"], id.as_str());
        let resume = heard["resume"].clone();
        say(
            &mut socket,
            json!({"type": "unsubscribe", "subscription": "mine"}),
        )
        .await;
        let heard = hear(&mut socket).await.expect("a message");
        assert_eq!(heard["type"], "unsubscribed");
        let (missed, _) = client.make_task("socketed").await;
        let mut again = subscribe("mine", "tasks", &kind);
        again["resume"] = resume;
        say(&mut socket, again).await;
        let heard = hear(&mut socket).await.expect("a message");
        assert_eq!(heard["type"], "delta", "{heard}");
        assert_eq!(heard["data"]["rows"][0]["id"], missed.as_str());
    });
}

#[test]
fn whoever_breaks_the_rules_is_told_why_the_socket_closes() {
    on_world(|world| async move {
        let client = world.operator().await;
        let token = client.bearer.clone().expect("a token");
        let (address, shutdown) = serve(world.services.clone()).await;
        let mut socket = open(address, &token).await;
        let large = Message::Text("x".repeat(17 * 1024).into());
        socket.send(large).await.expect("sent");
        assert_eq!(closed(&mut socket).await, 1009);
        let mut socket = open(address, &token).await;
        let binary = Message::Binary(vec![0_u8; 3].into());
        socket.send(binary).await.expect("sent");
        assert_eq!(closed(&mut socket).await, 1003);
        let mut socket = open(address, &token).await;
        for _ in 0..130 {
            let ping = Message::Text(r#"{"type":"ping"}"#.into());
            // What comes after the close is lost.
            let _sent = socket.send(ping).await;
        }
        assert_eq!(closed(&mut socket).await, 1008);
        let mut socket = open(address, &token).await;
        drop(shutdown);
        assert_eq!(closed(&mut socket).await, 1001);
    });
}

#[test]
fn only_who_is_signed_in_and_no_foreign_page_opens_a_socket() {
    on_world(|world| async move {
        let client = world.operator().await;
        let token = client.bearer.clone().expect("a token");
        let bearer = format!("Bearer {token}");
        let (address, _shutdown) = serve(world.services.clone()).await;
        let status = async |headers: &[(&'static str, &str)]| match try_open(address, headers).await
        {
            Ok(_) => 101,
            Err(error) => match *error {
                Error::Http(answer) => answer.status().as_u16(),
                other => panic!("{other}"),
            },
        };
        let (own, foreign) = (format!("http://{address}"), "http://evil.test");
        let authorized = ("authorization", bearer.as_str());
        assert_eq!(status(&[]).await, 401);
        assert_eq!(status(&[authorized, ("origin", foreign)]).await, 403);
        assert_eq!(status(&[authorized, ("origin", &own)]).await, 101);
        let plain = client.get("/ws").await;
        assert_eq!(plain.status, 400);
        let offered = format!("almanac.v1, bearer.{token}");
        let headers = [
            ("sec-websocket-protocol", offered.as_str()),
            ("origin", own.as_str()),
        ];
        assert_eq!(status(&headers).await, 101);
        let forged = [("sec-websocket-protocol", "almanac.v1, bearer.nobody")];
        assert_eq!(status(&forged).await, 401);
    });
}

#[test]
fn a_socket_closes_with_the_sign_in() {
    on_world(|world| async move {
        let client = world.signed_in(Role::Viewer).await;
        let token = client.bearer.clone().expect("a token");
        let (address, _shutdown) = serve(world.second().await).await;
        let mut socket = open(address, &token).await;
        say(
            &mut socket,
            subscribe("a", "tasks", &json!({"kind": "ends"})),
        )
        .await;
        let heard = hear(&mut socket).await.expect("a message").to_string();
        assert_eq!(said(&heard).event, "complete");
        let sessions = client.get("/auth/sessions").await.expect(200).body();
        let id = sessions["items"][0]["id"].as_str().expect("an id");
        let path = format!("/auth/sessions/{id}");
        let began = std::time::Instant::now();
        let ended = client
            .send(axum::http::Method::DELETE, &path, &[], "")
            .await;
        ended.expect(204);
        assert_eq!(closed(&mut socket).await, 4003);
        assert!(began.elapsed() < std::time::Duration::from_secs(2));
    });
}
