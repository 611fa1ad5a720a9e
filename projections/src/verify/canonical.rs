//! One spelling for every JSON value, so that what a database did to its form does not count.
//!
//! Invariant: values that are equal as numbers, texts and structures have equal digests; Postgres
//! keeps numbers as decimals, so `1e2` comes back as `100`.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Number, Value};

/// A digest of `value`; the same in one process only.
pub(super) fn digest(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    feed(value, &mut hasher);
    hasher.finish()
}

fn feed(value: &Value, hasher: &mut DefaultHasher) {
    match value {
        Value::Null => 0_u8.hash(hasher),
        Value::Bool(truth) => (1_u8, truth).hash(hasher),
        Value::Number(number) => (2_u8, spelled(number)).hash(hasher),
        Value::String(text) => (3_u8, text).hash(hasher),
        Value::Array(items) => {
            (4_u8, items.len()).hash(hasher);
            for item in items {
                feed(item, hasher);
            }
        }
        Value::Object(fields) => {
            (5_u8, fields.len()).hash(hasher);
            for (name, field) in fields {
                name.hash(hasher);
                feed(field, hasher);
            }
        }
    }
}

fn spelled(number: &Number) -> String {
    /// The largest whole number up to which every `f64` that is whole fits an `i64`.
    const WHOLE: f64 = 9.0e18;
    match number.as_f64() {
        Some(value) if number.is_f64() && value.fract() == 0.0 && value.abs() < WHOLE => {
            (value as i64).to_string()
        }
        Some(value) if number.is_f64() || value.abs() >= WHOLE => format!("{value:e}"),
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> u64 {
        digest(&serde_json::from_str(json).expect("JSON"))
    }

    #[test]
    fn equal_values_are_equal_however_spelled() {
        assert_eq!(of(r#"{"a":1e2,"b":[-0.0]}"#), of(r#"{"b":[0],"a":100}"#));
        assert_eq!(of("1e16"), of("10000000000000000"));
        assert_eq!(of("1e19"), of("10000000000000000000"));
        assert_ne!(of("0.1"), of("0.10000000000000002"));
        assert_ne!(of("[1,[2]]"), of("[[1],2]"));
        assert_ne!(of("null"), of("0"));
    }
}
