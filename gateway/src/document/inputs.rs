//! That unknown fields of a body are errors, said in the schemas of bodies.
//!
//! Invariant: every object that a body may hold and whose fields are listed has no others.

use std::collections::BTreeSet;

use serde_json::Value;

const SCHEMAS: &str = "#/components/schemas/";

/// Closes the schemas that request bodies lead to.
pub(super) fn close(document: &mut Value) {
    let operations = document["paths"].as_object().into_iter().flatten();
    let operations = operations.flat_map(|(_, path)| path.as_object().into_iter().flatten());
    let mut open = BTreeSet::new();
    for (_, operation) in operations {
        note(&operation["requestBody"], &mut open);
    }
    let mut seen = BTreeSet::new();
    while let Some(name) = open.pop_first() {
        let schema = &mut document["components"]["schemas"][&name];
        close_schema(schema);
        note(schema, &mut open);
        seen.insert(name);
        open.retain(|name| !seen.contains(name));
    }
}

/// Adds the names of the schemas that `value` refers to.
fn note(value: &Value, names: &mut BTreeSet<String>) {
    let reference = value.get("$ref").and_then(Value::as_str);
    names.extend(
        reference
            .and_then(|path| path.strip_prefix(SCHEMAS))
            .map(str::to_owned),
    );
    match value {
        Value::Array(items) => items.iter().for_each(|item| note(item, names)),
        Value::Object(fields) => fields.values().for_each(|field| note(field, names)),
        _ => {}
    }
}

fn close_schema(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(close_schema),
        Value::Object(fields) => {
            fields.values_mut().for_each(close_schema);
            if fields.get("properties").is_some_and(Value::is_object) {
                fields.entry("additionalProperties").or_insert(false.into());
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_a_body_may_hold_is_closed() {
        let object = json!({"properties": {"a": {"type": "string"}}});
        let closed =
            json!({"properties": {"a": {"type": "string"}}, "additionalProperties": false});
        let body = |name: &str| json!({"$ref": format!("{SCHEMAS}{name}")});
        let mut document = json!({
            "paths": {"/x": {"post": {"requestBody": {"schema": body("Wanted")}}}},
            "components": {"schemas": {
                "Wanted": {"properties": {"part": {"oneOf": [body("Part"), {"type": "null"}]}}},
                "Part": {"oneOf": [object, body("Wanted")]},
                "Shown": object,
            }},
        });
        close(&mut document);
        let schemas = &document["components"]["schemas"];
        assert_eq!(schemas["Wanted"]["additionalProperties"], json!(false));
        assert_eq!(schemas["Part"]["oneOf"][0], closed);
        assert_eq!(schemas["Shown"], object);
    }
}
