//! The shapes of what is found, as JSON Schemas.
//!
//! Invariant: every attribute that a survey writes is named here, and nothing else is allowed.

use serde_json::{Value, json};

/// The schema of the resource type `kind`; none if a survey knows no such type.
pub fn schema(kind: &str) -> Option<Value> {
    let (title, properties, required) = match kind {
        "filesystem" => (
            "A mounted file system",
            filesystem(),
            vec!["device", "filesystem"],
        ),
        "host" => ("A machine", host(), vec!["architecture"]),
        "interface" => ("A network interface", interface(), vec!["physical"]),
        "package" => ("An installed package", package(), vec!["version"]),
        "service" => ("A running service", service(), vec!["manager"]),
        _ => return None,
    };
    Some(json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    }))
}

fn filesystem() -> Value {
    json!({
        "device": {"type": "string"},
        "filesystem": {"type": "string"},
        "options": {"type": "array", "items": {"type": "string"}},
        "total_bytes": bytes(),
    })
}

fn host() -> Value {
    json!({
        "architecture": {"type": "string"},
        "cpus": {"type": "integer", "minimum": 1},
        "kernel": {"type": "string"},
        "memory_bytes": bytes(),
        "os": {"type": "string"},
        "os_id": {"type": "string"},
        "os_version": {"type": "string"},
    })
}

fn interface() -> Value {
    json!({
        "mac": {"type": "string"},
        "mtu": {"type": "integer", "minimum": 0},
        "physical": {"type": "boolean"},
        "state": {"type": "string"},
    })
}

fn package() -> Value {
    json!({
        "architecture": {"type": "string"},
        "installed_bytes": bytes(),
        "section": {"type": "string"},
        "version": {"type": "string"},
    })
}

fn service() -> Value {
    json!({
        "addresses": {"type": "array", "items": {"type": "string"}},
        "description": {"type": "string"},
        "manager": {"enum": ["none", "systemd"]},
        "program": {"type": "string"},
        "state": {"type": "string"},
    })
}

fn bytes() -> Value {
    json!({"type": "integer", "minimum": 0})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::survey;

    #[test]
    fn what_this_machine_has_fits_the_schemas() {
        for section in survey() {
            let schema = schema(section.kind).expect("a schema");
            commands::check_schema(&schema).expect("a valid schema");
            let validator = jsonschema::validator_for(&schema).expect("compiles");
            for found in section.seen.unwrap_or_default().found {
                let attributes = Value::Object(found.attributes);
                assert!(
                    validator.is_valid(&attributes),
                    "{}: {attributes}",
                    section.kind
                );
                domain::Name::try_new(&found.name).expect("a name");
            }
        }
    }
}
