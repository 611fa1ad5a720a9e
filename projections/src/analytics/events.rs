//! The log in SQL: one view of all events, and one for each type with its data as columns.
//!
//! Invariant: these come from the catalogue and the schemas of events, so an event cannot be
//! without its view; what is sealed is in none of them, of whatever version.

use std::collections::{BTreeMap, BTreeSet};

use schemas::{catalogue::ENTRIES, domain::AggregateKind};
use serde_json::{Map, Value};

use super::view::{Column, Personal, View, column, literal};

pub(super) fn views() -> Vec<View> {
    let types = ENTRIES
        .iter()
        .map(|entry| of_type(entry.kind, entry.name, &(entry.schema)().to_value()));
    types.chain([all()]).collect()
}

/// What every event has.
fn envelope() -> Vec<Column> {
    vec![
        column(
            "event_id",
            "text",
            "event_id",
            "The event: its position and its place in the commit there.",
        ),
        column(
            "position",
            "bigint",
            "position",
            "The place in the log of the commit that holds it.",
        ),
        column("tenant_id", "uuid", "tenant_id", "The tenant."),
        column(
            "version",
            "bigint",
            "version",
            "The version that the aggregate has since, from 1.",
        ),
        column(
            "schema_version",
            "integer",
            "schema_version",
            "The version of the event's data.",
        ),
        column(
            "occurred_at",
            "timestamp with time zone",
            "occurred_at",
            "When it was committed.",
        ),
        column(
            "actor",
            "text",
            "actor",
            "Who caused it: user:<id>, platform:<id> or system:<part>.",
        )
        .pseudonym(),
        column(
            "command_id",
            "uuid",
            "command_id",
            "The command that caused it.",
        ),
        column(
            "correlation_id",
            "uuid",
            "correlation_id",
            "What all that followed from one request have in common.",
        ),
        column(
            "causation_id",
            "uuid",
            "causation_id",
            "The command whose event led to it, if one did.",
        ),
    ]
}

fn all() -> View {
    let mut columns = envelope();
    columns.extend([
        column(
            "type",
            "text",
            "type",
            "What happened, such as task.created.",
        ),
        column(
            "aggregate_kind",
            "text",
            "kind",
            "What it happened to: user, resource, task, job, …",
        ),
        column("aggregate_id", "uuid", "id", "The one that it happened to.").pseudonym(),
        column(
            "event_index",
            "integer",
            "index",
            "The place in its commit, from 0.",
        ),
        column(
            "traceparent",
            "text",
            "traceparent",
            "The trace it belongs to (W3C Trace Context).",
        ),
        column(
            "data",
            "jsonb",
            &without_sealed(),
            "Its data; personal text is left out.",
        )
        .free_text(),
    ]);
    let description = "Every event of the log, one row each; what a type of events tells \
                       is in columns in the view ev_<type>.";
    View::new("events", description, "event_log", columns)
}

/// The data of an event without what is sealed. By kind and not by type and version, so that a
/// field that is sealed in any version is left out of all.
fn without_sealed() -> String {
    let mut sealed = BTreeMap::<_, BTreeSet<String>>::new();
    for entry in ENTRIES {
        let schema = (entry.schema)().to_value();
        let names = fields(&schema).into_iter();
        let names = names.filter(|(_, field)| is_sealed(field));
        let of_kind = sealed.entry(entry.kind.name()).or_default();
        of_kind.extend(names.map(|(name, _)| name.clone()));
    }
    let cases = sealed.iter().filter(|(_, names)| !names.is_empty());
    let cases = cases.map(|(kind, names)| {
        let names: Vec<_> = names.iter().map(|name| literal(name)).collect();
        let names = names.join(", ");
        format!("when {} then data - array[{names}] ", literal(kind))
    });
    format!("case kind {}else data end", cases.collect::<String>())
}

fn of_type(kind: AggregateKind, name: &str, schema: &Value) -> View {
    let mut columns = envelope();
    let key = format!("{}_id", kind.name());
    if columns.iter().all(|column| column.name != key) {
        let whose = column(&key, "uuid", "id", "The one that it happened to.");
        let is_person = matches!(
            kind,
            AggregateKind::EmailClaim | AggregateKind::IdentityClaim | AggregateKind::User
        );
        columns.push(if is_person { whose.pseudonym() } else { whose });
    }
    for (name, field) in fields(schema) {
        let data = Field {
            defs: &schema["$defs"],
            kind,
            path: vec![name.clone()],
            name: name.clone(),
            schema: field,
        };
        for column in data.columns() {
            if columns.iter().any(|other| other.name == column.name) {
                let name = format!("data_{}", column.name);
                columns.push(Column { name, ..column });
            } else {
                columns.push(column);
            }
        }
    }
    let told = text(&schema["description"]).unwrap_or_default();
    View::new(
        &format!("ev_{}", name.replace('.', "_")),
        &format!("Events {name}, one row each: {told}"),
        &format!("event_log where type = {}", literal(name)),
        columns,
    )
}

fn fields(schema: &Value) -> Vec<(&String, &Value)> {
    let fields = schema["properties"].as_object();
    fields.map(Map::iter).into_iter().flatten().collect()
}

/// A field of an event's data.
struct Field<'a> {
    defs: &'a Value,
    kind: AggregateKind,
    path: Vec<String>,
    name: String,
    schema: &'a Value,
}

impl Field<'_> {
    /// One column; several for an object of known fields; none for what is sealed.
    fn columns(&self) -> Vec<Column> {
        if is_sealed(self.schema) {
            return Vec::new();
        }
        let target = self.target();
        let inner = fields(target);
        if inner.is_empty() || self.path.len() > 1 {
            return vec![self.column(target)];
        }
        let inner = inner.into_iter().flat_map(|(name, schema)| {
            let mut path = self.path.clone();
            path.push(name.clone());
            // Keys are called the same everywhere, so that tools can join by them.
            let name = if name.ends_with("_id") {
                name.clone()
            } else {
                format!("{}_{name}", self.name)
            };
            let defs = self.defs;
            let kind = self.kind;
            Field {
                defs,
                kind,
                path,
                name,
                schema,
            }
            .columns()
        });
        inner.collect()
    }

    /// What the field is, wherever that is written, and whether it may be null or not.
    fn target(&self) -> &Value {
        let mut target = self.schema;
        if let Some(either) = target["anyOf"].as_array() {
            let some = either.iter().find(|schema| schema["type"] != "null");
            target = some.unwrap_or(target);
        }
        match reference(target) {
            Some(name) => &self.defs[name],
            None => target,
        }
    }

    fn column(&self, target: &Value) -> Column {
        let (kind, personal) = self.kind(target);
        let mut name = self.name.clone();
        if kind == INSTANT && !name.ends_with("_at") {
            name = if name == "at" {
                "planned_at".to_owned()
            } else {
                format!("{name}_at")
            };
        }
        let path = self.path.iter().map(|step| literal(step));
        let path = path.collect::<Vec<_>>().join(", ");
        let read = if kind == "jsonb" { "#>" } else { "#>>" };
        let told = text(&self.schema["description"]).or_else(|| text(&target["description"]));
        Column {
            name,
            kind,
            description: told.unwrap_or_default(),
            personal,
            expression: format!("data {read} array[{path}]"),
        }
    }

    fn kind(&self, target: &Value) -> (&'static str, Personal) {
        let types = target["type"].as_array();
        let is = |name: &str| {
            target["type"] == name || types.is_some_and(|types| types.iter().any(|of| of == name))
        };
        let is_word = target["oneOf"]
            .as_array()
            .is_some_and(|words| words.iter().all(|word| word["const"].is_string()));
        match target["format"].as_str() {
            Some("uuid") if self.kind == AggregateKind::User || self.is_person() => {
                ("uuid", Personal::Pseudonym)
            }
            Some("uuid") => ("uuid", Personal::None),
            Some("date-time") => (INSTANT, Personal::None),
            Some("uint8" | "uint16" | "uint32") => ("bigint", Personal::None),
            _ if is_word => ("text", Personal::None),
            _ if is("string") => ("text", Personal::FreeText),
            _ if is("boolean") => ("boolean", Personal::None),
            // A bigint cannot hold every number of 64 bits without a sign.
            _ if is("integer") || is("number") => ("numeric", Personal::None),
            _ => ("jsonb", Personal::FreeText),
        }
    }

    fn is_person(&self) -> bool {
        reference(self.schema) == Some("UserId")
    }
}

const INSTANT: &str = "timestamp with time zone";

fn reference(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix("#/$defs/")
}

fn is_sealed(schema: &Value) -> bool {
    let is = |schema: &Value| reference(schema) == Some("Sealed");
    let either = schema["anyOf"].as_array();
    is(schema) || either.is_some_and(|either| either.iter().any(is))
}

/// A description, on one line.
fn text(description: &Value) -> Option<String> {
    let words: Vec<_> = description.as_str()?.split_whitespace().collect();
    Some(words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is sealed deeper than the first level would not be left out of `data`.
    #[test]
    fn only_what_the_first_level_holds_is_sealed() {
        let mut sealed = 0;
        for entry in ENTRIES {
            let mut schema = (entry.schema)().to_value();
            let first = schema["properties"].take();
            let first = first.as_object().cloned().unwrap_or_default();
            sealed += first.values().filter(|field| is_sealed(field)).count();
            let deep = first.into_iter().filter(|(_, field)| !is_sealed(field));
            let deep = Value::Object(deep.collect()).to_string() + &schema["$defs"].to_string();
            assert!(!deep.contains("#/$defs/Sealed"), "{}", entry.name);
        }
        assert!(sealed > 5, "{sealed} fields are sealed");
    }

    #[test]
    fn fields_become_columns_of_their_types() {
        let entry = ENTRIES.iter().find(|entry| entry.name == "task.created");
        let entry = entry.expect("listed");
        let view = of_type(entry.kind, entry.name, &(entry.schema)().to_value());
        assert_eq!(view.name, "ev_task_created");
        let columns: BTreeMap<_, _> = view.columns.iter().map(|c| (&*c.name, c.kind)).collect();
        for (name, kind) in [
            ("job_id", "uuid"),
            ("kind", "text"),
            ("max_attempts", "bigint"),
            ("not_before_at", INSTANT),
            ("origin_slot_at", INSTANT),
            ("payload", "jsonb"),
            ("priority", "text"),
            ("task_id", "uuid"),
            ("timeout_ms", "numeric"),
        ] {
            assert_eq!(columns.get(name), Some(&kind), "{name}");
        }
    }
}
