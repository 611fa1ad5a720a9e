//! `GET /stream`
//!
//! Of everything that happens: `hello` first, then a `commit` for each commit whose rows can be
//! read, and `reset` where the client must load again. Each message bears the position to resume
//! after. Of a list with its filter: its rows, and what changes of them ([`rows`](super::rows)).
//!
//! Invariant: what one client is sent is what its user may read, and its API key if it comes with
//! one; the stream ends with the access token or key that opened it, and when that is revoked or
//! its user's role changes.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::{Stream, StreamExt as _, future, stream};
use projections::LiveItem;
use schemas::{Position, api::LivePosition};

use crate::{
    app::App,
    extract::{Caller, FromParameters, Parameters, Query, Reading},
    live::{End, Wanted},
    permission,
    problem::{Error, Result},
    routes::live::rows,
};

/// How often something is sent when nothing happens, so that a dead connection is noticed.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long a client should wait before it connects again.
pub(super) const RECONNECT: Duration = Duration::from_secs(1);
const LAST_EVENT_ID: &str = "last-event-id";

pub(super) enum Followed {
    /// All that happens, after a position.
    Commits(Option<Position>),
    /// A list.
    Rows {
        after: Option<String>,
        collection: String,
        filter: Vec<(String, String)>,
    },
}

impl FromParameters for Followed {
    fn take(query: &mut Query) -> Result<Self> {
        match query.one("collection")? {
            None => query.parsed("after", position).map(Self::Commits),
            Some(collection) => Ok(Self::Rows {
                after: query.one("after")?,
                collection,
                filter: query.rest(),
            }),
        }
    }
}

/// Follow what happens.
///
/// `hello` (`LivePosition`) comes first; `commit` has a `LiveEvent`; `reset` (`LivePosition`) asks
/// to load again, because the client was away too long or reads too slowly. Resume with
/// `Last-Event-ID` or `after`. An API key hears of those collections only that it may read.
///
/// With `collection` it follows that list instead, narrowed by the list's own parameters but for
/// `sort`, `limit` and `cursor`: `snapshot` (`LiveRows`), as often as it takes, then `complete`
/// (`LiveComplete`): these were all rows as of that position. From there on `delta`
/// (`LiveChanges`). Both say `stale_since` where a commit cannot be applied, as `Consistency:
/// stale` says of the list. `complete` and `delta` bear the id to resume after, at any gateway of
/// the installation; after a `delta` the client's rows are the list as of its position. Where the
/// id is of another log or list, or too old, `reset` (`LiveReset`) comes first and then all rows.
/// At last `end` (`LiveEnd`) says why the stream ends.
#[utoipa::path(
    get, path = "/api/v1/stream", tag = "live",
    params(
        ("collection" = Option<String>, Query,
            description = "`jobs`, `resource-types`, `resources`, `tasks` or `users`"),
        ("after" = Option<String>, Query, description = "The position or id to resume after"),
        ("Last-Event-ID" = Option<String>, Header,
            description = "The same; it goes before `after`"),
        ("Consistency-Token" = Option<String>, Header,
            description = "Of a write that the rows must reflect"),
    ),
    responses((status = 200, description = "The stream", content_type = "text/event-stream",
        body = schemas::api::LiveEvent)),
)]
pub(super) async fn stream_events(
    State(app): State<App>,
    reading: Reading,
    Parameters(followed): Parameters<Followed>,
    headers: HeaderMap,
) -> Result<Response> {
    let caller = reading.caller;
    match followed {
        Followed::Commits(after) => commits(app, caller, after, &headers),
        Followed::Rows {
            after,
            collection,
            filter,
        } => {
            let wanted = Wanted::try_new(&caller.0, &collection, filter)?;
            let sent = headers.get(LAST_EVENT_ID).and_then(|id| id.to_str().ok());
            let resume = sent.filter(|id| !id.is_empty()).map(str::to_owned);
            Ok(rows::follow(&app, caller.0, wanted, resume.or(after)))
        }
    }
}

/// All that happens, as far as the caller may hear of it.
fn commits(
    app: App,
    caller: Caller,
    after: Option<Position>,
    headers: &HeaderMap,
) -> Result<Response> {
    let resume = last_event_id(headers)?.or(after);
    // Named to the client before anything is heard, so that nothing falls between.
    let reached = app.freshness.position();
    let from = resume.unwrap_or(reached);
    let items = app.feed.subscribe(caller.tenant(), Some(from));
    let ended = End::of(app, caller.0.clone());
    let heard = items.filter_map(move |item| future::ready(message(&caller, &item)));
    let greeted = stream::once(future::ready(hello(reached, resume.is_none()))).chain(heard);
    Ok(sent(greeted.take_until(Box::pin(ended))))
}

/// The answer that tells `events` as they come.
pub(in crate::routes) fn sent(events: impl Stream<Item = Event> + Send + 'static) -> Response {
    let body = Sse::new(events.map(Ok::<_, Infallible>));
    let body = body.keep_alive(KeepAlive::new().interval(HEARTBEAT));
    let unbuffered = [
        (header::CACHE_CONTROL, "no-cache, no-transform"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    let unbuffered = unbuffered.map(|(name, value)| (name, HeaderValue::from_static(value)));
    (unbuffered, body).into_response()
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<Position>> {
    let sent = headers.get(LAST_EVENT_ID).map(HeaderValue::to_str);
    // An empty id is how a client says that it has none.
    match sent.transpose().unwrap_or(Some("not text")) {
        None | Some("") => Ok(None),
        Some(text) => position(text)
            .map(Some)
            .map_err(|reason| Error::invalid_parameter("Last-Event-ID", reason)),
    }
}

fn position(text: &str) -> Result<Position, String> {
    let number = text.parse().map(Position);
    number.map_err(|_| "is a position: a number".to_owned())
}

/// The first message. It bears an id only where the stream begins: a stream that resumes must not
/// seem further than what it has sent.
fn hello(reached: Position, begins: bool) -> Event {
    let hello = Event::default()
        .event("hello")
        .retry(RECONNECT)
        .data(position_data(reached));
    if begins {
        hello.id(reached.to_string())
    } else {
        hello
    }
}

fn message(caller: &Caller, item: &LiveItem) -> Option<Event> {
    match item {
        LiveItem::Event(live) => permission::hears(&caller.0, live.kind, live.id).then(|| {
            Event::default()
                .event("commit")
                .id(live.position.to_string())
                .data(&live.json)
        }),
        LiveItem::Reset { position } => Some(
            Event::default()
                .event("reset")
                .id(position.to_string())
                .data(position_data(*position)),
        ),
    }
}

fn position_data(position: Position) -> String {
    let position = LivePosition {
        position: position.0,
    };
    serde_json::to_string(&position).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_position_or_nothing() {
        let of = |text: &'static str| {
            let name = HeaderName::from_static(LAST_EVENT_ID);
            last_event_id(&HeaderMap::from_iter([(
                name,
                HeaderValue::from_static(text),
            )]))
        };
        assert_eq!(of("42").expect("a position"), Some(Position(42)));
        assert_eq!(of("").expect("none"), None);
        assert_eq!(last_event_id(&HeaderMap::new()).expect("none"), None);
        assert!(of("-1").is_err() && of("x").is_err());
    }
}
