//! An object store in this process that speaks as S3 does, one bucket of it.
//!
//! Invariant: whatever is not as S3 wants it is refused and remembered, so that a client that is
//! lenient with itself is found out.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aws_lc_rs::digest::{SHA256, digest};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};
use tokio_util::task::AbortOnDropHandle;

/// How many keys are on a page.
const PAGE: usize = 2;

#[derive(Default)]
struct State {
    faults: Vec<String>,
    objects: BTreeMap<String, Vec<u8>>,
    refusal: Option<(u16, &'static str)>,
}

/// The store.
pub struct Server {
    port: u16,
    state: Arc<Mutex<State>>,
    _serving: AbortOnDropHandle<()>,
}

struct Request {
    body: Vec<u8>,
    headers: BTreeMap<String, String>,
    method: String,
    path: String,
    query: BTreeMap<String, String>,
}

impl Server {
    pub async fn start() -> Self {
        runtime::install_crypto();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        let serving = tokio::spawn(async move {
            let mut serving = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                serving.spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self {
            port,
            state,
            _serving: AbortOnDropHandle::new(serving),
        }
    }

    pub fn config(&self) -> runtime::Files {
        runtime::Files {
            s3: Some(runtime::S3 {
                accept_plaintext: false,
                access_key: "who".to_owned(),
                bucket: "almanac".to_owned(),
                endpoint: format!("http://127.0.0.1:{}", self.port),
                region: "here-1".to_owned(),
                secret_key: "secret".to_owned().into(),
            }),
            ..runtime::Files::default()
        }
    }

    pub fn faults(&self) -> Vec<String> {
        lock(&self.state).faults.clone()
    }

    pub fn refuse(&self, with: Option<(u16, &'static str)>) {
        lock(&self.state).refusal = with;
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(stream: TcpStream, state: Arc<Mutex<State>>) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = Request::read(&mut stream).await {
        let (status, body) = answer(&request, &mut lock(&state));
        let length = body.len();
        let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\n\r\n");
        let sent = [head.into_bytes(), body].concat();
        if stream.write_all(&sent).await.is_err() {
            return;
        }
    }
}

impl Request {
    async fn read(stream: &mut BufReader<TcpStream>) -> Option<Self> {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let mut parts = line.split_whitespace();
        let (method, target) = (parts.next()?.to_owned(), parts.next()?.to_owned());
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await.ok()?;
            let Some((name, value)) = line.trim_end().split_once(": ") else {
                break;
            };
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        let length = headers
            .get("content-length")
            .and_then(|text| text.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        stream.read_exact(&mut body).await.ok()?;
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let query = pairs.map(|(name, value)| (name.to_owned(), value.replace("%2F", "/")));
        Some(Self {
            body,
            headers,
            method,
            path: path.to_owned(),
            query: query.collect(),
        })
    }

    /// What S3 would not take.
    fn fault(&self) -> Option<String> {
        let header = |name: &str| self.headers.get(name).map_or("", String::as_str);
        let found = digest(&SHA256, &self.body);
        let found = found.as_ref().iter().map(|byte| format!("{byte:02x}"));
        let at = header("x-amz-date");
        let scope = format!(
            "who/{}/here-1/s3/aws4_request",
            at.get(..8).unwrap_or_default()
        );
        let begins = format!("AWS4-HMAC-SHA256 Credential={scope},SignedHeaders=");
        if header("x-amz-content-sha256") != found.collect::<String>() {
            Some(format!("{} {}: another digest", self.method, self.path))
        } else if self.headers.contains_key("transfer-encoding") {
            Some(format!("{} {}: of unknown length", self.method, self.path))
        } else if at.len() != 16 || !header("authorization").starts_with(&begins) {
            Some(format!("{} {}: not signed", self.method, self.path))
        } else {
            None
        }
    }
}

fn answer(request: &Request, state: &mut State) -> (u16, Vec<u8>) {
    let told = |code: &str| format!("<Error><Code>{code}</Code></Error>").into_bytes();
    if let Some((status, code)) = state.refusal {
        return (status, told(code));
    }
    if let Some(fault) = request.fault() {
        state.faults.push(fault);
        return (403, told("SignatureDoesNotMatch"));
    }
    let Some(key) = request.path.strip_prefix("/almanac") else {
        return (404, told("NoSuchBucket"));
    };
    let key = key.trim_start_matches('/').to_owned();
    match (request.method.as_str(), key.as_str()) {
        ("GET", "") => (200, list(&request.query, &state.objects).into_bytes()),
        ("GET", key) => match state.objects.get(key) {
            Some(object) => (200, object.clone()),
            None => (404, told("NoSuchKey")),
        },
        ("PUT", _) => {
            state.objects.insert(key, request.body.clone());
            (200, Vec::new())
        }
        ("DELETE", key) => {
            state.objects.remove(key);
            (204, Vec::new())
        }
        _ => (405, told("MethodNotAllowed")),
    }
}

fn list(query: &BTreeMap<String, String>, objects: &BTreeMap<String, Vec<u8>>) -> String {
    let of = |name: &str| query.get(name).map_or("", String::as_str);
    let (prefix, after) = (of("prefix"), of("continuation-token"));
    let wanted = |key: &str| key.starts_with(prefix) && key > after;
    let found: Vec<_> = objects.iter().filter(|(key, _)| wanted(key)).collect();
    let now = runtime::Clock::system().now();
    let entry = |(key, object): &(&String, &Vec<u8>)| {
        let size = object.len();
        format!(
            "<Contents><Key>{key}</Key><LastModified>{now}</LastModified><Size>{size}</Size>\
             </Contents>"
        )
    };
    let page: String = found.iter().take(PAGE).map(entry).collect();
    let goes_on = found.len() > PAGE;
    let next = match found.get(PAGE - 1) {
        Some((key, _)) if goes_on => {
            format!("<NextContinuationToken>{key}</NextContinuationToken>")
        }
        _ => String::new(),
    };
    format!(
        "<?xml version=\"1.0\"?><ListBucketResult xmlns=\"s3\"><IsTruncated>{goes_on}\
         </IsTruncated>{page}{next}</ListBucketResult>"
    )
}
