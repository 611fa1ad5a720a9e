//! `GET /tasks/{id}/logs`
//!
//! Invariant: what another tenant has does not exist. A page and the tail show the same lines with
//! the same ids, so that either goes on where the other ended.

mod tail;

use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::Response,
};
use commands::{LineFilter, LineId};
use domain::{LogLevel, TaskId};
use projections::{Listed, tasks};
use schemas::api::{Page, TaskLogLine};

use crate::{
    answer,
    app::App,
    document::PageParameters,
    extract::{Cursors, FromParameters, Id, Paging, Parameters, Query, Reading, word},
    problem::{Error, Result},
};

/// The longest text to look for, in characters.
const TEXT_MAX: usize = 200;
const EVENT_STREAM: &str = "text/event-stream";

pub(in crate::routes) struct ReadLogs {
    after: Option<LineId>,
    filter: LineFilter,
    follow: Option<bool>,
    paging: Paging<()>,
}

impl FromParameters for ReadLogs {
    fn take(query: &mut Query) -> Result<Self> {
        let bool = |text: &str| text.parse().map_err(|_| "is true or false".to_owned());
        let follow = query.parsed("follow", bool)?;
        let paging = query.plain_paging()?;
        let number = |text: &str| text.parse().map_err(|_| "is a number".to_owned());
        let text = |text: &str| {
            let fits = (1..=TEXT_MAX).contains(&text.chars().count());
            let refused = || format!("has 1 to {TEXT_MAX} characters");
            fits.then(|| text.to_owned()).ok_or_else(refused)
        };
        Ok(Self {
            after: query.parsed("after", str::parse)?,
            filter: LineFilter {
                attempt: query.parsed("attempt", number)?,
                level: query.parsed("level", word(&LogLevel::ALL, LogLevel::name))?,
                text: query.parsed("q", text)?,
            },
            follow,
            paging,
        })
    }
}

/// Read what the attempts of a task said.
///
/// Lines, the oldest first, for as long as they are kept. Where few fit the filter, a page may have
/// fewer than `limit` although `has_more`.
///
/// With `follow=true`, or `Accept: text/event-stream`, they are sent as they come: each `line`
/// (`TaskLogLine`) bears its id, and `Last-Event-ID` or `after` resumes there; `progress`
/// (`TaskProgress`) says how far the task is; `end` (`LiveEnd`) says why no more comes, `finished`
/// where the task has ended.
#[utoipa::path(
    get, path = "/api/v1/tasks/{id}/logs", tag = "tasks",
    params(
        ("id" = TaskId, Path),
        PageParameters,
        ("level" = Option<LogLevel>, Query, description = "From this level up"),
        ("q" = Option<String>, Query, description = "A text that the lines have in them"),
        ("attempt" = Option<u32>, Query, description = "The attempt that said them"),
        ("after" = Option<String>, Query, description = "The id of a line to go on after"),
        ("follow" = Option<bool>, Query, description = "Whether to send lines as they come"),
        ("Last-Event-ID" = Option<String>, Header,
            description = "The id of a line to go on after; it goes before `after`"),
    ),
    responses((status = 200, description = "A page", body = Page<TaskLogLine>)),
)]
pub(in crate::routes) async fn read_task_logs(
    State(app): State<App>,
    reading: Reading,
    Parameters(asked): Parameters<ReadLogs>,
    Id(id): Id,
    headers: HeaderMap,
) -> Result<Response> {
    let (tenant, id) = (reading.tenant(), TaskId::new(id));
    let found = tasks::get(&app.store, tenant, id, None).await?;
    reading.holds(&found, found.value.is_some())?;
    if found.value.is_none() {
        return Err(Error::not_found("task"));
    }
    if asked.follow.unwrap_or_else(|| wants_events(&headers)) {
        let after = last_event_id(&headers)?.or(asked.after);
        let principal = reading.caller.0;
        return Ok(tail::follow(app, principal, id, asked.filter, after));
    }
    let cursors = Cursors::new(&app, tenant, &asked.paging.scope);
    let after = asked.paging.after(&cursors)?.or(asked.after);
    let (after, limit) = (after.unwrap_or_default(), asked.paging.limit as usize);
    let logs = &app.task_logs;
    let lines = logs.page(tenant, id, &asked.filter, after, limit).await?;
    let page = found.map(|_| Listed {
        items: lines.items.into_iter().map(|(_, line)| line).collect(),
        next: lines.next,
    });
    answer::listed(&app, &asked.paging, &cursors, page)
}

fn wants_events(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter();
    let mut accepted = accepted.filter_map(|value| value.to_str().ok());
    accepted.any(|value| value.contains(EVENT_STREAM))
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<LineId>> {
    let Some(sent) = headers.get("last-event-id") else {
        return Ok(None);
    };
    match sent.to_str().unwrap_or("no text") {
        // An empty id is how a client says that it has none.
        "" => Ok(None),
        text => text
            .parse()
            .map(Some)
            .map_err(|reason: String| Error::invalid_parameter("Last-Event-ID", reason)),
    }
}
