//! An object's events, one after the other.
//!
//! Invariant: the work is bounded: events are read in small pages, and whoever asks about more than
//! can be folded for one answer is told so.

use std::collections::BTreeMap;

use domain::Timestamp;
use projections::event_log;
use schemas::{
    Position, Version,
    api::{Cause, EventView},
    catalogue::{EventRecord, Recorded as _},
};
use serde_json::value::to_raw_value;

use super::{
    Shown, Sight, Whose,
    leaves::{changed, leaves},
};
use crate::{
    app::App,
    extract::Reading,
    problem::{Error, Result},
};

/// The most events that are folded for one answer.
const EVENTS_MAX: usize = 2_000;
/// How many of them are read at once; each may be as large as a body.
const PAGE: u32 = 100;

/// What became of an object between two moments.
pub(super) struct Steps {
    /// After the first moment.
    pub(super) first: Sight,
    /// After the last.
    pub(super) last: Sight,
    /// The first of its commits up to the last moment that could not be applied.
    pub(super) stale_since: Option<Position>,
    /// The last moment.
    pub(super) to: Position,
    /// Whether it ever was there up to the last moment.
    pub(super) was_there: bool,
}

/// Folds the events of `whose` up to the moment of `reading`, and notes in `by`, for each field
/// that changed after `from`, the last event that changed it. `asked` is the parameter that wants
/// it.
pub(super) async fn fold<A: Shown>(
    app: &App,
    reading: &Reading,
    whose: Whose,
    asked: &str,
    from: Position,
    by: &mut BTreeMap<String, Cause>,
) -> Result<Steps> {
    let mut state: Option<A> = None;
    let mut steps = Steps {
        first: sight::<A>(app, whose, Version(0), None).await?,
        last: Sight::default(),
        stale_since: None,
        to: reading.moment.unwrap_or_default(),
        was_there: false,
    };
    steps.was_there = steps.first.version.is_some();
    steps.last = steps.first.clone();
    let (mut after, mut count, mut is_first_page) = (None, 0, true);
    loop {
        let (tenant, id) = (whose.tenant, whose.id);
        let page = event_log::of_aggregate(&app.store, tenant, A::KIND, id, after, PAGE).await?;
        if is_first_page {
            // What is written meanwhile is of a later moment.
            steps.to = reading.moment.unwrap_or(page.position).min(page.position);
            steps.stale_since = page.stale_since.filter(|since| *since <= steps.to);
            is_first_page = false;
        }
        let mut is_over = page.value.next.is_none();
        for event in page.value.items {
            let cause = cause(&event)?;
            if cause.position > steps.to.0 {
                is_over = true;
                break;
            }
            count += 1;
            if count > EVENTS_MAX {
                let detail = format!(
                    "more than {EVENTS_MAX} events made this object what it was then; ask about an \
                     earlier moment, or read its events"
                );
                return Err(Error::invalid_parameter(asked, detail));
            }
            let version = Version(event.streamrevision);
            state = A::evolve(state, &read::<A>(&event)?, event.time);
            steps.was_there = true;
            let sight = sight(app, whose, version, state.clone()).await?;
            if cause.position <= from.0 {
                steps.first = sight.clone();
            } else {
                for pointer in changed(&steps.last.leaves, &sight.leaves) {
                    by.insert(pointer, cause.clone());
                }
            }
            steps.last = sight;
        }
        if is_over {
            return Ok(steps);
        }
        after = page.value.next;
    }
}

/// What the API shows of a state.
async fn sight<A: Shown>(
    app: &App,
    whose: Whose,
    version: Version,
    state: Option<A>,
) -> Result<Sight> {
    let view = A::view(app, whose, version, state).await?;
    Ok(view.map_or_else(Sight::default, |view| Sight {
        leaves: leaves(view),
        version: Some(version.0),
    }))
}

/// The event as the domain knows it.
fn read<A: Shown>(event: &EventView) -> Result<A::Event> {
    let (name, v) = (event.name.rsplit_once(".v"))
        .and_then(|(name, v)| Some((name, v.parse().ok()?)))
        .ok_or_else(|| Error::internal(format!("{} has no version", event.name)))?;
    let record = EventRecord {
        name: name.to_owned().into(),
        v,
        data: to_raw_value(&event.data).map_err(Error::internal)?,
    };
    A::Event::read(&record).map_err(Error::internal)
}

/// What is said of an event that set a field.
fn cause(event: &EventView) -> Result<Cause> {
    let (position, index) = (event.id.split_once('.'))
        .and_then(|(position, index)| Some((position.parse().ok()?, index.parse().ok()?)))
        .ok_or_else(|| Error::internal(format!("{} is no id of an event", event.id)))?;
    let time: Timestamp = event.time;
    Ok(Cause {
        position,
        index,
        name: event.name.clone(),
        actor: event.actorid.clone(),
        command: event.commandid,
        time,
        trace_id: event.traceparent.as_deref().and_then(trace_id),
    })
}

/// The trace of a `traceparent` (W3C Trace Context §3.2.2).
fn trace_id(traceparent: &str) -> Option<String> {
    traceparent.split('-').nth(1).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_trace_is_the_second_part_of_its_parent() {
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let trace = super::trace_id(parent);
        assert_eq!(trace.as_deref(), Some("0af7651916cd43dd8448eb211c80319c"));
        assert_eq!(super::trace_id("none"), None);
    }
}
