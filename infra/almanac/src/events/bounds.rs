//! From what is asked to the part of the log that has to be read.
//!
//! Times do not grow with positions where the clocks of gateways differ, or a commit that was asked
//! first is stored second. So a time is looked for by halving with an hour of room on both sides,
//! and what lies in that room is read.
//!
//! Invariant: nothing that is wanted lies outside, as long as no commit is older than one before it
//! by more than an hour; Postgres is not asked.

use domain::Timestamp;
use event_log::{Entry, EventLog, LogError, Position};
use futures::{
    StreamExt as _, TryStreamExt as _,
    stream::{self, BoxStream},
};

use super::filter::{Bound, Filter};

/// How much older than one before it a commit may be: an hour.
const SKEW_MS: i64 = 3_600_000;

/// What is to be read: everything after the one place, up to and with the other.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Span {
    pub after: Position,
    pub until: Position,
}

/// The part of `log` that `filter` asks for: from the first commit at or after the one time to the
/// last at or before the other. It begins and ends there whatever came later.
pub async fn span(log: &dyn EventLog, filter: &Filter) -> Result<Span, LogError> {
    let head = log.head().await?.position;
    span_up_to(log, filter, head).await
}

/// The same, as if the log ended at `head`.
pub async fn span_up_to(
    log: &dyn EventLog,
    filter: &Filter,
    head: Position,
) -> Result<Span, LogError> {
    let after = match filter.from {
        None => Position(0),
        Some(Bound::Position(from)) => Position(from.0.saturating_sub(1)),
        Some(Bound::Time(from)) => {
            let begin = before(log, from.plus_ms(-SKEW_MS), head).await?;
            let first = commits(log, begin, head, |time| time >= from).next().await;
            first
                .transpose()?
                .map_or(head, |first| Position(first.0 - 1))
        }
    };
    let until = match filter.to {
        None => head,
        Some(Bound::Position(to)) => to.min(head),
        Some(Bound::Time(to)) => {
            let begin = before(log, to.plus_ms(-SKEW_MS), head).await?;
            let end = before(log, to.plus_ms(SKEW_MS + 1), head).await?;
            let mut last = begin;
            let mut found = commits(log, begin, end, |time| time <= to);
            while let Some(position) = found.next().await {
                last = position?;
            }
            last
        }
    };
    if until <= after {
        let (after, until) = (Position(0), Position(0));
        return Ok(Span { after, until });
    }
    Ok(Span { after, until })
}

/// The places after `after` up to `until` whose commits were asked at a time that fits.
fn commits<'a>(
    log: &'a dyn EventLog,
    after: Position,
    until: Position,
    fits: impl Fn(Timestamp) -> bool + Send + 'a,
) -> BoxStream<'a, Result<Position, LogError>> {
    let parts = stream::once(log.scan(after, until)).try_flatten();
    let entries = parts.flat_map(move |part| {
        let fitting = match part {
            Ok(entries) => entries
                .iter()
                .filter_map(|entry| place(entry, &fits))
                .collect(),
            Err(failure) => vec![Err(failure)],
        };
        stream::iter(fitting)
    });
    entries.boxed()
}

fn place(entry: &Entry, fits: impl Fn(Timestamp) -> bool) -> Option<Result<Position, LogError>> {
    match entry {
        Entry::Commit(commit) if fits(commit.meta.time) => Some(Ok(commit.position)),
        _ => None,
    }
}

/// A place before which no commit is as young as `time` and an hour, and after which none is older
/// than `time` by more than that.
async fn before(log: &dyn EventLog, time: Timestamp, head: Position) -> Result<Position, LogError> {
    let (mut older, mut newer) = (Position(0), head.next());
    while newer.0 - older.0 > 1 {
        let middle = Position(older.0 + (newer.0 - older.0) / 2);
        match first_time(log, middle, newer).await? {
            Some(found) if found < time => older = middle,
            _ => newer = middle,
        }
    }
    Ok(older)
}

/// When the first commit from `from` on was asked, but not from `end` on.
async fn first_time(
    log: &dyn EventLog,
    from: Position,
    end: Position,
) -> Result<Option<Timestamp>, LogError> {
    let mut at = from;
    while at < end {
        if let Some(Entry::Commit(commit)) = one(log, at).await? {
            return Ok(Some(commit.meta.time));
        }
        at = at.next();
    }
    Ok(None)
}

/// What stands at `position`, which the log must have reached. Asked by scanning, since whoever
/// only reads may do no more.
pub async fn one(log: &dyn EventLog, position: Position) -> Result<Option<Entry>, LogError> {
    let mut parts = log.scan(Position(position.0 - 1), position).await?;
    match parts.next().await {
        Some(Ok(mut entries)) => Ok(entries.pop()),
        Some(Err(LogError::Gap { .. })) | None => Ok(None),
        Some(Err(failure)) => Err(failure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::filter::tests::{commit_at, log_of};

    fn wanted(from: Option<i64>, to: Option<i64>) -> Filter {
        let bound = |ms| Bound::Time(Timestamp::from_unix_ms(ms));
        Filter {
            from: from.map(bound),
            to: to.map(bound),
            ..Filter::default()
        }
    }

    #[tokio::test]
    async fn what_lies_between_two_times_begins_and_ends_where_it_must() {
        // One commit each ten minutes, of which every third is half an hour late.
        let minute = 60_000;
        let late = |at: i64| if at % 3 == 0 { 30 } else { 0 };
        let times: Vec<_> = (0..200).map(|at| (at * 10 - late(at)) * minute).collect();
        let log = log_of(times.iter().map(|ms| commit_at(*ms))).await;
        for from in (0..1_800).step_by(70) {
            let (from, to) = (from * minute, (from + 120) * minute);
            let Span { after, until } = span(&log, &wanted(Some(from), Some(to)))
                .await
                .expect("a span");
            let first = times.iter().position(|time| *time >= from);
            let last = times.iter().rposition(|time| *time <= to);
            let (first, last) = first.zip(last).expect("commits");
            assert_eq!((after.0, until.0), (first as u64, last as u64 + 1));
        }
    }

    #[tokio::test]
    async fn positions_are_taken_as_they_are() {
        let log = log_of((0..5).map(commit_at)).await;
        let at = |position| Some(Bound::Position(Position(position)));
        for (from, to, after, until) in [
            (None, None, 0, 5),
            (at(2), at(3), 1, 3),
            (at(0), at(9), 0, 5),
        ] {
            let filter = Filter {
                from,
                to,
                ..Filter::default()
            };
            let expected = Span {
                after: Position(after),
                until: Position(until),
            };
            assert_eq!(span(&log, &filter).await.expect("a span"), expected);
        }
    }
}
