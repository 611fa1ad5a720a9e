//! A gateway for tests: it answers as it is told and remembers what it was asked.
//!
//! Invariant: it speaks HTTP over a socket of its own, so the client under test is all there.

use std::sync::{Arc, Mutex, PoisonError};

use domain::Timestamp;
use schemas::api::{Code, Problem};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};
use uuid::Uuid;

use super::Client;

/// A request; `path` is the part after `/api/v1`.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub body: Value,
    pub method: String,
    pub path: String,
    pub token: Option<String>,
}

pub struct Answer {
    body: Value,
    status: u16,
    token: Option<&'static str>,
}

pub struct Gateway {
    asked: Arc<Mutex<Vec<Asked>>>,
    pub client: Client,
    pub url: String,
}

impl Answer {
    /// A list with nothing in it.
    pub fn nothing() -> Self {
        Self::ok(json!({"items": [], "page": {"next": null, "has_more": false}}))
    }

    pub fn ok(body: Value) -> Self {
        Self {
            body,
            status: 200,
            token: None,
        }
    }

    pub fn refused(code: Code, detail: &str) -> Self {
        let problem = Problem {
            about: String::new(),
            title: code.title().to_owned(),
            status: 400,
            code,
            detail: detail.to_owned(),
            instance: String::new(),
            request_id: String::new(),
            retryable: false,
            errors: Vec::new(),
            current_etag: None,
            challenge: None,
        };
        Self {
            body: json!(problem),
            status: 400,
            token: None,
        }
    }

    pub fn with_token(self, token: &'static str) -> Self {
        Self {
            token: Some(token),
            ..self
        }
    }
}

impl Gateway {
    /// Starts one, and signs in.
    pub async fn start(answer: impl Fn(&Asked) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let remembered = asked.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mut stream = BufReader::new(stream);
                let asked = read(&mut stream).await;
                let told = if asked.path == "/auth/login" {
                    Answer::ok(session())
                } else {
                    answer(&asked)
                };
                locked(&remembered).push(asked);
                write(&mut stream, told).await;
            }
        });
        let client = Client::sign_in(&url, "ann@example.org", &"secret".into())
            .await
            .expect("signed in");
        Self { asked, client, url }
    }

    /// What it was asked, in this order; the sign-in first.
    pub fn asked(&self) -> Vec<Asked> {
        locked(&self.asked).clone()
    }
}

fn locked(asked: &Mutex<Vec<Asked>>) -> std::sync::MutexGuard<'_, Vec<Asked>> {
    asked.lock().unwrap_or_else(PoisonError::into_inner)
}

fn session() -> Value {
    let user = json!({
        "id": Uuid::nil(),
        "tenant_id": Uuid::nil(),
        "disabled": false,
        "email": "ann@example.org",
        "name": "Ann",
        "role": "admin",
        "created_at": Timestamp::default(),
        "updated_at": Timestamp::default(),
        "version": 1,
    });
    json!({
        "user": user,
        "access_token": "token",
        "refresh_token": "",
        "token_type": "Bearer",
        "expires_in": 900,
    })
}

async fn read(stream: &mut BufReader<TcpStream>) -> Asked {
    let mut asked = Asked::default();
    let mut length = 0;
    let mut line = String::new();
    stream.read_line(&mut line).await.expect("a request");
    let mut words = line.split(' ').map(str::to_owned);
    asked.method = words.next().unwrap_or_default();
    let target = words.next().unwrap_or_default();
    let target = target.split('?').next().unwrap_or_default();
    asked.path = target.trim_start_matches("/api/v1").to_owned();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.expect("a header");
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().expect("a length"),
            "consistency-token" => asked.token = Some(value.trim().to_owned()),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.expect("a body");
    asked.body = serde_json::from_slice(&body).unwrap_or_default();
    asked
}

async fn write(stream: &mut BufReader<TcpStream>, told: Answer) {
    let body = told.body.to_string();
    let token = told
        .token
        .map(|token| format!("consistency-token: {token}\r\n"));
    let head = format!(
        "HTTP/1.1 {} OK\r\nconnection: close\r\ncontent-length: {}\r\n{}\r\n",
        told.status,
        body.len(),
        token.unwrap_or_default()
    );
    let whole = head + &body;
    stream.write_all(whole.as_bytes()).await.expect("told");
}
