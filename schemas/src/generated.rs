//! The documents that are generated from the types and committed beside them.
//!
//! Invariant: the same types give the same bytes, so a test can hold the committed files to the
//! code.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::catalogue::ENTRIES;

/// Every generated file of this crate: its path under `schemas/generated`, and its text.
pub fn documents() -> BTreeMap<String, String> {
    let schemas = ENTRIES.iter().map(|entry| {
        let mut schema = (entry.schema)().to_value();
        if let Some(fields) = schema.as_object_mut() {
            fields.insert(
                "$id".into(),
                format!("{}.v{}", entry.name, entry.version).into(),
            );
        }
        let path = format!("events/{}.v{}.schema.json", entry.name, entry.version);
        (path, pretty(&schema))
    });
    schemas
        .chain([("events/index.json".to_owned(), index())])
        .collect()
}

fn index() -> String {
    let entries: Vec<_> = ENTRIES
        .iter()
        .map(|entry| {
            serde_json::json!({
                "aggregate": entry.kind.name(), "type": entry.name, "v": entry.version,
            })
        })
        .collect();
    pretty(&serde_json::json!({ "events": entries }))
}

fn pretty(value: &Value) -> String {
    format!("{:#}\n", sorted(value))
}

/// `value` with its keys in order, however this build of the JSON library keeps them.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Object(fields) => {
            let ordered: BTreeMap<_, _> = fields.iter().collect();
            ordered
                .into_iter()
                .map(|(key, value)| (key.clone(), sorted(value)))
                .collect()
        }
        leaf => leaf.clone(),
    }
}
