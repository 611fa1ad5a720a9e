//! An issuer for tests: a small HTTP server that does what issuers do, or does it wrongly.
//!
//! Invariant: it gives an ID token only for a code of its own, once, to who knows the verifier and
//! the client's secret; so a gateway that succeeds has sent all of that.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aws_lc_rs::{
    digest, hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
        RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::Url;
use serde_json::{Map, Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

pub const CLIENT: &str = "almanac";
pub const SECRET: &str = "a client's secret: hush";
/// The secret as a form has it, with the id before it, in base64.
const BASIC: &str = "Basic YWxtYW5hYzphK2NsaWVudCUyN3Mrc2VjcmV0JTNBK2h1c2g=";

/// A running issuer; ends when dropped.
pub struct Issuer {
    pub url: String,
    serving: JoinHandle<()>,
    state: Arc<Mutex<State>>,
}

/// What it does, and what it does wrongly.
#[derive(Clone, Default)]
pub struct Ways {
    pub algorithm: Algorithm,
    /// Claims that differ; null leaves one out.
    pub claims: Map<String, Value>,
    /// Members of its document that differ.
    pub document: Map<String, Value>,
    /// Members of the token's head that differ.
    pub head: Map<String, Value>,
    /// What it adds to the address that it sends browsers back to.
    pub returned: Map<String, Value>,
    /// Whether the signature is another message's.
    pub tampered: bool,
    pub token_endpoint: Trouble,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Algorithm {
    EdDsa,
    #[default]
    Es256,
    /// With a public key as the secret.
    Hs256,
    None,
    Rs256,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Trouble {
    Broken,
    Huge,
    #[default]
    None,
    Redirect,
    Slow,
}

struct State {
    asked: Vec<String>,
    codes: HashMap<String, Code>,
    issued: usize,
    keys: Keys,
    url: String,
    ways: Ways,
}

struct Code {
    challenge: String,
    nonce: String,
    redirect_uri: String,
}

struct Keys {
    ed: Ed25519KeyPair,
    es: EcdsaKeyPair,
    generation: usize,
    rs: RsaKeyPair,
}

struct Asked {
    body: String,
    head: String,
    target: Url,
}

impl Issuer {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let url = format!("http://{address}");
        let state = Arc::new(Mutex::new(State {
            asked: Vec::new(),
            codes: HashMap::new(),
            issued: 0,
            keys: Keys::make(0),
            url: url.clone(),
            ways: Ways::default(),
        }));
        let shared = Arc::clone(&state);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self {
            url,
            serving,
            state,
        }
    }

    /// Has it do otherwise from now on.
    pub fn set(&self, ways: Ways) {
        locked(&self.state).ways = ways;
    }

    /// Has it sign with other keys from now on.
    pub fn rotate(&self) {
        let mut state = locked(&self.state);
        state.keys = Keys::make(state.keys.generation + 1);
    }

    /// How often it was asked for what begins so.
    pub fn asked(&self, what: &str) -> usize {
        let state = locked(&self.state);
        let asked = state.asked.iter();
        asked.filter(|asked| asked.starts_with(what)).count()
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Ways {
    /// With these claims instead of its own.
    pub fn claiming(claims: Value) -> Self {
        Self {
            claims: members(claims),
            ..Self::default()
        }
    }
}

/// The members of an object.
pub fn members(object: Value) -> Map<String, Value> {
    match object {
        Value::Object(members) => members,
        other => panic!("no object: {other}"),
    }
}

/// Signs in at the issuer as a browser does; where it is sent then.
pub async fn visit(location: &str) -> Url {
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client");
    let answer = client.get(location).send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 302, "{location}");
    let sent = answer.headers()["location"].to_str().expect("text");
    Url::parse(sent).expect("an address")
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let Some(asked) = read(&mut stream).await else {
        return;
    };
    let answer = locked(&state).answer(&asked);
    if answer.is_empty() {
        // Longer than anybody waits.
        tokio::time::sleep(Duration::from_mins(2)).await;
    }
    // Who has gone away needs no answer.
    let _gone = stream.write_all(answer.as_bytes()).await;
    let _gone = stream.shutdown().await;
}

async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let count = stream
            .read(&mut chunk)
            .await
            .ok()
            .filter(|count| *count > 0)?;
        bytes.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = header(head, "content-length").and_then(|text| text.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            let target = head.split(' ').nth(1)?;
            return Some(Asked {
                body: body.to_owned(),
                head: head.to_owned(),
                target: Url::parse(&format!("http://issuer{target}")).ok()?,
            });
        }
    }
}

fn header<'a>(head: &'a str, wanted: &str) -> Option<&'a str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    let found = lines.find(|(name, _)| name.eq_ignore_ascii_case(wanted));
    found.map(|(_, value)| value)
}

fn fields(text: &str) -> HashMap<String, String> {
    let url = Url::parse(&format!("form:/?{text}")).expect("an address");
    url.query_pairs().into_owned().collect()
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
         connection: close\r\n{headers}\r\n{body}"
    )
}

impl State {
    fn answer(&mut self, asked: &Asked) -> String {
        let method = asked.head.split(' ').next().unwrap_or_default();
        let path = asked.target.path();
        self.asked.push(format!("{method} {path}"));
        match (method, path) {
            ("GET", "/.well-known/openid-configuration") => {
                answer("200 OK", "", &self.document().to_string())
            }
            ("GET", "/authorize") => self.authorize(asked),
            ("GET", "/jwks") => answer("200 OK", "", &self.keys.public().to_string()),
            ("POST", "/token") => match self.ways.token_endpoint {
                Trouble::Broken => answer("500 Internal Server Error", "", "{}"),
                Trouble::Huge | Trouble::None => self.token(asked),
                Trouble::Redirect => {
                    let elsewhere = format!("location: {}/elsewhere\r\n", self.url);
                    answer("307 Temporary Redirect", &elsewhere, "")
                }
                Trouble::Slow => String::new(),
            },
            _ => answer("404 Not Found", "", "{}"),
        }
    }

    fn document(&self) -> Value {
        let url = &self.url;
        let mut document = members(json!({
            "issuer": url,
            "authorization_endpoint": format!("{url}/authorize?tenant=1"),
            "token_endpoint": format!("{url}/token"),
            "jwks_uri": format!("{url}/jwks"),
        }));
        document.extend(self.ways.document.clone());
        document.into()
    }

    fn authorize(&mut self, asked: &Asked) -> String {
        let sent: HashMap<_, _> = asked.target.query_pairs().into_owned().collect();
        let wanted = [
            ("client_id", CLIENT),
            ("code_challenge_method", "S256"),
            ("response_type", "code"),
            ("scope", "openid email profile"),
            ("tenant", "1"),
        ];
        let refused = wanted.iter().find(|(name, value)| sent[*name] != **value);
        assert_eq!(refused, None, "{sent:?}");
        self.issued += 1;
        let code = format!("code-{}", self.issued);
        let mut back = Url::parse(&sent["redirect_uri"]).expect("an address");
        back.query_pairs_mut()
            .append_pair("code", &code)
            .append_pair("state", &sent["state"])
            .append_pair("session_state", "of no concern");
        for (name, value) in &self.ways.returned {
            let value = value.as_str().unwrap_or_default();
            back.query_pairs_mut().append_pair(name, value);
        }
        let kept = Code {
            challenge: sent["code_challenge"].clone(),
            nonce: sent["nonce"].clone(),
            redirect_uri: sent["redirect_uri"].clone(),
        };
        self.codes.insert(code, kept);
        answer("302 Found", &format!("location: {back}\r\n"), "")
    }

    fn token(&mut self, asked: &Asked) -> String {
        let invalid = || answer("400 Bad Request", "", r#"{"error":"invalid_grant"}"#);
        let sent = fields(&asked.body);
        let by_basic = header(&asked.head, "authorization") == Some(BASIC);
        let by_post = sent.get("client_secret").is_some_and(|it| it == SECRET);
        if sent["grant_type"] != "authorization_code" || by_basic == by_post {
            return answer("401 Unauthorized", "", r#"{"error":"invalid_client"}"#);
        }
        let Some(code) = self.codes.remove(&sent["code"]) else {
            return invalid();
        };
        let verifier = digest::digest(&digest::SHA256, sent["code_verifier"].as_bytes());
        let known = URL_SAFE_NO_PAD.encode(verifier) == code.challenge;
        if !known || sent["redirect_uri"] != code.redirect_uri {
            return invalid();
        }
        let huge = self.ways.token_endpoint == Trouble::Huge;
        let granted = json!({
            "access_token": "an access token", "token_type": "Bearer",
            "id_token": self.id_token(&code.nonce, "an access token"),
            "padding": "x".repeat(if huge { 1 << 20 } else { 0 }),
        });
        answer("200 OK", "", &granted.to_string())
    }

    fn id_token(&self, nonce: &str, access_token: &str) -> String {
        let Ways {
            algorithm,
            tampered,
            ..
        } = self.ways;
        let (name, kid) = (algorithm.name(), self.keys.kid(algorithm));
        let mut head = members(json!({"alg": name, "typ": "JWT", "kid": kid}));
        head.extend(self.ways.head.clone());
        let hash = match algorithm {
            Algorithm::EdDsa => &digest::SHA512,
            _ => &digest::SHA256,
        };
        let hash = digest::digest(hash, access_token.as_bytes());
        let half = URL_SAFE_NO_PAD.encode(&hash.as_ref()[..hash.as_ref().len() / 2]);
        let now_s = now_s();
        let mut claims = members(json!({
            "iss": self.url, "sub": "ann", "aud": CLIENT, "nonce": nonce, "iat": now_s,
            "exp": now_s + 300, "at_hash": half, "email": "ann@example.org",
            "email_verified": true, "name": "Ann Example",
        }));
        claims.extend(self.ways.claims.clone());
        claims.retain(|_, value| !value.is_null());
        let part =
            |value: Map<String, Value>| URL_SAFE_NO_PAD.encode(Value::from(value).to_string());
        let message = format!("{}.{}", part(head), part(claims));
        let signed = if tampered {
            "another message"
        } else {
            &message
        };
        let signature = self.keys.sign(algorithm, signed.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

impl Algorithm {
    fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Hs256 => "HS256",
            Self::None => "none",
            Self::Rs256 => "RS256",
        }
    }
}

impl Keys {
    fn make(generation: usize) -> Self {
        let random = SystemRandom::new();
        let es = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
        let es = es.expect("a key");
        let ed = Ed25519KeyPair::generate_pkcs8(&random).expect("a key");
        Self {
            ed: Ed25519KeyPair::from_pkcs8(ed.as_ref()).expect("a key"),
            es: EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, es.as_ref())
                .expect("a key"),
            generation,
            rs: RsaKeyPair::generate(KeySize::Rsa2048).expect("a key"),
        }
    }

    /// What signs by an algorithm; attacks name the key whose public half they use.
    fn kid(&self, algorithm: Algorithm) -> String {
        let name = match algorithm {
            Algorithm::EdDsa => "ed",
            Algorithm::Rs256 => "rs",
            Algorithm::Es256 | Algorithm::Hs256 | Algorithm::None => "es",
        };
        format!("{name}-{}", self.generation)
    }

    fn public(&self) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let (x, y) = self.es.public_key().as_ref()[1..].split_at(32);
        // A DER sequence of two numbers: 256 bytes after 9, and three after two more.
        let rsa = self.rs.public_key().as_ref();
        json!({"keys": [
            {"kty": "from the future", "kid": "new"},
            {"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig",
                "kid": self.kid(Algorithm::Es256), "x": text(x), "y": text(y)},
            {"kty": "OKP", "crv": "Ed25519", "kid": self.kid(Algorithm::EdDsa),
                "x": text(self.ed.public_key().as_ref())},
            {"kty": "RSA", "alg": "RS256", "kid": self.kid(Algorithm::Rs256),
                "n": text(&rsa[9..265]), "e": text(&rsa[267..270])},
        ]})
    }

    fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match algorithm {
            Algorithm::EdDsa => self.ed.sign(message).as_ref().to_vec(),
            Algorithm::Es256 => {
                let signature = self.es.sign(&random, message).expect("signed");
                signature.as_ref().to_vec()
            }
            Algorithm::Hs256 => {
                let secret = self.es.public_key().as_ref();
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
                hmac::sign(&key, message).as_ref().to_vec()
            }
            Algorithm::None => Vec::new(),
            Algorithm::Rs256 => {
                let mut signature = vec![0; self.rs.public_modulus_len()];
                let signed = self
                    .rs
                    .sign(&RSA_PKCS1_SHA256, &random, message, &mut signature);
                signed.expect("signed");
                signature
            }
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "what it signs is compared with the time of the process under test"
)]
fn now_s() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.expect("after 1970").as_secs().cast_signed()
}
