//! Requests and answers: bearer, refresh, consistency, problems. The one file that knows HTTP.
//!
//! Invariant: a client acts for one sign-in and for no other; once closed, nothing that it was
//! asked for has an effect any more. The access token lives in it and nowhere else. A read always
//! carries the token of the latest write, so whoever writes sees their own change. Of many calls
//! that meet an expired access token, one refreshes and the others wait for it.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use futures::{
    FutureExt,
    future::{LocalBoxFuture, Shared},
};
use gloo_net::http::{Headers, Method, RequestBuilder};
use gloo_timers::future::TimeoutFuture;
use schemas::api::{Code, Problem, Refresh, Session};
use serde::de::DeserializeOwned;
use wasm_bindgen_futures::spawn_local;
use web_sys::AbortSignal;

use super::{ApiError, call::Call, deadline::Deadline};

const BASE: &str = "/api/v1";
/// How often a read waits for read models that lag.
const LAG_RETRIES: u32 = 2;
const RETRY_AFTER_MAX_S: u32 = 5;

type Refreshing = Shared<LocalBoxFuture<'static, Result<Rc<Session>, ApiError>>>;
/// Hears of each new session before it is used, and may close the client instead.
type Renewed = Box<dyn Fn(&Client, &Session)>;

/// A connection to the API for one sign-in, or for nobody yet; clones share it.
#[derive(Clone, Default)]
pub struct Client {
    inner: Rc<Inner>,
    /// Makes a repeated write recognisable.
    key: Option<Rc<str>>,
}

#[derive(Default)]
struct Inner {
    access: RefCell<Option<String>>,
    closed: Cell<bool>,
    refreshing: RefCell<Option<Refreshing>>,
    renewed: Option<Renewed>,
    written: RefCell<Option<String>>,
}

/// An answer, read to its end.
struct Answer {
    status: u16,
    headers: Headers,
    text: String,
}

impl PartialEq for Client {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.inner, &other.inner)
    }
}

impl Client {
    /// Acts for the sign-in that was `granted`; `renewed` hears of each later session.
    pub fn signed_in(granted: &Session, renewed: impl Fn(&Self, &Session) + 'static) -> Self {
        let inner = Inner {
            access: RefCell::new(Some(granted.access_token.clone())),
            renewed: Some(Box::new(renewed)),
            ..Inner::default()
        };
        Self {
            inner: Rc::new(inner),
            key: None,
        }
    }

    /// The same, with a `key` for what it writes: the same write twice is made once.
    pub fn keyed(&self, key: &str) -> Self {
        Self {
            inner: self.inner.clone(),
            key: Some(key.into()),
        }
    }

    /// Ends it: from now on every call, those under way included, ends as signed out.
    pub fn close(&self) {
        self.inner.closed.set(true);
        self.inner.access.take();
    }

    /// Whether it is over.
    pub fn is_closed(&self) -> bool {
        self.inner.closed.get()
    }

    /// Waits for a refresh that is under way, which may still set a cookie.
    pub async fn settled(&self) {
        let underway = self.inner.refreshing.borrow().clone();
        if let Some(refreshing) = underway {
            // Only that it ended counts.
            let _ = refreshing.await;
        }
    }

    /// A new access token by the cookie of an earlier sign-in.
    pub async fn restore(&self) -> Result<Rc<Session>, ApiError> {
        let underway = self.inner.refreshing.borrow().clone();
        let refreshing = underway.unwrap_or_else(|| {
            let client = self.clone();
            let refreshing = async move { client.refresh().await }.boxed_local().shared();
            *self.inner.refreshing.borrow_mut() = Some(refreshing.clone());
            // Whoever asked may leave; the cookie is exchanged all the same.
            spawn_local(refreshing.clone().map(drop));
            refreshing
        });
        refreshing.await
    }

    /// Opens the live stream, after the commit at `after` if given.
    pub async fn stream(
        &self,
        after: Option<u64>,
        signal: &AbortSignal,
    ) -> Result<web_sys::ReadableStream, ApiError> {
        let open = || {
            let mut request = self
                .request(&Method::GET, "/stream", true)
                .header("Accept", "text/event-stream")
                .abort_signal(Some(signal));
            if let Some(after) = after {
                request = request.header("Last-Event-ID", &after.to_string());
            }
            request.build().map_err(|error| unsendable(&error))
        };
        self.still_open()?;
        let used = self.inner.access.borrow().clone();
        let mut response = open()?.send().await.map_err(|_| ApiError::Offline)?;
        if response.status() == 401 {
            self.renew(used).await?;
            response = open()?.send().await.map_err(|_| ApiError::Offline)?;
        }
        self.still_open()?;
        if !response.ok() {
            let text = response.text().await.map_err(|_| ApiError::Offline)?;
            return Err(refusal(response.status(), &text));
        }
        response
            .body()
            .ok_or_else(|| ApiError::Unreadable("the stream has no body".to_owned()))
    }

    /// Sends `call` and reads the JSON of its answer.
    pub(super) async fn send<T: DeserializeOwned>(&self, call: Call) -> Result<T, ApiError> {
        let answer = self.answer(&call).await?;
        serde_json::from_str(&answer.text).map_err(|error| ApiError::Unreadable(error.to_string()))
    }

    /// Sends `call` whose answer has no body.
    pub(super) async fn send_only(&self, call: Call) -> Result<(), ApiError> {
        self.answer(&call).await.map(drop)
    }

    async fn answer(&self, call: &Call) -> Result<Answer, ApiError> {
        let mut lagging = 0;
        let mut renewed = false;
        loop {
            let used = self.inner.access.borrow().clone();
            let answer = self.once(call).await?;
            if (200..300).contains(&answer.status) {
                self.remember(call, &answer);
                return Ok(answer);
            }
            let error = refusal(answer.status, &answer.text);
            match error.code() {
                Some(Code::AuthenticationRequired) if call.signed && !renewed => {
                    renewed = true;
                    self.renew(used).await?;
                }
                Some(Code::ProjectionLagging) if lagging < LAG_RETRIES => {
                    lagging += 1;
                    TimeoutFuture::new(retry_after_s(&answer) * 1_000).await;
                }
                _ => return Err(error),
            }
        }
    }

    /// A new access token in place of the one that was `used`, unless another call got it
    /// meanwhile.
    async fn renew(&self, used: Option<String>) -> Result<(), ApiError> {
        self.still_open()?;
        if *self.inner.access.borrow() != used {
            return Ok(());
        }
        self.restore().await.map(drop)
    }

    async fn once(&self, call: &Call) -> Result<Answer, ApiError> {
        self.still_open()?;
        let deadline = Deadline::start()?;
        let mut request = self
            .request(&call.method, &call.path, call.signed)
            .header("Accept", "application/json, application/problem+json")
            .abort_signal(Some(&deadline.signal()));
        if let Some(key) = self.key.as_ref().filter(|_| call.method != Method::GET) {
            request = request.header("Idempotency-Key", key);
        }
        let request = match &call.body {
            Some(body) => request
                .header("Content-Type", "application/json")
                .body(body.as_str()),
            None => request.build(),
        };
        let request = request.map_err(|error| unsendable(&error))?;
        let read = async {
            let response = request.send().await?;
            let text = response.text().await?;
            Ok::<_, gloo_net::Error>(Answer {
                status: response.status(),
                headers: response.headers(),
                text,
            })
        };
        let answer = read.await.map_err(|_| deadline.failure());
        self.still_open()?;
        answer
    }

    fn request(&self, method: &Method, path: &str, signed: bool) -> RequestBuilder {
        let url = format!("{BASE}{path}");
        let mut request = RequestBuilder::new(&url).method(method.clone());
        if let Some(access) = self.inner.access.borrow().as_ref().filter(|_| signed) {
            request = request.header("Authorization", &format!("Bearer {access}"));
        }
        let written = self.inner.written.borrow();
        if let Some(token) = written.as_ref().filter(|_| *method == Method::GET) {
            request = request.header("Consistency-Token", token);
        }
        request
    }

    fn remember(&self, call: &Call, answer: &Answer) {
        let token = answer.headers.get("Consistency-Token");
        if call.method != Method::GET && token.is_some() {
            *self.inner.written.borrow_mut() = token;
        }
    }

    async fn refresh(&self) -> Result<Rc<Session>, ApiError> {
        let result = self.refreshed().await;
        self.inner.refreshing.borrow_mut().take();
        let session = result?;
        // The cookie may have become another user's: then this client is closed, not passed on.
        if let Some(renewed) = &self.inner.renewed {
            renewed(self, &session);
        }
        self.still_open()?;
        *self.inner.access.borrow_mut() = Some(session.access_token.clone());
        Ok(Rc::new(session))
    }

    async fn refreshed(&self) -> Result<Session, ApiError> {
        let call = Call::post("/auth/refresh", &Refresh::default())?.unsigned();
        let answer = self.once(&call).await?;
        if answer.status != 200 {
            return Err(refusal(answer.status, &answer.text));
        }
        serde_json::from_str(&answer.text).map_err(|error| ApiError::Unreadable(error.to_string()))
    }

    fn still_open(&self) -> Result<(), ApiError> {
        if self.is_closed() {
            Err(ApiError::SignedOut)
        } else {
            Ok(())
        }
    }
}

/// What an answer that is no success says. Proxies answer without a problem document.
fn refusal(status: u16, text: &str) -> ApiError {
    match serde_json::from_str::<Problem>(text) {
        Ok(problem) => ApiError::Refused(Box::new(problem)),
        Err(_) if status >= 502 => ApiError::Offline,
        Err(_) => ApiError::Unreadable(format!("status {status}")),
    }
}

fn retry_after_s(answer: &Answer) -> u32 {
    let header = answer.headers.get("Retry-After");
    let seconds = header.and_then(|text| text.parse().ok()).unwrap_or(1);
    u32::clamp(seconds, 1, RETRY_AFTER_MAX_S)
}

fn unsendable(error: &gloo_net::Error) -> ApiError {
    ApiError::Unreadable(error.to_string())
}
