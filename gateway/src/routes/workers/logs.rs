//! `POST /workers/attempts/{token}/logs`
//!
//! Invariant: only who still has the attempt is heard; times are the gateway's.

use axum::{extract::State, http::StatusCode};
use domain::task::TaskRejection;
use schemas::{
    TaskLogEntry,
    api::{SayOfAttempt, TaskProgress},
};

use crate::{
    app::App,
    extract::{Body, Caller, Fields, Nothing, Parameters, Segment},
    problem::{Explain as _, Result},
};

const LINES_MAX: usize = 500;
const LINE_MAX: usize = 8_000;

/// Say what an attempt does, and how far it is.
#[utoipa::path(
    post, path = "/api/v1/workers/attempts/{token}/logs", tag = "workers",
    params(("token" = String, Path, description = "As it was given with the attempt")),
    request_body = SayOfAttempt,
    responses((status = 204, description = "It is kept")),
)]
pub(super) async fn say_of_attempt(
    State(app): State<App>,
    caller: Caller,
    Parameters(Nothing): Parameters<Nothing>,
    Segment(token): Segment,
    body: Body<SayOfAttempt>,
) -> Result<StatusCode> {
    let lease = super::lease_of(&app, &caller, &token)?;
    let said = check(body.value)?;
    let at = app.commands.clock().now();
    let lines = said.lines.into_iter().map(|line| TaskLogEntry {
        at,
        level: line.level,
        text: line.text,
    });
    let progress = said.progress.map(|progress| TaskProgress {
        at,
        attempt: lease.attempt,
        done: progress.done,
        total: progress.total,
        note: progress.note,
    });
    if app.external.say(&lease, lines.collect(), progress).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(TaskRejection::NotYourAttempt(lease.attempt).explain())
    }
}

fn check(said: SayOfAttempt) -> Result<SayOfAttempt> {
    let mut fields = Fields::default();
    let few = (said.lines.len() <= LINES_MAX).then_some(());
    fields.take("/lines", few.ok_or("has at most 500 lines"));
    for (index, line) in said.lines.iter().enumerate() {
        fields.text(&format!("/lines/{index}/text"), Some(&line.text), LINE_MAX);
    }
    let note = said.progress.as_ref().and_then(|it| it.note.as_deref());
    fields.text("/progress/note", note, 500);
    fields.finish(Some(said))
}
