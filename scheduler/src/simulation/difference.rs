//! What a change makes of a forecast.
//!
//! Invariant: what is not named did not change.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Forecast;

/// A figure as it would be and as it will be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Change {
    /// Without the change.
    pub before: f64,
    /// With it.
    pub after: f64,
}

/// What a change makes of a forecast: the figures that differ, by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Difference(pub BTreeMap<String, Change>);

/// What differs between the two.
pub fn difference(before: &Forecast, after: &Forecast) -> Difference {
    let (before, after) = (figures(before), figures(after));
    let names = before.keys().chain(after.keys());
    let changes = names.filter_map(|name| {
        let of = |figures: &BTreeMap<String, f64>| figures.get(name).copied().unwrap_or(0.0);
        let change = Change {
            before: of(&before),
            after: of(&after),
        };
        // Both are counted the same way, so what did not change is the same to the last bit.
        (change.before.to_bits() != change.after.to_bits()).then(|| (name.clone(), change))
    });
    Difference(changes.collect())
}

fn figures(forecast: &Forecast) -> BTreeMap<String, f64> {
    let busiest = forecast.tasks_per_hour.iter().copied().max();
    let mut figures = BTreeMap::from([
        ("tasks".to_owned(), forecast.tasks as f64),
        ("busy_max".to_owned(), f64::from(forecast.busy_max)),
        (
            "busiest_hour_tasks".to_owned(),
            busiest.unwrap_or_default() as f64,
        ),
        ("odd_slots".to_owned(), forecast.odd_total as f64),
        ("utilisation".to_owned(), forecast.utilisation),
    ]);
    for (priority, waits) in &forecast.waits {
        figures.insert(format!("{priority}_tasks"), waits.tasks as f64);
        figures.insert(format!("{priority}_wait_p50_ms"), waits.p50_ms as f64);
        figures.insert(format!("{priority}_wait_p99_ms"), waits.p99_ms as f64);
        figures.insert(format!("{priority}_wait_max_ms"), waits.max_ms as f64);
    }
    for (reason, count) in &forecast.skipped {
        figures.insert(format!("skipped_{reason}"), *count as f64);
    }
    for (name, counts) in [
        ("overlaps_queued", &forecast.queued),
        ("overlaps_stopped", &forecast.stopped),
    ] {
        figures.insert(name.to_owned(), counts.values().sum::<u64>() as f64);
    }
    if let Some(cost) = &forecast.outage {
        figures.insert("outage_fired_late".to_owned(), cost.fired_late as f64);
        figures.insert("outage_skipped".to_owned(), cost.skipped as f64);
        figures.insert("outage_backlog_max".to_owned(), cost.backlog_max as f64);
        let recovered_ms = cost
            .recovered_after_ms
            .map_or(f64::INFINITY, |ms| ms as f64);
        figures.insert("outage_recovered_after_ms".to_owned(), recovered_ms);
    }
    figures
}
