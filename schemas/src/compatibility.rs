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

type Keywords = serde_json::Map<String, Value>;

fn compare(at: &str, old: &Value, new: &Value, found: &mut Vec<String>) {
    // `true` stands for the schema without keywords.
    let everything = |schema: &Value| *schema == Value::Bool(true);
    let keywords = |schema: &Value| match schema {
        Value::Object(keywords) => Some(keywords.clone()),
        schema => everything(schema).then(Keywords::new),
    };
    let (Some(old), Some(new)) = (keywords(old), keywords(new)) else {
        if old != new {
            found.push(format!("{at}: {old} became {new}"));
        }
        return;
    };
    let all: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    for keyword in all {
        let (old, new) = (old.get(keyword), new.get(keyword));
        if old != new {
            compare_keyword(at, keyword, old, new, found);
        }
    }
}

/// What a keyword that was changed, added or removed breaks.
fn compare_keyword(
    at: &str,
    keyword: &str,
    old: Option<&Value>,
    new: Option<&Value>,
    found: &mut Vec<String>,
) {
    match keyword {
        "$defs" | "properties" => members(at, keyword, old, new, found),
        "additionalProperties" => others(at, old, new, found),
        "anyOf" | "enum" | "oneOf" | "type" => alternatives(at, keyword, old, new, found),
        "maxLength" | "maximum" => bound(at, keyword, old, new, f64::lt, found),
        "minLength" | "minimum" => bound(at, keyword, old, new, f64::gt, found),
        "required" => {
            let names = |value: Option<&Value>| -> BTreeSet<String> {
                let names = value.and_then(Value::as_array).into_iter().flatten();
                names.filter_map(Value::as_str).map(str::to_owned).collect()
            };
            for name in names(new).difference(&names(old)) {
                found.push(format!("{at}: {name} became required"));
            }
        }
        // What readers take for an absent field: it may be said of a field that becomes optional.
        "default" if old.is_none() => {}
        _ => found.push(format!("{at}: {keyword} changed")),
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

/// What members that are not listed may be: anything, if nothing is said; nothing, if `false`.
fn others(at: &str, old: Option<&Value>, new: Option<&Value>, found: &mut Vec<String>) {
    let anything = Value::Bool(true);
    let (old, new) = (old.unwrap_or(&anything), new.unwrap_or(&anything));
    if *old != Value::Bool(false) {
        compare(&format!("{at}/additionalProperties"), old, new, found);
    }
}

/// Every alternative that was allowed must still be, at least.
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
            let new = list(new);
            let kept = |old: &Value| new.iter().any(|new| breaking_changes(old, new).is_empty());
            for gone in list(old).iter().filter(|old| !kept(old)) {
                found.push(format!("{at}/{keyword}: {gone} is no longer allowed"));
            }
        }
        (None, Some(_)) => found.push(format!("{at}: {keyword} was added")),
        (_, None) => {}
    }
}

/// A limit may go, or move away from what `tightens` calls closer.
fn bound(
    at: &str,
    keyword: &str,
    old: Option<&Value>,
    new: Option<&Value>,
    tightens: fn(&f64, &f64) -> bool,
    found: &mut Vec<String>,
) {
    let number = |value: Option<&Value>| value.and_then(Value::as_f64);
    let wider = match (number(old), number(new)) {
        (Some(old), Some(new)) => !tightens(&new, &old),
        _ => new.is_none(),
    };
    if !wider {
        found.push(format!("{at}: {keyword} became stricter"));
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
        check(|new| new["properties"]["a"] = json!({}), 0);
        check(|new| new["properties"]["a"]["default"] = json!("x"), 0);
    }

    #[test]
    fn opening_is_no_break_and_closing_is() {
        let of = |others: Value| json!({ "oneOf": [{ "additionalProperties": others }] });
        let breaks = |old: Value, new: Value| breaking_changes(&of(old), &of(new)).len();
        let texts = json!({ "type": "string" });
        for wider in [json!(true), texts.clone(), json!(false)] {
            assert_eq!(breaks(json!(false), wider), 0);
        }
        assert_eq!(breaks(texts.clone(), json!(true)), 0);
        assert_eq!(breaks(texts.clone(), json!({ "type": "integer" })), 1);
        assert_eq!(breaks(json!(true), texts), 1);
        assert_eq!(breaks(json!(true), json!(false)), 1);
    }

    #[test]
    fn what_is_not_understood_must_be_equal() {
        for keyword in ["maxItems", "not", "dependentRequired", "from the future"] {
            check(|new| new["properties"]["a"][keyword] = json!(1), 1);
            let with = |value: u8| {
                let mut schema = old();
                schema["properties"]["a"][keyword] = json!(value);
                schema
            };
            assert_eq!(breaking_changes(&with(1), &with(2)).len(), 1);
            assert_eq!(breaking_changes(&with(1), &with(1)).len(), 0);
            assert_eq!(breaking_changes(&with(1), &old()).len(), 1);
        }
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
