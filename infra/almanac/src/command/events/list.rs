//! `almanac events list`
//!
//! Invariant: every event that is wanted is listed once, in the order of the log.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use event_log::{Entry, EventLog, LogError, ReadFrom, Scan};
use futures::{StreamExt as _, stream};

use super::told::{Heard, Told};
use crate::{
    cli::ListEvents,
    events::{
        bounds::{self, Span},
        filter::Filter,
        line,
    },
};

pub(super) async fn run(asked: ListEvents) -> Result<ExitCode> {
    let filter = Filter::from(asked.filters);
    let log = super::open(&asked.place).await?;
    let span = bounds::span(&log, &filter).await?;
    let mut left = asked.limit.unwrap_or(u64::MAX);
    let mut told = Told::begin();
    let mut parts = entries(&log, &filter, span).await?;
    while left > 0
        && let Some(part) = parts.next().await
    {
        let part = part.context("the log could not be read")?;
        let views = part.iter().flat_map(|entry| line::views(entry, &filter));
        let views: Vec<_> = views
            .take(usize::try_from(left).unwrap_or(usize::MAX))
            .collect();
        left -= views.len() as u64;
        if told.tell(&views)? == Heard::No {
            break;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What may be wanted of `span`: of one aggregate if that is known, else all of it.
async fn entries(log: &dyn EventLog, filter: &Filter, span: Span) -> Result<Scan, LogError> {
    if let Some(stream) = filter.stream() {
        match log.load(stream, span.after, ReadFrom::Any).await {
            Ok(commits) => {
                let entries = commits.into_iter().map(Entry::Commit).collect();
                return Ok(Box::pin(stream::iter([Ok(entries)])));
            }
            // Something is in its history that is no commit: the scan passes over it.
            Err(LogError::Unreadable { .. }) => {}
            Err(failure) => return Err(failure),
        }
    }
    log.scan(span.after, span.until).await
}
