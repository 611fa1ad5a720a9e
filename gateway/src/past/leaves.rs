//! The fields of a view, one by one.
//!
//! Invariant: two views are equal if and only if their fields are.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::extract::escaped;

/// The fields by their pointers (RFC 6901). An object is its fields, unless it has none; a list is
/// one field, since what stands at a place of it is another thing once something was put before.
pub(super) type Leaves = BTreeMap<String, Value>;

/// The fields of `view`.
pub(super) fn leaves(view: Value) -> Leaves {
    let mut found = Leaves::new();
    add(&mut found, String::new(), view);
    found
}

fn add(found: &mut Leaves, pointer: String, value: Value) {
    match value {
        Value::Object(fields) if !fields.is_empty() || pointer.is_empty() => {
            for (name, value) in fields {
                add(found, format!("{pointer}/{}", escaped(&name)), value);
            }
        }
        leaf => {
            found.insert(pointer, leaf);
        }
    }
}

/// The pointers of the fields that differ.
pub(super) fn changed(before: &Leaves, after: &Leaves) -> BTreeSet<String> {
    let pointers = before.keys().chain(after.keys());
    pointers
        .filter(|pointer| before.get(*pointer) != after.get(*pointer))
        .cloned()
        .collect()
}

/// Whether `pointer` is that of an object which has no fields in `one` and has some in `other`:
/// then these are told, not it.
pub(super) fn is_filled(pointer: &str, one: &Leaves, other: &Leaves) -> bool {
    let below = format!("{pointer}/");
    let is_empty = one.get(pointer).is_some_and(Value::is_object);
    let mut next = other.range(below.clone()..);
    is_empty && next.next().is_some_and(|(at, _)| at.starts_with(&below))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn objects_are_their_fields_and_lists_are_one() {
        let view = json!({"a/b": {"~": 1, "none": {}}, "list": [{"x": 1}], "gone": null});
        let expected = [
            ("/a~1b/none", json!({})),
            ("/a~1b/~0", json!(1)),
            ("/gone", Value::Null),
            ("/list", json!([{"x": 1}])),
        ];
        let expected = expected.map(|(pointer, value)| (pointer.to_owned(), value));
        assert_eq!(leaves(view), expected.into());
        assert_eq!(leaves(json!({})), Leaves::new());
    }

    #[test]
    fn what_differs_is_named_and_an_object_that_is_filled_is_not() {
        let before = leaves(json!({"a": {}, "b": 1, "c": {"d": 1}, "same": [1]}));
        let after = leaves(json!({"a": {"x": 1}, "b": null, "c": {}, "same": [1]}));
        let told = changed(&before, &after);
        assert_eq!(
            told.iter().map(String::as_str).collect::<Vec<_>>(),
            ["/a", "/a/x", "/b", "/c", "/c/d"]
        );
        assert!(is_filled("/a", &before, &after) && is_filled("/c", &after, &before));
        assert!(!is_filled("/b", &before, &after) && !is_filled("/a", &after, &before));
        // Another field whose name begins alike is none of its own.
        let alike = leaves(json!({"a": {}, "ab": {"x": 1}}));
        assert!(!is_filled("/a", &alike, &alike));
    }
}
