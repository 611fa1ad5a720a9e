//! How long a request may take until its answer begins.
//!
//! Invariant: nobody waits for ever, whatever the request waits for; what has begun to be stored
//! then goes on, and the answer says that its outcome is unknown. An answer without end is none of
//! this, once it has begun.

use std::time::Duration;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use schemas::api::Code;

use crate::{app::App, problem::Error};

/// Gives up what takes too long.
pub(crate) async fn limit(State(app): State<App>, request: Request, next: Next) -> Response {
    let within_ms = app.config.answer_within_ms.get();
    let within = Duration::from_millis(within_ms.into());
    let reads = request.method().is_safe();
    let answered = tokio::time::timeout(within, next.run(request)).await;
    answered.unwrap_or_else(|_| given_up(within_ms, reads).into_response())
}

fn given_up(within_ms: u32, reads: bool) -> Error {
    let detail = if reads {
        format!("This took longer than {within_ms} ms; try again in a moment.")
    } else {
        format!(
            "This took longer than {within_ms} ms. The outcome is unknown: the change may or may \
             not be stored. Send the same request with the same Idempotency-Key to find out."
        )
    };
    Error::new(Code::Unavailable, detail).with_retry()
}
