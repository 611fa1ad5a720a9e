//! How events of old versions become events of today.
//!
//! Invariant: a step is never edited once events of its version exist; steps chain, one version at
//! a time, so each old version needs only the way to the next.

use serde_json::Value;

use super::DecodeError;

/// One step: which event, from which version to the next, and how.
struct Step {
    event: &'static str,
    from: u16,
    up: fn(Value) -> Value,
}

/// Every step, by event and version. All events are in their first version so far.
const STEPS: &[Step] = &[];

/// Brings `data` of `event` from `version` up to `current`, the version of today.
pub(super) fn to_current(
    event: &str,
    version: u16,
    current: u16,
    data: Value,
) -> Result<Value, DecodeError> {
    lead(STEPS, event, version, current, data)
}

fn lead(
    steps: &[Step],
    event: &str,
    version: u16,
    current: u16,
    data: Value,
) -> Result<Value, DecodeError> {
    (version..current).try_fold(data, |data, at| {
        match steps
            .iter()
            .find(|step| step.event == event && step.from == at)
        {
            Some(step) => Ok((step.up)(data)),
            None => Err(DecodeError::Data {
                event: event.to_owned(),
                version,
                reason: format!("no upcaster leads on from version {at}"),
            }),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::ENTRIES;
    use serde_json::json;
    use std::collections::BTreeSet;

    const TRIAL: &[Step] = &[
        Step {
            event: "a.b",
            from: 1,
            up: |data| json!({ "name": data["title"] }),
        },
        Step {
            event: "a.b",
            from: 2,
            up: |data| json!({ "name": data["name"], "tags": [] }),
        },
    ];

    /// What keeps `steps` from being exactly the way of each event from its first version to today.
    fn flaws(steps: &[Step], events: &[(&str, u16)]) -> Vec<String> {
        let needed = events.iter();
        let needed = needed.flat_map(|(event, current)| (1..*current).map(move |v| (*event, v)));
        let needed: BTreeSet<_> = needed.collect();
        let given: Vec<_> = steps.iter().map(|step| (step.event, step.from)).collect();
        let missing = needed.iter().filter(|step| !given.contains(step));
        let missing = missing.map(|(event, from)| format!("{event} v{from}: no step"));
        let idle = given
            .iter()
            .enumerate()
            .filter(|(index, step)| !needed.contains(step) || given[..*index].contains(step));
        let idle = idle.map(|(_, (event, from))| format!("{event} v{from}: never taken"));
        missing.chain(idle).collect()
    }

    #[test]
    fn steps_lead_from_every_old_version_to_the_one_of_today_and_no_further() {
        let entries: Vec<_> = ENTRIES
            .iter()
            .map(|entry| (entry.name, entry.version))
            .collect();
        assert_eq!(flaws(STEPS, &entries), Vec::<String>::new());

        assert_eq!(flaws(TRIAL, &[("a.b", 3)]), Vec::<String>::new());
        assert_eq!(flaws(TRIAL, &[("a.b", 4)]), ["a.b v3: no step"]);
        assert_eq!(flaws(TRIAL, &[("a.b", 2)]), ["a.b v2: never taken"]);
        assert_eq!(flaws(&TRIAL[1..], &[("a.b", 3)]), ["a.b v1: no step"]);
    }

    #[test]
    fn steps_chain() {
        let up = |current| lead(TRIAL, "a.b", 1, current, json!({ "title": "x" }));
        assert_eq!(up(3), Ok(json!({ "name": "x", "tags": [] })));
        assert_eq!(up(2), Ok(json!({ "name": "x" })));
    }

    #[test]
    fn a_missing_step_is_an_error_not_a_guess() {
        assert!(lead(TRIAL, "a.b", 1, 4, json!({ "title": "x" })).is_err());
        assert!(lead(TRIAL, "a.c", 1, 2, json!({})).is_err());
        assert!(to_current("task.created", 1, 2, json!({})).is_err());
    }
}
