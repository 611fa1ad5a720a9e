//! The `AsyncAPI` document: what is told by the live stream and over sockets, and every event there
//! is.
//!
//! Invariant: its schemas are those of the types that are sent, by way of the `OpenAPI` document,
//! and of the catalogue; so it is the same for every build and can be committed and compared.

use std::collections::BTreeSet;

use schemas::catalogue::{ENTRIES, Entry};
use serde_json::{Map, Value, json};

/// What one message of the stream is called, here and there, and the type of its data.
type Told = (&'static str, &'static str, &'static str);

/// Of everything that happens.
const COMMITS: [Told; 3] = [
    ("hello", "hello", "LivePosition"),
    ("commit", "commit", "Commit"),
    ("load-again", "reset", "LivePosition"),
];
/// Of a list that is followed.
const ROWS: [Told; 5] = [
    ("snapshot", "snapshot", "LiveRows"),
    ("complete", "complete", "LiveComplete"),
    ("delta", "delta", "LiveChanges"),
    ("reset", "reset", "LiveReset"),
    ("end", "end", "LiveEnd"),
];
/// What is heard and told over a socket.
const SPOKEN: [&str; 2] = ["LiveCommand", "LiveMessage"];

/// The document, as JSON for people and for version control.
pub fn asyncapi() -> String {
    let openapi: Value = serde_json::from_str(&super::openapi()).unwrap_or_default();
    let known = &openapi["components"]["schemas"];
    let document = json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": openapi["info"]["title"],
            "version": openapi["info"]["version"],
            "description": "What can be followed live. What can be asked is told by \
                /api/openapi.json, who may hear what as well.",
        },
        "defaultContentType": "application/json",
        "channels": {"stream": stream(), "socket": socket(known)},
        "operations": operations(known),
        "components": {
            "messages": events(),
            "schemas": schemas(known),
            "securitySchemes": openapi["components"]["securitySchemes"],
        },
    });
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

/// Server-sent events: `event` is the message's name, `data` its payload, `id` where to go on.
fn stream() -> Value {
    let messages: Map<_, _> = COMMITS.iter().chain(&ROWS).map(sent).collect();
    json!({
        "address": "/api/v1/stream",
        "title": "Server-sent events",
        "description": "Without `collection` all that happens; with it that list. The name of a \
            message is its `event`, the payload its `data`.",
        "messages": messages,
    })
}

fn sent((key, name, schema): &Told) -> (String, Value) {
    let message = json!({"name": name, "payload": reference("schemas", schema)});
    ((*key).to_owned(), message)
}

/// A WebSocket: each message is one text, in either direction.
fn socket(known: &Value) -> Value {
    let messages = SPOKEN.iter().flat_map(|of| spoken(known, of));
    let messages: Map<_, _> = messages.collect();
    let protocol = "`almanac.v1`, and `bearer.<access token>` instead of `Authorization`";
    json!({
        "address": "/api/v1/ws",
        "title": "WebSocket",
        "messages": messages,
        "bindings": {"ws": {
            "method": "GET",
            "headers": {
                "type": "object",
                "properties": {
                    "Sec-WebSocket-Protocol": {"type": "string", "description": protocol},
                },
            },
            "bindingVersion": "0.1.0",
        }},
    })
}

/// The messages of one direction: each has a type of its own.
fn spoken(known: &Value, of: &str) -> Vec<(String, Value)> {
    let kinds = known[of]["oneOf"].as_array().into_iter().flatten();
    let messages = kinds.enumerate().filter_map(|(at, kind)| {
        let name = kind["properties"]["type"]["enum"][0].as_str()?;
        let payload = reference("schemas", &format!("{of}/oneOf/{at}"));
        let message = json!({"name": name, "summary": kind["description"], "payload": payload});
        Some((name.to_owned(), message))
    });
    messages.collect()
}

/// What the gateway does: it sends what it tells, and receives what clients say.
fn operations(known: &Value) -> Value {
    let keys = |told: &[Told]| told.iter().map(|(key, ..)| (*key).to_owned()).collect();
    let said = |of| {
        spoken(known, of)
            .into_iter()
            .map(|(name, _)| name)
            .collect()
    };
    json!({
        "tellCommits": operation("send", "stream", keys(&COMMITS)),
        "tellRows": operation("send", "stream", keys(&ROWS)),
        "hearCommands": operation("receive", "socket", said(SPOKEN[0])),
        "tellFollowers": operation("send", "socket", said(SPOKEN[1])),
    })
}

fn operation(action: &str, channel: &str, messages: Vec<String>) -> Value {
    let at = |name: String| json!({"$ref": format!("#/channels/{channel}/messages/{name}")});
    let security = ["bearer", "api_key"].map(|name| reference("securitySchemes", name));
    json!({
        "action": action,
        "channel": {"$ref": format!("#/channels/{channel}")},
        "messages": messages.into_iter().map(at).collect::<Vec<_>>(),
        "security": security,
    })
}

/// Every event there is, as it leaves the system.
fn events() -> Map<String, Value> {
    let messages = ENTRIES.iter().map(|entry| {
        let name = wire_name(entry);
        let payload = reference("schemas", &format!("{name}.event"));
        let message = json!({"name": name, "title": name, "payload": payload});
        (name, message)
    });
    messages.collect()
}

/// Those of the types that are sent, and those of the catalogue.
fn schemas(known: &Value) -> Map<String, Value> {
    let mut all = Map::new();
    let names = COMMITS.iter().chain(&ROWS).map(|(.., schema)| *schema);
    let mut open: BTreeSet<String> = names
        .chain(SPOKEN)
        .chain(["LiveEvent"])
        .map(str::to_owned)
        .collect();
    while let Some(name) = open.pop_first() {
        let Some(schema) = known.get(&name) else {
            continue;
        };
        note(schema, &mut open);
        all.insert(name, schema.clone());
        open.retain(|name| !all.contains_key(name));
    }
    let of = |entry| reference("schemas", &format!("{}.event", wire_name(entry)));
    let each: Vec<_> = ENTRIES.iter().map(of).collect();
    let told = json!({"properties": {"events": {"items": reference("schemas", "Event")}}});
    let commit = json!({"allOf": [reference("schemas", "LiveEvent"), told]});
    all.insert("Commit".to_owned(), commit);
    all.insert("Event".to_owned(), json!({"oneOf": each}));
    for entry in ENTRIES {
        let name = wire_name(entry);
        let mut data = (entry.schema)().to_value();
        if let Some(fields) = data.as_object_mut() {
            fields.remove("$schema");
        }
        rebase(&mut data, &name);
        let kind = json!({"type": {"const": name}, "data": reference("schemas", &name)});
        let event = json!({"allOf": [reference("schemas", "EventView"), {"properties": kind}]});
        all.insert(format!("{name}.event"), event);
        all.insert(name, data);
    }
    all
}

/// As in `type`: the event's name and version.
fn wire_name(entry: &Entry) -> String {
    format!("{}.v{}", entry.name, entry.version)
}

fn reference(kind: &str, name: &str) -> Value {
    json!({"$ref": format!("#/components/{kind}/{name}")})
}

/// Adds the names of the schemas that `value` refers to.
fn note(value: &Value, names: &mut BTreeSet<String>) {
    each_reference(&mut value.clone(), &mut |at| {
        let name = at.strip_prefix("#/components/schemas/");
        names.extend(name.map(str::to_owned));
    });
}

/// A schema that stood by itself now stands under `name`.
fn rebase(schema: &mut Value, name: &str) {
    each_reference(schema, &mut |at| {
        if let Some(rest) = at.strip_prefix("#/$defs/") {
            *at = format!("#/components/schemas/{name}/$defs/{rest}");
        }
    });
}

fn each_reference(value: &mut Value, found: &mut impl FnMut(&mut String)) {
    match value {
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| each_reference(item, found)),
        Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    Value::String(at) if name == "$ref" => found(at),
                    field => each_reference(field, found),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Value {
        serde_json::from_str(&asyncapi()).expect("JSON")
    }

    #[test]
    fn the_committed_document_is_the_one_that_is_served() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../schemas/generated/asyncapi.json"
        );
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            committed == asyncapi(),
            "what is told has changed: run `cargo xtask schemas`"
        );
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document();
        let mut count = 0;
        each_reference(&mut document.clone(), &mut |at| {
            let pointer = at.strip_prefix('#').expect("within the document");
            assert!(document.pointer(pointer).is_some(), "{at}");
            count += 1;
        });
        assert!(count > 100, "{count}");
    }

    #[test]
    fn both_ways_and_every_event_are_told_of() {
        let document = document();
        for (channel, operation) in [("stream", "stream"), ("socket", "ws")] {
            let address = format!("/api/v1/{operation}");
            assert_eq!(document["channels"][channel]["address"], address);
            assert!(super::super::LIVE.contains(&address.as_str()));
        }
        let heard = &document["operations"]["hearCommands"]["messages"];
        assert_eq!(heard.as_array().map(Vec::len), Some(3));
        for entry in ENTRIES {
            let name = wire_name(entry);
            assert!(
                document["components"]["messages"][&name].is_object(),
                "{name}"
            );
        }
    }
}
