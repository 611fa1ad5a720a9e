//! A client that keeps the rows of a list.
//!
//! Invariant: it holds what it is told to the letter: nothing comes twice, nothing leaves that was
//! not there, and positions only grow.

use std::{collections::BTreeMap, net::SocketAddr};

use axum::{body::BodyDataStream, http::Method};
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{WebSocketStream, tungstenite::Message};

use super::{DEADLINE, socket};
use crate::{asyncapi, world::Client};

/// How to connect.
pub enum Way<'a> {
    Sse(&'a Client, &'a [(&'a str, &'a str)]),
    Socket(SocketAddr, &'a str),
}

enum Wire {
    Sse(BodyDataStream, String),
    Socket(Box<WebSocketStream<TcpStream>>),
}

/// What one message says.
#[derive(Debug)]
pub struct Heard {
    pub event: String,
    pub id: Option<String>,
    pub data: Value,
}

pub struct Follower {
    collection: String,
    filter: String,
    pub rows: BTreeMap<String, Value>,
    pub resume: Option<String>,
    position: u64,
    wire: Option<Wire>,
    pub deltas: usize,
    pub left: usize,
    pub reason: String,
    pub resets: usize,
    pub stale_since: Option<u64>,
}

impl Follower {
    pub fn new(collection: &str, filter: &str) -> Self {
        Self {
            collection: collection.to_owned(),
            filter: filter.to_owned(),
            rows: BTreeMap::new(),
            resume: None,
            position: 0,
            wire: None,
            deltas: 0,
            left: 0,
            reason: String::new(),
            resets: 0,
            stale_since: None,
        }
    }

    /// Connects, to go on where it was if it knows where that is.
    pub async fn connect(&mut self, way: Way<'_>) {
        self.breaks_off();
        let resume = self.resume.clone().unwrap_or_default();
        self.wire = Some(match way {
            Way::Sse(client, headers) => {
                let (collection, filter) = (&self.collection, &self.filter);
                let path = format!("/stream?collection={collection}&{filter}");
                let mut headers = headers.to_vec();
                headers.push(("last-event-id", &resume));
                let answer = client.open(Method::GET, &path, &headers, "").await;
                assert_eq!(answer.status(), 200);
                Wire::Sse(answer.into_body().into_data_stream(), String::new())
            }
            Way::Socket(address, token) => {
                let mut opened = socket::open(address, token).await;
                let filter = self
                    .filter
                    .split('&')
                    .filter_map(|pair| pair.split_once('='));
                let filter: BTreeMap<_, _> = filter.collect();
                let wanted = json!({"type": "subscribe", "subscription": "one",
                    "collection": self.collection, "filter": filter, "resume": self.resume});
                let wanted = Message::Text(wanted.to_string().into());
                opened.send(wanted).await.expect("sent");
                Wire::Socket(Box::new(opened))
            }
        });
    }

    /// Forgets the connection, and rows of which it does not know the position.
    pub fn breaks_off(&mut self) {
        self.wire = None;
        if self.resume.is_none() {
            self.rows.clear();
        }
    }

    /// The next message.
    pub async fn next(&mut self) -> Heard {
        let wire = self.wire.as_mut().expect("connected");
        let heard = timeout(DEADLINE, wire.next()).await;
        heard.expect("in time")
    }

    /// The code with which the socket closes.
    pub async fn closes(&mut self) -> u16 {
        let Some(Wire::Socket(opened)) = &mut self.wire else {
            panic!("no socket is connected");
        };
        let closing = async {
            loop {
                let message = opened.next().await.expect("a close").expect("whole");
                if let Message::Close(frame) = message {
                    return frame.expect("a code").code.into();
                }
            }
        };
        timeout(DEADLINE, closing).await.expect("closed in time")
    }

    async fn step(&mut self) -> String {
        let heard = self.next().await;
        let Heard { event, id, data } = heard;
        match event.as_str() {
            "snapshot" => {
                assert!(self.resume.is_none(), "rows although it goes on");
                self.put(&data);
            }
            "complete" => {
                self.position = data["position"].as_u64().expect("a position");
                self.stale_since = data["stale_since"].as_u64();
                self.resume = id;
            }
            "delta" => {
                let position = data["position"].as_u64().expect("a position");
                assert!(
                    position > self.position,
                    "{position} after {}",
                    self.position
                );
                assert!(self.resume.is_some(), "a change before all rows");
                self.position = position;
                self.stale_since = data["stale_since"].as_u64();
                self.resume = id;
                self.deltas += 1;
                for id in data["left"].as_array().expect("ids") {
                    let id = id.as_str().expect("an id");
                    assert!(self.rows.remove(id).is_some(), "{id} was not there");
                    self.left += 1;
                }
                self.put(&data);
            }
            "reset" => {
                let reason = data["reason"].as_str().expect("a reason");
                reason.clone_into(&mut self.reason);
                self.resets += 1;
                self.resume = None;
                self.position = 0;
                self.rows.clear();
            }
            other => panic!("{other}: {data}"),
        }
        event
    }

    fn put(&mut self, data: &Value) {
        for row in data["rows"].as_array().expect("rows") {
            let id = row["id"].as_str().expect("an id").to_owned();
            let object = row["object"].clone();
            let before = self.rows.insert(id, object.clone());
            assert_ne!(before, Some(object), "the same row twice");
        }
    }

    /// Hears until `done`.
    pub async fn until(&mut self, done: impl Fn(&Self) -> bool) {
        while !done(self) {
            self.step().await;
        }
    }

    /// Hears until all rows were told.
    pub async fn completes(&mut self) {
        while self.step().await != "complete" {}
    }

    pub async fn sees(&mut self, id: &str) {
        self.until(|follower| follower.rows.contains_key(id)).await;
    }

    /// Hears some messages, as many as come soon.
    pub async fn hear_up_to(&mut self, count: usize) {
        for _ in 0..count {
            let soon = std::time::Duration::from_millis(60);
            if timeout(soon, self.step()).await.is_err() {
                return;
            }
        }
    }

    /// Holds the rows against the list.
    pub async fn is_as_listed(&self, client: &Client) {
        let mut listed = BTreeMap::new();
        let mut cursor = String::new();
        loop {
            let (collection, filter) = (&self.collection, &self.filter);
            let path = format!("/{collection}?{filter}&limit=200{cursor}");
            let page = client.get(&path).await.expect(200).body();
            for item in page["items"].as_array().expect("items") {
                let id = item["id"].as_str().expect("an id").to_owned();
                listed.insert(id, item.clone());
            }
            match page["page"]["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(self.rows, listed);
    }
}

impl Wire {
    async fn next(&mut self) -> Heard {
        match self {
            Self::Sse(body, text) => loop {
                if let Some(end) = text.find("\n\n") {
                    let message: String = text.drain(..end + 2).collect();
                    if let Some(heard) = event(&message) {
                        return heard;
                    }
                    continue;
                }
                let chunk = body.next().await.expect("not ended").expect("whole");
                text.push_str(std::str::from_utf8(&chunk).expect("text"));
            },
            Self::Socket(opened) => loop {
                let message = opened.next().await.expect("not ended").expect("whole");
                if let Message::Text(text) = message {
                    return said(&text);
                }
            },
        }
    }
}

/// A message over a socket.
pub fn said(text: &str) -> Heard {
    let said: Value = serde_json::from_str(text).expect("JSON");
    let event = said["type"].as_str().expect("a type").to_owned();
    asyncapi::fits("socket", &event, &said);
    Heard {
        event,
        id: said["resume"].as_str().map(str::to_owned),
        data: said.get("data").unwrap_or(&said).clone(),
    }
}

fn event(message: &str) -> Option<Heard> {
    let field = |name: &str| {
        let line = message.lines().find_map(|line| line.strip_prefix(name));
        line.map(|value| value.trim().to_owned())
    };
    let (event, data) = (field("event:")?, field("data:")?);
    let data = serde_json::from_str(&data).expect("JSON");
    asyncapi::fits("stream", &event, &data);
    Some(Heard {
        event,
        id: field("id:"),
        data,
    })
}
