//! A list over server-sent events.
//!
//! Invariant: a message bears an id only where the client's rows are the list as of a position; so
//! a stream that breaks anywhere is resumed where they were.

use axum::response::{Response, sse::Event};
use commands::Principal;
use futures::{FutureExt as _, StreamExt as _, stream};
use schemas::api::{LiveEnd, LiveReset};
use serde::Serialize;

use super::stream::{RECONNECT, sent};
use crate::{
    app::App,
    live::{End, Subscriber, Told, Wanted},
};

/// The answer that tells of the list until the caller may no longer know of it.
pub(super) fn follow(
    app: &App,
    principal: Principal,
    wanted: Wanted,
    resume: Option<String>,
) -> Response {
    let ended = End::of(app.clone(), principal).boxed().shared();
    let subscriber = Subscriber::new(app, wanted, resume);
    let told = stream::unfold(subscriber, |mut subscriber| async {
        let told = subscriber.next().await;
        Some((event(&told), subscriber))
    });
    let last = ended.clone().map(|end| {
        let reason = end.name().to_owned();
        named("end", &LiveEnd { reason })
    });
    let told = told.boxed().take_until(ended);
    sent(told.chain(stream::once(last)))
}

fn event(told: &Told) -> Event {
    match told {
        Told::Snapshot { json } => Event::default().event("snapshot").data(json),
        Told::Complete { id, data } => named("complete", data).retry(RECONNECT).id(&**id),
        Told::Delta { id, json } => Event::default().event("delta").id(&**id).data(json),
        Told::Reset { reason } => named("reset", &LiveReset { reason: *reason }),
    }
}

fn named(name: &str, data: &impl Serialize) -> Event {
    let data = serde_json::to_string(data).unwrap_or_default();
    Event::default().event(name).data(data)
}
