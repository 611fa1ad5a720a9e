//! What would break readers of a JSON Schema that changed.
//!
//! Invariant: whatever was valid under the old schema is valid under one with no breaking change.
//! The comparison is structural and errs on the strict side: what it does not understand must be
//! equal.

use std::collections::BTreeSet;

use serde_json::Value;

/// Each change from `old` to `new` that would make old documents unreadable, with its place.
pub fn breaking_changes(old: &Value, new: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", &bare(old), &bare(new), &mut found);
    found
}

/// `schema` without the words that only people read.
fn bare(schema: &Value) -> Value {
    match schema {
        Value::Array(items) => items.iter().map(bare).collect(),
        Value::Object(fields) => {
            let spoken = |key: &str, value: &Value| {
                matches!(key, "description" | "examples" | "title") && !value.is_object()
            };
            let kept = fields.iter().filter(|(key, value)| !spoken(key, value));
            kept.map(|(key, value)| (key.clone(), bare(value)))
                .collect()
        }
        leaf => leaf.clone(),
    }
}

fn compare(at: &str, old: &Value, new: &Value, found: &mut Vec<String>) {
    let (Some(old), Some(new)) = (old.as_object(), new.as_object()) else {
        if old != new {
            found.push(format!("{at}: {old} became {new}"));
        }
        return;
    };
    let required = |schema: &serde_json::Map<String, Value>| -> BTreeSet<String> {
        let names = schema.get("required").and_then(Value::as_array);
        names
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    };
    for name in required(new).difference(&required(old)) {
        found.push(format!("{at}: {name} became required"));
    }
    for keyword in ["properties", "$defs"] {
        members(at, keyword, old.get(keyword), new.get(keyword), found);
    }
    for keyword in ["enum", "oneOf", "anyOf", "type"] {
        alternatives(at, keyword, old.get(keyword), new.get(keyword), found);
    }
    for keyword in [
        "items",
        "additionalProperties",
        "const",
        "format",
        "$ref",
        "pattern",
    ] {
        if old.get(keyword) != new.get(keyword) {
            found.push(format!("{at}: {keyword} changed"));
        }
    }
    for (keyword, tightens) in [
        ("minimum", f64::gt as fn(&f64, &f64) -> bool),
        ("minLength", f64::gt),
        ("maximum", f64::lt),
        ("maxLength", f64::lt),
    ] {
        let bound = |schema: &serde_json::Map<String, Value>| schema.get(keyword)?.as_f64();
        match (bound(old), bound(new)) {
            (Some(old), Some(new)) if !tightens(&new, &old) => {}
            (_, None) => {}
            _ => found.push(format!("{at}: {keyword} became stricter")),
        }
    }
}

fn members(
    at: &str,
    keyword: &str,
    old: Option<&Value>,
    new: Option<&Value>,
    found: &mut Vec<String>,
) {
    for (name, old) in old.and_then(Value::as_object).into_iter().flatten() {
        let place = format!("{at}/{keyword}/{name}");
        match new.and_then(|new| new.get(name)) {
            Some(new) => compare(&place, old, new, found),
            None => found.push(format!("{place}: removed")),
        }
    }
}

/// Every alternative that was allowed must still be.
fn alternatives(
    at: &str,
    keyword: &str,
    old: Option<&Value>,
    new: Option<&Value>,
    found: &mut Vec<String>,
) {
    let list = |value: &Value| match value {
        Value::Array(items) => items.clone(),
        one => vec![one.clone()],
    };
    match (old, new) {
        (Some(old), Some(new)) => {
            let (old, new) = (list(old), list(new));
            for gone in old.iter().filter(|item| !new.contains(item)) {
                found.push(format!("{at}/{keyword}: {gone} is no longer allowed"));
            }
        }
        (None, Some(_)) => found.push(format!("{at}: {keyword} was added")),
        (_, None) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn old() -> Value {
        json!({
            "type": "object", "required": ["a"],
            "properties": {
                "a": { "type": "string", "maxLength": 10 },
                "b": { "enum": ["x", "y"] }
            }
        })
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Value), breaks: usize) {
        let mut new = old();
        change(&mut new);
        let found = breaking_changes(&old(), &new);
        assert_eq!(found.len(), breaks, "{found:?}");
    }

    #[test]
    fn other_words_are_no_break() {
        let with = |words: &str| json!({ "oneOf": [{ "const": "a", "description": words }] });
        assert_eq!(
            breaking_changes(&with("one"), &with("two")),
            Vec::<String>::new()
        );
    }

    #[test]
    fn growing_is_no_break() {
        check(|_| {}, 0);
        check(
            |new| new["properties"]["c"] = json!({ "type": "string" }),
            0,
        );
        check(
            |new| new["properties"]["b"]["enum"] = json!(["x", "y", "z"]),
            0,
        );
        check(|new| new["properties"]["a"]["maxLength"] = json!(20), 0);
        check(|new| new["required"] = json!([]), 0);
    }

    #[test]
    fn shrinking_is() {
        check(|new| new["required"] = json!(["a", "b"]), 1);
        check(
            |new| new["properties"] = json!({ "b": old()["properties"]["b"] }),
            1,
        );
        check(|new| new["properties"]["a"]["type"] = json!("integer"), 1);
        check(|new| new["properties"]["b"]["enum"] = json!(["x"]), 1);
        check(|new| new["properties"]["a"]["maxLength"] = json!(5), 1);
        check(|new| new["properties"]["a"]["minLength"] = json!(5), 1);
        check(|new| new["properties"]["a"]["pattern"] = json!("^x"), 1);
        check(|new| new["additionalProperties"] = json!(false), 1);
    }
}
