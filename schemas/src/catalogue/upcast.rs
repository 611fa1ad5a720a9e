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

/// Brings `data` of `event` from `version` up to the newest version that the steps lead to.
pub(super) fn to_current(event: &str, version: u16, data: Value) -> Result<Value, DecodeError> {
    lead(STEPS, event, version, data)
}

fn lead(steps: &[Step], event: &str, version: u16, data: Value) -> Result<Value, DecodeError> {
    let mut at = version;
    let mut data = data;
    while let Some(step) = steps
        .iter()
        .find(|step| step.event == event && step.from == at)
    {
        data = (step.up)(data);
        at += 1;
    }
    if at == version {
        let reason = "no upcaster leads on from this version".to_owned();
        return Err(DecodeError::Data {
            event: event.to_owned(),
            version,
            reason,
        });
    }
    Ok(data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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

    #[test]
    fn steps_chain() {
        let up = lead(TRIAL, "a.b", 1, json!({ "title": "x" }));
        assert_eq!(up, Ok(json!({ "name": "x", "tags": [] })));
    }

    #[test]
    fn a_missing_step_is_an_error_not_a_guess() {
        assert!(lead(TRIAL, "a.c", 1, json!({})).is_err());
        assert!(to_current("task.created", 1, json!({})).is_err());
    }
}
