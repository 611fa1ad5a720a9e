//! Files in a bucket of an object store that speaks as S3 does, path-style.
//!
//! Invariant: every request is signed with what it sends, so neither its body nor its question can
//! be changed on the way; what a store says wrongly or not in time is a failure, never an empty
//! answer.

mod listing;
mod sign;

use std::{path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::{Body, Client, Method, Response, StatusCode};
use runtime::Clock;
use tokio::io::AsyncReadExt as _;

use crate::{FilesError, Found, Key, Reading, digest, unavailable};
use listing::Page;
use sign::Signer;

/// How long to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the store may say nothing.
const SILENCE: Duration = Duration::from_secs(30);
/// How much of a listing or of what a store says of an error is read.
const ANSWER_MAX: usize = 4 * 1024 * 1024;
/// How much is sent at a time.
const PART: usize = 64 * 1024;

/// A bucket.
#[derive(Clone, Debug)]
pub(crate) struct Bucket(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    bucket: String,
    client: Client,
    clock: Clock,
    endpoint: String,
    signer: Signer,
}

/// What is asked of the store.
#[derive(Default)]
struct Ask<'a> {
    body: Option<(Body, u64)>,
    key: &'a str,
    query: Vec<(&'static str, String)>,
    sha256: Option<&'a str>,
}

impl Bucket {
    pub(crate) fn open(config: &runtime::S3, clock: Clock) -> Result<Self, FilesError> {
        let client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .no_proxy()
            .read_timeout(SILENCE)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("almanac/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(unavailable)?;
        Ok(Self(Arc::new(Inner {
            bucket: config.bucket.clone(),
            client,
            clock,
            endpoint: config.endpoint.trim_end_matches('/').to_owned(),
            signer: Signer::new(config),
        })))
    }

    /// Sends the file at `from`.
    pub(crate) async fn put(
        &self,
        from: &Path,
        key: &Key,
        bytes: u64,
        sha256: &str,
    ) -> Result<(), FilesError> {
        let file = tokio::fs::File::open(from).await.map_err(unavailable)?;
        let parts = stream::try_unfold(file, |mut file| async move {
            let mut part = vec![0; PART];
            let read = file.read(&mut part).await?;
            part.truncate(read);
            Ok::<_, std::io::Error>((read > 0).then(|| (Bytes::from(part), file)))
        });
        let ask = Ask {
            body: Some((Body::wrap_stream(parts), bytes)),
            key: key.as_str(),
            sha256: Some(sha256),
            ..Ask::default()
        };
        let answer = self.ask(Method::PUT, ask).await?;
        succeeded(answer, key.as_str()).await.map(drop)
    }

    pub(crate) async fn read(&self, key: &Key) -> Result<Reading, FilesError> {
        let ask = Ask {
            key: key.as_str(),
            ..Ask::default()
        };
        let answer = self.ask(Method::GET, ask).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Err(FilesError::Missing(key.clone()));
        }
        let answer = succeeded(answer, key.as_str()).await?;
        let bytes = answer.content_length();
        let bytes = bytes.ok_or_else(|| unavailable("the store does not say how much comes"))?;
        let parts = answer
            .bytes_stream()
            .map_err(|reason| told(&reason))
            .boxed();
        Ok(Reading { bytes, parts })
    }

    pub(crate) async fn remove(&self, key: &Key) -> Result<(), FilesError> {
        let ask = Ask {
            key: key.as_str(),
            ..Ask::default()
        };
        let answer = self.ask(Method::DELETE, ask).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(());
        }
        succeeded(answer, key.as_str()).await.map(drop)
    }

    pub(crate) async fn list(&self, under: &str) -> Result<Vec<Found>, FilesError> {
        let mut found = Vec::new();
        let mut next = None;
        loop {
            let mut query = vec![("list-type", "2".to_owned())];
            if !under.is_empty() {
                query.push(("prefix", format!("{under}/")));
            }
            query.extend(next.take().map(|next| ("continuation-token", next)));
            let ask = Ask {
                query,
                ..Ask::default()
            };
            let answer = self.ask(Method::GET, ask).await?;
            let answer = succeeded(answer, "a listing").await?;
            let text = text(answer).await?;
            let page = Page::read(&text).map_err(|reason| unavailable(&reason))?;
            found.extend(page.found);
            next = page.next;
            if next.is_none() {
                return Ok(found);
            }
        }
    }

    async fn ask(&self, method: Method, ask: Ask<'_>) -> Result<Response, FilesError> {
        let inner = &self.0;
        let path = match ask.key {
            "" => format!("/{}", inner.bucket),
            key => format!("/{}/{key}", inner.bucket),
        };
        let query = sign::query(ask.query);
        let nothing = digest::of(b"");
        let request = sign::Request {
            method: method.as_str(),
            path: &path,
            query: &query,
            sha256: ask.sha256.unwrap_or(&nothing),
        };
        let url = match query.as_str() {
            "" => format!("{}{path}", inner.endpoint),
            query => format!("{}{path}?{query}", inner.endpoint),
        };
        let signed = inner.signer.headers(&request, inner.clock.now());
        let mut asked = inner.client.request(method, url);
        for (name, value) in signed {
            asked = asked.header(name, value);
        }
        if let Some((body, bytes)) = ask.body {
            asked = asked.header("content-length", bytes).body(body);
        }
        asked.send().await.map_err(|reason| told(&reason))
    }
}

/// An answer that is no success is a word of the store about why.
async fn succeeded(answer: Response, about: &str) -> Result<Response, FilesError> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let said = text(answer).await.unwrap_or_default();
    let code = listing::element(&said, "Code").unwrap_or("no reason given");
    let words = format!("{about}: {status}, {code}");
    let passes = status.is_server_error()
        || status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT;
    Err(if passes {
        FilesError::Unavailable(words)
    } else {
        FilesError::Refused(words)
    })
}

async fn text(mut answer: Response) -> Result<String, FilesError> {
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(|reason| told(&reason))? {
        if body.len() + part.len() > ANSWER_MAX {
            return Err(unavailable("the store says more than it may"));
        }
        body.extend_from_slice(&part);
    }
    String::from_utf8(body).map_err(unavailable)
}

/// The innermost cause says most.
fn told(reason: &reqwest::Error) -> FilesError {
    let first: &dyn std::error::Error = reason;
    let causes = std::iter::successors(Some(first), |cause| cause.source());
    unavailable(causes.last().map_or_else(String::new, ToString::to_string))
}
