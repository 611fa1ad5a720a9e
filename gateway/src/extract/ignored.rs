//! Fields of a body that no type knows.
//!
//! What a body holds is also recorded, and what is recorded is read tolerantly, since a newer
//! program may have written it. So the types that both share let unknown fields pass; here those
//! show by not being written again.
//!
//! Invariant: at whatever depth a field stands, it is kept or it is found.

use serde::Serialize;
use serde_json::Value;

use super::json;

/// Where in `text` the first field stands that `value`, decoded from it, does not hold.
pub(super) fn field<T: Serialize>(text: &str, value: &T) -> serde_json::Result<Option<String>> {
    let sent = serde_json::from_str(text)?;
    Ok(lost("", &sent, &serde_json::to_value(value)?))
}

fn lost(at: &str, sent: &Value, kept: &Value) -> Option<String> {
    match (sent, kept) {
        (Value::Array(sent), Value::Array(kept)) => {
            let mut items = sent.iter().zip(kept).enumerate();
            items.find_map(|(index, (sent, kept))| lost(&format!("{at}/{index}"), sent, kept))
        }
        (Value::Object(sent), Value::Object(kept)) => sent.iter().find_map(|(key, sent)| {
            let place = format!("{at}/{}", json::escaped(key));
            match kept.get(key) {
                Some(kept) => lost(&place, sent, kept),
                // The decoder knows the fields of the body itself, and null leaves one out.
                None => (!(at.is_empty() && sent.is_null())).then_some(place),
            }
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::api::CreateJob;
    use serde_json::json;

    fn found(change: impl FnOnce(&mut Value)) -> Option<String> {
        let mut body = json!({
            "name": "n",
            "schedule": {"type": "interval", "every_ms": 3_600_000},
            "task": {"kind": "a", "payload": {"any": [{"thing": null}]}},
            "origin": {"source": "s", "reference": "r"},
        });
        change(&mut body);
        let decoded: CreateJob = serde_json::from_value(body.clone()).expect("decodes");
        field(&body.to_string(), &decoded).expect("encodes")
    }

    #[test]
    fn unknown_fields_are_found_in_every_part_of_a_body() {
        assert_eq!(found(|_| {}), None);
        assert_eq!(found(|body| body["origin"] = Value::Null), None);
        let wrong = found(|body| body["schedule"]["timezone"] = json!("UTC"));
        assert_eq!(wrong.as_deref(), Some("/schedule/timezone"));
        let wrong = found(|body| body["task"]["colour"] = Value::Null);
        assert_eq!(wrong.as_deref(), Some("/task/colour"));
        let wrong = found(|body| body["origin"]["a/b"] = json!(1));
        assert_eq!(wrong.as_deref(), Some("/origin/a~1b"));
    }

    #[test]
    fn unknown_fields_are_found_in_lists() {
        let kept = json!({"list": [{"a": 1}, {"a": 1}]});
        let sent = json!({"list": [{"a": 1}, {"a": 1, "b": 1}]});
        assert_eq!(lost("", &sent, &kept).as_deref(), Some("/list/1/b"));
    }
}
