//! `almanac events tail`
//!
//! Invariant: between what was there and what comes nothing is left out or told twice, also where
//! the connection was lost in between.

use std::{collections::VecDeque, process::ExitCode, time::Duration};

use anyhow::{Context as _, Result};
use event_log::{EventLog, LogError, Position};
use futures::StreamExt as _;
use schemas::api::EventView;
use tokio_util::sync::CancellationToken;

use super::told::{Heard, Told};
use crate::{
    cli::TailEvents,
    events::{
        bounds::{self, Span},
        filter::Filter,
        line,
    },
};

/// How far back is looked first; each further look is four times as long, up to the second.
const STEP: (u64, u64) = (1_000, 64_000);
/// How long to wait before a lost connection is tried again.
const PAUSE: Duration = Duration::from_millis(500);

pub(super) async fn run(asked: TailEvents) -> Result<ExitCode> {
    let interrupted = runtime::shutdown_on_signal()?;
    let filter = Filter::from(asked.filters);
    let log = super::open(&asked.place).await?;
    let head = log.head().await?.position;
    let mut told = Told::begin();
    let tailed = async {
        let last = last(&log, &filter, head, asked.lines).await?;
        if told.tell(&last)? == Heard::No || !asked.follow {
            return Ok(());
        }
        follow(&log, &filter, head, &mut told).await
    };
    tokio::select! {
        () = CancellationToken::cancelled(&interrupted) => {}
        tailed = tailed => tailed?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The last events up to `head` that are wanted, the oldest first.
async fn last(
    log: &dyn EventLog,
    filter: &Filter,
    head: Position,
    count: usize,
) -> Result<Vec<EventView>> {
    let Span { after, until } = bounds::span_up_to(log, filter, head).await?;
    let (mut found, mut end, mut step) = (VecDeque::new(), until, STEP.0);
    while found.len() < count && end > after {
        let begin = Position(end.0.saturating_sub(step)).max(after);
        let mut parts = log.scan(begin, end).await?;
        let mut earlier = Vec::new();
        while let Some(part) = parts.next().await {
            let part = part.context("the log could not be read")?;
            earlier.extend(part.iter().flat_map(|entry| line::views(entry, filter)));
        }
        for view in earlier.into_iter().rev() {
            found.push_front(view);
        }
        (end, step) = (begin, (step * 4).min(STEP.1));
    }
    let surplus = found.len().saturating_sub(count);
    Ok(found.into_iter().skip(surplus).collect())
}

/// What comes after `last`, until nobody reads any more.
async fn follow(
    log: &dyn EventLog,
    filter: &Filter,
    mut last: Position,
    told: &mut Told,
) -> Result<()> {
    loop {
        let followed = async {
            let mut entries = log.follow(last).await?;
            while let Some(entry) = entries.next().await {
                let entry = entry?;
                last = entry.position();
                let views = line::views(&entry, filter);
                if !views.is_empty() && told.tell(&views)? == Heard::No {
                    return Ok(());
                }
            }
            Err(anyhow::Error::new(LogError::Unavailable(
                "it ended".to_owned(),
            )))
        };
        match followed.await {
            Err(failure) if matches!(failure.downcast_ref(), Some(LogError::Unavailable(_))) => {
                tracing::warn!(%failure, "the log cannot be followed: trying on");
                tokio::time::sleep(PAUSE).await;
            }
            ended => return ended,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::filter::tests::{commit_at, log_of};

    #[tokio::test]
    async fn the_last_are_found_however_far_back_and_none_beyond_the_head() {
        let log = log_of((1..=6_000).map(commit_at)).await;
        let all = Filter::default();
        let first = Filter {
            id: Some(uuid::Uuid::from_u128(2)),
            ..Filter::default()
        };
        for (filter, head, count, expected) in [
            (&all, 5_000, 3, vec!["4999.1", "5000.0", "5000.1"]),
            (&all, 1, 9, vec!["1.0", "1.1"]),
            (&all, 6_000, 0, vec![]),
            (&first, 6_000, 9, vec!["2.0", "2.1"]),
            (&first, 1, 9, vec![]),
        ] {
            let found = last(&log, filter, Position(head), count).await;
            let ids: Vec<_> = found
                .expect("read")
                .into_iter()
                .map(|view| view.id)
                .collect();
            assert_eq!(ids, expected, "{count} up to {head}");
        }
    }
}
