//! Requests and answers: bearer, refresh, consistency, problems. The one file that knows HTTP.
//!
//! Invariant: the access token lives in this value and nowhere else. A read always carries the
//! token of the latest write, so whoever writes sees their own change. Of many calls that meet an
//! expired access token, one refreshes and the others wait for it.

use std::{cell::RefCell, rc::Rc};

use futures::{
    FutureExt,
    future::{LocalBoxFuture, Shared},
};
use gloo_net::http::{Method, RequestBuilder, Response};
use gloo_timers::future::TimeoutFuture;
use schemas::api::{Code, Problem, Refresh, Session};
use serde::{Serialize, de::DeserializeOwned};
use web_sys::AbortSignal;

use super::ApiError;

const BASE: &str = "/api/v1";
/// How often a read waits for read models that lag.
const LAG_RETRIES: u32 = 2;
const RETRY_AFTER_MAX_S: u32 = 5;

type Refreshing = Shared<LocalBoxFuture<'static, Result<Rc<Session>, ApiError>>>;

/// A connection to the API, signed in or not; clones share it.
#[derive(Clone, Default)]
pub struct Client(Rc<Inner>);

#[derive(Default)]
struct Inner {
    access: RefCell<Option<String>>,
    refreshing: RefCell<Option<Refreshing>>,
    written: RefCell<Option<String>>,
}

/// One request, kept so that it can be sent again.
pub(super) struct Call {
    method: Method,
    path: String,
    body: Option<String>,
    key: Option<String>,
    signed: bool,
}

impl PartialEq for Client {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Call {
    /// A read.
    pub(super) fn get(path: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            body: None,
            key: None,
            signed: true,
        }
    }

    /// A write with a body.
    pub(super) fn post(path: impl Into<String>, body: &impl Serialize) -> Result<Self, ApiError> {
        let body =
            serde_json::to_string(body).map_err(|error| ApiError::Unreadable(error.to_string()))?;
        Ok(Self {
            method: Method::POST,
            body: Some(body),
            ..Self::get(path)
        })
    }

    /// The same with PUT.
    pub(super) fn put(self) -> Self {
        Self {
            method: Method::PUT,
            ..self
        }
    }

    /// The same with a key that makes repeating it harmless.
    pub(super) fn keyed(self, key: Option<String>) -> Self {
        Self { key, ..self }
    }

    /// The same for someone who is not signed in yet.
    pub(super) fn unsigned(self) -> Self {
        Self {
            signed: false,
            ..self
        }
    }
}

impl Client {
    /// Uses a new sign-in from now on.
    pub fn adopt(&self, session: &Session) {
        *self.0.access.borrow_mut() = Some(session.access_token.clone());
    }

    /// Forgets the sign-in.
    pub fn forget(&self) {
        *self.0.access.borrow_mut() = None;
        *self.0.written.borrow_mut() = None;
    }

    /// A new access token by the cookie of an earlier sign-in.
    pub async fn restore(&self) -> Result<Rc<Session>, ApiError> {
        let underway = self.0.refreshing.borrow().clone();
        let refreshing = underway.unwrap_or_else(|| {
            let client = self.clone();
            let refreshing = async move { client.refresh().await }.boxed_local().shared();
            *self.0.refreshing.borrow_mut() = Some(refreshing.clone());
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
        let used = self.0.access.borrow().clone();
        let mut response = open()?.send().await.map_err(|_| ApiError::Offline)?;
        if response.status() == 401 {
            self.renew(used).await?;
            response = open()?.send().await.map_err(|_| ApiError::Offline)?;
        }
        if !response.ok() {
            return Err(refusal(&response).await);
        }
        response
            .body()
            .ok_or_else(|| ApiError::Unreadable("the stream has no body".to_owned()))
    }

    /// Sends `call` and reads the JSON of its answer.
    pub(super) async fn send<T: DeserializeOwned>(&self, call: Call) -> Result<T, ApiError> {
        let response = self.answer(&call).await?;
        let text = response.text().await.map_err(|_| ApiError::Offline)?;
        serde_json::from_str(&text).map_err(|error| ApiError::Unreadable(error.to_string()))
    }

    /// Sends `call` whose answer has no body.
    pub(super) async fn send_only(&self, call: Call) -> Result<(), ApiError> {
        self.answer(&call).await.map(drop)
    }

    async fn answer(&self, call: &Call) -> Result<Response, ApiError> {
        let mut lagging = 0;
        let mut renewed = false;
        loop {
            let used = self.0.access.borrow().clone();
            let response = self.once(call).await?;
            if response.ok() {
                self.remember(call, &response);
                return Ok(response);
            }
            let retry_after_s = retry_after_s(&response);
            let error = refusal(&response).await;
            match error.code() {
                Some(Code::AuthenticationRequired) if call.signed && !renewed => {
                    renewed = true;
                    self.renew(used).await?;
                }
                Some(Code::ProjectionLagging) if lagging < LAG_RETRIES => {
                    lagging += 1;
                    TimeoutFuture::new(retry_after_s * 1_000).await;
                }
                _ => return Err(error),
            }
        }
    }

    /// A new access token in place of the one that was `used`, unless another call got it
    /// meanwhile.
    async fn renew(&self, used: Option<String>) -> Result<(), ApiError> {
        if *self.0.access.borrow() != used {
            return Ok(());
        }
        self.restore().await.map(drop)
    }

    async fn once(&self, call: &Call) -> Result<Response, ApiError> {
        let mut request = self
            .request(&call.method, &call.path, call.signed)
            .header("Accept", "application/json, application/problem+json");
        if let Some(key) = &call.key {
            request = request.header("Idempotency-Key", key);
        }
        let request = match &call.body {
            Some(body) => request
                .header("Content-Type", "application/json")
                .body(body.as_str()),
            None => request.build(),
        };
        request
            .map_err(|error| unsendable(&error))?
            .send()
            .await
            .map_err(|_| ApiError::Offline)
    }

    fn request(&self, method: &Method, path: &str, signed: bool) -> RequestBuilder {
        let url = format!("{BASE}{path}");
        let mut request = RequestBuilder::new(&url).method(method.clone());
        if let Some(access) = self.0.access.borrow().as_ref().filter(|_| signed) {
            request = request.header("Authorization", &format!("Bearer {access}"));
        }
        if let Some(token) = self
            .0
            .written
            .borrow()
            .as_ref()
            .filter(|_| *method == Method::GET)
        {
            request = request.header("Consistency-Token", token);
        }
        request
    }

    fn remember(&self, call: &Call, response: &Response) {
        let token = response.headers().get("Consistency-Token");
        if call.method != Method::GET && token.is_some() {
            *self.0.written.borrow_mut() = token;
        }
    }

    async fn refresh(&self) -> Result<Rc<Session>, ApiError> {
        let call = Call::post("/auth/refresh", &Refresh::default())?.unsigned();
        let result = match self.once(&call).await {
            Ok(response) if response.ok() => {
                let text = response.text().await.map_err(|_| ApiError::Offline);
                text.and_then(|text| {
                    serde_json::from_str::<Session>(&text)
                        .map_err(|error| ApiError::Unreadable(error.to_string()))
                })
            }
            Ok(response) => Err(refusal(&response).await),
            Err(error) => Err(error),
        };
        *self.0.refreshing.borrow_mut() = None;
        let session = result?;
        self.adopt(&session);
        Ok(Rc::new(session))
    }
}

/// What a response that is no success says. Proxies answer without a problem document.
async fn refusal(response: &Response) -> ApiError {
    let Ok(text) = response.text().await else {
        return ApiError::Offline;
    };
    match serde_json::from_str::<Problem>(&text) {
        Ok(problem) => ApiError::Refused(Box::new(problem)),
        Err(_) if response.status() >= 502 => ApiError::Offline,
        Err(_) => ApiError::Unreadable(format!("status {}", response.status())),
    }
}

fn retry_after_s(response: &Response) -> u32 {
    let header = response.headers().get("Retry-After");
    let seconds = header.and_then(|text| text.parse().ok()).unwrap_or(1);
    u32::clamp(seconds, 1, RETRY_AFTER_MAX_S)
}

fn unsendable(error: &gloo_net::Error) -> ApiError {
    ApiError::Unreadable(error.to_string())
}
