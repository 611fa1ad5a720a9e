//! Watches each request of the API to its end.
//!
//! Invariant: a request that is worth a record has one, also if its client leaves before the answer
//! or its handler breaks.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderValue, Method, Uri, header},
    middleware::Next,
    response::Response,
};
use commands::{DEFAULT_TENANT, Observed};
use domain::Timestamp;
use schemas::{
    Origin,
    api::{AuditCredential, AuditEntry, Code},
};
use uuid::Uuid;

use super::{NOTE, Note, RequestId, scope};
use crate::{
    app::App,
    problem::{self, Refusal},
};

/// What is kept of the name by which a client calls itself, in characters.
const CLIENT_MAX: usize = 200;

/// A request under way.
struct Watch {
    app: App,
    at: Timestamp,
    began: Instant,
    id: Uuid,
    is_done: bool,
    method: Method,
    note: Arc<Mutex<Note>>,
    route: MatchedPath,
    uri: Uri,
    user_agent: Option<HeaderValue>,
}

/// Records what becomes of a request, if it is worth that.
pub(crate) async fn observe(State(app): State<App>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.filter(|route| route.as_str().starts_with("/api/"));
    let Some(route) = route else {
        return next.run(request).await;
    };
    let note = Arc::<Mutex<Note>>::default();
    let id = request.extensions().get::<RequestId>();
    let mut watch = Watch {
        at: app.commands.clock().now(),
        began: Instant::now(),
        id: id.map_or_else(|| app.commands.ids().next(), |RequestId(id)| *id),
        is_done: false,
        method: request.method().clone(),
        note: note.clone(),
        route,
        uri: request.uri().clone(),
        user_agent: request.headers().get(header::USER_AGENT).cloned(),
        app,
    };
    let response = NOTE.scope(note, next.run(request)).await;
    let refusal = response.extensions().get::<Refusal>();
    let status = response.status();
    let code = refusal.map(|refusal| refusal.code).or_else(|| {
        let is_problem = status.is_client_error() || status.is_server_error();
        is_problem.then(|| problem::of_status(status))
    });
    watch.end(status.as_u16(), code.map(Code::name));
    response
}

impl Watch {
    fn end(&mut self, status: u16, code: Option<String>) {
        self.is_done = true;
        let note = std::mem::take(&mut *self.note.lock().unwrap_or_else(PoisonError::into_inner));
        let is_known = note.who.is_some();
        let route = self.route.as_str();
        if note.signed_in || scope::is_recorded(&self.method, route, status, is_known) {
            self.app.audit.record(self.observed(note, status, code));
        }
    }

    fn observed(&self, note: Note, status: u16, code: Option<String>) -> Observed {
        let route = self.route.as_str();
        let (kind, made) = match note.target {
            Some((kind, id)) => (kind, Some(id)),
            None => (None, None),
        };
        let named = scope::id(route, self.uri.path()).map(str::to_owned);
        let who = note.who.as_ref();
        let credential = who.map(|who| who.credential.unwrap_or_else(|| scope::credential(route)));
        let address = note.address.and_then(crate::extract::Address::known);
        let entry = AuditEntry {
            id: self.id,
            at: self.at,
            until: None,
            count: 1,
            actor: who.map_or_else(|| "anonymous".to_owned(), |who| who.actor.to_string()),
            on_behalf_of: who.and_then(|who| Some(who.on_behalf_of.as_ref()?.to_string())),
            credential: credential.unwrap_or(AuditCredential::None),
            session_id: who.and_then(|who| who.session),
            method: self.method.to_string(),
            route: route.to_owned(),
            target_kind: kind.or_else(|| scope::kind(route)).map(str::to_owned),
            target_id: named.or_else(|| made.map(|id| id.to_string())),
            result: scope::result(status),
            status,
            code,
            command_id: note.command,
            position: note.position.map(|position| position.0),
            replayed: note.replayed,
            duration_ms: u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX),
            trace_id: trace_id(),
        };
        Observed {
            entry,
            group: note.address.map(crate::extract::Address::group),
            origin: address.map(|address| Origin {
                address: address.to_string(),
                user_agent: self.client(),
            }),
            // Nobody's request belongs to whom it addressed; the main one is whom all others do.
            tenant: (note.who.map(|who| who.tenant))
                .or(note.addressed)
                .unwrap_or(DEFAULT_TENANT),
        }
    }

    fn client(&self) -> Option<String> {
        let text = String::from_utf8_lossy(self.user_agent.as_ref()?.as_bytes());
        Some(text.chars().take(CLIENT_MAX).collect())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        if std::thread::panicking() {
            self.end(500, Some("INTERNAL".to_owned()));
        } else {
            self.end(scope::LEFT, None);
        }
    }
}

/// The trace that the request is part of, if it is being traced.
fn trace_id() -> Option<String> {
    let parent = runtime::traceparent()?;
    parent.split('-').nth(1).map(str::to_owned)
}
